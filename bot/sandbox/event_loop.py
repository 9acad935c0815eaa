"""An asyncio event loop in a thread of its own, so that a server runs beside synchronous code."""

import asyncio
from collections.abc import Coroutine
from threading import Thread
from typing import Any, TypeVar

Result = TypeVar("Result")


class LoopThread:
    """Runs an event loop from construction to ``stop``. It cannot be started again: make another."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result], *, seconds: float = 30) -> Result:
        """Run a coroutine on the loop and return its result; raises what it raises, and TimeoutError."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def stop(self) -> None:
        """Cancel what still runs, then end the thread and close the loop."""
        self.run(_cancel_everything())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_everything() -> None:
    loop = asyncio.get_running_loop()
    others = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    # A closed transport is taken apart in the loop's next turns.
    for _turn in range(3):
        await asyncio.sleep(0)
    await loop.shutdown_asyncgens()
