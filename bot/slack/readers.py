"""Who an event came from, and the language that they read: answers, modals and the Home are in their own.

What stands in the channel for everybody stays in the onboarding's language.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, ParamSpec, TypeVar

import structlog
from slack_bolt import BoltContext, BoltResponse

from bot.onboarding.errors import Unavailable
from bot.onboarding.persons import Persons, Profile
from bot.slack.connection import SlackConnection
from checklists.model import Language

log = structlog.stdlib.get_logger()

P = ParamSpec("P")
T = TypeVar("T")

# Slack waits three seconds for an answer: a person's language must not cost more than one of them.
ASK_SECONDS = 1

_reader: ContextVar[str] = ContextVar("reader", default="")


class Readers:
    """Knows the reader of the answer that is being made; asks Slack for somebody's language once a day."""

    def __init__(self, connection: SlackConnection, fallback: Language, persons: Persons | None = None) -> None:
        """``persons`` keeps what Slack says; without it everybody reads ``fallback``."""
        self._connection = connection.hurried(ASK_SECONDS)
        self._persons = persons
        self.fallback: Language = fallback

    def middleware(self, context: BoltContext, next: Callable[[], BoltResponse]) -> BoltResponse:  # noqa: A002 - the library tells arguments by their names
        """Remember whose event it is, once it is known to be Slack's: for its listener, and until the next event."""
        _reader.set(context.user_id or "")
        return next()

    @contextmanager
    def answering(self, user: str) -> Iterator[None]:
        """Answer somebody whose event came earlier."""
        before = _reader.set(user)
        try:
            yield
        finally:
            _reader.reset(before)

    def language(self) -> Language:
        """Return the language of whoever the event came from."""
        return self.language_of(_reader.get())

    def language_of(self, user: str) -> Language:
        """Return a user's language; the fallback where Slack does not say, or a language that the bot cannot speak."""
        if self._persons is None or not user:
            return self.fallback
        return self._persons.language_by(f"slack:{user}", lambda: self._ask(user))

    def zone_of(self, user: str) -> str | None:
        """Return a user's time zone, None where Slack does not say."""
        if self._persons is None:
            return None
        self.language_of(user)
        return self._persons.zone(f"slack:{user}")

    def _ask(self, user: str) -> Profile | None:
        try:
            with self._connection.client() as client:
                said = client.users_info(user=user, include_locale=True).get("user") or {}
        except Unavailable as away:
            log.warning("language_unknown", user=user, reason=away.reason)
            return None
        return Profile(str(said.get("locale") or ""), str(said.get("tz") or ""))


class ContextExecutor(ThreadPoolExecutor):
    """Runs listeners with what their middleware has set."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function in another thread, in this one's context."""
        run: Callable[..., Any] = copy_context().run
        return super().submit(run, fn, *args, **kwargs)
