"""An onboarding that is opened again: so is its issue, and closed again at the new end with the dossier of that day."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from both_ways_house import ANA, BothWays, both_ways

from bot.onboarding.effects import Effects
from bot.sandbox.faults import Fault
from bot.sandbox.jira.entities import Issue
from bot.sandbox.jira.site import BOT

MOVE = "POST /rest/api/2/issue/{key}/transitions"


@pytest.fixture(params=["Server", "Cloud"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BothWays]:
    """An onboarding that was cancelled, whose issue is closed."""
    with both_ways(tmp_path, request.param) as built:
        built.start()
        built.onboardings.cancel(built.key, "the wrong client", actor=ANA)
        built.settle()
        assert own(built).status.name == "Done"
        yield built


def own(home: BothWays) -> Issue:
    return home.jira.store.issues["ACT-1"]


def open_again(home: BothWays) -> None:
    home.onboardings.steering.reopen(home.key, "it was the right one", actor=ANA)


def dossiers(home: BothWays) -> list[str]:
    return [file.filename for file in own(home).attachments]


def moves(home: BothWays) -> list[str]:
    return [after or "" for change in own(home).history for field, _, after in change.items if field == "status"]


def test_its_issue_is_opened_again_before_it_is_told_and_closed_at_the_new_end(home: BothWays) -> None:
    open_again(home)
    home.settle()
    assert (own(home).status.name, own(home).resolution) == ("To Do", None)
    assert "it was the right one" in home.comments("ACT-1")[-1]
    home.onboardings.cancel(home.key, "the wrong one after all", actor=ANA)
    home.settle()
    assert own(home).status.name == "Done"
    assert dossiers(home) == ["ONB-1-dossier.html", "ONB-1-dossier-2.html"]
    first, second = own(home).attachments
    assert first.content != second.content
    open_again(home)
    home.settle()
    assert moves(home) == ["In Progress", "Done", "To Do", "In Progress", "Done", "To Do"]


@pytest.mark.parametrize("lost", ["drop_after", "drop_before", "server_error"])
def test_whatever_answer_is_lost_it_is_opened_once(home: BothWays, lost: str) -> None:
    home.jira.faults.add(Fault(MOVE, lost, times=2, account=BOT.name))  # type: ignore[arg-type] # a parameter
    open_again(home)
    for _ in range(4):
        home.later(600)
    assert moves(home) == ["In Progress", "Done", "To Do"]


@pytest.mark.parametrize("method", ["_claim", "_complete"])
def test_a_kill_at_any_line_of_the_ledger_opens_it_once(
    home: BothWays, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    class Killed(BaseException):
        """The process is gone."""

    plain = getattr(Effects, method)

    def dying(self: Effects, *given: object) -> object:
        if any("reopened1" in str(each) for each in given):
            raise Killed
        return plain(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(Effects, method, dying)
        open_again(home)
        with pytest.raises(Killed):
            home.settle()
    with home.flow.change(1) as change:
        change.schedule("surface:jira", 0)
    home.later(600)
    assert moves(home) == ["In Progress", "Done", "To Do"]


def test_one_that_a_person_has_opened_or_closes_again_is_theirs(home: BothWays) -> None:
    home.morgan.transition("ACT-1", "Reopen")
    open_again(home)
    home.settle()
    assert moves(home) == ["In Progress", "Done", "To Do"]
    home.morgan.transition("ACT-1", "Start Progress")
    home.morgan.transition("ACT-1", "Done", resolution="Done")
    home.onboardings.tick(home.key, "portal", [], actor=ANA)
    home.later()
    assert own(home).status.name == "Done"


def test_opened_and_ended_while_jira_was_away_it_is_as_the_onboarding_is(home: BothWays) -> None:
    open_again(home)
    home.onboardings.cancel(home.key, "the wrong one after all", actor=ANA)
    home.settle()
    assert moves(home) == ["In Progress", "Done"]
    assert dossiers(home) == ["ONB-1-dossier.html", "ONB-1-dossier-2.html"]


def test_where_no_transition_leads_back_people_hear_once_what_to_do_and_all_goes_on(home: BothWays) -> None:
    project = own(home).project
    own(home).project = replace(project, workflow=tuple(step for step in project.workflow if step.name != "Reopen"))
    open_again(home)
    for _ in range(3):
        home.later()
    [told] = home.told("addition_missed")
    assert told.seen
    assert told.advice
    assert "ACT-1 stays closed" in told.seen.en
    assert "Open ACT-1 by hand" in told.advice.en
    assert "no transition opens it again" in (told.reason or "")
    assert len(home.events("addition_missed")) == 1
    assert "it was the right one" in home.comments("ACT-1")[-1]
    home.onboardings.tick(home.key, "portal", [], actor=ANA)
    home.onboardings.cancel(home.key, "the wrong one after all", actor=ANA)
    home.settle()
    assert dossiers(home) == ["ONB-1-dossier.html", "ONB-1-dossier-2.html"]


def test_an_issue_that_was_deleted_is_said_to_be_gone(home: BothWays) -> None:
    home.jira.store.delete(own(home))
    open_again(home)
    home.later()
    assert len(home.told("surface_gone")) == 1
    assert home.told("addition_missed") == []
