"""The fields of an issue: found through the create metadata, shaped by their type, and named when they cannot be."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jira_house import House, settings_for

from bot.jira.connection import JiraConnection
from bot.jira.surface import JiraSurface
from bot.jira.tickets import JiraTickets
from bot.onboarding.effects import NothingHappened
from bot.onboarding.errors import StepFailed, Unavailable
from bot.onboarding.tickets import TicketRequest
from bot.sandbox.jira.entities import Field
from bot.sandbox.jira.site import BOT, DATABASE_MEMBER

KINDS = ["Server", "Cloud"]
LONG = "ñ" * 10_000


@pytest.fixture(params=KINDS)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, request.param)
    yield house
    house.close()


def opened(home: House, answers: dict[str, object], due: date | None = None, **changed: Any) -> dict[str, Any]:
    """Open a ticket with these answers; return what Jira holds by then."""
    request = TicketRequest(summary="OFC flow", body="text", values=answers, due=due)
    key = JiraTickets(JiraConnection(settings_for(home.server, **changed))).create(request, "ONB-1:ticket:issue")
    return home.server.store.issues[key].values


def refused(home: House, answers: dict[str, object], **changed: Any) -> StepFailed:
    """Try to open a ticket that cannot be; nothing may have been asked to be made."""
    with pytest.raises(NothingHappened) as nothing:
        opened(home, answers, **changed)
    assert isinstance(nothing.value.cause, StepFailed)
    assert not [call for call in home.server.calls if call.method == "POST"]
    assert home.server.store.issues == {}
    failed = nothing.value.cause
    for language in ("fr", "en", "es"):
        assert failed.seen.text(language)
        assert failed.advice.text(language)
    return failed


def test_a_field_is_mapped_by_its_id_or_its_name_whatever_its_case(home: House) -> None:
    mapped = {"a": "customfield_10101", "b": "partner CODE"}
    held = opened(home, {"a": "ACME", "b": "PARTNER-ONE"}, fields=mapped)
    assert (held["customfield_10101"], held["customfield_10102"]) == ("ACME", "PARTNER-ONE")


def test_each_type_gets_the_form_that_it_takes(home: House) -> None:
    mapped = {
        "protocol": "OFC protocol",
        "tax_ids": "Client tax ids",
        "go_live": "Target go-live",
        "lines": "Lines",
        "remarks": "OFC remarks",
        "who": "Assignee",
        "host": "OFC host",
    }
    held = opened(
        home,
        {
            "protocol": "sftp",
            "tax_ids": ["B00123455", "A 58818501"],
            "go_live": "2027-01-15",
            "lines": "1200",
            "remarks": "one\ntwo",
            "who": DATABASE_MEMBER.email,
            "host": LONG,
        },
        fields=mapped,
    )
    assert held["customfield_10103"].name == "SFTP"
    assert held["customfield_10106"] == ["A_58818501", "B00123455"]
    assert held["customfield_10108"] == "2027-01-15"
    assert held["customfield_10109"] == 1200
    assert held["customfield_10110"].split() == ["one", "two"]
    assert held["assignee"] == DATABASE_MEMBER.name
    assert len(held["customfield_10104"]) == 255


def test_what_was_not_answered_leaves_its_field_alone(home: House) -> None:
    held = opened(home, {"a": "", "b": []}, fields={"a": "Client root", "b": "Client tax ids", "c": "Lines"})
    assert not {"customfield_10101", "customfield_10106", "customfield_10109"} & held.keys()


def test_priority_components_constants_and_the_due_date_are_set(home: House) -> None:
    held = opened(
        home,
        {},
        due=date(2027, 1, 15),
        fields={},
        database_priority="high",
        database_components=["ofc", "Imports"],
        database_fixed={"Partner code": "ALL"},
    )
    assert held["priority"].name == "High"
    assert [each.name for each in held["components"]] == ["OFC", "Imports"]
    assert held["customfield_10102"] == "ALL"
    assert held["duedate"] == "2027-01-15"


def test_an_answer_wins_over_a_constant(home: House) -> None:
    held = opened(home, {"a": "ACME"}, fields={"a": "Client root"}, database_fixed={"Client root": "NONE"})
    assert held["customfield_10101"] == "ACME"


def test_without_the_right_to_schedule_the_due_date_is_left_out_and_the_ticket_made(home: House) -> None:
    home.server.store.revoke(BOT.name, "DB", "SCHEDULE_ISSUES")
    assert "duedate" not in opened(home, {}, due=date(2027, 1, 15), fields={})


@pytest.mark.parametrize(
    ("mapped", "answer", "words"),
    [
        ("customfield_99999", "x", "Jira has no field “customfield_99999”"),
        ("No such name", "x", "Jira has no field “No such name”"),
        ("Cost centre", "x", "exists but is not on the create screen of Task in DB"),
        ("Lines", "many", "takes a number, and “many” is none"),
        ("Target go-live", "202610", "takes a date, and “202610” is none"),
        ("OFC protocol", "CARRIER PIGEON", "has no choice “CARRIER PIGEON”; it has: SFTP, FTPS, FTP, EMAIL"),
        ("Assignee", "nobody@example.com", "takes a person whom Jira knows"),
        ("issuetype", "Task", "of a type that the bot cannot fill (issuetype)"),
    ],
)
def test_a_field_that_cannot_be_set_is_named_before_anything_is_made(
    home: House, mapped: str, answer: str, words: str
) -> None:
    failed = refused(home, {"a": answer}, fields={"a": mapped})
    assert failed.code == "JIRA_FIELDS"
    assert words in failed.seen.en


def test_everything_that_is_wrong_is_named_at_once(home: House) -> None:
    failed = refused(home, {"a": "x", "b": "many"}, fields={"a": "Nowhere", "b": "Lines"}, database_priority="Sky-high")
    for part in ("Nowhere", "Lines", "Sky-high"):
        assert part in failed.seen.en


def test_a_missing_issue_type_is_named_with_those_there_are(home: House) -> None:
    failed = refused(home, {}, database_issue_type="Epic")
    assert "no issue type “Epic”; it has: Task, Service Request" in failed.seen.en
    assert "JIRA__DATABASE_ISSUE_TYPE" in failed.advice.en


def test_a_required_field_without_a_value_is_named_and_a_constant_fills_it(home: House) -> None:
    home.server.store.change_project("DB", required_fields=("customfield_10102",))
    assert "demands the field Partner code (customfield_10102), and nothing fills it" in refused(home, {}).seen.en
    unanswered = refused(home, {}, fields={"code": "Partner code"})
    assert "the form's question code was left without an answer" in unanswered.seen.en
    assert opened(home, {}, database_fixed={"Partner code": "ALL"})["customfield_10102"] == "ALL"


def test_two_fields_of_one_name_are_told_apart_by_their_ids(home: House) -> None:
    store = home.server.store
    twin = Field("customfield_10501", "Client root", "text", custom_type="a.b:textfield")
    store.site = replace(store.site, fields=(*store.site.fields, twin))
    screen = next(each for each in store.site.projects if each.key == "DB").create_screen
    store.change_project("DB", create_screen=(*screen, twin.id))
    failed = refused(home, {"a": "x"}, fields={"a": "Client root"})
    assert "customfield_10101, customfield_10501" in failed.seen.en
    assert opened(home, {"a": "x"}, fields={"a": twin.id})[twin.id] == "x"


def test_a_screen_of_many_pages_is_read_to_its_end(home: House) -> None:
    store = home.server.store
    many = tuple(
        Field(f"customfield_{number}", f"Field {number}", "text", custom_type="a.b:textfield")
        for number in range(20_000, 20_450)
    )
    store.site = replace(store.site, fields=(*store.site.fields, *many))
    screen = next(each for each in store.site.projects if each.key == "DB").create_screen
    store.change_project("DB", create_screen=(*screen, *(each.id for each in many)))
    assert opened(home, {"a": "last"}, fields={"a": "Field 20449"})["customfield_20449"] == "last"


def test_a_field_that_is_deleted_while_the_bot_runs_is_named_at_the_next_ticket(home: House) -> None:
    assert opened(home, {"a": "ACME"}, fields={"a": "customfield_10101"})["customfield_10101"] == "ACME"
    home.server.store.issues.clear()
    home.server.calls.clear()
    home.server.store.delete_field("customfield_10101")
    assert "no field “customfield_10101”" in refused(home, {"a": "ACME"}, fields={"a": "customfield_10101"}).seen.en


def test_the_parents_own_screen_is_checked_and_the_trouble_is_in_the_onboardings_language(home: House) -> None:
    home.server.store.change_project("ACT", required_fields=("components",))
    surface = JiraSurface(JiraConnection(settings_for(home.server)))
    with pytest.raises(Unavailable, match="demands the field Component/s"):
        surface.create_parent(home.view, "marker")
    with pytest.raises(Unavailable, match="exige le champ Component/s"):
        surface.create_parent(replace(home.view, language="fr"), "marker")
    named = settings_for(home.server, components=["Operators"], priority="Low")
    key = JiraSurface(JiraConnection(named)).create_parent(replace(home.view, due=date(2027, 2, 1)), "marker")
    held = home.server.store.issues[key].values
    assert [each.name for each in held["components"]] == ["Operators"]
    assert (held["priority"].name, held["duedate"]) == ("Low", "2027-02-01")


def test_a_project_that_was_deleted_is_named(home: House) -> None:
    home.server.store.delete_project("ACT")
    with pytest.raises(Unavailable, match="ACT is not there"):
        home.surface.create_parent(home.view, "marker")
    home.server.store.delete_project("DB")
    assert "DB is not there" in refused(home, {}).seen.en
