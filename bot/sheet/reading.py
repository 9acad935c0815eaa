"""A filled spreadsheet read back: what was typed by field id, or all errors at once, each with its cell.

No formula is evaluated: one in an answer is refused. A number where a text is asked for is refused too, because it may
have lost what stood before it; dates and whole numbers come as they are meant. Answers in the locked cells are passed
over, as the web page does: the bot fills those in itself.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.cell import range_boundaries
from stdnum.es import nif

from bot.locales import say
from bot.onboarding.answer_types import shortened
from bot.onboarding.errors import Invalid
from bot.sheet import layout as at
from bot.sheet.archive import SheetRefused, require_spreadsheet
from checklists.model import Form, FormField, Localized

# As many rows as a form may have fields and sections, and some that people put between.
MOST_ROWS = 1_000
ANSWER_COLUMN = 3
NUMERIC = frozenset({"integer", "port", "decimal", "period"})
# A number in a spreadsheet has fifteen digits; what is longer was rounded.
EXACT_DIGITS = 15


class SheetErrors(Invalid):
    """Everything wrong with a spreadsheet: ``fields`` has a text for each field's id, ``cells`` where it stands."""

    def __init__(self, form: Form, fields: Mapping[str, Localized], cells: Mapping[str, str]) -> None:
        super().__init__(say("forms.sheet_problems", count=len(fields)), fields)
        self._form = form
        self.cells = dict(cells)

    def lines(self) -> list[Localized]:
        """Return the errors as sentences: the cell, the question, what is wrong."""
        labels = {asked.id: asked.label for asked in self._form.fields}
        return [
            say("sheet.at", cell=self.cells.get(name, "—"), label=labels.get(name, Localized.same(name)), error=error)
            for name, error in self.fields.items()
        ]


@dataclass
class SheetAnswers:
    """What a spreadsheet says: the texts by field id, where each stands, and what could not be read."""

    given: dict[str, str | list[str]] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)
    errors: dict[str, Localized] = field(default_factory=dict)


def read_sheet(path: Path, form: Form, about: at.About) -> SheetAnswers:
    """Read a filled spreadsheet of a form; ``about`` is the form that is waited for.

    Raises SheetRefused when the file is none of ours, or is not safe to read.
    """
    merged = require_spreadsheet(path)
    try:
        book = load_workbook(path, read_only=True, keep_links=False)
    except Exception as broken:  # a broken spreadsheet ends in whatever its parser stumbles on
        raise SheetRefused("broken") from broken
    try:
        return _read(book, form, about, merged)
    except SheetRefused:
        raise
    except Exception as broken:  # the same: sheets are parsed while they are read
        raise SheetRefused("broken") from broken
    finally:
        book.close()


def _read(book: Any, form: Form, about: at.About, merged: list[str]) -> SheetAnswers:
    _require_ours(book, about)
    [sheet] = [each for each in book.worksheets if each.title not in {at.ABOUT_SHEET, at.LISTS_SHEET}][:1]
    asked = {each.id: each for each in form.fields}
    read = SheetAnswers()
    seen: set[str] = set()
    for number, cells in enumerate(_rows(sheet), start=1):
        name = str(cells[0].value or "").strip() if cells else ""
        if number < at.FIRST_ROW or not name:
            continue
        where = f"{at.ANSWER}{number}"
        if name not in asked:
            read.errors[name[:60]] = say("sheet.unknown_row", given=shortened(name))
            read.cells[name[:60]] = f"{at.ID}{number}"
        elif name in seen:
            read.errors[name] = say("sheet.row_twice", given=shortened(name))
            read.cells[name] = where
        elif asked[name].fill is None:
            read.cells[name] = where
            cell = cells[ANSWER_COLUMN - 1] if len(cells) >= ANSWER_COLUMN else None
            _take(read, asked[name], cell, is_merged=_covers(merged, number))
        seen.add(name)
    if not seen & asked.keys():
        raise SheetRefused("no_rows")
    return read


def _require_ours(book: Any, about: at.About) -> None:
    if at.ABOUT_SHEET not in book.sheetnames or len(book.worksheets) < 2:
        raise SheetRefused("other_sheet")
    for row in book[at.ABOUT_SHEET].iter_rows(max_row=1, max_col=1):
        try:
            found = at.About.from_text(str(row[0].value or "")[:2_000])
        except ValueError:
            raise SheetRefused("other_sheet") from None
        if (found.key, found.step_id) != (about.key, about.step_id):
            raise SheetRefused("other_onboarding", given=shortened(found.key), key=about.key)
        if (found.form, found.version, found.format) != (about.form, about.version, about.format):
            raise SheetRefused("other_version", key=about.key)
        return
    raise SheetRefused("other_sheet")


def _rows(sheet: Any) -> Iterator[tuple[Any, ...]]:
    yield from sheet.iter_rows(max_row=MOST_ROWS, max_col=ANSWER_COLUMN)


def _covers(merged: list[str], row: int) -> bool:
    """Tell whether a row's answer is part of a merged range: which of its cells was meant cannot be known."""
    for each in merged:
        left, top, right, bottom = range_boundaries(each)
        if int(left or 1) <= ANSWER_COLUMN <= int(right or 1) and int(top or 1) <= row <= int(bottom or 1):
            return True
    return False


def _take(read: SheetAnswers, asked: FormField, cell: Any, *, is_merged: bool) -> None:
    if is_merged:
        read.errors[asked.id] = say("sheet.merged")
        return
    value = cell.value if cell is not None else None
    kind = getattr(cell, "data_type", "n")
    if value is None or value == "":
        read.given[asked.id] = ""
    elif kind == "f":
        read.errors[asked.id] = say("sheet.formula")
    elif kind == "e":
        read.errors[asked.id] = say("sheet.cell_error", given=shortened(str(value)))
    else:
        text = _as_text(asked, value)
        if isinstance(text, Localized):
            read.errors[asked.id] = text
        else:
            read.given[asked.id] = text


def _as_text(asked: FormField, value: object) -> str | Localized:
    """Return a cell's value as a person would have typed it, or what is wrong with it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime | date):
        return _day(asked, value)
    if isinstance(value, int | float):
        return _number(asked, value)
    if isinstance(value, time):
        return value.isoformat()
    text = str(value)
    if asked.type == "tax_ids":
        return _without_lost_zero(text)
    return text


def _day(asked: FormField, value: date) -> str | Localized:
    day = value.date() if isinstance(value, datetime) else value
    if asked.type == "date":
        return day.isoformat()
    if asked.type == "period" and day.day == 1:
        return f"{day.year:04}{day.month:02}"
    return say("sheet.date_not_asked", given=day.isoformat())


def _number(asked: FormField, value: float) -> str | Localized:
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    text = (
        f"{exact.to_integral_value() if exact == exact.to_integral_value() else exact:f}" if exact.is_finite() else ""
    )
    digits = len(re.sub(r"[^0-9]", "", text))
    if asked.type in NUMERIC and text and digits <= EXACT_DIGITS:
        return text
    if asked.type == "boolean" and text in {"0", "1"}:
        return text
    if asked.type in {"choice", "choices"} and text in asked.choices:
        return text
    return say("sheet.number", given=shortened(text or str(value)))


def _without_lost_zero(text: str) -> str | Localized:
    """Find a NIF whose leading zero a spreadsheet has taken away: `1234567L` for `01234567L`."""
    for word in re.split(r"[\s,;]+", text.strip()):
        plain = word.upper().replace("-", "").replace(".", "").removeprefix("ES")
        if re.fullmatch(r"[0-9]{5,7}[A-Z]", plain) and nif.is_valid(plain.rjust(9, "0")):
            return say("sheet.lost_zero", given=shortened(word), likely=plain.rjust(9, "0"))
    return text
