"""A database that was put back from a backup: what was done outside since then is found, not done again."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass

import pytest
from core_house import ANA, House
from sqlmodel import select

from bot.locales import say
from bot.onboarding import trail
from bot.onboarding.actors import Roles
from bot.onboarding.effects import OutcomeUnknown
from bot.onboarding.errors import Unsettled
from bot.onboarding.home_page import HomeReader
from bot.onboarding.homes import CHANGES_FORGOTTEN, Homes
from bot.onboarding.models import EffectRecord, HomeRecord, Onboarding
from bot.onboarding.outcomes import Failed
from bot.onboarding.ports import Job
from bot.onboarding.restoring import mark_restored

# A file is put back here; putting a Postgres back is its own tools' work, and what follows is the same.
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def restored(house: House) -> House:
    """One onboarding, as old as the restore."""
    house.start()
    house.show()
    house.clock.move(60)
    mark_restored(house.store, house.flow, house.clock)
    return house


def test_an_effect_that_the_backup_does_not_know_is_looked_for_first(restored: House) -> None:
    assert restored.effects.once(1, "k", look=lambda: "ISSUE-1", do=_never) == "ISSUE-1"


def test_an_effect_that_is_not_outside_is_done_after_a_restore_as_well(restored: House) -> None:
    assert restored.effects.once(1, "k", look=lambda: None, do=lambda: "ISSUE-1") == "ISSUE-1"


def test_a_late_index_has_its_time_from_the_restore_on(restored: House) -> None:
    restored.clock.move(170)
    with pytest.raises(Unsettled) as waiting:
        restored.effects.once(1, "k", look=lambda: None, do=_never, grace_seconds=180)
    assert waiting.value.retry_after == pytest.approx(10)
    restored.clock.move(11)
    assert restored.effects.once(1, "k2", look=lambda: None, do=lambda: "new", grace_seconds=180) == "new"


def test_an_onboarding_begun_after_the_restore_need_not_look(restored: House) -> None:
    restored.clock.move(60)
    key = restored.start(client="Beta", root="BETA")
    with restored.store.reading() as session:
        second = session.exec(select(Onboarding).where(Onboarding.root == "BETA")).one()
    assert second.key == key
    assert second.id is not None
    assert restored.effects.once(second.id, "k", look=_never, do=lambda: "new") == "new"


def test_a_mail_that_may_have_gone_is_sent_again_only_when_a_person_decides_so(restored: House) -> None:
    with pytest.raises(OutcomeUnknown):
        restored.effects.at_most_once(1, "mail-1", _never, instead_of="mail-0")
    with pytest.raises(OutcomeUnknown):
        restored.effects.at_most_once(1, "mail-1", _never, instead_of="mail-0")
    assert restored.effects.at_most_once(1, "mail-2", lambda: "sent", instead_of="mail-1") == "sent"
    with pytest.raises(OutcomeUnknown):
        restored.effects.at_most_once(1, "other-1", _never, instead_of="other-0")


def test_numbers_that_may_be_known_outside_are_left_out(house: House) -> None:
    assert house.start() == "ONB-1"
    mark_restored(house.store, house.flow, house.clock, highest_id=7)
    assert house.start(client="Beta", root="BETA") == "ONB-8"
    assert house.start(client="Gamma", root="GAMMA") == "ONB-9"
    mark_restored(house.store, house.flow, house.clock)
    assert house.start(client="Delta", root="DELTA") == "ONB-1010"


def test_the_picture_is_drawn_anew_and_the_trail_tells(restored: House) -> None:
    pictures = len(restored.board.pictures)
    restored.show()
    assert len(restored.board.pictures) == pictures + 1
    assert restored.kinds_of_events("ONB-1")[-1] == "restored"
    assert trail.first_break(restored.onboardings.trail("ONB-1")) is None


def test_every_home_is_shown_anew_under_names_that_it_never_had(house: House) -> None:
    now = house.clock.now()
    with house.store.transaction() as session:
        for person, is_over in (("slack:UANA", False), ("slack:UGONE", True)):
            session.add(HomeRecord(person=person, wanted=3, shown=3, digest="seen", mark="h1", is_over=is_over))
    reader = HomeReader(house.packs, Roles())
    homes = Homes(house.store, house.queue, house.clock, reader)
    assert homes.sweep() == 0
    house.clock.move(60)
    for time in (1, 2):
        mark_restored(house.store, house.flow, house.clock)
        with house.store.reading() as session:
            kept = [session.get_one(HomeRecord, person) for person in ("slack:UANA", "slack:UGONE")]
        assert [(home.digest, home.mark) for home in kept] == [("", "")] * 2
        assert {home.wanted for home in kept} == {3 + time * CHANGES_FORGOTTEN}
        ana, gone = kept
        assert ana.due_at is not None
        assert ana.due_at > now
        assert gone.due_at is None
    assert homes.sweep() == 1
    assert [job.subject for _, job in house.queue.waiting if job.subject.startswith("home:")] == ["home:slack:UANA"]


@on_sqlite
def test_the_same_thing_told_under_another_number_is_not_told_twice(house: House) -> None:
    """Between backup and restore `portal` and then `directory` were told; afterwards they come the other way round."""
    key = house.start(ofc=False)
    house.show()
    backup = Backup.of(house)
    house.onboardings.tick(key, "portal", [], actor=ANA)
    house.show()
    house.work()
    house.show()
    told = _told(house)
    assert told == [("portal", "step_done"), ("directory", "step_done")]
    backup.put_back()
    house.work()
    house.show()
    house.onboardings.tick(key, "portal", [], actor=ANA)
    house.show()
    assert _told(house) == told
    assert house.states(key)["directory"] == "done"


@on_sqlite
def test_another_failure_of_the_same_step_is_told_after_a_restore(house: House) -> None:
    key = house.start(ofc=False)
    house.show()
    backup = Backup.of(house)
    house.directory.script = [_failure("FIRST")]
    house.work()
    house.show()
    backup.put_back()
    house.directory.script = [_failure("SECOND")]
    house.work()
    house.show()
    codes = [report.code for _, report in house.board.reports]
    assert codes == ["FIRST", "SECOND"]
    assert house.states(key)["directory"] == "failed"


@dataclass
class Backup:
    """The database and the queue as they were."""

    house: House
    waiting: list[tuple[str, Job]]
    seen: set[str]

    @classmethod
    def of(cls, house: House) -> "Backup":
        with (
            closing(sqlite3.connect(house.base / "core.db")) as now,
            closing(sqlite3.connect(house.base / "backup.db")) as backup,
        ):
            now.backup(backup)
        return cls(house, list(house.queue.waiting), set(house.queue.seen))

    def put_back(self) -> None:
        """Nothing outside changes."""
        house = self.house
        house.close()
        for ending in ("-wal", "-shm"):
            (house.base / f"core.db{ending}").unlink(missing_ok=True)
        (house.base / "core.db").write_bytes((house.base / "backup.db").read_bytes())
        house.queue.waiting, house.queue.seen = list(self.waiting), set(self.seen)
        house.clock.move(60)
        mark_restored(house.store, house.flow, house.clock)
        with house.store.reading() as session:
            assert all(":start:" in key for key in session.exec(select(EffectRecord.key)))


def _failure(code: str) -> Failed:
    return Failed(code, say("failed.unexpected", what=code), say("failed.unexpected_advice", key="k", step="s"))


def _told(house: House) -> list[tuple[str, str]]:
    return [(report.step.id, report.kind) for _, report in house.board.reports if report.step]


def _never() -> str:
    raise AssertionError("this must not be asked")
