"""The arguments of a Web API call, from a query string, a form or a JSON body."""

import json
from typing import Any
from urllib.parse import parse_qsl

from bot.sandbox.slack.entities import JsonObject
from bot.sandbox.slack.errors import SlackError


class Arguments(dict[str, Any]):
    """Arguments by name, with the conversions that Slack makes; anything unfit is ``invalid_arguments``."""

    @classmethod
    def from_request(cls, *, query: str, content_type: str, body: bytes, takes_json: bool) -> "Arguments":
        """Read what a client sent. Raises SlackError ``invalid_json``, ``json_not_object`` and the like."""
        arguments = cls(parse_qsl(query, keep_blank_values=True))
        if not body:
            return arguments
        kind = content_type.partition(";")[0].strip().lower()
        if kind == "application/json":
            try:
                members = json.loads(body)
            except ValueError:
                raise SlackError("invalid_json") from None
            if not isinstance(members, dict):
                raise SlackError("json_not_object")
            if takes_json or "token" in members:
                arguments.update(members if takes_json else {"token": members["token"]})
        elif kind == "application/x-www-form-urlencoded":
            try:
                arguments.update(parse_qsl(body.decode(), keep_blank_values=True))
            except UnicodeDecodeError:
                raise SlackError("invalid_form_data") from None
        else:
            raise SlackError("missing_post_type" if not kind else "invalid_post_type")
        return arguments

    def string(self, name: str, default: str = "") -> str:
        """A text argument; numbers are taken as text."""
        value = self.get(name, default)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise SlackError("invalid_arguments", [f"must be a string [json-pointer:/{name}]"])
        return str(value)

    def required(self, name: str, refusal: str = "invalid_arguments") -> str:
        """A text argument that must be there and not empty."""
        value = self.string(name)
        if not value:
            raise SlackError(refusal, [f"missing required field: {name}"])
        return value

    def number(self, name: str, default: int) -> int:
        """An integer argument."""
        value = self.string(name, str(default))
        try:
            return int(value)
        except ValueError:
            raise SlackError("invalid_arguments", [f"must be an integer [json-pointer:/{name}]"]) from None

    def flag(self, name: str) -> bool:
        """A boolean argument: true, "true" and "1" mean true."""
        return self.get(name) in (True, "true", "True", "1", 1)

    def decoded(self, name: str, refusal: str) -> Any:
        """A structured argument, given as JSON or as text that holds JSON; None when absent."""
        value = self.get(name)
        if isinstance(value, str):
            if not value:
                return None
            try:
                return json.loads(value)
            except ValueError:
                raise SlackError(refusal) from None
        return value

    def objects(self, name: str, refusal: str) -> list[JsonObject] | None:
        """A list of objects; None when absent."""
        value = self.decoded(name, refusal)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise SlackError(refusal)
        return value
