"""The call details, by far the most rows: mapped once, kept as Arrow, each distinct text once a column.

What is asked of every value of a column is then asked of a few thousand that stand for all. SQL and Arrow see the same
strings as in any other table.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from pipeline.canonical import VIEWS
from pipeline.database import Database, quoted
from pipeline.keys import first_characters
from pipeline.mdb.text import number_array

ROWS_AT_ONCE = 100_000
# A plan for each column of text is not worth its time for fewer rows.
FEWEST_ROWS = 50_000


def keep(database: Database, name: str, select: str) -> None:
    """Make a SELECT's rows the canonical table ``name``, and another the one that stands for it.

    Columns of text become dictionaries, but for the key: it never repeats. Raises duckdb.Error.
    """
    view = VIEWS[name]
    table = _mapped(database, select, view.key)
    database.keep(name, table)
    small = f"{name}_values"
    database.add("canonical", small, _values(database, name, table.select(list(view.columns)), view.key))
    database.stand_for(name, small)


def _mapped(database: Database, select: str, key: str) -> pa.Table:
    """Return a SELECT's rows: a text that is made of one text of the source is made once for each that there is."""
    reads = database.row_by_row_source(select)
    if reads is None:
        return _encoded(iter([database.arrow(select)]), key)
    source = database.table("source", reads.table)
    relation = database.relation(select)
    columns = dict(zip(relation.columns, map(str, relation.types), strict=True))
    done: dict[str, pa.ChunkedArray] = {}
    if source.num_rows >= FEWEST_ROWS:
        texts = [column for column, kind in columns.items() if kind == "VARCHAR" and column != key]
        found = {column: _by_text(database, f"SELECT {quoted(column)} FROM ({select}\n)", source) for column in texts}  # noqa: S608
        done = {column: values for column, values in found.items() if values is not None}
    left = ", ".join(quoted(column) for column in columns if column not in done)
    if left:
        rest = database.parts(f"SELECT {left} FROM ({select}\n)", reads.table, ROWS_AT_ONCE)  # noqa: S608 - quoted
        others = _encoded(rest, key)
        done |= {column: others.column(column) for column in others.column_names}
    return pa.table({column: done[column] for column in columns})


def _by_text(database: Database, select: str, source: pa.Table) -> pa.ChunkedArray | None:
    """Return a column's rows, made from the distinct texts of the one column that it reads; None where it cannot be."""
    reads = database.row_by_row_source(select)
    if reads is None or len(reads.columns) != 1:
        return None
    texts = source.column(reads.columns[0])
    if not pa.types.is_dictionary(texts.type):
        return None
    distinct = pa.concat_arrays([texts.chunk(0).dictionary, pa.nulls(1, texts.type.value_type)])
    made = database.arrow_of(select, reads, distinct)
    # Fewer, where the SELECT leaves rows out: by this very column, or it would read another.
    return _spread(texts, made) if len(made) == len(distinct) else None


def _spread(texts: pa.ChunkedArray, made: pa.Array) -> pa.ChunkedArray:
    """Give each row what was made of its text. ``made``: one value for each distinct text, then the one for NULL."""
    encoded = made.dictionary_encode()
    values, places = encoded.dictionary, encoded.indices
    if places.null_count == 1 and not made[-1].is_valid and len(values) == len(made) - 1:
        # Each text has become another: the rows point at their places as before.
        chunks = [pa.DictionaryArray.from_arrays(chunk.indices, values) for chunk in texts.chunks]
    else:
        # A number of Python's would load all of pandas: the place of NULL comes out of an array.
        null = number_array(pa.int32(), np.array([len(made) - 1], np.int32))[0]
        chunks = [
            pa.DictionaryArray.from_arrays(places.take(chunk.indices.fill_null(null)), values) for chunk in texts.chunks
        ]
    return pa.chunked_array(chunks, pa.dictionary(pa.int32(), pa.string()))


def _encoded(parts: Iterator[pa.Table], key: str) -> pa.Table:
    with ThreadPoolExecutor() as pool:

        def encoded(part: pa.Table) -> pa.Table:
            def column(field: pa.Field) -> pa.ChunkedArray:
                values = part.column(field.name)
                if pa.types.is_string(field.type) and field.name != key:
                    return values.dictionary_encode()
                # A copy: a column as it comes from the database holds the memory of all the others.
                return pa.chunked_array([values.combine_chunks()], field.type)

            return pa.table(dict(zip(part.column_names, pool.map(column, part.schema), strict=True)))

        # Unified in the order of the rows: how they came in parts leaves no trace.
        return pa.concat_tables([encoded(part) for part in parts]).unify_dictionaries()


def _values(database: Database, name: str, table: pa.Table, key: str) -> pa.Table:
    """Make the table that stands for a kept one, for conditions on a text, the beginning of a key, a number's size.

    Its columns hold all texts; the first character of each key with a # behind it, as in ids that name their table, and
    the whole of a key that begins with a blank; the least and the greatest number or moment; NULL where there is one.
    They are of unequal length, and filled up with their own last value.
    """
    if not table.num_rows:
        return table
    found = {key: _beginnings(database, name, table, key)}
    texts = [column for column in table.column_names if pa.types.is_dictionary(table.field(column).type)]
    found |= {column: table.column(column).chunk(0).dictionary for column in texts}
    numbers = [column for column in table.column_names if column not in found]
    ends = ", ".join(f"{end}({quoted(column)})" for column in numbers for end in ("min", "max"))
    (extremes,) = database.arrow(f"SELECT {ends} FROM canonical.{name}").to_batches()  # noqa: S608 - our own names
    for place, column in enumerate(numbers):
        found[column] = pa.concat_arrays([extremes.column(2 * place), extremes.column(2 * place + 1)])
    for column, values in found.items():
        if table.column(column).null_count:
            found[column] = pa.concat_arrays([values, pa.nulls(1, values.type)])
    rows = max(map(len, found.values()))
    return pa.table({column: _filled_up(found[column], rows) for column in table.column_names})


def _beginnings(database: Database, name: str, table: pa.Table, key: str) -> pa.Array:
    firsts = first_characters(table.column(key))
    if firsts is None:
        begins = f"CASE WHEN {key} < '!' THEN {key} ELSE substr({key}, 1, 1) || '#' END"
        select = f"SELECT DISTINCT {begins} FROM canonical.{name} WHERE {key} IS NOT NULL"  # noqa: S608 - our own names
    else:
        # Made by SQL too: of a list of Python's, Arrow makes an array by way of pandas.
        select = " UNION ALL ".join(f"SELECT '{one.replace(chr(39), chr(39) * 2)}#'" for one in firsts)
    return database.arrow(select).column(0).combine_chunks()


def _filled_up(values: pa.Array, rows: int) -> pa.Array:
    """Repeat the last value up to this number of rows. Not by ``take``, which loads all of Arrow's functions."""
    return pa.concat_arrays([values, pa.repeat(values[-1], rows - len(values))])
