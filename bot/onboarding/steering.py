"""What a manager decides about a whole onboarding: who answers for it, until when, and whether it is open again.

Notes are here too: what somebody wants read later. Every method is one transaction; ``source`` names the outside event,
and the same one again changes nothing and answers False. A refusal is on the trail.
"""

from datetime import date, timedelta

from bot.locales import say
from bot.onboarding import due_dates
from bot.onboarding.actors import Accountable, Actor
from bot.onboarding.asking import Asking, require_no_other
from bot.onboarding.change import Change
from bot.onboarding.confirming import withdraw
from bot.onboarding.errors import Refused
from bot.onboarding.flow import Flow
from bot.onboarding.models import MET, UNDER_WAY, StepRecord
from bot.onboarding.store import again_after_another, tried_again
from checklists.model import Localized, Role

# A mistyped year must not silence the reminders for good.
FARTHEST_DUE = timedelta(days=3 * 366)
LONGEST_NOTE = 2_000


class Steering:
    """Built by ``Onboardings``, which has it as ``steering``."""

    def __init__(self, flow: Flow, asking: Asking) -> None:
        self._flow = flow
        self._asking = asking

    @tried_again
    def assign(
        self,
        key: str,
        person: Accountable | None,
        step_id: str | None = None,
        *,
        actor: Actor,
        source: str | None = None,
    ) -> bool:
        """Name who answers for an onboarding, or for one step of it; None: nobody in particular.

        Reminders turn to them first. It gives them no right that they do not have. False where it is them already.
        """
        with self._asking.whole(key, actor, source, step_id=step_id) as asked:
            if asked is None:
                return False
            change, record = asked
            if record is not None:
                _require_not_over(change, record)
            row = record if record is not None else change.onboarding
            if row.accountable == (person.id if person else None):
                return False
            row.accountable, row.accountable_name = (person.id, person.name) if person else (None, None)
            change.session.add(row)
            seen = say("steer.assigned", who=person.name) if person else say("steer.unassigned")
            content = {"seen": seen.model_dump(), "who": [person.id] if person else []}
            change.note("assigned", step=record, content=content)
            return True

    @tried_again
    def set_due(
        self,
        key: str,
        day: date | None,
        step_id: str | None = None,
        *,
        actor: Actor,
        source: str | None = None,
    ) -> bool:
        """Change the due date of an onboarding or of one step; what reminds of it follows.

        None: an onboarding has none any more, a step its pack's own again. False where it is that day already.
        """
        with self._asking.whole(key, actor, source, step_id=step_id) as asked:
            if asked is None:
                return False
            change, record = asked
            _require_sensible(change, day)
            before = change.onboarding.due
            if record is not None:
                _require_not_over(change, record)
                before = record.due_set
            if day == before:
                return False
            if record is not None:
                before = record.due_on
                due_dates.change_step(change, record, day)
                day = record.due_on if record.state in UNDER_WAY else day
            else:
                change.onboarding.due = day
                change.session.add(change.onboarding)
                due_dates.change_whole(change)
            seen = say("steer.due", day=_shown(day), before=_shown(before))
            content = {"seen": seen.model_dump(), "due": day.isoformat() if day else None}
            change.note("due_changed", step=record, content=content)
            return True

    @tried_again
    def note(
        self,
        key: str,
        text: str,
        step_id: str | None = None,
        *,
        link: str | None = None,
        actor: Actor,
        source: str | None = None,
    ) -> bool:
        """Put a person's words on the trail and where people read, of a closed onboarding too.

        A manager may, and the Data Base team. ``link`` is where it was said.
        """
        with self._asking.whole(
            key, actor, source, or_roles=("data_base",), step_id=step_id, even_closed=True
        ) as asked:
            if asked is None:
                return False
            change, record = asked
            words = text.strip()
            if not words:
                raise Refused(say("refused.empty_note"))
            if len(words) > LONGEST_NOTE:
                raise Refused(say("refused.long_note", longest=LONGEST_NOTE, given=len(words)))
            content = {"seen": Localized.same(words).model_dump()} | ({"link": link} if link else {})
            change.note("noted", step=record, content=content)
            return True

    @tried_again
    @again_after_another
    def reopen(
        self, key: str, reason: str, step_id: str | None = None, *, actor: Actor, source: str | None = None
    ) -> bool:
        """Open an onboarding again that was cancelled or is done: done steps stay done.

        With ``step_id`` that step and all that need it begin anew. A finished one without: its last step does, for with
        everything done it would end at once. What was under way when it was cancelled begins anew. Refused while it is
        open, and where another one is open for the same client.
        """
        with self._asking.whole(key, actor, source, step_id=step_id, even_closed=True) as asked:
            if asked is None:
                return False
            change, record = asked
            onboarding = change.onboarding
            if onboarding.state == "open":
                raise Refused(say("refused.open", key=onboarding.key))
            if not reason.strip():
                raise Refused(say("refused.no_reason"))
            if record is not None and record.state == "not_applicable":
                raise Refused(say("refused.not_applicable", step=change.definition(record).title))
            require_no_other(
                change.session,
                pack=onboarding.pack,
                partner=onboarding.partner,
                root=onboarding.root,
                client=onboarding.client,
                surfaces=self._flow.surfaces,
            )
            begun_anew = record or (_last(change) if onboarding.state == "done" else None)
            onboarding.state, onboarding.closed_at = "open", None
            onboarding.reopened += 1
            change.session.add(onboarding)
            change.session.flush()
            change.note("reopened", step=begun_anew, content={"reason": reason.strip()})
            self._go_on(change, begun_anew)
            return True

    @tried_again
    def withdraw(self, key: str, step_id: str, *, actor: Actor, source: str | None = None) -> bool:
        """Take one's own confirmation of a step back, while it needs another person's."""
        with self._asking.step(key, step_id, actor, source) as asked:
            if asked is None:
                return False
            withdraw(*asked)
            return True

    def taken_along(self, key: str, *, actor: Actor, source: str | None = None) -> bool:
        """Note that somebody takes the dossier along: it leaves for where no role guards it."""
        with self._asking.whole(key, actor, source, or_roles=("data_base",), even_closed=True) as asked:
            if asked is None:
                return False
            change, _ = asked
            change.note("dossier_taken")
            return True

    def require(self, key: str, step_id: str, *, actor: Actor, or_role: Role = "manager") -> None:
        """Raise Refused, and note it, for somebody who may not act on a step, or for a step that does not exist."""
        with self._asking.step(key, step_id, actor, None, or_role=or_role):
            pass

    def _go_on(self, change: Change, begun_anew: StepRecord | None) -> None:
        if begun_anew is not None:
            self._flow.start_over(change, begun_anew.step_id)
        for record in [record for record in change.steps if record.state in UNDER_WAY]:
            self._flow.begin(change, record)
        due = change.onboarding.due
        if due is not None and due >= change.working_time.day(change.now):
            due_dates.change_whole(change)
        self._flow.advance(change)


def _last(change: Change) -> StepRecord:
    """Return the last step that applies: most often the sign-off."""
    return next(record for record in reversed(change.steps) if record.state != "not_applicable")


def _require_not_over(change: Change, record: StepRecord) -> None:
    if record.state in MET:
        state = say(f"state.{record.state}")
        raise Refused(say("refused.step_over", step=change.definition(record).title, state=state))


def _require_sensible(change: Change, day: date | None) -> None:
    if day is None:
        return
    today = change.working_time.day(change.now)
    if day < today:
        raise Refused(say("start.due", given=day.isoformat()))
    if day > today + FARTHEST_DUE:
        raise Refused(say("refused.far_due", given=day.isoformat()))


def _shown(day: date | None) -> Localized | str:
    return day.isoformat() if day else say("steer.no_due")
