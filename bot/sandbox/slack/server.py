"""The sandbox Slack as a server on loopback, in a thread of its own."""

import asyncio
import socket
import time
from collections.abc import Collection, Mapping, Sequence
from threading import Thread
from types import TracebackType
from typing import Self

import uvicorn
from fastapi import FastAPI

from bot.sandbox.faults import Faults
from bot.sandbox.slack.app_routes import app_routes
from bot.sandbox.slack.connection import CuttableProtocol
from bot.sandbox.slack.control_api import add_control_api
from bot.sandbox.slack.envelopes import Ack, Envelope
from bot.sandbox.slack.http_mode import HttpMode
from bot.sandbox.slack.page import Page, page_routes
from bot.sandbox.slack.people import People, ShortcutKind
from bot.sandbox.slack.rate_limits import RateLimits
from bot.sandbox.slack.socket_mode import SocketMode
from bot.sandbox.slack.web_api import WebApi
from bot.sandbox.slack.workspace import Workspace

_START_SECONDS = 10.0

# What the app of the sandbox is installed with: the events and shortcuts of the bot's manifest.
EVENTS = ("app_home_opened", "message.channels", "message.groups")
SHORTCUTS: Mapping[str, ShortcutKind] = {
    "start_activation": "global",
    "start_from_message": "message",
    "note_to_trail": "message",
}


class SlackServer:
    """A strict Slack: Web API, Socket Mode, signed delivery to ``request_url``, and people who click.

    ``request_url`` (also settable while it runs) switches delivery from Socket Mode to HTTP. ``scopes`` limits what
    the bot token may do; ``events`` and ``shortcuts`` are what the app is installed with. Start it, or use it as a
    context manager; ``port`` 0 takes a free one.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        bot_token: str = "xoxb-sandbox",  # noqa: S107 -- a sandbox's, known to everybody
        app_token: str = "xapp-sandbox",  # noqa: S107 -- as above
        signing_secret: str = "sandbox-signing-secret",  # noqa: S107 -- as above
        request_url: str | None = None,
        command: str = "/onboard",
        workspace: Workspace | None = None,
        rate_limits: RateLimits | None = None,
        scopes: Collection[str] | None = None,
        events: Collection[str] = EVENTS,
        shortcuts: Mapping[str, ShortcutKind] = SHORTCUTS,
        retry_seconds: Sequence[float] = (0.0, 60.0, 300.0),
        redelivery_seconds: Sequence[float] = (),
    ) -> None:
        self.bot_token = bot_token
        self.app_token = app_token
        self.signing_secret = signing_secret
        self.faults = Faults()
        self.workspace = workspace or Workspace()
        self._command = command
        self._host = host
        self._port = port
        self._sockets = SocketMode(self.workspace, self.faults)
        self._http = HttpMode(signing_secret, self.faults, self.workspace.clock)
        self._http.request_url = request_url
        self._web_api = WebApi(
            self.workspace,
            self.faults,
            rate_limits or RateLimits(),
            bot_token=bot_token,
            app_token=app_token,
            scopes=None if scopes is None else frozenset(scopes),
            extra={"apps.connections.open": self._sockets.open_connection},
        )
        self.people = People(
            self.workspace,
            self,
            commands=(command,),
            events=[event for event in events if self._web_api.hears(event)],
            retry_seconds=retry_seconds,
            redelivery_seconds=redelivery_seconds,
            shortcuts=shortcuts,
        )
        self._server: uvicorn.Server | None = None
        self._thread: Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``; empty before the start."""
        return self.workspace.url

    @property
    def api_url(self) -> str:
        """The base URL for a WebClient, ending in ``/api/``."""
        return f"{self.url}/api/"

    @property
    def request_url(self) -> str | None:
        """Where commands, interactions and events are posted; None for Socket Mode."""
        return self._http.request_url

    @request_url.setter
    def request_url(self, value: str | None) -> None:
        self._http.request_url = value

    @property
    def sockets(self) -> int:
        """How many Socket Mode connections take envelopes now."""
        return self._sockets.connected

    async def deliver(self, envelope: Envelope) -> Ack:
        """Bring an envelope to the app the way that is configured."""
        return await (self._http if self._http.request_url else self._sockets).deliver(envelope)

    def drop_sockets(self) -> None:
        """Cut every Socket Mode connection without a word."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._sockets.drop)

    def disconnect_sockets(self, reason: str = "refresh_requested") -> None:
        """Ask every Socket Mode client to reconnect."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._sockets.disconnect(reason), self._loop).result()

    def start(self) -> Self:
        """Listen, and return itself when requests are answered. Raises OSError when the port is taken."""
        listener = socket.create_server((self._host, self._port))
        self._port = listener.getsockname()[1]
        self.workspace.url = f"http://{self._host}:{self._port}"
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.include_router(app_routes(self.workspace, self._web_api, self._sockets))
        app.include_router(page_routes(Page(self.workspace, self.people, self._command), **self._visitor()))
        add_control_api(app, self.workspace, self.people, self.faults, self._sockets)
        config = uvicorn.Config(
            app,
            http=CuttableProtocol,
            ws="websockets-sansio",
            log_level="error",
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._run, args=(listener,), name="sandbox-slack", daemon=True)
        self._thread.start()
        until = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if time.monotonic() > until or not self._thread.is_alive():
                raise RuntimeError(f"the sandbox Slack did not start on {self.url}")
            time.sleep(0.005)
        return self

    def _visitor(self) -> dict[str, str]:
        """Who looks at which channel when the page is asked for neither."""
        people = [user.id for user in self.workspace.users.values() if not user.is_bot]
        return {"user": people[0], "channel": next(iter(self.workspace.channels))}

    def _run(self, listener: socket.socket) -> None:
        asyncio.run(self._serve(listener))

    async def _serve(self, listener: socket.socket) -> None:
        if self._server is not None:
            self._loop = asyncio.get_running_loop()
            await self._server.serve(sockets=[listener])

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._server is None or self._thread is None:
            return
        self.drop_sockets()
        self._server.should_exit = True
        self._thread.join()
        self._server = self._thread = self._loop = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
