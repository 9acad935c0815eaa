"""The rules of a field's value: which JSON each kind takes, what it becomes, and Jira's words when it is refused."""

import math
from collections.abc import Callable
from datetime import date
from typing import Any

from bot.sandbox.jira.entities import Field, Named
from bot.sandbox.jira.site import Site

# Jira's own limits, in characters: a summary, a one-line text field, a label; and descriptions, comments, text areas.
LONGEST_LINE = 255
LONGEST_TEXT = 32_767


class BadValue(Exception):
    """A value that its field does not take; the text is Jira's."""


def read_value(field: Field, given: object, site: Site) -> Any:
    """Turn JSON into what an issue stores; None empties the field.

    Stored are: a text, a list of labels, an option or priority (``Named``), a float, an ISO date, a user's name.
    Raises BadValue.
    """
    return _READERS[field.kind](field, given, site)


def read_text(given: object, longest: int = LONGEST_TEXT) -> str | None:
    """Read a text of limited length. Raises BadValue, as for a document in Cloud's format (ADF)."""
    if given is None:
        return None
    if not isinstance(given, str):
        raise BadValue("Operation value must be a string")
    if len(given) > longest:
        raise BadValue(f"The entered text is too long. It exceeds the allowed limit of {longest:,} characters.")
    return given


def read_label(given: object) -> str:
    """Read one label. Raises BadValue."""
    if not isinstance(given, str):
        raise BadValue("string expected as a label")
    if any(character.isspace() for character in given):
        raise BadValue(f"The label '{given}' contains spaces which is invalid.")
    if not given or len(given) > LONGEST_LINE:
        raise BadValue(f"The label '{given[:40]}' must have 1 to {LONGEST_LINE} characters.")
    return given


def _summary(field: Field, given: object, site: Site) -> str:
    del field, site
    if given is not None and not isinstance(given, str):
        raise BadValue("Operation value must be a string")
    if given is None or not given.strip():
        raise BadValue("You must specify a summary of the issue.")
    if "\n" in given or "\r" in given:
        raise BadValue("The summary is invalid because it contains newline characters.")
    if len(given) > LONGEST_LINE:
        raise BadValue("Summary must be less than 255 characters.")
    return given


def _text(field: Field, given: object, site: Site) -> str | None:
    del field, site
    return read_text(given, LONGEST_LINE) or None


def _textarea(field: Field, given: object, site: Site) -> str | None:
    del field, site
    return read_text(given) or None


def _labels(field: Field, given: object, site: Site) -> list[str]:
    del field, site
    if given is None:
        return []
    if not isinstance(given, list):
        raise BadValue("data was not an array")
    return sorted({read_label(each) for each in given})


def _option(field: Field, given: object, site: Site) -> Named | None:
    del site
    if given is None:
        return None
    if not isinstance(given, dict) or not ({"id", "value"} & given.keys()):
        raise BadValue("Could not find valid 'id' or 'value' in the Parent Option object.")
    return _choose(field.options, given, "value", f"Option {{!r}} is not valid for {field.name}.")


def _priority(field: Field, given: object, site: Site) -> Named:
    del field
    if not isinstance(given, dict) or not ({"id", "name"} & given.keys()):
        raise BadValue("Could not find valid 'id' or 'name' in priority object.")
    return _choose(site.priorities, given, "name", "Priority {!r} is not valid.")


def _components(field: Field, given: object, site: Site) -> list[Named]:
    del field
    if given is None:
        return []
    if not isinstance(given, list):
        raise BadValue("data was not an array")
    everywhere = tuple(each for project in site.projects for each in project.components)
    chosen: list[Named] = []
    for each in given:
        if not isinstance(each, dict) or not ({"id", "name"} & each.keys()):
            raise BadValue("expected Object containing a 'name' or 'id' property")
        chosen.append(_choose(everywhere, each, "name", "Component name '{}' is not valid"))
    return chosen


def _choose(choices: tuple[Named, ...], given: dict[str, object], by: str, refusal: str) -> Named:
    wanted = given.get("id", given.get(by))
    for each in choices:
        if wanted == (each.id if "id" in given else each.name):
            return each
    raise BadValue(refusal.format(wanted))


def _number(field: Field, given: object, site: Site) -> float | None:
    del field, site
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise BadValue("Operation value must be a number")
    return float(given)


def _date(field: Field, given: object, site: Site) -> str | None:
    del site
    if given is None:
        return None
    try:
        # Python also reads 20261124 and weeks; Jira reads yyyy-MM-dd.
        if isinstance(given, str) and len(given) == len("yyyy-MM-dd"):
            return date.fromisoformat(given).isoformat()
    except ValueError:
        pass
    raise BadValue(f"Error parsing date string for {field.name}: {given}. Expected: yyyy-MM-dd")


def _user(field: Field, given: object, site: Site) -> str | None:
    del field
    if given is None:
        return None
    if site.is_cloud:
        name = _account_id(given)
    elif not isinstance(given, dict) or "name" not in given:
        raise BadValue("expected Object containing a 'name' property")
    else:
        name = given["name"]
    if name is None or name == "":
        return None
    account = site.person(str(name))
    if account is None or not account.active:
        raise BadValue(f"User '{name}' does not exist.")
    return account.name


def _account_id(given: object) -> object:
    """Read who is meant on Cloud, where user names and keys are gone."""
    if not isinstance(given, dict) or not ({"accountId", "id"} & given.keys()):
        raise BadValue("'accountId' must be the only user identifying query parameter in GDPR strict mode.")
    return given.get("accountId", given.get("id"))


def _fixed(field: Field, given: object, site: Site) -> Any:
    del given, site
    raise BadValue(f"Field '{field.id}' cannot be set. It is not on the appropriate screen, or unknown.")


_READERS: dict[str, Callable[[Field, object, Site], Any]] = {
    "summary": _summary,
    "text": _text,
    "textarea": _textarea,
    "labels": _labels,
    "option": _option,
    "priority": _priority,
    "components": _components,
    "number": _number,
    "date": _date,
    "user": _user,
    "fixed": _fixed,
}
