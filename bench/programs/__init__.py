"""Benchmarks that are run one by one: `python -m bench.programs.report`, `learn`, `checked_losses`."""
