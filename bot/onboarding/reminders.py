"""What the reminders' jobs do: remind, escalate, mail the partner, watch the due dates. All of it from due rows.

A job decides anew from the time that it is: a bot that was down for three days finds one row for each step, so it says
one thing; where a reminder and an escalation have both come due, the escalation says it for both. Whoever has acted in
the meantime hears nothing. Run again after a kill, a job finds the row's next time and does nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlmodel import col, select

from bot.locales import say
from bot.onboarding import due_rows
from bot.onboarding.accountable import who_answers
from bot.onboarding.actors import Roles, role_name
from bot.onboarding.change import Change
from bot.onboarding.effects import Effects
from bot.onboarding.flow import Flow
from bot.onboarding.letters import PartnerPage, compose
from bot.onboarding.mail import Mail, Mailer
from bot.onboarding.models import MET, UNDER_WAY, DueRecord, Event, StepRecord
from bot.onboarding.ports import Job
from bot.onboarding.posting import Posting
from bot.onboarding.reminding import (
    days_late,
    first_reminder,
    is_late_from,
    is_later_from,
    next_reminder,
    times_missed,
)
from bot.onboarding.retry import Backoff
from bot.onboarding.view import localized
from checklists.model import Localized, Remind

SUBJECTS = frozenset({"remind", "mail", due_rows.DEADLINE, due_rows.OVERDUE})

# A step whose work is going on is nobody's turn; whether it is by then is looked at after so long.
WHILE_RUNNING = timedelta(hours=1)


class ReminderWorker:
    """Runs the jobs of ``remind:``, ``mail:``, ``deadline`` and ``overdue``."""

    def __init__(
        self,
        flow: Flow,
        effects: Effects,
        roles: Roles,
        mailer: Mailer | None,
        backoff: Backoff,
        partner_page: PartnerPage | None = None,
    ) -> None:
        self._flow = flow
        self._roles = roles
        self._mailer = mailer
        self._posting = Posting(flow, effects, backoff, delayed="reminder_not_mailed")
        self._partner_page = partner_page

    def run(self, job: Job) -> None:
        """Do what is due now, and set the next time."""
        kind, _, step_id = job.subject.partition(":")
        match kind:
            case "remind":
                self._remind(job, step_id)
            case "mail":
                self._mail(job, step_id)
            case due_rows.DEADLINE:
                self._watch_due_date(job)
            case due_rows.OVERDUE:
                self._count_days_late(job)

    # A step's reminders.

    def _remind(self, job: Job, step_id: str) -> None:
        with self._flow.change(job.onboarding_id) as change:
            row = change.row(job.subject)
            if row is None or row.run != job.run:
                return
            record = change.step(step_id)
            remind = change.definition(record).remind
            is_current = change.onboarding.state == "open" and record.state in UNDER_WAY and record.run == job.run
            if remind is None or not is_current:
                change.unschedule(job.subject)
                return
            later = _not_before(change, record, remind, row)
            if later is not None:
                at, attempts = later
                if at != row.due_at or row.set_at is None:
                    change.set_time(job.subject, at, run=row.run, attempts=attempts)
                return
            self._say(change, record, remind, row)

    def _say(self, change: Change, record: StepRecord, remind: Remind, row: DueRecord) -> None:
        times = row.attempts + 1 + times_missed(change.working_time, remind, row.due_at, change.now)
        escalates = times > remind.escalate_after >= row.attempts
        role = record.waits_for if record.state == "waiting" and record.waits_for else record.role
        starter = _starter(change)
        content = {
            "seen": _sentence(change, record, role).model_dump(),
            "who": who_answers(change, self._roles, role, starter, record),
            "managers": who_answers(change, self._roles, "manager", starter) if escalates else [],
            "times": times,
        }
        line = change.note("step_escalated" if escalates else "step_reminded", step=record, content=content)
        subject = due_rows.reminder(record.step_id)
        at = next_reminder(change.working_time, remind, change.now)
        change.set_time(subject, at, run=record.run, attempts=times)
        if role == "partner" and record.state == "waiting" and self._mailer is not None:
            change.set_time(due_rows.mail(record.step_id), change.now, run=line.seq)

    # The partner's mail.

    def _mail(self, job: Job, step_id: str) -> None:
        """Send what a reminder says to the partner, at most once; the row's ``run`` is the reminder's line."""
        mail, key = self._letter(job, step_id)
        if mail is None or self._mailer is None:
            with self._flow.change(job.onboarding_id) as change:
                row = change.row(job.subject)
                if row is not None and row.run == job.run:
                    change.unschedule(job.subject)
            return
        told = partial(self._mailed, job, step_id)
        self._posting.post(job, self._mailer, mail, f"{key}:{job.run}:mail", told)

    def _letter(self, job: Job, step_id: str) -> tuple[Mail | None, str]:
        """Return the mail, None when it is the partner's turn no more; and the onboarding's key."""
        with self._flow.change(job.onboarding_id) as change:
            record = change.step(step_id)
            row = change.row(job.subject)
            key = change.onboarding.key
            is_their_turn = record.state == "waiting" and record.waits_for == "partner"
            if change.onboarding.state != "open" or row is None or row.run != job.run or not is_their_turn:
                return None, key
            language: Any = change.onboarding.language
            lines = select(Event).where(Event.onboarding_id == job.onboarding_id, Event.step == step_id)
            reminder = change.session.exec(lines.where(Event.seq == job.run)).one()
            asked = change.session.exec(lines.where(Event.kind == "step_asks").order_by(col(Event.seq).desc())).first()
            words = {
                "title": change.definition(record).title,
                "operator": change.onboarding.operator,
                "client": change.onboarding.client,
                "key": key,
                "seen": localized(reminder.content["seen"]) or "",
                "asked": _copy(asked.content if asked else {}),
            }
            return compose(
                change.onboarding,
                change.onboarding.partner_email,
                language,
                subject=say("remind.mail_subject", **words),
                text=say("remind.mail", **words),
                message_id=f"<{key}.{job.run}.reminder@onboarding-bot>".lower(),
                partner_page=self._partner_page,
            ), key

    def _mailed(self, job: Job, step_id: str, trouble: Localized | None) -> None:
        """Keep that the mail went; one that did not is told where people read, for nobody will look for it."""
        with self._flow.change(job.onboarding_id) as change:
            row = change.row(job.subject)
            if row is None or row.run != job.run:
                return
            change.unschedule(job.subject)
            if trouble is None:
                change.note("reminder_mailed", step=change.step(step_id), content={"of": job.run})
            else:
                content = {
                    "of": job.run,
                    "seen": trouble.model_dump(),
                    "advice": say("remind.mail_advice").model_dump(),
                }
                change.note("reminder_unsent", step=change.step(step_id), content=content)

    # The onboarding's own due date.

    def _watch_due_date(self, job: Job) -> None:
        with self._flow.change(job.onboarding_id) as change:
            row = change.row(job.subject)
            due, working = change.onboarding.due, change.working_time
            if row is None:
                return
            if change.onboarding.state != "open" or due is None:
                change.unschedule(job.subject)
                return
            today, eve = working.day(change.now), working.day_before(due)
            over_at = working.opening(due + timedelta(days=1))
            at_work = working.within(change.now)
            begun_late = working.day(change.onboarding.started_at) >= eve
            if row.attempts == 0 and today <= due and not begun_late:
                at = max(working.opening(eve), at_work)
                if change.now < at < over_at:
                    change.set_time(job.subject, at)
                    return
                if change.now == at:
                    self._tell_of_due_date(change, "deadline_near", say("remind.deadline_near", **_about(change)))
            if max(over_at, at_work) > change.now:
                change.set_time(job.subject, max(over_at, at_work), attempts=1)
                return
            late = days_late(working, due, today)
            sentence = say("remind.deadline_passed", late=_working_days(late), **_about(change))
            self._tell_of_due_date(change, "deadline_passed", sentence)
            change.unschedule(job.subject)

    def _tell_of_due_date(self, change: Change, kind: str, sentence: Localized) -> None:
        managers = who_answers(change, self._roles, "manager", _starter(change))
        told = managers if kind == "deadline_passed" else []
        change.note(kind, content={"seen": sentence.model_dump(), "who": managers, "managers": told})

    # Days late, in the messages that show them.

    def _count_days_late(self, job: Job) -> None:
        with self._flow.change(job.onboarding_id) as change:
            if change.onboarding.state != "open":
                change.unschedule(job.subject)
                return
            today = change.working_time.day(change.now)
            dates = [record.due_on for record in change.steps if record.due_on and record.state in UNDER_WAY]
            dates += [change.onboarding.due] if change.onboarding.due else []
            if not dates:
                change.unschedule(job.subject)
                return
            if any(days_late(change.working_time, due_on, today) for due_on in dates):
                for name in self._flow.surfaces:
                    if not change.is_scheduled(f"surface:{name}"):
                        change.schedule(f"surface:{name}", 0)
                at = is_later_from(change.working_time, today, job.onboarding_id)
            else:
                at = is_late_from(change.working_time, min(dates), job.onboarding_id)
            change.set_time(job.subject, max(at, change.now + WHILE_RUNNING))


def _not_before(change: Change, record: StepRecord, remind: Remind, row: DueRecord) -> tuple[datetime, int] | None:
    """Return when the reminder comes, with the times that it has come due, where that is not now."""
    working, now = change.working_time, change.now
    if row.due_at > now:
        # Said already, by a job that was killed afterwards; or planned by a clock that has gone back since.
        ahead = row.set_at is not None and row.set_at > now
        return (next_reminder(working, remind, now) if ahead else row.due_at), row.attempts
    if row.attempts == 0:
        first = first_reminder(working, remind, record.changed_at or now, record.due_on)
        if first > now:
            return first, 0
    at_work = working.within(now)
    if at_work > now:
        missed = times_missed(working, remind, row.due_at, at_work)
        # Never beyond the escalation that has not been made: it would be taken for made.
        return at_work, max(row.attempts, min(row.attempts + missed, remind.escalate_after))
    if record.state == "running":
        return now + WHILE_RUNNING, row.attempts
    return None


def _sentence(change: Change, record: StepRecord, role: str) -> Localized:
    """Return what a reminder says: whose turn it is since when, and what the due date is."""
    working = change.working_time
    since = working.day(record.changed_at or change.now).isoformat()
    if record.state == "failed":
        turn = say("remind.failed", role=role_name(role), since=since, seen=localized(record.seen) or "")
    else:
        turn = say("remind.waits", role=role_name(role), since=since)
    if record.due_on is None:
        return turn
    late = days_late(working, record.due_on, working.day(change.now))
    when = say("remind.late", day=record.due_on.isoformat(), late=_working_days(late)) if late else say("remind.today")
    return say("remind.sentence", turn=turn, when=when)


def _working_days(count: int) -> Localized:
    return say("late.one") if count == 1 else say("late.many", days=count)


def _about(change: Change) -> Mapping[str, object]:
    over = sum(record.state in MET for record in change.steps)
    return {"due": change.onboarding.due, "left": len(change.steps) - over}


def _starter(change: Change) -> str:
    """Return the id of whoever started the onboarding, from its first line."""
    first = select(Event).where(Event.onboarding_id == change.onboarding.id, Event.seq == 1)
    line = change.session.exec(first).first()
    return str(line.content.get("actor", "")) if line is not None else ""


def _copy(asked: Mapping[str, Any]) -> Localized | str:
    return localized(asked.get("copy")) or ""
