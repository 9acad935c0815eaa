"""The partner's form as a spreadsheet: what goes out, what comes back, and files that are not what they seem."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from forms_house import SHELL
from openpyxl.worksheet.worksheet import Worksheet
from typer.testing import CliRunner

from bot.app import Application, build
from bot.cli import app
from bot.onboarding.errors import Refused
from bot.onboarding.start import StartRequest
from bot.settings import load_settings
from bot.sheet import SheetErrors, read_sheet, template
from bot.sheet.archive import SheetRefused
from bot.sheet.layout import ABOUT_SHEET, ANSWER, ID, About

GOOD = {
    "partner_name": "Partner One S.L.",
    "client_name": "ACME Ibérica",
    "client_tax_ids": "B00123455",
    "cdr_included": "no",
    "ofc_protocol": "EMAIL",
    "ofc_recipients": "ofc@partner-one.example",
    "business_name": "Ana García",
    "business_email": "ana@partner-one.example",
    "business_phone": "+34 912 345 678",
    "tech_name": "Luis Pérez",
    "tech_email": "luis@partner-one.example",
    "tech_phone": "+34 912 345 679",
    "gdpr_ack": "yes",
    "first_period": "202611",
    "target_golive": "2026-12-16",
    "billing_accounts": "000082458305",
}


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Application]:
    built = build(load_settings(data_dir=tmp_path / "var", language="en"), clock=Clock())
    yield built
    built.close()


@pytest.fixture
def key(bot: Application) -> str:
    request = StartRequest(
        pack="telefonica_es",
        partner="PARTNER-ONE",
        partner_email="ops@partner.example",
        client="=1+1 & <ACME>",
        root="ACME-IBERICA",
        tax_ids=["B00123455"],
        options={"ofc": True, "deposit": "console"},
    )
    return bot.onboardings.start(request, SHELL).key


Change = Callable[[Worksheet, dict[str, str]], None]


def filled(bot: Application, key: str, path: Path, change: Change | None = None, **answers: Any) -> Path:
    """A template filled in as a person does with a spreadsheet program."""
    book = openpyxl.load_workbook(io.BytesIO(bot.sheets.make(key, SHELL)))
    sheet = book.worksheets[0]
    rows = {str(row[0].value): f"{ANSWER}{row[0].row}" for row in sheet.iter_rows() if row[0].value}
    for name, value in {**GOOD, **answers}.items():
        sheet[rows[name]].value = value
    if change is not None:
        change(sheet, rows)
    book.save(path)
    return path


def refusal(bot: Application, key: str, path: Path) -> str:
    with pytest.raises(Refused) as caught:
        bot.sheets.take(key, path, actor=SHELL)
    assert not isinstance(caught.value, SheetErrors)
    assert bot.onboardings.view(key).step("form").state == "waiting"
    return caught.value.text.en


def errors(bot: Application, key: str, path: Path) -> dict[str, str]:
    with pytest.raises(SheetErrors) as caught:
        bot.sheets.take(key, path, actor=SHELL)
    assert bot.onboardings.view(key).step("form").state == "waiting"
    assert len(caught.value.lines()) == len(caught.value.fields)
    return {name: text.en for name, text in caught.value.fields.items()}


def test_a_filled_spreadsheet_ends_the_step_and_the_trail_names_it(bot: Application, key: str, tmp_path: Path) -> None:
    path = filled(bot, key, tmp_path / "back.xlsx")
    assert bot.sheets.take(key, path, actor=SHELL, source="file:1")
    assert not bot.onboardings.view(key).step("form").ticks
    kept = bot.onboardings.answers(key, "form")
    assert (kept["billing_accounts"], kept["cdr_included"]) == ("000082458305", False)
    assert kept["target_golive"] == "2026-12-16"
    [line] = [line for line in bot.onboardings.trail(key) if line.kind == "step_done" and line.step == "form"]
    assert "back.xlsx" in str(line.content["evidence"])
    with pytest.raises(Refused, match="is done"):
        bot.sheets.take(key, path, actor=SHELL)


@pytest.mark.parametrize("language", ["fr", "en", "es"])
def test_the_template_has_a_row_for_each_field_with_its_rule_in_each_language(
    bot: Application, key: str, language: Any
) -> None:
    opened = bot.forms.open(key, "form", SHELL)
    book = openpyxl.load_workbook(io.BytesIO(template(opened, language)))
    sheet = book.worksheets[0]
    rows = {str(row[0].value): row for row in sheet.iter_rows() if row[0].value}
    assert list(rows) == [field.id for field in opened.form.fields]
    for field in opened.form.fields:
        _, label, answer, example, rule = rows[field.id]
        assert label.value.removesuffix(" *") == field.label.text(language)
        assert rule.value
        assert answer.protection.locked is (field.fill is not None)
        assert bool(example.value) is (field.fill is None)
        assert answer.number_format == "@"
    assert sheet.protection.sheet
    listed = {str(each.sqref): each.formula1 for each in sheet.data_validations.dataValidation}
    for field in opened.form.fields:
        where = f"{ANSWER}{rows[field.id][0].row}"
        assert (where in listed) is (field.type in {"choice", "boolean"} and field.fill is None)
    assert book[ABOUT_SHEET].sheet_state == "veryHidden"


def test_nothing_that_somebody_wrote_is_a_formula_and_the_bytes_are_the_same_again(bot: Application, key: str) -> None:
    first = bot.sheets.make(key, SHELL)
    assert bot.sheets.make(key, SHELL) == first
    book = openpyxl.load_workbook(io.BytesIO(first))
    assert not [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert any("=1+1 & <ACME>" in str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row)


def test_all_errors_come_at_once_each_with_its_cell(bot: Application, key: str, tmp_path: Path) -> None:
    path = filled(
        bot, key, tmp_path / "f.xlsx",
        client_tax_ids="1234567L", partner_name="=cmd()", billing_accounts=82458305, expected_day="40",
        business_phone="", tech_email="nobody", currency=date(2026, 1, 1),
    )  # fmt: skip
    with pytest.raises(SheetErrors) as caught:
        bot.sheets.take(key, path, actor=SHELL)
    found = {name: text.en for name, text in caught.value.fields.items()}
    wrong = {
        "client_tax_ids": "01234567L",
        "partner_name": "formula",
        "billing_accounts": "leading zeros",
        "expected_day": "31",
        "business_phone": "",
        "tech_email": "nobody",
        "currency": "made a date",
    }
    assert found.keys() == wrong.keys()
    assert all(said in found[name] for name, said in wrong.items())
    lines = [line.en for line in caught.value.lines()]
    assert all(line.startswith(f"{caught.value.cells[name]}, ") for name, line in zip(found, lines, strict=True))
    assert [caught.value.cells[name][0] for name in found] == [ANSWER] * len(found)


def test_dates_and_numbers_come_as_they_are_meant(bot: Application, key: str, tmp_path: Path) -> None:
    path = filled(
        bot, key, tmp_path / "f.xlsx", target_golive=date(2026, 12, 16), first_period=202611, expected_day=20.0,
        cdr_included=False, gdpr_ack=True,
    )  # fmt: skip
    bot.sheets.take(key, path, actor=SHELL)
    kept = bot.onboardings.answers(key, "form")
    assert [kept[name] for name in ("target_golive", "first_period", "expected_day")] == ["2026-12-16", "202611", 20]


def test_a_text_that_looks_like_a_formula_is_a_text(bot: Application, key: str, tmp_path: Path) -> None:
    def typed(sheet: Worksheet, rows: dict[str, str]) -> None:
        sheet[rows["partner_name"]].data_type = "s"

    path = filled(bot, key, tmp_path / "f.xlsx", typed, partner_name='=HYPERLINK("http://x")')
    bot.sheets.take(key, path, actor=SHELL)
    assert bot.onboardings.answers(key, "form")["partner_name"] == '=HYPERLINK("http://x")'
    assert "=HYPERLINK" not in str(bot.onboardings.view(key).step("form").evidence)


def test_merged_cells_and_rows_that_are_not_ours_are_named(bot: Application, key: str, tmp_path: Path) -> None:
    def change(sheet: Worksheet, rows: dict[str, str]) -> None:
        row = int(rows["partner_name"][1:])
        sheet.merge_cells(f"{ANSWER}{row}:D{row}")
        sheet[f"{ID}{int(rows['tech_name'][1:])}"].value = "invented"
        sheet[f"{ID}{int(rows['sla_days'][1:])}"].value = "expected_day"

    found = errors(bot, key, filled(bot, key, tmp_path / "f.xlsx", change))
    assert "merged" in found["partner_name"]
    assert "column A" in found["invented"]
    assert "twice" in found["expected_day"]
    assert "tech_name" in found


def test_rows_may_be_sorted_and_deleted(bot: Application, key: str, tmp_path: Path) -> None:
    def change(sheet: Worksheet, rows: dict[str, str]) -> None:
        sheet.delete_rows(int(rows["sla_days"][1:]))
        sheet.insert_rows(6, 3)

    assert bot.sheets.take(key, filled(bot, key, tmp_path / "f.xlsx", change), actor=SHELL)


# Files that are not what they seem.


def test_the_sheet_of_another_onboarding_or_version_is_refused(bot: Application, key: str, tmp_path: Path) -> None:
    path = filled(bot, key, tmp_path / "f.xlsx")
    book = openpyxl.load_workbook(path)
    about = book[ABOUT_SHEET]["A1"]
    plain = str(about.value)
    for changed, said in (
        (plain.replace(key, "ONB-99"), "ONB-99"),
        (plain.replace(", 1]", ", 7]"), "another version"),
        ("[" * 100_000, "not the form's template"),
        ('{"a": 1}', "not the form's template"),
    ):
        about.value = changed[:32_000]
        book.save(path)
        assert said in refusal(bot, key, path)
    del book[ABOUT_SHEET]
    book.save(path)
    assert "not the form's template" in refusal(bot, key, path)


def test_what_is_no_spreadsheet_is_said_to_be_none(bot: Application, key: str, tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    for content, said in (
        (b"", "no .xlsx"),
        (b"name;answer", "no .xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "password"),
        (b"x" * 10_000_000, "10,000,000 bytes"),
    ):
        path.write_bytes(content)
        assert said in refusal(bot, key, path)
    assert "cannot be read" in refusal(bot, key, tmp_path / "none.xlsx")


def repacked(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    change(parts)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(name, content)
    return path


def test_bombs_macros_entities_and_damage_are_refused_before_anything_is_read(
    bot: Application, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hostile(change: Callable[[dict[str, bytes]], None]) -> str:
        return refusal(bot, key, repacked(filled(bot, key, tmp_path / "f.xlsx"), change))

    def never(*args: object, **options: object) -> None:
        raise AssertionError("it was opened")

    sheet = "xl/worksheets/sheet1.xml"
    entity = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    changes: list[tuple[Callable[[dict[str, bytes]], None], str]] = [
        (lambda parts: parts.update({"xl/media/bomb.bin": bytes(50_000_000)}), "far too big"),
        (lambda parts: parts.update({f"xl/media/{n}.bin": b"" for n in range(500)}), "far too big"),
        (lambda parts: parts.update({"xl/vbaProject.bin": b"macro"}), "macros"),
        (
            lambda parts: parts.update(
                {"[Content_Types].xml": parts["[Content_Types].xml"].replace(b"sheet.main", b"sheet.macroEnabled.main")}
            ),
            "macros",
        ),
        (lambda parts: parts.update({sheet: entity}), "damaged"),
        (lambda parts: parts.update({sheet: entity.decode().encode("utf-16")}), "damaged"),
        (lambda parts: parts.pop("xl/workbook.xml") and None, "no .xlsx"),
    ]
    monkeypatch.setattr("bot.sheet.reading.load_workbook", never)
    for change, said in changes:
        assert said in hostile(change)


def test_a_damaged_or_endless_sheet_ends_in_words(bot: Application, key: str, tmp_path: Path) -> None:
    sheet = "xl/worksheets/sheet1.xml"

    def cut(parts: dict[str, bytes]) -> None:
        parts[sheet] = parts[sheet][: len(parts[sheet]) // 2]

    assert "damaged" in refusal(bot, key, repacked(filled(bot, key, tmp_path / "f.xlsx"), cut))

    def endless(parts: dict[str, bytes]) -> None:
        row = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
        whole = parts[sheet].replace(b"</sheetData>", row)
        parts[sheet] = whole.replace(
            b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="F9:XFD1048576"/></mergeCells>'
        )

    path = repacked(filled(bot, key, tmp_path / "f.xlsx"), endless)
    assert bot.sheets.take(key, path, actor=SHELL)


def test_a_file_that_is_spoiled_anywhere_ends_in_words(bot: Application, key: str, tmp_path: Path) -> None:
    content = filled(bot, key, tmp_path / "f.xlsx").read_bytes()
    opened = bot.forms.open(key, "form", SHELL)
    about = About.of(key, "form", opened.form)
    path = tmp_path / "cut.xlsx"
    for length in range(0, len(content), len(content) // 40):
        path.write_bytes(content[:length])
        with pytest.raises(SheetRefused):
            read_sheet(path, opened.form, about)
    for place in range(30, len(content), len(content) // 60):
        spoiled = bytearray(content)
        spoiled[place] ^= 0xFF
        path.write_bytes(bytes(spoiled))
        # A byte of no consequence is none; whatever else it is, it is said in words.
        with suppress(SheetRefused):
            read_sheet(path, opened.form, about)


# From the shell.


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(words))
    assert not isinstance(result.exception, Exception), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_the_shell_writes_the_template_and_takes_the_filled_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONBOARDING_LANGUAGE", "en")
    run(
        "start", "--operator", "telefonica_es", "--partner", "PARTNER-ONE", "--partner-email", "ops@partner.example",
        "--client", "ACME", "--root", "ACME-IBERICA", "--option", "ofc=true", "--option", "deposit=ftp",
        "--tax-id", "B00123455",
    )  # fmt: skip
    assert run("form", "ONB-1", "--template", "form.xlsx")[:2] == (0, "form.xlsx\n")
    code, _, said = run("form", "ONB-1", "--fill", "form.xlsx")
    assert code == 1
    assert "Nothing has changed" in said.splitlines()[0]
    assert all(line.startswith("C") for line in said.splitlines()[1:])
    assert run("form", "ONB-1")[0] == 2
    assert run("form", "ONB-1", "--template", "x.xlsx", "--language", "de")[0] == 2
    assert run("form", "ONB-9", "--template", "x.xlsx")[0] == 1
    (tmp_path / "wrong.xlsx").write_text("no", "utf-8")
    code, _, said = run("form", "ONB-1", "--fill", "wrong.xlsx")
    assert (code, "no .xlsx" in said) == (1, True)
