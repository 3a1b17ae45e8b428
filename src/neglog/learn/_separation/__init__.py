"""Whether classes can be separated, and by which features: then no maximum exists.

A direction d (K, q) of the coefficients separates if (d_y - d_k) x >= 0 for every row (x, y) and
every class k, and > 0 for one of them: along it the likelihood rises for ever (Albert and Anderson
1984). Single features are judged by the ranges of their classes, at any size (`splits`);
combinations by linear programmes (Konis 2007), where there are not too many (`programmes`).
"""

from .found import Separation, find
from .maximum import why_none

__all__ = ["Separation", "find", "why_none"]
