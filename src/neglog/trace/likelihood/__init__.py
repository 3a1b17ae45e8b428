"""The likelihood of densities, point by point."""
