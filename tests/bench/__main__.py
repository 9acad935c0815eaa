"""``python -m tests.bench``: measures, prints the tables, writes docs/benchmarks.md.

Exit status: 0 all promises kept, 1 one is broken or our own work failed, 2 one could not be measured.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from rich.console import Console

from . import chain, peers, sftp
from .files import CHECKOUT, MEDIUM, SMALL, MeasuredFile, find_large, unpacked
from .measure import Command, CommandFailed, Measured, interleaved
from .peers import NotHere
from .report import Line, Promise, Section, as_markdown, as_table
from .scale import crowded, drain
from .scale.postgres import databases

KEPT, BROKEN, NOT_MEASURED = 0, 1, 2
PAGE = CHECKOUT / "docs" / "benchmarks.md"
EXPORT = "mdb-export"
FILES, TRANSFER, SCALE = PARTS = ("files", "sftp", "scale")


def main() -> int:
    """Measure, print, write; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--large", type=Path, help="the large file; else BENCH_LARGE, else beside the checkout")
    parser.add_argument("--runs", type=int, default=5, help="of each program (5)")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="parts; the page is left as it is")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the page goes (docs/benchmarks.md)")
    asked = parser.parse_args()
    # A table needs this much room; a terminal says how much it has.
    console = Console(width=None if sys.stdout.isatty() else 130)
    try:
        large = find_large(asked.large)
    except FileNotFoundError as missing:
        console.print(f"There is no file {missing}.")
        return NOT_MEASURED
    busy = os.getloadavg()[0]
    if busy > 1:
        console.print(f"[yellow]The machine is busy (load {busy:.1f}): trust the ratios, not the seconds.[/]")
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch, console.status("…") as status:
        bench = Bench(Path(scratch), asked.runs, status.update)
        try:
            sections = bench.measure(large, asked.only)
        except CommandFailed as failed:
            console.print(f"[red]{failed}[/]")
            return BROKEN
    for section in sections:
        console.print(as_table(section), "")
    is_whole = large is not None and set(asked.only) == set(PARTS)
    return conclude(console, sections, bench.missing, asked.page if is_whole else None, asked.runs)


def conclude(console: Console, sections: list[Section], missing: list[str], page: Path | None, runs: int) -> int:
    """Write the page, tell what is broken or missing, and return the exit status."""
    for reason in missing:
        console.print(f"[yellow]Not measured: {reason}[/]")
    if page is None:
        console.print("Not everything was asked for, or the large file was not found: the page is left as it is.")
    elif missing:
        console.print("The page is left as it is.")
    else:
        page.write_text(as_markdown(sections, runs, peers.versions()), encoding="utf-8")
    broken = [words for section in sections for words in section.broken]
    for words in broken:
        console.print(f"[red]Broken: {words}[/]")
    return BROKEN if broken else NOT_MEASURED if missing else KEPT


class Bench:
    """The measurements of one run. ``missing`` tells which promises could not be measured, and why."""

    def __init__(self, scratch: Path, runs: int, told: Callable[[str], None]) -> None:
        self._scratch = scratch
        self._runs = runs
        self._told = told
        self.missing: list[str] = []

    def measure(self, large: Path | None, parts: Collection[str] = PARTS) -> list[Section]:
        """Measure these parts. Raises CommandFailed when our own work fails."""
        sections: list[Section] = []
        if FILES in parts:
            for packed, is_large in ((large, True), (MEDIUM, False)):
                if packed is not None:
                    self._told(f"unpacking {packed.name}")
                    sections.append(self._file(unpacked(packed, self._scratch), is_large=is_large))
            sections.append(self._check())
        if TRANSFER in parts:
            sections.extend(self._sftp(unpacked(large or MEDIUM, self._scratch)))
        if SCALE in parts:
            sections.extend(self._scale())
        return sections

    def _file(self, file: MeasuredFile, *, is_large: bool) -> Section:
        remarks: dict[str, str] = {}
        base: dict[str, Command] = {}
        try:
            base[EXPORT] = peers.mdb_export(file)
        except NotHere as reason:
            remarks[EXPORT] = str(reason)
            self.missing.append(f"ratios for {file.path.name}: {reason}")
        ours = {"reading": chain.reading(file), "chain": chain.chain(file, self._scratch)}
        others, absent = self._others(file)
        found = interleaved({**base, **ours}, self._runs, self._told, others)
        measured, remarks = dict(found.measured), {**remarks, **absent, **found.failed}
        if not is_large:
            slow = interleaved({}, 1, self._told, {"access-parser": peers.access_parser(file)})
            measured, remarks = {**measured, **slow.measured}, {**remarks, **slow.failed}
        exported = measured.get(EXPORT)
        lines = [_line(name, one, exported, promised=is_large and name in ours) for name, one in measured.items()]
        lines += [Line(name, remark=reason) for name, reason in remarks.items()]
        note = f"Ratios: to {EXPORT}, which writes all tables to /dev/null."
        return Section(
            file.described, note if is_large else f"{note} Start-up weighs here: nothing is promised.", lines
        )

    def _others(self, file: MeasuredFile) -> tuple[dict[str, Command], dict[str, str]]:
        """Return the readers of which nothing is promised, and why some are absent."""
        makers: dict[str, Callable[[], Command]] = {
            "pandas-access": lambda: peers.pandas_access(file),
            "Jackcess": lambda: peers.jackcess(file, self._scratch),
        }
        here: dict[str, Command] = {}
        absent: dict[str, str] = {}
        for name, make in makers.items():
            try:
                here[name] = make()
            except NotHere as reason:
                absent[name] = str(reason)
        return here, absent

    def _check(self) -> Section:
        measured = interleaved({"check": chain.check_small(self._scratch)}, self._runs, self._told).measured["check"]
        promise = Promise("wall", measured.seconds, 1.0, unit=" s")
        line = Line("onboarding-bot check", measured, promises=(promise,))
        return Section(f"The small sample, {SMALL.name}", "A whole process, with its start-up.", [line])

    def _sftp(self, content: MeasuredFile) -> list[Section]:
        try:
            compared = sftp.compare(content.path, self._scratch, self._runs, self._told)
        except NotHere as reason:
            self.missing.append(f"SFTP: {reason}")
            return []
        lines = []
        for one in compared:
            speed = one.openssh / one.ours
            promise = Promise("ratio", speed, 0.5, at="least")
            lines.append(Line(f"{one.name}: sftp", seconds=one.openssh))
            lines.append(Line(f"{one.name}: the bot", seconds=one.ours, ratio=speed, promises=(promise,)))
        put, delivery = (next(one for one in compared if one.name == name) for name in (sftp.PUT, sftp.DELIVERY))
        lines.append(Line("delivery, but to sftp's put alone", ratio=put.openssh / delivery.ours))
        note = "Ratio: of the speeds, the bot's to that of OpenSSH's sftp. 1 is as fast, 0.5 takes twice as long."
        return [Section(f"SFTP on loopback, {content.described}", note, lines)]

    def _scale(self) -> list[Section]:
        """Ten thousand open onboardings on both databases, and the workers that only Postgres has."""
        size = crowded.Size()
        folder = self._scratch / "sqlite"
        folder.mkdir()
        url = f"sqlite:///{folder / 'onboarding.db'}"
        sections = [crowded.measure("SQLite", url, folder, self._on("SQLite"), size)]
        try:
            with databases() as fresh:
                folder = self._scratch / "postgres"
                folder.mkdir()
                sections.append(crowded.measure("Postgres", fresh(None)[1], folder, self._on("Postgres"), size))
                sections.append(drain.measure(fresh, folder, self._on("Postgres")))
        except NotHere as reason:
            self.missing.append(f"Postgres: {reason}")
        return sections

    def _on(self, database: str) -> Callable[[str], None]:
        return lambda what: self._told(f"{database}: {what}")


def _line(name: str, measured: Measured, exported: Measured | None, *, promised: bool) -> Line:
    """Return a reader's line, with what is promised about the large file."""
    if exported is None:
        return Line(name, measured)
    ratio = measured.seconds / exported.seconds
    cpu_ratio = measured.cpu_seconds / exported.cpu_seconds
    promises: tuple[Promise, ...] = ()
    if promised and name == "reading":
        promises = (Promise("ratio", ratio, 0.10),)
    elif promised:
        memory = Promise("peak", measured.peak_mib, 800, aim="500", unit=" MiB")
        promises = (Promise("ratio", ratio, 0.30, aim="0.18"), memory)
    return Line(name, measured, ratio=ratio, cpu_ratio=cpu_ratio, promises=promises)


if __name__ == "__main__":
    sys.exit(main())
