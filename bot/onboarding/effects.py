"""The effects ledger: every write outside is claimed, looked for, done and recorded, so that it happens once.

A process may be killed between any two lines here. Killed before the claim: nothing happened. Killed between the
claim and the record: the next run finds the claim, looks outside first, and does it only if nothing is there.

The request of a killed process may still be on its way while the next one looks, so an empty look proves nothing
either while the last attempt is younger than ``settle_seconds``: it is looked for until then.

A database that was put back from a backup has lost the claims made after it: for the onboardings that it held, a claim
that is new to the ledger may be an old one outside. So there every effect looks first, and a mail asks a person.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import Session, col, select

from bot.onboarding.clock import Clock
from bot.onboarding.errors import OnboardingError, TurnedAway, Unsettled
from bot.onboarding.models import EffectRecord
from bot.onboarding.restoration import restored_at
from bot.onboarding.store import Store
from bot.onboarding.turns import ThreadTurns, Turns

# How often it is looked for what a killed process may have done, in seconds.
GLANCE = 0.5


class OutcomeUnknown(OnboardingError):
    """An effect that cannot be looked up was begun and never completed: a person must decide whether to do it again."""


# How an effect came to be known: made now, found outside, or neither is certain.
Course = Literal["done", "found", "unknown"]


@dataclass(frozen=True)
class Claim:
    """A claim of the ledger. ``restored_at``: a new one, whose effect may exist from before the database's restore."""

    record: EffectRecord
    is_new: bool
    restored_at: datetime | None = None

    @property
    def is_surely_first(self) -> bool:
        """Whether nothing can be there outside yet."""
        return self.is_new and self.restored_at is None

    @property
    def since(self) -> datetime:
        """When it may have been done: what a restore forgot was made before the restore."""
        return self.restored_at or self.record.claimed_at


def _uncounted(key: str, course: Course) -> None:
    """Count nothing."""


class Effects:
    """The ledger. Two threads, or two workers, that want the same effect take turns.

    ``tell`` hears of each effect that came to an end: its key and how.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        turns: Turns | None = None,
        *,
        settle_seconds: float = 0,
        tell: Callable[[str, Course], None] = _uncounted,
    ) -> None:
        self._store = store
        self._clock = clock
        self._turns = turns or ThreadTurns()
        self._settle_seconds = settle_seconds
        self._tell = tell

    def once(
        self,
        onboarding_id: int,
        key: str,
        *,
        look: Callable[[], str | None],
        do: Callable[[], str],
        grace_seconds: float = 0,
    ) -> str:
        """Make sure that the effect exists outside and return its id there.

        ``look`` finds it outside (None: not there), ``do`` makes it. ``grace_seconds`` is how long the outside may
        take to show what it has made: an empty look proves nothing while the last attempt is younger (Jira Cloud's
        index). Raises Unsettled while that must be waited for, and whatever ``look`` and ``do`` raise; where ``do``
        raises NothingHappened the claim is given back, and its cause is raised; the same with TurnedAway.
        """
        with self._turns.of("effect", key):
            claim = self._claim(onboarding_id, key)
            if claim.record.external_id is not None:
                return claim.record.external_id
            found = None if claim.is_surely_first else self._found(look, claim.since)
            course: Course = "done" if found is None else "found"
            if found is None:
                if not claim.is_surely_first:
                    self._wait_for_grace(key, claim.since, grace_seconds)
                    self._renew(key)
                found = self._attempt(key, do)
            self._complete(key, found)
            self._tell(key, course)
            return found

    def at_most_once(
        self, onboarding_id: int, key: str, do: Callable[[], str], *, instead_of: str | None = None
    ) -> str:
        """Do what cannot be looked up (a mail). Raises OutcomeUnknown when an earlier run began it and never finished,
        or when a restore of the database may have forgotten that it did.

        When ``do`` raises, the claim stays, so the outcome is unknown, unless it raises NothingHappened. ``instead_of``
        is the key of the attempt before: where that one's outcome is unknown, a person has decided on this one.
        """
        with self._turns.of("effect", key):
            claim = self._claim(onboarding_id, key)
            if claim.record.external_id is not None:
                return claim.record.external_id
            if not claim.is_surely_first and not (claim.is_new and self._was_asked_about(instead_of)):
                self._tell(key, "unknown")
                raise OutcomeUnknown(key)
            external_id = self._attempt(key, do)
            self._complete(key, external_id)
            self._tell(key, "done")
            return external_id

    def unmade(self, keys: Collection[str]) -> set[str]:
        """Return those of the keys whose effect is not known to be made; one cheap reading for all of them."""
        if not keys:
            return set()
        made = select(EffectRecord).where(col(EffectRecord.key).in_(keys), EffectRecord.state == "done")
        with self._store.reading() as session:
            return set(keys) - {record.key for record in session.exec(made)}

    def kept(self, onboarding_id: int, key: str, value: str) -> str:
        """Keep a value that every run of the same work must have alike; return the one that was kept first."""
        with self._store.transaction() as session:
            record = session.get(EffectRecord, key)
            if record is None:
                record = self._add_claim(session, onboarding_id, key)
                self._fill_in(record, value)
            assert record.external_id is not None
            return record.external_id

    def known(self, key: str) -> str | None:
        """Return what an effect came to, or a value that was kept; None where there is none yet."""
        with self._store.reading() as session:
            record = session.get(EffectRecord, key)
            return record.external_id if record is not None else None

    def release(self, key: str) -> None:
        """Forget an incomplete claim: it is known that nothing happened, or a person wants it done again."""
        with self._store.transaction() as session:
            record = session.get(EffectRecord, key)
            if record is not None and record.external_id is None:
                session.delete(record)

    def _claim(self, onboarding_id: int, key: str) -> Claim:
        with self._store.transaction() as session:
            record = session.get(EffectRecord, key)
            if record is not None:
                return Claim(record, is_new=False)
            restored = restored_at(session, onboarding_id)
            return Claim(self._add_claim(session, onboarding_id, key), is_new=True, restored_at=restored)

    def _was_asked_about(self, key: str | None) -> bool:
        with self._store.reading() as session:
            record = session.get(EffectRecord, key) if key else None
            return record is not None and record.external_id is None

    def _add_claim(self, session: Session, onboarding_id: int, key: str) -> EffectRecord:
        record = EffectRecord(key=key, onboarding_id=onboarding_id, claimed_at=self._clock.now())
        session.add(record)
        return record

    def _attempt(self, key: str, do: Callable[[], str]) -> str:
        try:
            return do()
        except NothingHappened as refused:
            self.release(key)
            raise refused.cause from refused
        except TurnedAway:
            self.release(key)
            raise

    def _found(self, look: Callable[[], str | None], since: datetime) -> str | None:
        """Look until it is found, or until a request that is still on its way would have arrived."""
        age = (self._clock.now() - since).total_seconds()
        # A clock that was set back makes the claim one of the future.
        until = time.monotonic() + self._settle_seconds - max(age, 0)
        while (found := look()) is None and (left := until - time.monotonic()) > 0:
            time.sleep(min(GLANCE, left))
        return found

    def _renew(self, key: str) -> None:
        """Date the claim from the attempt that follows: the index owes it its time too, if its answer is lost."""
        with self._store.transaction() as session:
            record = session.get_one(EffectRecord, key)
            record.claimed_at = self._clock.now()
            session.add(record)

    def _wait_for_grace(self, key: str, since: datetime, grace_seconds: float) -> None:
        age = self._clock.now() - since
        if age < timedelta(0) and grace_seconds > 0:
            # The clock was set back: it would be waited for as long as that, and longer.
            self._renew(key)
            age = timedelta(0)
        left = timedelta(seconds=grace_seconds) - age
        if left > timedelta(0):
            raise Unsettled(
                "Jira",
                "an earlier attempt may have gone through and the index is late",
                retry_after=left.total_seconds(),
            )

    def _complete(self, key: str, external_id: str) -> None:
        with self._store.transaction() as session:
            record = session.get_one(EffectRecord, key)
            self._fill_in(record, external_id)
            session.add(record)

    def _fill_in(self, record: EffectRecord, external_id: str) -> None:
        record.state = "done"
        record.external_id = external_id
        record.completed_at = self._clock.now()


class NothingHappened(OnboardingError):
    """Wraps an error of an effect's work that is known to have had no effect outside."""

    def __init__(self, cause: OnboardingError) -> None:
        super().__init__(str(cause))
        self.cause = cause
