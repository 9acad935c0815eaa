"""The jira client: built at its first use, never retrying a write by itself, its errors in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import requests
from jira import JIRA, JIRAError

from bot.jira.settings import JiraSettings
from bot.onboarding.errors import OnboardingError, Unavailable


class JiraRefused(OnboardingError):
    """Jira answered no. ``status`` is the HTTP status, ``reason`` Jira's own words, without headers or tokens."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"Jira answers {status}: {reason}")
        self.status = status
        self.reason = reason


class JiraConnection:
    """One client for all threads. The constructor of JIRA calls the server, so it waits for the first use."""

    def __init__(self, settings: JiraSettings) -> None:
        self.settings = settings
        self._client: JIRA | None = None
        self._building = Lock()

    @contextmanager
    def client(self) -> Iterator[JIRA]:
        """Give the client. Raises Unavailable when the server does not answer, JiraRefused when it answers no."""
        try:
            yield self._built()
        except JIRAError as error:
            raise _in_our_words(error) from error
        except requests.RequestException as lost:
            raise Unavailable("Jira", f"no answer ({type(lost).__name__})") from lost

    def address(self, key: str) -> str:
        """Return where people open an issue."""
        return f"{self.settings.url.rstrip('/')}/browse/{key}"

    def _built(self) -> JIRA:
        with self._building:
            if self._client is None:
                settings = self.settings
                token = settings.token.get_secret_value()
                self._client = JIRA(
                    server=settings.url.rstrip("/"),
                    basic_auth=(settings.email, token) if settings.email else None,
                    token_auth=None if settings.email else token,
                    # The client would send a POST again after a lost answer: two issues. We look first.
                    max_retries=0,
                    timeout=settings.timeout_seconds,
                )
            return self._client


def _in_our_words(error: JIRAError) -> OnboardingError:
    # str(JIRAError) holds headers and bodies: only the status and Jira's own text may go on.
    status = int(error.status_code or 0)
    reason = " ".join((error.text or "").split())[:300]
    if status in {0, 408, 429} or status >= 500:
        return Unavailable("Jira", f"answers {status}" if status else "no answer", retry_after=_retry_after(error))
    return JiraRefused(status, reason)


def _retry_after(error: JIRAError) -> float | None:
    given = error.response.headers.get("Retry-After", "") if error.response is not None else ""
    return float(given) if given.isdecimal() else None
