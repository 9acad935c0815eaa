"""What people read of the onboardings, as it stands. Nothing here changes anything."""

from collections.abc import Mapping
from typing import Any

import structlog
from sqlmodel import Session, col, select

from bot.locales import say
from bot.onboarding import trail
from bot.onboarding.asking import find
from bot.onboarding.clock import Clock
from bot.onboarding.errors import PackGone, Unknown
from bot.onboarding.lateness import MOST_LATE, late_onboardings
from bot.onboarding.models import Event, Onboarding, StepRecord, SurfaceRecord
from bot.onboarding.noting import unexplained
from bot.onboarding.packs import Packs
from bot.onboarding.received_files import ReceivedFile, received_files
from bot.onboarding.store import Store
from bot.onboarding.view import OnboardingView, read_view

log = structlog.stdlib.get_logger()


class Readings:
    """``Onboardings`` is one too: whoever acts shows what has come of it."""

    def __init__(self, store: Store, packs: Packs, clock: Clock) -> None:
        self._store = store
        self._packs = packs
        self._clock = clock

    def view(self, key: str) -> OnboardingView:
        """Return an onboarding as it stands. Raises Unknown."""
        with self._store.reading() as session:
            onboarding = find(session, key)
            return self._read(session, onboarding)

    def all(self, *, limit: int = 500) -> list[OnboardingView]:
        """Return the onboardings, the open ones first, the newest first."""
        with self._store.reading() as session:
            rows = session.exec(
                select(Onboarding).order_by(col(Onboarding.state) != "open", col(Onboarding.id).desc()).limit(limit)
            ).all()
            views = []
            for row in rows:
                try:
                    views.append(self._read(session, row))
                except PackGone as gone:
                    # The others can be shown; this one says so itself when it is asked for.
                    log.error("pack_copy_gone", onboarding=row.key, reason=str(gone))  # noqa: TRY400 - the reason says it all
            return views

    def late(self, *, limit: int = MOST_LATE) -> list[OnboardingView]:
        """Return the open onboardings that are late, those late by most working days first."""
        return late_onboardings(self._store, self._packs, self._clock, limit=limit)

    def _read(self, session: Session, onboarding: Onboarding) -> OnboardingView:
        pack = self._packs.kept(onboarding.pack, onboarding.pack_digest)
        return read_view(session, onboarding, pack, now=self._clock.now())

    def shown_as(self, surface: str, parent: str) -> str:
        """Return the key of the onboarding whose parent on a surface this is. Raises Unknown."""
        with self._store.reading() as session:
            shown = select(SurfaceRecord).where(SurfaceRecord.name == surface, SurfaceRecord.parent == parent)
            record = session.exec(shown).first()
            if record is None:
                raise Unknown(say("refused.no_onboarding", given=parent))
            return session.get_one(Onboarding, record.onboarding_id).key

    def answers(self, key: str, step_id: str) -> Mapping[str, Any]:
        """Return the answers of a form step, empty while there are none. Raises Unknown."""
        with self._store.reading() as session:
            onboarding = find(session, key)
            records = session.exec(select(StepRecord).where(StepRecord.onboarding_id == onboarding.id)).all()
            return next((record.memory.get("answers", {}) for record in records if record.step_id == step_id), {})

    def received(self, key: str) -> list[ReceivedFile]:
        """Return the files that the partner delivered in an onboarding, in the order of arrival. Raises Unknown."""
        return received_files(self._store, key)

    def trail(self, key: str) -> list[Event]:
        """Return the whole audit trail of an onboarding, in order. Raises Unknown."""
        with self._store.reading() as session:
            onboarding = find(session, key)
            assert onboarding.id is not None
            return trail.lines(session, onboarding.id)

    def unexplained(self, key: str, step_id: str) -> list[int]:
        """Return the trail's lines by which a step's boxes were unticked that nobody has given a reason for yet."""
        with self._store.reading() as session:
            onboarding = find(session, key)
            records = session.exec(select(StepRecord).where(StepRecord.onboarding_id == onboarding.id)).all()
            return next((unexplained(record) for record in records if record.step_id == step_id), [])
