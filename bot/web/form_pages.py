"""The partner's form behind a link: shown by GET, saved as a draft or sent by POST."""

from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.onboarding.answers import AnswerErrors, Answers, Given, check_answers
from bot.onboarding.clock import Clock
from bot.onboarding.errors import Refused
from bot.onboarding.filling import filled_fields
from bot.onboarding.outcomes import Fact
from bot.onboarding.service import Onboardings
from bot.onboarding.view import OnboardingView
from bot.web.form_fields import (
    SubmittedForm,
    form_view,
    has_stray_file,
    only_asked,
    read_given,
    read_key_files,
    starting_point,
)
from bot.web.form_marks import RequiredRule, required_rules
from bot.web.linked_steps import LinkedStep, LinkedSteps, content_digest
from bot.web.links import SignedLinks
from bot.web.page_tokens import TokenExpired, TokenRefused, link_digest
from bot.web.pages import Pages, moment, sentence
from checklists.model import Form, FormParameters, Localized

log = structlog.stdlib.get_logger()

# A form may ask who fills it in under this id; the trail then names that person beside the partner.
FILLED_BY = "filled_by"
# Names of the page's own inputs: a dot is in no field's id.
ACTION, DRAFT_SEEN, CHANGED = "page.do", "page.draft", "page.changed"

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
        self._drafts = onboardings.drafts
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
        """Take what a POST asks for (``page.do``).

        The sending: all errors come back at once beside what was typed. Or the saving of the draft (``save``, and
        ``autosave`` by the page's script), the same page with the questions that the answers so far make needed
        (``refresh``), or the page in another language (``show_in``).
        """
        linked = self._open(token, request)
        form = form_of(linked)
        if has_stray_file(form, submitted):
            raise HTTPException(400)
        keys, refused = read_key_files(form, submitted)
        given: Given = {**read_given(form, submitted), **keys}
        action = _text(submitted, ACTION)
        if action == "autosave":
            return self._autosave(linked, form, given, submitted)
        try:
            asking = self._linked_steps.asking_of(linked, _text(submitted, "csrf_token"))
        except TokenRefused:
            return self._linked_steps.refused_token(linked)
        except TokenExpired:
            notice = sentence(linked.language, "open_too_long")
            return self._form(linked, given=given, errors=refused, notice=notice, status=403)
        if not linked.is_open:
            return self._linked_steps.not_open(linked)
        if action == "save":
            return self._save(linked, given, refused, _text(submitted, DRAFT_SEEN))
        if action == "refresh" or _text(submitted, "show_in"):
            return self._form(linked, given=given, errors=refused)
        return self._check(linked, form, given, refused, asking, request)

    def _save(self, linked: LinkedStep, given: Given, refused: Mapping[str, Localized], seen: str) -> Response:
        """Save the draft by the page's button; not over what somebody else has saved since the page was shown."""
        language = linked.language
        before = self._drafts.find(linked.view.key, linked.step.id)
        if before is not None and str(before.saves) != seen:
            notice = sentence(language, "form.saved_by_another", at=self._moment(linked, before.saved_at))
            return self._form(linked, given=given, errors=refused, notice=notice, status=409)
        draft = self._drafts.save(linked.view.key, linked.step.id, given)
        notice = sentence(language, "form.saved", at=self._moment(linked, draft.saved_at))
        return self._form(linked, given=given, errors=refused, notice=notice, doubts=self._doubts(linked, given))

    def _autosave(self, linked: LinkedStep, form: Form, given: Given, submitted: SubmittedForm) -> Response:
        """Save what has changed on a page (``page.changed``) since it last saved; two pages side by side both count."""
        language = linked.language
        try:
            self._linked_steps.asking_of(linked, _text(submitted, "csrf_token"))
        except (TokenRefused, TokenExpired):
            return JSONResponse({"text": sentence(language, "form.not_saved")}, status_code=403)
        if not linked.is_open:
            return JSONResponse({"text": sentence(language, "received_before.text")}, status_code=409)
        names = {name for name in submitted.getlist(CHANGED) if isinstance(name, str)}
        changed = {name: value for name, value in given.items() if name in names}
        draft = self._drafts.save(linked.view.key, linked.step.id, changed)
        doubts = self._doubts(linked, starting_point(form, {}, given))
        return JSONResponse(
            {
                "text": sentence(language, "form.saved", at=self._moment(linked, draft.saved_at)),
                "draft": draft.saves,
                "doubts": {name: text.text(language) for name, text in doubts.items()},
            }
        )

    def _doubts(self, linked: LinkedStep, given: Given) -> Mapping[str, Localized]:
        """Return what is wrong with what has been typed so far; what is still missing is no doubt."""
        try:
            self._checked(linked, given)
        except AnswerErrors as wrong:
            return {name: text for name, text in wrong.errors.items() if given.get(name)}
        return {}

    def _checked(self, linked: LinkedStep, given: Given) -> Answers:
        form = form_of(linked)
        filled = filled_fields(form, self._fill(linked.view))
        return check_answers(
            form,
            only_asked(form, given, filled),
            filled,
            today=self._clock.now().astimezone(ZoneInfo(linked.view.pack.checklist.time_zone)).date(),
            calendar=linked.view.pack.checklist.calendar,
            allow_private_hosts=self._allow_private_hosts,
        )

    def _check(
        self,
        linked: LinkedStep,
        form: Form,
        given: Given,
        refused: Mapping[str, Localized],
        asking: str,
        request: Request,
    ) -> Response:
        errors = dict(refused)
        try:
            answers = self._checked(linked, given)
        except AnswerErrors as wrong:
            errors = {**wrong.errors, **refused}
        if errors:
            return self._form(linked, given=given, errors=errors, status=400)
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
        more = self._links.partner_page(linked.view.key, edition=linked.view.page_edition)
        return self._linked_steps.thanks(linked, sentence(linked.language, "thanks.form"), notes, more)

    def _open(self, token: str, request: Request) -> LinkedStep:
        return self._linked_steps.open(token, self._links.read_form, "form", request)

    def _form(
        self,
        linked: LinkedStep,
        *,
        given: Given | None = None,
        errors: Mapping[str, Localized] | None = None,
        doubts: Mapping[str, Localized] | None = None,
        notice: str = "",
        status: int = 200,
    ) -> Response:
        language, form = linked.language, form_of(linked)
        draft = self._drafts.find(linked.view.key, linked.step.id)
        if given is None:
            answers = self._onboardings.answers(linked.view.key, linked.step.id)
            if draft is not None or answers:
                given = starting_point(form, answers, draft.typed if draft else {})
            if draft is not None and given is not None:
                doubts = self._doubts(linked, given)
                notice = notice or sentence(language, "form.continues", at=self._moment(linked, draft.saved_at))
        shown = form_view(
            form,
            language,
            rules=self._rules_of(linked, form),
            filled=filled_fields(form, self._fill(linked.view)),
            given=given,
            errors=errors,
            doubts=doubts,
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
            draft=draft.saves if draft else 0,
            correction=self._onboardings.correcting.asked_of(linked.view.key, linked.step.id),
            time_zone=linked.view.pack.checklist.time_zone,
        )

    def _moment(self, linked: LinkedStep, at: datetime) -> str:
        return moment(linked.language, at, linked.view.pack.checklist.time_zone)

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
