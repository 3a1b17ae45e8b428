"""The process in which somebody else's function runs: it may hang, crash, exit, fork or print.

Two ways to get there. A function with a name (`module:function`) is imported by a new interpreter.
A live function is forked with everything that it refers to. Where a fork is not safe, because JAX
has started its threads, or there is none, as on Windows, a thread of this process makes the calls.
"""

import contextlib
import ctypes
import faulthandler
import importlib
import os
import pickle
import sys
import threading
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

from .calls import Seen, call
from .head_calls import LIBRARIES, HeadCase
from .link import Link, forked, send, spawned
from .looks import library_of, options_of

ROOM = 8 << 30  # bytes that the function may take on top of what the process has
START = 30.0  # seconds for an interpreter and its imports; a framework takes a few


class Hello(NamedTuple):
    """What the process says first: the function's library and options, or what is wrong."""

    library: str
    options: tuple[str, ...]
    name: str
    problem: str = ""


class Request(NamedTuple):
    """A call to make."""

    case: Any
    has_grad: bool | None


def resolved(path: str) -> Any:
    """The function that `module:function` names.

    Raises:
        ValueError: there is none; says why.
    """
    module_name, _, name = path.partition(":")
    if not module_name or not name:
        raise ValueError(f"expected module:function, got {path!r}")
    try:
        found: Any = importlib.import_module(module_name)
    except BaseException as error:
        said = " ".join(str(error).split())[:300]
        raise ValueError(
            f"{module_name} cannot be imported: {type(error).__name__}: {said}"
        ) from None
    for part in name.split("."):
        if not hasattr(found, part):
            near = [n for n in dir(found) if not n.startswith("_") and callable(getattr(found, n))]
            raise ValueError(
                f"{module_name} has no {part}; it has {', '.join(near[:12]) or 'none'}"
            )
        found = getattr(found, part)
    if not callable(found):
        raise ValueError(f"{path} is not a function, but of type {type(found).__name__}")
    return found


def serve(find: Callable[[], Any], library: str | None, inbox: BinaryIO, outbox: BinaryIO) -> None:
    """Answer requests until there are none; runs in the child."""
    own = os.getpid()
    faulthandler.disable()  # a crash is the function's, and no news of this program
    _limit_memory()
    try:
        function = find()
        hello = Hello(library or library_of(function), options_of(function), _name(function))
        _prepare(hello.library)
    except BaseException as error:
        hello = Hello("", (), "", str(error) or type(error).__name__)
    send(outbox, hello)
    while not hello.problem:
        try:
            request = pickle.load(inbox)
        except EOFError:
            return
        seen = _called(function, hello.library, request)
        if os.getpid() != own:  # the function forked, and this is the copy
            os._exit(0)
        send(outbox, seen)


def _called(function: Callable[..., Any], library: str, request: Request) -> Seen:
    ways = LIBRARIES if isinstance(request.case, HeadCase) else None
    return call(function, library, request.case, request.has_grad, ways)


def _name(function: Any) -> str:
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    module = getattr(function, "__module__", None)
    return f"{module}.{name}" if module and module != "__main__" else str(name)


def _limit_memory() -> None:
    """A function that eats memory gets a MemoryError before the machine is in need."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        with open("/proc/self/statm") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        limit = now + 4 * ROOM if "jax" in sys.modules else now + ROOM
        resource.setrlimit(resource.RLIMIT_AS, (limit, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _prepare(library: str) -> None:
    if library == "torch":
        import torch

        torch.set_num_threads(1)  # threads of the parent are not there after a fork


def main() -> None:
    """What a new interpreter runs: requests come by its standard input, answers leave by output."""
    path, library = sys.argv[1:]
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(nothing, number)
    serve(lambda: resolved(path), library or None, inbox, outbox)
    os._exit(0)  # threads that the function has left do not keep the process


class Process:
    """A child that makes the calls; one that hangs or dies is replaced by the next."""

    restarts = True

    def __init__(self, start: Callable[[], Link]) -> None:
        self.start = start
        self.link = start()
        self.hello = self._first()

    def _first(self) -> Hello:
        hello = self.link.receive(START)
        if isinstance(hello, Hello):
            return hello
        self.close()
        why = "took more than 30 s" if hello is None else f"ended the process ({hello})"
        return Hello("", (), "", f"the import {why}")

    def call(self, request: Request, seconds: float) -> Seen:
        """What was seen of a call that may take so long."""
        answer: Any = "exit code unknown"
        with contextlib.suppress(OSError):  # it ended between two calls
            send(self.link.outbox, request)
            answer = self.link.receive(seconds)
        if isinstance(answer, Seen):
            return answer
        self.restart()
        if answer is None:
            return Seen("hung", f"{seconds:.0f} s")
        return Seen("exited" if answer.startswith("exit") else "died", answer)

    def restart(self) -> None:
        """A new process, in which the function has never been called."""
        self.close()
        self.link = self.start()
        self._first()

    def close(self) -> None:
        self.link.close()


class Here:
    """Calls in a thread of this process. One that hangs is asked to end, which C code ignores."""

    restarts = False

    def __init__(self, function: Callable[..., Any], library: str | None) -> None:
        self.function = function
        self.hello = Hello(library or library_of(function), options_of(function), _name(function))

    def call(self, request: Request, seconds: float) -> Seen:
        """What was seen of a call that may take so long."""
        seen: list[Seen] = []
        arguments = (self.function, self.hello.library, request)
        thread = threading.Thread(target=lambda: seen.append(_called(*arguments)), daemon=True)
        thread.start()
        thread.join(seconds)
        if seen:
            return seen[0]
        stop = ctypes.py_object(SystemExit)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), stop)
        return Seen("hung", f"{seconds:.0f} s")

    def close(self) -> None:
        """Nothing to end."""


def process_for(function: Any, library: str | None) -> Process | Here:
    """Where the calls are made: in a fork if that is safe, else by import, else here."""
    if isinstance(function, str):
        return Process(lambda: spawned(function, library))
    if fork_is_safe():
        return Process(
            lambda: forked(lambda inbox, outbox: serve(lambda: function, library, inbox, outbox))
        )
    path = f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', '')}"
    with contextlib.suppress(ValueError):
        if not path.startswith("__main__") and resolved(path) is function:
            return Process(lambda: spawned(path, library))
    return Here(function, library)


def fork_is_safe() -> bool:
    """Not with JAX's threads, which a child would wait for; nor with the frameworks of macOS."""
    if not hasattr(os, "fork") or sys.platform == "darwin":
        return False
    bridge = sys.modules.get("jax._src.xla_bridge")
    try:
        return bridge is None or not bridge.backends_are_initialized()
    except AttributeError:
        return False
