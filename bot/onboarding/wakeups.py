"""What a webhook brings about: a look, at once, by whoever waits for the thing that it names.

What it says is not believed: the look reads everything itself, so a forged, repeated, late or lost one does no harm.
"""

from collections.abc import Collection

from sqlmodel import col, select

from bot.onboarding import due_rows
from bot.onboarding.clock import Clock
from bot.onboarding.models import DueRecord, Received
from bot.onboarding.store import Store, insert_once, tried_again


class Wakeups:
    """Wakes due rows by their signals."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @tried_again
    def wake(self, source: str, signals: Collection[str]) -> int | None:
        """Have everything that waits for one of the signals looked at now, in one short transaction.

        Return how many rows were woken; None when the event of this ``source`` came before.
        """
        with self._store.transaction() as session:
            now = self._clock.now()
            if not insert_once(session, Received, source=source, at=now):
                return None
            rows = session.exec(select(DueRecord).where(col(DueRecord.signal).in_(signals)).with_for_update()).all()
            for row in rows:
                row.since = now
                due_rows.set_time(row, now, now)
                session.add(row)
            return len(rows)
