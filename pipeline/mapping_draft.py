"""A first mapping.sql for an inspected database, by the names of its tables and columns alone.

What a name clearly suggests is proposed; everything else is a typed NULL. Each line that a person must still decide
carries a comment that begins with ``GAP:``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checklists.model import ColumnType
from pipeline.canonical import VIEWS, CanonicalColumn
from pipeline.database import quoted
from pipeline.inspection import ColumnSummary, TableSummary, printable
from pipeline.mapping import SQL_TYPES
from pipeline.mapping_hints import concepts_of, hints, phrases

# What a table must score to stand for a view: its name says so and a column fits, or this many columns fit.
NAME_SCORE = 4
LEAST_SCORE = 5

NUMBERS: frozenset[ColumnType] = frozenset({"integer", "decimal", "currency", "double"})
# The types of the file that a canonical type can be made of without knowing more.
SOURCES: Mapping[str, frozenset[ColumnType]] = {
    "text": frozenset({"text", "memo", "guid", "integer"}),
    "integer": frozenset({"integer", "decimal", "currency"}),
    "boolean": frozenset({"boolean"}),
    "date": frozenset({"date"}),
    "timestamp": frozenset({"date"}),
    "double": NUMBERS,
    "decimal": NUMBERS,
}


@dataclass(frozen=True)
class Proposal:
    """The table that may stand for a view, and the column of it for each canonical column."""

    table: TableSummary
    columns: Mapping[str, ColumnSummary]
    score: int


def draft_mapping(tables: Sequence[TableSummary]) -> str:
    """Return mapping.sql: a CREATE VIEW for every canonical view."""
    chosen = _choose(tables)
    used = {proposal.table.name for proposal in chosen.values()}
    others = [table for table in tables if table.name not in used]
    views = [_view(name, chosen.get(name), others) for name in VIEWS]
    head = "-- From the operator's tables to the canonical views: proposed by the names of tables and columns alone.\n"
    return "\n".join([head, *views])


def _choose(tables: Sequence[TableSummary]) -> Mapping[str, Proposal]:
    """Give each view the table that suits it best; a table serves one view."""
    proposals = [
        (view, proposal)
        for view in VIEWS
        for table in tables
        if (proposal := _propose(view, table)).score >= LEAST_SCORE
    ]
    chosen: dict[str, Proposal] = {}
    taken: set[str] = set()
    for view, proposal in sorted(proposals, key=lambda one: -one[1].score):
        if view not in chosen and proposal.table.name not in taken:
            chosen[view] = proposal
            taken.add(proposal.table.name)
    return chosen


def _propose(view: str, table: TableSummary) -> Proposal:
    most = VIEWS[view].at_most_rows
    if most is not None and table.rows.declared > most:
        return Proposal(table, {}, 0)
    columns: dict[str, ColumnSummary] = {}
    for name in VIEWS[view].columns:
        found = [column for column in _candidates(view, name, table) if column not in columns.values()]
        if len(found) == 1:
            columns[name] = found[0]
    said = concepts_of(table.name)
    is_named = any(phrase <= said for phrase in phrases(hints().tables[view]))
    return Proposal(table, columns, len(columns) + (NAME_SCORE if is_named and columns else 0))


def _candidates(view: str, name: str, table: TableSummary) -> list[ColumnSummary]:
    """Return the columns that the best phrase which names any at all names; several when it is not clear."""
    wanted = VIEWS[view].columns[name]
    for phrase in phrases(hints().columns[view][name]):
        found = [column for column in table.columns if concepts_of(column.name) == phrase and _fits(wanted, column)]
        if found:
            return found
    return []


def _fits(wanted: CanonicalColumn, column: ColumnSummary) -> bool:
    if column.type in SOURCES[_family(wanted)]:
        return True
    # As text it may be a date or an amount all the same: a gap that names the column.
    return column.type in ("text", "memo") and _family(wanted) in ("date", "timestamp", "decimal")


def _family(wanted: CanonicalColumn) -> str:
    return wanted.type.partition("(")[0]


def _view(view: str, proposal: Proposal | None, others: Sequence[TableSummary]) -> str:
    columns = VIEWS[view].columns
    lines = []
    for number, (name, wanted) in enumerate(columns.items(), start=1):
        expression, gap = _column(view, name, wanted, proposal, others)
        comma = "," if number < len(columns) else ""
        remark = f"  -- GAP: {gap}" if gap else ""
        lines.append(f"    {expression} AS {name}{comma}{remark}")
    select = "\n".join(lines)
    if proposal is None:
        optional = " (it may stay without rows)" if view in ("header", "usage") else ""
        gap, source = f"-- GAP: FROM which table? None was recognised{optional}\n", "WHERE false"
    else:
        gap, source = "", f"FROM {quoted(proposal.table.name)}"
    return f"{gap}CREATE VIEW {view} AS\nSELECT\n{select}\n{source};\n"


def _column(
    view: str, name: str, wanted: CanonicalColumn, proposal: Proposal | None, others: Sequence[TableSummary]
) -> tuple[str, str | None]:
    """Return a column's SQL and what a person must still decide about it."""
    column = proposal.columns.get(name) if proposal else None
    if proposal is None or column is None:
        return _null(wanted), "; ".join(_advice(view, name, wanted, proposal, others))
    if column.type in ("text", "memo") and _family(wanted) in ("date", "timestamp"):
        return _null(wanted), f"{_told(column.name)} is text: strptime({_told(column.name)}, '…') with the form it has"
    gap = hints().doubt(view, name, column.name)
    if wanted.values:
        gap = f"a CASE from the operator's values to {', '.join(wanted.values)}"
    elif column.type in ("text", "memo") and _family(wanted) == "decimal":
        gap = "amounts as text: which characters separate decimals and thousands?"
    if name == "id":
        label = f"{proposal.table.name}#".replace("'", "''")
        return f"'{label}' || {quoted(column.name)}", gap
    return _expression(wanted, column), gap


def _expression(wanted: CanonicalColumn, column: ColumnSummary) -> str:
    source = quoted(column.name)
    match _family(wanted):
        case "text" if column.type == "integer":
            return f"CAST({source} AS VARCHAR)"
        case "text" | "boolean":
            return source
        case "decimal" if column.type in ("text", "memo"):
            return f"CAST(replace({source}, ',', '.') AS {_sql_type(wanted)})"
        case _:
            return f"CAST({source} AS {_sql_type(wanted)})"


def _null(wanted: CanonicalColumn) -> str:
    return f"CAST(NULL AS {_sql_type(wanted)})"


def _sql_type(wanted: CanonicalColumn) -> str:
    return SQL_TYPES.get(wanted.type, wanted.type.upper().replace(",", ", "))


def _advice(
    view: str, name: str, wanted: CanonicalColumn, proposal: Proposal | None, others: Sequence[TableSummary]
) -> Iterator[str]:
    if wanted.never_null in (None, "amount_if_given"):
        yield "optional, NULL when the file does not have it"
    else:
        yield "needed"
    note = hints().note(view, name)
    if note:
        yield note
    if wanted.values:
        yield f"one of {', '.join(wanted.values)}"
    if proposal is None:
        return
    taken = set(proposal.columns.values())
    several = [_told(column.name) for column in _candidates(view, name, proposal.table) if column not in taken]
    if len(several) > 1:
        yield f"perhaps {' or '.join(several)}"
        return
    elsewhere = [(table, column) for table in others for column in _candidates(view, name, table)]
    if len(elsewhere) == 1:
        table, column = elsewhere[0]
        yield f"perhaps {_told(column.name)} of {_told(table.name)}, with a join"


def _told(name: str) -> str:
    """Return a name as SQL has it, fit for a comment."""
    return printable(quoted(name))
