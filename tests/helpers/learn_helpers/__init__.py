"""What only the tests of maximum likelihood need."""
