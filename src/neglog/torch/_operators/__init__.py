"""Operators registered with torch: what compilers, exporters and dispatch modes see.

Each has an implementation for CPUs, the kernels, and one for any other device, composed.
"""
