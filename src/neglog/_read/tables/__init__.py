"""Files of predictions as batches of arrays: every row of them, for the report."""

from .batch import MISSING, Batch, LogprobBatch, Strings
from .source import Source, open_predictions

__all__ = ["MISSING", "Batch", "LogprobBatch", "Source", "Strings", "open_predictions"]
