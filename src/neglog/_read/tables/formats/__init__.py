"""One file for each format: an open file with columns and record batches."""
