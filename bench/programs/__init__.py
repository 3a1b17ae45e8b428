"""Benchmarks that are run one by one, such as `python -m bench.programs.report`."""
