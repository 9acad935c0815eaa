"""The members of Slack's user groups, which the settings' roles may name (scope ``usergroups:read``).

They are asked for again after some minutes, by one thread, and nobody waits for them longer than for a moment: while
Slack is away, or slow, the last known ones count.
"""

import time
from collections.abc import Callable, Collection
from threading import Event, Lock, Thread

import structlog

from bot.onboarding.errors import Unavailable
from bot.slack.connection import SlackConnection

log = structlog.stdlib.get_logger()

FRESH_SECONDS = 300.0
# After Slack did not answer it is left alone for so long.
PAUSE_SECONDS = 20.0
# Slack wants its own answer within three seconds.
PATIENCE_SECONDS = 1.5


class SlackGroups:
    """Implements the core's ``Groups``."""

    def __init__(
        self,
        connection: SlackConnection,
        *,
        fresh_seconds: float = FRESH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._fresh_seconds = fresh_seconds
        self._clock = clock
        self._known: dict[str, frozenset[str]] = {}
        self._due: dict[str, float] = {}
        self._asking: dict[str, Event] = {}
        self._lock = Lock()

    def refresh(self, groups: Collection[str]) -> None:
        """Ask for what is not fresh, and wait a moment for it; once Slack has been slow, only for what is not known."""
        with self._lock:
            now = self._clock()
            old = [group for group in groups if group not in self._asking and self._due.get(group, now) <= now]
            self._asking |= {group: Event() for group in old}
            waiting = [
                self._asking[group]
                for group in groups
                if group in old or (group in self._asking and group not in self._known)
            ]
        if old:
            Thread(target=self._ask_all, args=(old,), name="slack-groups", daemon=True).start()
        until = time.monotonic() + PATIENCE_SECONDS
        for answered in waiting:
            answered.wait(max(0.0, until - time.monotonic()))

    def members(self, group: str) -> Collection[str]:
        """Return the members as they were last known; nobody where Slack has never told."""
        with self._lock:
            return self._known.get(group, frozenset())

    def _ask_all(self, groups: Collection[str]) -> None:
        for group in groups:
            self._ask(group)

    def _ask(self, group: str) -> None:
        try:
            with self._connection.client() as client:
                users = client.usergroups_users_list(usergroup=group).get("users") or ()
        except Unavailable as away:
            log.warning("user_group_not_read", group=group, reason=away.reason, kept=len(self.members(group)))
            self._read(group, None, PAUSE_SECONDS)
        except Exception:
            self._read(group, None, PAUSE_SECONDS)
            log.exception("user_group_not_read", group=group)
        else:
            self._read(group, frozenset(str(user) for user in users), self._fresh_seconds)

    def _read(self, group: str, members: frozenset[str] | None, good_for: float) -> None:
        with self._lock:
            if members is not None:
                self._known[group] = members
            self._due[group] = self._clock() + good_for
            self._asking.pop(group).set()
