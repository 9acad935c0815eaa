"""A form's YAML file: read into a Form, with the rules that look across its fields."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from checklists.model import Form, FormField
from checklists.problem import PackProblem
from checklists.source import KeyPath, Source
from checklists.validation import nearest, validate

_TEXT = {"fr": "?", "en": "?", "es": "?"}
_FIELD = {"id": "unreadable", "type": "long_text", "label": _TEXT}
_SECTION = {"id": "unreadable", "title": _TEXT, "fields": [_FIELD]}
_REPLACEMENTS: Mapping[str, Any] = {
    "form": "unreadable",
    "title": _TEXT,
    "sections": [_SECTION],
    "sections.*": _SECTION,
    **{f"sections.*.{key}": value for key, value in _SECTION.items()},
    "sections.*.fields.*": _FIELD,
    **{f"sections.*.fields.*.{key}": value for key, value in _FIELD.items()},
}

_WITH_CHOICES = frozenset({"choice", "choices"})
_WITH_PATTERN = frozenset({"text", "long_text", "host", "path", "email", "phone", "tax_ids", "period"})
_NUMBERS = frozenset({"integer", "decimal", "port"})
# Where min and max make sense: a number's size, a text's length, how many entries a list has.
_WITH_LIMITS = _NUMBERS | {"text", "long_text", "choices", "emails", "tax_ids", "networks"}


def read_form(source: Source, problems: list[PackProblem]) -> Form | None:
    """Read a form and note every problem."""
    form = validate(Form, source, source.value, problems, replacements=_REPLACEMENTS)
    if form is None:
        return None
    placed = [
        (("sections", number, "fields", index), field)
        for number, section in enumerate(form.sections)
        for index, field in enumerate(section.fields)
    ]
    known = {field.id: field for _, field in placed if field.id != "unreadable"}
    problems.extend(_duplicates(source, [(path, field.id) for path, field in placed], "field"))
    sections = [(("sections", number), section.id) for number, section in enumerate(form.sections)]
    problems.extend(_duplicates(source, sections, "section"))
    for path, field in placed:
        problems.extend(_condition_problems(source, path, field, known))
        if _raw_type(source, path) != field.type:
            continue
        problems.extend(_choice_problems(source, path, field))
        problems.extend(_pattern_problems(source, path, field))
        problems.extend(_limit_problems(source, path, field))
        problems.extend(_value_problems(source, path, field))
    return form


def _raw_type(source: Source, path: KeyPath) -> object:
    """Return the type that the file gives to a field: a bad one was replaced, and rules on types say nothing."""
    value: Any = source.value
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value.get("type") if isinstance(value, dict) else None


def _duplicates(source: Source, ids: Sequence[tuple[KeyPath, str]], noun: str) -> Iterator[PackProblem]:
    first: dict[str, int] = {}
    for path, name in ids:
        where = (*path, "id")
        if name in first and name != "unreadable":
            yield source.problem(where, f"the {noun} `{name}` is there twice, first on line {first[name]}")
        first.setdefault(name, source.position(where)[0])


def _choice_problems(source: Source, path: KeyPath, field: FormField) -> Iterator[PackProblem]:
    if field.type in _WITH_CHOICES and not field.choices:
        yield source.problem(path, f"the field `{field.id}` is of type {field.type} and has no `choices`")
    elif field.type not in _WITH_CHOICES and field.choices:
        yield source.problem((*path, "choices"), f"a field of type {field.type} has no `choices`")
    elif len(set(field.choices)) < len(field.choices):
        yield source.problem((*path, "choices"), "a choice is there twice")


def _pattern_problems(source: Source, path: KeyPath, field: FormField) -> Iterator[PackProblem]:
    if field.pattern is None:
        return
    where = (*path, "pattern")
    if field.type not in _WITH_PATTERN:
        yield source.problem(where, f"a field of type {field.type} has no `pattern`")
    try:
        pattern = re.compile(field.pattern)
    except re.error as error:
        yield source.problem(where, f"the pattern is no regular expression: {error}")
        return
    if field.example is not None and not pattern.search(field.example):
        message = f"the example `{field.example}` does not match the field's own pattern"
        yield source.problem((*path, "example"), message)


def _limit_problems(source: Source, path: KeyPath, field: FormField) -> Iterator[PackProblem]:
    for key, limit in (("min", field.min), ("max", field.max)):
        if limit is not None and field.type not in _WITH_LIMITS:
            yield source.problem((*path, key), f"`{key}` makes no sense for the type {field.type}")
    if field.min is not None and field.max is not None and field.min > field.max:
        yield source.problem((*path, "min"), f"min {field.min} is more than max {field.max}")


def _value_problems(source: Source, path: KeyPath, field: FormField) -> Iterator[PackProblem]:
    """Tell when the example or the default is no possible answer."""
    if field.example is not None and not _possible(field, field.example):
        yield source.problem((*path, "example"), f"the example `{field.example}` is no answer to this field")
    if field.default is None:
        return
    fitting = isinstance(field.default, bool) if field.type == "boolean" else not isinstance(field.default, bool)
    if field.type not in _NUMBERS and isinstance(field.default, int) and not isinstance(field.default, bool):
        fitting = False
    if not fitting or not _possible(field, field.default):
        shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
        yield source.problem((*path, "default"), f"the default `{shown}` is no answer to this field")


def _possible(field: FormField, value: str | int | bool) -> bool:
    if field.type in _WITH_CHOICES:
        chosen = [str(value)] if field.type == "choice" else re.split(r"[,\s]+", str(value))
        return not field.choices or all(one in field.choices for one in chosen)
    if field.type in _NUMBERS:
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            return False
        above = field.min is None or number >= field.min
        return above and (field.max is None or number <= field.max)
    if field.type == "boolean":
        return value in {True, False, "true", "false"}
    return True


def _condition_problems(
    source: Source, path: KeyPath, field: FormField, known: Mapping[str, FormField]
) -> Iterator[PackProblem]:
    conditions = [("required_when", name, value) for name, value in field.required_when.items()]
    for name, wanted in field.when.items():
        conditions += [("when", name, value) for value in (wanted if isinstance(wanted, tuple) else (wanted,))]
    for key, name, value in conditions:
        where = (*path, key, name)
        other = known.get(name)
        if other is None or name == field.id:
            what = "is the field itself" if other else "does not exist"
            yield source.problem(where, f"the field `{name}` {what}", nearest(name, known.keys() - {field.id}))
        elif other.type == "boolean" and not isinstance(value, bool):
            yield source.problem(where, f"`{name}` is boolean, `{value}` is not", "known: true, false")
        elif other.type in _WITH_CHOICES and value not in other.choices:
            shown = str(value).lower() if isinstance(value, bool) else value
            yield source.problem(where, f"`{shown}` is no choice of `{name}`", nearest(shown, other.choices))
        elif other.type not in {*_WITH_CHOICES, "boolean"} and isinstance(value, bool):
            yield source.problem(where, f"`{name}` is of type {other.type}: true and false are no values of it")
