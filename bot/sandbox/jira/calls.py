"""One request in the terms of the endpoints, and what an endpoint answers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse, Response

from bot.sandbox.jira.entities import Account, JsonObject
from bot.sandbox.jira.refusals import Refusal


@dataclass(frozen=True)
class UploadedFile:
    """A part of a multipart request."""

    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Call:
    """A request whose sender is known. ``files`` are the parts named ``file`` of a multipart body."""

    user: Account
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""
    files: list[UploadedFile] = field(default_factory=list)

    def argument(self, name: str) -> str | None:
        """Return a query argument's first value."""
        values = self.query.get(name)
        return values[0] if values else None

    def listed(self, name: str) -> list[str]:
        """Return a query argument that may be repeated and may hold commas."""
        return split_listed(self.query.get(name, []))

    def number(self, name: str, default: int) -> int:
        """Return a whole number from the query. Raises Refusal 404, which is what Jira's framework answers."""
        given = self.argument(name)
        if given is None:
            return default
        if not given.removeprefix("-").isdecimal() or len(given) > 9:
            raise Refusal(404, f"{name} is not a number: {given}")
        return int(given)

    def json(self) -> Any:
        """Read the body. Raises Refusal 415 for another media type, 400 for a body that is no JSON."""
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise Refusal(415, "Unsupported Media Type")
        try:
            return json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as bad:
            raise Refusal(400, f"Unexpected character or end of input: {bad}") from bad

    def json_object(self) -> JsonObject:
        """Read a body that is an object. Raises Refusal as ``json`` does."""
        body = self.json()
        if not isinstance(body, dict):
            raise Refusal(400, "Can not deserialize the request: an object is expected")
        return body


Handler = Callable[[Call], Response]


@dataclass(frozen=True)
class Endpoint:
    """A method and a path with ``{names}`` in it, and who answers. ``writes`` counts towards an issue's limit."""

    method: str
    path: str
    handler: Handler
    writes_issue: bool = False
    is_open: bool = False

    @property
    def operation(self) -> str:
        """The name by which faults and the log call it."""
        return f"{self.method} {self.path}"


def answer(body: object, status: int = 200) -> Response:
    """Answer with JSON."""
    return JSONResponse(body, status_code=status)


def no_content() -> Response:
    """Answer that it is done."""
    return Response(status_code=204)


def page(values: list[Any], start: int, most: int, key: str = "values") -> JsonObject:
    """Return one page of a list as Jira's page object."""
    return {
        "maxResults": most,
        "startAt": start,
        "total": len(values),
        "isLast": start + most >= len(values),
        key: values[max(start, 0) : max(start, 0) + max(most, 0)],
    }


def split_listed(given: list[str]) -> list[str]:
    """Split values at commas."""
    return [part.strip() for value in given for part in value.split(",") if part.strip()]


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
