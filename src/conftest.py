"""The examples in docstrings are run, but for those of a library that is not installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["neglog/torch"]
