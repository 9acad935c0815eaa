"""The sandbox's Slack on its socket: the Web API, the app's websockets, and the people's own door."""

import asyncio
import json
import socket
import time
from collections import deque
from collections.abc import Mapping
from threading import Thread
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from bot.sandbox.faults import Fault, Faults
from bot.sandbox.slack2.control import control_routes
from bot.sandbox.slack2.deeds import Deeds
from bot.sandbox.slack2.delivery import Kind, NotAnswered, SignedHttp, Sockets
from bot.sandbox.slack2.entities import Call, JsonObject
from bot.sandbox.slack2.errors import SlackError
from bot.sandbox.slack2.methods import METHODS
from bot.sandbox.slack2.workspace import CHANNEL, Workspace

START_SECONDS = 10

# Slack: about one post a second in a channel, short bursts allowed. Tier 3: 50 calls a minute and more.
POST_BURST, POSTS_A_SECOND = 60, 1.0
TIER_CALLS, TIER_SECONDS = 120, 60.0


class SlackServer:
    """A workspace with one channel, three people and the app. Port 0 takes a free one.

    ``faults`` names the Web API's methods, and ``socket:deliver`` for an envelope on a websocket. With
    ``request_url`` what people do is POSTed there, signed; without it, it goes over the app's websockets.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        bot_token: str = "xoxb-sandbox",  # noqa: S107 - a sandbox's, known to everybody
        app_token: str = "xapp-sandbox",  # noqa: S107 - as above
        signing_secret: str = "sandbox-signing-secret",  # noqa: S107 - as above
        request_url: str | None = None,
        command: str = "/onboard",
    ) -> None:
        self.host = host
        self.bot_token = bot_token
        self.app_token = app_token
        self.signing_secret = signing_secret
        self.request_url = request_url
        self.workspace = Workspace()
        self.faults = Faults()
        self._port = port
        self._sockets = Sockets(self.faults)
        self._deeds = Deeds(self.workspace, self._deliver, command=command, base_url=lambda: self.url)
        self._posts: dict[str, tuple[float, float]] = {}
        self._calls: dict[str, deque[float]] = {}
        self._server: uvicorn.Server | None = None
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        """Where the server is."""
        return f"http://{self.host}:{self._port}"

    @property
    def api_url(self) -> str:
        """The Web API's base address, as ``WebClient(base_url=…)`` takes it."""
        return f"{self.url}/api/"

    def start(self) -> Self:
        """Serve in a thread of its own; return when it answers."""
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((self.host, self._port))
        self._port = listening.getsockname()[1]
        config = uvicorn.Config(
            self._app(), access_log=False, log_config=None, lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, args=([listening],), name="sandbox-slack", daemon=True)
        self._thread.start()
        until = time.monotonic() + START_SECONDS
        while not self._server.started:
            if time.monotonic() > until or not self._thread.is_alive():
                raise RuntimeError("The sandbox's Slack did not start.")
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """Stop serving; the workspace stays as it is."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(START_SECONDS)
            self._server = self._thread = None

    def __enter__(self) -> Self:
        return self if self._thread is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/{method}", self._api, methods=["GET", "POST"]),
                Route("/response/{id}", self._respond, methods=["POST"]),
                WebSocketRoute("/link", self._sockets.serve),
                *control_routes(self.workspace, self._deeds, self.faults, CHANNEL[0]),
            ]
        )

    async def _deliver(self, kind: Kind, payload: JsonObject) -> JsonObject:
        if self.request_url is not None:
            return await SignedHttp(self.request_url, self.signing_secret).deliver(kind, payload)
        return await self._sockets.deliver(kind, payload)

    # The Web API.

    async def _api(self, request: Request) -> Response:
        method = str(request.path_params["method"])
        fault = self.faults.take(method)
        if fault is not None and fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.kind in {"rate_limited", "server_error", "drop_before"}:
            return self._logged(method, {}, _faulty(fault))
        arguments: dict[str, Any] = {}
        try:
            arguments = await _arguments(request)
            self._authorize(method, request, arguments)
            wait = self._wait_for_turn(method, arguments)
            if wait:
                return self._logged(method, arguments, _too_many(wait))
            body = {"ok": True, **self._call(method, arguments)}
        except SlackError as refused:
            body = refused.as_json()
        if fault is not None and fault.kind == "drop_after":
            return self._logged(method, arguments, CutConnection())
        return self._logged(method, arguments, JSONResponse(body))

    def _call(self, method: str, arguments: Mapping[str, Any]) -> JsonObject:
        if method == "apps.connections.open":
            address = self.url.replace("http://", "ws://")
            return {"url": f"{address}/link?ticket={self._sockets.new_ticket()}&app_id=A0SANDBOX"}
        if method not in METHODS:
            raise SlackError("unknown_method", req_method=method)
        with self.workspace.locked():
            return METHODS[method](self.workspace, arguments)

    def _authorize(self, method: str, request: Request, arguments: dict[str, Any]) -> None:
        header = request.headers.get("Authorization", "")
        token = header.removeprefix("Bearer ") if header else str(arguments.pop("token", ""))
        arguments.pop("token", None)
        if not token:
            raise SlackError("not_authed")
        needed = self.app_token if method == "apps.connections.open" else self.bot_token
        if token != needed:
            other = {self.app_token, self.bot_token} - {needed}
            raise SlackError("not_allowed_token_type" if token in other else "invalid_auth")

    def _wait_for_turn(self, method: str, arguments: Mapping[str, Any]) -> int:
        """Return for how many seconds a call comes too early; 0 when it may go on."""
        now = time.monotonic()
        if method == "chat.postMessage":
            channel = str(arguments.get("channel", ""))
            tokens, since = self._posts.get(channel, (float(POST_BURST), now))
            tokens = min(float(POST_BURST), tokens + (now - since) * POSTS_A_SECOND)
            if tokens < 1:
                return 1
            self._posts[channel] = (tokens - 1, now)
            return 0
        recent = self._calls.setdefault(method, deque())
        while recent and now - recent[0] > TIER_SECONDS:
            recent.popleft()
        if len(recent) >= TIER_CALLS and method != "auth.test":
            return max(1, int(TIER_SECONDS - (now - recent[0])))
        recent.append(now)
        return 0

    def _logged(self, method: str, arguments: JsonObject, answer: Response) -> Response:
        body = {} if isinstance(answer, CutConnection) else json.loads(bytes(answer.body) or b"{}")
        status = 0 if isinstance(answer, CutConnection) else answer.status_code
        self.workspace.calls.append(Call(method, arguments, status, body, self.workspace.clock()))
        return answer

    async def _respond(self, request: Request) -> Response:
        try:
            link = self.workspace.use_response_url(str(request.path_params["id"]))
        except SlackError as refused:
            return JSONResponse(refused.as_json(), status_code=404)
        body = await request.json()
        in_channel = body.get("response_type") == "in_channel"
        self.workspace.post(
            link.channel,
            self.workspace.bot.id,
            text=str(body.get("text", "")),
            blocks=body.get("blocks"),
            thread_ts=link.thread_ts,
            ephemeral_to=None if in_channel else link.user,
        )
        return JSONResponse({"ok": True})


class CutConnection(Response):
    """No answer at all: the connection is closed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close the socket under the server's feet."""
        del receive
        transport = getattr(send, "__self__", None)
        transport = getattr(transport, "transport", None)
        if transport is not None:
            transport.abort()
            return
        await HTMLResponse("", status_code=500, headers={"Connection": "close"})(scope, _nothing, send)


async def _nothing() -> Any:
    return {"type": "http.disconnect"}


async def _arguments(request: Request) -> dict[str, Any]:
    """Read a JSON or form body and the query, as the real one does."""
    found: dict[str, Any] = dict(request.query_params)
    content_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
    if content_type == "application/json":
        body = await request.body()
        try:
            given = json.loads(body) if body else {}
        except ValueError as wrong:
            raise SlackError("invalid_json") from wrong
        if not isinstance(given, dict):
            raise SlackError("json_not_object")
        return found | given
    form: FormData = await request.form()
    return found | {name: value for name, value in form.items() if isinstance(value, str)}


def _faulty(fault: Fault) -> Response:
    match fault.kind:
        case "rate_limited":
            return _too_many(max(1, int(fault.seconds)))
        case "server_error":
            return JSONResponse({"ok": False, "error": "internal_error"}, status_code=fault.status)
        case _:
            return CutConnection()


def _too_many(seconds: int) -> Response:
    body = {"ok": False, "error": "ratelimited"}
    return JSONResponse(body, status_code=429, headers={"Retry-After": str(seconds)})


__all__ = ["NotAnswered", "SlackServer"]
