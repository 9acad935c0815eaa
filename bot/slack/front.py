"""Slack's events coming in: over a socket that the bot opens, or by HTTP at ``/slack/events``.

The library's App calls Slack when it is built, so it is built when it is first needed; a Slack that is down at the
start means trying again, not a bot that does not boot.
"""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from threading import Event, Thread
from time import monotonic
from typing import Any, Protocol

import structlog
from pydantic import SecretStr
from slack_bolt import App, BoltResponse
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_sdk import WebClient
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from bot.onboarding.homes import Homes
from bot.onboarding.packs import Packs
from bot.onboarding.service import Onboardings
from bot.slack.arrivals import Arrivals, TimedApp
from bot.slack.clicks import Clicks
from bot.slack.connection import SlackConnection, in_our_words
from bot.slack.corrections import Corrections
from bot.slack.desk import Export
from bot.slack.dropped_files import DroppedFiles
from bot.slack.home_listeners import HomeListeners
from bot.slack.listeners import Listeners
from bot.slack.readers import ContextExecutor, Readers
from bot.slack.replies import TicketReplyListener
from bot.slack.settings import SlackSettings
from bot.slack.shortcuts import Shortcuts
from bot.slack.trail_notes import TrailNotes

log = structlog.stdlib.get_logger()

# So many events are answered at a time.
LISTENERS = 5

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0

# A socket that is not closed by then is left to the process's end.
CLOSING_SECONDS = 10.0

# A connection that is gone without a word is noticed after five pings unanswered.
PING_SECONDS = 5


class MoreListeners(Protocol):
    """The listeners of one part of the bot."""

    def register(self, app: App) -> None:
        """Register every listener."""


class SlackFront:
    """The way in. ``start`` and ``stop`` are for Socket Mode; ``request_handler`` is for HTTP.

    ``clicks`` is to be started and stopped in both.
    """

    def __init__(
        self,
        connection: SlackConnection,
        onboardings: Onboardings,
        packs: Packs,
        readers: Readers,
        clicks: Clicks,
        arrivals: Arrivals | None = None,
        more: Sequence[MoreListeners] = (),
        *,
        homes: Homes | None = None,
        replies: TicketReplyListener | None = None,
        export: Export | None = None,
    ) -> None:
        """``readers`` knows the language of whoever is answered.

        ``arrivals`` hears of each event that was answered, and of requests that are not Slack's. Without ``homes``
        there is no Home tab. ``more`` are the listeners of other parts: the form's, the digest's. ``replies`` hears
        what is said to tickets, beside files too. ``export`` writes an onboarding's dossier into a folder.
        """
        self._connection = connection
        self._arrivals = arrivals or Arrivals()
        self._readers = readers
        self.clicks = clicks
        listeners = Listeners(connection, onboardings, packs, readers, clicks, export)
        # Of two that hear an event the first has it: the narrower ones come first.
        self._listeners: tuple[MoreListeners, ...] = (
            DroppedFiles(connection, onboardings, readers, [replies.take_beside_files] if replies is not None else []),
            listeners,
            Corrections(connection, onboardings, readers),
            *([HomeListeners(connection, readers, homes, listeners.open_start)] if homes is not None else []),
            Shortcuts(connection, readers, listeners.open_start),
            TrailNotes(connection, readers, onboardings),
            *more,
            *([replies] if replies is not None else []),
        )
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
            _close(self._socket)
            self._socket = None

    def request_handler(self) -> Callable[[Request], Awaitable[Response]]:
        """Return the handler of POST /slack/events; signatures are checked by the library."""
        app = self._app()

        async def handle(request: Request) -> Response:
            body = await request.body()
            # The library's own handler would wait for the listener on the event loop, and every page with it.
            return to_starlette_response(await run_in_threadpool(app.dispatch, to_bolt_request(request, body)))

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
                log.warning("slack_socket_away", reason=in_our_words(away).reason, pause=pause)
                _close(socket)
                self._stopping.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            self._socket = socket
            log.info("slack_socket_open")
            return

    def _app(self) -> App:
        settings: SlackSettings = self._connection.settings
        secret = settings.signing_secret
        app = TimedApp(
            self._arrivals,
            # Events are let in by what follows; whatever goes out goes through the connection.
            client=WebClient(base_url=settings.api_url, timeout=settings.timeout_seconds),
            signing_secret=secret.get_secret_value() if secret else "unused-in-socket-mode",
            token_verification_enabled=False,
            authorize=_authorized(settings.bot_token),
            listener_executor=ContextExecutor(LISTENERS),
            raise_error_for_unhandled_request=True,
        )
        app.use(self._readers.middleware)
        app.error(_answered)
        for listeners in self._listeners:
            listeners.register(app)
        return app


def _close(socket: SocketModeHandler) -> None:
    """Close a socket.

    The library's listening thread may begin to listen while it is closed, forgets then that it was told to end, and
    would be waited for without end: it is told until it has heard.
    """
    closing = Thread(target=socket.close, name="slack-socket-closing", daemon=True)
    closing.start()
    until = monotonic() + CLOSING_SECONDS
    while closing.is_alive() and monotonic() < until:
        socket.client.current_session_state.terminated = True
        closing.join(0.1)
    if closing.is_alive():
        log.warning("slack_socket_not_closed")


def _answered(error: Exception, body: dict[str, Any]) -> BoltResponse:
    """Take an event that nobody here has use for (every message of the channel is told), or Slack tells it again."""
    if isinstance(error, BoltUnhandledRequestError) and body.get("type") == "event_callback":
        return BoltResponse(status=HTTPStatus.OK)
    log.error("slack_request_unanswered", type=body.get("type"), reason=type(error).__name__, exc_info=error)
    return BoltResponse(status=HTTPStatus.NOT_FOUND)


def _authorized(token: SecretStr | None) -> Callable[[str | None, str | None], AuthorizeResult]:
    """Use the one token there is: left to itself the library asks Slack first, and loses a click when Slack is away."""

    # The library tells the arguments by their names and knows no methods.
    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        assert token is not None
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token.get_secret_value())

    return authorize
