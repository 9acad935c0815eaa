"""Due dates, of a whole onboarding and of its steps: what they are counted from, and what is due because of them."""

from datetime import date, datetime, timedelta

from bot.onboarding import due_rows
from bot.onboarding.change import Change
from bot.onboarding.models import MET, UNDER_WAY, StepRecord
from bot.onboarding.reminding import first_reminder, is_late_from


def watch(change: Change) -> None:
    """Watch the due date of a whole onboarding that begins, if it has one."""
    if change.onboarding.due is not None:
        eve = change.working_time.opening(change.working_time.day_before(change.onboarding.due))
        change.set_time(due_rows.DEADLINE, max(eve, change.now))
        _watch_lateness(change, change.onboarding.due)


def change_whole(change: Change) -> None:
    """Watch the due date that a whole onboarding has been given now; its eve is told of while that is to come."""
    due, working = change.onboarding.due, change.working_time
    if due is None:
        change.unschedule(due_rows.DEADLINE)
        return
    eve = working.opening(working.day_before(due))
    if eve > change.now:
        change.set_time(due_rows.DEADLINE, eve)
    else:
        change.set_time(due_rows.DEADLINE, working.opening(due + timedelta(days=1)), attempts=1)
    _watch_lateness(change, due)


def change_step(change: Change, record: StepRecord, day: date | None) -> None:
    """Set a step's due date by hand (None: the pack's own again); its reminders follow."""
    record.due_set = day
    change.session.add(record)
    if record.state not in UNDER_WAY:
        return
    count(change, record)
    plan_first_reminder(change, record)


def count(change: Change, record: StepRecord) -> None:
    """Count a step's due date from the start, or from the end of the step that it names, once that is over.

    A date that a person has set is the step's date.
    """
    if record.due_set is not None:
        record.due_on = record.due_set
        _watch_lateness(change, record.due_set)
        return
    due = change.definition(record).due
    if due is None:
        record.due_on = None
        return
    counted_from: datetime | None = change.onboarding.started_at
    if due.after != "start":
        other = change.step(due.after)
        counted_from = other.changed_at if other.state in MET else None
    working = change.working_time
    record.due_on = working.day_after(working.day(counted_from), due.working_days) if counted_from else None
    if record.due_on is not None:
        _watch_lateness(change, record.due_on)


def count_what_follows(change: Change, ended: StepRecord) -> None:
    """Set the due date of those under way whose days are counted from the step that has ended now."""
    for record in change.steps:
        due = change.definition(record).due
        if due is not None and due.after == ended.step_id and record.state in UNDER_WAY:
            count(change, record)
            change.session.add(record)


def plan_first_reminder(change: Change, record: StepRecord) -> None:
    """Set when a step is reminded of first, by its due date where it has one, if the pack has it reminded of."""
    remind = change.definition(record).remind
    if remind is not None:
        first = first_reminder(change.working_time, remind, change.now, record.due_on)
        change.set_time(due_rows.reminder(record.step_id), first, run=record.run)


def _watch_lateness(change: Change, due_on: date) -> None:
    """Have the messages show that a due date is over from the day on which it is."""
    assert change.onboarding.id is not None
    at = max(is_late_from(change.working_time, due_on, change.onboarding.id), change.now)
    row = change.row(due_rows.OVERDUE)
    if row is None or row.due_at > at:
        change.set_time(due_rows.OVERDUE, at)
