"""A whole activation in both deployment types, with every request to Jira and its answer held against OpenAPI."""

from pathlib import Path

import pytest
from e2e_house import House, house, incoming, play_to_the_end, play_until_deposit, sample, wait_until
from jira_openapi import ALLOWED, Recorder, broken, ours, whole

EVERYTHING = {
    "JIRA__FIELDS": '{"client_root": "customfield_10101", "partner_code": "Partner code", "tax_ids": "Client tax ids"}',
    "JIRA__WATCHERS": "manager@sandbox.example",
    "JIRA__DATABASE_WATCHERS": "manager@sandbox.example",
    "JIRA__COMPONENTS": "Operators",
    "JIRA__DATABASE_COMPONENTS": "OFC, Imports",
    "JIRA__PRIORITY": "High",
    "JIRA__DATABASE_PRIORITY": "Highest",
    "JIRA__INDEX_GRACE_SECONDS": "3",
}


@pytest.mark.parametrize("kind", ["Server", "Cloud"])
def test_a_whole_activation_asks_and_is_answered_as_described(tmp_path: Path, kind: str) -> None:
    seen = Recorder()
    with house(tmp_path, jira_kind=kind, jira_options={"around": seen}, **EVERYTHING) as home:
        told = home.command("doctor")
        assert told.returncode == 0, told.stdout
        home.start_bot()
        key = home.start(due="2027-03-15")
        play_until_deposit(home)
        home.partner.drop(sample(home), incoming(home))
        play_to_the_end(home)
        wait_until("the end", lambda: home.status(key)["state"] == "done")
        wait_until("the transition", lambda: home.jira.store.issues["ACT-1"].status.category.key == "done")
        _check_issues(home)
    for description in (ours(), whole()):
        if description is not None:
            assert broken(description, seen.exchanges, ALLOWED[kind], least=50) == []


def _check_issues(home: House) -> None:
    parent, ticket = (home.jira.store.issues[key] for key in ("ACT-1", "DB-1"))
    assert (parent.values["priority"].name, ticket.values["priority"].name) == ("High", "Highest")
    assert [each.name for each in ticket.values["components"]] == ["OFC", "Imports"]
    assert parent.values["duedate"] == "2027-03-15"
    assert ticket.values["customfield_10102"] == "PARTNER-ONE"
    assert ticket.values["customfield_10106"] == ["B00123455"]
    for issue in (parent, ticket):
        assert "manager" in issue.watchers
        [link] = issue.remote_links
        assert link.target["url"].startswith(home.slack.url)
    dossiers = [file for file in parent.attachments if file.filename == "ONB-1-dossier.html"]
    assert len(dossiers) == 1
    assert b"<!doctype html>" in dossiers[0].content[:40].lower()
    # Attached before the issue was closed, after the last comment with the trail's head.
    assert parent.resolved is not None
    assert parent.comments[-1].created <= dossiers[0].created <= parent.resolved
