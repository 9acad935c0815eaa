"""What a check says in a terminal: where it is while it runs, then the findings, the totals and the files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from rich.console import Console, Group
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from bot.checking.evidence import gap_of, gaps_by_invoice, second_reading
from bot.checking.stages import CHECKED, stage_name
from bot.drawing.figures import amount, count, file_size, short_amount, stopwatch
from bot.locales import say
from checklists.model import Language, Severity, Stage
from pipeline.findings import Finding
from pipeline.result import ChainResult, Invoice, Totals, Verdict

COLOURS: dict[Severity, str] = {"block": "red", "quarantine": "magenta", "warn": "yellow", "info": "cyan"}
SYMBOLS: dict[Severity, str] = {"block": "✕", "quarantine": "‖", "warn": "!", "info": "i"}
VERDICTS: dict[Verdict, tuple[str, str]] = {
    "accepted": ("✓", "green"),
    "accepted_with_warnings": ("!", "yellow"),
    "blocked": ("✕", "red"),
    "quarantined": ("‖", "magenta"),
}
# More than this scrolls the findings away; the Output and the report have them all.
LISTED_INVOICES = 20
SHOWN_OF_HASH = 16


@contextmanager
def progress(name: str, language: Language) -> Iterator[Callable[[Stage], None]]:
    """Give what to call before each stage. It draws on standard error, and only where that is a terminal.

    The clock runs on while a stage works, so that a big file is seen to be read.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda stage: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[name]}", markup=False),
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("", total=len(CHECKED), name=printable(name))
        yield lambda stage: shown.update(task, completed=CHECKED.index(stage), description=stage_name(stage, language))


def show(console: Console, result: ChainResult, language: Language) -> None:
    """Print the verdict, the findings, the totals by invoice and the files made."""
    console.print(_headline(result, language))
    if result.findings:
        console.print(_findings(result, language))
    if result.totals is not None and result.invoices:
        console.print(_invoices(result, result.totals, language))
    second = second_reading(result, language)
    if second is not None:
        console.print(Text(printable(_say("second_reading", language, told=second))))
    if result.outputs:
        console.print(_outputs(result, language))
    if result.not_made:
        console.print(Text(_say("not_made_are", language, codes=", ".join(result.not_made)), style="dim"))


def printable(text: str) -> str:
    """Return a text of the file without what would steer the terminal."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _headline(result: ChainResult, language: Language) -> Group:
    symbol, colour = VERDICTS[result.verdict]
    word = say(f"verdict.{result.verdict}").text(language)
    seconds = stopwatch(sum(stage.seconds for stage in result.stages), language)
    ran = _say("stages.told", language, ran=str(len(result.stages)), all=str(len(CHECKED)), seconds=seconds)
    size = file_size(result.size, language)
    return Group(
        Text.assemble((f"{symbol} {word}", f"bold {colour}"), f"  {printable(result.file)}  {size}"),
        Padding(Text(_say(f"meaning.{result.verdict}", language)), (0, 0, 0, 2)),
        Padding(Text(f"{ran} SHA-256 {result.sha256[:SHOWN_OF_HASH]}…", style="dim"), (0, 0, 0, 2)),
    )


def _findings(result: ChainResult, language: Language) -> Table:
    gaps = any(gap_of(finding) is not None for finding in result.findings)
    table = Table(show_lines=True, expand=True)
    table.add_column(_say("finding", language), overflow="fold", min_width=20)
    table.add_column(f"{_say('seen', language)} → {_say('advice', language)}", overflow="fold", ratio=1)
    if gaps:
        table.add_column(_say("gap", language), justify="right", no_wrap=True)
    for finding in result.findings:
        cells = [_what(finding, language), _told(finding, language)]
        if gaps:
            cells.append(_gap(finding, language))
        table.add_row(*cells)
    return table


def _what(finding: Finding, language: Language) -> Text:
    colour = COLOURS[finding.severity]
    return Text.assemble(
        (f"{SYMBOLS[finding.severity]} {finding.code}\n", f"bold {colour}"),
        (_say(f"severity.{finding.severity}", language), colour),
        (f" · {stage_name(finding.stage, language)}", "dim"),
    )


def _told(finding: Finding, language: Language) -> Text:
    message, advice = finding.message.text(language), finding.advice.text(language)
    return Text.assemble(printable(message), "\n", (f"→ {printable(advice)}", "italic"))


def _gap(finding: Finding, language: Language) -> Text:
    gap = gap_of(finding)
    if gap is None:
        return Text("")
    rows = "declared" in finding.evidence
    written = count(int(gap), language) if rows else amount(gap, language)
    return Text(written, style=COLOURS[finding.severity])


def _invoices(result: ChainResult, totals: Totals, language: Language) -> Table:
    """Lay out each invoice as a sum: base, then tax, then what is out of tax, to the printed total."""
    gaps = gaps_by_invoice(result)
    signs = {"net": "", "tax": "+ ", "out_of_tax": "+ ", "gross": "= "}
    table = Table(show_footer=len(result.invoices) > 1)
    listed = result.invoices[:LISTED_INVOICES]
    more = len(result.invoices) - len(listed)
    summed = _say("sum", language) + (f" ({_say('more', language, count=count(more, language))})" if more else "")
    table.add_column(_say("invoice", language), footer=summed, overflow="fold")
    for name, sign in signs.items():
        footer = _amount(totals, name, language)
        table.add_column(sign + _say(name, language), footer=footer, justify="right", no_wrap=True)
    if gaps:
        table.add_column(_say("gap", language), justify="right", no_wrap=True, style="red")
    for invoice in listed:
        cells: list[Text | str] = [
            Text(printable(invoice.number)),
            *(_amount(invoice, name, language) for name in signs),
        ]
        if gaps:
            cells.append(", ".join(short_amount(gap, language) for gap in gaps.get(invoice.number, ())))
        table.add_row(*cells)
    return table


def _amount(of: Totals | Invoice, name: str, language: Language) -> str:
    value: Decimal = getattr(of, name)
    return amount(value, language, places=2 if name == "gross" else 4)


def _outputs(result: ChainResult, language: Language) -> Table:
    """Lay out one file in two lines: its name is longer than half a terminal."""
    table = Table.grid(padding=(0, 1))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for output in result.outputs:
        rows = f"{count(output.rows, language)} {_say('rows', language).lower()}, " if output.rows else ""
        made = f"{rows}{file_size(output.bytes, language)}, SHA-256 {output.sha256[:SHOWN_OF_HASH]}…"
        table.add_row(output.kind, Text.assemble(printable(str(output.path or output.name)), "\n", (made, "dim")))
    return table


def _say(key: str, language: Language, **values: str) -> str:
    return say(f"check.{key}", **values).text(language)
