"""The rules of an issue's entity properties: key up to 255 characters, JSON value up to 32,768."""

import json
from typing import Any

from bot.sandbox.jira.entities import JsonObject
from bot.sandbox.jira.refusals import Refusal

LONGEST_KEY = 255
LONGEST_VALUE = 32_768


def check_property(key: object, value: object) -> None:
    """Raise Refusal 400 for a property that Jira does not keep."""
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY:
        raise Refusal(400, f"The length of the property key must be between 1 and {LONGEST_KEY}.")
    if len(json.dumps(value, ensure_ascii=False, separators=(",", ":"))) > LONGEST_VALUE:
        raise Refusal(400, f"The property value is too long. The maximum length is {LONGEST_VALUE}.")


def read_properties(body: JsonObject) -> dict[str, Any]:
    """Read ``properties`` of a create or edit request: ``[{"key": …, "value": …}]``. Raises Refusal 400."""
    given = body.get("properties") or []
    if not isinstance(given, list):
        raise Refusal(400, "properties must be an array")
    for each in given:
        if not isinstance(each, dict) or each.keys() != {"key", "value"}:
            raise Refusal(400, "a property has a key and a value")
        check_property(each["key"], each["value"])
    return {each["key"]: each["value"] for each in given}
