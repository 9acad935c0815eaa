"""Pydantic's verdict on a pack's YAML, told with lines and in an author's words, and without stopping at the first.

After the errors are noted the bad parts are replaced by harmless ones, so that the rules that look across a file
(a need that does not exist, a cycle) can speak in the same run.
"""

import json
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from checklists.model import Localized
from checklists.problem import PackProblem
from checklists.source import Key, KeyPath, Source

_LANGUAGE_NAMES = {"fr": "French", "en": "English", "es": "Spanish"}
_NEAR = 60
_FEW = 20

# What pydantic's kinds of error wanted to see.
_EXPECTED = {
    "string_type": "a text",
    "string_too_short": "a text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "decimal_type": 'a number such as "0.01"',
    "decimal_parsing": 'a number such as "0.01"',
    "date_type": "a date such as 2026-01-31",
    "date_parsing": "a date such as 2026-01-31",
    "date_from_datetime_inexact": "a date such as 2026-01-31",
    "date_from_datetime_parsing": "a date such as 2026-01-31",
    "model_type": "keys with values",
    "dict_type": "keys with values",
    "tuple_type": "a list",
}

ModelType = TypeVar("ModelType", bound=BaseModel)


def validate(
    model: type[ModelType],
    source: Source,
    value: Any,
    problems: list[PackProblem],
    *,
    path: KeyPath = (),
    replacements: Mapping[str, Any] | None = None,
) -> ModelType | None:
    """Validate ``value``, which stands at ``path`` of the source, and note every problem.

    ``replacements`` says what stands in for a bad part: ``{"title": …, "steps.*": …, "steps.*.id": …}``; a bad part
    without one is left out. Returns the model, made of the good parts when there were problems, or None.
    """
    try:
        return _strict(model, value)
    except ValidationError as error:
        details = _real(error.errors(include_url=False))
    problems.extend(_explain(details, model, source, path))
    repaired = _repair(value, [detail["loc"] for detail in details], replacements or {})
    try:
        return _strict(model, repaired)
    except ValidationError:
        return None


def nearest(word: object, known: Iterable[str]) -> str:
    """Return a hint that names the known word most like this one, or all known words if they are few."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - most packs are right, and all wait for it

    names = sorted(known)
    found = process.extractOne(str(word), names, scorer=fuzz.ratio, score_cutoff=_NEAR) if names else None
    if found:
        return f"did you mean `{found[0]}`?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= _FEW else ""


def _strict(model: type[ModelType], value: Any) -> ModelType:
    # JSON, because only there does pydantic's strict mode take lists for tuples and texts for dates and decimals.
    return model.model_validate_json(json.dumps(value), strict=True, by_alias=True, by_name=False)


def _real(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out "too short" for lists with wrong entries: pydantic does not count those."""
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(
            len(other["loc"]) > len(detail["loc"]) and other["loc"][: len(detail["loc"])] == detail["loc"]
            for other in details
        )
    ]


def _explain(
    details: Sequence[ErrorDetails], model: type[BaseModel], source: Source, base: KeyPath
) -> list[PackProblem]:
    told: dict[KeyPath, PackProblem] = {}
    for detail in details:
        path = (*base, *detail["loc"])
        if detail["type"] == "missing":
            problem = _missing(detail, model, source, path)
        elif detail["type"] == "extra_forbidden":
            known = _keys(_model_at(model, detail["loc"][:-1]))
            problem = source.problem(path, f"unknown key `{path[-1]}`", nearest(path[-1], known))
        else:
            # The members of a union that refused the value follow it in the location.
            while path and path not in source.positions:
                path = path[:-1]
            message, hint = _reason(detail)
            problem = source.problem(path, f"`{_name(path)}` {message}", hint)
        told.setdefault(path, problem)
    return list(told.values())


def _missing(detail: ErrorDetails, model: type[BaseModel], source: Source, path: KeyPath) -> PackProblem:
    key = path[-1]
    if _model_at(model, detail["loc"][:-1]) is Localized:
        return source.problem(path[:-1], f"`{_name(path[:-1])}` has no text in {_LANGUAGE_NAMES[str(key)]} (`{key}`)")
    return source.problem(path[:-1], f"the key `{key}` is missing")


def _reason(detail: ErrorDetails) -> tuple[str, str]:
    """Return what is wrong with a value, to be read after its key, and what to do."""
    seen, kind, context = detail["input"], detail["type"], detail.get("ctx", {})
    hint = "put it in quotes" if kind == "string_type" and isinstance(seen, int | float) else ""
    if kind in {"too_long", "too_short"}:
        wanted = f"allowed: {context['max_length']}" if kind == "too_long" else f"needed: {context['min_length']}"
        return f"has {context['actual_length']} entries, {wanted}", ""
    if kind == "literal_error":
        expected = "one of " + str(context["expected"]).replace(" or ", ", ").replace("'", "")
    elif kind == "string_pattern_mismatch":
        expected = "a text" if context["pattern"] == r"\S" else f"of the form {context['pattern']}"
    elif kind in _EXPECTED:
        expected = _EXPECTED[kind]
    else:
        return f"is not accepted: {detail['msg'][:1].lower()}{detail['msg'][1:]}, not {_show(seen)}", ""
    return f"must be {expected}, not {_show(seen)}", hint


def _show(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return "keys with values"
        case list():
            return "a list"
        case _:
            text = json.dumps(value, ensure_ascii=False)
            return text if len(text) <= 60 else f"{text[:57]}…"


def _name(path: KeyPath) -> str:
    """Return the last key of a path, with the item's number where it is in a list."""
    name = ""
    for key in path:
        name = key if isinstance(key, str) else f"{name}[{key + 1}]"
    return name


def _model_at(model: type[BaseModel], location: Sequence[Key]) -> type[BaseModel] | None:
    """Return the model that describes the value at a location of ``model``."""
    current: Any = model
    for key in location:
        if isinstance(key, int):
            continue  # the annotation of a list was unwrapped to that of its items
        if isinstance(current, type) and issubclass(current, BaseModel):
            fields = {field.alias or name: field for name, field in current.model_fields.items()}
            current = fields[key].annotation if key in fields else None
        else:
            arguments = typing.get_args(current)
            current = arguments[1] if typing.get_origin(current) is Mapping and len(arguments) == 2 else current
        current = _inner(current)
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _inner(annotation: Any) -> Any:
    """Return the model inside Annotated, an optional or a tuple; anything else as it is."""
    origin = typing.get_origin(annotation)
    if origin in {typing.Annotated, tuple, typing.Union, types.UnionType}:
        for argument in typing.get_args(annotation):
            inner = _inner(argument)
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                return inner
    return annotation


def _keys(model: type[BaseModel] | None) -> list[str]:
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _repair(value: Any, locations: Iterable[Sequence[Key]], replacements: Mapping[str, Any]) -> Any:
    repaired = deepcopy(value)
    if not isinstance(repaired, dict):
        return repaired
    for location in locations:
        _replace(repaired, _part(location, replacements), replacements)
    return repaired


def _part(location: Sequence[Key], replacements: Mapping[str, Any]) -> Sequence[Key]:
    """Return the smallest part around a bad value that can be replaced or left out: a key of an item."""
    depth = 0
    for length in range(1, len(location) + 1):
        if f"{_pattern(location[:length])}" in replacements and isinstance(location[length - 1], int):
            depth = length
    return location[: depth + 1]


def _pattern(location: Sequence[Key]) -> str:
    return ".".join("*" if isinstance(key, int) else key for key in location)


def _replace(root: Any, location: Sequence[Key], replacements: Mapping[str, Any]) -> None:
    holder = root
    for key in location[:-1]:
        holder = holder[key]
    last = location[-1]
    if _pattern(location) in replacements:
        holder[last] = deepcopy(replacements[_pattern(location)])
    elif isinstance(holder, dict):
        holder.pop(last, None)
