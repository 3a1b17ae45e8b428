"""What a fit is worth: the information matrix, standard errors, tests, the summary."""

from .summarise import Fitted, summarise
from .table import Coefficient, Summary

__all__ = ["Coefficient", "Fitted", "Summary", "summarise"]
