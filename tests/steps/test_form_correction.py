"""What the partner is written when its form is opened again."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from pydantic import SecretStr

from bot.onboarding.correcting import CORRECTIONS
from bot.onboarding.outcomes import Waiting
from bot.onboarding.work import Work
from bot.steps.form import FormStep
from bot.steps.invitation import Invitations
from bot.web.links import SignedLinks
from checklists.model import FormParameters, Localized
from checklists.model import Step as StepDefinition

LINKS = SignedLinks(
    "https://onboarding.example.com", SecretStr("a secret of at least thirty-two characters, for tests")
)


def asked(run: int, memory: dict[str, Any]) -> Waiting:
    title = Localized(fr="Formulaire", en="Form", es="Formulario")
    definition = StepDefinition(id="form", kind="form", title=title, role="partner", parameters=FormParameters())
    view: Any = SimpleNamespace(key="ONB-1", operator="OPERADORA X", client="ACME", link_edition=lambda number: number)
    step: Any = SimpleNamespace(definition=definition)
    work = Work(view, step, memory, {}, run, datetime(2026, 11, 24, tzinfo=UTC), effects=None)  # type: ignore[arg-type]
    outcome = FormStep(LINKS, Invitations(None)).run(work)
    assert isinstance(outcome, Waiting)
    return outcome


def correction(run: int) -> dict[str, Any]:
    return {CORRECTIONS: [{"comment": "the port is wrong", "by": "ana", "at": "2026-11-24T09:00:00+00:00", "run": run}]}


def test_a_correction_is_told_with_its_comment_and_a_new_link_in_three_languages() -> None:
    outcome = asked(2, correction(2))
    assert outcome.copy is not None
    assert outcome.link is not None
    assert LINKS.read_form(outcome.link.rpartition("/")[2]).edition == 2
    for text in (outcome.copy.fr, outcome.copy.en, outcome.copy.es):
        assert "the port is wrong" in text
        assert outcome.link in text


def test_a_form_that_is_asked_for_anew_for_another_reason_repeats_no_old_comment() -> None:
    outcome = asked(3, correction(2))
    assert outcome.copy is not None
    assert "the port is wrong" not in outcome.copy.en
