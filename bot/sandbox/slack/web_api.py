"""The Web API over HTTP: tokens, scopes, rate limits, injected faults, and the log of calls."""

import asyncio

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from bot.sandbox.faults import Fault, Faults
from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.connection import CutConnection
from bot.sandbox.slack.entities import Call, JsonObject
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.methods import EVENT_SCOPES, FORM_ONLY, METHODS, SCOPES, Method
from bot.sandbox.slack.rate_limits import RateLimits
from bot.sandbox.slack.workspace import Workspace

# Scopes that no method of the sandbox asks for, and an app may have: events and private channels need them.
MORE_SCOPES = frozenset(
    {
        "app_mentions:read", "commands", "files:read", "groups:history", "groups:read", "im:history", "im:read",
        "mpim:history", "reactions:read", "team:read",
    }
)  # fmt: skip
APP_METHODS = frozenset({"apps.connections.open"})
# Reading a direct conversation is a right of its own.
IM_HISTORY = "im:history"


class WebApi:
    """Answers ``/api/<method>``.

    ``scopes`` are those the bot token has; None gives it all that the known methods need, and more. ``extra`` are
    methods that belong to another part of the server (opening a socket).
    """

    def __init__(
        self,
        workspace: Workspace,
        faults: Faults,
        rate_limits: RateLimits,
        *,
        bot_token: str,
        app_token: str,
        scopes: frozenset[str] | None = None,
        extra: dict[str, Method] | None = None,
    ) -> None:
        self._workspace = workspace
        self._faults = faults
        self._rate_limits = rate_limits
        self._bot_token = bot_token
        self._app_token = app_token
        self._scopes = frozenset(SCOPES.values()) | MORE_SCOPES if scopes is None else scopes
        self._methods = {**METHODS, **(extra or {})}

    async def answer(self, request: Request, method: str) -> Response:
        """Handle one call, from the injected fault to the log entry."""
        fault = self._faults.take(method)
        try:
            body = await request.body()
        except ClientDisconnect:
            # It died in the middle of its request: nothing was asked for.
            return CutConnection()
        if fault is not None and fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        elif fault is not None and fault.kind != "drop_after":
            return self._refuse(method, request, fault)
        arguments = Arguments()
        try:
            arguments = Arguments.from_request(
                query=request.url.query,
                content_type=request.headers.get("content-type", ""),
                body=body,
                takes_json=method not in FORM_ONLY,
            )
            token = self._token(request, arguments)
            self._authorise(method, token, self._conversation(arguments))
            wait = self._rate_limits.wait(method, self._conversation(arguments), self._workspace.clock)
            if wait:
                return self._log(method, arguments, _rate_limited(wait))
            with self._workspace.locked():
                result = {"ok": True, **self._methods[method](self._workspace, arguments)}
        except SlackError as refusal:
            result = refusal.as_json()
        response = JSONResponse(result, headers={"X-OAuth-Scopes": ",".join(sorted(self._scopes))})
        if fault is not None and fault.kind == "drop_after":
            self._record(method, arguments, 0, result)
            return CutConnection()
        return self._log(method, arguments, response, result)

    def is_bot(self, authorization: str) -> bool:
        """Whether an Authorization header carries the bot's token."""
        return authorization == f"Bearer {self._bot_token}"

    def may_download(self, authorization: str) -> bool:
        """Whether an Authorization header opens the address of a file: the bot's token, and the scope to read files."""
        return self.is_bot(authorization) and "files:read" in self._scopes

    def hears(self, event: str) -> bool:
        """Whether the scopes let the app hear of events of this type."""
        return EVENT_SCOPES.get(event) in {None, *self._scopes}

    def _conversation(self, arguments: Arguments) -> str:
        """The id of the channel that a call names, so that a channel's other names share its limit."""
        named = str(arguments.get("channel", ""))
        try:
            return self._workspace.channel(named).id
        except SlackError:
            # The method itself refuses what is no channel.
            return named

    def _refuse(self, method: str, request: Request, fault: Fault) -> Response:
        arguments = Arguments(request.query_params)
        if fault.kind == "drop_before":
            self._record(method, arguments, 0, {})
            return CutConnection()
        if fault.kind == "rate_limited":
            return self._log(method, arguments, _rate_limited(max(1, round(fault.seconds))))
        body = {"ok": False, "error": "internal_error"}
        return self._log(method, arguments, JSONResponse(body, fault.status), body)

    @staticmethod
    def _token(request: Request, arguments: Arguments) -> str:
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        in_body = arguments.pop("token", None)
        return credential.strip() if scheme.lower() == "bearer" else str(in_body or "")

    def _authorise(self, method: str, token: str, conversation: str) -> None:
        """Raises SlackError ``unknown_method``, ``not_authed``, ``invalid_auth``, ``missing_scope`` and the like."""
        if method not in self._methods:
            raise SlackError("unknown_method", req_method=method)
        if method == "api.test":
            return
        if not token:
            raise SlackError("not_authed")
        if token not in {self._bot_token, self._app_token}:
            raise SlackError("invalid_auth")
        if (token == self._app_token) != (method in APP_METHODS):
            raise SlackError("not_allowed_token_type")
        needed = SCOPES.get(method)
        if needed == "channels:history" and conversation.startswith("D"):
            needed = IM_HISTORY
        if needed is not None and needed not in self._scopes:
            raise SlackError("missing_scope", needed=needed, provided=",".join(sorted(self._scopes)))

    def _log(
        self, method: str, arguments: Arguments, response: JSONResponse, body: JsonObject | None = None
    ) -> Response:
        self._record(method, arguments, response.status_code, body or {"ok": False, "error": "ratelimited"})
        return response

    def _record(self, method: str, arguments: Arguments, status: int, body: JsonObject) -> None:
        shown = {name: value for name, value in arguments.items() if name != "token"}
        with self._workspace.locked():
            self._workspace.calls.append(Call(method, shown, status, body, self._workspace.clock()))


def _rate_limited(seconds: int) -> JSONResponse:
    body = {"ok": False, "error": "ratelimited"}
    return JSONResponse(body, 429, headers={"Retry-After": str(seconds)})
