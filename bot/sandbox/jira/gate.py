"""What every request passes: faults, the token, the limit on writes, the log; then its endpoint."""

import asyncio
import base64
import binascii
import math
import re
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qs

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path

from bot.sandbox.faults import Fault, Faults
from bot.sandbox.jira.calls import Call, Endpoint, UploadedFile
from bot.sandbox.jira.entities import Account
from bot.sandbox.jira.refusals import Refusal
from bot.sandbox.jira.store import JiraStore

NOBODY = Account("anonymous", "Anonymous", "", "")
# An issue may be written 20 times in 2 s and 100 times in 30 s (Jira's per-issue limit).
WRITE_LIMITS = ((20, 2.0), (100, 30.0))


@dataclass(frozen=True)
class LoggedCall:
    """One request that came. ``status`` is None when the connection was cut instead of an answer."""

    at: datetime
    method: str
    path: str
    operation: str
    user: str | None
    status: int | None


@dataclass
class WriteLimits:
    """Counts writes per issue; off unless a test asks for it."""

    is_on: bool = False
    _writes: dict[str, deque[float]] = field(default_factory=dict)

    def check(self, issue: str, now: float) -> None:
        """Count a write. Raises Refusal 429 when it is one too many; ``now`` is in seconds."""
        if not self.is_on:
            return
        longest = max(seconds for _, seconds in WRITE_LIMITS)
        writes = self._writes.setdefault(issue, deque())
        while writes and writes[0] <= now - longest:
            writes.popleft()
        for most, seconds in WRITE_LIMITS:
            recent = [at for at in writes if at > now - seconds]
            if len(recent) >= most:
                headers = {
                    "Retry-After": str(max(1, math.ceil(recent[-most] + seconds - now))),
                    "RateLimit-Reason": "jira-per-issue-on-write",
                }
                raise Refusal(429, "Rate limit exceeded.", headers=headers)
        writes.append(now)


class Gate:
    """Answers the REST paths.

    ``tokens`` gives the user's name for each token: on Data Center a personal access token (Bearer), on Cloud an API
    token, which counts only together with the mail address of its owner (Basic).
    """

    def __init__(
        self,
        store: JiraStore,
        endpoints: list[Endpoint],
        tokens: Mapping[str, str],
        faults: Faults,
        write_limits: WriteLimits,
        calls: list[LoggedCall],
    ) -> None:
        self._store = store
        self._table = [(endpoint, compile_path(endpoint.path)[0]) for endpoint in endpoints]
        self._tokens = tokens
        self._faults = faults
        self._write_limits = write_limits
        self._calls = calls

    async def answer(self, request: Request) -> Response | None:
        """Return the answer, or None when the connection is to be cut without one."""
        path = re.sub(r"^/rest/api/latest/", "/rest/api/2/", request.url.path)
        endpoint, arguments, known = self._find(request.method, path)
        operation = endpoint.operation if endpoint else f"{request.method} {path}"
        fault = self._faults.take(operation, self._name(request))
        if fault is not None and fault.kind == "delay":
            # A server that has read a request does its work, whether its client still lives or not.
            await _read(request)
            await asyncio.sleep(fault.seconds)
        user: Account | None = None
        response: Response | None = _broken(fault) if fault is not None else None
        if response is None and not (fault is not None and fault.kind == "drop_before"):
            try:
                user = self._user(request, is_open=endpoint is not None and endpoint.is_open)
                if endpoint is None:
                    raise _not_found(request, known)
                response = await self._handle(request, endpoint, arguments, user)
            except Refusal as refused:
                response = _refused(refused)
            except ClientDisconnect:
                # It died in the middle of its request: nothing was asked for.
                response = None
        if fault is not None and fault.kind in {"drop_before", "drop_after"}:
            response = None
        status = response.status_code if response is not None else None
        name = user.name if user is not None and user is not NOBODY else None
        self._calls.append(LoggedCall(self._store.now(), request.method, request.url.path, operation, name, status))
        if response is not None:
            self._say_who(response, user, request)
        return response

    def _say_who(self, response: Response, user: Account | None, request: Request) -> None:
        response.headers["Date"] = format_datetime(self._store.now().astimezone(UTC), usegmt=True)
        known = user is not None and user is not NOBODY
        if not self._store.site.is_cloud:
            response.headers["X-AUSERNAME"] = user.name if user is not None and known else "anonymous"
            response.headers["X-Seraph-LoginReason"] = "OK" if known else "AUTHENTICATED_FAILED"
        elif user is not None and known:
            response.headers["X-AACCOUNTID"] = user.account_id
        elif request.headers.get("authorization", "").lower().startswith("basic "):
            response.headers["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"

    def _find(self, method: str, path: str) -> tuple[Endpoint | None, dict[str, str], bool]:
        """Return the endpoint with its path arguments, and whether another method would have one."""
        known = False
        for endpoint, pattern in self._table:
            match = pattern.match(path)
            if match is None:
                continue
            if endpoint.method == method:
                return endpoint, match.groupdict(), True
            known = True
        return None, {}, known

    def _name(self, request: Request) -> str:
        """Return the name of who asks, empty for a stranger."""
        try:
            return self._user(request, is_open=True).name
        except Refusal:
            return ""

    def _user(self, request: Request, *, is_open: bool) -> Account:
        given = request.headers.get("authorization")
        if self._store.site.is_cloud:
            given = self._cloud_credential(given)
        if given is None:
            if is_open:
                return NOBODY
            raise _Unauthorized("Client must be authenticated to access this resource.")
        scheme, _, token = given.partition(" ")
        if scheme.lower() == "basic":
            # What a Data Center says whose administrator allows tokens only.
            raise Refusal(403, "Basic Authentication has been disabled on this instance.")
        name = self._tokens.get(token.strip()) if scheme.lower() == "bearer" else None
        account = self._store.site.account(name) if name is not None else None
        if account is None or not account.active:
            raise _Unauthorized("Client must be authenticated to access this resource.")
        return account

    def _cloud_credential(self, given: str | None) -> str | None:
        """Turn Cloud's Basic pair into its token; a wrong pair counts as none, as on Cloud. Raises Refusal 403."""
        scheme, _, value = (given or "").partition(" ")
        if scheme == "Bearer":
            # Cloud takes a Bearer for the token of an app and refuses it before it looks for the resource.
            raise _BearerRefused()
        try:
            email, _, token = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        account = self._store.site.account(self._tokens.get(token, ""))
        is_theirs = scheme.lower() == "basic" and account is not None and account.email == email.lower()
        return f"Bearer {token}" if is_theirs else None

    async def _handle(
        self, request: Request, endpoint: Endpoint, arguments: Mapping[str, str], user: Account
    ) -> Response:
        agent, token = request.headers.get("user-agent", ""), request.headers.get("x-atlassian-token", "")
        if request.method != "GET" and agent.startswith("Mozilla/") and token.lower() not in {"no-check", "nocheck"}:
            # A page of another site could make a browser send this.
            raise Refusal(403, "XSRF check failed")
        body, files = b"", list[UploadedFile]()
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            files = await _files(request)
        else:
            body = await request.body()
        call = Call(
            user=user,
            path=arguments,
            query=parse_qs(request.url.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            files=files,
        )
        with self._store.lock:
            if endpoint.writes_issue:
                issue = self._store.issue(arguments["key"], user)
                self._write_limits.check(issue.id, asyncio.get_running_loop().time())
            response = endpoint.handler(call)
            if request.method != "GET":
                self._store.index_changes()
            return response


async def _read(request: Request) -> None:
    with suppress(ClientDisconnect):
        await request.body()


class _Unauthorized(Refusal):
    """No token, or one that nobody has: answered in the words of Jira's login, not of its resources."""

    def __init__(self, message: str) -> None:
        super().__init__(401, message, headers={"WWW-Authenticate": 'OAuth realm="sandbox"'})


class _BearerRefused(Refusal):
    """Cloud's answer to a personal access token, which only Data Center knows."""

    def __init__(self) -> None:
        super().__init__(403, "Failed to parse Connect Session Auth Token")


async def _files(request: Request) -> list[UploadedFile]:
    try:
        form = await request.form()
    except (HTTPException, MultiPartException) as bad:
        reason = bad.detail if isinstance(bad, HTTPException) else bad.message
        raise Refusal(400, f"The multipart request cannot be read: {reason}") from bad
    try:
        # Jira looks at the parts named file alone and ignores the others.
        return [
            UploadedFile(part.filename or "", part.content_type or "application/octet-stream", await part.read())
            for part in form.getlist("file")
            if isinstance(part, UploadFile)
        ]
    finally:
        await form.close()


def _broken(fault: Fault) -> Response | None:
    match fault.kind:
        case "rate_limited":
            seconds = str(max(0, math.ceil(fault.seconds)))
            return JSONResponse({"message": "Rate limit exceeded."}, 429, headers={"Retry-After": seconds})
        case "server_error":
            return JSONResponse({"errorMessages": ["Internal server error"], "errors": {}}, fault.status)
        case "drop_before" | "drop_after" | "delay":
            return None


def _not_found(request: Request, known: bool) -> Refusal:
    if known:
        return Refusal(405, f"Method {request.method} is not allowed here")
    return Refusal(404, f"null for uri: {request.url}")


def _refused(refused: Refusal) -> Response:
    body = refused.as_json()
    if isinstance(refused, _Unauthorized):
        body = {"message": refused.messages[0], "status-code": refused.status}
    if isinstance(refused, _BearerRefused):
        body = {"error": refused.messages[0]}
    return JSONResponse(body, refused.status, headers=refused.headers)
