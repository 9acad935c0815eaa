"""What a check says in a terminal and on its two outputs."""

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from bot.checking.terminal import show
from bot.cli import app
from checklists.model import Language, Localized
from pipeline.findings import Finding
from pipeline.result import ChainResult

SAMPLES = Path(__file__).parents[1] / "data" / "telefonica_es"
SAMPLE = SAMPLES / "202610_ACME-IBERICA_SOFIA.mdb"
BROKEN = SAMPLES / "broken" / "sum_lines_8_33" / SAMPLE.name
EXE = SAMPLES / "broken" / "exe_renamed" / SAMPLE.name
CLIENT = SAMPLES / "clients" / "ACME-IBERICA.yaml"
COMMAND = ["check", "--operator", "telefonica_es", "--client", str(CLIENT)]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONBOARDING_LANGUAGE", "en")


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [*COMMAND, *words])
    assert not isinstance(result.exception, Exception), result.exception
    return result.exit_code, result.stdout, result.stderr


def shown(result: ChainResult, language: Language = "en", width: int = 80) -> str:
    text = io.StringIO()
    show(Console(file=text, width=width), result, language)
    return text.getvalue()


def test_findings_fit_eighty_columns_and_show_their_gaps(checked: Callable[[str], ChainResult]) -> None:
    said = shown(checked("sum_lines_8_33"), "fr")

    assert all(len(line) <= 80 for line in said.splitlines())
    assert said.startswith("✕ bloqué")
    assert re.search(r"✕ SUM_LINES .*│ +8,3300 │", said)
    assert "bloquant · Totaux" in said
    assert re.search(r"28-D6B0-015059 +│ +121,5514 │ 25,5258 │ +3,2000 │ +150,28 │ +8,33 │", said)
    assert re.search(r"Ensemble +│ +301,9468 │ 63,4088 │ +3,3352 │ +368,69 │", said)
    assert "8 étapes sur 12" in said


def test_missing_rows_are_a_gap_of_rows(checked: Callable[[str], ChainResult]) -> None:
    assert re.search(r"✕ MDB_TRUNCATED .*│ +20 │", shown(checked("truncated_on_page")))


@pytest.mark.parametrize(
    ("language", "word"),
    [("fr", "accepté avec remarques"), ("en", "accepted with warnings"), ("es", "aceptado con avisos")],
)
def test_the_verdict_is_in_the_language_of_the_settings(
    language: Language, word: str, checked: Callable[[str], ChainResult]
) -> None:
    said = shown(checked("good"), language)

    assert said.startswith(f"! {word}")
    assert "accepted_with_warnings" not in said


def test_many_invoices_are_counted_and_summed(checked: Callable[[str], ChainResult]) -> None:
    good = checked("good")
    many = tuple(replace(good.invoices[0], number=f"TA{number:010}") for number in range(1234))

    said = shown(replace(good, invoices=many), width=120)

    assert said.count("TA0000") == 20
    assert "All together (… and 1,214 more)" in said


def test_a_name_in_the_file_cannot_steer_the_terminal(checked: Callable[[str], ChainResult]) -> None:
    good = checked("good")
    steering = "\x1b[2J\x1b]0;title\x07[bold]TA"
    finding = Finding("BAD_NAME", "warn", "name", Localized.same(steering), Localized.same(steering))
    stages = (replace(good.stages[0], findings=(finding,)), *good.stages[1:])
    invoices = tuple(replace(one, number=steering) for one in good.invoices)

    said = shown(replace(good, file=steering, stages=stages, invoices=invoices), width=200)

    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", said)
    assert said.count("[bold]TA") == 6


# The command.


def test_a_report_leaves_standard_output_and_status_as_they_are(tmp_path: Path) -> None:
    for file, status in ((SAMPLE, 0), (BROKEN, 1), (EXE, 1)):
        page = tmp_path / "pages" / f"{file.parent.name}.html"
        code, printed, said = run(str(file), "--json", "--report", str(page))
        assert code == status
        assert set(json.loads(printed)) == {
            "file", "sha256", "operator", "verdict", "findings", "not_made", "tables", "invoices", "totals",
            "new_references", "outputs", "seconds",
        }  # fmt: skip
        assert said == ""
        assert page.read_text("utf-8").startswith("<!doctype html>")
        assert list(page.parent.glob("*.part")) == []


def test_the_out_folder_has_a_report_that_is_no_output(tmp_path: Path) -> None:
    out = tmp_path / "out"

    code, printed, _ = run(str(SAMPLE), "--json", "--out", str(out))

    assert code == 0
    assert (out / "report.html").is_file()
    outputs = json.loads(printed)["outputs"]
    assert [one["kind"] for one in outputs] == ["usage", "output", "manifest", "ofc", "manifest"]
    assert all((out / one["path"]).is_file() for one in outputs)


def test_a_blocked_file_leaves_nothing_but_its_report(tmp_path: Path) -> None:
    out = tmp_path / "out"

    code, said, _ = run(str(BROKEN), "--out", str(out))

    assert code == 1
    assert [path.name for path in out.iterdir()] == ["report.html"]
    assert said.rstrip().endswith(f"Report: {out / 'report.html'}")


def test_without_being_asked_no_report_is_written(tmp_path: Path) -> None:
    assert run(str(SAMPLE))[0] == 0
    assert list(tmp_path.iterdir()) == []


def test_a_report_over_the_file_itself_is_refused(tmp_path: Path) -> None:
    file = tmp_path / SAMPLE.name
    file.write_bytes(SAMPLE.read_bytes())

    code, _, said = run(str(file), "--report", str(tmp_path / "." / SAMPLE.name))

    assert code == 2
    assert "--report" in said
    assert file.read_bytes() == SAMPLE.read_bytes()


@pytest.mark.parametrize("option", ["--report", "--out"])
def test_a_place_that_cannot_be_written_is_said_in_words(option: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, no folder")

    code, _, said = run(str(EXE), option, str(tmp_path / "taken" / "below"))

    assert code == 2
    assert "taken" in said
    assert "Traceback" not in said


def on_a_terminal(*words: str) -> tuple[bytes, str]:
    """Run the command with a terminal as its standard error; return its standard output and what was drawn."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bot", *COMMAND, *words]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment) as process:
        os.close(theirs)
        drawn = b""
        # The other end of a terminal ends with an error, not with nothing more to read.
        while chunk := _read(ours):
            drawn += chunk
        assert process.stdout is not None
        printed = process.stdout.read()
    os.close(ours)
    return printed, drawn.decode("utf-8", "replace")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""


def test_a_terminal_sees_the_stages_go_by_and_json_stays_json() -> None:
    printed, drawn = on_a_terminal(str(SAMPLE), "--json")

    assert json.loads(printed)["verdict"] == "accepted_with_warnings"
    assert "/12" in drawn
    assert "Reading" in drawn or "Structure" in drawn
