"""``onboarding-bot inspect``: an unknown database described for people or as one JSON object, and a first pack of it.

No value of a cell is shown or written, days apart: the file may hold anybody's data.
"""

import json
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bot.locales import say
from bot.onboarding.errors import SettingsError
from bot.settings import Settings
from bot.steps.parameters import parameter_models
from checklists.drafting import DraftError, DraftSource, check_folder, gaps, write_draft
from checklists.loader import PackErrors, load_pack
from checklists.model import Language
from pipeline.inspection import ColumnSummary, Inspection, TableSummary, UnreadableFile, inspect_file, printable
from pipeline.mapping_draft import draft_mapping
from pipeline.mdb import Header
from pipeline.result import JSON

READ, UNREADABLE = 0, 1
# More places than this on a screen help nobody; --json has them all.
LISTED_DAMAGE = 5


def inspect(settings: Settings, file: Path, *, draft_pack: Path | None, as_json: bool) -> int:
    """Describe the file, and write the draft of a pack if a folder is given; return the exit status.

    Raises SettingsError for a file that cannot be opened and a folder that cannot be written.
    """
    if not file.is_file():
        raise SettingsError(f"There is no file {file}.")
    console = Console(stderr=as_json)
    try:
        if draft_pack is not None:
            check_folder(draft_pack)
        with tempfile.TemporaryDirectory() as scratch, console.status(f"{escape(printable(file.name))} …"):
            found = inspect_file(file, Path(scratch))
        drafted = _draft(found, draft_pack) if draft_pack is not None else None
    except UnreadableFile as unreadable:
        _tell_unreadable(console, file, unreadable, settings.language, as_json=as_json)
        return UNREADABLE
    except DraftError as wrong:
        raise SettingsError(f"--draft-pack: {wrong}") from wrong
    except PackErrors as wrong:
        raise SettingsError(f"--draft-pack: the draft in {draft_pack} cannot be loaded:\n{wrong}") from wrong
    except OSError as wrong:
        raise SettingsError(f"{wrong.filename or file}: {wrong.strerror or wrong}") from wrong
    if as_json:
        _print_json({**_as_json(found), "draft_pack": drafted})
        return READ
    _print(console, found, settings.language)
    if drafted is not None:
        folder = shlex.quote(str(draft_pack))
        told = say("inspect.drafted", folder=folder, gaps=drafted["gaps"], file=shlex.quote(str(file)))
        console.print(told.text(settings.language), markup=False, highlight=False, soft_wrap=True)
    return READ


def _draft(found: Inspection, folder: Path) -> dict[str, JSON]:
    """Write the pack and load it, so that nobody is handed one that does not load. Raises DraftError, PackErrors."""
    if not found.tables:
        raise DraftError(f"{found.file} has no tables: there is nothing to draft a pack from.")
    write_draft(
        folder,
        DraftSource(
            file=found.file,
            format=found.header.format,
            has_password=found.header.has_password,
            encoded=found.header.encoded,
            fingerprint=found.fingerprint,
            tables={table.name: [(column.name, column.type) for column in table.columns] for table in found.tables},
            linked_tables=found.linked_tables,
            mapping_sql=draft_mapping(found.tables),
        ),
    )
    pack = load_pack(folder, parameter_models())
    return {"id": pack.id, "path": str(folder), "gaps": gaps(folder)}


def _tell_unreadable(
    console: Console, file: Path, unreadable: UnreadableFile, language: Language, *, as_json: bool
) -> None:
    finding = unreadable.finding
    message, advice = finding.message.text(language), finding.advice.text(language)
    if as_json:
        told: dict[str, JSON] = {"code": finding.code, "message": message, "advice": advice}
        told["evidence"] = dict(finding.evidence)
        header = _header(unreadable.header) if unreadable.header else {}
        _print_json({"file": file.name, "size": file.stat().st_size, **header, "finding": told})
        return
    console.print(Text.assemble((finding.code, "bold red"), f"  {printable(message)}"))
    console.print(f"  → {printable(advice)}", markup=False, highlight=False)


def _as_json(found: Inspection) -> dict[str, JSON]:
    return {
        "file": found.file,
        "size": found.size,
        "sha256": found.sha256,
        **_header(found.header),
        "fingerprint": found.fingerprint,
        "tables": {table.name: _table_as_json(table) for table in found.tables},
        "linked_tables": list(found.linked_tables),
    }


def _header(header: Header) -> dict[str, JSON]:
    return {
        "format": header.format,
        "code_page": header.code_page,
        "password": header.has_password,
        "encoded": header.encoded,
    }


def _table_as_json(table: TableSummary) -> JSON:
    return {
        "declared": table.rows.declared,
        "read": table.rows.read,
        "columns": [
            {"name": one.name, "type": one.type, "nulls": one.nulls, "first": one.first, "last": one.last}
            for one in table.columns
        ],
        "damage": [{"page": at.page, "row": at.row, "reason": at.reason or None} for at in table.damage],
    }


def _print(console: Console, found: Inspection, language: Language) -> None:
    header = found.header
    title = f"  {header.format}  {found.size:,} B  sha256 {found.sha256[:16]}…"
    console.print(Text.assemble((printable(found.file), "bold"), title))
    words = {True: say("inspect.yes"), False: say("inspect.no")}
    flags = say(
        "inspect.flags",
        password=words[header.has_password],
        encoded=words[header.encoded],
        code_page=header.code_page or "—",
    )
    console.print(flags.text(language), style="dim", highlight=False)
    console.print(f"fingerprint {found.fingerprint}\n", style="dim", highlight=False, soft_wrap=True)
    if found.tables:
        console.print(_columns(found, language))
    else:
        console.print(say("inspect.no_tables").text(language))
    for line in _remarks(found, language):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _columns(found: Inspection, language: Language) -> Table:
    """Every table's name and rows, and below them its columns: type, how many are empty, first and last day."""
    shown = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    for _ in range(4):
        shown.add_column(overflow="fold")
    for table in found.tables:
        shown.add_row(Text(printable(table.name), "bold"), _rows(table, language))
        for column in table.columns:
            days = f"{column.first} … {column.last}" if column.first else ""
            empty = _empty(column, table, language)
            shown.add_row(Text(f"  {printable(column.name)}"), column.type, empty, days)
        shown.add_row()
    return shown


def _rows(table: TableSummary, language: Language) -> Text:
    if table.rows.read == table.rows.declared:
        return Text(say("inspect.rows", rows=f"{table.rows.read:,}").text(language), "bold")
    counts = say("inspect.rows_missing", read=table.rows.read, declared=table.rows.declared)
    return Text(counts.text(language), "bold red")


def _empty(column: ColumnSummary, table: TableSummary, language: Language) -> str:
    if not column.nulls or not table.rows.read:
        return ""
    share = 100 * column.nulls // table.rows.read
    return say("inspect.empty", share=f"{share} %" if share else "< 1 %").text(language)


def _remarks(found: Inspection, language: Language) -> Iterator[str]:
    """What is to be told below the columns: links to other files, and damage."""
    if found.linked_tables:
        names = ", ".join(printable(name) for name in found.linked_tables)
        yield say("inspect.linked", tables=names).text(language)
    for table in found.tables:
        if table.is_whole:
            continue
        yield say(
            "inspect.damaged",
            table=printable(table.name),
            read=table.rows.read,
            declared=table.rows.declared,
            places=len(table.damage),
        ).text(language)
        for at in table.damage[:LISTED_DAMAGE]:
            if at.row is None:
                yield say("inspect.damaged_page", page=at.page, reason=at.reason).text(language)
            else:
                yield say("inspect.damaged_row", page=at.page, row=at.row).text(language)
        if len(table.damage) > LISTED_DAMAGE:
            yield say("inspect.damaged_more", count=len(table.damage) - LISTED_DAMAGE).text(language)


def _print_json(value: dict[str, JSON]) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
