"""Several workers on one Postgres: each holds a slot, and takes over what a dead one has left unfinished.

dbos ties a running job to the id of its executor and leaves it there until an executor of that id comes back. Here an
executor's id is a slot's, ``worker-1``, ``worker-2``, …, and whoever has the slot's advisory lock is that executor: a
lock that can be taken, of a slot with running jobs, means that its worker is dead.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import structlog
from dbos import DBOS
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from bot.onboarding.advisory import lock_engine, lock_key, try_lock, unlock
from bot.onboarding.errors import SettingsError

log = structlog.stdlib.get_logger()

# More workers than this on one database are a mistake.
SLOTS = 256

# The executor's id of a worker that is alone, on SQLite.
ALONE = "worker-1"

# How often a worker looks whether it still has its slot, and whether another one's is free, in seconds.
ROUND_SECONDS = 1.0

_RUNNING = text("SELECT DISTINCT executor_id FROM dbos.workflow_status WHERE status = 'PENDING'")


class Slot:
    """A worker's place among the workers, held by a connection of its own. Used by one thread at a time."""

    def __init__(self, number: int, connection: Connection) -> None:
        self.number = number
        self._connection = connection

    @property
    def executor_id(self) -> str:
        """The id under which dbos runs this worker's jobs."""
        return executor_id(self.number)

    def left_by_the_dead(self) -> Iterator[str]:
        """Yield the executors whose worker is gone while they have jobs running; each is ours while it is looked at.

        Raises sqlalchemy's DBAPIError when the connection is lost, and with it the slot.
        """
        others = [found for (found,) in self._connection.execute(_RUNNING) if found != self.executor_id]
        for other in others:
            number = _number(other)
            if number is None or not try_lock(self._connection, _key(number)):
                continue
            try:
                yield other
            finally:
                unlock(self._connection, _key(number))


@contextmanager
def taken_slot(engine: Engine) -> Iterator[Slot]:
    """Hold the first free slot: a worker that starts again is the executor that it was. Raises SettingsError."""
    locks = lock_engine(engine.url, connections=1)
    try:
        with locks.connect() as connection:
            for number in range(1, SLOTS + 1):
                if try_lock(connection, _key(number)):
                    break
            else:
                raise SettingsError(f"DATABASE_URL: {SLOTS} workers run on this database already.")
            try:
                yield Slot(number, connection)
            finally:
                # Closed, not given back to the pool: the slot ends with its connection.
                connection.invalidate()
    finally:
        locks.dispose()


class Takeover:
    """Looks after the dead at every round, and notices when this worker is the one that counts as dead."""

    def __init__(self, slot: Slot, *, on_lost: Callable[[], None]) -> None:
        """``on_lost`` must end this worker: another one may already be at its jobs."""
        self._slot = slot
        self._on_lost = on_lost
        self._stopping = Event()
        self._thread = Thread(target=self._keep_looking, name="takeover", daemon=True)

    def start(self) -> None:
        """Begin the rounds; dbos must have been launched."""
        self._thread.start()

    def stop(self) -> None:
        """End the rounds."""
        self._stopping.set()
        self._thread.join()

    def _keep_looking(self) -> None:
        while not self._stopping.wait(ROUND_SECONDS):
            try:
                for dead in self._slot.left_by_the_dead():
                    taken = recover(dead)
                    log.warning("worker_dead", worker=dead, jobs_taken_over=taken, by=self._slot.executor_id)
            except DBAPIError as lost:
                if not self._stopping.is_set():
                    log.critical("slot_lost", worker=self._slot.executor_id, reason=type(lost.orig).__name__)
                    self._on_lost()
                return
            except Exception:
                log.exception("takeover_failed")


def recover(dead: str) -> int:
    """Put a dead executor's running jobs back into the queue; return how many.

    By a private name of dbos, which has no public one for this; ``fallen`` uses two more.
    """
    return len(DBOS._recover_pending_workflows([dead]))


def executor_id(number: int) -> str:
    """Return the executor's id of a slot."""
    return f"worker-{number}"


def _number(found: str) -> int | None:
    match = re.fullmatch(r"worker-(\d{1,4})", found)
    return int(match[1]) if match else None


def _key(number: int) -> int:
    return lock_key("worker", number)
