"""An answer in the form that a field's type takes: text, number, option, date, person, and lists of them.

Jira's REST v2 wants another JSON for each type. What a type cannot hold is said in words instead of being sent: Jira's
own refusal names neither the question nor the setting.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.jira.screen import Problem, ScreenField, listed
from bot.locales import say

# Jira's limits, in characters: a field of one line, a label, a text of several lines with a margin.
LONGEST_LINE = 255
LONGEST_TEXT = 32_000
# Field types of several lines; every other text is one line.
SEVERAL_LINES = frozenset({"textarea", "description", "environment"})
# The words by which a list of choices says yes and no.
YES = frozenset({"true", "yes", "oui", "sí", "si"})
NO = frozenset({"false", "no", "non"})

# Looks a person up: a mail address, user name or account id gives the field's value; None where nobody answers to it.
FindPerson = Callable[[str], Mapping[str, str] | None]


class CannotHold(Exception):
    """The field's type cannot hold this value; ``problem`` says so in words."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.seen.en)
        self.problem = problem


def can_fill(field: ScreenField) -> bool:
    """Tell whether the bot knows the field's type at all."""
    return field.type in _SHAPES or (field.type == "array" and field.items in _ITEMS)


def shaped(field: ScreenField, value: object, find_person: FindPerson) -> Any:
    """Return a value as the field takes it. Raises CannotHold."""
    if field.type == "array":
        item = _ITEMS.get(field.items or "")
        if item is None:
            raise _unknown_type(field)
        return [item(field, each, find_person) for each in _each(value)]
    shape = _SHAPES.get(field.type)
    if shape is None:
        raise _unknown_type(field)
    return shape(field, value, find_person)


def _string(field: ScreenField, value: object, find_person: FindPerson) -> str:
    del find_person
    said = ", ".join(_text(item) for item in _each(value))
    if field.kind in SEVERAL_LINES:
        return said if len(said) <= LONGEST_TEXT else f"{said[: LONGEST_TEXT - 1]}…"
    # The whole answer stands in the ticket's text and in its attachment.
    line = " ".join(said.split())
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"


def _label(field: ScreenField, value: object, find_person: FindPerson) -> str:
    del field, find_person
    # Labels hold no spaces.
    return "_".join(_text(value).split())[:LONGEST_LINE]


def _number(field: ScreenField, value: object, find_person: FindPerson) -> int | float:
    del find_person
    try:
        number = Decimal(_text(value).strip())
    except InvalidOperation:
        raise _wrong(field, value, "number") from None
    if isinstance(value, bool) or not number.is_finite():
        raise _wrong(field, value, "number")
    # JSON's own number; a whole one stays whole.
    return int(number) if number == number.to_integral_value() else float(number)


def _date(field: ScreenField, value: object, find_person: FindPerson) -> str:
    del find_person
    try:
        return date.fromisoformat(_text(value).strip()[: len("2026-11-24")]).isoformat()
    except ValueError:
        raise _wrong(field, value, "date") from None


def _moment(field: ScreenField, value: object, find_person: FindPerson) -> str:
    return f"{_date(field, value, find_person)}T00:00:00.000+0000"


def _choice(field: ScreenField, value: object, find_person: FindPerson) -> dict[str, str]:
    """Choose among the field's own values, by their words without case; a yes or no by any word for it."""
    del find_person
    wanted = _text(value).strip().casefold()
    same = YES if wanted in YES else NO if wanted in NO else {wanted}
    if not field.allowed:
        return {"value" if field.type == "option" or field.items == "option" else "name": _text(value)}
    for allowed in field.allowed:
        words = {str(allowed.get(key, "")).casefold() for key in ("value", "name")} - {""}
        if (wanted in words or same & words) and not allowed.get("disabled"):
            return {"id": str(allowed["id"])}
    raise _wrong(field, value, "choice", listed([str(each.get("value", each.get("name"))) for each in field.allowed]))


def _person(field: ScreenField, value: object, find_person: FindPerson) -> Mapping[str, str]:
    found = find_person(_text(value).strip())
    if found is None:
        raise _wrong(field, value, "user")
    return found


_Shape = Callable[[ScreenField, object, FindPerson], Any]

_SHAPES: Mapping[str, _Shape] = {
    "string": _string,
    "number": _number,
    "date": _date,
    "datetime": _moment,
    "option": _choice,
    "priority": _choice,
    "user": _person,
}
_ITEMS: Mapping[str, _Shape] = {
    "string": _label,
    "option": _choice,
    "component": _choice,
    "version": _choice,
    "user": _person,
}


def _wrong(field: ScreenField, value: object, wanted: str, choices: str = "") -> CannotHold:
    said = {"field": field.title, "value": listed([_text(value)[:80]]), "choices": choices}
    if wanted == "choice":
        return CannotHold(Problem(say("jira.no_such_choice", **said), say("jira.no_such_choice_advice", **said)))
    kind = say(f"jira.type.{wanted}")
    return CannotHold(
        Problem(say("jira.wrong_type", kind=kind, **said), say("jira.wrong_type_advice", kind=kind, **said))
    )


def _unknown_type(field: ScreenField) -> CannotHold:
    said = {"field": field.title, "kind": (field.items and f"{field.type} of {field.items}") or field.type}
    return CannotHold(Problem(say("jira.unknown_type", **said), say("jira.unknown_type_advice", **said)))


def _each(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else [value]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
