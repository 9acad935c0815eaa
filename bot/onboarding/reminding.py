"""When people are reminded, and when a manager hears of it: arithmetic on working days, without a database.

The first reminder comes on the morning of the step's due date, the next ones every so many working days; the one that
comes due after ``escalate_after`` of them is an escalation. A step without due date is first reminded of so many
working days after it began. Nobody is reminded on the very day on which a step began.
"""

from datetime import date, datetime, timedelta

from bot.onboarding.clock import WorkingTime
from checklists.model import Remind

# Messages that show days late are edited each morning, spread over four hours: Slack takes fifty edits a minute.
SPREAD_SECONDS = 4 * 3600


def first_reminder(working: WorkingTime, remind: Remind, begun: datetime, due_on: date | None) -> datetime:
    """Return when a step that began at a moment is reminded of first."""
    earliest = working.day_after(working.day(begun), remind.every_working_days if due_on is None else 1)
    return working.opening(max(earliest, due_on or earliest))


def next_reminder(working: WorkingTime, remind: Remind, now: datetime) -> datetime:
    """Return when a step that is reminded of now is reminded of again."""
    return working.opening(working.day_after(working.day(now), remind.every_working_days))


def times_missed(working: WorkingTime, remind: Remind, due_at: datetime, now: datetime) -> int:
    """Return how many reminders would have come after one that was due at ``due_at``, had the bot not been down."""
    return working.days_between(working.day(due_at), working.day(now)) // remind.every_working_days


def days_late(working: WorkingTime, due_on: date | None, today: date) -> int:
    """Return how many working days have begun since a due date was over; 0 while it is not."""
    return working.days_between(due_on, today) if due_on is not None else 0


def is_late_from(working: WorkingTime, due_on: date, onboarding_id: int) -> datetime:
    """Return when the messages that show a due date must show that it is over."""
    return _spread(working.opening(due_on + timedelta(days=1)), onboarding_id)


def is_later_from(working: WorkingTime, today: date, onboarding_id: int) -> datetime:
    """Return when the messages that show days late must count one more."""
    return _spread(working.opening(today + timedelta(days=1)), onboarding_id)


def _spread(opening: datetime, onboarding_id: int) -> datetime:
    return opening + timedelta(seconds=onboarding_id % SPREAD_SECONDS)
