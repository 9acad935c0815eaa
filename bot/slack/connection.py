"""The Web API client: built at its first use, waiting out a rate limit, its errors in our words."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from http.client import HTTPException
from json import JSONDecodeError
from threading import Lock
from urllib.request import Request, urlopen

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from bot.onboarding.errors import RefusedThere, TurnedAway, Unavailable
from bot.onboarding.peers import Peers
from bot.slack.settings import SlackSettings

# What an administrator can do about Slack's refusals.
REMEDIES = {
    "not_in_channel": "invite the bot to the channel",
    "channel_not_found": "check SLACK__CHANNEL and invite the bot to it",
    "is_archived": "unarchive the channel or set another SLACK__CHANNEL",
    "restricted_action": "let the app post in the channel",
    "message_not_found": "the message was deleted in Slack",
    "not_authed": "set SLACK__BOT_TOKEN, and SLACK__APP_TOKEN for Socket Mode",
    "invalid_auth": "renew SLACK__BOT_TOKEN, or SLACK__APP_TOKEN when it is the socket that does not open",
    "not_allowed_token_type": "SLACK__BOT_TOKEN begins with xoxb-, SLACK__APP_TOKEN with xapp-",
    "token_revoked": "renew SLACK__BOT_TOKEN",
    "token_expired": "renew SLACK__BOT_TOKEN",
    "account_inactive": "install the app again",
    "missing_scope": "install the app again with the scopes of `onboarding-bot manifest`",
}

# These pass by themselves.
RATE_LIMITED = frozenset({"ratelimited", "rate_limited"})
PASSING = RATE_LIMITED | {"internal_error", "fatal_error", "service_unavailable"}

# A click or a command carries a key for opening one modal, once and within three seconds.
TRIGGER_USED = "exchanged_trigger_id"
TRIGGER_LATE = "expired_trigger_id"


class SlackRefused(RefusedThere):
    """Slack answered that it will not do this; ``error`` is its own word for why. A person must act."""

    def __init__(self, error: str, remedy: str | None) -> None:
        super().__init__("Slack", f"{error}: {remedy}" if remedy else error)
        self.error = error


class SlackConnection:
    """One client for all threads."""

    def __init__(self, settings: SlackSettings, peers: Peers | None = None, *, waits: bool = True) -> None:
        """``peers`` hears how each use went; ``waits``: a rate limit is waited out."""
        self.settings = settings
        self._waits = waits
        self._peers = peers
        self._client: WebClient | None = None
        self._building = Lock()

    def hurried(self, seconds: int) -> "SlackConnection":
        """Return a connection for what is worth no more than so many seconds: it gives up then, and at a rate limit."""
        settings = self.settings.model_copy(update={"timeout_seconds": seconds})
        return SlackConnection(settings, self._peers, waits=False)

    def _web_client(self) -> WebClient:
        with self._building:
            if self._client is None:
                assert self.settings.bot_token is not None
                self._client = WebClient(
                    token=self.settings.bot_token.get_secret_value(),
                    base_url=self.settings.api_url,
                    timeout=self.settings.timeout_seconds,
                    # A 429 is waited out: nothing was done. Left to itself the library also sends again after a lost
                    # connection, and what it had posted would stand there twice: we look first.
                    retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=2 if self._waits else 0)],
                )
            return self._client

    def upload(self, url: str, content: bytes) -> None:
        """Send a file's bytes to the address that Slack has given for them; call it within ``client``."""
        headers = {"Content-Type": "application/octet-stream"}
        request = Request(url, data=content, method="POST", headers=headers)  # noqa: S310 - the address is Slack's own
        with urlopen(request, timeout=self.settings.timeout_seconds) as answer:  # noqa: S310 - the same
            answer.read()

    @contextmanager
    def client(self) -> Iterator[WebClient]:
        """Give the client. Raises Unavailable for whatever Slack does not do now, with what to do about it."""
        with ExitStack() as told:
            if self._peers is not None:
                told.enter_context(self._peers.calling("slack api", Unavailable))
            try:
                yield self._web_client()
            except (SlackClientError, OSError, HTTPException, JSONDecodeError) as trouble:
                raise in_our_words(trouble) from trouble


def in_our_words(trouble: Exception) -> Unavailable:
    """Return what the library's error means: SlackRefused when Slack said no, Unavailable when it may say yes later."""
    if not isinstance(trouble, SlackApiError):
        was_reached = not isinstance(getattr(trouble, "reason", None), ConnectionRefusedError)
        kind = Unavailable if was_reached else TurnedAway
        return kind("Slack", f"no answer ({type(trouble).__name__})")
    answer = trouble.response
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable("Slack", f"answered {answer.status_code}")
    error = str(answer.get("error") or answer.status_code)[:100]
    if error in PASSING or answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        given = str(answer.headers.get("Retry-After") or answer.headers.get("retry-after") or "")
        is_rate = error in RATE_LIMITED or answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
        kind = TurnedAway if is_rate else Unavailable
        return kind("Slack", error, retry_after=float(given) if given.isdecimal() else None)
    return SlackRefused(error, REMEDIES.get(error))
