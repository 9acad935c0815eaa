"""Taking the next item while the last one is being worked on: two processors instead of one."""

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

# What is made ahead is held in memory.
ITEMS_AHEAD = 2


def ahead(items: Iterable[T]) -> Iterator[T]:
    """Give the items in their order, taken on a thread of its own. What taking them raises is raised here.

    When the caller stops early, one more item may be taken, and then none.
    """
    taken: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(ITEMS_AHEAD)
    stopped = threading.Event()

    def put(item: T | None, error: BaseException | None) -> None:
        while not stopped.is_set():
            with suppress(queue.Full):
                taken.put((item, error), timeout=0.05)
                return

    def take() -> None:
        try:
            for item in items:
                put(item, None)
                if stopped.is_set():
                    return
            put(None, StopIteration())
        except BaseException as error:  # noqa: BLE001 - raised again on the caller's thread
            put(None, error)

    thread = threading.Thread(target=take, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, error = taken.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]  # an item that comes without an error
    finally:
        stopped.set()
        thread.join()
