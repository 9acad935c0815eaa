"""The SQL of a pack: mapping.sql makes the canonical views, each file of checks/ is one SELECT.

Only the shape is looked at here, with DuckDB's own parser; nothing is run.
"""

import re
from collections.abc import Mapping
from typing import get_args

import duckdb

from checklists.model import PackCheck, Severity
from checklists.problem import PackProblem
from checklists.validation import nearest
from checklists.vocabulary import CANONICAL_VIEWS

_HEADER = re.compile(r"^--[ \t]*([a-z_]+)[ \t]*:[ \t]*(.*?)[ \t]*$")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,39}")
_SEVERITIES: Mapping[str, Severity] = {severity: severity for severity in get_args(Severity)}
_LINE = re.compile(r"^LINE (\d+):", re.MULTILINE)
_CREATE_VIEW = re.compile(r'create\s+(?:or\s+replace\s+)?view\s+(?:"([^"]+)"|(\w+))', re.IGNORECASE)


def mapping_problems(name: str, sql: str) -> list[PackProblem]:
    """Tell what is wrong with mapping.sql: one CREATE VIEW for each canonical view, and nothing else."""
    statements, problems = _statements(name, sql)
    if problems:
        return problems
    seen: dict[str, int] = {}
    for line, statement in statements:
        match = _CREATE_VIEW.match(_without_leading_comments(statement.query))
        view = (match.group(1) or match.group(2)).lower() if match else ""
        if statement.type != duckdb.StatementType.CREATE or not match:
            problems.append(PackProblem(name, line, 1, "only CREATE VIEW statements are allowed"))
        elif view not in CANONICAL_VIEWS:
            hint = nearest(view, CANONICAL_VIEWS)
            problems.append(PackProblem(name, line, 1, f"`{view}` is no canonical view", hint))
        elif view in seen:
            message = f"the view `{view}` is created twice, first on line {seen[view]}"
            problems.append(PackProblem(name, line, 1, message))
        seen.setdefault(view, line)
    last = sql.count("\n") + 1
    problems.extend(
        PackProblem(name, last, 1, f"the canonical view `{view}` is missing")
        for view in CANONICAL_VIEWS
        if view not in seen
    )
    return problems


def read_check(name: str, sql: str) -> tuple[PackCheck | None, list[PackProblem]]:
    """Read one file of checks/: the header lines ``-- code:`` and ``-- severity:``, then a single SELECT."""
    statements, problems = _statements(name, sql)
    if not problems:
        problems.extend(_single_select(name, statements))
    header = _header(sql)
    for key in header.keys() - {"code", "severity"}:
        hint = nearest(key, {"code", "severity"})
        problems.append(PackProblem(name, header[key][1], 1, f"unknown header line `{key}`", hint))
    if "code" not in header:
        problems.append(PackProblem(name, 1, 1, "the header line `-- code: MY_CODE` is missing"))
    elif not _CODE.fullmatch(header["code"][0]):
        message = f"`{header['code'][0]}` is no code: capitals, digits and underscores"
        problems.append(PackProblem(name, header["code"][1], 1, message))
    severity = _SEVERITIES.get(header["severity"][0]) if "severity" in header else None
    if "severity" not in header:
        problems.append(PackProblem(name, 1, 1, "the header line `-- severity: block` is missing"))
    elif severity is None:
        message, hint = f"`{header['severity'][0]}` is no severity", nearest(header["severity"][0], _SEVERITIES)
        problems.append(PackProblem(name, header["severity"][1], 1, message, hint))
    if problems or severity is None:
        return None, problems
    stem = name.rsplit("/", 1)[-1].removesuffix(".sql")
    return PackCheck(name=stem, code=header["code"][0], severity=severity, sql=sql), []


def _single_select(name: str, statements: list[tuple[int, duckdb.Statement]]) -> list[PackProblem]:
    if not statements:
        return [PackProblem(name, 1, 1, "the SELECT is missing")]
    problems = [
        PackProblem(name, line, 1, "a check must be a SELECT")
        for line, statement in statements
        if statement.type != duckdb.StatementType.SELECT
    ]
    if len(statements) > 1:
        problems.append(PackProblem(name, statements[1][0], 1, f"{len(statements)} statements, allowed: one"))
    return problems


def _header(sql: str) -> dict[str, tuple[str, int]]:
    """Return the ``-- key: value`` lines at the top of a check with their line numbers."""
    found: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(sql.splitlines(), start=1):
        match = _HEADER.match(line)
        if match:
            found.setdefault(match.group(1), (match.group(2), number))
        if not match and line.strip():
            break
    return found


def _statements(name: str, sql: str) -> tuple[list[tuple[int, duckdb.Statement]], list[PackProblem]]:
    """Return the statements with the line that each begins on."""
    try:
        parsed = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        text = str(error)
        line = _LINE.search(text)
        what = text.splitlines()[0].removeprefix("Parser Error: ")
        return [], [PackProblem(name, int(line.group(1)) if line else 1, 1, f"not valid SQL: {what}")]
    located = []
    offset = 0
    for statement in parsed:
        begin = sql.find(statement.query.strip(), offset)
        begin = offset if begin < 0 else begin
        own = statement.query.strip()
        comments = len(own) - len(_without_leading_comments(own))
        located.append((sql.count("\n", 0, begin + comments) + 1, statement))
        offset = begin + len(own)
    return located, []


def _without_leading_comments(query: str) -> str:
    """Return a statement from its first word on."""
    return re.sub(r"\A(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)+", "", query, flags=re.DOTALL)


def reported_code(sql: str) -> tuple[str, int] | None:
    """Return the code that a check's header names, with its line; None without one."""
    return _header(sql).get("code")
