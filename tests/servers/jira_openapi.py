"""The requests and answers of a Jira held against an OpenAPI description, in the process that serves them.

The whole description is Atlassian's own and is not part of this repository: it is looked for beside it, or where
``JIRA_OPENAPI`` names the file. ``tests/data/jira/rest-v2.yaml`` is a short one of our own for the operations that the
bot uses, which is there everywhere; a test of its own holds it against the whole one.
"""

import json
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import yaml
from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REST = "/rest/api/2/"
HERE = Path(__file__).parents[1]
OURS = HERE / "data" / "jira" / "rest-v2.yaml"
WHOLE = HERE.parent.parent / "shared" / "specs" / "jira-cloud-v2.openapi.json"

# The client sends a transition's id as a number; both Jiras take it.
CLIENTS_OWN = (r"POST issue/\{\}/transitions .*request:.*; at transition/id: \d+ is not of type 'string'$",)
# The description is Cloud's; a Data Center names the fields of a transition's screen by their ids alone.
DATA_CENTERS_OWN = (
    r"GET issue/\{\}/transitions .*answer:.*; at transitions/\d/fields/resolution: 'key' is a required",
)
# What may depart, by the type of deployment, and nothing else.
ALLOWED: Mapping[str, tuple[str, ...]] = {"Server": CLIENTS_OWN + DATA_CENTERS_OWN, "Cloud": CLIENTS_OWN}


@dataclass(frozen=True)
class Exchange:
    """A request with its answer. ``status`` is 0 where the connection was cut instead of an answer."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    status: int = 0
    answered: Mapping[str, str] = field(default_factory=dict)
    answer: bytes = b""

    @property
    def operation(self) -> str:
        """The method and the path without keys and numbers."""
        return f"{self.method} {re.sub(r'/([A-Z]+-)?[0-9]+(?=/|$)', '/{}', self.path.removeprefix(REST))}"


class Recorder:
    """Wraps an application and keeps what passes through its REST paths."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def __call__(self, application: ASGIApp) -> ASGIApp:
        async def around(scope: Scope, receive: Receive, send: Send) -> None:
            if not scope["path"].startswith(REST):
                await application(scope, receive, send)
                return
            asked, answered, parts = bytearray(), bytearray(), {}

            async def heard() -> Message:
                message = await receive()
                asked.extend(message.get("body", b""))
                return message

            async def said(message: Message) -> None:
                if message["type"] == "http.response.start":
                    parts.update(status=message["status"], answered=_named(message["headers"]))
                answered.extend(message.get("body", b""))
                await send(message)

            await application(scope, heard, said)
            request = (scope["method"], scope["path"], scope["query_string"].decode(), _named(scope["headers"]))
            self.exchanges.append(Exchange(*request, bytes(asked), answer=bytes(answered), **parts))

        return around


class Description:
    """An OpenAPI description to hold exchanges against."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        # Who may do it is another matter, and the library knows no OAuth.
        content.pop("security", None)
        for operation in self.operations().values():
            operation.pop("security", None)
            for answer in operation["responses"].values():
                # Content of which nothing is said is no content: a 204 has none.
                if (answer.get("content") or {}).get("application/json") == {"schema": {}}:
                    del answer["content"]
        config = Config(spec_validator_cls=None, extra_format_validators={"date-time": _is_moment})  # type: ignore[arg-type]
        self._checker = OpenAPI.from_dict(content, config=config)  # type: ignore[arg-type]

    def operations(self) -> dict[str, dict[str, Any]]:
        """Return each operation by its method and path template."""
        verbs = {"get", "post", "put", "delete"}
        paths = self.content["paths"].items()
        return {f"{verb.upper()} {path}": said for path, item in paths for verb, said in item.items() if verb in verbs}

    def faults(self, exchange: Exchange) -> list[str]:
        """Return what is wrong with a request and with its answer, empty when both are as described."""
        request = MockRequest(
            "http://jira.example",
            exchange.method.lower(),
            exchange.path,
            args=dict(parse_qsl(exchange.query, keep_blank_values=True)),
            headers=dict(exchange.headers),
            data=exchange.body or None,
            content_type=exchange.headers.get("content-type", "application/json"),
        )
        answer = MockResponse(
            exchange.answer, exchange.status, content_type=exchange.answered.get("content-type", "application/json")
        )
        found: list[str] = []
        for what, check in (
            ("request", lambda: self._checker.validate_request(request)),
            ("answer", lambda: self._checker.validate_response(request, answer)),
        ):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    check()
            except OpenAPIError as wrong:
                found.append(f"{exchange.operation} {exchange.status}: {what}: {_in_words(wrong)}")
        return found


@cache
def ours() -> Description:
    """The short description, which is part of the repository."""
    return Description(yaml.safe_load(OURS.read_text("utf-8")))


@cache
def whole() -> Description | None:
    """Atlassian's description; None where it is not there."""
    file = Path(os.environ.get("JIRA_OPENAPI", WHOLE))
    return Description(json.loads(file.read_text("utf-8"))) if file.exists() else None


def broken(
    description: Description, exchanges: Sequence[Exchange], allowed: Sequence[str] = (), *, least: int = 1
) -> list[str]:
    """Return every departure from the description, each once, but for those that match an allowed pattern.

    Fails when there are fewer exchanges than ``least``: a check of nothing finds nothing.
    """
    heard = [exchange for exchange in exchanges if exchange.status]
    assert len(heard) >= least, f"only {len(heard)} answers to check"
    unlike = {(each.method, each.path, each.query, each.body, each.status, each.answer): each for each in heard}
    faults = {fault for exchange in unlike.values() for fault in description.faults(exchange)}
    return sorted(fault for fault in faults if not any(re.search(pattern, fault) for pattern in allowed))


def _is_moment(value: object) -> bool:
    """Jira writes no colon into the offset, whatever its own description says."""
    return not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}[+-]\d{4}", value) is not None


def _named(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode().lower(): value.decode("latin-1") for name, value in headers}


def _in_words(wrong: BaseException) -> str:
    """Return the error with the schema errors below it, which its own text leaves out."""
    words = [str(wrong) or type(wrong).__name__]
    cause: BaseException | None = wrong
    while cause is not None:
        for error in getattr(cause, "schema_errors", ()):
            at = "/".join(str(part) for part in error.absolute_path)
            words.append(f"at {at or 'the top'}: {error.message[:200]}")
        cause = cause.__cause__
    return "; ".join(dict.fromkeys(words))
