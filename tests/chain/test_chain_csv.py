"""Cells of any text come back as they went in, and never as a formula."""

import csv
import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.csvfile import CsvColumn, CsvFormat, UnencodableTextError, write_csv
from pipeline.database import Database

COLUMNS = [
    CsvColumn("text", "text", "text"),
    CsvColumn("phone", "phone", "phone"),
    CsvColumn("amount", "amount", "decimal"),
]
text = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["=1+1", "+34600", "-1", "@SUM(A1)", "\t=1", "\r=1", '"', ";", '";"', "a\r\nb", "'", "é;ñ", ""]
)


def written(rows: list[tuple[str | None, str | None]], layout: CsvFormat, folder: Path) -> bytes:
    with Database(folder) as database:
        table = pa.table(
            {
                "text": pa.array([row[0] for row in rows], pa.string()),
                "phone": pa.array([row[1] for row in rows], pa.string()),
                "amount": pa.array(["-1.5000"] * len(rows), pa.string()).cast(pa.decimal128(18, 4)),
            }
        )
        database.add("canonical", "cells", table)
        write_csv(database, "cells", COLUMNS, layout, folder / "cells.csv")
    return (folder / "cells.csv").read_bytes()


def guarded(value: str | None) -> str:
    value = value or ""
    return "'" + value if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.none() | text, st.none() | st.sampled_from(["600000001", "+34600000001", "00*#1"]))),
    separator=st.sampled_from([";", ",", "\t", "|"]),
    quote=st.sampled_from(['"', "'"]),
    line_ending=st.sampled_from(["\r\n", "\n"]),
)
def test_any_text_survives(
    rows: list[tuple[str | None, str | None]], separator: str, quote: str, line_ending: str, tmp_path: Path
) -> None:
    layout = CsvFormat(separator=separator, quote=quote, line_ending=line_ending)

    content = written(rows, layout, tmp_path).decode("utf-8")

    read = list(csv.reader(io.StringIO(content, newline=""), delimiter=separator, quotechar=quote))
    assert read[0] == ["text", "phone", "amount"]
    assert read[1:] == [[guarded(cell), phone or "", "-1.5000"] for cell, phone in rows]


@pytest.mark.parametrize("cell", ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "\rx"])
def test_formulas_are_neutralised_in_text_alone(cell: str, tmp_path: Path) -> None:
    content = written([(cell, "+34600000001"), (None, cell)], CsvFormat(), tmp_path).decode()

    rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=";"))
    assert rows[1] == ["'" + cell, "+34600000001", "-1.5000"]
    # What stands in a telephone column and is no number is text like any other.
    assert rows[2][1] == (cell if cell == "+1" else "'" + cell)


def test_only_cells_that_need_it_are_quoted(tmp_path: Path) -> None:
    content = written([("plain text", "1"), ("a;b", "1"), ('say "x"', "1")], CsvFormat(), tmp_path)
    assert content == (b'text;phone;amount\r\nplain text;1;-1.5000\r\n"a;b";1;-1.5000\r\n"say ""x""";1;-1.5000\r\n')


def test_a_decimal_comma_is_quoted_where_it_is_the_separator(tmp_path: Path) -> None:
    assert written([("a", "1")], CsvFormat(separator=",", decimal=","), tmp_path).endswith(b'a,1,"-1,5000"\r\n')
    assert written([("a", "1")], CsvFormat(decimal=","), tmp_path).endswith(b"a;1;-1,5000\r\n")


def test_another_encoding_and_a_byte_order_mark(tmp_path: Path) -> None:
    assert written([("ñ€", "1")], CsvFormat(encoding="cp1252"), tmp_path).endswith(b"\xf1\x80;1;-1.5000\r\n")
    assert written([("ñ", "1")], CsvFormat(bom=True), tmp_path).startswith(b"\xef\xbb\xbftext")


def test_a_character_that_does_not_exist_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnencodableTextError, match="ł"):
        written([("Wałęsa", "1")], CsvFormat(encoding="cp1252"), tmp_path)
    assert not list(tmp_path.glob("cells.csv*"))


def test_an_empty_table_has_its_header(tmp_path: Path) -> None:
    assert written([], CsvFormat(), tmp_path) == b"text;phone;amount\r\n"
