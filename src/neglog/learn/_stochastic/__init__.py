"""Stochastic steps: for data larger than memory, and for rows that come call by call."""
