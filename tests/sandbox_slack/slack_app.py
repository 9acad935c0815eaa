"""An app for the tests on the real Socket Mode client, a clock to move, and patience."""

import time
from collections.abc import Callable
from threading import Thread
from typing import Any

from slack_sdk import WebClient
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.sandbox.slack import SlackServer


class MovableClock:
    """Time that stands where a test puts it, ahead of the real one."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class SocketApp:
    """An app on the real Socket Mode client: records every envelope and answers as the test wants."""

    def __init__(self, server: SlackServer) -> None:
        self.requests: list[SocketModeRequest] = []
        self.answer: Callable[[SocketModeRequest], dict[str, Any] | None] = lambda _request: None
        self._server = server
        web = WebClient(token=server.bot_token, base_url=server.api_url)
        self.client = SocketModeClient(app_token=server.app_token, web_client=web, ping_interval=1)
        self.client.socket_mode_request_listeners.append(self._handle)
        self.client.connect()
        eventually(lambda: server.sockets >= 1)

    def _handle(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        self.requests.append(request)
        client.send_socket_mode_response(SocketModeResponse(request.envelope_id, self.answer(request)))

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [request.payload for request in self.requests]

    def close(self) -> Thread:
        """Stop at once."""
        return end(self._server, self.client)


def end(server: SlackServer, client: SocketModeClient) -> Thread:
    """Stop a client; its own threads take a second to end, in the thread returned, which nobody needs to wait for."""
    client.default_auto_reconnect_enabled = client.auto_reconnect_enabled = False
    server.drop_sockets()
    # Closed while it still reads, the client trips over its own two threads.
    eventually(lambda: not client.is_connected())
    ending = Thread(target=client.close)
    ending.start()
    return ending


def eventually(condition: Callable[[], object], seconds: float = 5.0) -> Any:
    """The condition's first true value; fails when it does not come."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError("it never happened")
