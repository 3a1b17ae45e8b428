"""The calls of one check: each case once, within the time that there is."""

import time
from typing import Any

from .battery import Case
from .process.calls import Seen
from .process.child import Here, Process, Request

CALL, ALL = 5.0, 60.0  # seconds
FATAL = 3  # calls that hang or end the process, after which no more are made


class StoppedError(Exception):
    """There is no time left, or nothing to be learned from more calls."""


class Trial:
    """Calls the function, and remembers what was seen."""

    def __init__(self, process: Process | Here, has_grad: bool | None) -> None:
        self.process = process
        self.has_grad = has_grad
        self.started = time.monotonic()
        self.calls = 0
        self.fatal: list[tuple[Case, Seen]] = []
        self.printed = ""
        self.fresh = False  # whether each call gets a process of its own
        self.changed: dict[str, Case] = {}  # what the function has written to

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def see(self, case: Any) -> Seen:
        """Call the function on a case.

        Raises:
            StoppedError: the time is over, or too many calls have hung or ended the process.
        """
        left = ALL - self.seconds
        if left <= 0.01:
            raise StoppedError(f"{ALL:.0f} s")
        if len(self.fatal) >= FATAL or self.calls == len(self.fatal) == 2:
            raise StoppedError(f"{len(self.fatal)} calls that did not come back")
        if self.fresh and isinstance(self.process, Process):
            self.process.restart()
        seen = self.process.call(Request(case, self.has_grad), min(CALL, left))
        self.calls += 1
        if seen.how in ("hung", "died", "exited") and not seen.text.startswith("exit:"):
            self.fatal.append((case, seen))
        self.printed = self.printed or seen.printed.strip()
        if seen.changed:
            self.changed.setdefault(seen.changed, case)
        return seen

    def all(self, cases: Any) -> list[tuple[Case, Seen]]:
        return [(case, self.see(case)) for case in cases]
