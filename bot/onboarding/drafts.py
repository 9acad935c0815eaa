"""Drafts of a form: what has been typed and not sent, kept unchecked for everybody who holds the form's link.

A draft is no event of the onboarding: nobody has answered anything yet, so there is no trail line and no revision.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from bot.locales import say
from bot.onboarding.answer_types import LONGEST_ANSWER, holds_private_key
from bot.onboarding.answers import Given
from bot.onboarding.asking import find
from bot.onboarding.clock import Clock
from bot.onboarding.errors import Refused
from bot.onboarding.models import FormDraft, Onboarding, StepRecord
from bot.onboarding.store import Store, tried_again


@dataclass(frozen=True)
class Draft:
    """What was typed, by field id, and when it was last saved. ``saves`` tells one state of the draft from another."""

    typed: Given
    saved_at: datetime
    saves: int


class Drafts:
    """Keeps the drafts of the forms that wait for their answers."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def find(self, key: str, step_id: str) -> Draft | None:
        """Return a form's draft; None while nothing was saved. Raises Unknown."""
        with self._store.reading() as session:
            kept = session.get(FormDraft, (find(session, key).id, step_id))
            return None if kept is None else Draft(kept.typed, kept.saved_at, kept.saves)

    @tried_again
    def save(self, key: str, step_id: str, typed: Given) -> Draft:
        """Put what was typed into the draft; fields that are not in ``typed`` stay as they were.

        A private key and an answer that is longer than any may be are never kept. Raises Unknown, and Refused when
        the form does not wait for answers now.
        """
        with self._store.transaction(for_person=True) as session:
            number = find(session, key).id
            assert number is not None
            onboarding = session.exec(select(Onboarding).where(Onboarding.id == number).with_for_update()).one()
            self._require_open(session, onboarding, step_id)
            kept = session.get(FormDraft, (number, step_id))
            if kept is None:
                kept = FormDraft(onboarding_id=number, step_id=step_id, saved_at=self._clock.now())
            kept.typed = {**kept.typed, **{name: value if _may_be_kept(value) else "" for name, value in typed.items()}}
            kept.saves += 1
            kept.saved_at = self._clock.now()
            session.add(kept)
            return Draft(kept.typed, kept.saved_at, kept.saves)

    def _require_open(self, session: Session, onboarding: Onboarding, step_id: str) -> None:
        of_it = select(StepRecord).where(StepRecord.onboarding_id == onboarding.id)
        record = session.exec(of_it.where(col(StepRecord.step_id) == step_id)).first()
        if onboarding.state != "open" or record is None or (record.kind, record.state) != ("form", "waiting"):
            raise Refused(say("refused.no_draft", key=onboarding.key))


def forget_draft(session: Session, onboarding_id: int, step_id: str) -> None:
    """Drop a form's draft: its answers were sent, or count as the draft themselves."""
    kept = session.get(FormDraft, (onboarding_id, step_id))
    if kept is not None:
        session.delete(kept)


def as_typed(answers: Mapping[str, object]) -> dict[str, str | list[str]]:
    """Return checked answers as a person would type them: the draft of a form that is opened again."""
    return {name: _typed(value) for name, value in answers.items()}


def _typed(value: object) -> str | list[str]:
    if isinstance(value, bool):
        return "true" if value else "false"
    return [str(entry) for entry in value] if isinstance(value, list) else str(value)


def _may_be_kept(value: str | list[str]) -> bool:
    text = value if isinstance(value, str) else "\n".join(value)
    return len(text) <= LONGEST_ANSWER and not holds_private_key(text)
