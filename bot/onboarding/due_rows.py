"""The due rows of an onboarding: when what is looked at, retried or reminded of next. All time in this bot is here.

Nothing waits in memory: a row is a time in the database, the sweep makes it a job, and the job sets the next time.
"""

from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from bot.onboarding.models import DueRecord

DEADLINE = "deadline"
OVERDUE = "overdue"
TALK = "talk"
# The kinds of signals that are tickets' (``bot.steps.lookouts``): what is said about one is followed.
TICKETS = "ticket:"

# So long after something has changed, or a person has acted, the work looks as often as it can.
LIVELY = timedelta(minutes=15)
# From then on the pause grows with the time in which nothing has changed: each is an eighth longer than the one before.
GROWTH = 8

SAME_MOMENT = timedelta(milliseconds=1)


def step(step_id: str) -> str:
    """Name the next look or retry of a step."""
    return f"step:{step_id}"


def reminder(step_id: str) -> str:
    """Name the next reminder of a step."""
    return f"remind:{step_id}"


def mail(step_id: str) -> str:
    """Name the mail that tells the partner of a reminder."""
    return f"mail:{step_id}"


def talk(step_id: str) -> str:
    """Name the next look at what is said about a step's ticket."""
    return f"{TALK}:{step_id}"


def follow(session: Session, onboarding_id: int, step_id: str, signal: str | None, now: datetime) -> None:
    """Begin to follow what is said about the ticket that a step waits for, to the end of the onboarding."""
    if signal is None or not signal.startswith(TICKETS) or find(session, onboarding_id, talk(step_id)) is not None:
        return
    row = put(session, onboarding_id, talk(step_id), due_at=now, now=now)
    row.signal, row.since = signal, now
    session.add(row)


def letter(seq: int) -> str:
    """Name the letter to the partner that a line of the trail has written."""
    return f"letter:{seq}"


def pause(base: float, quiet: timedelta, cap: float) -> float:
    """Return the seconds until the next look, from the pack's or the settings' own and the time without news.

    At most ``cap`` seconds, unless ``base`` is longer than that.
    """
    if quiet < LIVELY:
        return base
    return max(base, min(cap, quiet.total_seconds() / GROWTH))


def find(session: Session, onboarding_id: int | None, subject: str) -> DueRecord | None:
    """Return the row of a subject; None when nothing is due for it."""
    rows = select(DueRecord).where(DueRecord.onboarding_id == onboarding_id, DueRecord.subject == subject)
    return session.exec(rows).first()


def put(
    session: Session,
    onboarding_id: int,
    subject: str,
    *,
    due_at: datetime,
    now: datetime,
    run: int = 0,
    attempts: int = 0,
) -> DueRecord:
    """Set the time of a subject, in place of the one that it may have had."""
    row = find(session, onboarding_id, subject)
    if row is None:
        row = DueRecord(onboarding_id=onboarding_id, subject=subject, due_at=due_at)
    row.run, row.attempts = run, attempts
    set_time(row, due_at, now)
    session.add(row)
    session.flush()
    return row


def set_time(row: DueRecord, due_at: datetime, now: datetime) -> None:
    """Set when a row is due, never twice to the same moment: a job's id is made of it, and runs once for ever."""
    if row.enqueued_for is not None and abs(due_at - row.enqueued_for) < SAME_MOMENT:
        due_at = row.enqueued_for - timedelta(microseconds=1)
    row.due_at, row.set_at = due_at, now


def drop(session: Session, onboarding_id: int, *subjects: str) -> None:
    """Forget subjects; nothing happens where there is none."""
    rows = delete(DueRecord).where(col(DueRecord.onboarding_id) == onboarding_id, col(DueRecord.subject).in_(subjects))
    session.exec(rows)


def drop_all_but_surfaces(session: Session, onboarding_id: int, now: datetime) -> None:
    """Forget everything of an onboarding that has ended; its surfaces may still have to tell so.

    What people have replied to a ticket may still have to be written: it is looked at once more. A file that was given
    before is answered all the same.
    """
    for row in session.exec(select(DueRecord).where(DueRecord.onboarding_id == onboarding_id)).all():
        if row.subject.startswith(f"{TALK}:"):
            set_time(row, now, now)
            session.add(row)
        elif not row.subject.startswith(("surface:", "given:")):
            session.delete(row)
    session.flush()
