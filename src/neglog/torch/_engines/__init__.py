"""What computes rows and heads: the kernels on a CPU, torch's own operators on any other device."""
