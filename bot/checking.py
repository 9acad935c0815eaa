"""``onboarding-bot check``: the chain on one file, offline, as a table for people or one JSON object."""

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.onboarding.errors import SettingsError
from bot.settings import Settings
from bot.steps.parameters import parameter_models
from checklists.loader import PackErrors, builtin_packs, find_packs, load_pack
from checklists.model import STAGES, Language, Pack, Stage
from pipeline.chain import Chain
from pipeline.client import load_client
from pipeline.errors import ClientFileError, ConfigurationError
from pipeline.reader_process import ReaderProcess
from pipeline.report import as_json as report_as_json
from pipeline.result import ChainResult

ACCEPTED, BLOCKED = 0, 1

# A check has no partner to deliver to: the OFC is made, not sent.
CHECKED: tuple[Stage, ...] = tuple(stage for stage in STAGES if stage != "delivery")

COLOURS = {"block": "red", "quarantine": "magenta", "warn": "yellow", "info": "cyan"}


def check_file(
    settings: Settings,
    file: Path,
    operator: str,
    *,
    client: Path | None,
    out: Path | None,
    cross_check: bool,
    as_json: bool,
    reader: ReaderProcess | None = None,
) -> int:
    """Run the chain and print what it found; return the exit status. Raises SettingsError for what cannot be used."""
    if not file.is_file():
        raise SettingsError(f"There is no file {file}.")
    console = Console(stderr=as_json)
    try:
        chain = Chain(
            file,
            pack_for(settings, operator),
            client=load_client(client) if client else None,
            out=out,
            cross_check=cross_check,
            reader=reader,
        )
        with console.status(f"{file.name} …"):
            result = chain.run(CHECKED)
    except (ConfigurationError, ClientFileError) as wrong:
        raise SettingsError(str(wrong)) from wrong
    if as_json:
        json.dump(report_as_json(result, settings.language), sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    else:
        _print(console, result, settings.language)
    return BLOCKED if result.blocked else ACCEPTED


def pack_for(settings: Settings, operator: str) -> Pack:
    """Return the pack of that id, or in that folder. Raises SettingsError, naming the packs that there are."""
    try:
        folders = find_packs([builtin_packs(), *([settings.packs_dir] if settings.packs_dir else [])])
        folder = folders.get(operator) or Path(operator)
        if not folder.is_dir():
            raise SettingsError(
                f"--operator: {operator!r} is neither a pack ({', '.join(folders)}) nor a folder that holds one."
            )
        return load_pack(folder, parameter_models())
    except PackErrors as wrong:
        raise SettingsError(f"--operator: the pack {operator} has errors:\n{wrong}") from wrong


def _print(console: Console, result: ChainResult, language: Language) -> None:
    colour = "red" if result.blocked else "green"
    console.print(f"[bold {colour}]{result.verdict.replace('_', ' ')}[/]", end="  ")
    console.print(f"{result.file}  {result.size:,} B  sha256 {result.sha256[:16]}…", markup=False, highlight=False)
    if result.findings:
        table = Table("code", "severity", "stage", "message", "advice", show_lines=True)
        for finding in result.findings:
            table.add_row(
                f"[{COLOURS[finding.severity]}]{finding.code}[/]",
                finding.severity,
                finding.stage,
                _plain(finding.message.text(language)),
                _plain(finding.advice.text(language)),
            )
        console.print(table)
    if result.totals is not None:
        invoices = Table("invoice", "net", "tax", "out of tax", "gross")
        for invoice in result.invoices:
            amounts = (invoice.net, invoice.tax, invoice.out_of_tax, invoice.gross)
            invoices.add_row(_plain(invoice.number), *(f"{amount}" for amount in amounts))
        console.print(invoices)
    for output in result.outputs:
        where = output.path or output.name
        console.print(f"{output.kind:10} {where}  {output.rows} rows  sha256 {output.sha256[:16]}…", markup=False)
    if result.not_made:
        console.print(f"not made (input missing): {', '.join(result.not_made)}", markup=False, style="dim")


def _plain(text: str) -> str:
    """Keep brackets in a text from being read as rich's markup."""
    return text.replace("[", r"\[")
