"""The state of a report: parts that add rows, merge, and find."""
