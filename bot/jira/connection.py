"""The jira client, of Data Center or Cloud: built at its first use, retrying no write, its errors in our words."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from threading import Lock
from typing import Any

import requests
from jira import JIRA, JIRAError
from urllib3.exceptions import NewConnectionError

from bot.jira.settings import JiraSettings
from bot.onboarding.errors import OnboardingError, TurnedAway, Unavailable
from bot.onboarding.peers import Peers

REFUSED_ADVICE = "jira.refused_advice"


class JiraRefused(OnboardingError):
    """Jira answered no.

    ``status`` is the HTTP status, ``reason`` Jira's own words, without headers or tokens, ``advice`` the id of the
    catalogue's text on what to do (its ``{url}`` is Jira's address).
    """

    def __init__(self, status: int, reason: str, *, advice: str = REFUSED_ADVICE) -> None:
        super().__init__(f"Jira answers {status}: {reason}")
        self.status = status
        self.reason = reason
        self.advice = advice

    @property
    def is_wrong_account(self) -> bool:
        """Whether the settings hold an account of Data Center for a Cloud, or the other way round."""
        return self.advice != REFUSED_ADVICE


class JiraAccountRefused(JiraRefused):
    """Jira does not take the account at all (401), or not for this (403)."""


class JiraConnection:
    """One client for all threads. The constructor of JIRA calls the server, so it waits for the first use."""

    def __init__(self, settings: JiraSettings, peers: Peers | None = None) -> None:
        """``peers`` hears how each use went."""
        self.settings = settings
        self._peers = peers
        self._client: JIRA | None = None
        self._building = Lock()

    @contextmanager
    def client(self) -> Iterator[JIRA]:
        """Give the client. Raises Unavailable when the server does not answer, JiraRefused when it answers no."""
        with ExitStack() as told:
            if self._peers is not None:
                told.enter_context(self._peers.calling("jira", Unavailable, JiraAccountRefused))
            try:
                yield self._built()
            except JIRAError as error:
                raise _in_our_words(error) from error
            except requests.RequestException as lost:
                raise _lost(lost) from lost

    def address(self, key: str) -> str:
        """Return where people open an issue."""
        return f"{self.settings.url.rstrip('/')}/browse/{key}"

    def _built(self) -> JIRA:
        with self._building:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> JIRA:
        """Log in: on Cloud with an address and its API token, on Data Center with a personal access token.

        The client asks the server which of the two it is; a credential of the wrong kind is refused with the setting
        to change.
        """
        settings = self.settings
        token = settings.token.get_secret_value()
        try:
            if settings.email:
                return self._client_of(basic_auth=(settings.email, token))
            return self._client_of(token_auth=token)
        except JIRAError as error:
            if error.status_code in {401, 403}:
                self._check_kind_of_account(error)
            raise

    def _check_kind_of_account(self, error: JIRAError) -> None:
        """Raise JiraRefused where the account's kind is not the server's; nothing where that is not the reason."""
        try:
            stranger = self._client_of()
        except (JIRAError, requests.RequestException):
            return
        kind = stranger.deploymentType
        stranger.close()  # type: ignore[no-untyped-call] # the client has no annotation there
        if (kind == "Cloud") != self.settings.is_cloud:
            advice, why = (
                ("jira.email_missing", "this is Jira Cloud and JIRA__EMAIL is not set")
                if kind == "Cloud"
                else ("jira.email_too_much", "this is a Jira Data Center and JIRA__EMAIL is set")
            )
            raise JiraAccountRefused(int(error.status_code or 0), f"{_reason(error)} ({why})", advice=advice) from error

    def _client_of(self, **account: Any) -> JIRA:
        return JIRA(
            server=self.settings.url.rstrip("/"),
            # The client would send a POST again after a lost answer: two issues. We look first.
            max_retries=0,
            timeout=self.settings.timeout_seconds,
            **account,
        )


def _in_our_words(error: JIRAError) -> OnboardingError:
    # str(JIRAError) holds headers and bodies: only the status and Jira's own text may go on.
    status = int(error.status_code or 0)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return TurnedAway("Jira", f"answers {status}", retry_after=_retry_after(error))
    if status in {0, 408} or status >= 500:
        return Unavailable("Jira", f"answers {status}" if status else "no answer", retry_after=_retry_after(error))
    return (JiraAccountRefused if status in {401, 403} else JiraRefused)(status, _reason(error))


def _lost(lost: requests.RequestException) -> Unavailable:
    """Return what a lost connection means: one that was never made has carried nothing."""
    cause = getattr(lost.args[0], "reason", None) if lost.args else None
    was_reached = not isinstance(lost, requests.ConnectTimeout) and not isinstance(cause, NewConnectionError)
    kind = Unavailable if was_reached else TurnedAway
    return kind("Jira", f"no answer ({type(lost).__name__})")


def _reason(error: JIRAError) -> str:
    return " ".join((error.text or "").split())[:300]


def _retry_after(error: JIRAError) -> float | None:
    given = error.response.headers.get("Retry-After", "") if error.response is not None else ""
    return float(given) if given.isdecimal() else None
