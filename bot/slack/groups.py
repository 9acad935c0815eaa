"""The members of Slack's user groups, which the settings' roles may name (scope ``usergroups:read``).

They are asked for again after some minutes, by one thread, and nobody waits for them longer than for a moment: while
Slack is away, or slow, the last known ones count. These are in the database too, so that a restart in such a time
leaves the people their roles. What Slack refuses it has answered: then nobody comes back from the database.
"""

import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from threading import Event, Lock, Thread

import structlog

from bot.onboarding.errors import Unavailable
from bot.onboarding.group_memory import GroupMemory, KnownGroup
from bot.slack.connection import SlackConnection, SlackRefused

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
        memory: GroupMemory,
        *,
        fresh_seconds: float = FRESH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._memory = memory
        self._fresh_seconds = fresh_seconds
        self._clock = clock
        self._known: dict[str, KnownGroup] = {}
        self._due: dict[str, float] = {}
        self._asking: dict[str, Event] = {}
        self._unanswered: set[str] = set()
        self._refused: set[str] = set()
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
        for group in groups:
            self._recall(group)

    def members(self, group: str) -> Collection[str]:
        """Return the members as they were last known; nobody where Slack has never told."""
        with self._lock:
            known = self._known.get(group)
        return known.members if known is not None else frozenset()

    def unanswered(self) -> Mapping[str, datetime | None]:
        """Return what counts though it is not fresh."""
        with self._lock:
            return {group: known.seen_at if (known := self._known.get(group)) else None for group in self._unanswered}

    def _recall(self, group: str) -> None:
        """Take what an earlier process, or another one, was told, where this one has not been told anything yet."""
        with self._lock:
            if group in self._known or group in self._refused:
                return
        found = self._memory.recall(group)
        if found is None:
            return
        with self._lock:
            if self._known.setdefault(group, found) is not found:
                return
            self._unanswered.add(group)
        log.warning("user_group_recalled", group=group, members=len(found.members), seen_at=found.seen_at.isoformat())

    def _ask_all(self, groups: Collection[str]) -> None:
        for group in groups:
            self._ask(group)

    def _ask(self, group: str) -> None:
        try:
            with self._connection.client() as client:
                users = client.usergroups_users_list(usergroup=group).get("users") or ()
            known = self._memory.seen_now(frozenset(str(user) for user in users))
        except Unavailable as away:
            self._unread(group, is_refused=isinstance(away, SlackRefused))
            seen_at = self.unanswered().get(group)
            age = {"kept": len(self.members(group)), "seen_at": seen_at.isoformat() if seen_at else None}
            log.warning("user_group_not_read", group=group, reason=away.reason, **age)
        except Exception:
            self._unread(group, is_refused=False)
            log.exception("user_group_not_read", group=group)
        else:
            self._keep(group, known)
            with self._lock:
                self._known[group] = known
                self._unanswered.discard(group)
                self._refused.discard(group)
                self._asked(group, self._fresh_seconds)

    def _keep(self, group: str, known: KnownGroup) -> None:
        try:
            self._memory.keep(group, known)
        except Exception:
            # What Slack has said counts all the same; the next answer is kept again.
            log.exception("user_group_not_kept", group=group)

    def _unread(self, group: str, *, is_refused: bool) -> None:
        with self._lock:
            self._unanswered.add(group)
            if is_refused:
                self._refused.add(group)
            else:
                self._refused.discard(group)
            self._asked(group, PAUSE_SECONDS)

    def _asked(self, group: str, good_for: float) -> None:
        self._due[group] = self._clock() + good_for
        self._asking.pop(group).set()
