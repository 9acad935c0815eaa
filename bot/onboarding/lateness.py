"""What is late: the open onboardings that are past a due date, their own or a step's, the latest first."""

from datetime import date, timedelta

import structlog
from sqlmodel import col, or_, select

from bot.onboarding.clock import Clock
from bot.onboarding.errors import PackGone
from bot.onboarding.models import UNDER_WAY, Onboarding, StepRecord
from bot.onboarding.packs import Packs
from bot.onboarding.store import Store
from bot.onboarding.view import OnboardingView, read_view

log = structlog.stdlib.get_logger()

MOST_LATE = 200


def late_onboardings(store: Store, packs: Packs, clock: Clock, *, limit: int = MOST_LATE) -> list[OnboardingView]:
    """Return the late ones, those late by most working days first; the database is asked for those past a date only."""
    now = clock.now()
    # A zone ahead of ours may be a day further; what is not late there yet is left out below.
    tomorrow: date = now.date() + timedelta(days=1)
    steps = select(StepRecord.onboarding_id).where(
        col(StepRecord.state).in_(UNDER_WAY), col(StepRecord.due_on).is_not(None), col(StepRecord.due_on) < tomorrow
    )
    past = or_(col(Onboarding.due) < tomorrow, col(Onboarding.id).in_(steps))
    views = []
    with store.reading() as session:
        for row in session.exec(select(Onboarding).where(Onboarding.state == "open", past).limit(10 * limit)).all():
            try:
                pack = packs.kept(row.pack, row.pack_digest)
            except PackGone as gone:
                log.error("pack_copy_gone", onboarding=row.key, reason=str(gone))  # noqa: TRY400 - the reason says it all
                continue
            view = read_view(session, row, pack, now=now)
            if view.most_days_late:
                views.append(view)
    views.sort(key=lambda view: (-view.most_days_late, view.id))
    return views[:limit]
