"""What cannot be right: one bad row is told and the others stay; a bad structure is refused, and soon."""

import struct
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jet4_writer import (
    BYTE,
    DATE,
    GUID,
    INLINE,
    INT32,
    LOOKUP,
    MEMO,
    NUMERIC,
    PAGE,
    TEXT,
    Built,
    Column,
    Raw,
    Row,
    Table,
    compressed,
    numeric,
)
from made_databases import EVERY_KIND, FULL, LONG, column_place, made, one_column, place_of, poke, read

from pipeline.mdb import Corrupt, MdbError, open_database


@pytest.mark.parametrize("only_bad", [False, True])
@pytest.mark.parametrize(
    ("kind", "how", "good", "bad"),
    [
        (DATE, {}, 1.0, float("nan")),
        (DATE, {}, 1.0, float("inf")),
        (DATE, {}, 1.0, 2_958_466.0),
        (DATE, {}, 1.0, 2_958_465.9999999995),
        (DATE, {}, 1.0, -657_435.0),
        (NUMERIC, {"precision": 5, "scale": 2}, "999.99", Raw(numeric(100_000))),
        (NUMERIC, {"precision": 28, "scale": 0}, "1", Raw(b"\0" + b"\xff" * 16)),
        (TEXT, {}, "good", Raw(b"odd")),
        (TEXT, {}, "good", Raw(b"\x00\xd8")),
        (TEXT, {}, "good", Raw(b"\xff\xfea\x00b")),
        (MEMO, {}, "good", Raw(b"short")),
        (MEMO, {}, "good", Raw(struct.pack("<III", 50 | INLINE, 0, 0) + b"less")),
        (MEMO, {}, "good", Raw(struct.pack("<III", 0xC0000004, 0, 0) + b"both")),
        (MEMO, {}, "good", Raw(struct.pack("<III", 4 | 0x40000000, 0xFFFFFF00, 0))),
        (MEMO, {}, "good", Raw(struct.pack("<III", 4, 0, 0))),
        (GUID, {"is_fixed": False}, "00112233-4455-6677-8899-aabbccddeeff", Raw(b"too short")),
        (INT32, {"is_fixed": False}, 5, Raw(b"abc")),
        (DATE, {"is_fixed": False}, 5.0, Raw(b"abc")),
        (NUMERIC, {"is_fixed": False}, "5", Raw(b"abc")),
        (BYTE, {"is_fixed": False}, 5, Raw(b"")),
    ],
)
def test_a_value_that_cannot_be_is_told_and_costs_its_row_alone(
    tmp_path: Path, kind: int, how: dict[str, Any], good: Any, bad: Any, only_bad: bool
) -> None:
    around = 0 if only_bad else 3
    found = read(one_column(kind, [*[good] * around, bad, *[good] * around], **how), tmp_path)
    assert found.read_rows == found.table.num_rows == 2 * around
    assert [damage.row for damage in found.damage] == [around]
    assert found.damage[0].reason
    found.table.validate(full=True)


def test_a_chain_that_goes_round_ends_and_is_told(tmp_path: Path) -> None:
    base = made()
    page = base.long_page()
    base.page(page).add(struct.pack("<I", page << 8) + bytes(100))
    base.add(Table("T", [Column("c", MEMO)], [{"c": Raw(struct.pack("<III", 10**6, page << 8, 0))}, {"c": "good"}]))
    found = read(base.build(), tmp_path)
    assert found.table.to_pylist() == [{"c": "good"}]
    assert len(found.damage) == 1


def test_a_long_value_on_a_page_of_rows_is_told(tmp_path: Path) -> None:
    base = made()
    cell = base.memo_single("somebody else's".encode("utf-16-le"), owner=77)
    base.add(Table("T", [Column("c", MEMO)], [{"c": cell}]))
    found = read(base.build(), tmp_path)
    assert (found.read_rows, len(found.damage)) == (0, 1)


@pytest.mark.parametrize("target", [0xFFFFFF00, 0, 2 << 8, 0x7F])
def test_a_moved_row_that_leads_nowhere_is_told(tmp_path: Path, target: int) -> None:
    base = made()
    table = base.add(Table("T", [Column("n", INT32)], [Row({"n": 0}), Row({"n": 1}), Row({"n": 3})]))
    built = base.build()
    page = table.data_pages[0]
    (entry,) = struct.unpack_from("<H", built.content, place_of(page, 1))
    poke(built, place_of(page, 1), "<H", entry | LOOKUP)
    poke(built, page * PAGE + entry, "<I", target)
    found = read(built, tmp_path)
    assert [row["n"] for row in found.table.to_pylist()] == [0, 3]
    assert [(damage.page, damage.row) for damage in found.damage] == [(page, 1)]


def test_two_rows_that_moved_to_one_place_count_once(tmp_path: Path) -> None:
    base = made()
    table = base.add(Table("T", [Column("n", INT32)], [{"n": 0}, Row({"n": 1}, moved=True), {"n": 2}]))
    built = base.build()
    page = table.data_pages[-1]
    _, moved, plain = struct.unpack_from("<3H", built.content, place_of(page, 0))
    (pointer,) = struct.unpack_from("<I", built.content, page * PAGE + (moved & ~LOOKUP))
    poke(built, place_of(page, 2), "<H", plain | LOOKUP)
    poke(built, page * PAGE + plain, "<I", pointer)
    found = read(built, tmp_path)
    assert sorted(row["n"] for row in found.table.to_pylist()) == [0, 1]
    assert [(damage.page, damage.row) for damage in found.damage] == [(page, 2)]


def test_a_moved_row_that_points_at_itself_ends_and_is_told(tmp_path: Path) -> None:
    base = made()
    table = base.add(Table("T", [Column("n", INT32)], [{"n": 0}]))
    built = base.build()
    page = table.data_pages[0]
    (entry,) = struct.unpack_from("<H", built.content, place_of(page, 0))
    poke(built, place_of(page, 0), "<H", entry | LOOKUP)
    poke(built, page * PAGE + entry, "<I", page << 8)
    found = read(built, tmp_path)
    assert (found.read_rows, len(found.damage)) == (0, 1)


def test_pages_of_another_table_and_pages_past_the_end_are_told(tmp_path: Path) -> None:
    base = made()
    table = base.add(Table("T", [Column("n", INT32)], [{"n": 1}]))
    other = base.add(Table("Other", [Column("n", INT32)], [{"n": 2}]))
    table.data_pages += [other.data_pages[0], 100]
    found = read(base.build(), tmp_path)
    assert found.table.to_pylist() == [{"n": 1}]
    assert sorted(damage.page for damage in found.damage) == [other.data_pages[0], 100]


def test_a_usage_map_that_names_its_own_page_over_and_over_ends_soon(tmp_path: Path) -> None:
    base = made()
    table = base.add(Table("T", [Column("n", INT32)], [{"n": 1}]))
    number = base.reserve()
    base.pages[number] = b"\x05\x01\0\0" + b"\xff" * (PAGE - 4)
    built = base.build()
    map_page = base.reserve()
    content = b"\x01" + struct.pack("<I", number) * 900
    page = bytearray(PAGE)
    struct.pack_into("<BBHIIHH", page, 0, 1, 1, 0, 1, 0, 1, PAGE - len(content))
    page[PAGE - len(content) :] = content
    built.content += page
    poke(built, table.page * PAGE + 0x37, "<I", map_page << 8)
    begun = time.process_time()
    found = read(built, tmp_path)
    assert time.process_time() - begun < 5
    assert found.table.to_pylist() == [{"n": 1}]
    assert found.damage


def test_more_faults_than_are_listed_are_still_counted(tmp_path: Path) -> None:
    found = read(one_column(DATE, [float("nan")] * 3000), tmp_path)
    assert found.read_rows == 0
    told = " ".join(damage.reason for damage in found.damage[-1:])
    assert len(found.damage) == 3000 or any(character.isdigit() for character in told)


DEFINITION_FAULTS: dict[str, Callable[[Built, Table], None]] = {
    "not a definition": lambda built, table: poke(built, table.page * PAGE, "<B", 1),
    "goes on past the end": lambda built, table: poke(built, table.page * PAGE + 4, "<I", 10**6),
    "goes round in a circle": lambda built, table: poke(built, table.page * PAGE + 4, "<I", table.page),
    "too many columns": lambda built, table: poke(built, table.page * PAGE + 0x2D, "<H", 0xFFFF),
    "no columns": lambda built, table: poke(built, table.page * PAGE + 0x2D, "<H", 0),
    "too many indexes": lambda built, table: poke(built, table.page * PAGE + 0x33, "<I", 0xFFFFFFFF),
    "unknown type": lambda built, table: poke(built, column_place(table, 0), "<B", 0xEE),
    "precision of nothing": lambda built, table: poke(built, column_place(table, 2) + 11, "<B", 0),
    "precision past Access": lambda built, table: poke(built, column_place(table, 2) + 11, "<B", 39),
    "scale past precision": lambda built, table: poke(built, column_place(table, 2) + 12, "<B", 200),
    "a variable column past the last": lambda built, table: poke(built, column_place(table, 3) + 7, "<H", 1),
    "two columns of one number": lambda built, table: poke(built, column_place(table, 1) + 5, "<H", 0),
    "two columns of one place": lambda built, table: poke(built, column_place(table, 1) + 21, "<H", 2),
    "two columns of one name": lambda built, table: poke(built, column_place(table, 3) + 25 + 8, "<H", ord("a")),
}


@pytest.mark.parametrize("fault", DEFINITION_FAULTS)
def test_a_definition_that_cannot_be_is_refused(tmp_path: Path, fault: str) -> None:
    base = made()
    columns = [Column("a", INT32), Column("b", INT32), Column("n", NUMERIC, precision=9, scale=2), Column("t", TEXT, 9)]
    table = base.add(Table("T", columns, [{"a": 1, "b": 2, "n": "3", "t": "x"}]))
    built = base.build()
    DEFINITION_FAULTS[fault](built, table)
    with pytest.raises(MdbError), open_database(built.write(tmp_path / "made.mdb")) as database:
        database.read("T")


@pytest.mark.parametrize("column", range(5))
@pytest.mark.parametrize("kind", range(21))
def test_a_catalogue_of_other_types_is_refused(tmp_path: Path, column: int, kind: int) -> None:
    base = made()
    base.add(Table("T", [Column("a", INT32)], [{"a": 1}]))
    built = base.build()
    poke(built, column_place(built.tables["MSysObjects"], column), "<B", kind)
    path = built.write(tmp_path / "made.mdb")
    try:
        with open_database(path) as database:
            names = list(database.tables)
    except MdbError:
        return
    assert names in (["T"], [])


def test_a_table_under_two_names_is_refused(tmp_path: Path) -> None:
    base = made()
    table = base.add(Table("T", [Column("a", INT32)], [{"a": 1}]))
    base.tables.append(Table("Twin", table.columns, page=table.page, data_pages=table.data_pages))
    with pytest.raises(Corrupt):
        open_database(base.build().write(tmp_path / "made.mdb"))


def test_a_row_that_the_catalogue_lost_is_refused(tmp_path: Path) -> None:
    base = made()
    base.add(Table("T", [Column("a", INT32)], [{"a": 1}]))
    built = base.build()
    page = built.tables["MSysObjects"].data_pages[0]
    place = place_of(page, 1)
    (entry,) = struct.unpack_from("<H", built.content, place)
    poke(built, place, "<H", entry | 0x8000)
    with pytest.raises(Corrupt):
        open_database(built.write(tmp_path / "made.mdb"))


def test_a_page_that_says_it_has_more_rows_than_fit_is_told(tmp_path: Path) -> None:
    base = made()
    table = base.add(Table("T", [Column("n", INT32)], [{"n": 1}, {"n": 2}]))
    built = base.build()
    poke(built, table.data_pages[0] * PAGE + 12, "<H", 0xFFFF)
    found = read(built, tmp_path)
    assert found.damage


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_to_every_structure_is_an_error_or_a_valid_table(tmp_path: Path, data: st.DataObject) -> None:
    built = _damaged(data)
    begun = time.process_time()
    try:
        with open_database(built.write(tmp_path / "made.mdb")) as database:
            for name, table in database.tables.items():
                found = database.read(name)
                found.table.validate(full=True)
                assert found.table.num_rows == found.read_rows
                assert found.declared_rows == table.declared_rows
                found.table.to_pylist()
    except MdbError as refused:
        assert refused.code
        assert str(refused)
    assert time.process_time() - begun < 10


@cache
def _pristine() -> bytes:
    base = made()
    rows: list[Row | dict[str, Any]] = [
        FULL,
        {},
        Row(FULL, moved=True),
        Row(FULL, deleted=True),
        Row(FULL, columns=4),
        FULL | {"memo": base.memo_single(compressed("aŁb"))},
        FULL | {"memo": base.memo_chain(LONG.encode("utf-16-le"))},
    ]
    base.add(Table("T", EVERY_KIND, rows, declared=6))
    base.add(Table("Many", [Column("n", INT32)], [{"n": n} for n in range(600)], reference_map=True, rows_a_page=100))
    return bytes(base.build().content)


def _damaged(data: st.DataObject) -> Built:
    content = bytearray(_pristine())
    pages = len(content) // PAGE
    for _ in range(data.draw(st.integers(1, 4))):
        # The places that mean something are at a page's two ends.
        place = data.draw(st.integers(1, pages - 1)) * PAGE + data.draw(
            st.integers(0, 400) | st.integers(3500, PAGE - 4)
        )
        match data.draw(st.sampled_from(["bit", "byte", "word"])):
            case "bit":
                content[place] ^= 1 << data.draw(st.integers(0, 7))
            case "byte":
                content[place] = data.draw(st.integers(0, 255))
            case "word":
                poke(Built(content, {}), place, "<I", data.draw(st.sampled_from([0, 1, 0xFFFF, 2**31, 2**32 - 1])))
    return Built(content, {})
