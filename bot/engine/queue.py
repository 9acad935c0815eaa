"""What is in the queue, read from dbos' own table; nothing is written here."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import BigInteger, ColumnElement, Engine, TableClause, Text, column, func, or_, select, table

from bot.onboarding.ports import UnfinishedJob

UNFINISHED = ("ENQUEUED", "PENDING")


@dataclass(frozen=True)
class QueueFigures:
    """How many jobs wait and how many run (or were running when their worker died), and since when the oldest does."""

    length: Mapping[str, int]
    oldest: Mapping[str, datetime]


class JobQueue:
    """Implements the core's ``UnfinishedJobs``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(reads_only=True)
        self._jobs = jobs_table(engine)

    def figures(self) -> QueueFigures:
        """Count what is not finished; an index of those alone answers it."""
        jobs = self._jobs.c
        counted = (
            select(jobs.status, func.count(), func.min(jobs.created_at))
            .where(jobs.status.in_(UNFINISHED))
            .group_by(jobs.status)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(counted).all()
        names = {"ENQUEUED": "waiting", "PENDING": "running"}
        return QueueFigures(
            length={names[status]: number for status, number, _ in rows},
            oldest={names[status]: _moment(oldest) for status, _, oldest in rows},
        )

    def unfinished_since(self, moment: datetime, *, limit: int) -> list[UnfinishedJob]:
        """Return the jobs that were enqueued before a moment and are not finished, the oldest first."""
        jobs = self._jobs.c
        old = (
            select(jobs.workflow_uuid, jobs.status, jobs.created_at)
            .where(jobs.status.in_(UNFINISHED), jobs.created_at < _milliseconds(moment))
            .order_by(jobs.created_at)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [
                UnfinishedJob(job_id, is_running=status == "PENDING", enqueued_at=_moment(created))
                for job_id, status, created in connection.execute(old)
            ]

    def unfinished(self, *, ids: Collection[str] = (), beginning_with: Collection[str] = ()) -> set[str]:
        """Return the ids of unfinished jobs that are among ``ids`` or begin with one of the others."""
        jobs = self._jobs.c
        chosen: list[ColumnElement[bool]] = [jobs.workflow_uuid.in_(ids)] if ids else []
        chosen += [jobs.workflow_uuid.startswith(prefix, autoescape=True) for prefix in beginning_with]
        if not chosen:
            return set()
        found = select(jobs.workflow_uuid).where(jobs.status.in_(UNFINISHED), or_(*chosen))
        with self._engine.connect() as connection:
            return set(connection.execute(found).scalars())


def jobs_table(engine: Engine) -> TableClause:
    """Return the few columns of dbos' table of jobs that are read here."""
    return table(
        "workflow_status",
        column("workflow_uuid", Text()),
        column("status", Text()),
        column("created_at", BigInteger()),
        column("completed_at", BigInteger()),
        schema=None if engine.dialect.name == "sqlite" else "dbos",
    )


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
