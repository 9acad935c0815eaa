"""``make mutants``: damaged copies of the billing sample through the real chain, from a seed that replays them.

Of every mutant: no exception, no answer later than 20 seconds, no reader that broke or came up against the limits of
its process (memory, time), and no accepted file with rows that are missing or others than its bytes say. The format
has no checksums: a bit that changes within a cell is another value, and the file that of another bill. So a mutant
whose damage lies in pages, counts, pointers or maps must be refused or give the sample's rows, cell by cell, and the
same Output; one whose damage lies in a row may only give another value there, with the totals within the checks'
tolerances; one with a column of another name must say so.

``python -m tests.campaign.mutants [--count N] [--seed S] [--only INDEX] [--keep DIR]``, with tests/mdb importable.
"""

import argparse
import random
import shutil
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any, cast

from jet4_writer import JET4, MEMO, SINGLE_PAGE, Column, Made
from made_databases import SAMPLE, copied
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack
from pipeline.chain import Chain
from pipeline.client import load_client
from pipeline.errors import ConfigurationError
from pipeline.mdb import open_database
from pipeline.mdb.definition import StoredTable, read_definition
from pipeline.mdb.pages import Pages
from pipeline.mdb.text import codec_of
from pipeline.mdb.usage import pages_of
from pipeline.reader_process import ReaderProcess, ReadingError
from pipeline.result import ChainResult

CLIENT = SAMPLE.parent / "clients" / "ACME-IBERICA.yaml"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MOST_SECONDS = 20
# What the checks let pass on each of the sample's three invoices.
TOLERANCE = Decimal("0.03")

PAGE = 4096
DATA, DEFINITION, MAP = 1, 2, 5
LVAL = struct.unpack("<I", b"LVAL")[0]
ROW_COUNT, ROW_ENTRIES = 12, 14
OFFSET, FLAGS = 0x1FFF, (0x8000, 0x4000, 0xC000, 0x2000)
WILD = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0xFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
# The texts that are memos in the second base: on pages of their own, along chains, and in their rows.
MEMOS = (("CUOTAS", "CONCEPTO"), ("ABONADOS", "TITULAR"), ("DETALLE_LLAMADAS", "DESTINO"), ("CLIENTES", "NOMBRE"))


class Image:
    """The bytes of a database in the making of a mutant, and where things are in it; ``read``: the pages in use."""

    def __init__(self, content: bytes, read: frozenset[int]) -> None:
        self.content = bytearray(content)
        self.read = read

    @property
    def pages(self) -> int:
        return len(self.content) // PAGE

    def word(self, place: int, form: str = "<I") -> int:
        return int(struct.unpack_from(form, self.content, place)[0])

    def put(self, place: int, value: int, form: str = "<I") -> None:
        struct.pack_into(form, self.content, place, value & (1 << 8 * struct.calcsize(form)) - 1)

    def of_kind(self, kind: int) -> list[int]:
        return [page for page in sorted(self.read) if page and self.content[page * PAGE] == kind]

    def owner(self, page: int) -> int:
        return self.word(page * PAGE + 4)

    def rows(self, page: int) -> list[tuple[int, int]]:
        """The places where the rows of a data page begin and end."""
        entries = [
            self.word(page * PAGE + ROW_ENTRIES + 2 * row, "<H") & OFFSET
            for row in range(self.word(page * PAGE + ROW_COUNT, "<H"))
        ]
        return [(page * PAGE + start, page * PAGE + end) for start, end in zip(entries, [PAGE, *entries], strict=False)]

    def maps(self) -> list[tuple[int, int]]:
        """The rows that hold the tables' usage maps."""
        pointers = [self.word(page * PAGE + 0x37) for page in self.of_kind(DEFINITION)]
        found = [(pointer >> 8, pointer & 0xFF) for pointer in pointers if 0 < pointer >> 8 < self.pages]
        return [self.rows(page)[row] for page, row in found if row < len(self.rows(page))]

    def long_values(self) -> list[int]:
        """The places of the cells of long values on pages of their own: a length and a pointer that go together."""
        pages = {page: self.rows(page) for page in self.of_kind(DATA) if self.owner(page) == LVAL}

        def goes_together(place: int) -> bool:
            length, pointer, rest = struct.unpack_from("<III", self.content, place)
            rows = pages.get(pointer >> 8, [])
            if rest or pointer & 0xFF >= len(rows):
                return False
            start, end = rows[pointer & 0xFF]
            return length == end - start | SINGLE_PAGE or end - start - 4 < length < 1 << 16

        return [
            place
            for page in self.of_kind(DATA)
            if page not in pages
            for start, end in self.rows(page)
            for place in range(start, end - 11)
            if goes_together(place)
        ]


Mutator = Callable[[random.Random, Image], str]


def a_cut(chance: random.Random, image: Image) -> str:
    place = chance.randrange(1, image.pages) * PAGE if chance.random() < 0.6 else chance.randrange(len(image.content))
    del image.content[place:]
    return f"cut at {place}"


def bits_anywhere(chance: random.Random, image: Image) -> str:
    places = [chance.randrange(len(image.content)) for _ in range(chance.randint(1, 3))]
    for place in places:
        image.content[place] ^= 1 << chance.randrange(8)
    return f"a bit each at {places}"


def a_bit_of_structure(chance: random.Random, image: Image) -> str:
    place = _structure(chance, image)
    image.content[place] ^= 1 << chance.randrange(8)
    return f"a bit at {place}, page {place // PAGE}"


def a_wild_word(chance: random.Random, image: Image) -> str:
    place, value = _structure(chance, image), chance.choice((*WILD, chance.randrange(1 << 32)))
    form = chance.choice(("<B", "<H", "<I"))
    image.put(min(place, len(image.content) - 4), value, form)
    return f"{value:#x} as {form} at {place}, page {place // PAGE}"


def a_wild_count(chance: random.Random, image: Image) -> str:
    page = chance.choice(image.of_kind(DEFINITION))
    data = chance.choice(image.of_kind(DATA))
    row, end = chance.choice(image.rows(data))
    place, form = chance.choice(
        [
            *((page * PAGE + 0x10, "<I"), (page * PAGE + 0x29, "<H"), (page * PAGE + 0x2B, "<H")),
            *((page * PAGE + 0x2D, "<H"), (page * PAGE + 0x2F, "<I"), (page * PAGE + 0x33, "<I")),
            *((page * PAGE + 0x08, "<I"), (data * PAGE + ROW_COUNT, "<H"), (row, "<H"), (max(row, end - 4), "<H")),
        ]
    )
    value = image.word(place, form) + chance.choice((-2, -1, 1, 2)) if chance.random() < 0.5 else chance.choice(WILD)
    image.put(place, value, form)
    return f"the count at {place} is {value}"


def a_row_entry(chance: random.Random, image: Image) -> str:
    page = chance.choice(image.of_kind(DATA))
    count = image.word(page * PAGE + ROW_COUNT, "<H")
    one, other = (page * PAGE + ROW_ENTRIES + 2 * chance.randrange(max(count, 1)) for _ in range(2))
    kind = chance.choice(("flags", "exchanged", "doubled", "wild"))
    value = image.word(one, "<H")
    match kind:
        case "flags":
            image.put(one, value ^ chance.choice(FLAGS), "<H")
        case "exchanged":
            image.put(one, image.word(other, "<H"), "<H")
            image.put(other, value, "<H")
        case "doubled":
            image.put(one, image.word(other, "<H"), "<H")
        case "wild":
            image.put(one, value + chance.choice((-64, -8, -2, -1, 1, 2, 8, 64)), "<H")
    return f"row entries {kind} on page {page}"


def pages_exchanged(chance: random.Random, image: Image) -> str:
    one, other = chance.choice(sorted(image.read - {0})), chance.randrange(1, image.pages)
    first, second = _page(image, one), _page(image, other)
    image.content[one * PAGE : (one + 1) * PAGE], image.content[other * PAGE : (other + 1) * PAGE] = second, first
    return f"pages {one} and {other} exchanged"


def a_page_twice(chance: random.Random, image: Image) -> str:
    """One of the same table as often as not: then nothing but its rows tells that one took another's place."""
    one = chance.choice(image.of_kind(DATA)) if chance.random() < 0.7 else chance.randrange(1, image.pages)
    same = [page for page in image.of_kind(DATA) if image.owner(page) == image.owner(one) and page != one]
    other = chance.choice(same) if same and chance.random() < 0.7 else chance.randrange(1, image.pages)
    image.content[other * PAGE : (other + 1) * PAGE] = _page(image, one)
    return f"page {one} in the place of {other}"


def a_blank_page(chance: random.Random, image: Image) -> str:
    page, byte = chance.choice(sorted(image.read)), chance.choice((b"\0", b"\xff", b"\x01"))
    begin = page * PAGE + chance.choice((0, 0, 512, 2048))
    image.content[begin : (page + 1) * PAGE] = byte * ((page + 1) * PAGE - begin)
    return f"page {page} overwritten from {begin}"


def pages_more_or_less(chance: random.Random, image: Image) -> str:
    page, kind = chance.randrange(1, image.pages), chance.choice(("lost", "put between", "put behind"))
    match kind:
        case "lost":
            del image.content[page * PAGE : (page + 1) * PAGE]
        case "put between":
            image.content[page * PAGE : page * PAGE] = chance.choice((bytes(PAGE), _page(image, page)))
        case "put behind":
            image.content += _page(image, page) * chance.randint(1, 3)
    return f"page {page} {kind}"


def bytes_more_or_less(chance: random.Random, image: Image) -> str:
    place, count = chance.randrange(PAGE, len(image.content)), chance.choice((1, 2, 3, 512, 4096))
    if chance.random() < 0.2:
        image.content[:] = image.content.replace(b"\n", b"\r\n")
        return "line ends changed"
    if chance.random() < 0.5:
        del image.content[place : place + count]
        return f"{count} bytes lost at {place}"
    image.content[place:place] = chance.randbytes(count)
    return f"{count} bytes put in at {place}"


def a_definition_led_astray(chance: random.Random, image: Image) -> str:
    page = chance.choice(image.of_kind(DEFINITION))
    target = chance.choice((page, chance.choice(image.of_kind(DEFINITION)), chance.randrange(image.pages), image.pages))
    place = page * PAGE + chance.choice((4, 4, 0x37))
    image.put(place, target if place % PAGE == 4 else target << 8 | chance.randrange(4))
    return f"the definition on page {page} goes on to {target}"


def a_usage_map(chance: random.Random, image: Image) -> str:
    start, end = chance.choice(image.maps())
    kind = chance.choice(("kind", "first page", "bit", "bits", "pointer", "all", "map page"))
    maps = image.of_kind(MAP)
    match kind:
        case "kind":
            image.content[start] = chance.choice((0, 1, 2, 0xFF))
        case "first page":
            image.put(start + 1, image.word(start + 1) + chance.choice((-8, -1, 1, 8, 1 << 30)))
        case "bit" | "bits":
            for _ in range(1 if kind == "bit" else 5):
                image.content[chance.randrange(start + 5, end)] ^= 1 << chance.randrange(8)
        case "pointer":
            image.content[start] = 1
            image.put(start + 1, chance.choice([*maps, *image.of_kind(DATA), image.pages, 0]))
        case "all":
            image.content[start + 5 : end] = b"\xff" * (end - start - 5)
        case "map page" if maps:
            page = chance.choice(maps)
            image.content[page * PAGE + 4 + chance.randrange(16)] ^= 1 << chance.randrange(8)
        case _:
            image.put(start + 1, chance.choice(WILD))
    return f"a usage map: {kind}"


def a_long_value_led_astray(chance: random.Random, image: Image) -> str:
    """A pointer to itself, to another value, to nowhere; a wrong length; a piece that was deleted."""
    found = image.long_values()
    pages = [page for page in image.of_kind(DATA) if image.owner(page) == LVAL]
    if not found or not pages:
        return a_bit_of_structure(chance, image)
    place = chance.choice(found)
    kind = chance.choice(("pointer", "another's", "length", "next", "round", "deleted"))
    page = chance.choice(pages)
    start, _ = image.rows(page)[0]
    match kind:
        case "pointer":
            image.put(place + 4, chance.choice((*WILD, page << 8 | 1, chance.randrange(image.pages) << 8)))
        case "another's":
            image.put(place + 4, image.word(chance.choice(found) + 4))
        case "length":
            image.put(place, image.word(place) + chance.choice((-2, -1, 1, 2, 1 << 29, 1 << 30)))
        case "next":
            image.put(start, chance.choice(pages) << 8)
        case "round":
            image.put(start, page << 8)
        case "deleted":
            entry = page * PAGE + ROW_ENTRIES
            image.put(entry, image.word(entry, "<H") | 0x8000, "<H")
    return f"a long value: {kind}, page {page}"


# How often each is drawn, and whether it may change the bytes of a row: of the others no accepted mutant may give
# another row.
KINDS: dict[str, tuple[Mutator, int, bool]] = {
    "cut": (a_cut, 6, False),
    "bits anywhere": (bits_anywhere, 14, True),
    "bit of a structure": (a_bit_of_structure, 18, True),
    "wild word": (a_wild_word, 12, True),
    "wild count": (a_wild_count, 10, True),
    "row entries": (a_row_entry, 8, False),
    "pages exchanged": (pages_exchanged, 6, False),
    "page twice": (a_page_twice, 8, False),
    "page overwritten": (a_blank_page, 4, False),
    "pages more or less": (pages_more_or_less, 4, False),
    "bytes more or less": (bytes_more_or_less, 3, False),
    "definition led astray": (a_definition_led_astray, 5, False),
    "usage map": (a_usage_map, 8, False),
    "long value led astray": (a_long_value_led_astray, 10, False),
}


def _page(image: Image, page: int) -> bytes:
    return bytes(image.content[page * PAGE : (page + 1) * PAGE])


def _structure(chance: random.Random, image: Image) -> int:
    """A place that means something: the head of a page, a definition, a row entry, the ends of a row."""
    page = chance.choice(sorted(image.read)) if chance.random() < 0.9 else chance.randrange(image.pages)
    kind = image.content[page * PAGE]
    if kind == DEFINITION and page:
        return page * PAGE + chance.randrange(min(PAGE, image.word(page * PAGE + 8) + 8))
    if kind != DATA or not page or not image.rows(page) or chance.random() < 0.3:
        return page * PAGE + chance.randrange(128)
    start, end = chance.choice(image.rows(page))
    if chance.random() < 0.3:
        return page * PAGE + ROW_ENTRIES + chance.randrange(2 * len(image.rows(page)))
    return chance.choice((start, start + 1, max(start, end - 1 - chance.randrange(40))))


@dataclass(frozen=True)
class Base:
    """A good file, and what the chain gives of it."""

    name: str
    content: bytes
    read: frozenset[int]
    result: ChainResult
    outputs: dict[str, bytes]
    rows: dict[str, Counter[tuple[Any, ...]]]


@dataclass
class Judged:
    """What became of a mutant. ``fault``: why it breaks the campaign's promise."""

    index: int
    kind: str
    what: str
    verdict: str = ""
    codes: tuple[str, ...] = ()
    seconds: float = 0.0
    fault: str | None = None


@dataclass
class Campaign:
    """The mutants of a seed, each made and judged on its own."""

    seed: int
    scratch: Path
    bases: list[Base] = field(default_factory=list)
    broken_reader: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pack = load_pack(builtin_packs() / "telefonica_es", parameter_models())
        self.client = load_client(CLIENT)
        self._watch_readers()
        self.bases = [self._base("sample", SAMPLE.read_bytes())]
        memos = {(table, column): Column(column, MEMO) for table, column in MEMOS}
        built = copied(SAMPLE, Made(form=JET4), memos).build()
        self.bases.append(self._base("sample with memos", bytes(built.content)))

    def mutant(self, index: int) -> tuple[Base, str, bytes, str]:
        """Make one: its base, its kind, its bytes, and what was done."""
        chance = random.Random(f"{self.seed}:{index}")
        kind = chance.choices(list(KINDS), [weight for _, weight, _ in KINDS.values()])[0]
        base = self.bases[kind == "long value led astray" or chance.random() < 0.2]
        image = Image(base.content, base.read)
        what = KINDS[kind][0](chance, image)
        return base, kind, bytes(image.content), f"{base.name}: {what}"

    def judge(self, index: int, keep: Path | None = None) -> Judged:
        """Run the chain over a mutant and hold what it says against the promise."""
        base, kind, content, what = self.mutant(index)
        judged = Judged(index, kind, what)
        self.broken_reader.clear()
        path = self._file(content)
        begun = time.perf_counter()
        try:
            with _Deadline():
                result = self._run(path)
            judged.verdict = result.verdict
            judged.codes = tuple(sorted({one.code for one in result.findings if one.stops}))
            if not result.blocked:
                judged.verdict, judged.fault = self._accepted(base, kind, content, result)
        except ConfigurationError:
            # A value that the pack's mapping knows no word for: told by view, column and value, and nothing is made.
            judged.verdict = "configuration error"
        except Exception as error:
            judged.verdict, judged.fault = "exception", f"{type(error).__name__}: {error}"
        judged.seconds = time.perf_counter() - begun
        if self.broken_reader:
            judged.fault = f"the reader broke: {self.broken_reader[0]}"
        if judged.fault and keep:
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, keep / f"{self.seed}-{index}.mdb")
        return judged

    def _accepted(self, base: Base, kind: str, content: bytes, result: ChainResult) -> tuple[str, str | None]:
        if result.tables != base.result.tables:
            return "accepted", f"accepted with other rows: {result.tables}"
        if self._outputs(result) == base.outputs:
            return "accepted, the same Output", None
        # The order of pages is the order of rows, and that of the usage in the Output.
        others = {
            table: (rows - base.rows[table], base.rows[table] - rows)
            for table, rows in self._rows(self._file(content)).items()
            if rows != base.rows[table]
        }
        if not others:
            return "accepted, the same rows in another order", None
        found = sum(sum(more.values()) for more, _ in others.values())
        told = f"{found} other rows in {', '.join(others)}"
        if KINDS[kind][2] and _codes(result) - _codes(base.result) == {"EXTRA_SCHEMA"}:
            return "accepted, a column of another name is told", None
        if found > len(_hit_rows(base, content, long_values_alone=not KINDS[kind][2])):
            return "accepted", f"accepted with {told}: {next(iter(others.values()))}"
        totals, wanted = result.totals, base.result.totals
        if any(abs(getattr(totals, name) - getattr(wanted, name)) > TOLERANCE for name in vars(wanted)):
            return "accepted", f"accepted with totals {totals}"
        return "accepted, another value in the row that was hit", None

    def _base(self, name: str, content: bytes) -> Base:
        result = self._run(self._file(content))
        assert not result.blocked, [finding.code for finding in result.findings]
        path = self._file(content)
        return Base(name, content, _pages_read(path), result, self._outputs(result), self._rows(path))

    def _file(self, content: bytes) -> Path:
        path = self.scratch / SAMPLE.name
        path.write_bytes(content)
        return path

    def _run(self, path: Path) -> ChainResult:
        shutil.rmtree(self.scratch / "out", ignore_errors=True)
        return Chain(path, self.pack, client=self.client, out=self.scratch / "out", now=lambda: NOW).run()

    def _outputs(self, result: ChainResult) -> dict[str, bytes]:
        """The Output's and the usage's bytes without the source's checksum."""
        return {
            one.kind: (self.scratch / "out" / one.path).read_bytes().replace(result.sha256.encode(), b"")
            for one in result.outputs
            if one.path and one.kind in {"output", "usage"}
        }

    def _rows(self, path: Path) -> dict[str, Counter[tuple[Any, ...]]]:
        """The rows of the tables that the pack reads, of the columns that it reads."""
        assert self.pack.files is not None
        with open_database(path) as database:
            read: dict[str, Counter[tuple[Any, ...]]] = {}
            for name, wanted in self.pack.files.tables.items():
                present = [column.name for column in database.tables[name].columns if column.name in wanted.columns]
                rows = database.read(name, present).table.to_pylist()
                read[name] = Counter(tuple(row.get(column) for column in wanted.columns) for row in rows)
            return read

    def _watch_readers(self) -> None:
        answer = ReaderProcess.answer

        def watched(process: ReaderProcess, seconds: float) -> dict[str, Any]:
            try:
                return answer(process, seconds)
            except ReadingError as error:
                if error.code in {"reader", "limits"}:
                    self.broken_reader.append(f"{error.code}, {error.reason}")
                raise

        ReaderProcess.answer = watched


def _codes(result: ChainResult) -> set[str]:
    return {finding.code for finding in result.findings}


def _pages_read(path: Path) -> frozenset[int]:
    """The pages that hold what the reader reads: catalogue, definitions, usage maps, rows, long values."""
    found = {0}
    with Pages(path) as pages:
        tables = [read_definition(pages, codec_of("JET4", 0), 2, "MSysObjects")]
        with open_database(path) as database:
            tables += [cast(StoredTable, table) for table in database.tables.values()]
        for table in tables:
            found |= {table.page, table.usage >> 8, *pages_of(pages, table.usage)}
        found |= {page for page in range(pages.count) if pages.page(page)[:1] + pages.page(page)[4:8] == b"\x01LVAL"}
    return frozenset(found)


def _hit_rows(base: Base, after: bytes, *, long_values_alone: bool) -> set[tuple[int, int]]:
    """The rows and long values in which a byte changed.

    A page of long values may become another one of the same form: then those are what the file says.
    """
    if len(base.content) != len(after):
        return set()
    image = Image(base.content, base.read)
    pages = [
        page
        for page in image.of_kind(DATA)
        if not long_values_alone or image.owner(page) == LVAL
        if base.content[page * PAGE : (page + 1) * PAGE] != after[page * PAGE : (page + 1) * PAGE]
    ]
    return {
        (start, end) for page in pages for start, end in image.rows(page) if base.content[start:end] != after[start:end]
    }


class _Deadline:
    """Raises TimeoutError where a mutant takes too long."""

    def __enter__(self) -> None:
        signal.signal(signal.SIGALRM, self._too_late)
        signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    @staticmethod
    def _too_late(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"no answer within {MOST_SECONDS} seconds")


def report(console: Console, judged: Sequence[Judged]) -> None:
    """Print what became of the mutants, by kind and by verdict."""
    verdicts = Counter((one.verdict, ", ".join(one.codes)) for one in judged)
    table = Table("verdict", "codes", "mutants")
    for (verdict, codes), count in sorted(verdicts.items(), key=lambda item: -item[1]):
        table.add_row(verdict, codes, str(count))
    console.print(table)
    table = Table("kind", "mutants", "accepted", "slowest, s")
    for kind in KINDS:
        some = [one for one in judged if one.kind == kind]
        if some:
            accepted = sum(one.verdict.startswith("accepted") for one in some)
            table.add_row(kind, str(len(some)), str(accepted), f"{max(one.seconds for one in some):.1f}")
    console.print(table)


def main() -> int:
    """Run the campaign; 0 only if every mutant kept the promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--only", type=int, help="replay the mutant of this number")
    parser.add_argument("--keep", type=Path, help="a folder for the mutants that break the promise")
    asked = parser.parse_args()
    console = Console()
    console.print(f"seed {asked.seed}")
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        campaign = Campaign(asked.seed, Path(scratch))
        indexes = range(asked.count) if asked.only is None else [asked.only]
        judged = []
        with Progress(console=console, transient=True) as progress:
            for index in progress.track(indexes, description="mutants"):
                judged.append(campaign.judge(index, asked.keep))
                if judged[-1].fault or asked.only is not None:
                    progress.console.print(str(judged[-1]), markup=False)
    report(console, judged)
    faults = [one.index for one in judged if one.fault]
    console.print(f"{len(judged)} mutants of seed {asked.seed}, faults: {len(faults)}")
    for index in faults:
        console.print(f"again: python -m tests.campaign.mutants --seed {asked.seed} --only {index}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
