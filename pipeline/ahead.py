"""Taking the next items while the last one is being worked on: two processors instead of one."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")

# What is made ahead is held in memory.
ITEMS_AHEAD = 2
WORKERS = 2


def ahead(items: Iterable[T]) -> Generator[T, None, None]:
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


def mapped_ahead(function: Callable[[T], U], items: Iterable[T]) -> Iterator[U]:
    """Give what the function makes of each item, in their order, two of them being made at once.

    What the function raises is raised here, in its place.
    """
    with ThreadPoolExecutor(WORKERS, "mapped_ahead") as pool:
        making: deque[Future[U]] = deque()
        for item in items:
            making.append(pool.submit(function, item))
            if len(making) > WORKERS + ITEMS_AHEAD:
                yield making.popleft().result()
        while making:
            yield making.popleft().result()
