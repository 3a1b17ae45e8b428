"""What a fit is worth: the information matrix, standard errors, tests, the summary."""

from .estimator import WithSummary
from .table import Coefficient, Summary

__all__ = ["Coefficient", "Summary", "WithSummary"]
