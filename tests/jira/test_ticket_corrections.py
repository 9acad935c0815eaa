"""A comment that asks for a correction and cannot be had is answered on the ticket: why not, who can, what to do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from both_ways_house import BothWays, both_ways

from bot.onboarding.effects import Effects
from bot.sandbox.faults import Fault
from bot.sandbox.jira.site import BOT

COMMENT = "POST /rest/api/2/issue/{key}/comment"


@pytest.fixture(params=["Server", "Cloud"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BothWays]:
    """A checklist without a form: there is nothing to correct."""
    with both_ways(tmp_path, request.param) as built:
        built.start()
        yield built


def answers(home: BothWays) -> list[str]:
    return [body for body in home.comments("DB-1") if "To Dana Base:" in body]


def test_it_is_answered_once_on_the_ticket_and_no_answer_is_read_as_news(home: BothWays) -> None:
    home.dana.comment("DB-1", "Correction: the port is wrong")
    home.later()
    home.later()
    [answer] = answers(home)
    assert "could not be asked for" in answer
    assert "no form" in answer
    assert "UANA (Slack)" in answer
    assert home.said("ticket_comment") == ["Correction: the port is wrong"]
    assert len(home.events("refused")) == 1
    home.dana.comment("DB-1", "corrección: el puerto")
    home.later()
    assert len(answers(home)) == 2


def test_a_comment_about_corrections_in_its_middle_asks_for_none(home: BothWays) -> None:
    home.dana.comment("DB-1", "No correction: all is well")
    home.later()
    assert answers(home) == []


@pytest.mark.parametrize("lost", ["drop_after", "drop_before", "server_error"])
def test_whatever_is_lost_it_is_answered_once(home: BothWays, lost: str) -> None:
    home.dana.comment("DB-1", "correction: the port is wrong")
    home.jira.faults.add(Fault(COMMENT, lost, account=BOT.name))  # type: ignore[arg-type] # a parameter
    for _ in range(4):
        home.later(600)
    assert len(answers(home)) == 1
    assert len(home.events("refused")) == 1


@pytest.mark.parametrize(("method", "time"), [("_claim", 1), ("_complete", 1), ("_claim", 2), ("_complete", 2)])
def test_a_kill_at_any_line_of_the_ledger_answers_once_with_the_first_verdict(
    home: BothWays, monkeypatch: pytest.MonkeyPatch, method: str, time: int
) -> None:
    class Killed(BaseException):
        """The process is gone."""

    plain, calls = getattr(Effects, method), []

    def dying(self: Effects, *given: object) -> object:
        if any(":correction:" in str(each) for each in given):
            calls.append(given)
            if len(calls) == time:
                raise Killed
        return plain(self, *given)

    home.dana.comment("DB-1", "correction: the port is wrong")
    with monkeypatch.context() as patched:
        patched.setattr(Effects, method, dying)
        with pytest.raises(Killed):
            home.later()
    home.wakeups.wake("again", ["ticket:DB-1"])
    home.later(600)
    [answer] = answers(home)
    assert "no form" in answer
    assert len(home.events("refused")) == 1


def test_an_answer_that_jira_does_not_take_is_a_line_of_the_trail_and_nothing_stops(home: BothWays) -> None:
    home.dana.comment("DB-1", "correction: the port is wrong")
    home.jira.store.revoke(BOT.name, "DB", "ADD_COMMENTS")
    for _ in range(3):
        home.later()
    [line] = home.events("ticket_answer_unsent")
    assert "403" in line.content["seen"]["en"]
    assert home.said("ticket_comment") == ["correction: the port is wrong"]
