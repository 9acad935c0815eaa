"""Every format that the reader claims: Jet 3, Jet 4 and ACE, encoded or not, read exactly or refused in words."""

import csv
import io
import os
import random
import shutil
import struct
import subprocess
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jet4_writer import (
    BINARY,
    BOOLEAN,
    BYTE,
    CALCULATED,
    COMPLEX,
    DELETED,
    DOUBLE,
    INT16,
    INT32,
    INT64,
    JET3,
    JET4,
    LONG_DATE,
    MEMO,
    MONEY,
    NO_KEY,
    NUMERIC,
    OLE,
    TEXT,
    Built,
    Column,
    Form,
    Made,
    Raw,
    Row,
    Table,
    ace,
    encode_row,
    header_page,
    jet3,
    long_date,
)
from made_databases import EVERY_KIND, FULL, read

from checklists.model import JetFormat
from pipeline.mdb import Corrupt, Encrypted, FormatName, MdbError, NotAccess, Unsupported, open_database, read_header
from pipeline.mdb.blocks import BlockReader
from pipeline.mdb.exact import RowDecoder

KEY = b"\x91\x07\xfe\x55"
FORMATS: Mapping[str, tuple[Form, bytes]] = {
    "JET3": (JET3, NO_KEY),
    "JET3 encoded": (JET3, KEY),
    "JET4": (JET4, NO_KEY),
    "JET4 encoded": (JET4, KEY),
    "ACE12": (ace(2), NO_KEY),
    "ACE14": (ace(3), NO_KEY),
    "ACE15": (ace(4), NO_KEY),
    "ACE16": (ace(5), NO_KEY),
    "ACE17": (ace(6), NO_KEY),
}
# One of each way to store rows and pages; the versions of ACE differ in their header alone.
STORED = ("JET3", "JET3 encoded", "JET4", "JET4 encoded", "ACE16")
LONGEST = "añ€ 0123456789" * 25_000
ALPHABETS = {1252: "aZ 09ñÁ€ß", 1250: "aZ 09łŻőß", 1251: "aZ 09Жяё№", 932: "aZ 09ｱ日本語表ソ"}

several = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def made_in(name: str) -> Made:
    form, key = FORMATS[name]
    return Made(header_page(form, key=NO_KEY), form, key)


def rows_of(built: Built, path: Path, columns: list[str] | None = None) -> list[dict[str, Any]]:
    """All rows of the table T, of which none may be missing or damaged."""
    found = read(built, path, columns=columns)
    assert found.damage == ()
    assert found.read_rows == found.declared_rows == found.table.num_rows or columns == []
    found.table.validate(full=True)
    return list(found.table.to_pylist())


def kinds_of(form: Form) -> list[Column]:
    """Every type; a fixed text is as long as its characters."""
    wide = len("abcd".encode(form.text))
    return [Column("fixed text", TEXT, wide, is_fixed=True) if one.name == "fixed text" else one for one in EVERY_KIND]


def test_a_pack_may_name_every_format_that_the_reader_knows() -> None:
    assert get_args(JetFormat) == get_args(FormatName)
    assert {name.removesuffix(" encoded") for name in FORMATS} == set(get_args(FormatName))


@pytest.mark.parametrize("name", FORMATS)
def test_the_header_tells_format_page_size_and_code_page(tmp_path: Path, name: str) -> None:
    form, key = FORMATS[name]
    header = read_header(made_in(name).build().write(tmp_path / "made.mdb"))
    assert header.format == name.removesuffix(" encoded")
    assert (header.page_size, header.code_page, header.key) == (form.page, 1252, key)
    assert (header.has_password, header.encoded, header.is_encrypted) == (False, any(key), False)


@pytest.mark.parametrize("form", [JET3, JET4, ace(3)])
@pytest.mark.parametrize("created", [0.0, 36_526.25, 46_000.999])
def test_the_header_tells_a_password_that_hides_nothing(tmp_path: Path, form: Form, created: float) -> None:
    for password in (b"", b"x\0", b"secret"):
        path = Made(header_page(form, password=password, created=created), form).build().write(tmp_path / "made.mdb")
        assert read_header(path).has_password is bool(password)
        with open_database(path) as database:
            assert list(database.tables) == []


@pytest.mark.parametrize("name", FORMATS)
def test_every_type_is_read_exactly_and_null_is_not_empty(tmp_path: Path, name: str) -> None:
    base = made_in(name)
    base.add(Table("T", kinds_of(base.form), [FULL, {}, {"text": "", "memo": "", "ole": b"", "binary": b""}]))
    full, null, empty = rows_of(base.build(), tmp_path)
    assert full == FULL | {
        "guid": "{00112233-4455-6677-8899-AABBCCDDEEFF}",
        "numeric": Decimal("-123456789.012"),
        "money": Decimal("-922337203685477.5808"),
        "date": datetime(1899, 12, 29, 6),  # noqa: DTZ001 - Access keeps local times without a zone
    }
    assert null == dict.fromkeys(FULL) | {"yes": False}
    assert [empty[column] for column in ("text", "memo", "ole", "binary")] == ["", "", b"", b""]


@pytest.mark.parametrize("name", STORED)
def test_memos_in_the_row_on_a_page_and_along_a_chain(tmp_path: Path, name: str) -> None:
    base = made_in(name)
    texts = ["", "short", "ñ" * 900, LONGEST]
    code = base.form.text
    cells: list[Any] = ["", "short", base.memo_single(("ñ" * 900).encode(code)), base.memo_chain(LONGEST.encode(code))]
    base.add(Table("T", [Column("c", MEMO), Column("o", OLE)], [{"c": cell, "o": b"\0\xff"} for cell in cells]))
    assert rows_of(base.build(), tmp_path) == [{"c": text, "o": b"\0\xff"} for text in texts]


@pytest.mark.parametrize("name", STORED)
def test_names_with_spaces_and_accents_and_255_columns(tmp_path: Path, name: str) -> None:
    base = made_in(name)
    columns = [Column(f"Año {number}, ¿qué?", (INT16, TEXT, BOOLEAN)[number % 3], 10) for number in range(255)]
    values = [(number, f"t{number}", number % 2 == 0)[number % 3] for number in range(255)]
    row = {column.name: value for column, value in zip(columns, values, strict=True)}
    base.add(Table("Línea de detalle", columns, [row, {}, {columns[253].name: "ñ"}]))
    found = read(base.build(), tmp_path, "Línea de detalle")
    assert found.damage == ()
    full, empty, one = found.table.to_pylist()
    assert full == row
    nothing = {column.name: False if column.kind == BOOLEAN else None for column in columns}
    assert (empty, one) == (nothing, nothing | {columns[253].name: "ñ"})


@pytest.mark.parametrize("name", STORED)
def test_deleted_moved_and_older_rows_and_chosen_columns(tmp_path: Path, name: str) -> None:
    columns = [Column("n", INT32), Column("b", BOOLEAN), Column("t", TEXT, 50), Column("later", INT32)]
    rows: list[Row | Mapping[str, Any]] = [
        {"n": 1, "t": "plain", "later": 10},
        Row({"n": 2, "t": "deleted"}, deleted=True),
        Row({"n": 2, "t": "deleted"}, deleted=True, how_deleted=DELETED),
        Row({"n": 3, "b": True, "t": "moved", "later": 30}, moved=True),
        Row({"n": 4, "t": "before the last column"}, columns=3),
        Row({"n": 5, "b": True}, columns=2),
        Row({"n": 6}, columns=1),
    ]
    base = made_in(name)
    base.add(Table("T", columns, rows, declared=5))
    built = base.build()
    assert sorted(tuple(row.values()) for row in rows_of(built, tmp_path)) == [
        (1, False, "plain", 10),
        (3, True, "moved", 30),
        (4, False, "before the last column", None),
        (5, True, None, None),
        (6, False, None, None),
    ]
    chosen = rows_of(built, tmp_path, ["later", "n"])
    assert [list(row) for row in chosen] == [["later", "n"]] * 5
    assert sorted((row["n"], row["later"]) for row in chosen) == [(1, 10), (3, 30), (4, None), (5, None), (6, None)]
    assert read(built, tmp_path, columns=[]).read_rows == 5


@pytest.mark.parametrize("name", STORED)
def test_many_rows_of_many_shapes_in_blocks_are_those_of_one_by_one(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = made_in(name)
    columns = [column for column in kinds_of(base.form) if column.name != "memo"]
    columns += [Column("memo", MEMO), Column("added", TEXT, 80), Column("last", MONEY)]
    chance, wanted, rows = random.Random(6), [], []
    for number in range(14_000):
        values = {key: value for key, value in FULL.items() if chance.random() < 0.8}
        values |= {"Número de línea": number, "added": "x€" * chance.randrange(30), "last": Decimal(number) / 4}
        known = chance.choice([len(columns)] * 8 + [len(columns) - 1, len(columns) - 2, 2])
        rows.append(
            Row(values, columns=known, moved=chance.random() < 0.01)
            if chance.random() > 0.02
            else Row(values, deleted=True)
        )
        if not rows[-1].deleted:
            wanted.append(number)
    base.add(Table("T", columns, rows, declared=len(wanted), reference_map=True))
    built = base.build()
    assert len(built.content) > 2 << 20
    closer_looks: list[bytes] = []
    decode = RowDecoder.decode
    with monkeypatch.context() as spied:
        spied.setattr(RowDecoder, "decode", lambda *given: closer_looks.append(given[1]) or decode(*given))
        together = read(built, tmp_path)
    assert len(closer_looks) < len(wanted) / 2
    monkeypatch.setattr(BlockReader, "shapes", lambda _, __, ___: iter(()))
    alone = read(built, tmp_path)
    assert together.damage == alone.damage == ()
    assert together.table.equals(alone.table)
    assert sorted(together.table.column("Número de línea").to_pylist()) == wanted


# Jet 3: offsets of one byte, and a table of jumps in rows of more than 256.

SPLITS = ("even", "all first", "all last", "chance", "empty between")


def lengths_of(total: int, parts: int, split: str, chance: random.Random) -> list[int]:
    """So many lengths with this sum."""
    match split:
        case "even":
            return [total * (part + 1) // parts - total * part // parts for part in range(parts)]
        case "all first":
            return [total, *[0] * (parts - 1)]
        case "all last":
            return [*[0] * (parts - 1), total]
        case "empty between":
            half = total // 2
            return [half, *[0] * (parts - 2), total - half]
        case _:
            cuts = sorted(chance.randrange(total + 1) for _ in range(parts - 1))
            return [end - start for start, end in zip([0, *cuts], [*cuts, total], strict=True)]


@pytest.mark.parametrize("parts", [1, 2, 7, 40])
def test_long_rows_of_jet_3_with_jumps_anywhere(tmp_path: Path, parts: int) -> None:
    chance = random.Random(parts)
    columns = [Column("n", INT32), *(Column(f"c{part}", BINARY, 255) for part in range(parts))]
    rows, wanted = [], []
    for total in range(150, 1_900, 1 if parts == 7 else 3):
        for split in SPLITS if parts > 1 else SPLITS[:1]:
            cells = [chance.randbytes(length) for length in lengths_of(total, parts, split, chance)]
            values = {f"c{part}": cell if cell else None for part, cell in enumerate(cells)}
            rows.append({"n": total, **values})
            wanted.append(rows[-1])
    base = Made(form=JET3)
    base.add(Table("T", columns, rows, reference_map=True))
    assert rows_of(base.build(), tmp_path) == wanted


def test_both_numbers_of_jumps_that_a_length_allows(tmp_path: Path) -> None:
    columns = [Column("a", BINARY, 255), Column("b", BINARY, 255)]
    found = 0
    for total in range(200, 1_300):
        values = {"a": bytes([1]) * (total // 2), "b": bytes([2]) * (total - total // 2)}
        for jumps in range(8):
            try:
                row = encode_row(columns, values, JET3, jumps)
            except AssertionError:
                continue
            base = Made(form=JET3)
            table = base.add(Table("T", columns, declared=1))
            base.place(table, row, 0)
            if abs(len(row) % 256 - 1) <= 2:
                found += 1
                assert rows_of(base.build(), tmp_path) == [values]
    assert found > 16


@pytest.mark.parametrize("spare", range(3))
@pytest.mark.parametrize("beyond", range(-4, 5))
def test_every_column_may_be_the_one_that_jumps(tmp_path: Path, spare: int, beyond: int) -> None:
    """Rows of some 256, 512, 768 bytes in which the k-th of nine columns is the one that crosses the border."""
    columns = [Column(f"c{part}", TEXT, 255) for part in range(9)] + [Column("yes", BOOLEAN)]
    rows = []
    for border in (256, 512, 768):
        for crossing in range(9):
            cells = [""] * 9
            cells[max(crossing - 1, 0)] = "b" * (border - 1 + beyond - 40)
            cells[crossing] += "c" * (40 - spare)
            rows.append({**{f"c{part}": cell for part, cell in enumerate(cells)}, "yes": crossing % 2 == 0})
    base = Made(form=JET3)
    base.add(Table("T", columns, rows))
    assert rows_of(base.build(), tmp_path) == rows


# Text, numbers and dates, in whole files.


@several
@given(st.data(), st.sampled_from(sorted(ALPHABETS)), st.sampled_from([TEXT, MEMO]), st.booleans())
def test_text_of_every_code_page(tmp_path: Path, data: st.DataObject, page: int, kind: int, encoded: bool) -> None:
    texts = data.draw(st.lists(st.none() | st.text(st.sampled_from(ALPHABETS[page]), max_size=90), min_size=1))
    name = data.draw(st.text(st.sampled_from(ALPHABETS[page]), min_size=1, max_size=30))
    base = Made(form=jet3(page), key=KEY if encoded else NO_KEY)
    base.add(Table("T", [Column(name, kind, 255)], [{name: text} for text in texts]))
    built = base.build()
    assert [row[name] for row in rows_of(built, tmp_path)] == texts
    with open_database(built.write(tmp_path / "made.mdb")) as database:
        assert database.header.code_page == page


def test_what_is_no_character_of_a_double_byte_code_page_is_told(tmp_path: Path) -> None:
    base = Made(form=jet3(932))
    base.add(Table("T", [Column("c", TEXT, 50)], [{"c": "日"}, {"c": Raw(b"a\x93")}, {"c": "本"}]))
    found = read(base.build(), tmp_path)
    assert [row["c"] for row in found.table.to_pylist()] == ["日", "本"]
    assert [damage.row for damage in found.damage] == [1]


@several
@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20))
def test_large_numbers_of_ace(tmp_path: Path, numbers: list[int | None]) -> None:
    base = Made(form=ace(5))
    base.add(Table("T", [Column("c", INT64)], [{"c": number} for number in numbers]))
    assert [row["c"] for row in rows_of(base.build(), tmp_path)] == numbers


moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999))  # noqa: DTZ001 - as Access


@several
@given(st.lists(st.none() | moments, min_size=1, max_size=20))
def test_extended_dates_are_exact_to_the_microsecond(tmp_path: Path, given_moments: list[datetime | None]) -> None:
    first = datetime(1, 1, 1)  # noqa: DTZ001 - as Access
    cells = [
        None
        if moment is None
        else ((moment - first).days, (moment - first) % timedelta(days=1) // timedelta(microseconds=1) * 10 + 7)
        for moment in given_moments
    ]
    base = Made(form=ace(6))
    base.add(Table("T", [Column("c", LONG_DATE)], [{"c": cell} for cell in cells]))
    assert [row["c"] for row in rows_of(base.build(), tmp_path)] == given_moments


@pytest.mark.parametrize(
    "cell",
    [
        bytes(42),
        b"no date".ljust(42),
        long_date(0, 864_000_000_000),
        long_date(3_652_059, 0),
        long_date(10**18, 0),
        long_date(1, 1).replace(b"7", b"6"),
        long_date(1, 1).replace(b":", b";"),
    ],
)
def test_what_is_no_extended_date_is_told(tmp_path: Path, cell: bytes) -> None:
    base = Made(form=ace(6))
    base.add(Table("T", [Column("c", LONG_DATE)], [{"c": (1, 0)}, {"c": Raw(cell)}]))
    found = read(base.build(), tmp_path)
    assert (found.read_rows, [damage.row for damage in found.damage]) == (1, [1])


# Another reader's word.


@pytest.mark.parametrize("name", [*FORMATS, "code page 1250", "code page 1251", "code page 932"])
def test_mdb_export_reads_the_same(tmp_path: Path, name: str) -> None:
    if shutil.which("mdb-export") is None:
        reason = "the Debian package mdbtools is not installed"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    page = int(name.rsplit(maxsplit=1)[-1]) if name.startswith("code page") else 1252
    base = Made(form=jet3(page)) if page != 1252 else made_in(name)
    letters, chance = ALPHABETS[page], random.Random(name)
    columns = [
        *(Column("n", INT32), Column("b", BOOLEAN), Column("money", MONEY), Column("t", TEXT, 255)),
        *(Column("d", DOUBLE), Column("later", TEXT, 255), Column("m", MEMO), Column("small", BYTE)),
    ]
    # Access 97 has no decimals: mdbtools does not look for their scale there.
    columns += [Column("dec", NUMERIC, precision=12, scale=3)] if base.form.width == 2 else []

    def text(most: int) -> str:
        return "".join(chance.choices(letters, k=chance.randrange(1, most)))

    rows = []
    for number in range(700):
        long = text(5_000 if number % 50 == 0 else 60)
        how = (lambda content: content.decode(base.form.text), base.memo_single, base.memo_chain)[number % 3]
        memo = how((long if number % 3 == 2 else long[:700]).encode(base.form.text))
        values = {"b": number % 2 == 0, "money": Decimal(number) / 16, "t": text(60), "later": text(60), "m": memo}
        values |= {"d": number / 8, "small": number % 256, "dec": Decimal(-number) / 8}
        given = {key: value for key, value in values.items() if chance.random() < 0.8 and value != ""}
        rows.append(Row({"n": number, **given}, deleted=number % 9 == 0))
    base.add(Table("T", columns, rows, declared=len([row for row in rows if not row.deleted]), reference_map=True))
    built = base.build()
    ours = rows_of(built, tmp_path)
    # A code page that a file does not tell would be the environment's.
    environment = {**os.environ, "MDB_JET3_CHARSET": f"CP{page}", "MDBICONV": "UTF-8"}
    done = subprocess.run(
        ["mdb-export", "-R", "\r\n", str(tmp_path / "made.mdb"), "T"], capture_output=True, check=True, env=environment
    )
    theirs = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))
    assert len(theirs) == len(ours) > 600
    for mine, other in zip(ours, theirs, strict=True):
        for column, value in mine.items():
            assert same(value, other[column]), (mine["n"], column, value, other[column])


def same(mine: Any, other: str) -> bool:
    if mine is None:
        return other == ""
    if isinstance(mine, bool):
        return other == str(int(mine))
    return Decimal(other) == Decimal(str(mine)) if isinstance(mine, int | float | Decimal) else other == mine


# What is refused.


def test_columns_without_plain_values_are_told_and_never_read(tmp_path: Path) -> None:
    base = Made(form=ace(3))
    columns = [
        Column("n", INT32),
        Column("several", COMPLEX),
        Column("worked out", MONEY, 40, is_fixed=False, more_flags=CALCULATED),
        Column("yes", BOOLEAN, 40, is_fixed=False, more_flags=CALCULATED),
        Column("t", TEXT, 20),
    ]
    cells = {"several": 3, "worked out": Raw(bytes(31)), "t": "plain"}
    base.add(Table("T", columns, [{"n": 1, **cells}, {"n": 2, **cells}]))
    with open_database(base.build().write(tmp_path / "made.mdb")) as database:
        kinds = {column.name: column.type for column in database.tables["T"].columns}
        for column in ("several", "worked out", "yes"):
            assert kinds[column] == ("complex" if column == "several" else "calculated")
            with pytest.raises(Unsupported, match=column) as refused:
                database.read("T", ["n", column])
            assert refused.value.code == "UNKNOWN_SCHEMA"
        with pytest.raises(Unsupported):
            database.read("T")
        found = database.read("T", ["n", "t"])
    assert found.damage == ()
    assert found.table.to_pylist() == [{"n": 1, "t": "plain"}, {"n": 2, "t": "plain"}]


@pytest.mark.parametrize("version", range(2, 7))
def test_an_encrypted_database_of_ace_asks_for_its_password(tmp_path: Path, version: int) -> None:
    built = Made(form=ace(version), key=KEY).build()
    with pytest.raises(Encrypted) as refused:
        open_database(built.write(tmp_path / "made.accdb"))
    assert refused.value.code == "MDB_PASSWORD"


@pytest.mark.parametrize("page", [1, 367, 1200, 9999, 65001, 65535])
def test_an_unknown_code_page_is_refused(tmp_path: Path, page: int) -> None:
    form = JET3._replace(code_page=page)
    with pytest.raises(Corrupt, match=str(page)):
        open_database(Made(form=form).build().write(tmp_path / "made.mdb"))


@pytest.mark.parametrize("version", [7, 0x15, 0xFF])
def test_an_unknown_version_is_refused(tmp_path: Path, version: int) -> None:
    with pytest.raises(NotAccess, match="version"):
        open_database(Made(form=ace(version)).build().write(tmp_path / "made.mdb"))


def test_a_wrong_key_opens_nothing(tmp_path: Path) -> None:
    for name in ("JET3 encoded", "JET4 encoded"):
        built = made_in(name).build()
        path = built.write(tmp_path / "made.mdb")
        content = bytearray(path.read_bytes())
        content[0x3E] ^= 1
        path.write_bytes(content)
        with pytest.raises(MdbError):
            open_database(path)


# A row whose parts do not fit together is told: nothing of it is taken for something else.

ROW = (
    *(Column("n", INT32), Column("a", TEXT, 50), Column("money", MONEY), Column("b", TEXT, 50), Column("c", TEXT, 50)),
    Column("yes", BOOLEAN),
)
VALUES = {"n": 7, "a": "first", "money": "1.25", "c": "third", "yes": True}


@pytest.mark.parametrize("name", ["JET3", "JET4"])
@pytest.mark.parametrize("only", [False, True])
@pytest.mark.parametrize(
    "fault",
    [
        "fewer columns",
        "no columns",
        "a mark beyond the columns",
        "an empty cell with bytes",
        "a late start",
        "an early end",
    ],
)
def test_a_row_that_does_not_fit_together_is_told(tmp_path: Path, name: str, only: bool, fault: str) -> None:
    base = made_in(name)
    width, around = base.form.width, 0 if only else 50
    good = encode_row(ROW, VALUES, base.form)
    bad = bytearray(good)
    # Behind the cells: the end, the starts of c, b and a, their number, and the null mask.
    end = len(good) - 1 - 5 * width
    match fault:
        case "fewer columns":
            bad[0] = 4
        case "no columns":
            bad[0] = 0
        case "a mark beyond the columns":
            bad[-1] |= 0x80
        case "an empty cell with bytes":
            bad[-1] &= ~0x10
        case "a late start":
            bad[end + 3 * width] += width
        case "an early end":
            bad[end] -= width
    table = base.add(Table("T", ROW, declared=2 * around + 1))
    for row in [good] * around + [bytes(bad)] + [good] * around:
        base.place(table, row, 0)
    found = read(base.build(), tmp_path)
    assert found.table.to_pylist() == [VALUES | {"b": None, "money": Decimal("1.25")}] * (2 * around)
    assert [damage.row for damage in found.damage] == [around]


def test_a_row_that_became_shorter_in_its_place_is_read(tmp_path: Path) -> None:
    base = made_in("JET4")
    good = encode_row(ROW, VALUES)
    end = len(good) - 1 - 10
    table = base.add(Table("T", ROW, declared=2))
    base.place(table, good, 0)
    base.place(table, good[:end] + bytes(6) + good[end:], 0)
    assert rows_of(base.build(), tmp_path) == [VALUES | {"b": None, "money": Decimal("1.25")}] * 2


@pytest.mark.parametrize(
    ("place", "value"),
    [("number", 9), ("offset", 6), ("length", 8), ("length", 2)],
)
@pytest.mark.parametrize("name", ["JET3", "JET4"])
def test_a_column_outside_its_place_is_refused(tmp_path: Path, name: str, place: str, value: int) -> None:
    base = made_in(name)
    table = base.add(Table("T", [Column("a", INT32), Column("b", INT32)], [{"a": 1, "b": 2}]))
    built = base.build()
    form = base.form
    entry = table.page * form.page + form.head + form.entry
    where = {"number": form.number, "offset": form.offset, "length": form.offset + 2}[place]
    struct.pack_into("<H", built.content, entry + where, value)
    with pytest.raises(Corrupt):
        open_database(built.write(tmp_path / "made.mdb"))


@pytest.mark.parametrize("name", ["JET3", "JET4"])
@pytest.mark.parametrize("wrong", [-2, 2])
@pytest.mark.parametrize("kept", ["in the row", "single", "chain"])
def test_a_long_value_of_another_length_than_told_is_told(tmp_path: Path, name: str, wrong: int, kept: str) -> None:
    base = made_in(name)
    content = ("long value " * 40).encode(base.form.text)
    cells = {"single": base.memo_single, "chain": lambda what: base.memo_chain(what, piece=100)}
    if kept == "in the row":
        cell = bytearray(struct.pack("<III", len(content) | 0x80000000, 0, 0) + content)
    else:
        cell = bytearray(cells[kept](content).content)
    (length,) = struct.unpack_from("<I", cell)
    struct.pack_into("<I", cell, 0, length + wrong)
    base.add(Table("T", [Column("c", MEMO)], [{"c": "good"}, {"c": Raw(bytes(cell))}, {"c": "good"}]))
    found = read(base.build(), tmp_path)
    assert [row["c"] for row in found.table.to_pylist()] == ["good", "good"]
    assert [damage.row for damage in found.damage] == [1]


@pytest.mark.parametrize("name", STORED)
@pytest.mark.parametrize("reference_map", [False, True])
def test_a_page_that_the_usage_map_lost_leaves_too_few_rows(tmp_path: Path, name: str, reference_map: bool) -> None:
    base = made_in(name)
    rows = [{"n": number} for number in range(300)]
    table = base.add(Table("T", [Column("n", INT32)], rows, reference_map=reference_map, rows_a_page=50))
    del table.data_pages[2]
    found = read(base.build(), tmp_path)
    assert (found.declared_rows, found.read_rows, found.table.num_rows) == (300, 250, 250)


@pytest.mark.parametrize("name", ["JET3", "JET4"])
def test_a_long_value_that_two_cells_share_is_told(tmp_path: Path, name: str) -> None:
    base = made_in(name)
    content = ("long value " * 40).encode(base.form.text)
    one, chain = base.memo_single(content), base.memo_chain(content, piece=100)
    (first,) = struct.unpack_from("<I", chain.content, 4)
    (second,) = struct.unpack_from("<I", base.page(first >> 8).rows[first & 0xFF][0])
    tail = Raw(struct.pack("<III", len(content) - 100, second, 0))
    columns = [Column("c", MEMO), Column("d", MEMO)]
    base.add(Table("T", columns, [{"c": one, "d": chain}, {"c": "good"}, {"c": one}, {"d": tail}, {"d": "good"}]))
    found = read(base.build(), tmp_path)
    assert [damage.row for damage in found.damage] == [2, 3]
    assert all("another cell" in damage.reason for damage in found.damage)
    assert found.table.num_rows == 3


@pytest.mark.parametrize("flags", [0x8000, 0x4000, 0xC000])
def test_a_long_value_that_was_deleted_is_told(tmp_path: Path, flags: int) -> None:
    base = made_in("JET4")
    cell = base.memo_single("gone".encode("utf-16-le"))
    (pointer,) = struct.unpack_from("<I", cell.content, 4)
    rows = base.page(pointer >> 8).rows
    rows[0] = (rows[0][0], flags)
    base.add(Table("T", [Column("c", MEMO)], [{"c": cell}, {"c": "good"}]))
    found = read(base.build(), tmp_path)
    assert [row["c"] for row in found.table.to_pylist()] == ["good"]
    assert [damage.row for damage in found.damage] == [0]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(STORED), st.data())
def test_any_damage_is_an_error_or_a_valid_table(tmp_path: Path, name: str, data: st.DataObject) -> None:
    base = made_in(name)
    long = base.memo_chain(b"0123456789" * 500)
    rows = [Row(FULL, moved=n == 3, deleted=n == 5, columns=4 if n == 6 else None) for n in range(9)]
    base.add(Table("T", kinds_of(base.form), [*rows, FULL | {"ole": long}], declared=9))
    built, size = base.build(), base.form.page
    for _ in range(data.draw(st.integers(1, 4))):
        page = data.draw(st.integers(1, len(built.content) // size - 1))
        within = data.draw(st.integers(0, 200) | st.integers(size - 400, size - 4))
        value = data.draw(st.sampled_from([0, 1, 0xFF, 0xFFFF, 2**31, 2**32 - 1]) | st.integers(0, 2**32 - 1))
        form = data.draw(st.sampled_from("BHI"))
        struct.pack_into(f"<{form}", built.content, page * size + within, value & (1 << 8 * struct.calcsize(form)) - 1)
    try:
        with open_database(built.write(tmp_path / "made.mdb")) as database:
            for table in database.tables:
                found = database.read(table)
                found.table.validate(full=True)
                assert found.table.num_rows == found.read_rows
                assert isinstance(found.table, pa.Table)
    except MdbError as refused:
        assert refused.code
        assert str(refused)
