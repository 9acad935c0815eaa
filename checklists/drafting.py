"""A first pack for an operator of which one file is known: a folder that can be loaded, with its gaps marked.

What nobody can know from a file is never guessed: it is a value that lets no file pass (an issuer or a currency that
none has), on a line with the word GAP. Nothing is taken from the file but its structure and the form of its name.

DraftError(Exception)       the folder cannot take a draft
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from string import Template
from typing import get_args

import yaml

from checklists.model import PACK_ID, ColumnType

GAP = re.compile(r"\bGAP\b")

MONTH = re.compile(r"20\d{2}(?:0[1-9]|1[0-2])")
LONG_NUMBER = re.compile(r"\d{5}")
MONTH_GROUP = r"(?P<period>\d{4}(0[1-9]|1[0-2]))"
ROOT = re.compile("[A-Z0-9][A-Z0-9_-]{1,59}", re.IGNORECASE | re.ASCII)
ROOT_GROUP = "(?P<root>[A-Z0-9_-]{2,60})"
EXAMPLE_ROOT = "CLIENT"

SAMPLE = "GAP: replace this file by a small synthetic database that this pack accepts, never by a client's file.\n"


class DraftError(Exception):
    """The folder cannot take a draft; the message says what to give instead."""


@dataclass(frozen=True)
class DraftSource:
    """What a draft is made from: an inspected file's name and structure, and the mapping proposed for it.

    ``tables`` gives each table's columns and their types, of which some are no pack's.
    """

    file: str
    format: str
    has_password: bool
    encoded: bool
    fingerprint: str
    tables: Mapping[str, Sequence[tuple[str, str]]]
    linked_tables: Sequence[str]
    mapping_sql: str


def check_folder(folder: Path) -> None:
    """Raise DraftError for a folder that is not empty or whose name is no pack id."""
    name = folder.resolve().name
    if not re.fullmatch(PACK_ID, name):
        raise DraftError(
            f"a pack's id is its folder's name, and {name!r} is none: a small letter, then 1 to 39 small letters, "
            f"digits or underscores. Give {folder.resolve().with_name(proposed_id(name))} instead."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DraftError(f"{folder} is there and not empty: give a folder that does not exist yet.")


def proposed_id(name: str) -> str:
    """Return the pack id that is most like a name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    proposed = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not re.match(r"[a-z]", proposed):
        proposed = f"operator_{proposed}".rstrip("_")
    proposed = proposed[:40].rstrip("_")
    return proposed if len(proposed) > 1 else f"operator_{proposed}"


def write_draft(folder: Path, source: DraftSource) -> None:
    """Write the pack into the folder, which is made. Raises DraftError and OSError."""
    check_folder(folder)
    pack = folder.resolve().name
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("checklist.yaml", _checklist(pack)),
        ("files.yaml", "\n".join(_files(source)) + "\n"),
        ("mapping.sql", source.mapping_sql),
        ("sample.mdb", SAMPLE),
    ):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def gaps(folder: Path) -> int:
    """Count the lines of a pack's files with the word GAP, as ``grep -rn GAP`` shows them."""
    texts = (path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    return sum(
        1
        for content in texts
        if b"\0" not in content
        for line in content.decode("utf-8", "replace").splitlines()
        if GAP.search(line)
    )


def naming_rule(file: str) -> tuple[str, str, str]:
    """Return the rule (a pattern), an example that follows it, and what must still be decided about it.

    Of a name with a month (YYYYMM) the part after it, or else before it, is taken for the client's root; the other
    parts stay, but for long numbers, which may be somebody's. Any other name gives ``<month>_<root>``.
    """
    suffix = PurePath(file).suffix.lower()
    suffix = suffix if suffix in (".mdb", ".accdb") else ".mdb"
    stem = PurePath(file).stem
    parts = re.split("([_ ]+)" if re.search("[_ ]", stem) else "(-+)", stem)
    months = [number for number, part in enumerate(parts) if MONTH.fullmatch(part)]
    roots = [number for number, part in enumerate(parts) if ROOT.fullmatch(part) and not LONG_NUMBER.search(part)]
    if len(months) != 1 or not roots or not stem.isprintable():
        rule = f"^{MONTH_GROUP}_{ROOT_GROUP}{re.escape(suffix)}$"
        return rule, f"202601_{EXAMPLE_ROOT}{suffix}", "the rule of the operator's file names: it was not recognised"
    root = next((number for number in roots if number > months[0]), roots[-1])
    pattern, example = "", ""
    for number, part in enumerate(parts):
        if number == root:
            said, shown = ROOT_GROUP, EXAMPLE_ROOT
        elif number in months:
            said, shown = MONTH_GROUP, part
        elif LONG_NUMBER.search(part):
            said, shown = "[A-Z0-9-]+", "0"
        else:
            said, shown = re.escape(part).replace("\\ ", " "), part
        pattern, example = pattern + said, example + shown
    gap = "drafted from one name: which part is the client's root, which ones are always the same?"
    return f"^{pattern}{re.escape(suffix)}$", example + suffix, gap


def _checklist(pack: str) -> str:
    template = Template((Path(__file__).parent / "draft_checklist.yaml").read_text(encoding="utf-8"))
    name = pack.replace("_", " ").upper().strip()
    return template.substitute(id=pack, name=name, quoted_name=_quoted(name))


def _files(source: DraftSource) -> Iterator[str]:
    rule, example, gap = naming_rule(source.file)
    yield "# What the operator's file is called and looks like, drafted by `onboarding-bot inspect` from one file."
    yield f"# Fingerprint of its structure: {source.fingerprint}"
    yield "status: assumed  # GAP: when a real file's totals are right: confirmed, its sha256 in confirmed_sample"
    yield ""
    yield f"# GAP: {gap}"
    yield f"name: '{rule.replace(chr(39), chr(39) * 2)}'"
    yield f"example: {_quoted(example)}"
    if source.format in ("JET3", "JET4"):
        yield f"formats: [{source.format}]"
    else:
        yield f"formats: [JET4]  # GAP: the file is {source.format}: ask for an .mdb, or say the next line"
        yield "# severities: {ACCDB_NOT_MDB: warn}"
    yield _policy("password", source.has_password, "the file has a password: ask for one without, or allow it")
    yield _policy("encoded", source.encoded, "the file's pages are encoded: ask for one that is not, or allow it")
    yield ""
    yield "tables:"
    yield from _tables(source.tables)
    for name in source.linked_tables:
        yield f"  # GAP: the rows of the linked table {_quoted(name)} are in another file: are they needed?"
    yield ""
    yield "unknown_table: warn"
    yield "unknown_column: warn"
    yield ""
    yield "issuers: [UNKNOWN]  # GAP: the operator's tax numbers, as its invoices have them"
    yield "currencies: [XXX]  # GAP: the ISO 4217 codes of its invoices"
    yield 'tax: []  # GAP: the rates in force, such as {regime: IVA, rate: "21.00", valid_from: 2012-09-01}'


def _policy(key: str, is_there: bool, gap: str) -> str:
    return f"{key}: block  # GAP: {gap}" if is_there else f"{key}: block"


def _tables(tables: Mapping[str, Sequence[tuple[str, str]]]) -> Iterator[str]:
    seen: set[str] = set()
    for name, columns in tables.items():
        known = [(column, kind) for column, kind in columns if kind in get_args(ColumnType)]
        if name.lower() in seen:
            yield f"  # GAP: another table is called {_quoted(name)}, but for its case: a pack cannot tell them apart"
        elif not known:
            yield f"  # GAP: the table {_quoted(name)} has no column that holds plain values"
        else:
            yield f"  {_quoted(name)}:"
            yield "    columns:"
            yield from (f"      {_quoted(column)}: {kind}" for column, kind in known)
            yield from (
                f"      # GAP: {_quoted(column)} is {kind}, so its values are not read: is it needed?"
                for column, kind in columns
                if kind not in get_args(ColumnType)
            )
        seen.add(name.lower())


def _quoted(text: str) -> str:
    """Return a text as a YAML scalar on one line, in quotes unless it can only be read as a text."""
    if re.fullmatch(r"[^\W\d]\w*( \w+)*", text) and yaml.safe_load(text) == text:
        return text
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**6).strip()
