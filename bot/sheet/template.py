"""The form as a spreadsheet to fill in: one row a field, with its rule, an example and a drop-down for choices.

The same form and answers give the same bytes. Whatever a person or a pack wrote is text, never a formula.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill, Protection
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from bot.locales import say
from bot.onboarding.answer_types import example_of
from bot.onboarding.answers import required_fields
from bot.onboarding.forms import OpenForm
from bot.sheet import layout as at
from checklists.model import FormField, Language

WIDTHS = {at.ID: 4, at.LABEL: 38, at.ANSWER: 44, at.EXAMPLE: 30, at.RULE: 70}
GREY, OURS, WHITE, HEAD = "FF808080", "FFE7E6E6", "FFFFFFE5", "FF1F3864"
TEXT = "@"
# When nothing says otherwise a ZIP archive's files are of this day.
NO_DAY = (1980, 1, 1, 0, 0, 0)
_MOMENTS = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:)")


def sheet_name(opened: OpenForm) -> str:
    """Return the file's name: ``ONB-7_form.xlsx``."""
    return f"{opened.view.key}_{opened.step_id}.xlsx"


def template(opened: OpenForm, language: Language | None = None) -> bytes:
    """Return the spreadsheet of a form, with what was entered so far and what the bot fills in itself."""
    speaks = language or opened.view.language
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = re.sub(r"[\[\]:*?/\\']", " ", say("sheet.title").text(speaks))[:31]
    lists = book.create_sheet(at.LISTS_SHEET)
    about = book.create_sheet(at.ABOUT_SHEET)
    _write(about[at.ABOUT_CELL], at.About.of(opened.view.key, opened.step_id, opened.form).as_text())
    lists.sheet_state = about.sheet_state = "veryHidden"
    _head(sheet, opened, speaks)
    _rows(sheet, lists, opened, speaks)
    # The protection guides and keeps nobody out: there is no password, and what is read is checked anyway.
    sheet.protection.sheet = True
    sheet.protection.formatColumns = sheet.protection.formatRows = False
    sheet.freeze_panes = f"{at.ANSWER}{at.FIRST_ROW}"
    sheet.print_options.gridLines = True
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    written = io.BytesIO()
    book.save(written)
    return _timeless(written.getvalue())


def _head(sheet: Worksheet, opened: OpenForm, language: Language) -> None:
    view = opened.view
    _write(sheet[f"{at.LABEL}1"], opened.form.title.text(language)).font = Font(bold=True, size=14)
    named = f"{view.key} · {view.operator} · {view.client} ({view.partner})"
    _write(sheet[f"{at.LABEL}2"], named)
    _write(sheet[f"{at.LABEL}3"], say("sheet.how").text(language))
    for column in (at.LABEL, at.ANSWER, at.EXAMPLE, at.RULE):
        cell = _write(sheet[f"{column}{at.HEADINGS_ROW}"], say(f"sheet.{_HEADINGS[column]}").text(language))
        cell.font = Font(bold=True, color=WHITE)
        cell.fill = PatternFill("solid", fgColor=HEAD)
    for column, width in WIDTHS.items():
        sheet.column_dimensions[column].width = width


_HEADINGS: Mapping[str, str] = {at.LABEL: "field", at.ANSWER: "answer", at.EXAMPLE: "example", at.RULE: "rule"}


def _rows(sheet: Worksheet, lists: Worksheet, opened: OpenForm, language: Language) -> None:
    required = required_fields(opened.form, {})
    row, column = at.FIRST_ROW, 0
    for section in opened.form.sections:
        heading = _write(sheet[f"{at.LABEL}{row}"], section.title.text(language))
        heading.font = Font(bold=True, size=12)
        row += 1
        for field in section.fields:
            _field_row(sheet, row, field, opened, language, is_required=field.id in required)
            words = tuple(_drop_down(field, language))
            if words and field.fill is None:
                column += 1
                letter = get_column_letter(column)
                for number, word in enumerate(words, start=1):
                    _write(lists[f"{letter}{number}"], word)
                source = f"{at.LISTS_SHEET}!${letter}$1:${letter}${len(words)}"
                listed = DataValidation(type="list", formula1=source, allow_blank=True, showErrorMessage=True)
                listed.errorTitle = say("sheet.choose").text(language)[:32]
                listed.error = say("sheet.choose").text(language)[:255]
                listed.add(f"{at.ANSWER}{row}")
                sheet.add_data_validation(listed)
            row += 1


def _field_row(
    sheet: Worksheet, row: int, field: FormField, opened: OpenForm, language: Language, *, is_required: bool
) -> None:
    is_ours = field.fill is not None
    _write(sheet[f"{at.ID}{row}"], field.id).font = Font(size=6, color=GREY)
    label = f"{field.label.text(language)}{' *' if is_required else ''}"
    _write(sheet[f"{at.LABEL}{row}"], label).font = Font(bold=is_required)
    value = opened.filled.get(field.id, "") if is_ours else opened.given.get(field.id, _default(field))
    answer = _write(sheet[f"{at.ANSWER}{row}"], _shown(field, value, language)[: at.LONGEST_CELL])
    answer.protection = Protection(locked=is_ours)
    answer.fill = PatternFill("solid", fgColor=OURS if is_ours else WHITE)
    _write(sheet[f"{at.EXAMPLE}{row}"], "" if is_ours else _shown(field, example_of(field), language))
    _write(sheet[f"{at.RULE}{row}"], " ".join(_rules(field, opened, language, is_required=is_required)))


def _write(cell: object, text: str) -> Cell:
    """Write a text as a text, in a cell of that kind: leading zeros stay, and nothing is a formula."""
    assert isinstance(cell, Cell)
    cell.number_format = TEXT
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    if text:
        # What a spreadsheet cannot hold would make the file unreadable.
        cell.value = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", " ", text)
        cell.data_type = "s"
        cell.quotePrefix = text.startswith(("=", "+", "-", "@"))
    return cell


def _rules(field: FormField, opened: OpenForm, language: Language, *, is_required: bool) -> Iterator[str]:
    if field.fill is not None:
        yield say("sheet.ours").text(language)
        return
    if is_required:
        yield say("sheet.required").text(language)
    elif field.required_when:
        labels = {each.id: each.label.text(language) for each in opened.form.fields}
        when = ", ".join(f"{labels[name]} = {_word(value, language)}" for name, value in field.required_when.items())
        yield say("slack.form.required_when", when=when).text(language)
    yield say(f"sheet.type.{field.type}").text(language)
    if field.min is not None:
        yield say("sheet.min", limit=field.min).text(language)
    if field.max is not None:
        yield say("sheet.max", limit=field.max).text(language)
    if field.type == "choices":
        yield ", ".join(field.choices)
    if field.help is not None:
        yield field.help.text(language)


def _drop_down(field: FormField, language: Language) -> Iterator[str]:
    if field.type == "boolean":
        yield from (_word(value, language) for value in (True, False))
    elif field.type == "choice":
        yield from field.choices


def _word(value: object, language: Language) -> str:
    return say("slack.yes" if value else "slack.no").text(language) if isinstance(value, bool) else str(value)


def _shown(field: FormField, value: str | list[str], language: Language) -> str:
    text = value if isinstance(value, str) else "\n".join(value)
    return _word(text == "true", language) if field.type == "boolean" and text in {"true", "false"} else text


def _default(field: FormField) -> str:
    if isinstance(field.default, bool):
        return str(field.default).lower()
    return "" if field.default is None else str(field.default)


def _timeless(content: bytes) -> bytes:
    """Return the archive without the moment at which it was made."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "docProps/core.xml":
                part = _MOMENTS.sub(rb"\g<1>1980-01-01T00:00:00Z\g<3>", part)
            new.writestr(zipfile.ZipInfo(name, NO_DAY), part, zipfile.ZIP_DEFLATED)
    return made.getvalue()
