"""A click is kept before it is acknowledged, and carried out once, whatever dies or is away in between."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_house import Run, SlackHouse, eventually, slack_house
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from bot.onboarding.inbox import LEFT_AFTER, Inbox, Kept
from bot.onboarding.models import InboxRecord

AWAY = OperationalError("SELECT 1", {}, Exception("the server closed the connection"))
LONG_AGO = LEFT_AFTER.total_seconds() + 1


@pytest.fixture(params=["socket", "http"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SlackHouse]:
    """One for each test: its process dies in it."""
    with slack_house(tmp_path, request.param) as house:
        yield house


def kept(house: SlackHouse) -> list[str]:
    with house.store.reading() as session:
        return list(session.exec(select(InboxRecord.source)))


def tick(house: SlackHouse, run: Run) -> None:
    house.ana.tick(run.ts, house.block(run, "portal", "ticks"), "logged_in")


def failing_once(real: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that finds the database away at its first call."""
    calls: list[object] = []

    def method(*given: Any, **named: Any) -> Any:
        calls.append(given)
        if len(calls) == 1:
            raise AWAY
        return real(*given, **named)

    return method


def taken_over(house: SlackHouse) -> int:
    """A process that begins now carries out what it finds; how much that was."""
    front = house.begun_front()
    # What listens is registered with the library's app when that is first needed.
    front.request_handler()
    number = front.clicks.take_over()
    front.clicks.stop()
    return number


def test_a_click_that_was_carried_out_is_kept_no_longer(house: SlackHouse) -> None:
    run = house.start()
    tick(house, run)
    assert house.ticked(run, "portal")["logged_in"] == "ana"
    assert kept(house) == []


def test_a_click_that_a_process_acknowledged_before_it_died_is_carried_out_by_another(house: SlackHouse) -> None:
    run = house.start()
    house.front.clicks.stop()
    tick(house, run)
    assert house.failures() == []
    assert house.ticked(run, "portal")["logged_in"] is None
    house.clock.ahead += LONG_AGO
    assert taken_over(house) == 1
    assert house.ticked(run, "portal")["logged_in"] == "ana"
    assert kept(house) == []


def test_a_click_that_was_carried_out_and_is_found_again_counts_once_and_nobody_is_told(house: SlackHouse) -> None:
    run = house.start()
    house.front.clicks.stop()
    tick(house, run)
    [source] = kept(house)
    with house.store.reading() as session:
        body = session.get_one(InboxRecord, source).body
    house.clock.ahead += LONG_AGO
    assert taken_over(house) == 1
    told = len(house.told(house.ana))
    # As if it had been kept once more by a process that had it from Slack a second time and died.
    house.inbox.keep(Kept(source, body))
    house.clock.ahead += LONG_AGO
    assert taken_over(house) == 1
    assert house.events(run).count("ticked") == 1
    assert (kept(house), house.told(house.ana)[told:]) == ([], [])


def test_a_click_and_what_is_kept_of_it_end_in_one_transaction(
    house: SlackHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dying(*_given: object) -> None:
        raise AWAY

    run = house.start()
    with monkeypatch.context() as patched:
        patched.setattr("bot.onboarding.asking.forget", dying)
        tick(house, run)
    assert (house.ticked(run, "portal")["logged_in"], len(kept(house))) == (None, 1)
    house.clock.ahead += LONG_AGO
    eventually(lambda: house.ticked(run, "portal")["logged_in"] == "ana")
    assert kept(house) == []


def test_a_refused_click_is_told_and_kept_no_longer(house: SlackHouse) -> None:
    run = house.start()
    told = len(house.told(house.guest))
    house.guest.tick(run.ts, house.block(run, "portal", "ticks"), "logged_in")
    assert "Nothing has changed" in eventually(lambda: house.told(house.guest)[told:])[0]
    assert kept(house) == []


def test_a_click_of_the_last_seconds_is_left_to_the_process_that_has_it(house: SlackHouse) -> None:
    run = house.start()
    house.front.clicks.stop()
    tick(house, run)
    assert taken_over(house) == 0
    house.clock.ahead += LONG_AGO
    assert house.inbox.take_over(but=kept(house)) == []
    assert len(house.inbox.take_over()) == 1
    # It has been taken a moment ago.
    assert house.inbox.take_over() == []


def test_a_click_kept_by_a_clock_that_has_gone_back_is_taken_over(house: SlackHouse) -> None:
    run = house.start()
    house.front.clicks.stop()
    tick(house, run)
    house.clock.ahead -= 3_600
    assert taken_over(house) == 1
    assert house.ticked(run, "portal")["logged_in"] == "ana"


def test_a_click_waits_for_a_database_that_is_away(house: SlackHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    run = house.start()
    monkeypatch.setattr(house.onboardings, "select_ticks", failing_once(house.onboardings.select_ticks))
    told = len(house.told(house.ana))
    tick(house, run)
    assert (house.ticked(run, "portal")["logged_in"], house.failures()) == (None, [])
    house.clock.ahead += LONG_AGO
    eventually(lambda: house.ticked(run, "portal")["logged_in"] == "ana")
    eventually(lambda: kept(house) == [])
    assert house.told(house.ana)[told:] == []


def test_a_click_that_cannot_be_kept_is_told_in_words(house: SlackHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    run = house.start()
    monkeypatch.setattr(Inbox, "keep", failing_once(Inbox.keep))
    told = len(house.told(house.ana))
    tick(house, run)
    assert "click again" in eventually(lambda: house.told(house.ana)[told:])[0]
    assert house.failures() == []


def test_a_click_that_breaks_is_told_once_and_not_tried_for_ever(
    house: SlackHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: Any, **_named: Any) -> bool:
        raise ValueError("a mistake of ours")

    run = house.start()
    monkeypatch.setattr(house.onboardings, "select_ticks", broken)
    told = len(house.told(house.ana))
    tick(house, run)
    assert len(eventually(lambda: house.told(house.ana)[told:])) == 1
    assert kept(house) == []


def test_what_is_kept_of_a_click_has_no_address_to_answer_to_and_no_token(house: SlackHouse) -> None:
    run = house.start()
    house.front.clicks.stop()
    tick(house, run)
    with house.store.reading() as session:
        [record] = session.exec(select(InboxRecord)).all()
    assert {"response_url", "token"}.isdisjoint(record.body)
    assert record.body["actions"][0]["action_id"] == "ticks"
