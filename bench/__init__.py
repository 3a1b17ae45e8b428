"""Speed and accuracy of neglog beside its peers: one process, one set of buffers, one table."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # the promises, the exact answers and the hard rows
