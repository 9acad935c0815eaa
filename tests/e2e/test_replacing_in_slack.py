"""A changed invoice over sockets: it blocks, somebody without the role is refused, a manager replaces it in Slack."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from e2e_house import MANUAL_STEPS, ROOT, House, house, incoming, sample, wait_until

from bot.sandbox.players import Manager, wait_for
from bot.sandbox.slack import SlackPerson

DATA = Path(__file__).parents[1] / "data" / "telefonica_es"
CHANGED = DATA / "broken" / "invoice_changed" / "202610_ACME-IBERICA_SOFIA_01.mdb"


def test_a_changed_invoice_is_replaced_once_by_a_manager_in_slack(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.start_bot()
        first = home.restart_from_shell()
        home.manager.wait_for_parent()
        _skip_manual_steps(home, first)
        home.partner.drop(sample(home), incoming(home))
        home.manager.click("references", "assign")
        home.manager.tick_all("mytem")
        home.manager.tick_all("sign_off")
        wait_until("the end", lambda: home.status(first)["state"] == "done")

        key = home.restart_from_shell()
        wait_until("the second message", lambda: _parents(home) == 2)
        home.manager.wait_for_parent()
        _skip_manual_steps(home, key)
        home.partner.drop(sample(home, CHANGED.name, CHANGED.read_bytes()), incoming(home))
        wait_until("the block", lambda: home.states(key)["processing"] == "failed")
        [processing] = [step for step in home.status(key)["steps"] if step["id"] == "processing"]
        assert processing["code"] == "DUP_INVOICE_CHANGED"
        button = _button(home)
        assert button["value"] == f"{key}:processing"
        for said in ("TA60J4629643: 109.40 → 121.50 EUR", "28-D6B0-015059: 150.28 → 154.21 EUR"):
            assert said in button["confirm"]["text"]["text"]
        assert [file.name.endswith(CHANGED.name) for file in _shelf(home, "error", key)] == [True]

        other = Manager(home.slack.url, "U0DATABASE")
        other.parent = home.manager.parent
        other.click("processing", "replace")
        assert "activation manager" in _told(home, "U0DATABASE")
        assert home.states(key)["processing"] == "failed"
        assert home.command("replace", key, "pickup", "--reason", "no such thing").returncode == 1

        home.manager.click("processing", "replace")
        wait_until("the Output", lambda: home.states(key)["output"] == "done")
        shown = len(_versions(home)) - 1
        SlackPerson(home.slack.url, "U0MANAGER").click(
            home.manager.parent, "replace", button["value"], version=_version_with(home, "replace", shown)
        )
        assert "no invoice to be replaced" in _told(home, "U0MANAGER")
        assert home.command("replace", key, "processing", "--reason", "again").returncode == 1
        assert home.command("replace", key, "processing").returncode == 2

        assert _invoices(home, superseded=False) == {"121.50", "154.21", "112.94"}
        assert _invoices(home, superseded=True) == {"109.40", "150.28", "109.01"}
        [note] = (home.place / "data" / "roots").rglob("superseded.json")
        assert {one["superseded_by"] for one in json.loads(note.read_text("utf-8"))["invoices"]} == {"manager"}
        assert _shelf(home, "error", key) == []
        assert [file.name.endswith(CHANGED.name) for file in _shelf(home, "archive", key)] == [True]
        wait_until("the references", lambda: home.states(key)["references"] == "done")
        wait_until("the comment", lambda: len(_decisions(home)) == 1)
        assert "109.40 → 121.50 EUR" in _decisions(home)[0]
        posts = [post["text"] for post in home.manager.thread()]
        assert sum("decision: replace the invoices" in post for post in posts) == 1


def test_the_list_of_new_references_is_attached_to_the_issue_once(tmp_path: Path) -> None:
    from bot.sandbox.faults import Fault

    with house(tmp_path, RETRY__FIRST_SECONDS="0.2") as home:
        home.jira.faults.add(Fault("POST /rest/api/2/issue/{key}/attachments", "drop_after", times=2))
        home.start_bot()
        key = home.restart_from_shell()
        home.manager.wait_for_parent()
        _skip_manual_steps(home, key)
        home.partner.drop(sample(home), incoming(home))
        wait_until("the list", lambda: home.states(key)["references"] == "waiting")
        wait_until("the attachment", lambda: _attachments(home) != [])
        home.manager.click("references", "assign")
        wait_until("the assignment", lambda: home.states(key)["references"] == "done")
        wait_until("the comment", lambda: any("new Refs: done" in comment for comment in _comments(home)))
        [name] = _attachments(home)
        assert name.startswith(f"REFS_{ROOT}_{key}_")


def _skip_manual_steps(home: House, key: str) -> None:
    for step in MANUAL_STEPS:
        assert home.command("skip", key, step, "--reason", "done before").returncode == 0
    wait_until("the request", lambda: home.states(key)["deposit"] == "waiting")


def _button(home: House) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        for block in home.manager.message()["blocks"]:
            for element in block.get("elements", ()):
                if element.get("action_id") == "replace":
                    return dict(element)
        return None

    return wait_for("the button", look)


def _versions(home: House) -> range:
    return range(int(home.manager.message()["versions"]))


def _version_with(home: House, action_id: str, last: int) -> int:
    """The newest version of the parent message that still shows a control, as on a screen that lags behind."""
    message = home.slack.workspace.find("C0ONBOARD", home.manager.parent)
    assert message is not None
    return max(number for number in range(last + 1) if f"'{action_id}'" in str(message.versions[number].blocks))


def _told(home: House, user: str) -> str:
    def look() -> str | None:
        told = [message["text"] for message in SlackPerson(home.slack.url, user).messages() if message["ephemeral"]]
        return told[-1] if told else None

    return wait_for("an answer", look)


def _parents(home: House) -> int:
    return len([message for message in home.manager.messages() if message.get("metadata")])


def _shelf(home: House, shelf: str, key: str) -> list[Path]:
    return sorted((home.files.disk / ".onboarding" / shelf / key).iterdir())


def _invoices(home: House, *, superseded: bool) -> set[str]:
    [database] = (home.place / "data").glob("*.db")
    state = "NOT NULL" if superseded else "NULL"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute(f"SELECT gross FROM invoice WHERE superseded_at IS {state}").fetchall()
    connection.close()
    return {gross for (gross,) in rows}


def _comments(home: House) -> list[str]:
    issues = [home.team.issue(issue) for issue in home.team.find("project = ACT")]
    return [comment["body"] for issue in issues for comment in issue["fields"]["comment"]["comments"]]


def _decisions(home: House) -> list[str]:
    return [comment for comment in _comments(home) if "decision: replace the invoices" in comment]


def _attachments(home: House) -> list[str]:
    issues = [home.team.issue(issue) for issue in home.team.find("project = ACT")]
    return [attached["filename"] for issue in issues for attached in issue["fields"]["attachment"]]
