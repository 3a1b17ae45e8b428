"""Speed and accuracy of neglog beside its peers: one process, one set of buffers, one table."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The promises; the exact answers and the hard rows.
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "helpers")]
