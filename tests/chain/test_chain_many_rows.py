"""Tables of very many rows: what is made once for each distinct text is what would be made row by row."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack
from checklists.model import Pack
from pipeline import detail
from pipeline.database import Database
from pipeline.findings import Findings
from pipeline.keys import first_characters, rises
from pipeline.schema import text_columns
from pipeline.text_damage import judge_text

ROWS = 7_000
KINDS = ("VOZ", "DATOS", None, "SMS", "VOZ", "voz", "")


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detail, "FEWEST_ROWS", 0)
    monkeypatch.setattr(detail, "ROWS_AT_ONCE", 1_000)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path) as opened:
        opened.add("source", "CALLS", calls())
        opened.look_in("source", "canonical")
        yield opened


def calls() -> pa.Table:
    """Call details in blocks, of which each had a dictionary of its own."""
    numbers = list(range(1, ROWS + 1))
    kinds = [KINDS[number % len(KINDS)] for number in numbers]
    lines = [None if number % 11 == 0 else f"6{number % 97:08}" for number in numbers]
    blocks = [
        pa.table(
            {
                "ID": pa.array(numbers[first : first + 900], pa.int32()),
                "KIND": pa.array(kinds[first : first + 900]).dictionary_encode(),
                "LINE": pa.array(lines[first : first + 900]).dictionary_encode(),
            }
        )
        for first in range(0, ROWS, 900)
    ]
    return pa.concat_tables(blocks).unify_dictionaries()


@pytest.mark.parametrize(
    "kind",
    [
        '"KIND"',
        "CASE \"KIND\" WHEN 'VOZ' THEN 'VOICE' ELSE \"KIND\" END",
        # Several texts become one, NULL becomes a text, a text becomes NULL.
        'upper("KIND")',
        "coalesce(\"KIND\", 'none')",
        "nullif(\"KIND\", 'SMS')",
        "coalesce(nullif(upper(\"KIND\"), 'VOZ'), 'DATOS')",
        # Of two columns, of none, and of one that is no text.
        '"KIND" || "LINE"',
        "'ESP'",
        "CAST(NULL AS VARCHAR)",
        'CAST("ID" % 5 AS VARCHAR)',
    ],
)
@pytest.mark.parametrize(
    "where", ["", "WHERE \"KIND\" <> 'SMS'", 'WHERE "ID" > 100', 'WHERE "KIND" IS NULL OR "KIND" <> \'none\'']
)
def test_texts_are_mapped_as_row_by_row(database: Database, kind: str, where: str) -> None:
    select = f'SELECT \'C#\' || "ID" AS id, {kind} AS kind, "LINE" AS line FROM "CALLS" {where}'
    found = detail._mapped(database, select, "id")
    assert found.to_pylist() == database.arrow(select).to_pylist()
    for name in ("kind", "line"):
        column = found.column(name)
        assert pa.types.is_dictionary(column.type)
        texts = column.chunk(0).dictionary.to_pylist()
        # What stands for the column is in it: nothing else, and nothing twice.
        assert sorted(texts) == sorted({text for text in column.to_pylist() if text is not None})


def test_damaged_text_is_found_among_distinct_texts(database: Database) -> None:
    damaged = calls().set_column(
        1, "KIND", pa.array(["Movil" if n == 41 else "MÃ³vil" for n in range(ROWS)]).dictionary_encode()
    )
    database.add("source", "DAMAGED", damaged)
    pack: Pack = load_pack(builtin_packs() / "telefonica_es", parameter_models())
    assert pack.files is not None
    tables = {"CALLS": calls(), "DAMAGED": damaged}
    found = judge_text(database, text_columns(tables), Findings(pack.findings, pack.files.severities))
    assert [(one.code, one.evidence["view"], one.evidence["column"], one.evidence["count"]) for one in found] == [
        ("ENCODING", "DAMAGED", "KIND", ROWS - 1)
    ]


keys = st.lists(st.text(st.sampled_from("AZ#09"), max_size=20), max_size=30)


@given(keys, st.booleans(), st.integers(1, 7))
def test_keys_rise_as_sql_says(values: list[str], is_sorted: bool, part: int) -> None:
    if is_sorted:
        values.sort(key=lambda key: (len(key), key))
    in_parts = chunked(values, part)
    expected = all((len(above), above) < (len(here), here) for above, here in pairwise(values))
    assert rises(in_parts) is expected


def test_keys_that_take_a_closer_look_are_told() -> None:
    assert rises(chunked(["A#1", "Á#2"], 1)) is None
    assert rises(chunked(["A#1", None], 1)) is None
    assert first_characters(chunked(["A#1", "B#2", "A#3"], 2)) == ["A", "B"]
    for one in ("", " A#1", "Á#1", None):
        assert first_characters(chunked(["A#1", one], 1)) is None


def chunked(values: list[str] | list[str | None], part: int) -> pa.ChunkedArray:
    whole = pa.array(["junk", *values], pa.string())
    parts = [whole.slice(1 + first, min(part, len(values) - first)) for first in range(0, len(values), part)]
    return pa.chunked_array(parts, pa.string())
