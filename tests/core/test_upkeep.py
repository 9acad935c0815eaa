"""Upkeep: one process of all does what is due; lost work is begun again; a pack that is gone stops its own alone."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from core_house import ANA, House
from sqlmodel import select
from structlog.testing import capture_logs

from bot.onboarding import chores
from bot.onboarding.chores import Chores, Task
from bot.onboarding.errors import PackGone, SettingsError, Unavailable, Unknown
from bot.onboarding.models import DueRecord, KeptPack, Received
from bot.onboarding.ports import Job, UnfinishedJob
from bot.onboarding.received import ReceivedPurge
from bot.onboarding.watchdog import Round, Watchdog


@dataclass
class Unfinished:
    """The queue as the watchdog sees it: what a test says is in it."""

    jobs: list[UnfinishedJob] = field(default_factory=list)

    def unfinished_since(self, moment: datetime, *, limit: int) -> list[UnfinishedJob]:
        return [job for job in self.jobs if job.enqueued_at < moment][:limit]

    def unfinished(self, *, ids: Collection[str] = (), beginning_with: Collection[str] = ()) -> set[str]:
        return {job.id for job in self.jobs if job.id in ids or job.id.startswith(tuple(beginning_with) or "-")}


@pytest.fixture
def unfinished() -> Unfinished:
    return Unfinished()


@pytest.fixture
def watchdog(house: House, unfinished: Unfinished) -> Watchdog:
    return Watchdog(house.store, house.flow, unfinished, house.clock, minutes=15)


@pytest.fixture
def lively(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every call look at the rows."""
    monkeypatch.setattr(chores, "monotonic", iter(range(0, 10**9, 10**6)).__next__)


@pytest.mark.usefixtures("lively")
def test_a_chore_is_done_by_one_process_in_each_period(house: House) -> None:
    done: list[str] = []
    both = [
        Chores(house.store, house.clock, {"sweep": Task(60, lambda name=name: done.append(name))})
        for name in ("first", "second")
    ]
    for process in both * 2:
        process.run()
    assert done == ["first"]
    house.clock.move(61)
    for process in reversed(both * 2):
        process.run()
    assert done == ["first", "second"]


@pytest.mark.usefixtures("lively")
def test_a_clock_that_ran_ahead_does_not_stop_a_chore(house: House) -> None:
    done: list[int] = []
    process = Chores(house.store, house.clock, {"sweep": Task(60, lambda: done.append(1))})
    house.clock.move(86_400)
    process.run()
    house.clock.move(-86_400)
    process.run()
    assert len(done) == 2


@pytest.mark.usefixtures("lively")
def test_a_chore_that_fails_keeps_no_other_from_being_done(house: House) -> None:
    def broken() -> None:
        raise ValueError("no")

    with capture_logs() as logs:
        done = Chores(house.store, house.clock, {"broken": Task(60, broken), "good": Task(60, lambda: None)}).run()
    assert done == ["good"]
    assert [line["chore"] for line in logs if line["event"] == "chore_failed"] == ["broken"]


def test_a_step_whose_job_was_lost_is_begun_again(house: House, watchdog: Watchdog) -> None:
    key = house.start(ofc=False)
    house.show()
    house.queue.take("step:")
    assert watchdog.run() == Round(0, 0, 0, 0)
    house.clock.move(16 * 60)
    with capture_logs() as logs:
        assert watchdog.run().steps == 1
    assert [(line["onboarding"], line["step"]) for line in logs if line["event"] == "job_lost"] == [(key, "directory")]
    assert watchdog.run().steps == 0
    house.sweep.run()
    house.work()
    assert house.states(key)["directory"] == "done"
    assert "job_lost" in house.kinds_of_events(key)


def test_a_step_whose_job_waits_is_named_and_not_begun_twice(
    house: House, watchdog: Watchdog, unfinished: Unfinished
) -> None:
    key = house.start(ofc=False)
    house.show()
    [(job_id, _)] = [(job_id, job) for job_id, job in house.queue.waiting if job.subject == "step:directory"]
    unfinished.jobs.append(UnfinishedJob(job_id, is_running=False, enqueued_at=house.clock.now()))
    house.clock.move(16 * 60)
    with capture_logs() as logs:
        found = watchdog.run()
    assert (found.stuck, found.steps) == (1, 0)
    [line] = [line for line in logs if line["event"] == "job_stuck"]
    assert (line["log_level"], line["onboarding"], line["step"]) == ("error", key, "directory")
    assert line["state"] == "waiting"
    assert watchdog.stuck() == 1


def test_a_look_whose_job_was_lost_is_due_again_under_another_id(house: House, watchdog: Watchdog) -> None:
    key = house.start(ofc=False)
    house.show()
    house.directory.script = [Unavailable("SFTP", "no answer")]
    house.work()
    house.clock.move(6)
    assert house.sweep.run() == 1
    assert house.queue.take("step:")
    house.clock.move(16 * 60)
    house.show()
    assert house.sweep.run() == 0
    assert watchdog.run().looks == 1
    assert house.sweep.run() == 1
    house.work()
    assert house.states(key)["directory"] == "done"
    with house.store.reading() as session:
        assert session.exec(select(DueRecord).where(DueRecord.subject == "step:directory")).first() is None


def test_a_surface_whose_job_was_lost_catches_up(house: House, watchdog: Watchdog) -> None:
    key = house.start(ofc=False)
    house.show()
    house.work()
    house.onboardings.tick(key, "portal", [], actor=ANA)
    house.queue.take("surface:")
    house.clock.move(16 * 60)
    assert watchdog.run().surfaces == 1
    house.sweep.run()
    house.show()
    assert [report.step.id for _, report in house.board.reports if report.step] == ["directory", "portal"]
    assert watchdog.run().surfaces == 0


def test_an_onboarding_that_ended_before_a_surface_was_set_up_is_left_alone(house: House, watchdog: Watchdog) -> None:
    key = house.start(ofc=False)
    house.onboardings.cancel(key, "wrong client", actor=ANA)
    house.queue.take("surface:")
    house.clock.move(16 * 60)
    assert watchdog.run().surfaces == 0


def test_slacks_events_are_forgotten_after_a_month_and_those_of_mailed_links_after_the_links(house: House) -> None:
    with house.store.transaction() as session:
        for source in ("slack:action:1", "slack:view:1", "form:1", "confirm:1"):
            for days in (29, 31, 89, 91):
                at = house.clock.now() - timedelta(days=days)
                session.add(Received(source=f"{source}:{days}", at=at))
    assert ReceivedPurge(house.store, house.clock, days=30).run() == 2 * 3 + 2
    with house.store.reading() as session:
        left = set(session.exec(select(Received.source)))
    assert left == {"slack:action:1:29", "slack:view:1:29"} | {
        f"{source}:1:{days}" for source in ("form", "confirm") for days in (29, 31, 89)
    }


def test_what_began_with_a_pack_goes_on_when_its_folder_is_gone_and_nothing_new_starts(house: House) -> None:
    key = house.start(ofc=False)
    house = _started_again(house)
    shutil.rmtree(house.base / "packs")
    with capture_logs() as logs:
        house.packs.warm()
    assert [line["directory"] for line in logs if line["event"] == "packs_dir_gone"] == [str(house.base / "packs")]
    house.onboardings.tick(key, "portal", [], actor=ANA)
    assert house.states(key)["portal"] == "done"
    with pytest.raises(Unknown, match="operadora_x"):
        house.start(client="Beta", root="BETA")
    house.close()


def test_an_onboarding_whose_kept_pack_is_gone_waits_and_the_others_go_on(house: House) -> None:
    gone = house.start(ofc=False)
    checklist = house.base / "packs" / "operadora_x" / "checklist.yaml"
    checklist.write_text(checklist.read_text("utf-8").replace("version: 1", "version: 2"), "utf-8")
    other = house.start(client="Beta", root="BETA", ofc=False)
    [shelf] = [kept for kept in (house.base / "shelf").iterdir() if "version: 1" in _checklist(kept)]
    kept = shelf.rename(house.base / "elsewhere")
    with house.store.transaction() as session:
        session.delete(next(row for row in session.exec(select(KeptPack)) if shelf.name.endswith(row.digest[:16])))
    house = _started_again(house)
    house.steps.run(Job(2, "step:directory", 1))
    assert house.states(other)["directory"] == "done"
    with pytest.raises(PackGone, match="operadora_x"):
        house.steps.run(Job(1, "step:directory", 1))
    house.flow.put_off(Job(1, "step:directory", 1), 300)
    assert [view.key for view in house.onboardings.all()] == [other]
    with pytest.raises(SettingsError, match="Restore it from the backup"):
        house.onboardings.view(gone)
    kept.rename(shelf)
    house.clock.move(301)
    assert house.sweep.run() == 1
    house.work()
    assert house.states(gone)["directory"] == "done"
    house.close()


@pytest.mark.parametrize("damage", ["gone", "changed", "unreadable"])
def test_a_kept_pack_that_is_damaged_on_this_machine_is_made_anew_from_the_database(house: House, damage: str) -> None:
    key = house.start(ofc=False)
    [shelf] = (house.base / "shelf").iterdir()
    checklist = shelf / "operadora_x" / "checklist.yaml"
    whole = checklist.read_text("utf-8")
    match damage:
        case "gone":
            shutil.rmtree(shelf)
        case "changed":
            checklist.write_text(whole.replace("Portal", "Elsewhere"), "utf-8")
        case "unreadable":
            checklist.write_text("steps: [", "utf-8")
    house = _started_again(house)
    house.onboardings.tick(key, "portal", [], actor=ANA)
    assert checklist.read_text("utf-8") == whole
    house.close()


def _checklist(kept: Path) -> str:
    return (kept / "operadora_x" / "checklist.yaml").read_text("utf-8")


def _started_again(house: House) -> House:
    """Another process on the same database."""
    house.close()
    return House(house.base, database=house.database)
