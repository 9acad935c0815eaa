"""The reader against the synthetic files: every value, every count, and nothing lost in silence."""

import json
import os
import shutil
import struct
import subprocess
import zlib
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_databases import assert_distinct_texts_are_the_same

from pipeline.mdb import MdbError, NotAccess, Truncated, open_database, read_header

DATA = Path(__file__).parents[1] / "data" / "telefonica_es"
SAMPLE = "202610_ACME-IBERICA_SOFIA.mdb"
SMALL = (SAMPLE, "202611_ACME-IBERICA_SOFIA.mdb")
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - Access keeps local times without a zone
MEDIUM = "medium/202610_GRUPO-MERIDIANO_SOFIA.mdb"


@cache
def expected() -> dict[str, Any]:
    return dict(json.loads((DATA / "expected.json").read_text("utf-8"))["files"])


@cache
def column_checks() -> dict[str, Any]:
    return dict(json.loads((DATA / "column_checks.json").read_text("utf-8"))["files"])


@pytest.fixture(scope="module")
def medium(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("medium") / "medium.mdb"
    with pa.OSFile(str(DATA / f"{MEDIUM}.zst")) as packed, pa.CompressedInputStream(packed, "zstd") as content:
        path.write_bytes(content.read())
    return path


def checksum(kind: str, values: Iterator[Any]) -> list[Any]:
    """The definition stands in column_checks.json."""
    weigh = {
        "T": lambda text: zlib.crc32(text.encode()),
        "O": lambda text: zlib.crc32(text.encode()),
        "M": lambda amount: int(amount.scaleb(4)),
        "N": lambda number: int(number.scaleb(-number.as_tuple().exponent)),
        "D": lambda moment: round((moment - EPOCH).total_seconds()),
        "B": int,
        "L": int,
        "F": lambda number: round(1000 * number),
    }[kind]
    present = [value for value in values if value is not None]
    return [kind, len(present), sum(weigh(value) for value in present)]


@pytest.mark.parametrize("name", SMALL)
def test_every_column_of_the_samples_has_its_checksum(name: str) -> None:
    check_columns(DATA / name, column_checks()[name])


def test_every_column_of_the_medium_file_has_its_checksum(medium: Path) -> None:
    check_columns(medium, column_checks()[MEDIUM])


def test_distinct_texts_of_the_medium_file_are_the_same(medium: Path) -> None:
    with open_database(medium) as database:
        for name in database.tables:
            assert_distinct_texts_are_the_same(database, name, database.read(name))


def check_columns(path: Path, checks: dict[str, Any]) -> None:
    found = {}
    with open_database(path) as database:
        for name in database.tables:
            read = database.read(name)
            assert read.damage == ()
            assert read.read_rows == read.declared_rows
            for column in read.table.column_names:
                where = f"{name}.{column}"
                found[where] = checksum(checks[where][0], read.table.column(column).to_pylist())
    assert found == checks


@pytest.mark.parametrize("name", SMALL)
def test_currency_sums_are_exact(name: str) -> None:
    with open_database(DATA / name) as database:
        for table, sums in expected()[name]["sums"].items():
            read = database.read(table, list(sums))
            for column, total in sums.items():
                values = read.table.column(column)
                assert values.type == pa.decimal128(19, 4)
                assert sum((v for v in values.to_pylist() if v is not None), Decimal(0)) == Decimal(total)


def test_columns_come_in_the_order_asked_for_and_none_at_all_counts_rows() -> None:
    with open_database(DATA / SAMPLE) as database:
        read = database.read("FACTURAS", ["TOTAL", "NUM_FACTURA"])
        assert read.table.column_names == ["TOTAL", "NUM_FACTURA"]
        counted = database.read("DETALLE_LLAMADAS", [])
        assert (counted.read_rows, counted.table.num_columns) == (400, 0)
        with pytest.raises(KeyError):
            database.read("FACTURAS", ["NO_SUCH_COLUMN"])


def test_a_password_does_not_hide_the_rows_and_is_told() -> None:
    path = DATA / "broken" / "password" / SAMPLE
    assert read_header(path).has_password
    assert not read_header(DATA / SAMPLE).has_password
    with open_database(path) as database:
        assert database.read("FACTURAS").read_rows == 3


@pytest.mark.parametrize(
    ("case", "error"),
    [
        ("empty", MdbError),
        ("exe_renamed", NotAccess),
        ("zip_renamed", NotAccess),
        ("pdf_renamed", NotAccess),
        ("csv_renamed", NotAccess),
        ("truncated_mid_page", Truncated),
    ],
)
def test_what_is_no_readable_database_is_refused_with_its_code(case: str, error: type[MdbError]) -> None:
    with pytest.raises(error) as refused:
        open_database(DATA / "broken" / case / SAMPLE)
    assert refused.value.code
    assert str(refused.value).endswith(".")


def test_a_file_cut_at_a_page_shows_what_is_missing() -> None:
    with open_database(DATA / "broken" / "truncated_on_page" / SAMPLE) as database:
        reads = [database.read(name) for name in database.tables]
    short = [read for read in reads if read.read_rows < read.declared_rows]
    assert short
    assert all(read.damage for read in short)


def test_the_fingerprint_tells_a_changed_schema() -> None:
    prints = set()
    for path in (DATA / SAMPLE, DATA / SMALL[1], DATA / "broken" / "missing_column_total" / SAMPLE):
        with open_database(path) as database:
            prints.add(database.fingerprint())
    assert len(prints) == 2


def test_mdb_export_reads_the_same_rows() -> None:
    if shutil.which("mdb-export") is None:
        reason = "the Debian package mdbtools is not installed"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    with open_database(DATA / SAMPLE) as database:
        for name in database.tables:
            lines = subprocess.run(
                ["mdb-export", "-H", str(DATA / SAMPLE), name], capture_output=True, text=True, check=True
            ).stdout.splitlines()
            assert len(lines) == database.read(name).read_rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_refused_or_tells_its_damage(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray((DATA / SAMPLE).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        kind = data.draw(st.sampled_from(["flip", "word", "page", "cut"]))
        place = data.draw(st.integers(0x1000, len(content) - 5))
        match kind:
            case "flip":
                content[place] ^= 1 << data.draw(st.integers(0, 7))
            case "word":
                content[place : place + 4] = struct.pack("<I", data.draw(st.integers(0, 2**32 - 1)))
            case "page":
                other = data.draw(st.integers(1, len(content) // 4096 - 1)) * 4096
                start = place // 4096 * 4096
                content[start : start + 4096] = content[other : other + 4096]
            case "cut":
                content = content[: max(place, 0x3000)]
        if len(content) < 0x3000:
            break
    path = tmp_path / "damaged.mdb"
    path.write_bytes(content)
    try:
        with open_database(path) as database:
            for name in database.tables:
                read = database.read(name)
                assert read.read_rows == read.table.num_rows
                if read.read_rows < read.declared_rows:
                    continue
                read.table.validate(full=True)
    except MdbError:
        return
