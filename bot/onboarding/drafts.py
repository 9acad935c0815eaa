"""What has been entered into a form and not been sent yet: one row for each step, the latest entry of all who fill it.

A draft never holds a secret that came by mistake: whoever saves it leaves such an answer out (``keepable``).
"""

from collections.abc import Mapping

from sqlmodel import Session

from bot.locales import say
from bot.onboarding.answer_types import example_of
from bot.onboarding.answers import Given
from bot.onboarding.clock import Clock
from bot.onboarding.models import FormDraft
from bot.onboarding.store import Store, again_after_another
from checklists.model import Form, Localized

SECRET_SIGN = "PRIVATE KEY"  # noqa: S105 - what a private key begins with, not one


class Drafts:
    """The table of drafts."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def get(self, onboarding_id: int, step_id: str) -> dict[str, str | list[str]]:
        """Return what was entered so far, texts by field id; empty when nothing was."""
        with self._store.reading() as session:
            draft = session.get(FormDraft, (onboarding_id, step_id))
            return dict(draft.answers) if draft is not None else {}

    @again_after_another
    def save(self, onboarding_id: int, step_id: str, answers: Given, by: str) -> None:
        """Keep these answers beside those of other fields that were entered before."""
        with self._store.transaction(for_person=True) as session:
            draft = session.get(FormDraft, (onboarding_id, step_id))
            kept = draft.answers if draft is not None else {}
            row = FormDraft(
                onboarding_id=onboarding_id,
                step_id=step_id,
                answers={**kept, **answers},
                saved_at=self._clock.now(),
                saved_by=by,
            )
            session.merge(row)


def drop(session: Session, onboarding_id: int, step_id: str) -> None:
    """Forget a step's draft: its answers were sent."""
    draft = session.get(FormDraft, (onboarding_id, step_id))
    if draft is not None:
        session.delete(draft)


def keepable(form: Form, given: Given, errors: Mapping[str, Localized]) -> dict[str, str | list[str]]:
    """Return the answers that may be kept: not those that the check took for a secret, nor what the bot fills in."""
    fields = {asked.id: asked for asked in form.fields if asked.fill is None}
    kept = {}
    for name, value in given.items():
        if name not in fields or SECRET_SIGN in str(value).upper():
            continue
        if errors.get(name) != say("answers.secret", example=example_of(fields[name])):
            kept[name] = value
    return kept
