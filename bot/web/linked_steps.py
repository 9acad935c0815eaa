"""The step behind a link, and what a page says when the step is not to be answered now."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NoReturn

from starlette.requests import Request
from starlette.responses import Response

from bot.locales import say
from bot.onboarding.actors import Actor
from bot.onboarding.errors import Refused, Unknown
from bot.onboarding.service import Onboardings
from bot.onboarding.view import OnboardingView, StepView
from bot.web.languages import page_language
from bot.web.links import LinkExpired, LinkInvalid, LinkRevoked, LinkTarget
from bot.web.page_tokens import PageTokens, link_digest
from bot.web.pages import Pages, moment, sentence
from checklists.model import Language


@dataclass(frozen=True)
class LinkedStep:
    """What a good link leads to, and the language its page speaks."""

    token: str
    view: OnboardingView
    step: StepView
    language: Language

    @property
    def is_open(self) -> bool:
        """Whether an answer is wanted now."""
        return self.view.state == "open" and self.step.state == "waiting"

    @property
    def asking(self) -> str:
        """Names this asking: a step that is asked again is another one, though its link may be the same."""
        return self.step.changed_at.isoformat() if self.step.changed_at else ""

    def actor(self, name: str = "") -> Actor:
        """Return who acts through this link; ``name`` as given in the form, if it was."""
        partner = self.view.partner
        return Actor("link", f"link:{partner}", f"{name} ({partner})" if name else partner)


class LinkedSteps:
    """Opens links. Raises LinkExpired, LinkRevoked, LinkInvalid.

    What is not there any more is answered as an altered link is: a link tells nobody which onboardings exist.
    """

    def __init__(self, onboardings: Onboardings, pages: Pages, tokens: PageTokens) -> None:
        self._onboardings = onboardings
        self._pages = pages
        self._tokens = tokens

    def open(self, token: str, read: Callable[[str], LinkTarget], kind: str, request: Request) -> LinkedStep:
        """Return the step behind a link. Reads only; that somebody came with a void link is noted once on the trail."""
        target, view = self._opened(token, read, request)
        try:
            step = view.step(target.step_id)
        except KeyError as missing:
            raise LinkInvalid(say("web.link_invalid")) from missing
        if step.definition.kind != kind:
            raise LinkInvalid(say("web.link_invalid"))
        if target.edition < view.link_edition(step.run):
            self._refuse(LinkRevoked(say("web.link_revoked")), token, target, view, "revoked")
        return LinkedStep(token, view, step, page_language(request, view.language))

    def open_page(
        self, token: str, read: Callable[[str], LinkTarget], request: Request
    ) -> tuple[OnboardingView, Language]:
        """Return the onboarding behind the link to its partner's page, and the language to speak. As ``open``."""
        target, view = self._opened(token, read, request)
        if target.edition < view.page_edition:
            self._refuse(LinkRevoked(say("web.link_revoked")), token, target, view, "revoked")
        return view, page_language(request, view.language)

    def _opened(
        self, token: str, read: Callable[[str], LinkTarget], request: Request
    ) -> tuple[LinkTarget, OnboardingView]:
        try:
            target = read(token)
        except LinkExpired as old:
            self._refuse(old, token, old.target, self._view(old.target, request), "expired")
        return target, self._view(target, request)

    def _view(self, target: LinkTarget, request: Request) -> OnboardingView:
        try:
            view = self._onboardings.view(target.key)
        except Unknown as gone:
            raise LinkInvalid(say("web.link_invalid")) from gone
        # For the page that says why not, where the browser names no language of ours.
        request.state.language = view.language
        return view

    def _refuse(self, why: Refused, token: str, target: LinkTarget, view: OnboardingView, how: str) -> NoReturn:
        source = f"link:{link_digest(token)}:{how}"
        actor = Actor("link", f"link:{view.partner}", view.partner)
        self._onboardings.linking.note_void(view.key, target.step_id or None, why.text, actor=actor, source=source)
        raise why

    def page_token(self, linked: LinkedStep) -> str:
        """Return the token that the page's POST must bring back."""
        return self._tokens.make(linked.token, linked.asking)

    def asking_of(self, linked: LinkedStep, given: str) -> str:
        """Return the asking that a POST answers. Raises TokenRefused, TokenExpired."""
        return self._tokens.check(linked.token, given)

    def refused_token(self, linked: LinkedStep) -> Response:
        """Return the answer to a POST that no page of ours has made."""
        return self._message(linked, "token_refused", status=403, tone="wrong")

    def thanks(self, linked: LinkedStep, text: str, notes: tuple[str, ...] = (), more: str = "") -> Response:
        """Return the page that follows an answer; ``more`` is the address at which to see what comes next."""
        return self._pages.message(
            linked.language,
            sentence(linked.language, "thanks.heading"),
            text,
            tone="good",
            notes=notes,
            facts=self._facts(linked),
            more=more,
        )

    def received_before(self, linked: LinkedStep) -> Response:
        """Return the page that says that the same answer came before and that nothing has changed."""
        return self._message(linked, "received_before", tone="good")

    def not_open(self, linked: LinkedStep) -> Response:
        """Return the page that says why no answer is wanted now."""
        if linked.step.state == "done":
            return self.received_before(linked)
        if linked.view.state != "open":
            return self._message(linked, "ended", status=410)
        match linked.step.state:
            case "skipped" | "not_applicable":
                return self._message(linked, "not_needed", status=410)
            case "failed":
                return self._message(linked, "looked_into", status=409)
            case _:
                return self._message(linked, "not_yet", status=409)

    def _message(self, linked: LinkedStep, key: str, *, status: int = 200, tone: str = "plain") -> Response:
        language = linked.language
        return self._pages.message(
            language,
            sentence(language, f"{key}.heading"),
            sentence(language, f"{key}.text"),
            status=status,
            tone=tone,
            facts=self._facts(linked),
        )

    def _facts(self, linked: LinkedStep) -> tuple[tuple[str, str], ...]:
        language, view, step = linked.language, linked.view, linked.step
        facts = [
            (sentence(language, "subject"), step.definition.title.text(language)),
            (sentence(language, "operator"), view.operator),
            (sentence(language, "client"), view.client),
            (sentence(language, "key"), view.key),
        ]
        if step.state == "done" and step.changed_at is not None:
            when = moment(language, step.changed_at, view.pack.checklist.time_zone)
            facts.append((sentence(language, "received_at"), when))
        return tuple(facts)


def content_digest(content: Any) -> str:
    """Return a short name for what a POST says: the same answer to the same asking has the same one."""
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return sha256(canonical.encode()).hexdigest()[:32]
