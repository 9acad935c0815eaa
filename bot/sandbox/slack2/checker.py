"""The primitives of Block Kit validation: a problem names its place as Slack does, with a JSON pointer."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

ID_LENGTH = 255


@dataclass(frozen=True)
class Problem:
    """One thing Slack would refuse, and where it is."""

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer}]"


@dataclass
class Checker:
    """Collects every problem of one payload, so that all of them are reported at once."""

    problems: list[Problem] = field(default_factory=list)

    def report(self, pointer: str, message: str) -> None:
        """Add a problem."""
        self.problems.append(Problem(pointer, message))

    def members(
        self, value: object, pointer: str, *, required: Collection[str] = (), optional: Collection[str] = ()
    ) -> dict[str, Any] | None:
        """The value when it is an object, after checking which members it has; None when it is not."""
        if not isinstance(value, dict):
            self.report(pointer, "must be an object")
            return None
        for name in required:
            if name not in value:
                self.report(pointer, f"missing required field: {name}")
        for name in value:
            if name != "type" and name not in required and name not in optional:
                self.report(pointer, f"invalid additional property: {name}")
        return value

    def string(self, holder: dict[str, Any], name: str, pointer: str, *, at_most: int, at_least: int = 1) -> None:
        """A member that, where present, is a string of ``at_least`` to ``at_most`` characters."""
        if name not in holder:
            return
        value = holder[name]
        if not isinstance(value, str):
            self.report(f"{pointer}/{name}", "must be a string")
        elif len(value) < at_least:
            self.report(f"{pointer}/{name}", f"must be more than {at_least - 1} characters")
        elif len(value) > at_most:
            self.report(f"{pointer}/{name}", f"must be less than {at_most + 1} characters")

    def number(self, holder: dict[str, Any], name: str, pointer: str, *, at_least: int, at_most: int) -> None:
        """A member that, where present, is an integer within bounds."""
        if name not in holder:
            return
        value = holder[name]
        if isinstance(value, bool) or not isinstance(value, int):
            self.report(f"{pointer}/{name}", "must be an integer")
        elif not at_least <= value <= at_most:
            self.report(f"{pointer}/{name}", f"must be between {at_least} and {at_most}")

    def flag(self, holder: dict[str, Any], name: str, pointer: str) -> None:
        """A member that, where present, is true or false."""
        if name in holder and not isinstance(holder[name], bool):
            self.report(f"{pointer}/{name}", "must be a boolean")

    def one_of(self, holder: dict[str, Any], name: str, pointer: str, allowed: Collection[str]) -> None:
        """A member that, where present, is one of a few words."""
        if name in holder and holder[name] not in allowed:
            self.report(f"{pointer}/{name}", f"must be one of: {', '.join(sorted(allowed))}")

    def items(self, holder: dict[str, Any], name: str, pointer: str, *, at_most: int, at_least: int = 1) -> list[Any]:
        """A member that, where present, is a list of a certain length; empty when it is no list."""
        if name not in holder:
            return []
        value = holder[name]
        if not isinstance(value, list):
            self.report(f"{pointer}/{name}", "must be an array")
            return []
        if len(value) < at_least:
            self.report(f"{pointer}/{name}", f"no fewer than {at_least} items allowed")
        if len(value) > at_most:
            self.report(f"{pointer}/{name}", f"no more than {at_most} items allowed")
        return value

    def text(
        self,
        holder: dict[str, Any],
        name: str,
        pointer: str,
        *,
        at_most: int,
        kinds: Collection[str] = ("plain_text",),
    ) -> None:
        """A member that, where present, is a text object of an allowed kind and length."""
        if name in holder:
            self.text_object(holder[name], f"{pointer}/{name}", at_most=at_most, kinds=kinds)

    def text_object(self, value: object, pointer: str, *, at_most: int, kinds: Collection[str]) -> None:
        """A text object, wherever it stands."""
        if isinstance(value, dict) and value.get("type") not in kinds:
            self.report(f"{pointer}/type", f"must be one of: {', '.join(sorted(kinds))}")
            return
        extra = {"plain_text": ("emoji",), "mrkdwn": ("verbatim",)}
        kind = value.get("type", "") if isinstance(value, dict) else ""
        text = self.members(value, pointer, required=("text",), optional=extra.get(kind, ()))
        if text is not None:
            self.string(text, "text", pointer, at_most=at_most)
            for name in ("emoji", "verbatim"):
                self.flag(text, name, pointer)

    def identifier(self, holder: dict[str, Any], name: str, pointer: str) -> None:
        """An action_id, block_id, callback_id or external_id."""
        self.string(holder, name, pointer, at_most=ID_LENGTH)
