"""Reminders that a person puts off or stops, and when the next one comes."""

from datetime import date, timedelta

from bot.locales import say
from bot.onboarding import due_rows
from bot.onboarding.actors import Actor
from bot.onboarding.asking import Asking, find
from bot.onboarding.change import Change
from bot.onboarding.clock import WorkingTime
from bot.onboarding.errors import Refused
from bot.onboarding.models import UNDER_WAY, StepRecord
from bot.onboarding.packs import Packs
from bot.onboarding.store import Store

# Whoever wants to hear nothing for longer stops the reminders: a mistyped year must not.
LONGEST_SNOOZE = timedelta(days=90)


class Snoozing:
    """Built by ``Onboardings``, which has it as ``snoozing``. Whoever may act on the step may, and a manager."""

    def __init__(self, store: Store, packs: Packs, asking: Asking) -> None:
        self._store = store
        self._packs = packs
        self._asking = asking

    def snooze(
        self, key: str, step_id: str, until: date | None = None, *, actor: Actor, source: str | None = None
    ) -> bool:
        """Put a step's next reminder off until a day, the next working day where none is named.

        On a day that is no working day it comes on the next one. Whoever may act on the step may do this, and a
        manager. Reminders that were stopped begin again. False when the reminder comes at that time already.
        """
        with self._asking.step(key, step_id, actor, source, or_role="manager") as asked:
            if asked is None:
                return False
            change, record = asked
            _require_reminders(change, record)
            working = change.working_time
            today = working.day(change.now)
            if until is not None and not today < until <= today + LONGEST_SNOOZE:
                raise Refused(say("refused.snooze", given=until, days=LONGEST_SNOOZE.days))
            at = working.opening(until or today + timedelta(days=1))
            subject = due_rows.reminder(step_id)
            row = change.row(subject)
            if row is not None and row.due_at == at:
                return False
            change.set_time(subject, at, run=record.run, attempts=row.attempts if row else 0)
            change.note("reminder_snoozed", step=record, content={"until": working.day(at).isoformat()})
            return True

    def mute(self, key: str, step_id: str, *, actor: Actor, source: str | None = None) -> bool:
        """Stop the reminders of a step's run; whether it is late still shows. False when there were none any more.

        A step that begins anew is reminded of anew. Who may do this: as for ``snooze``.
        """
        with self._asking.step(key, step_id, actor, source, or_role="manager") as asked:
            if asked is None:
                return False
            change, record = asked
            _require_reminders(change, record)
            if not change.is_scheduled(due_rows.reminder(step_id)):
                return False
            change.unschedule(due_rows.reminder(step_id))
            change.unschedule(due_rows.mail(step_id))
            change.note("reminders_stopped", step=record)
            return True

    def reminded_on(self, key: str, step_id: str) -> date | None:
        """Return the day of a step's next reminder; None when there will be none. Raises Unknown."""
        with self._store.reading() as session:
            onboarding = find(session, key)
            row = due_rows.find(session, onboarding.id, due_rows.reminder(step_id))
            pack = self._packs.kept(onboarding.pack, onboarding.pack_digest)
            return WorkingTime.of(pack.checklist).day(row.due_at) if row is not None else None


def _require_reminders(change: Change, record: StepRecord) -> None:
    title = change.definition(record).title
    if record.state not in UNDER_WAY:
        raise Refused(say("refused.not_waiting", step=title, state=say(f"state.{record.state}")))
    if change.definition(record).remind is None:
        raise Refused(say("refused.no_reminders", step=title))
