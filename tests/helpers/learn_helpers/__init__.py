"""What only the tests of the kernels need."""
