"""What restores of the database there were: which onboardings they concern, which numbers are taken outside.

What the bot wrote outside between the backup and the restore is in no ledger and on no trail.
"""

from datetime import datetime

from sqlmodel import Session, col, func, select

from bot.onboarding.models import Onboarding, Restoration


def restored_at(session: Session, onboarding_id: int) -> datetime | None:
    """Return when the database was last put back from a backup that held this onboarding; None when it never was."""
    onboarding = session.get_one(Onboarding, onboarding_id)
    latest = select(Restoration).where(Restoration.at > onboarding.started_at).order_by(col(Restoration.at).desc())
    restoration = session.exec(latest.limit(1)).first()
    return restoration.at if restoration else None


def times_restored(session: Session, onboarding: Onboarding) -> int:
    """Return how often the database was put back from a backup that held this onboarding."""
    counted = select(func.count()).select_from(Restoration).where(Restoration.at > onboarding.started_at)
    return session.exec(counted).one()


def first_free_id(session: Session) -> int | None:
    """Return the number that the next onboarding must have; None when the database may choose.

    On Postgres it always may: its sequence was moved on at the restore.
    """
    if session.get_bind().dialect.name != "sqlite":
        return None
    forgotten = session.exec(select(func.max(Restoration.highest_id))).one()
    highest = session.exec(select(func.max(Onboarding.id))).one()
    return forgotten + 1 if forgotten is not None and forgotten >= (highest or 0) else None
