"""Reading files of predictions."""
