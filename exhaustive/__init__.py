"""exp and log1p of the kernels against exact values; the promises are those of tests/budgets.py."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests")]
