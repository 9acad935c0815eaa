"""Every synthetic billing file, the broken ones too: read whole and exact, or refused with the right code."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.mdb import MdbError, open_database
from pipeline.mdb.blocks import BlockReader

DATA = Path(__file__).parents[1] / "data" / "telefonica_es"
FILES: Mapping[str, Any] = json.loads((DATA / "expected.json").read_text("utf-8"))["files"]

# What the reader says of a file whose rows it cannot give; the chain has finer words for some of them.
REFUSED = {
    "empty": "FILE_EMPTY",
    "exe_renamed": "NOT_ACCESS",
    "zip_renamed": "NOT_ACCESS",
    "pdf_renamed": "NOT_ACCESS",
    "csv_renamed": "NOT_ACCESS",
    "truncated_mid_page": "MDB_TRUNCATED",
}
# Text-mode transfer shifts every byte behind the first line end: which structure breaks first is chance.
DAMAGED = {"ascii_mode", "truncated_on_page"}
HERE = [name for name in FILES if (DATA / name).is_file()]


def case_of(name: str) -> str:
    return Path(name).parent.name


def test_no_case_is_left_out() -> None:
    cases = {path.name for path in (DATA / "broken").iterdir()}
    assert cases == {case_of(name) for name in HERE if name.startswith("broken/")}
    assert cases > REFUSED.keys() | DAMAGED


@pytest.mark.parametrize("name", [name for name in HERE if case_of(name) in REFUSED])
def test_an_unreadable_file_is_refused_with_its_code(name: str) -> None:
    with pytest.raises(MdbError) as refused:
        open_database(DATA / name)
    assert refused.value.code == REFUSED[case_of(name)]


@pytest.mark.parametrize("name", [name for name in HERE if case_of(name) not in REFUSED.keys() | DAMAGED])
def test_a_readable_file_is_read_whole_and_exact(name: str) -> None:
    wanted = FILES[name]
    with open_database(DATA / name) as database:
        reads = {table: database.read(table) for table in database.tables}
    assert {table: read.read_rows for table, read in reads.items()} == wanted["counts"]
    assert all(read.damage == () and read.read_rows == read.declared_rows for read in reads.values())
    for table, sums in wanted["sums"].items():
        found = {column: reads[table].table.column(column).to_pylist() for column in sums}
        totals = {column: sum((v for v in values if v is not None), Decimal(0)) for column, values in found.items()}
        assert totals == {column: Decimal(total) for column, total in sums.items()}


def test_a_file_cut_between_pages_says_what_every_table_should_have() -> None:
    (name,) = (name for name in HERE if case_of(name) == "truncated_on_page")
    with open_database(DATA / name) as database:
        reads = {table: database.read(table) for table in database.tables}
    assert {table: read.declared_rows for table, read in reads.items()} == FILES[name]["declared_counts"]
    short = {table for table, read in reads.items() if read.read_rows < read.declared_rows}
    assert short
    assert short == {table for table, read in reads.items() if read.damage}


def test_a_file_sent_in_text_mode_is_no_whole_number_of_pages() -> None:
    (name,) = (name for name in HERE if case_of(name) == "ascii_mode")
    with pytest.raises(MdbError) as refused:
        open_database(DATA / name)
    assert refused.value.code == "MDB_TRUNCATED"


def test_blocks_are_decoded_as_rows_one_by_one_are(monkeypatch: pytest.MonkeyPatch) -> None:
    path = DATA / "202610_ACME-IBERICA_SOFIA.mdb"
    with open_database(path) as database:
        together = {table: database.read(table).table for table in database.tables}
    monkeypatch.setattr(BlockReader, "shapes", lambda _, __, ___: iter(()))
    with open_database(path) as database:
        alone = {table: database.read(table).table for table in database.tables}
    assert all(together[table].equals(alone[table]) for table in together | alone)
