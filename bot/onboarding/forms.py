"""A step's form wherever it is filled in but behind the partner's link: in Slack, in a spreadsheet, from the shell.

A manager fills it in for the partner; the trail says who did. Every way in checks by the same rules as the page does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bot.locales import say
from bot.onboarding.actors import Actor, Roles
from bot.onboarding.answer_types import example_of
from bot.onboarding.answers import AnswerErrors, Answers, Given, check_answers, unwanted_fields
from bot.onboarding.asking import Asking
from bot.onboarding.change import Change
from bot.onboarding.clock import Clock
from bot.onboarding.correcting import correction_of_run
from bot.onboarding.drafts import as_typed
from bot.onboarding.errors import Refused
from bot.onboarding.filling import filled_fields, filled_values
from bot.onboarding.flow import Flow
from bot.onboarding.models import StepRecord
from bot.onboarding.outcomes import Evidence, Fact, FileEvidence
from bot.onboarding.service import Onboardings
from bot.onboarding.store import Store, tried_again
from bot.onboarding.view import OnboardingView
from checklists.model import Form, FormParameters, Localized


@dataclass(frozen=True)
class OpenForm:
    """A form that waits for answers. ``given`` is what was entered so far, ``filled`` what the bot fills in itself.

    ``comment`` is what is to be corrected, where answers were sent before and came back.
    """

    view: OnboardingView
    step_id: str
    form: Form
    filled: Given
    given: Given
    comment: str = ""

    @property
    def title(self) -> Localized:
        """The step's title."""
        return self.view.step(self.step_id).definition.title


@dataclass(frozen=True)
class FormRules:
    """What the answers are checked with beside the form: the settings TRANSFER__ROOT and TRANSFER__PROTOCOL."""

    transfer_root: str = ""
    transfer_protocol: str = "sftp"
    allow_private_hosts: bool = False


class Forms:
    """Opens forms, keeps what is entered, and takes the answers."""

    def __init__(
        self, store: Store, flow: Flow, clock: Clock, roles: Roles, onboardings: Onboardings, rules: FormRules
    ) -> None:
        self._asking = Asking(store, flow, clock, roles)
        self._clock = clock
        self._onboardings = onboardings
        self._drafts = onboardings.drafts
        self._rules = rules

    def step_of(self, key: str) -> str:
        """Return the id of the form step of an onboarding, one that waits before any other. Raises Refused."""
        view = self._onboardings.view(key)
        steps = [step for step in view.steps if step.definition.kind == "form" and step.state != "not_applicable"]
        if not steps:
            raise Refused(say("forms.none", key=view.key))
        return next((step.id for step in steps if step.state == "waiting"), steps[0].id)

    def open(self, key: str, step_id: str, actor: Actor) -> OpenForm:
        """Return a form that waits for answers, with those of an earlier round where it was opened again.

        Raises Refused: no form, answered already, or the actor may not answer for the partner; it goes to the trail.
        """
        with self._asking.step(key, step_id, actor, None) as asked:
            assert asked is not None
            change, record = asked
            _require_waiting(change, record)
            before: Mapping[str, object] = record.memory.get("answers", {})
            correction = correction_of_run(record.memory, record.run)
        view = self._onboardings.view(key)
        parameters = view.step(step_id).definition.parameters
        assert isinstance(parameters, FormParameters)
        form = view.pack.forms[parameters.form]
        values = filled_values(
            view,
            transfer_root=self._rules.transfer_root,
            protocol=self._rules.transfer_protocol,
            now=self._clock.now(),
        )
        draft = self._drafts.find(view.key, step_id)
        given = as_typed(before) | (dict(draft.typed) if draft else {})
        asked_for = {field.id for field in form.fields if field.fill is None}
        kept = {name: value for name, value in given.items() if name in asked_for}
        return OpenForm(
            view, step_id, form, filled_fields(form, values), kept, correction.comment if correction else ""
        )

    def check(self, opened: OpenForm, given: Given) -> Answers:
        """Check all answers. Raises AnswerErrors with all errors at once."""
        checklist = opened.view.pack.checklist
        return check_answers(
            opened.form,
            given,
            opened.filled,
            today=self._clock.now().astimezone(ZoneInfo(checklist.time_zone)).date(),
            calendar=checklist.calendar,
            allow_private_hosts=self._rules.allow_private_hosts,
        )

    def errors(self, opened: OpenForm, given: Given) -> Mapping[str, Localized]:
        """Return what is wrong with the answers so far by field id; empty when they could be sent."""
        try:
            self.check(opened, given)
        except AnswerErrors as wrong:
            return wrong.errors
        return {}

    def wanted(self, opened: OpenForm, given: Given) -> dict[str, str | list[str]]:
        """Return the answers without those to questions that other answers have made pointless."""
        off = unwanted_fields(opened.form, given)
        return {name: value for name, value in given.items() if name not in off}

    def keep(self, opened: OpenForm, given: Given, errors: Mapping[str, Localized]) -> None:
        """Keep what was entered so far for whoever goes on with it; secrets that came by mistake are left out.

        Raises Refused when the form waits no more.
        """
        kept = {}
        for asked in opened.form.fields:
            if asked.fill is None and asked.id in given:
                is_secret = errors.get(asked.id) == say("answers.secret", example=example_of(asked))
                kept[asked.id] = "" if is_secret else given[asked.id]
        self._drafts.save(opened.view.key, opened.step_id, kept)

    @tried_again
    def take(self, opened: OpenForm, given: Given, *, way: Localized, actor: Actor, source: str | None = None) -> bool:
        """Take the answers; the step is done with them. ``way`` says how they came; False for a repeat.

        Raises AnswerErrors, or Refused when the form waits no more.
        """
        answers = self.check(opened, given)
        labels = {field.id: field.label for field in opened.form.fields}
        language = opened.view.language
        facts = [Fact(say("fact.filled_for"), opened.view.partner), Fact(say("fact.filled_way"), way.text(language))]
        facts += [Fact(labels[name], text.text(language)) for name, text in answers.warnings.items()]
        return self._onboardings.submit_form(
            opened.view.key, opened.step_id, answers.values, warnings=facts, actor=actor, source=source
        )

    @tried_again
    def offer_sheet(
        self, key: str, step_id: str, sheet: FileEvidence, *, actor: Actor, source: str | None = None
    ) -> bool:
        """Have the form shown in the thread as a spreadsheet; False for a repeat."""
        with self._asking.step(key, step_id, actor, source) as asked:
            if asked is None:
                return False
            change, record = asked
            _require_waiting(change, record)
            change.note("sheet_offered", step=record, content={"evidence": Evidence(files=(sheet,)).as_json()})
            return True


def _require_waiting(change: Change, record: StepRecord) -> None:
    title = change.definition(record).title
    if record.kind != "form":
        raise Refused(say("refused.no_form", step=title))
    if record.state != "waiting":
        raise Refused(say("refused.not_waiting", step=title, state=say(f"state.{record.state}")))
