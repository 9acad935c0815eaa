"""Looking once for all: a lookout sees what has changed outside, and the steps that wait for it look at once.

A step says what it waits for (``Waiting.signal``: ``ticket:DB-7``, ``folder:/srv/…/in``). A lookout of that kind looks
for all of them in one go, and remembers at each row what it saw; where that has changed the row is due now. The steps'
own looks stay, rarer and rarer: they see what no lookout can, such as a ticket that was deleted.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

import structlog
from sqlmodel import col, select

from bot.onboarding import due_rows
from bot.onboarding.clock import Clock
from bot.onboarding.errors import OnboardingError, Unavailable
from bot.onboarding.models import DueRecord, LookRecord
from bot.onboarding.ports import Job
from bot.onboarding.store import Store

log = structlog.stdlib.get_logger()

# The pause after a look is so many times as long as the look: it never takes more than a fiftieth of the time.
REST = 50
LONGEST_REST = timedelta(minutes=10)
AFTER_TROUBLE = timedelta(minutes=1)
# The server's clock and its index may both be a little late: what is seen twice wakes nobody twice.
OVERLAP = timedelta(minutes=2)
FIRST_LOOK = timedelta(hours=1)
IN_ONE_GO = 500


class Lookout(Protocol):
    """Sees for all steps what has changed on one server."""

    @property
    def kind(self) -> str:
        """The first word of the signals that it sees: ``ticket``, ``folder``."""

    @property
    def poll_seconds(self) -> float:
        """How often it looks at most."""

    def look(self, names: Sequence[str], within: timedelta) -> Mapping[str, str]:
        """Return what is there now of the things of these names, as a mark that differs when they have changed.

        It may leave out what has not changed ``within`` the time until now. Raises Unavailable.
        """


class LookWorker:
    """Runs the jobs of ``look:``."""

    def __init__(self, store: Store, clock: Clock, lookouts: Sequence[Lookout]) -> None:
        self._store = store
        self._clock = clock
        self._lookouts = {lookout.kind: lookout for lookout in lookouts}

    @property
    def kinds(self) -> list[str]:
        """The names of the lookouts."""
        return list(self._lookouts)

    def run(self, job: Job) -> None:
        """Look once for all, wake the steps that wait for what has changed, and set the time of the next look."""
        kind = job.subject.partition(":")[2]
        lookout = self._lookouts.get(kind)
        if lookout is None:
            return
        began = self._clock.now()
        pause = timedelta(seconds=lookout.poll_seconds)
        try:
            self._look(lookout)
        except Unavailable as away:
            log.warning("lookout_away", service=away.service, reason=away.reason)
            self._next(kind, max(pause, AFTER_TROUBLE, timedelta(seconds=away.retry_after or 0)), saw_all=False)
        except OnboardingError as refused:
            # The steps look for themselves, and tell people of what is refused there.
            log.warning("lookout_refused", kind=kind, reason=str(refused)[:200])
            self._next(kind, max(pause, LONGEST_REST), saw_all=False)
        except Exception:
            log.exception("lookout_broke", kind=kind)
            self._next(kind, max(pause, AFTER_TROUBLE), saw_all=False)
        else:
            took = max(self._clock.now() - began, timedelta(0))
            self._next(kind, max(pause, min(REST * took, LONGEST_REST)), saw_all=True)

    def _look(self, lookout: Lookout) -> None:
        with self._store.reading() as session:
            record = session.get(LookRecord, lookout.kind)
            seen_until = record.seen_until if record else None
            waiting = session.exec(
                select(DueRecord.id, DueRecord.signal, DueRecord.mark).where(
                    col(DueRecord.signal).startswith(f"{lookout.kind}:", autoescape=True)
                )
            ).all()
        names = sorted({signal.partition(":")[2] for _, signal, _ in waiting if signal})
        if not names:
            return
        # Steps that wait since before the first look have just looked by themselves.
        within = max(self._clock.now() - seen_until, timedelta(0)) + OVERLAP if seen_until else FIRST_LOOK
        marks = lookout.look(names, within)
        changed = {
            row_id: marks[name]
            for row_id, signal, mark in waiting
            if row_id and signal and (name := signal.partition(":")[2]) in marks and marks[name] != mark
        }
        numbers = list(changed)
        for start in range(0, len(numbers), IN_ONE_GO):
            self._wake(numbers[start : start + IN_ONE_GO], changed)

    def _wake(self, numbers: Sequence[int], changed: Mapping[int, str]) -> None:
        with self._store.transaction() as session:
            now = self._clock.now()
            for row in session.exec(select(DueRecord).where(col(DueRecord.id).in_(numbers)).with_for_update()).all():
                assert row.id is not None
                row.mark = changed[row.id]
                row.since = now
                due_rows.set_time(row, now, now)
                session.add(row)

    def _next(self, kind: str, pause: timedelta, *, saw_all: bool) -> None:
        with self._store.transaction() as session:
            now = self._clock.now()
            record = session.get(LookRecord, kind) or LookRecord(name=kind, due_at=now, set_at=now)
            if saw_all:
                record.seen_until = record.enqueued_for or now
            record.due_at, record.set_at = now + pause, now
            session.add(record)
