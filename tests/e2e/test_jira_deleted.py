"""Somebody deletes in Jira what the bot writes to: it is said once, in words, and nothing goes round and round."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from e2e_house import MANUAL_STEPS, House, house, wait_until

# Many times as long as the tests' polls and retries.
A_WHILE = 4.0


@pytest.mark.parametrize("kind", ["Server", "Cloud"])
def test_a_deleted_issue_and_a_deleted_ticket_are_told_once_and_the_rest_goes_on(tmp_path: Path, kind: str) -> None:
    with house(tmp_path, jira_kind=kind, JIRA__INDEX_GRACE_SECONDS="2") as home:
        store = home.jira.store
        home.start_bot()
        key = home.start()
        wait_until("the issue", lambda: "ACT-1" in store.issues)
        store.delete(store.issues["ACT-1"])
        for step in MANUAL_STEPS:
            home.manager.tick_all(step)
        wait_until("the words", lambda: "ACT-1 is no longer in Jira" in json.dumps(home.manager.message()))
        assert [
            line["content"]["parent"] for line in _trail(home, key, tmp_path) if line["kind"] == "surface_gone"
        ] == ["ACT-1"]
        _fill_in(home)
        wait_until("the ticket", lambda: "DB-1" in store.issues)
        wait_until("the wait", lambda: home.states(key)["ticket"] == "waiting")
        # The link to what is gone is left out; the ticket is there all the same.
        assert store.links == {}
        store.delete(store.issues["DB-1"])
        assert home.command("retry", key, "ticket").returncode in {0, 1}
        wait_until("the failure", lambda: home.states(key)["ticket"] == "failed", 90)
        [ticket] = [step for step in home.status(key)["steps"] if step["id"] == "ticket"]
        assert ticket["code"] == "TICKET_GONE"
        time.sleep(1)
        before = _asked(home)
        time.sleep(A_WHILE)
        assert _asked(home) == before
        assert home.command("skip", key, "ticket", "--reason", "made by hand").returncode == 0
        assert home.states(key)["ticket"] == "skipped"


def _fill_in(home: House) -> None:
    from datetime import UTC, datetime

    from bot.steps.parameters import parameter_models
    from checklists.loader import builtin_packs, load_pack

    form = load_pack(builtin_packs() / "telefonica_es", parameter_models()).forms["form.yaml"]
    home.partner.fill_form(home.partner.wait_for_link("form"), form, datetime.now(UTC).date())


def _asked(home: House) -> int:
    """Return how many requests there were about one issue or the other."""
    return sum("/issue/ACT-1" in call.path or "/issue/DB-1" in call.path for call in home.jira.calls)


def _trail(home: House, key: str, place: Path) -> list[dict[str, Any]]:
    assert home.command("export", key, "--out", str(place / "dossier")).returncode == 0
    exported = json.loads((place / "dossier" / "trail.json").read_text("utf-8"))
    return list(exported["trail"])
