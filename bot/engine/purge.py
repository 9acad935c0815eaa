"""Finished jobs are forgotten after a time: dbos keeps them for ever.

A job's id runs once for ever only while its row is there. That its row may go rests on this: an id is never given out
twice. ``onb:ONB-7:12:ticket`` names a line of the trail, and it is enqueued in the transaction that writes that line;
the trail only grows. ``due:31:<time>`` names a due row at one time, and the row itself remembers for which time it was
enqueued; a row that comes later has another time. And a job that did run again would find the step's run over and the
surface up to date. Unfinished jobs are never touched.
"""

from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import Engine, select

from bot.engine.jobs import DurableJobs
from bot.engine.queue import jobs_table
from bot.onboarding.clock import Clock

BATCH = 500
# A purge gives way to the work after so many seconds; the next one goes on.
LONGEST = 10.0
# Looks at tickets and folders are most of all jobs, and say nothing once they are over.
LOOKS = "due:"
LOOKS_KEPT = timedelta(hours=1)


class JobPurge:
    """Deletes what has been finished for long enough, in batches."""

    def __init__(self, engine: Engine, jobs: DurableJobs, clock: Clock, *, days: float) -> None:
        self._engine = engine.execution_options(reads_only=True)
        self._table = jobs_table(engine)
        self._jobs = jobs
        self._clock = clock
        self._kept = timedelta(days=days)
        self._looked_to = 0

    def run(self) -> int:
        """Delete what is old enough; return how many jobs that were."""
        until = monotonic() + LONGEST
        now = self._clock.now()
        purged = 0
        cut = _milliseconds(now - min(LOOKS_KEPT, self._kept))
        # Times of ending only grow: where the last purge of looks ended, the next begins.
        while (looks := self._finished(self._looked_to, cut, only=LOOKS)) and monotonic() < until:
            self._jobs.forget([job_id for job_id, _ in looks])
            purged += len(looks)
            self._looked_to = looks[-1][1]
        if not looks:
            self._looked_to = max(self._looked_to, cut)
        while (old := self._finished(0, _milliseconds(now - self._kept))) and monotonic() < until:
            self._jobs.forget([job_id for job_id, _ in old])
            purged += len(old)
        return purged

    def _finished(self, begin: int, end: int, *, only: str = "") -> list[tuple[str, int]]:
        jobs = self._table.c
        finished = select(jobs.workflow_uuid, jobs.completed_at).where(
            jobs.completed_at.is_not(None), jobs.completed_at >= begin, jobs.completed_at < end
        )
        if only:
            finished = finished.where(jobs.workflow_uuid.startswith(only))
        with self._engine.connect() as connection:
            rows = connection.execute(finished.order_by(jobs.completed_at).limit(BATCH)).all()
        return [(job_id, completed) for job_id, completed in rows]


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
