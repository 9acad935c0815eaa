"""Corrections of a form that was sent: the manager or the Data Base team ask, the partner's form opens again.

The answers stay as they are until new ones come: the form shows them as its draft, with the comment on top. What was
built on them (the ticket and all behind it) starts anew with the new answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlmodel import col, select

from bot.locales import say
from bot.onboarding.actors import Actor
from bot.onboarding.asking import Asking, find, require_open
from bot.onboarding.change import Change
from bot.onboarding.drafts import forget_draft
from bot.onboarding.errors import Refused
from bot.onboarding.flow import Flow
from bot.onboarding.models import StepRecord
from bot.onboarding.outcomes import Back
from bot.onboarding.store import Store, tried_again
from checklists.model import Localized

log = structlog.stdlib.get_logger()

CORRECTIONS = "corrections"
LONGEST_COMMENT = 2_000


@dataclass(frozen=True)
class Correction:
    """What is to be corrected, and since when. ``run`` is the form's run that it opened."""

    comment: str
    by: str
    at: datetime
    run: int


def corrections(memory: Mapping[str, Any]) -> tuple[Correction, ...]:
    """Return every correction that was asked of a form, the first one first."""
    return tuple(
        Correction(kept["comment"], kept["by"], datetime.fromisoformat(kept["at"]), kept["run"])
        for kept in memory.get(CORRECTIONS, ())
    )


def correction_of_run(memory: Mapping[str, Any], run: int) -> Correction | None:
    """Return the correction that a run of a form was opened for; None when it was opened for another reason."""
    return next((asked for asked in corrections(memory) if asked.run == run), None)


def can_be_corrected(kind: str, state: str) -> bool:
    """Tell whether a step is a form whose answers are there: only of such a one can a correction be asked."""
    return kind == "form" and state == "done"


class Correcting:
    """Opens forms again."""

    def __init__(self, store: Store, asking: Asking, flow: Flow) -> None:
        self._store = store
        self._asking = asking
        self._flow = flow

    def asked_of(self, key: str, step_id: str) -> Correction | None:
        """Return the correction that a form is open for now; None when it is none. Raises Unknown."""
        with self._store.reading() as session:
            of_it = select(StepRecord).where(StepRecord.onboarding_id == find(session, key).id)
            record = session.exec(of_it.where(col(StepRecord.step_id) == step_id)).first()
            return correction_of_run(record.memory, record.run) if record is not None else None

    @tried_again
    def ask_correction(self, key: str, step_id: str, comment: str, *, actor: Actor, source: str | None = None) -> bool:
        """Ask for a correction of a form that was sent; its link to the partner is a new one.

        A manager or the Data Base team may. False for a repeat. Raises Refused when there is nothing to correct yet
        or no comment that says what is wrong.
        """
        with self._asking.step(key, step_id, actor, source, role="manager", or_role="data_base") as asked:
            if asked is None:
                return False
            self._open_again(*asked, comment)
            return True

    @tried_again
    def require(self, key: str, step_id: str, *, actor: Actor) -> None:
        """Raise Refused, and note it, when the actor may not ask for a correction of a form, or it has none to make."""
        with self._asking.step(key, step_id, actor, None, role="manager", or_role="data_base") as asked:
            assert asked is not None
            _require_answers(*asked)

    @tried_again
    def asked_on_ticket(self, key: str, comment: str, *, actor: Actor, source: str) -> bool:
        """Ask for a correction as whoever has commented on the ticket that the form was made into.

        Jira has let the author write there, and that is the team's own project: no role is asked for. False for a
        repeat. Raises Refused when there is nothing to correct now, or no comment.
        """
        with self._asking.first(key, None, actor, source) as change:
            if change is None:
                return False
            require_open(change)
            self._open_again(change, change.step(self.form_of(key)), comment)
            return True

    def managers(self) -> str:
        """Return who may ask for a correction wherever they are, as the settings name them."""
        return self._asking.who("manager")

    def form_of(self, key: str) -> str:
        """Return the step of the form that can be corrected: one that was sent, before any other. Raises Refused."""
        with self._store.reading() as session:
            onboarding = find(session, key)
            forms = select(StepRecord).where(StepRecord.onboarding_id == onboarding.id, StepRecord.kind == "form")
            records = session.exec(forms.order_by(col(StepRecord.position))).all()
        if not records:
            raise Refused(say("forms.none", key=onboarding.key))
        sent = (record.step_id for record in records if can_be_corrected(record.kind, record.state))
        return next(sent, records[0].step_id)

    def _open_again(self, change: Change, record: StepRecord, comment: str) -> None:
        comment = comment.replace("\r\n", "\n").strip()
        _require_answers(change, record)
        if not comment:
            raise Refused(say("refused.no_comment"))
        if len(comment) > LONGEST_COMMENT:
            raise Refused(say("refused.comment_too_long", length=len(comment), limit=LONGEST_COMMENT))
        kept = {"comment": comment, "by": change.actor.name, "at": change.now.isoformat(), "run": record.run + 1}
        seen = Localized.same(comment).model_dump()
        change.note("correction_asked", step=record, content={"reason": comment, "seen": seen})
        forget_draft(change.session, record.onboarding_id, record.step_id)
        memory = {CORRECTIONS: [*record.memory.get(CORRECTIONS, ()), kept]}
        self._flow.settle(change, record, Back(to=record.step_id, memory=memory))


def _require_answers(change: Change, record: StepRecord) -> None:
    """Raise Refused unless the step is a form that was sent."""
    title = change.definition(record).title
    if record.kind != "form":
        raise Refused(say("refused.no_form", step=title))
    if not can_be_corrected(record.kind, record.state):
        raise Refused(say("refused.nothing_to_correct", step=title, state=say(f"state.{record.state}")))
