"""The tests' and the demo's own addresses: the whole state as JSON, faults to inject, how late the index is."""

import hashlib
from dataclasses import asdict
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.faults import Fault, Faults
from bot.sandbox.jira.entities import Attachment, Issue, JsonObject
from bot.sandbox.jira.gate import LoggedCall
from bot.sandbox.jira.shapes import Shapes, timestamp
from bot.sandbox.jira.store import JiraStore
from bot.sandbox.jira.webhooks import Webhooks


class _FaultRequest(BaseModel):
    """A fault as JSON; see ``bot.sandbox.faults.Fault``."""

    model_config = ConfigDict(extra="forbid")

    operation: str = Field(min_length=1)
    kind: Literal["rate_limited", "server_error", "drop_before", "drop_after", "delay"]
    times: int = Field(default=1, ge=1)
    seconds: float = Field(default=1.0, ge=0)
    status: int = Field(default=503, ge=400, le=599)


class _IndexRequest(BaseModel):
    """How late Cloud's index is, in seconds."""

    model_config = ConfigDict(extra="forbid")

    delay_seconds: float = Field(ge=0)


class _WebhookRequest(BaseModel):
    """Whom to tell of what happens; no address: nobody."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(pattern=r"^https?://\S+$")
    secret: str | None = None


class Control:
    """Answers below ``/_sandbox``, without a token: it listens on loopback alone."""

    def __init__(
        self, store: JiraStore, shapes: Shapes, faults: Faults, calls: list[LoggedCall], webhooks: Webhooks
    ) -> None:
        self._store = store
        self._shapes = shapes
        self._faults = faults
        self._calls = calls
        self._webhooks = webhooks

    def routes(self) -> list[Route]:
        """The table of addresses."""
        return [
            Route("/_sandbox/state", self.state),
            Route("/_sandbox/faults", self.add_fault, methods=["POST"]),
            Route("/_sandbox/faults", self.clear_faults, methods=["DELETE"]),
            Route("/_sandbox/index", self.set_index, methods=["PUT"]),
            Route("/_sandbox/webhook", self.set_webhook, methods=["PUT"]),
        ]

    async def state(self, request: Request) -> Response:
        """Show issues with everything that hangs on them, and the log of calls."""
        del request
        with self._store.lock:
            issues = [self._issue(each) for each in self._store.issues.values()]
            calls = [asdict(each) | {"at": timestamp(each.at)} for each in self._calls]
        return JSONResponse({"issues": issues, "calls": calls})

    async def add_fault(self, request: Request) -> Response:
        """Queue a fault, or a list of them."""
        try:
            given = await request.json()
            wanted = [_FaultRequest.model_validate(each) for each in (given if isinstance(given, list) else [given])]
        except ValidationError as bad:
            return JSONResponse({"errors": bad.errors(include_url=False, include_context=False)}, 400)
        except ValueError as bad:
            return JSONResponse({"errors": [str(bad)]}, 400)
        self._faults.extend(Fault(**each.model_dump()) for each in wanted)
        return Response(status_code=204)

    async def clear_faults(self, request: Request) -> Response:
        """Forget the faults that wait."""
        del request
        self._faults.clear()
        return Response(status_code=204)

    async def set_index(self, request: Request) -> Response:
        """Make the index later or less late; 409 on Data Center, whose index is never late."""
        if not self._store.site.is_cloud:
            return JSONResponse({"errors": ["the index of a Data Center is never late"]}, 409)
        try:
            wanted = _IndexRequest.model_validate(await request.json())
        except ValueError as bad:
            return JSONResponse({"errors": [str(bad)]}, 400)
        self._store.index.delay_seconds = wanted.delay_seconds
        return Response(status_code=204)

    async def set_webhook(self, request: Request) -> Response:
        """Tell another address from now on, or nobody."""
        try:
            wanted = _WebhookRequest.model_validate(await request.json())
        except ValueError as bad:
            return JSONResponse({"errors": [str(bad)]}, 400)
        self._webhooks.url, self._webhooks.secret = wanted.url, wanted.secret
        return Response(status_code=204)

    def _issue(self, issue: Issue) -> JsonObject:
        apart = {"comment", "attachment", "issuelinks", "watches"}
        shown = [each.id for each in self._store.site.fields if each.id not in apart]
        return {
            "key": issue.key,
            "id": issue.id,
            "project": issue.project.key,
            "status": issue.status.name,
            "status_category": issue.status.category.key,
            "resolution": issue.resolution.name if issue.resolution else None,
            "fields": {each: self._shapes.value(issue, each) for each in shown},
            "comments": [self._shapes.comment(issue, each) for each in issue.comments],
            "attachments": [self._attachment(each) for each in issue.attachments],
            "links": [self._shapes.link(each, issue) for each in self._store.links_of(issue)],
            "remote_links": [self._shapes.remote_link(issue, each) for each in issue.remote_links],
            "properties": issue.properties,
            "watchers": issue.watchers,
            "history": [self._shapes.change(each) for each in issue.history],
        }

    def _attachment(self, attachment: Attachment) -> JsonObject:
        return self._shapes.attachment(attachment) | {"sha256": hashlib.sha256(attachment.content).hexdigest()}
