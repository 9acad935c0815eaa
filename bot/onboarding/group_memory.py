"""Who was in Slack's user groups when Slack last said so: what the roles go by while it says nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bot.onboarding.clock import Clock
from bot.onboarding.models import GroupRecord
from bot.onboarding.store import Store, again_after_another


@dataclass(frozen=True)
class KnownGroup:
    """The members of a user group, by their ids, as they were ``seen_at``."""

    members: frozenset[str]
    seen_at: datetime


class GroupMemory:
    """Keeps the last list of each group in the database, for all processes and for the time after a restart."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def recall(self, group: str) -> KnownGroup | None:
        """Return a group as it was last seen; None where it never was."""
        with self._store.reading() as session:
            row = session.get(GroupRecord, group)
        return KnownGroup(frozenset(row.members), row.seen_at) if row is not None else None

    def seen_now(self, members: Collection[str]) -> KnownGroup:
        """Return a group as it is seen now."""
        return KnownGroup(frozenset(members), self._clock.now())

    @again_after_another
    def keep(self, group: str, known: KnownGroup) -> None:
        """Keep who is in a group."""
        with self._store.transaction() as session:
            row = session.get(GroupRecord, group) or GroupRecord(id=group, members=[], seen_at=known.seen_at)
            row.members, row.seen_at = sorted(known.members), known.seen_at
            session.add(row)
