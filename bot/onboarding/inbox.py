"""What people have done that is not carried out yet: kept in one small transaction before it is acknowledged."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from bot.onboarding.clock import Clock
from bot.onboarding.models import InboxRecord
from bot.onboarding.one_writer import Rank
from bot.onboarding.store import Store, insert_once, tried_again
from bot.onboarding.worker import CLOCKS_APART

# Whoever has kept something carries it out within moments; after this long its process is taken to be dead.
LEFT_AFTER = timedelta(seconds=5)


@dataclass(frozen=True)
class Kept:
    """Something that somebody has done. ``source`` names the outside event, ``body`` is what it said."""

    source: str
    body: Mapping[str, Any]


class Inbox:
    """Keeps events until they have been carried out, so that no death of a process loses one.

    That an event is carried out once is not looked after here: whoever carries it out remembers its source, and forgets
    what is kept of it in the same transaction.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @tried_again
    def keep(self, kept: Kept) -> bool:
        """Keep an event; False when it is kept already, and so will be carried out."""
        with self._store.transaction(rank=Rank.ACKNOWLEDGEMENT) as session:
            return insert_once(session, InboxRecord, source=kept.source, at=self._clock.now(), body=dict(kept.body))

    def drop(self, source: str) -> None:
        """Forget an event that came to nothing."""
        with self._store.transaction(for_person=True) as session:
            forget(session, source)

    def take_over(self, *, but: Collection[str] = (), limit: int = 100) -> list[Kept]:
        """Take what others have left, the oldest first; nobody else gets it for a while. ``but`` are one's own."""
        now = self._clock.now()
        # Set later than now: the clock that kept it has gone back.
        is_left = (col(InboxRecord.at) < now - LEFT_AFTER) | (col(InboxRecord.at) > now + CLOCKS_APART)
        left = select(InboxRecord).where(is_left, col(InboxRecord.source).not_in(but)).order_by(col(InboxRecord.at))
        with self._store.reading() as session:
            if session.exec(left.limit(1)).first() is None:
                return []
        with self._store.transaction() as session:
            taken = session.exec(left.limit(limit).with_for_update(skip_locked=True)).all()
            for record in taken:
                record.at = now
                session.add(record)
            return [Kept(record.source, record.body) for record in taken]


def forget(session: Session, source: str) -> None:
    """Forget an event in the transaction that carries it out; of most sources nothing was kept."""
    session.connection().execute(delete(InboxRecord).where(col(InboxRecord.source) == source))
