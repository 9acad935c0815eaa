"""After a database was put back from a backup: the onboardings it holds are made to converge with what is outside.

Their effects look outside first from then on (bot.onboarding.effects), their pictures and people's Homes are drawn
anew, and numbers that may be in use outside are left out.
"""

import structlog
from sqlalchemy import text
from sqlmodel import func, select

from bot.onboarding.clock import Clock
from bot.onboarding.errors import PackGone
from bot.onboarding.flow import Flow
from bot.onboarding.homes import show_anew
from bot.onboarding.models import Onboarding, Restoration, SurfaceRecord
from bot.onboarding.store import Store

log = structlog.stdlib.get_logger()

# So many onboardings may have been begun since the backup, where the database that was in use cannot be asked.
MOST_FORGOTTEN = 1_000


def mark_restored(store: Store, flow: Flow, clock: Clock, *, highest_id: int | None = None) -> int:
    """Have all that is open look outside first, and its surfaces and all Homes be drawn anew; return how much is open.

    ``highest_id`` is the highest onboarding that was ever begun, if that is known. May be called again after a kill.
    """
    with store.transaction() as session:
        held = session.exec(select(func.max(Onboarding.id))).one() or 0
        known = held + MOST_FORGOTTEN if highest_id is None else max(held, highest_id)
        now = clock.now()
        session.add(Restoration(at=now, highest_id=known))
        show_anew(session, now)
        if not store.on_sqlite:
            session.connection().execute(
                text("SELECT setval(pg_get_serial_sequence('onboarding', 'id'), :known)"), {"known": max(known, 1)}
            )
        open_ids = list(session.exec(select(Onboarding.id).where(Onboarding.state == "open")))
    for onboarding_id in open_ids:
        assert onboarding_id is not None
        try:
            with flow.change(onboarding_id) as change:
                shown = select(SurfaceRecord).where(SurfaceRecord.onboarding_id == onboarding_id)
                for surface in change.session.exec(shown):
                    surface.digest = ""
                    change.session.add(surface)
                # A line of the trail, which also has the surfaces catch up.
                change.note("restored")
        except PackGone as gone:
            log.error("pack_copy_gone", onboarding=f"ONB-{onboarding_id}", reason=str(gone))  # noqa: TRY400 - the reason says it all
    return len(open_ids)
