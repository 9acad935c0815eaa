"""Finished jobs on the real queue: they are forgotten after their time, and what is forgotten does not run again."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from bot.engine import DurableJobs, JobPurge, JobQueue, Runner
from bot.onboarding.ports import Job
from bot.onboarding.store import Store

JOB = Job(1, "step:directory", 1)


@dataclass
class Clock:
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Engine:
    """A real queue and its runner. ``hold``: a job waits until it is set."""

    store: Store
    jobs: DurableJobs
    clock: Clock
    ran: list[Job] = field(default_factory=list)
    hold: Event = field(default_factory=Event)

    def enqueue(self, *job_ids: str) -> None:
        with self.store.transaction() as session:
            for job_id in job_ids:
                self.jobs.enqueue(session, job_id, JOB)

    def run(self, job: Job) -> None:
        self.ran.append(job)
        assert self.hold.wait(30)

    def ids(self) -> set[str]:
        with self.store.engine.connect() as connection:
            return set(connection.exec_driver_sql("SELECT workflow_uuid FROM workflow_status").scalars())


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    store = Store(f"sqlite:///{tmp_path / 'jobs.db'}")
    store.migrate()
    jobs = DurableJobs(store.engine)
    jobs.migrate()
    built = Engine(store, jobs, Clock())
    built.hold.set()
    runner = Runner(store, run_job=built.run, sweep=lambda: 0, poll_seconds=0.05)
    runner.start()
    yield built
    built.hold.set()
    runner.stop()
    jobs.close()
    store.close()


def purge(engine: Engine, days: float = 7) -> JobPurge:
    return JobPurge(engine.store.engine, engine.jobs, engine.clock, days=days)


def test_looks_are_forgotten_after_an_hour_and_other_jobs_after_a_week(engine: Engine) -> None:
    engine.enqueue("due:1:2026-11-24T09:00:00+00:00", "onb:ONB-1:3:directory")
    until(lambda: not JobQueue(engine.store.engine).figures().length)
    purging = purge(engine)
    assert purging.run() == 0
    engine.clock.ahead = timedelta(hours=2)
    assert purging.run() == 1
    assert engine.ids() == {"onb:ONB-1:3:directory"}
    engine.clock.ahead = timedelta(days=8)
    assert purging.run() == 1
    assert engine.ids() == set()


def test_what_is_not_finished_is_kept_whatever_its_age(engine: Engine) -> None:
    engine.hold.clear()
    engine.enqueue("onb:ONB-1:3:directory")
    until(lambda: engine.ran != [])
    engine.clock.ahead = timedelta(days=365)
    assert purge(engine).run() == 0
    assert engine.ids() == {"onb:ONB-1:3:directory"}


def test_many_are_forgotten_in_batches(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.engine.purge.BATCH", 4)
    engine.enqueue(*(f"due:{number}:x" for number in range(10)))
    until(lambda: not JobQueue(engine.store.engine).figures().length)
    engine.clock.ahead = timedelta(days=1)
    assert purge(engine).run() == 10
    assert engine.ids() == set()


def test_the_queue_tells_what_waits_and_what_runs_and_for_how_long(engine: Engine) -> None:
    engine.hold.clear()
    engine.enqueue(*(f"onb:ONB-{number}:3:directory" for number in range(10)))
    queue = JobQueue(engine.store.engine)
    until(lambda: queue.figures().length == {"running": 8, "waiting": 2})
    assert set(queue.figures().oldest) == {"running", "waiting"}
    assert abs(engine.clock.now() - queue.figures().oldest["running"]) < timedelta(seconds=30)
    late = engine.clock.now() + timedelta(seconds=1)
    assert len(queue.unfinished_since(late, limit=5)) == 5
    assert queue.unfinished(ids=["onb:ONB-3:3:directory", "onb:ONB-77:3:directory"]) == {"onb:ONB-3:3:directory"}
    assert queue.unfinished(beginning_with=["onb:ONB-4:"]) == {"onb:ONB-4:3:directory"}
    assert queue.unfinished() == set()


def until(look: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not look():
        assert time.monotonic() < end
        time.sleep(0.05)
