"""Two pipes to a child process, how it is started, and how it is ended with all that it started."""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from typing import IO, Any, BinaryIO

BOOT = "from neglog.checker.process.child import main; main()"


def send(outbox: IO[bytes], thing: Any) -> None:
    outbox.write(pickle.dumps(thing))
    outbox.flush()


class Link:
    """The parent's end.

    Args:
        pid: the child, which leads a process group of its own.
        outbox, inbox: pipes to and from it.
        wait: waits for its end and returns its exit code, negative for a signal.
    """

    def __init__(
        self, pid: int, outbox: IO[bytes], inbox: IO[bytes], wait: Callable[[], int]
    ) -> None:
        self.pid, self.outbox, self.inbox, self.wait = pid, outbox, inbox, wait
        self.answers: queue.Queue[Any] = queue.Queue()
        self.ended: int | None = None
        self.codes: list[int] = []
        self.waiting: threading.Thread | None = None
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        """A thread reads: no other way to wait for a pipe with a limit works on every platform."""
        with contextlib.suppress(Exception):
            while True:
                self.answers.put(pickle.load(self.inbox))
        self.answers.put(EOFError)

    def receive(self, seconds: float) -> Any:
        """An answer; None if there is none in time; a text that says how the child ended."""
        try:
            answer = self.answers.get(timeout=seconds)
        except queue.Empty:
            return None
        return self._how_it_ended() if answer is EOFError else answer

    def _how_it_ended(self) -> str:
        self._kill()
        if self.ended is not None and self.ended < 0:
            with contextlib.suppress(ValueError):
                return signal.Signals(-self.ended).name
        return f"exit code {self.ended}"

    def _kill(self) -> None:
        """End the child and its group. A child that has ended by itself keeps its exit code."""
        if self.ended is None and not self.reader.is_alive():  # it has closed its pipes
            self.ended = self._waited(0.5)
        with contextlib.suppress(OSError, AttributeError):
            os.killpg(self.pid, signal.SIGKILL)
        if self.ended is None:
            with contextlib.suppress(OSError):
                os.kill(self.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            self.ended = self._waited(None)

    def _waited(self, seconds: float | None) -> int | None:
        """The exit code, if the child ends within so many seconds."""
        if self.waiting is None:
            self.waiting = threading.Thread(
                target=lambda: self.codes.append(self.wait()), daemon=True
            )
            self.waiting.start()
        self.waiting.join(seconds)
        return self.codes[0] if self.codes else None

    def close(self) -> None:
        """End the child and its group, and close the pipes."""
        self._kill()
        self.reader.join(1)
        pipes = [self.outbox] if self.reader.is_alive() else [self.outbox, self.inbox]
        for pipe in pipes:  # to close a pipe that is being read would wait for the reader
            with contextlib.suppress(OSError, ValueError):
                pipe.close()


def forked(serve: Callable[[BinaryIO, BinaryIO], None]) -> Link:
    """A copy of this process that runs `serve(inbox, outbox)` and nothing after it."""
    requests, answers = os.pipe(), os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of other threads, which the child ignores
        pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.close(requests[1])
            os.close(answers[0])
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nothing, number)
            serve(os.fdopen(requests[0], "rb"), os.fdopen(answers[1], "wb"))
        finally:
            os._exit(0)
    os.close(requests[0])
    os.close(answers[1])

    def wait() -> int:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    return Link(pid, os.fdopen(requests[1], "wb"), os.fdopen(answers[0], "rb"), wait)


def spawned(path: str, library: str | None) -> Link:
    """A new interpreter that imports the function, with this one's search path."""
    search = os.pathsep.join(["", *filter(None, sys.path)])
    child = subprocess.Popen(
        [sys.executable, "-c", BOOT, path, library or ""],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": search},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    return Link(child.pid, child.stdin, child.stdout, child.wait)
