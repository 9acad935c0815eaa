"""Looks for work that does not move: says so in the log, and begins again what has lost its job.

Three things can be lost with a job (a queue that was emptied by hand, a job that ended in an error of the database): a
step that runs, a due row that was turned into a job, a surface that is behind. Each gets a due row for now, so that a
lost job never means a stuck onboarding; a job that was only slow then finds its work done. Jobs that merely wait or run
for long are left alone: a second one beside them would not be faster. They are logged, and counted as stuck.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import and_, exists, or_
from sqlmodel import Session, col, literal, select

from bot.onboarding.clock import Clock
from bot.onboarding.errors import PackGone
from bot.onboarding.flow import Flow
from bot.onboarding.models import DueRecord, Event, Onboarding, StepRecord, SurfaceRecord
from bot.onboarding.ports import UnfinishedJob, UnfinishedJobs
from bot.onboarding.store import Store

log = structlog.stdlib.get_logger()

# So many of each kind are looked at in one round; the rest has its turn in the next.
MOST = 200
# So many stuck jobs are named in the log in one round; the number of all is said as well.
MOST_NAMED = 20


@dataclass(frozen=True)
class Round:
    """What one round found: jobs that do not end, and how much was begun again."""

    stuck: int
    steps: int
    looks: int
    surfaces: int


class Watchdog:
    """One round at a time, by whichever worker's turn it is."""

    def __init__(self, store: Store, flow: Flow, jobs: UnfinishedJobs, clock: Clock, *, minutes: float) -> None:
        self._store = store
        self._flow = flow
        self._jobs = jobs
        self._clock = clock
        self._patience = timedelta(minutes=minutes)

    def run(self) -> Round:
        """Look once."""
        late = self._clock.now() - self._patience
        stuck = self._jobs.unfinished_since(late, limit=MOST)
        self._name(stuck)
        return Round(len(stuck), self._lost_steps(late), self._lost_looks(late), self._lost_surfaces(late))

    def stuck(self) -> int:
        """Return how many jobs are stuck now, up to a limit."""
        return len(self._jobs.unfinished_since(self._clock.now() - self._patience, limit=MOST))

    def _name(self, stuck: Sequence[UnfinishedJob]) -> None:
        for job in stuck[:MOST_NAMED]:
            onboarding, subject = self._about(job.id)
            log.error(
                "job_stuck",
                job=job.id,
                onboarding=onboarding,
                **subject,
                state="running" if job.is_running else "waiting",
                since=job.enqueued_at.isoformat(timespec="seconds"),
            )
        if len(stuck) > MOST_NAMED:
            log.error("jobs_stuck", number=len(stuck), at_least=len(stuck) == MOST)

    def _about(self, job_id: str) -> tuple[str, dict[str, str]]:
        """Read off a job's id what it is about; a due row's job tells by its row."""
        origin, _, rest = job_id.partition(":")
        key, _, subject = rest.partition(":")
        if origin == "due" and key.isdecimal():
            with self._store.reading() as session:
                row = session.get(DueRecord, int(key))
            if row is None:
                return "", {}
            kind, _, name = row.subject.partition(":")
            return f"ONB-{row.onboarding_id}", {kind: name}
        name = subject.partition(":")[2]
        return key, {"surface" if name in self._flow.surfaces else "step": name}

    def _lost_steps(self, late: datetime) -> int:
        """Begin again what runs, has no job in the queue and is not due."""
        due = exists().where(
            col(DueRecord.onboarding_id) == col(StepRecord.onboarding_id),
            col(DueRecord.subject) == literal("step:") + col(StepRecord.step_id),
        )
        running = (
            select(StepRecord)
            .join(Onboarding, col(Onboarding.id) == col(StepRecord.onboarding_id))
            .where(StepRecord.state == "running", Onboarding.state == "open", ~due)
            .where(col(StepRecord.changed_at) < late)
            .order_by(col(StepRecord.changed_at))
            .limit(MOST)
        )
        with self._store.reading() as session:
            records = session.exec(running).all()
        if not records:
            return 0
        prefixes = {f"onb:ONB-{record.onboarding_id}:" for record in records}
        waiting = self._jobs.unfinished(beginning_with=prefixes)
        has_job = {(job_id.split(":")[1], job_id.split(":")[-1]) for job_id in waiting}
        lost = [record for record in records if (f"ONB-{record.onboarding_id}", record.step_id) not in has_job]
        return sum(self._begin_again(record) for record in lost)

    def _begin_again(self, seen: StepRecord) -> bool:
        subject = f"step:{seen.step_id}"
        log.error("job_lost", onboarding=f"ONB-{seen.onboarding_id}", step=seen.step_id, run=seen.run)
        try:
            with self._flow.change(seen.onboarding_id) as change:
                record = change.step(seen.step_id)
                if (record.state, record.run) != ("running", seen.run) or change.is_scheduled(subject):
                    return False
                change.schedule(subject, 0, run=record.run)
                change.note("job_lost", step=record, content={"run": record.run})
                return True
        except PackGone as gone:
            log.error("pack_copy_gone", onboarding=f"ONB-{seen.onboarding_id}", reason=str(gone))  # noqa: TRY400 - the reason says it all
            return False

    def _lost_looks(self, late: datetime) -> int:
        """Have rows that were turned into jobs, and whose jobs left no trace, turned into jobs once more."""
        enqueued = select(DueRecord).where(DueRecord.due_at < late, DueRecord.enqueued_for == DueRecord.due_at)
        with self._store.reading() as session:
            rows = session.exec(enqueued.order_by(col(DueRecord.due_at)).limit(MOST)).all()
        if not rows:
            return 0
        ids = {look_id(row): row for row in rows}
        alive = self._jobs.unfinished(ids=ids.keys())
        lost = [row for job_id, row in ids.items() if job_id not in alive]
        with self._store.transaction() as session:
            return sum(self._look_again(session, row) for row in lost)

    def _look_again(self, session: Session, seen: DueRecord) -> bool:
        row = session.get(DueRecord, seen.id, with_for_update=True)
        if row is None or (row.due_at, row.enqueued_for) != (seen.due_at, seen.enqueued_for):
            return False
        kind, _, name = row.subject.partition(":")
        log.error("look_lost", onboarding=f"ONB-{row.onboarding_id}", **{kind: name}, due=row.due_at.isoformat())
        # Another time makes another job: the lost one's id is used up.
        row.due_at = self._clock.now()
        session.add(row)
        return True

    def _lost_surfaces(self, late: datetime) -> int:
        return sum(self._lost_of(name, late) for name in self._flow.surfaces)

    def _lost_of(self, name: str, late: datetime) -> int:
        """Have a surface that is behind with no look to come catch up."""
        subject = f"surface:{name}"
        due = exists().where(col(DueRecord.onboarding_id) == col(Onboarding.id), col(DueRecord.subject) == subject)
        behind = (
            select(Onboarding.id)
            .outerjoin(
                SurfaceRecord,
                and_(col(SurfaceRecord.onboarding_id) == col(Onboarding.id), col(SurfaceRecord.name) == name),
            )
            .join(
                Event,
                and_(col(Event.onboarding_id) == col(Onboarding.id), col(Event.seq) == col(Onboarding.revision)),
            )
            .where(
                or_(
                    col(SurfaceRecord.revision) < col(Onboarding.revision),
                    # One that ended before the surface was set up is not shown there any more.
                    and_(col(SurfaceRecord.name).is_(None), col(Onboarding.state) == "open"),
                ),
                col(Event.at) < late,
                ~due,
            )
            .limit(MOST)
        )
        with self._store.reading() as session:
            ids = [onboarding_id for onboarding_id in session.exec(behind) if onboarding_id is not None]
        if not ids:
            return 0
        alive = {
            job_id.split(":")[1]
            for job_id in self._jobs.unfinished(beginning_with={f"onb:ONB-{number}:" for number in ids})
            if job_id.endswith(f":{name}")
        }
        lost = [number for number in ids if f"ONB-{number}" not in alive]
        now = self._clock.now()
        with self._store.transaction() as session:
            for number in lost:
                log.error("surface_lost", onboarding=f"ONB-{number}", surface=name)
                session.add(DueRecord(onboarding_id=number, subject=subject, due_at=now))
        return len(lost)


def look_id(row: DueRecord) -> str:
    """Return the id of the job that a due row is turned into."""
    return f"due:{row.id}:{row.due_at.isoformat()}"
