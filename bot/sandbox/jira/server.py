"""The sandbox's Jira: a strict double of Jira Data Center 9, or Cloud, on loopback, for the real client to talk to."""

import asyncio
import socket
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import get_remote_addr
from uvicorn.server import ServerState

from bot.sandbox.event_loop import LoopThread
from bot.sandbox.faults import Faults
from bot.sandbox.jira.attached_endpoints import AttachedEndpoints
from bot.sandbox.jira.cloud_search import CloudSearch
from bot.sandbox.jira.control import Control
from bot.sandbox.jira.gate import Gate, LoggedCall, WriteLimits
from bot.sandbox.jira.issue_endpoints import IssueEndpoints
from bot.sandbox.jira.link_endpoints import LinkEndpoints
from bot.sandbox.jira.pages import Pages
from bot.sandbox.jira.search_endpoints import SearchEndpoints
from bot.sandbox.jira.shapes import Shapes
from bot.sandbox.jira.site import BOT, DATABASE_MEMBER, MANAGER, default_site
from bot.sandbox.jira.site_endpoints import SiteEndpoints
from bot.sandbox.jira.store import JiraStore, now_utc
from bot.sandbox.jira.webhooks import Webhooks

Connections = dict[tuple[str, int], asyncio.Transport]

REST_PATHS = ("/rest/", "/secure/")


class JiraServer:
    """Projects ``ACT`` and ``DB``, three users with a token each, REST v2 and pages for a browser.

    ``token`` is the bot's, ``database_token`` the Data Base team's, ``manager_token`` the manager's. Port 0 takes a
    free one, which a second ``start`` takes again; the state outlives ``stop``. ``upload_limit`` is in bytes.
    ``deployment_type`` is what ``serverInfo`` says: ``Server`` is a Data Center; on ``Cloud`` the tokens count only
    with their owners' mail addresses (``email`` is the bot's, ``database_email`` the team's), people are named by
    account id, and a search goes through ``/search/jql``, whose index is ``index_delay_seconds`` late
    (``store.index.delay_seconds`` changes that). ``faults`` names operations such as
    ``POST /rest/api/2/issue/{key}/comment``. ``write_limits.is_on`` switches on Jira's limit of writes per issue.
    ``webhook_url`` is told of every event, signed with ``webhook_secret``; ``webhooks`` says more, while it runs.
    ``around`` wraps the whole application, for whoever wants to look at each request and its answer.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str = "sandbox-pat",  # noqa: S107 - a sandbox's, known to everybody
        database_token: str = "sandbox-db-pat",  # noqa: S107 - as above
        manager_token: str = "sandbox-manager-pat",  # noqa: S107 - as above
        deployment_type: str = "Server",
        index_delay_seconds: float = 2.0,
        upload_limit: int = 10 * 1024 * 1024,
        webhook_url: str | None = None,
        webhook_secret: str | None = None,
        clock: Callable[[], datetime] = now_utc,
        around: Callable[[ASGIApp], ASGIApp] = lambda application: application,
    ) -> None:
        if deployment_type not in {"Server", "Cloud"}:
            raise ValueError(f"deployment_type {deployment_type!r} is neither 'Server' (a Data Center) nor 'Cloud'.")
        is_cloud = deployment_type == "Cloud"
        if len({token, database_token, manager_token}) != 3:
            raise ValueError("the three users need three different tokens")
        self.faults = Faults()
        self.write_limits = WriteLimits()
        self.store = JiraStore(default_site(is_cloud=is_cloud), clock)
        self.store.index.delay_seconds = index_delay_seconds if is_cloud else 0.0
        self.token = token
        self.database_token = database_token
        self.email = BOT.email if is_cloud else None
        self.database_email = DATABASE_MEMBER.email if is_cloud else None
        self.calls: list[LoggedCall] = []
        self._tokens = {token: BOT.name, database_token: DATABASE_MEMBER.name, manager_token: MANAGER.name}
        self._upload_limit = upload_limit
        self._around = around
        self._host = host
        self._port = port
        self._connections: Connections = {}
        self._running: tuple[LoopThread, asyncio.Server] | None = None
        self._webhook = (webhook_url, webhook_secret)
        self._webhooks: Webhooks | None = None

    @property
    def url(self) -> str:
        """The base address, without a slash at its end; known once the server was started."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def start(self) -> Self:
        """Listen, and return when requests are answered."""
        if self._running is not None:
            raise RuntimeError("the Jira server runs already")
        listening = socket.create_server((self._host, self._port))
        self._port = listening.getsockname()[1]
        self._tell()
        thread = LoopThread("sandbox-jira")
        try:
            self._running = thread, thread.run(self._serve(listening))
        except BaseException:
            thread.stop()
            listening.close()
            raise
        return self

    @property
    def webhooks(self) -> Webhooks:
        """The webhook, whose address and secret may be changed. Raises RuntimeError before the start."""
        if self._webhooks is None:
            raise RuntimeError("the Jira server has not been started")
        return self._webhooks

    def _tell(self) -> None:
        url, secret = self._webhook
        self._webhooks = Webhooks(self.store, Shapes(self.store, self.url), self.faults, url, secret)
        self.store.tell = self._webhooks.tell

    def stop(self) -> None:
        """Close the port and every connection; the state stays. Nothing happens when it does not run."""
        if self._running is None:
            return
        self._webhook = (self.webhooks.url, self.webhooks.secret)
        self.webhooks.stop()
        thread, server = self._running
        self._running = None
        thread.run(self._close(server))
        thread.stop()

    def __enter__(self) -> Self:
        """Start it if it does not run yet."""
        return self if self._running is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    async def _serve(self, listening: socket.socket) -> asyncio.Server:
        config = uvicorn.Config(
            self._around(_Application(self._gate(), self._pages(), self._connections)),
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
        )
        state = ServerState()
        # Uvicorn's own server looks every 0.1 s whether to stop; asyncio's stops at once.
        return await asyncio.get_running_loop().create_server(
            lambda: _Protocol(config, state, self._connections), sock=listening
        )

    async def _close(self, server: asyncio.Server) -> None:
        server.close()
        # Clients keep idle connections, for which wait_closed would wait.
        for transport in list(self._connections.values()):
            transport.abort()
        await server.wait_closed()

    def _gate(self) -> Gate:
        shapes = Shapes(self.store, self.url)
        searching = CloudSearch if self.store.site.is_cloud else SearchEndpoints
        endpoints = [
            *SiteEndpoints(self.store, shapes, self.url, self._upload_limit).endpoints(),
            *IssueEndpoints(self.store, shapes, self.url).endpoints(),
            *AttachedEndpoints(self.store, shapes, self.url, self._upload_limit).endpoints(),
            *LinkEndpoints(self.store, shapes, self.url).endpoints(),
            *searching(self.store, shapes).endpoints(),
        ]
        return Gate(self.store, endpoints, self._tokens, self.faults, self.write_limits, self.calls)

    def _pages(self) -> Starlette:
        shapes = Shapes(self.store, self.url)
        control = Control(self.store, shapes, self.faults, self.calls, self.webhooks)
        return Starlette(routes=[*control.routes(), *Pages(self.store, shapes).routes()])


class _Application:
    """REST through the gate, everything else to the pages; cuts the connection where a fault asks for it."""

    def __init__(self, gate: Gate, pages: ASGIApp, connections: Connections) -> None:
        self._gate = gate
        self._pages = pages
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(REST_PATHS):
            await self._pages(scope, receive, send)
            return
        response = await self._gate.answer(Request(scope, receive))
        if response is not None:
            await response(scope, receive, send)
            return
        transport = self._connections.get(tuple(scope["client"]))
        if transport is not None:
            transport.abort()
        # Uvicorn would answer 500 for an application that says nothing before the connection is gone.
        while (await receive())["type"] != "http.disconnect":
            pass


class _Protocol(H11Protocol):
    """Uvicorn's protocol; it remembers each connection by its peer, as ``scope["client"]`` names it."""

    def __init__(self, config: uvicorn.Config, state: ServerState, connections: Connections) -> None:
        super().__init__(config, state, {})
        self._connections = connections
        self._peer: tuple[str, int] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        # asyncio does this only for sockets that know their protocol number; without it each answer takes 40 ms.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)
        self._peer = get_remote_addr(transport)
        if self._peer is not None:
            self._connections[self._peer] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._peer is not None:
            self._connections.pop(self._peer, None)
        super().connection_lost(exc)
