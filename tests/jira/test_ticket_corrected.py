"""After a correction the ticket says in text and fields what the partner says now; one comment tells the difference."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jira_house import COMMENT, House, settings_for

from bot.jira.connection import JiraConnection
from bot.jira.tickets import JiraTickets
from bot.onboarding.effects import Effects
from bot.onboarding.errors import OnboardingError
from bot.onboarding.tickets import TicketRequest
from bot.onboarding.work import Work
from bot.sandbox.faults import Fault
from bot.sandbox.jira import JiraPerson
from bot.sandbox.jira.entities import Issue
from bot.sandbox.jira.site import BOT
from bot.steps.ticket_corrected import follow

EDIT = "PUT /rest/api/2/issue/{key}"
FIRST = {"client_root": "ACME", "ofc_host": "ftp.acme.example", "ofc_port": "21"}
SECOND = {**FIRST, "ofc_port": "2121"}
THIRD = {**SECOND, "client_root": "ACME-2"}


@pytest.fixture(params=["Server", "Cloud"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, request.param)
    house.tickets = JiraTickets(JiraConnection(settings_for(house.server)))
    with JiraPerson(house.server.url, house.server.database_token, house.server.database_email) as dana:
        house.dana = dana  # type: ignore[attr-defined] # for these tests alone
        assert house.open_ticket() == "DB-1"
        tell(house, FIRST, 0)
        yield house
    house.close()


def tell(home: House, answers: Mapping[str, Any], corrections: int) -> None:
    """Run what the step does with a version of the answers."""
    asked = [{"comment": "no", "by": "Dana", "at": "2026-11-23T09:00:00+00:00", "run": 2}] * corrections
    work = Work(
        view=home.view,
        step=SimpleNamespace(definition=home.view.pack.checklist.step("ticket")),  # type: ignore[arg-type] # its name alone
        memory={},
        memories={"form": {"corrections": asked, "answers": answers}},
        run=1,
        now=home.clock.now(),
        effects=home.effects,
    )
    request = TicketRequest(summary="OFC flow", body=f"|Port|{answers['ofc_port']}|", values=answers)
    form = next(iter(home.view.pack.forms.values()))
    follow(work, home.tickets, "DB-1", request, form, answers)


def ticket(home: House) -> Issue:
    return home.server.store.issues["DB-1"]


def told(home: House) -> list[str]:
    return [comment.body.replace("\\", "") for comment in ticket(home).comments]


def edit(home: House, fields: Mapping[str, Any]) -> None:
    home.dana._send("PUT", "issue/DB-1", {"fields": fields})  # type: ignore[attr-defined] # as above


def test_the_first_answers_are_the_tickets_own_and_nothing_is_said(home: House) -> None:
    assert told(home) == []


def test_text_and_mapped_fields_follow_and_the_difference_is_told_once(home: House) -> None:
    for _ in range(2):
        tell(home, SECOND, 1)
    assert "2121" in ticket(home).values["description"]
    [comment] = told(home)
    assert "(ofc_port): 21 → 2121" in comment
    assert "ftp.acme.example" not in comment
    for _ in range(2):
        tell(home, THIRD, 2)
    assert ticket(home).values["customfield_10101"] == "ACME-2"
    assert len(told(home)) == 2
    assert "(client_root): ACME → ACME-2" in told(home)[1]
    assert "ofc_port" not in told(home)[1]


def test_answers_sent_again_without_a_change_are_said_to_be_the_same(home: House) -> None:
    tell(home, FIRST, 1)
    [comment] = told(home)
    assert "without a change" in comment


def test_what_a_person_has_written_stays_and_the_comment_says_so(home: House) -> None:
    edit(home, {"description": "Dana's own words"})
    tell(home, THIRD, 1)
    assert ticket(home).values["description"].strip() == "Dana's own words"
    assert ticket(home).values["customfield_10101"] == "ACME-2"
    [comment] = told(home)
    assert "“Description” has been edited by hand" in comment
    assert "21 → 2121" in comment


def test_a_field_that_a_person_has_set_stays_while_the_text_follows(home: House) -> None:
    edit(home, {"customfield_10101": "DANA-ROOT"})
    tell(home, THIRD, 1)
    assert ticket(home).values["customfield_10101"] == "DANA-ROOT"
    assert "2121" in ticket(home).values["description"]
    [comment] = told(home)
    assert "has been edited by hand" in comment


def test_without_the_right_to_edit_the_comment_tells_what_to_do(home: House) -> None:
    home.server.store.revoke(BOT.name, "DB", "EDIT_ISSUES")
    tell(home, SECOND, 1)
    [comment] = told(home)
    assert "could not be edited" in comment
    assert "right to edit issues" in comment


@pytest.mark.parametrize("lost", ["drop_after", "drop_before", "server_error"])
@pytest.mark.parametrize("operation", [EDIT, COMMENT])
def test_whatever_is_lost_it_is_written_and_told_once(home: House, operation: str, lost: str) -> None:
    home.server.faults.add(Fault(operation, lost, account=BOT.name))  # type: ignore[arg-type] # a parameter
    for _ in range(3):
        try:
            tell(home, SECOND, 1)
        except OnboardingError:
            home.clock.move(60)
    assert "2121" in ticket(home).values["description"]
    assert len(told(home)) == 1


@pytest.mark.parametrize(("method", "time"), [("_claim", 1), ("_complete", 1), ("_claim", 2), ("_complete", 2)])
def test_a_kill_at_any_line_of_the_ledger_tells_once_and_spares_what_a_person_writes_then(
    home: House, monkeypatch: pytest.MonkeyPatch, method: str, time: int
) -> None:
    class Killed(BaseException):
        """The process is gone."""

    plain, calls = getattr(Effects, method), []

    def dying(self: Effects, *given: object) -> object:
        calls.append(given)
        if len(calls) == time:
            raise Killed
        return plain(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(Effects, method, dying)
        with pytest.raises(Killed):
            tell(home, SECOND, 1)
    edit(home, {"description": "Dana's own words"})
    for _ in range(2):
        tell(home, SECOND, 1)
    assert ticket(home).values["description"].strip() == "Dana's own words"
    assert len(told(home)) == 1


def test_the_comment_is_in_the_onboardings_language_and_none_of_the_teams_words(home: House) -> None:
    home.view = replace(home.view, language="es")
    home.dana.comment("DB-1", "We look at it.")  # type: ignore[attr-defined] # as above
    home.clock.move(5)
    tell(home, SECOND, 1)
    assert "El partner ha corregido el formulario" in told(home)[1]
    assert home.tickets.status("DB-1").words == "We look at it."
