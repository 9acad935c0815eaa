"""Watchers, the way back to Slack and the dossier; and what happens where the issue has been deleted."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from jira_house import ATTACH, House, settings_for

from bot.jira.additions import JiraAdditions, global_id
from bot.jira.connection import JiraConnection
from bot.jira.tickets import JiraTickets
from bot.onboarding.additions import Addition, AdditionRefused, add
from bot.onboarding.errors import ParentGone, StepFailed, Unavailable
from bot.onboarding.tickets import TicketMissing
from bot.onboarding.view import OnboardingView, SurfaceView
from bot.sandbox.faults import Fault
from bot.sandbox.jira.entities import Issue
from bot.sandbox.jira.site import BOT, DATABASE_MEMBER, MANAGER

SLACK = "https://sandbox.example/archives/C1/p1"
PAGE = b"<!doctype html><title>dossier</title>"
WATCHERS = "POST /rest/api/2/issue/{key}/watchers"
REMOTE = "POST /rest/api/2/issue/{key}/remotelink"


@pytest.fixture(params=["Server", "Cloud"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, request.param)
    yield house
    house.close()


def in_slack(view: OnboardingView, link: str = SLACK) -> OnboardingView:
    return replace(view, surfaces={"slack": SurfaceView("C1:1", link)})


def additions(home: House, *watchers: str) -> JiraAdditions:
    connection = JiraConnection(settings_for(home.server, watchers=list(watchers)))
    return JiraAdditions(connection, lambda key: PAGE)


def make(home: House, added: list[Addition]) -> list[str | None]:
    return [add(home.effects, home.view.id, f"ONB-1:jira:{each.name}", each) for each in added]


def opened(home: House) -> tuple[str, Issue]:
    key = home.open_parent()
    return key, home.server.store.issues[key]


def test_watchers_are_found_by_their_address_and_added_once(home: House) -> None:
    key, issue = opened(home)
    for _ in range(2):
        assert make(home, list(additions(home, MANAGER.email).after_opening(home.view, key))) == [None]
    assert issue.watchers == [BOT.name, MANAGER.name]
    assert sum(call.operation == WATCHERS for call in home.server.calls) == 1


def test_a_watcher_is_named_as_this_jira_names_people_too(home: House) -> None:
    key, issue = opened(home)
    named = DATABASE_MEMBER.account_id if home.server.email else DATABASE_MEMBER.name
    make(home, list(additions(home, named).after_opening(home.view, key)))
    assert DATABASE_MEMBER.name in issue.watchers


def test_a_lost_answer_adds_no_watcher_and_no_link_twice(home: House) -> None:
    key, issue = opened(home)
    added = list(additions(home, MANAGER.email).after_opening(in_slack(home.view), key))
    home.server.faults.add(Fault(WATCHERS, "drop_after"), Fault(REMOTE, "drop_after"))
    for each in added:
        with pytest.raises(Unavailable):
            make(home, [each])
    assert make(home, added) == [None, None]
    assert issue.watchers == [BOT.name, MANAGER.name]
    assert len(issue.remote_links) == 1


def test_the_way_back_to_slack_has_a_stable_id_so_that_jira_replaces_it(home: House) -> None:
    key, issue = opened(home)
    assert additions(home).after_opening(home.view, key) == []
    for link in (SLACK, f"{SLACK}9"):
        [addition] = additions(home).after_opening(in_slack(home.view, link), key)
        addition.do()
    [link] = issue.remote_links
    assert link.global_id == global_id(home.view)
    assert link.target == {"url": f"{SLACK}9", "title": "ONB-1 · ACME in Slack"}
    assert link.application["name"] == "Slack"


def test_the_ticket_gets_its_own_watchers_and_the_same_way_back(home: House) -> None:
    ticket = home.open_ticket()
    named = settings_for(home.server, database_watchers=[MANAGER.email])
    added = JiraTickets(JiraConnection(named)).additions(in_slack(home.view), ticket)
    assert make(home, list(added)) == [None, None]
    held = home.server.store.issues[ticket]
    assert MANAGER.name in held.watchers
    assert [link.global_id for link in held.remote_links] == [global_id(home.view)]


@pytest.mark.parametrize("named", ["nobody@example.com", "no.such.person", "5b10ac8d82e05b22cc7d4ef5"])
def test_a_watcher_whom_jira_does_not_know_is_left_out_in_words_and_not_asked_for_again(
    home: House, named: str
) -> None:
    key, _ = opened(home)
    first = make(home, list(additions(home, named).after_opening(home.view, key)))
    assert first == [f"nobody in Jira answers to {named!r}, or more than one person does"]
    home.server.calls.clear()
    assert make(home, list(additions(home, named).after_opening(home.view, key))) == first
    assert home.server.calls == []


def test_without_the_right_to_it_watchers_are_left_out(home: House) -> None:
    key, issue = opened(home)
    home.server.store.revoke(BOT.name, "ACT", "MANAGE_WATCHERS")
    [reason] = make(home, list(additions(home, MANAGER.email).after_opening(home.view, key)))
    assert reason is not None
    assert "403" in reason
    assert issue.watchers == [BOT.name]


def test_the_dossier_is_attached_once_whatever_is_lost(home: House) -> None:
    key, issue = opened(home)
    added = list(additions(home).before_closing(home.view, key))
    home.server.faults.add(Fault(ATTACH, "drop_after"))
    with pytest.raises(Unavailable):
        make(home, added)
    assert make(home, added) == [None]
    [file] = issue.attachments
    assert (file.filename, file.content) == ("ONB-1-dossier.html", PAGE)


def test_a_dossier_that_jira_will_not_take_is_left_out(home: House) -> None:
    key, _ = opened(home)
    home.server.store.revoke(BOT.name, "ACT", "CREATE_ATTACHMENTS")
    [reason] = make(home, list(additions(home).before_closing(home.view, key)))
    assert reason is not None
    assert "permission to create attachments" in reason


def test_an_account_that_is_refused_altogether_is_waited_for(home: House) -> None:
    key, _ = opened(home)
    wrong = JiraConnection(settings_for(home.server, token="wrong", watchers=[MANAGER.email]))
    [addition] = JiraAdditions(wrong, lambda _: PAGE).after_opening(home.view, key)
    with pytest.raises(Unavailable):
        make(home, [addition])


def test_a_parent_that_was_deleted_is_told_in_the_onboardings_language(home: House) -> None:
    key, issue = opened(home)
    home.server.store.delete(issue)
    with pytest.raises(ParentGone, match="is no longer in Jira"):
        home.report(key)
    with pytest.raises(ParentGone):
        home.finish(key)
    view = replace(home.view, language="es")
    with pytest.raises(ParentGone, match="ya no existe"):
        home.surface.find_closing(view, key, "end")


def test_a_ticket_that_was_deleted_is_missing_whatever_is_asked_of_it(home: House) -> None:
    parent, ticket = home.open_parent(), home.open_ticket()
    home.server.store.delete(home.server.store.issues[ticket])
    for ask in (
        lambda: home.tickets.status(ticket),
        lambda: home.tickets.is_linked(ticket, parent),
        lambda: home.tickets.link(ticket, parent),
        lambda: home.tickets.attachment(ticket, "x.json"),
        lambda: home.tickets.attach(ticket, "x.json", b"{}"),
    ):
        with pytest.raises(TicketMissing):
            ask()


def test_a_link_to_a_parent_that_is_gone_is_left_out_and_one_of_no_type_fails_the_step(home: House) -> None:
    parent, ticket = home.open_parent(), home.open_ticket()
    wrong = JiraTickets(JiraConnection(settings_for(home.server, link_type="Nothing like it")))
    with pytest.raises(StepFailed, match="JIRA_REFUSED"):
        wrong.link(ticket, parent)
    home.server.store.delete(home.server.store.issues[parent])
    with pytest.raises(AdditionRefused, match="ACT-1 is no longer there"):
        home.tickets.link(ticket, parent)
