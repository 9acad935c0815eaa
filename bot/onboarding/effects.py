"""The effects ledger: every write outside is claimed, looked for, done and recorded, so that it happens once.

A process may be killed between any two lines here. Killed before the claim: nothing happened. Killed between the
claim and the record: the next run finds the claim, looks outside first, and does it only if nothing is there.
"""

from collections.abc import Callable
from datetime import timedelta

from sqlmodel import Session

from bot.onboarding.clock import Clock
from bot.onboarding.errors import OnboardingError, Unsettled
from bot.onboarding.models import EffectRecord
from bot.onboarding.store import Store
from bot.onboarding.turns import ThreadTurns, Turns


class OutcomeUnknown(OnboardingError):
    """An effect that cannot be looked up was begun and never completed: a person must decide whether to do it again."""


class Effects:
    """The ledger. Two threads, or two workers, that want the same effect take turns."""

    def __init__(self, store: Store, clock: Clock, turns: Turns | None = None) -> None:
        self._store = store
        self._clock = clock
        self._turns = turns or ThreadTurns()

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
        raises NothingHappened the claim is given back, and its cause is raised.
        """
        with self._turns.of("effect", key):
            is_new, record = self._claim(onboarding_id, key)
            if record.external_id is not None:
                return record.external_id
            found = None if is_new else look()
            if found is None:
                if not is_new:
                    self._wait_for_grace(record, grace_seconds)
                    self._renew(key)
                found = self._attempt(key, do)
            self._complete(key, found)
            return found

    def at_most_once(self, onboarding_id: int, key: str, do: Callable[[], str]) -> str:
        """Do what cannot be looked up (a mail). Raises OutcomeUnknown when an earlier run began it and never finished.

        When ``do`` raises, the claim stays, so the outcome is unknown, unless it raises NothingHappened.
        """
        with self._turns.of("effect", key):
            is_new, record = self._claim(onboarding_id, key)
            if record.external_id is not None:
                return record.external_id
            if not is_new:
                raise OutcomeUnknown(key)
            external_id = self._attempt(key, do)
            self._complete(key, external_id)
            return external_id

    def release(self, key: str) -> None:
        """Forget an incomplete claim: it is known that nothing happened, or a person wants it done again."""
        with self._store.transaction() as session:
            record = session.get(EffectRecord, key)
            if record is not None and record.external_id is None:
                session.delete(record)

    def _claim(self, onboarding_id: int, key: str) -> tuple[bool, EffectRecord]:
        with self._store.transaction() as session:
            record = session.get(EffectRecord, key)
            if record is not None:
                return False, record
            return True, self._add_claim(session, onboarding_id, key)

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

    def _renew(self, key: str) -> None:
        """Date the claim from the attempt that follows: the index owes it its time too, if its answer is lost."""
        with self._store.transaction() as session:
            record = session.get_one(EffectRecord, key)
            record.claimed_at = self._clock.now()
            session.add(record)

    def _wait_for_grace(self, record: EffectRecord, grace_seconds: float) -> None:
        age = self._clock.now() - record.claimed_at
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
            record.state = "done"
            record.external_id = external_id
            record.completed_at = self._clock.now()
            session.add(record)


class NothingHappened(OnboardingError):
    """Wraps an error of an effect's work that is known to have had no effect outside."""

    def __init__(self, cause: OnboardingError) -> None:
        super().__init__(str(cause))
        self.cause = cause
