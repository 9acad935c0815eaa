"""Reads what a request wants to change on an issue: ``{"fields": {…}, "update": {field: [{operation: value}]}}``."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.jira.entities import JsonObject
from bot.sandbox.jira.refusals import Refusal, not_on_screen
from bot.sandbox.jira.site import Site
from bot.sandbox.jira.values import BadValue, read_label, read_text, read_value

KNOWN_KEYS = frozenset({"fields", "update", "transition", "properties", "historyMetadata"})


@dataclass
class Changes:
    """Values to store by field id, and comments to add."""

    values: dict[str, Any] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)


@dataclass
class _Reading:
    site: Site
    screen: Collection[str]
    current: Mapping[str, Any]
    changes: Changes = field(default_factory=Changes)
    errors: dict[str, str] = field(default_factory=dict)

    def set(self, field_id: str, given: object) -> None:
        definition = self.site.field(field_id)
        if definition is None or field_id not in self.screen:
            self.errors[field_id] = not_on_screen(field_id)
            return
        try:
            self.changes.values[field_id] = read_value(definition, given, self.site)
        except BadValue as bad:
            self.errors[field_id] = str(bad)

    def operate(self, field_id: str, operations: object) -> None:
        if not isinstance(operations, list) or not all(isinstance(each, dict) and each for each in operations):
            self.errors[field_id] = "expected an array of operations"
            return
        for operation in operations:
            for verb, value in operation.items():
                if field_id == "comment":
                    self._comment(verb, value)
                elif verb == "set":
                    self.set(field_id, value)
                else:
                    self._label(field_id, verb, value)

    def _comment(self, verb: str, value: object) -> None:
        if verb != "add" or not isinstance(value, dict):
            self.errors["comment"] = f"Operation '{verb}' is not supported for the comment field here."
            return
        try:
            self.changes.comments.append(read_comment(value.get("body")))
        except BadValue as bad:
            self.errors["comment"] = str(bad)

    def _label(self, field_id: str, verb: str, value: object) -> None:
        definition = self.site.field(field_id)
        if definition is None or field_id not in self.screen:
            self.errors[field_id] = not_on_screen(field_id)
        elif definition.kind != "labels" or verb not in {"add", "remove"}:
            self.errors[field_id] = f"Field with id '{field_id}' and name '{definition.name}' does not support '{verb}'"
        else:
            present = set(self.changes.values.get(field_id, self.current.get(field_id) or ()))
            try:
                label = read_label(value)
            except BadValue as bad:
                self.errors[field_id] = str(bad)
                return
            self.changes.values[field_id] = sorted(present | {label} if verb == "add" else present - {label})


def read_changes(
    body: JsonObject,
    site: Site,
    screen: Collection[str],
    current: Mapping[str, Any],
    *,
    apart: Collection[str] = (),
) -> Changes:
    """Read the fields and operations of a request; ``apart`` names fields that the caller reads itself.

    Raises Refusal 400 with every field that is wrong.
    """
    fields, update = body.get("fields") or {}, body.get("update") or {}
    if not isinstance(fields, dict) or not isinstance(update, dict):
        raise Refusal(400, "Can not deserialize instance of java.util.LinkedHashMap: fields and update are objects")
    for key in body.keys() - KNOWN_KEYS:
        raise Refusal(400, f'Unrecognized field "{key}" (Class IssueUpdateBean), not marked as ignorable')
    reading = _Reading(site, screen, current)
    for field_id, given in fields.items():
        if field_id in apart:
            continue
        if field_id in update:
            reading.errors[field_id] = f"Field '{field_id}' cannot appear in both 'fields' and 'update'"
        else:
            reading.set(field_id, given)
    for field_id, operations in update.items():
        reading.operate(field_id, operations)
    if reading.errors:
        raise Refusal(400, errors=reading.errors)
    return reading.changes


def read_comment(body: object) -> str:
    """Read a comment's text. Raises BadValue."""
    text = read_text(body)
    if text is None or not text.strip():
        raise BadValue("Comment body can not be empty!")
    return text
