"""What may be told of a column's values without telling one: how many are empty, and between which days dates lie.

Runs in the reading child, so that no other value of an inspected file leaves it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TypedDict

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.mdb import ColumnDefinition

# Not opened: each value is looked up on its own, may be megabytes long, and tells nothing about a structure.
UNOPENED_TYPES = frozenset({"memo", "binary", "guid"})


class Facts(TypedDict):
    """``first`` and ``last`` are days in ISO 8601, None where the column has no dates."""

    nulls: int
    first: str | None
    last: str | None


def described(columns: Sequence[ColumnDefinition]) -> list[str]:
    """Return the names of the columns whose values are looked at."""
    return [column.name for column in columns if column.is_readable and column.type not in UNOPENED_TYPES]


def column_facts(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Mapping[str, Facts]:
    """Return the facts of each column, having taken all batches one after the other."""
    nulls = dict.fromkeys(schema.names, 0)
    days: dict[str, set[date]] = {field.name: set() for field in schema if pa.types.is_timestamp(field.type)}
    for batch in batches:
        for name in schema.names:
            nulls[name] += batch.column(name).null_count
        for name, seen in days.items():
            ends = pc.min_max(batch.column(name)).as_py()
            days[name] = _ends(seen | {moment.date() for moment in ends.values() if moment is not None})
    return {name: _facts(nulls[name], days.get(name, set())) for name in schema.names}


def _ends(days: set[date]) -> set[date]:
    return {min(days), max(days)} if days else days


def _facts(nulls: int, days: set[date]) -> Facts:
    if not days:
        return {"nulls": nulls, "first": None, "last": None}
    return {"nulls": nulls, "first": min(days).isoformat(), "last": max(days).isoformat()}
