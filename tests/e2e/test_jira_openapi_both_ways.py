"""What goes both ways between Jira and the bot in both deployment types, all of it held against OpenAPI: the webhook,
sub-tasks closed by people, comments from both sides, a correction, an onboarding that is opened again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from e2e_house import House, house, wait_until
from jira_openapi import ALLOWED, Exchange, Recorder, broken, ours, whole

from bot.sandbox.jira import JiraPerson
from bot.sandbox.jira.entities import Issue
from bot.sandbox.jira.site import MANAGER
from bot.sandbox.slack import SlackPerson
from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack

SECRET = "hook-secret"
MORGANS_STEPS = ("portal", "sofia_install", "sofia_login", "download", "load")


@pytest.mark.parametrize("kind", ["Server", "Cloud"])
def test_what_goes_both_ways_asks_and_is_answered_as_described(tmp_path: Path, kind: str) -> None:
    seen = Recorder()
    account = MANAGER.account_id if kind == "Cloud" else MANAGER.name
    settings = {
        "JIRA__MIRROR": "subtasks",
        "JIRA__WEBHOOK_SECRET": SECRET,
        # The webhook alone tells of what people do in Jira.
        "JIRA__POLL_SECONDS": "600",
        "JIRA__INDEX_GRACE_SECONDS": "3",
        "ROLES__MANAGER": f"U0MANAGER,{account}",
    }
    with house(tmp_path, jira_kind=kind, jira_options={"around": seen}, **settings) as home:
        home.jira.webhooks.secret, home.jira.webhooks.url = SECRET, f"{home.web_url}/jira/webhook"
        home.start_bot()
        key = home.start()
        email = MANAGER.email if kind == "Cloud" else None
        with (
            JiraPerson(home.jira.url, "sandbox-manager-pat", email) as morgan,
            JiraPerson(home.jira.url, home.jira.database_token, home.jira.database_email) as dana,
        ):
            _close_sub_tasks(home, morgan, dana)
            _talk_and_correct(home, dana)
        _end_and_open_again(home, key)
    asked = _operations(seen.exchanges)
    assert {"GET issue/{}?changelog", "POST issue sub-task", "POST issue/{}/comment", "PUT issue/{}"} <= asked
    for description in (ours(), whole()):
        if description is not None:
            assert broken(description, seen.exchanges, ALLOWED[kind], least=50) == []


def _close_sub_tasks(home: House, morgan: JiraPerson, dana: JiraPerson) -> None:
    """Dana may not close a step of the manager's; Morgan may, and has them all done in Jira."""
    wait_until("the sub-tasks", lambda: "load" in _subtasks(home))
    first = _subtasks(home)[MORGANS_STEPS[0]]
    _close(dana, first.key)
    wait_until("the answer at the sub-task", lambda: [each for each in first.comments if "Dana Base" in each.body])
    wait_until("the open sub-task", lambda: first.status.category.key != "done")
    own = home.jira.store.issues["ACT-1"]
    for count, step in enumerate(MORGANS_STEPS, start=1):
        _close(morgan, _subtasks(home)[step].key)
        wait_until(
            f"the end of {step}", lambda count=count: sum("Morgan" in each.body for each in own.comments) == count
        )


def _talk_and_correct(home: House, dana: JiraPerson) -> None:
    form = load_pack(builtin_packs() / "telefonica_es", parameter_models()).forms["form.yaml"]
    first = home.partner.wait_for_link("form")
    home.partner.fill_form(first, form, datetime.now(UTC).date())
    issues = home.jira.store.issues
    wait_until("the ticket", lambda: any(len(each.attachments) == 1 for each in issues.values()))
    ticket = next(each for each in issues.values() if each.project.key == "DB")
    dana.comment(ticket.key, "Which *port* is it?")
    wait_until("the question", lambda: "Which" in str(home.manager.thread()))
    manager = SlackPerson(home.slack.url, "U0MANAGER")
    manager.say("ticket: Port 21.", thread_ts=home.manager.parent)
    wait_until("the reply", lambda: any("Port 21." in each.body for each in ticket.comments))
    dana.comment(ticket.key, "correction: the port must be another one.")
    wait_until("the answer", lambda: any("has been asked for" in each.body for each in ticket.comments))
    wait_until("the new link", lambda: home.partner.wait_for_link("form") != first)
    home.partner.fill_form(home.partner.wait_for_link("form"), form, datetime.now(UTC).date())
    wait_until("the new answers", lambda: len(ticket.attachments) == 2)
    wait_until("what changed", lambda: any("sent the form again" in each.body for each in ticket.comments))


def _end_and_open_again(home: House, key: str) -> None:
    own = home.jira.store.issues["ACT-1"]
    assert home.command("cancel", key, "--reason", "The wrong client.").returncode == 0
    wait_until("the end", lambda: own.status.category.key == "done")
    assert home.command("reopen", key, "--reason", "The right one.").returncode == 0
    wait_until("the open issue", lambda: own.status.category.key != "done")
    wait_until("the words", lambda: any("The right one." in each.body for each in own.comments))
    assert home.command("cancel", key, "--reason", "The wrong one after all.").returncode == 0
    wait_until("the new end", lambda: own.status.category.key == "done")
    assert [each.filename for each in own.attachments] == ["ONB-1-dossier.html", "ONB-1-dossier-2.html"]


def _subtasks(home: House) -> dict[str, Issue]:
    """Return the sub-tasks by their steps, as their labels have them."""
    found = [issue for issue in home.jira.store.issues.values() if issue.parent == "ACT-1"]
    named = {label.split("-subtask")[0]: issue for issue in found for label in issue.values["labels"]}
    return {name.removeprefix("onb-1-").replace("-", "_"): issue for name, issue in named.items()}


def _close(person: JiraPerson, key: str) -> None:
    person.transition(key, "Start Progress")
    person.transition(key, "Done", resolution="Done")


def _operations(exchanges: list[Exchange]) -> set[str]:
    """Return what was asked; reading a history, and making a sub-task, are told apart from other issues."""
    asked = set()
    for each in exchanges:
        more = "?changelog" if "changelog" in each.query else ""
        more += " sub-task" if each.operation == "POST issue" and b'"parent"' in each.body else ""
        asked.add(f"{each.operation}{more}")
    return asked
