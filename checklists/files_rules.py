"""files.yaml, findings.yaml and output.yaml: read into their models, with the rules that look across keys."""

import codecs
import re
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

from checklists.model import Files, FindingTexts, Localized, OutputProfile, TaxRule
from checklists.problem import PackProblem
from checklists.source import KeyPath, Source
from checklists.validation import nearest, validate
from checklists.vocabulary import OUTPUT_COLUMNS, SHARED_CODES

_EXAMPLE = "unreadable"
_FILES: Mapping[str, Any] = {
    "status": "assumed",
    "name": _EXAMPLE,
    "example": _EXAMPLE,
    "formats": ["JET4"],
    "tables": {"?": {"columns": {"?": "text"}}},
    "issuers": ["?"],
    "currencies": ["EUR"],
    "tax.*": {"regime": "IVA", "rate": "0", "valid_from": "2000-01-01"},
    "tax.*.regime": "IVA",
    "tax.*.rate": "0",
    "tax.*.valid_from": "2000-01-01",
}
_OUTPUT: Mapping[str, Any] = {
    "columns": [],
    "columns.*": {"name": "?", "from": OUTPUT_COLUMNS[0]},
    "columns.*.name": "?",
    "columns.*.from": OUTPUT_COLUMNS[0],
}


def read_files(source: Source, codes: frozenset[str], problems: list[PackProblem]) -> Files | None:
    """Read files.yaml; ``codes`` are the finding codes whose severity it may change."""
    files = validate(Files, source, source.value, problems, replacements=_FILES)
    if files is None:
        return None
    problems.extend(_name_problems(source, files))
    problems.extend(_sample_problems(source, files))
    problems.extend(_table_problems(source, files))
    problems.extend(_list_problems(source, files))
    for index, rule in enumerate(files.tax):
        problems.extend(_tax_problems(source, ("tax", index), rule))
    for key, tolerance in files.tolerances:
        if tolerance < 0:
            problems.append(source.problem(("tolerances", key), f"`{key}` is below zero: {tolerance}"))
    for code in files.severities:
        if code not in codes:
            message = f"no check reports the code `{code}`"
            problems.append(source.problem(("severities", code), message, nearest(code, codes)))
    return files


def _name_problems(source: Source, files: Files) -> Iterator[PackProblem]:
    if files.name == _EXAMPLE:
        return
    try:
        pattern = re.compile(files.name, re.IGNORECASE)
    except re.error as error:
        yield source.problem(("name",), f"`name` is no regular expression: {error}")
        return
    for group in ("period", "root"):
        if group not in pattern.groupindex:
            yield source.problem(("name",), f"`name` has no group `{group}`", f"write (?P<{group}>…)")
    if files.example != _EXAMPLE and not pattern.fullmatch(files.example):
        yield source.problem(("example",), f"the example `{files.example}` does not match `name`")


def _sample_problems(source: Source, files: Files) -> Iterator[PackProblem]:
    sample = files.confirmed_sample
    if files.status == "confirmed" and sample is None:
        yield source.problem(
            ("status",),
            "`status: confirmed` needs `confirmed_sample`",
            "the sha256 of the real file it was confirmed on",
        )
    if sample is not None and not re.fullmatch(r"[0-9a-f]{64}", sample):
        yield source.problem(("confirmed_sample",), "`confirmed_sample` is no sha256: 64 digits 0-9 a-f")


def _table_problems(source: Source, files: Files) -> Iterator[PackProblem]:
    if not files.tables:
        yield source.problem(("tables",), "`tables` is empty")
    seen: dict[str, str] = {}
    for name, table in files.tables.items():
        path = ("tables", name)
        if name.lower() in seen:
            yield source.problem(path, f"the tables `{seen[name.lower()]}` and `{name}` differ in case only")
        seen.setdefault(name.lower(), name)
        if not table.columns:
            yield source.problem((*path, "columns"), f"the table `{name}` has no columns")
        for index, column in enumerate(table.optional_columns):
            if column not in table.columns:
                yield source.problem(
                    (*path, "optional_columns", index),
                    f"`{column}` is no column of `{name}`",
                    nearest(column, table.columns),
                )


def _list_problems(source: Source, files: Files) -> Iterator[PackProblem]:
    for key, values in (("formats", files.formats), ("issuers", files.issuers), ("currencies", files.currencies)):
        if not values:
            yield source.problem((key,), f"`{key}` is empty")
    for index, currency in enumerate(files.currencies):
        if not re.fullmatch(r"[A-Z]{3}", currency):
            yield source.problem(("currencies", index), f"`{currency}` is no ISO 4217 code", "such as EUR")


def _tax_problems(source: Source, path: KeyPath, rule: TaxRule) -> Iterator[PackProblem]:
    if not 0 <= rule.rate <= 100:
        yield source.problem((*path, "rate"), f"a tax rate is between 0 and 100, not {rule.rate}")
    for index, prefix in enumerate(rule.postcodes):
        if not re.fullmatch(r"[0-9A-Z]{1,10}", prefix):
            yield source.problem((*path, "postcodes", index), f"`{prefix}` is no beginning of a postcode")
    if rule.valid_to is not None and rule.valid_to < rule.valid_from:
        yield source.problem((*path, "valid_to"), "`valid_to` lies before `valid_from`")


def read_findings(source: Source, own: frozenset[str], problems: list[PackProblem]) -> Mapping[str, FindingTexts]:
    """Read findings.yaml: the texts of the codes that this pack's own checks report (``own``)."""
    found: dict[str, FindingTexts] = {}
    for code, value in (source.value or {}).items():
        if code not in own:
            problems.append(
                source.problem((code,), f"no file of checks/ reports the code `{code}`", nearest(code, own))
            )
        if not isinstance(value, dict):
            problems.append(source.problem((code,), f"`{code}` must hold `message` and `advice`"))
            continue
        texts = validate(FindingTexts, source, value, problems, path=(code,))
        if texts is None:
            continue
        found[code] = texts
        problems.extend(_placeholder_problems(source, (code, "message"), texts.message))
        problems.extend(_placeholder_problems(source, (code, "advice"), texts.advice))
    return found


def _placeholder_problems(source: Source, path: KeyPath, texts: Localized) -> Iterator[PackProblem]:
    for language, text in texts:
        try:
            names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
        except ValueError as error:
            yield source.problem((*path, language), f"the text cannot be filled in: {error}", "write {{ for a brace")
            continue
        for name in names:
            if not re.fullmatch(r"\w+", name):
                yield source.problem((*path, language), f"`{{{name}}}` is no column's name")


def untold_codes(codes: Mapping[str, tuple[str, int]], told: frozenset[str]) -> Iterator[PackProblem]:
    """Tell which checks report a code that neither the shared catalogue nor findings.yaml has texts for.

    ``codes`` gives each check file's code and the line that names it, ``told`` the codes of findings.yaml.
    """
    for file, (code, line) in codes.items():
        if code not in SHARED_CODES | told:
            message = f"the code `{code}` is not in the shared catalogue and has no texts in findings.yaml"
            yield PackProblem(file, line, 1, message, nearest(code, SHARED_CODES))


def read_output(source: Source, problems: list[PackProblem]) -> OutputProfile | None:
    """Read output.yaml: another layout over the columns of OUTPUT v1."""
    profile = validate(OutputProfile, source, source.value, problems, replacements=_OUTPUT)
    if profile is None:
        return None
    seen: set[str] = set()
    for index, column in enumerate(profile.columns):
        path = ("columns", index)
        if column.source not in OUTPUT_COLUMNS:
            hint = nearest(column.source, OUTPUT_COLUMNS)
            problems.append(source.problem((*path, "from"), f"OUTPUT v1 has no column `{column.source}`", hint))
        if column.name in seen and column.name != "?":
            problems.append(source.problem((*path, "name"), f"the column `{column.name}` is there twice"))
        seen.add(column.name)
    if not profile.columns and isinstance(source.value.get("columns"), list) and not source.value["columns"]:
        problems.append(source.problem(("columns",), "`columns` is empty"))
    if len(profile.separator) != 1 or profile.separator in '"\r\n':
        problems.append(source.problem(("separator",), "`separator` must be one character, no quote or line end"))
    elif profile.separator == profile.decimal:
        message = f"`separator` and `decimal` are both `{profile.decimal}`: amounts could not be told apart"
        problems.append(source.problem(("separator",), message))
    try:
        codecs.lookup(profile.encoding)
    except LookupError:
        message = f"unknown encoding `{profile.encoding}`"
        problems.append(source.problem(("encoding",), message, "such as utf-8, cp1252, iso-8859-15"))
    return profile
