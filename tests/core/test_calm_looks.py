"""Looking again: often while something happens, ever more rarely while nothing does, and once for all who wait."""

from datetime import datetime, timedelta

import pytest
from core_house import ANA, House
from sqlmodel import select

from bot.locales import say
from bot.onboarding import due_rows
from bot.onboarding.errors import StepFailed, Unavailable
from bot.onboarding.models import DueRecord, LookRecord
from bot.onboarding.outcomes import Done, Outcome, Waiting
from bot.onboarding.work import Work
from bot.onboarding.worker import Sweep

BASE = 20.0


@pytest.fixture
def home(house: House) -> House:
    house.sweep = Sweep(house.store, house.queue, house.clock, house.looks.kinds)
    return house


def quiet(_work: Work) -> Outcome:
    return Waiting(on="partner", note=say("watch.look"), poll=BASE, signal="folder:/in")


def start_waiting(home: House, *, looks: int = 2_000) -> str:
    home.directory.script = [quiet] * looks
    key = home.start(ofc=False)
    home.work()
    return key


def row(home: House) -> DueRecord:
    with home.store.reading() as session:
        return session.exec(select(DueRecord).where(DueRecord.subject == "step:directory")).one()


def pause_of(home: House) -> float:
    decided = row(home)
    assert decided.set_at is not None
    return (decided.due_at - decided.set_at).total_seconds()


def test_the_pause_grows_with_the_quiet_time_and_ends_at_the_longest() -> None:
    quiet_for = [timedelta(minutes=minutes) for minutes in (0, 14, 16, 80, 800, 80_000)]
    assert [due_rows.pause(BASE, time, 3_600) for time in quiet_for] == [20, 20, 120, 600, 3_600, 3_600]
    assert due_rows.pause(7_200, timedelta(days=9), 3_600) == 7_200


def test_a_day_of_quiet_costs_few_looks_and_the_first_minutes_stay_lively(home: House) -> None:
    start_waiting(home)
    for _ in range(10):
        home.let_pass(seconds=BASE)
    assert len(home.directory.runs) == 11
    assert pause_of(home) == BASE
    while home.clock.now() < datetime.fromisoformat("2026-11-24T09:00:00+00:00"):
        home.let_pass(seconds=BASE * 3)
    assert 30 < len(home.directory.runs) < 120
    assert pause_of(home) > 3_500


def test_news_of_any_kind_makes_the_looks_lively_again(home: House) -> None:
    start_waiting(home)
    home.let_pass(hours=10)
    home.let_pass(hours=2)
    assert pause_of(home) == 3_600
    growing = {"seen": {"a.mdb": [1, 1, 1]}}
    home.directory.script = [Waiting(on="partner", note=say("watch.look"), poll=BASE, memory=growing), quiet, quiet]
    home.let_pass(hours=1)
    assert pause_of(home) == BASE
    home.let_pass(seconds=BASE)
    assert pause_of(home) == BASE


def test_a_person_who_asks_for_a_look_makes_the_looks_lively_again(home: House) -> None:
    key = start_waiting(home)
    home.let_pass(hours=12)
    assert pause_of(home) == 3_600
    home.onboardings.retry(key, "directory", actor=ANA)
    home.catch_up()
    assert pause_of(home) == BASE


def test_after_days_of_downtime_a_step_looks_once(home: House) -> None:
    start_waiting(home)
    before = len(home.directory.runs)
    home.let_pass(days=3)
    assert len(home.directory.runs) == before + 1


def test_a_look_that_is_asked_for_while_one_is_being_made_is_not_lost(home: House) -> None:
    key = start_waiting(home)

    def asked_meanwhile(work: Work) -> Outcome:
        home.onboardings.retry(key, "directory", actor=ANA)
        return quiet(work)

    home.directory.script = [asked_meanwhile, Done()]
    home.let_pass(seconds=BASE)
    assert home.states(key)["directory"] == "done"


def test_a_clock_that_goes_back_stops_no_looks(home: House) -> None:
    start_waiting(home)
    home.clock.move(365 * 86_400)
    home.catch_up()
    before = len(home.directory.runs)
    home.clock.move(-365 * 86_400 + 1.5)
    home.catch_up()
    assert len(home.directory.runs) == before + 1
    home.let_pass(seconds=BASE)
    home.let_pass(seconds=BASE)
    assert len(home.directory.runs) == before + 3


def test_a_small_step_back_repeats_nothing(home: House) -> None:
    start_waiting(home)
    home.let_pass(seconds=BASE)
    before = len(home.directory.runs)
    home.let_pass(seconds=-60)
    assert len(home.directory.runs) == before


# Looking once for all.


def test_a_change_that_the_lookout_sees_wakes_the_step_at_once(home: House) -> None:
    home.lookout.marks = {"/in": "1"}
    key = start_waiting(home)
    home.catch_up()
    home.let_pass(hours=12)
    home.let_pass(seconds=BASE)
    looked = len(home.directory.runs)
    home.let_pass(seconds=BASE)
    assert len(home.directory.runs) == looked
    home.directory.script = [Done()]
    home.lookout.marks = {"/in": "2"}
    home.let_pass(seconds=BASE)
    assert home.states(key)["directory"] == "done"


def test_a_change_is_told_once_and_looks_stay_lively_after_it(home: House) -> None:
    home.lookout.marks = {"/in": "1"}
    start_waiting(home)
    home.catch_up()
    home.let_pass(hours=12)
    home.lookout.marks = {"/in": "2"}
    home.let_pass(seconds=BASE)
    looked = len(home.directory.runs)
    assert pause_of(home) == BASE
    home.let_pass(seconds=BASE)
    assert len(home.directory.runs) == looked + 1
    assert row(home).mark == "2"


def test_a_lookout_asks_for_everything_since_it_last_saw_all(home: House) -> None:
    start_waiting(home)
    home.catch_up()
    home.let_pass(seconds=BASE)
    home.lookout.trouble = [Unavailable("Jira", "no answer"), StepFailed("X", say("ask.no"), say("ask.no_advice"))]
    seen = home.clock.now()
    home.let_pass(days=3)
    home.let_pass(minutes=2)
    home.let_pass(minutes=11)
    names, within = home.lookout.looks[-1]
    assert names == ["/in"]
    assert within >= home.clock.now() - seen


def test_nobody_who_waits_is_no_reason_to_look(home: House) -> None:
    home.catch_up()
    home.let_pass(seconds=BASE)
    assert home.lookout.looks == []


def test_a_look_that_was_lost_is_made_up_for(home: House) -> None:
    start_waiting(home)
    home.catch_up()
    home.let_pass(seconds=BASE)
    looks = len(home.lookout.looks)
    home.clock.move(BASE + 1)
    home.sweep.run()
    assert len(home.queue.take("look:")) == 1
    home.let_pass(minutes=5)
    assert len(home.lookout.looks) == looks
    home.let_pass(minutes=6)
    assert len(home.lookout.looks) == looks + 1


@pytest.mark.parametrize("seconds", [-86_400, 86_400])
def test_a_lookout_survives_a_clock_that_jumps(home: House, seconds: float) -> None:
    start_waiting(home)
    home.catch_up()
    home.clock.move(seconds)
    home.catch_up()
    looks = len(home.lookout.looks)
    home.let_pass(seconds=BASE)
    assert len(home.lookout.looks) == looks + 1
    with home.store.reading() as session:
        assert session.exec(select(LookRecord)).one().set_at == home.clock.now()
