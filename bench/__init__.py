"""Speed and accuracy of neglog and its peers, measured in one process on the same buffers."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The promises; the exact answers and the hard rows.
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "helpers")]
