"""The Data Base team finds a mistake in the form and says so on its ticket, in Jira alone; the partner corrects it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from e2e_house import MANUAL_STEPS, House, house, wait_until

from bot.sandbox.jira import JiraPerson
from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack
from checklists.model import Form

ASKED = "Correction : le port FTP est faux."


@pytest.fixture(scope="module")
def form() -> Form:
    return load_pack(builtin_packs() / "telefonica_es", parameter_models()).forms["form.yaml"]


def test_a_comment_on_the_ticket_opens_the_form_again_and_the_new_answers_come_beside_the_first(
    tmp_path: Path, form: Form
) -> None:
    with house(tmp_path) as home:
        home.start_bot()
        key = home.start()
        for step in MANUAL_STEPS:
            home.manager.tick_all(step)
        first = home.partner.wait_for_link("form")
        home.partner.fill_form(first, form, datetime.now(UTC).date())
        issues = home.jira.store.issues
        wait_until("the ticket", lambda: "DB-1" in issues and len(issues["DB-1"].attachments) == 1)
        wait_until("the wait", lambda: home.states(key)["ticket"] == "waiting")

        with JiraPerson(home.jira.url, home.jira.database_token) as dana:
            dana.comment("DB-1", ASKED)
            dana.comment("DB-1", "Merci !")

        wait_until("the open form", lambda: home.states(key)["form"] == "waiting")
        wait_until("the new link", lambda: home.partner.wait_for_link("form") != first)
        assert ASKED.partition(": ")[2] in _mails(home)
        wait_until("the words in the thread", lambda: "le port FTP est faux" in _thread(home))
        home.partner.fill_form(home.partner.wait_for_link("form"), form, datetime.now(UTC).date())
        wait_until("both answers", lambda: len(issues["DB-1"].attachments) == 2)
        assert [issue for issue in issues if issue.startswith("DB-")] == ["DB-1"]
        trail = [line["kind"] for line in _trail(home, key, tmp_path)]
        assert trail.count("correction_asked") == 1


def _mails(home: House) -> str:
    return json.dumps(requests.get(f"{home.mailbox.url}/messages", timeout=5).json(), ensure_ascii=False)


def _thread(home: House) -> str:
    return json.dumps(home.manager.thread(), ensure_ascii=False)


def _trail(home: House, key: str, place: Path) -> list[dict[str, object]]:
    assert home.command("export", key, "--out", str(place / "dossier")).returncode == 0
    return list(json.loads((place / "dossier" / "trail.json").read_text("utf-8"))["trail"])
