"""Which events from outside are still to be remembered."""

from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import col, select

from bot.onboarding.clock import Clock
from bot.onboarding.models import Received
from bot.onboarding.store import Store

BATCH = 500
# Slack delivers an event again within minutes; after an outage of ours, within the hour.
FROM_SLACK = "slack:"
# A mailed link is good for 60 days, and the page that it opens for a day: what it brought is known for longer.
FROM_LINKS_KEPT = timedelta(days=90)


class ReceivedPurge:
    """Forgets events that cannot come again."""

    def __init__(self, store: Store, clock: Clock, *, days: float) -> None:
        self._store = store
        self._clock = clock
        self._kept = timedelta(days=days)

    def run(self) -> int:
        """Delete what is old enough, in batches; return how much that was."""
        purged = 0
        while batch := self._some():
            with self._store.transaction() as session:
                session.connection().execute(delete(Received).where(col(Received.source).in_(batch)))
            purged += len(batch)
        return purged

    def _some(self) -> list[str]:
        now = self._clock.now()
        from_slack = (col(Received.at) < now - self._kept) & col(Received.source).startswith(FROM_SLACK)
        from_links = col(Received.at) < now - max(self._kept, FROM_LINKS_KEPT)
        with self._store.reading() as session:
            return list(session.exec(select(Received.source).where(from_slack | from_links).limit(BATCH)))
