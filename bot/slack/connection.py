"""The Web API client: built at its first use, waiting out a rate limit, its errors in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from bot.onboarding.errors import Unavailable
from bot.slack.settings import SlackSettings

# What an administrator can do about Slack's refusals.
REMEDIES = {
    "not_in_channel": "invite the bot to the channel",
    "channel_not_found": "check SLACK__CHANNEL and invite the bot to it",
    "is_archived": "unarchive the channel or set another SLACK__CHANNEL",
    "invalid_auth": "renew SLACK__BOT_TOKEN",
    "token_revoked": "renew SLACK__BOT_TOKEN",
    "token_expired": "renew SLACK__BOT_TOKEN",
    "account_inactive": "install the app again",
    "missing_scope": "install the app again with the scopes of `onboarding-bot manifest`",
}


class SlackConnection:
    """One client for all threads."""

    def __init__(self, settings: SlackSettings) -> None:
        self.settings = settings
        self._client: WebClient | None = None
        self._building = Lock()

    def web_client(self) -> WebClient:
        """Return the bare client, for the library's own use."""
        with self._building:
            if self._client is None:
                assert self.settings.bot_token is not None
                self._client = WebClient(
                    token=self.settings.bot_token.get_secret_value(),
                    base_url=self.settings.api_url,
                    timeout=self.settings.timeout_seconds,
                    # A 429 is waited out: nothing was done. Left to itself the library also sends again after a lost
                    # connection, and what it had posted would stand there twice: we look first.
                    retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=2)],
                )
            return self._client

    @contextmanager
    def client(self) -> Iterator[WebClient]:
        """Give the client. Raises Unavailable for whatever Slack does not do now, with what to do about it."""
        try:
            yield self.web_client()
        except SlackApiError as refused:
            raise _in_our_words(refused) from refused
        except (SlackClientError, OSError) as lost:
            raise Unavailable("Slack", f"no answer ({type(lost).__name__})") from lost


def _in_our_words(refused: SlackApiError) -> Unavailable:
    error = str(refused.response.get("error") or refused.response.status_code)
    given = str(refused.response.headers.get("Retry-After") or refused.response.headers.get("retry-after") or "")
    remedy = REMEDIES.get(error)
    return Unavailable(
        "Slack", f"{error}: {remedy}" if remedy else error, retry_after=float(given) if given.isdecimal() else None
    )
