"""The results as a table for the terminal, and as docs/benchmarks.md."""

import os
import platform
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

from rich.table import Table

from .measure import PEER_RUNS, Measured

LIBRARIES = ("pyarrow", "duckdb", "numpy", "paramiko", "pydantic")
HEADINGS = ("what", "wall s", "CPU s", "peak MiB", "ratio", "CPU ratio", "target", "met")
LEFT = frozenset({"what", "target", "met"})


@dataclass(frozen=True)
class Promise:
    """A figure (``of`` says which) and the limit that it keeps; ``aim`` is what is worked towards."""

    of: str
    figure: float
    limit: float
    at: Literal["most", "least"] = "most"
    aim: str = ""
    unit: str = ""

    @property
    def kept(self) -> bool:
        """Tell whether the figure is within its limit."""
        return self.figure <= self.limit if self.at == "most" else self.figure >= self.limit

    @property
    def words(self) -> str:
        """The limit and the aim in words."""
        sign = "≤" if self.at == "most" else "≥"
        digits = 2 if self.limit < 10 else 0
        aim = f" (aim {self.aim})" if self.aim else ""
        return f"{self.of} {sign} {self.limit:.{digits}f}{self.unit}{aim}"


@dataclass(frozen=True)
class Line:
    """A line of a table; its ratios are to what the section's note says. ``remark`` tells why there are no figures."""

    what: str
    measured: Measured | None = None
    seconds: float | None = None
    ratio: float | None = None
    cpu_ratio: float | None = None
    promises: tuple[Promise, ...] = ()
    remark: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The line's cells, under HEADINGS."""
        measured = self.measured
        return (
            self.what,
            _figure(measured.seconds if measured else self.seconds),
            _figure(measured.cpu_seconds if measured else None),
            _figure(measured.peak_mib if measured else None, digits=0),
            _figure(self.ratio),
            _figure(self.cpu_ratio),
            self.remark or "; ".join(promise.words for promise in self.promises),
            "; ".join("yes" if promise.kept else "NO" for promise in self.promises),
        )


def _figure(value: float | None, *, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}"


@dataclass(frozen=True)
class Section:
    """A table: its title says what was measured, ``note`` what the ratio is."""

    title: str
    note: str
    lines: Sequence[Line]

    @property
    def broken(self) -> list[str]:
        """What did not keep its promise."""
        return [
            f"{line.what}: {promise.figure:.2f}{promise.unit}, promised {promise.words}"
            for line in self.lines
            for promise in line.promises
            if not promise.kept
        ]


def as_table(section: Section) -> Table:
    """Return the section for the terminal."""
    table = Table(title=section.title, caption=section.note, title_justify="left", caption_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading in LEFT else "right", no_wrap=heading not in LEFT)
    for line in section.lines:
        style = "red" if any(not promise.kept for promise in line.promises) else ""
        table.add_row(*line.cells, style=style)
    return table


def as_markdown(sections: Sequence[Section], runs: int, peers: Mapping[str, str]) -> str:
    """Return docs/benchmarks.md: no date, no path, nothing of the machine but its processors and versions."""
    libraries = {"Python": platform.python_version(), **{name: version(name) for name in LIBRARIES}, **peers}
    parts = [
        "# Benchmarks",
        "Written by `make bench`. The seconds are those of one machine, and longer on a busy one; the ratios are what\n"
        "is promised. They are between programs that ran in turn in the same run, and of the medians of "
        f"{runs} runs ({min(runs, PEER_RUNS)} of\nreaders of which nothing is promised, one of access-parser).",
        f"Here: {len(os.sched_getaffinity(0))} processors; "
        + textwrap.fill(", ".join(f"{name} {number}" for name, number in libraries.items()) + ".", 110),
    ]
    for section in sections:
        parts += [f"## {section.title}", section.note, _markdown_table(section.lines)]
    return "\n\n".join([*parts, MEANINGS])


def _markdown_table(lines: Sequence[Line]) -> str:
    rule = ["---" if heading in LEFT else "---:" for heading in HEADINGS]
    rows = [HEADINGS, rule, *(line.cells for line in lines)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


MEANINGS = """## What the numbers mean

- *wall s*, *CPU s*: a whole process from its start to its end, with all processes that it starts; medians. CPU is user
  and system time together. *ratio* is of the wall time, *CPU ratio* of the processor time: it does not change with what
  else a machine does.
- *peak MiB*: the largest sum of resident memory of a process and its children at one moment, looked at every 10 ms, and
  at least the high-water mark that the kernel keeps of each. Mapped files count, what two processes share counts twice.
  The highest of all runs.
- *reading*: all columns of all tables to Arrow. *chain*: `onboarding-bot check FILE --operator telefonica_es --client
  CLIENT --out DIR`: reading in a process with limits, all checks, Output, usage file, Parquet, OFC, manifests, each
  file flushed to disk. `mdb-export` only writes the tables to `/dev/null`.
- *SFTP*: one sshd on loopback, the same file, a login each time. The bot's picking up ends when the copy is flushed to
  disk and its checksum known. Its delivery puts the file under a temporary name, compares the size, renames, and reads
  the file back for its checksum, since OpenSSH's server cannot tell one; `sftp` puts the file and gets it again.
  The bot runs for weeks, so the start of its process is left out.
- *Open onboardings*: made by the core itself, with the sandbox's Slack (without its rate limits), Jira and mailbox in a
  process of their own. *Idle*: processor time and peak memory of the one bot (`serve`), all of them waiting for people.
  *A click to the started step*: from the click that ends a manual step to the line that the next, automatic step's work
  puts on the trail; the queue looks twice a second. *Clicks*: signed ticks over HTTP, each on its own time whether or
  not earlier ones are answered, counted from that time; the bot works off what they cause meanwhile. Every click is
  looked for on the trails afterwards. *kill -9 to the first acknowledgement*: with what the clicks caused still queued.
- *Files that wait*: a file job picks a file up, that is copies it, registers it and judges its name and header.
  Postgres flushes what it commits. A worker takes at most `8 / ENGINE__POLL_SECONDS` jobs a second; where it reaches
  that and the machine has room, the second worker doubles it.
- A peer's remark `> n s` means that it was ended after so many seconds.

## How to run it

`make bench` needs `mdb-export` (mdbtools) and `sshd` (openssh-server); it ends with 1 when a promise is broken, with 2
when one could not be measured. The medium file comes with the repository. The promises about reading, chain and memory
are about the large one: `BENCH_LARGE` names it (`.mdb` or `.mdb.zst`), else it is looked for in
`../shared/data/telefonica_es/large`; this page is written only when it was there. Jackcess takes part when
`JACKCESS_CLASSPATH` names its jar and those that it needs (commons-lang3, commons-logging).
"""
