"""Jobs that fell because the database could not be used: run again by the same process once it can.

dbos records how a job ended. Where the disk is full, or the database away, it can record nothing: the job stays pending
and, as its process lives, no start of another one runs it again. And a job that gave up over the database must not be
recorded as ended: it would never be run again. Beside ``slots.recover`` the only place that uses dbos's private names.
"""

import time

import structlog
from dbos import DBOS

from bot.engine.jobs import APPLICATION_VERSION, QUEUE

log = structlog.stdlib.get_logger()

# How often it is looked for them; one that is pending at two looks and runs at neither has fallen.
LOOK_SECONDS = 5.0


class JobFell(BaseException):
    """Ends a job without an end: dbos records exceptions, and this is none of those."""


class FallenJobs:
    """Looks for the fallen jobs of one executor."""

    def __init__(self, dbos: DBOS, executor_id: str) -> None:
        self._dbos = dbos
        self._executor_id = executor_id
        self._suspects: frozenset[str] = frozenset()
        self._next_look = time.monotonic() + LOOK_SECONDS

    def raise_up(self) -> int:
        """Put those that have fallen back into the queue, at most every few seconds; return how many there were."""
        if time.monotonic() < self._next_look:
            return 0
        self._next_look = time.monotonic() + LOOK_SECONDS
        running = set(self._dbos._active_workflows_set.activeList())
        pending = self._dbos._sys_db.get_pending_workflows(self._executor_id, APPLICATION_VERSION)
        idle = frozenset(each.workflow_id for each in pending) - running
        fallen, self._suspects = idle & self._suspects, idle
        for job in fallen:
            log.warning("job_fell", job=job)
            self._dbos._sys_db.reenqueue_for_recovery(job, [self._executor_id], QUEUE)
        return len(fallen)
