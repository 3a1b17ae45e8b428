"""Prints what `make test-oldest` installs: the oldest NumPy, SciPy and scikit-learn that
pyproject.toml promises, and the test tools that the NumPy face needs, as pinned."""

import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOOLS = {"pytest", "pytest-xdist", "hypothesis", "mpmath"}

project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
promised = project["dependencies"] + project["optional-dependencies"]["learn"]
pins = (HERE / "pins.txt").read_text(encoding="utf-8").splitlines()

print(*(requirement.replace(">=", "==") for requirement in promised), sep="\n")
print(*(pin for pin in pins if pin.partition("==")[0] in TOOLS), sep="\n")
print("ml_dtypes==0.5.4")  # the pinned one needs a newer NumPy
