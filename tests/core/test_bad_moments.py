"""Doubled starts, a clock that is set back, lists and requests that are refused, a database that cannot be used."""

import sqlite3
from hashlib import sha256
from pathlib import Path
from threading import Barrier, Thread

import pytest
from core_house import ANA, House
from sqlalchemy.exc import OperationalError

from bot.locales import say
from bot.onboarding.effects import Effects
from bot.onboarding.errors import FileRefused, TurnedAway, Unavailable, Unsettled
from bot.onboarding.outcomes import Done, Evidence, FileEvidence, Waiting
from bot.onboarding.work import Work


def test_two_starts_at_once_keep_the_pack_once(house: House) -> None:
    pack = house.packs.get("operadora_x")
    broken: list[BaseException] = []
    all_of_them = Barrier(8)

    def keep() -> None:
        all_of_them.wait(5)
        try:
            house.packs.keep(pack)
        except OSError as trouble:
            broken.append(trouble)

    threads = [Thread(target=keep) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert broken == []
    assert house.packs.kept(pack.id, pack.digest).digest == pack.digest


def test_a_request_that_was_turned_away_need_not_be_waited_for(house: House) -> None:
    house.start()

    def turned_away() -> str:
        raise TurnedAway("Jira", "answers 429", retry_after=1)

    with pytest.raises(TurnedAway):
        house.effects.once(1, "k", look=lambda: None, do=turned_away, grace_seconds=180)
    assert house.effects.once(1, "k", look=lambda: None, do=lambda: "id", grace_seconds=180) == "id"


def test_a_request_that_is_still_on_its_way_is_looked_for_until_it_arrives(house: House) -> None:
    house.start()
    effects = Effects(house.store, house.clock, settle_seconds=1.5)
    with pytest.raises(Unavailable):
        effects.once(1, "k", look=lambda: None, do=_lost)
    looks = iter([None, None, "arrived"])
    assert effects.once(1, "k", look=lambda: next(looks), do=lambda: "second") == "arrived"


def test_a_claim_of_the_future_is_waited_for_no_longer_than_any_other(house: House) -> None:
    house.start()
    with pytest.raises(Unavailable):
        house.effects.once(1, "k", look=lambda: None, do=_lost, grace_seconds=180)
    house.clock.move(-3600)
    with pytest.raises(Unsettled) as waiting:
        house.effects.once(1, "k", look=lambda: None, do=lambda: "second", grace_seconds=180)
    assert waiting.value.retry_after == pytest.approx(180)
    house.clock.move(181)
    assert house.effects.once(1, "k", look=lambda: None, do=lambda: "second", grace_seconds=180) == "second"


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_clock_that_is_set_back_puts_off_no_look(house: House, is_restarted: bool) -> None:
    house.start()
    house.directory.script = [Waiting(on="admin", note=say("form.waiting"), poll=20)] * 3
    house.work()
    house.clock.move(21)
    house.sweep.run()
    house.work()
    house.sweep.run()
    house.clock.move(-3 * 3600)
    moment = house.clock.moment
    again = House(house.base, database=house.database) if is_restarted else house
    again.clock.moment = moment
    looks = len(again.directory.runs)
    again.sweep.run()
    again.work()
    again.close()
    assert [work.definition.id for work in again.directory.runs[looks:]][:1] == ["directory"]


def test_what_is_made_again_after_a_kill_tells_the_same_moment(house: House) -> None:
    key = house.start()
    moments = []

    def ask(work: Work) -> Done:
        moments.append(work.moment("file"))
        if len(moments) == 1:
            raise Unavailable("SFTP", "no answer")
        return Done()

    house.directory.script = [ask, ask]
    house.work()
    house.clock.move(60)
    house.sweep.run()
    house.work()
    assert len(moments) == 2
    assert moments[0] == moments[1]
    assert house.onboardings.view(key).step("directory").state == "done"


def test_a_step_does_not_fail_over_a_database_that_cannot_be_used(house: House) -> None:
    key = house.start()
    locked = OperationalError("INSERT", {}, sqlite3.OperationalError("database is locked"))
    house.directory.script = [locked]
    [job] = [job for job in house.queue.take("step:") if job.subject == "step:directory"]
    with pytest.raises(OperationalError):
        house.steps.run(job)
    assert house.onboardings.view(key).step("directory").state == "running"
    house.steps.run(job)
    assert house.onboardings.view(key).step("directory").state == "done"


def test_a_list_that_a_surface_refuses_is_told_on_the_trail_once(house: House, tmp_path: Path) -> None:
    key = house.start()
    listed = tmp_path / "REFS.csv"
    listed.write_bytes(b"ref\n1\n")
    digest = sha256(listed.read_bytes()).hexdigest()
    file = FileEvidence(listed.name, "references", str(listed), 6, digest, rows=1)
    house.directory.script = [Done(Evidence(files=(file,)))]
    house.board.refuses_files = FileRefused("Board", "too big")
    house.work()
    for _ in range(3):
        house.show()
        with house.flow.change(1) as change:
            house.flow.tell_surfaces(change)
    [line] = [line for line in house.onboardings.trail(key) if line.kind == "list_left_out"]
    assert (line.content["surface"], line.content["file"], line.content["reason"]) == ("board", "REFS.csv", "too big")
    house.onboardings.tick(key, "portal", [], actor=ANA)
    house.show()
    assert [report.step.id for _, report in house.board.reports if report.step][-1] == "portal"


def _lost() -> str:
    raise Unavailable("Jira", "no answer")
