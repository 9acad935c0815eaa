"""The partner's form behind a link: shown by GET, taken by POST."""

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

import structlog
from starlette.requests import Request
from starlette.responses import Response

from bot.onboarding.answers import AnswerErrors, Answers, Given, check_answers
from bot.onboarding.clock import Clock
from bot.onboarding.errors import Refused
from bot.onboarding.filling import filled_fields
from bot.onboarding.outcomes import Fact
from bot.onboarding.service import Onboardings
from bot.onboarding.view import OnboardingView
from bot.web.form_fields import SubmittedForm, form_view, read_given
from bot.web.form_marks import RequiredRule, required_rules
from bot.web.linked_steps import LinkedStep, LinkedSteps, content_digest
from bot.web.links import SignedLinks
from bot.web.page_tokens import TokenExpired, TokenRefused, link_digest
from bot.web.pages import Pages, sentence
from checklists.model import Form, FormParameters, Localized

log = structlog.stdlib.get_logger()

# A form may ask who fills it in under this id; the trail then names that person beside the partner.
FILLED_BY = "filled_by"

Fill = Callable[[OnboardingView], Given]


class FormPages:
    """Shows the form and takes the answers. ``fill`` gives what the bot fills in itself."""

    def __init__(
        self,
        onboardings: Onboardings,
        links: SignedLinks,
        linked_steps: LinkedSteps,
        pages: Pages,
        fill: Fill,
        clock: Clock,
        *,
        allow_private_hosts: bool,
    ) -> None:
        self._onboardings = onboardings
        self._links = links
        self._linked_steps = linked_steps
        self._pages = pages
        self._fill = fill
        self._clock = clock
        self._allow_private_hosts = allow_private_hosts
        self._rules: dict[tuple[str, str], Mapping[str, RequiredRule]] = {}

    def show(self, token: str, request: Request) -> Response:
        """Return the form, or why it is not to be filled in now. Changes nothing."""
        linked = self._open(token, request)
        if not linked.is_open:
            return self._linked_steps.not_open(linked)
        return self._form(linked)

    def take(self, token: str, request: Request, submitted: SubmittedForm) -> Response:
        """Take the answers: all errors come back at once beside what was typed."""
        linked = self._open(token, request)
        form = form_of(linked)
        given = read_given(form, submitted)
        try:
            asking = self._linked_steps.asking_of(linked, _text(submitted, "csrf_token"))
        except TokenRefused:
            return self._linked_steps.refused_token(linked)
        except TokenExpired:
            notice = sentence(linked.language, "open_too_long")
            return self._form(linked, given=given, notice=notice, status=403)
        if not linked.is_open:
            return self._linked_steps.not_open(linked)
        if _text(submitted, "show_in"):
            return self._form(linked, given=given)
        return self._check(linked, form, given, asking, request)

    def _check(self, linked: LinkedStep, form: Form, given: Given, asking: str, request: Request) -> Response:
        today = self._clock.now().astimezone(ZoneInfo(linked.view.pack.checklist.time_zone)).date()
        try:
            answers = check_answers(
                form,
                given,
                filled_fields(form, self._fill(linked.view)),
                today=today,
                calendar=linked.view.pack.checklist.calendar,
                allow_private_hosts=self._allow_private_hosts,
            )
        except AnswerErrors as wrong:
            return self._form(linked, given=given, errors=wrong.errors, status=400)
        source = f"form:{link_digest(linked.token)}:{content_digest([asking, given])}"
        return self._submit(linked, form, answers, source, request)

    def _submit(self, linked: LinkedStep, form: Form, answers: Answers, source: str, request: Request) -> Response:
        labels = {asked.id: asked.label for asked in form.fields}
        warnings = [Fact(labels[name], text.text(linked.view.language)) for name, text in answers.warnings.items()]
        try:
            is_new = self._onboardings.submit_form(
                linked.view.key,
                linked.step.id,
                answers.values,
                warnings=warnings,
                actor=linked.actor(str(answers.values.get(FILLED_BY) or "")),
                source=source,
            )
        except Refused:
            # Somebody else's answers came in between: the page then says what stands now.
            now = self._open(linked.token, request)
            if now.is_open:
                raise
            return self._linked_steps.not_open(now)
        if not is_new:
            return self._linked_steps.received_before(linked)
        log.info("form_received", onboarding=linked.view.key, step=linked.step.id, warnings=len(warnings))
        notes = tuple(
            f"{labels[name].text(linked.language)}: {text.text(linked.language)}"
            for name, text in answers.warnings.items()
        )
        return self._linked_steps.thanks(linked, sentence(linked.language, "thanks.form"), notes)

    def _open(self, token: str, request: Request) -> LinkedStep:
        return self._linked_steps.open(token, self._links.read_form, "form", request)

    def _form(
        self,
        linked: LinkedStep,
        *,
        given: Given | None = None,
        errors: Mapping[str, Localized] | None = None,
        notice: str = "",
        status: int = 200,
    ) -> Response:
        language, form = linked.language, form_of(linked)
        shown = form_view(
            form,
            language,
            rules=self._rules_of(linked, form),
            filled=filled_fields(form, self._fill(linked.view)),
            given=given,
            errors=errors,
            yes_no=(sentence(language, "yes"), sentence(language, "no")),
        )
        return self._pages.answer(
            "form.html",
            language,
            status=status,
            form=shown,
            view=linked.view,
            due=linked.step.due_on,
            csrf_token=self._linked_steps.page_token(linked),
            notice=notice,
        )

    def _rules_of(self, linked: LinkedStep, form: Form) -> Mapping[str, RequiredRule]:
        known = (linked.view.pack.digest, form.form)
        if known not in self._rules:
            self._rules[known] = required_rules(form)
        return self._rules[known]


def form_of(linked: LinkedStep) -> Form:
    """Return the pack's form of a step."""
    parameters = linked.step.definition.parameters
    assert isinstance(parameters, FormParameters)
    return linked.view.pack.forms[parameters.form]


def _text(submitted: SubmittedForm, name: str) -> str:
    texts = [value for value in submitted.getlist(name) if isinstance(value, str)]
    return texts[0] if texts else ""
