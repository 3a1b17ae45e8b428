"""Autograd nodes: one for a whole loss, whose gradient is prepared together with it."""
