"""The command line: help with an example everywhere, exit statuses, and JSON that is nothing but JSON."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from bot.cli import app
from bot.onboarding.clock import WorkingTime

DATA = Path(__file__).parent / "data" / "telefonica_es"
SAMPLE = DATA / "202610_ACME-IBERICA_SOFIA.mdb"
CLIENT = DATA / "clients" / "ACME-IBERICA.yaml"
START = [
    "start", "--operator", "telefonica_es", "--partner", "PARTNER-ONE", "--partner-email", "ops@partner.example",
    "--client", "ACME", "--root", "ACME-IBERICA", "--option", "ofc=true", "--option", "deposit=ftp",
]  # fmt: skip


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONBOARDING_LANGUAGE", "en")


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(words))
    assert not isinstance(result.exception, Exception), result.exception
    return result.exit_code, result.stdout, result.stderr


def commands() -> list[list[str]]:
    root = get_command(app)
    found = []
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found += [[name, each] for each in inner] if inner else [[name]]
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(words: list[str]) -> None:
    code, shown, _ = run(*words, "--help")
    assert code == 0
    assert "Example: " in shown


def test_a_start_prints_its_key_and_what_is_open_refuses_a_second_one() -> None:
    assert run(*START, "--tax-id", "B00123455")[:2] == (0, "ONB-1\n")
    code, _, said = run(*START, "--tax-id", "B00123455")
    assert code == 1
    assert "ONB-1 is already open" in said
    assert json.loads(run("list", "--json")[1])[0]["key"] == "ONB-1"


def test_a_reminder_is_put_off_to_a_day_or_stopped_and_a_wrong_day_is_refused() -> None:
    run(*START, "--tax-id", "B00123455")
    day = datetime.now(UTC).date() + timedelta(days=30)
    working = WorkingTime("Europe/Madrid", ["ES", "FR"])
    opening = working.opening(day).date()
    assert run("snooze", "ONB-1", "portal", "--until", day.isoformat())[:2] == (
        0,
        f"ONB-1 portal: reminded on {opening}\n",
    )
    assert run("snooze", "ONB-1", "portal", "--stop")[:2] == (0, "ONB-1 portal: no more reminders\n")
    code, _, said = run("snooze", "ONB-1", "portal", "--until", "2020-01-01")
    assert (code, "choose a day to come" in said) == (1, True)
    assert run("snooze", "ONB-1", "portal", "--until", day.isoformat(), "--stop")[0] == 2
    code, _, said = run("snooze", "ONB-1", "sign_off")
    assert (code, "Nothing has changed" in said) == (1, True)


def test_a_wrong_field_is_named_and_nothing_starts() -> None:
    code, _, said = run(*START, "--tax-id", "B00123456")
    assert code == 1
    assert said.startswith("tax_ids: ")
    assert json.loads(run("list", "--json")[1]) == []


def test_steps_can_be_confirmed_and_skipped_from_a_shell() -> None:
    run(*START, "--tax-id", "B00123455")
    assert run("confirm", "ONB-1", "portal")[1] == "ONB-1 portal: done\n"
    assert run("skip", "ONB-1", "sofia_install", "--reason", "installed last year")[0] == 0
    states = {step["id"]: step["state"] for step in json.loads(run("status", "ONB-1", "--json")[1])["steps"]}
    assert (states["portal"], states["sofia_install"]) == ("done", "skipped")
    code, written, _ = run("export", "ONB-1", "--out", "dossier")
    assert code == 0
    assert [Path(line).name for line in written.split()] == ["dossier.html", "trail.json", "trail.csv"]


def test_what_is_unknown_is_refused_in_words() -> None:
    code, _, said = run("status", "ONB-99")
    assert code == 1
    assert "ONB-99" in said


def test_check_prints_one_object_and_its_status_says_accepted_or_blocked() -> None:
    code, printed, _ = run("check", str(SAMPLE), "--operator", "telefonica_es", "--client", str(CLIENT), "--json")
    found = json.loads(printed)
    assert (code, found["verdict"]) == (0, "accepted_with_warnings")
    assert found["totals"]["gross"] == "368.69"
    assert {each["ref"] for each in found["new_references"]} == {"647964877", "641647935", "716273175"}
    broken = DATA / "broken" / "exe_renamed" / SAMPLE.name
    code, printed, _ = run("check", str(broken), "--operator", "telefonica_es", "--json")
    assert (code, json.loads(printed)["verdict"]) == (1, "quarantined")


@pytest.mark.parametrize("words", [["no_such_file.mdb"], [str(SAMPLE), "--client", "no_such.yaml"]])
def test_check_without_its_input_is_a_usage_error(words: list[str]) -> None:
    code, _, said = run("check", *words, "--operator", "telefonica_es")
    assert code == 2
    assert "no_such" in said


def test_a_pack_is_validated_with_every_error_at_once(tmp_path: Path) -> None:
    assert run("pack", "validate")[0] == 0
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "checklist.yaml").write_text("pack: other\nversion: one\n", "utf-8")
    code, _, said = run("pack", "validate", str(folder))
    assert code == 1
    assert said.count("checklist.yaml:") >= 2
    assert set(json.loads(run("pack", "schema")[1])) >= {"checklist.yaml", "form.yaml", "files.yaml"}


def test_wrong_settings_are_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBOARDING_LANGUAGE", "de")
    code, _, said = run("list")
    assert code == 2
    assert "LANGUAGE" in said


def test_a_partners_links_are_printed_renewed_and_revoked() -> None:
    run(*START, "--tax-id", "B00123455")
    code, first, _ = run("link", "ONB-1")
    assert code == 0
    assert [line.split()[0] for line in first.splitlines()] == ["partner", "form"]
    code, second, _ = run("link", "ONB-1", "--renew")
    assert code == 0
    assert not set(first.split()[1::2]) & set(second.split()[1::2])
    assert "no link that was sent out works" in run("link", "ONB-1", "--revoke")[1]
    assert "/status/" in run("link", "--status")[1]
    for words in ([], ["ONB-1", "--status"], ["ONB-1", "--renew", "--revoke"]):
        assert run("link", *words)[0] == 2
    assert run("link", "ONB-9")[0] == 1


def test_a_correction_needs_a_form_that_was_sent() -> None:
    run(*START, "--tax-id", "B00123455")
    code, _, said = run("correct", "ONB-1", "form", "--comment", "look again")
    assert code == 1
    assert "no answers to correct yet" in said
