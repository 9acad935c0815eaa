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
from bot.onboarding.asking import Asking, find
from bot.onboarding.drafts import forget_draft
from bot.onboarding.errors import Refused
from bot.onboarding.flow import Flow
from bot.onboarding.models import StepRecord
from bot.onboarding.outcomes import Back
from bot.onboarding.store import Store, tried_again

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
            change, record = asked
            comment = comment.replace("\r\n", "\n").strip()
            title = change.definition(record).title
            if record.kind != "form":
                raise Refused(say("refused.no_form", step=title))
            if record.state != "done":
                raise Refused(say("refused.nothing_to_correct", step=title, state=say(f"state.{record.state}")))
            if not comment:
                raise Refused(say("refused.no_comment"))
            if len(comment) > LONGEST_COMMENT:
                raise Refused(say("refused.comment_too_long", length=len(comment), limit=LONGEST_COMMENT))
            kept = {"comment": comment, "by": actor.name, "at": change.now.isoformat(), "run": record.run + 1}
            change.note("correction_asked", step=record, content={"reason": comment})
            forget_draft(change.session, record.onboarding_id, step_id)
            memory = {CORRECTIONS: [*record.memory.get(CORRECTIONS, ()), kept]}
            self._flow.settle(change, record, Back(to=step_id, memory=memory))
            return True
