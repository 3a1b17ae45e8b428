"""Reading ahead in a thread, so that decoding and arithmetic take turns on no core."""

import threading
from collections.abc import Iterator
from queue import Empty, Full, Queue
from typing import Any

WAIT = 0.1  # seconds after which a waiting thread looks whether it is still wanted


def ahead(items: Iterator[Any]) -> Iterator[Any]:
    """The same items; the next one is made while the caller works on the last one.

    An error of the maker is raised here, in its turn. A caller that stops early ends the thread.
    """
    queue: Queue[tuple[bool, Any]] = Queue(maxsize=1)
    stopped = threading.Event()
    maker = threading.Thread(target=_make, args=(items, queue, stopped), daemon=True)
    maker.start()
    try:
        while True:
            try:
                more, item = queue.get(timeout=WAIT)
            except Empty:  # a signal, such as Ctrl-C, is seen between two waits
                continue
            if more:
                yield item
                del item  # a batch less in memory while the next one is waited for
            elif item is None:
                return
            else:
                raise item
    finally:
        stopped.set()
        maker.join()


def _make(items: Iterator[Any], queue: Any, stopped: threading.Event) -> None:
    try:
        for item in items:
            if not _put(queue, (True, item), stopped):
                return
            del item
        _put(queue, (False, None), stopped)
    except BaseException as error:
        _put(queue, (False, error), stopped)
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()


def _put(queue: Any, entry: tuple[bool, Any], stopped: threading.Event) -> bool:
    """Whether the entry was taken before the caller stopped."""
    while not stopped.is_set():
        try:
            queue.put(entry, timeout=WAIT)
        except Full:
            continue
        return True
    return False
