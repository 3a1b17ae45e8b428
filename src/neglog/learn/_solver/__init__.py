"""Truncated Newton: the objective, its preconditioners, the steps."""
