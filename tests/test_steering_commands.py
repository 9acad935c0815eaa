"""Steering an onboarding from a shell: who answers, until when, notes, and opening it again."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app

START = [
    "start", "--operator", "telefonica_es", "--partner", "PARTNER-ONE", "--partner-email", "ops@partner.example",
    "--client", "ACME", "--root", "ACME-IBERICA", "--tax-id", "B00123455", "--option", "ofc=true", "--option",
    "deposit=ftp",
]  # fmt: skip


@pytest.fixture(autouse=True)
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONBOARDING_LANGUAGE", "en")
    assert run(*START)[0] == 0


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(words))
    assert not isinstance(result.exception, Exception), result.exception
    return result.exit_code, result.stdout, result.stderr


def trail(tmp_path: Path) -> list[dict[str, str]]:
    assert run("export", "ONB-1", "--out", "dossier")[0] == 0
    return list(json.loads((tmp_path / "dossier" / "trail.json").read_text())["trail"])


def test_somebody_is_named_and_named_no_more() -> None:
    assert run("assign", "onb-1", "U012AB3CD", "--name", "Ana") == (0, "ONB-1: Ana\n", "")
    assert run("assign", "ONB-1", "U012AB3CD")[1] == "ONB-1: U012AB3CD already\n"
    assert run("assign", "ONB-1", "--step", "portal")[1] == "ONB-1 portal: nobody in particular already\n"
    assert run("assign", "ONB-1")[1] == "ONB-1: nobody in particular\n"
    assert run("assign", "ONB-1", "ana", "--step", "nowhere")[0] == 1


def test_a_due_date_is_moved_and_a_wrong_one_refused() -> None:
    day = (datetime.now(UTC).date() + timedelta(days=40)).isoformat()
    assert run("due", "ONB-1", day)[1] == f"ONB-1: due {day}\n"
    assert run("due", "ONB-1", day, "--step", "portal")[1] == f"ONB-1 portal: due {day}\n"
    assert day in run("status", "ONB-1")[1]
    assert run("due", "ONB-1", "2020-01-01")[0] == 1
    assert run("due", "ONB-1", "soon")[0] == 2


def test_a_note_is_on_the_trail_and_no_formula_in_the_table(tmp_path: Path) -> None:
    assert run("note", "ONB-1", "=cmd|' /C calc'!A0", "--step", "portal")[1] == "ONB-1 portal: noted\n"
    [line] = [line for line in trail(tmp_path) if line["kind"] == "noted"]
    assert line["step"] == "portal"
    table = (tmp_path / "dossier" / "trail.csv").read_text("utf-8-sig")
    assert "=cmd|" in table
    assert ",=cmd" not in table
    assert run("note", "ONB-1", " ")[0] == 1


def test_what_was_cancelled_is_opened_again_and_what_is_open_is_not() -> None:
    assert run("reopen", "ONB-1", "--reason", "no")[0] == 1
    run("cancel", "ONB-1", "--reason", "wrong client")
    code, said, _ = run("reopen", "ONB-1", "--reason", "the right one", "--step", "portal")
    assert (code, said.startswith("ONB-1: open again, at portal")) == (0, True)


def test_a_confirmation_that_is_not_there_is_not_withdrawn() -> None:
    code, _, said = run("confirm", "ONB-1", "portal", "--withdraw")
    assert (code, "nothing to withdraw" in said) == (1, True)
    assert run("confirm", "ONB-1", "portal", "--withdraw", "--tick", "logged_in")[0] == 2
