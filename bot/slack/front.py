"""Slack's events coming in: over a socket that the bot opens, or by HTTP at ``/slack/events``.

The library's App calls Slack when it is built, so it is built when it is first needed; a Slack that is down at the
start means trying again, not a bot that does not boot.
"""

from collections.abc import Awaitable, Callable
from threading import Event, Thread

import structlog
from slack_bolt import App
from slack_bolt.adapter.fastapi import SlackRequestHandler
from slack_bolt.adapter.socket_mode import SocketModeHandler
from starlette.requests import Request
from starlette.responses import Response

from bot.onboarding.packs import Packs
from bot.onboarding.service import Onboardings
from bot.slack.connection import SlackConnection
from bot.slack.listeners import Listeners
from bot.slack.settings import SlackSettings
from checklists.model import Language

log = structlog.stdlib.get_logger()

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0

# A connection that is gone without a word is noticed after five pings unanswered.
PING_SECONDS = 5


class SlackFront:
    """The way in. ``start`` and ``stop`` are for Socket Mode; ``request_handler`` is for HTTP."""

    def __init__(self, connection: SlackConnection, onboardings: Onboardings, packs: Packs, language: Language) -> None:
        self._connection = connection
        self._listeners = Listeners(connection, onboardings, packs, language)
        self._stopping = Event()
        self._thread: Thread | None = None
        self._socket: SocketModeHandler | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the socket is open now."""
        return self._socket is not None and bool(self._socket.client.is_connected())

    def start(self) -> None:
        """Connect in the background, for as long as it takes; the library reconnects by itself afterwards."""
        self._stopping.clear()
        self._thread = Thread(target=self._connect, name="slack-socket", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the socket."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(10)
        if self._socket is not None:
            self._socket.close()  # type: ignore[no-untyped-call]
            self._socket = None

    def request_handler(self) -> Callable[[Request], Awaitable[Response]]:
        """Return the handler of POST /slack/events; signatures are checked by the library."""
        handler = SlackRequestHandler(self._app())

        async def handle(request: Request) -> Response:
            answer: Response = await handler.handle(request)
            return answer

        return handle

    def _connect(self) -> None:
        settings: SlackSettings = self._connection.settings
        assert settings.app_token is not None
        app, pause = self._app(), FIRST_PAUSE
        while not self._stopping.is_set():
            socket = SocketModeHandler(app, settings.app_token.get_secret_value(), ping_interval=PING_SECONDS)
            try:
                socket.connect()  # type: ignore[no-untyped-call]
            except Exception as away:  # noqa: BLE001 - whatever it is, Slack is not there yet
                log.warning("slack_socket_away", reason=type(away).__name__, pause=pause)
                socket.close()  # type: ignore[no-untyped-call]
                self._stopping.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            self._socket = socket
            log.info("slack_socket_open")
            return

    def _app(self) -> App:
        settings: SlackSettings = self._connection.settings
        secret = settings.signing_secret
        app = App(
            client=self._connection.web_client(),
            signing_secret=secret.get_secret_value() if secret else "unused-in-socket-mode",
            token_verification_enabled=False,
        )
        self._listeners.register(app)
        return app
