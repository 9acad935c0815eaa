"""The partner's page behind its link, and the team's page of all activations behind theirs. Both are read only."""

from starlette.requests import Request
from starlette.responses import Response

from bot.onboarding.clock import Clock
from bot.onboarding.readings import Readings
from bot.onboarding.view import OnboardingView, StepView
from bot.web.languages import page_language
from bot.web.linked_steps import LinkedSteps
from bot.web.links import SignedLinks
from bot.web.pages import Pages
from bot.web.partner_page import Connection, partner_page
from checklists.model import Language


class PartnerPages:
    """Shows a partner its own steps and files."""

    def __init__(
        self,
        onboardings: Readings,
        links: SignedLinks,
        linked_steps: LinkedSteps,
        pages: Pages,
        connection: Connection | None,
    ) -> None:
        self._onboardings = onboardings
        self._links = links
        self._linked_steps = linked_steps
        self._pages = pages
        self._connection = connection

    def show(self, token: str, request: Request) -> Response:
        """Return the page as it stands now."""
        view, language = self._linked_steps.open_page(token, self._links.read_partner_page, request)
        page = partner_page(
            view,
            self._onboardings.received(view.key),
            link_of=lambda step: self._address(view, step),
            connection=self._connection,
        )
        time_zone = view.pack.checklist.time_zone
        return self._pages.answer("partner.html", language, view=view, page=page, time_zone=time_zone)

    def _address(self, view: OnboardingView, step: StepView) -> str | None:
        edition = view.link_edition(step.run)
        match step.definition.kind:
            case "form":
                return self._links.form(view.key, step.id, edition=edition)
            case "ask":
                return self._links.confirmation(view.key, step.id, edition=edition)
            case _:
                return None


class StatusPages:
    """Shows the team every activation: how far, what waits for whom, what is late."""

    def __init__(
        self, onboardings: Readings, links: SignedLinks, pages: Pages, clock: Clock, language: Language
    ) -> None:
        self._onboardings = onboardings
        self._links = links
        self._pages = pages
        self._clock = clock
        self._language = language

    def show(self, token: str, request: Request) -> Response:
        """Return the list, the open ones first. Raises LinkExpired, LinkInvalid."""
        self._links.check_status_page(token)
        language = page_language(request, self._language)
        views = self._onboardings.all()
        waits_for = {
            view.key: sorted(
                {step.waits_for or step.role for step in view.steps if step.state in {"waiting", "failed"}}
            )
            for view in views
        }
        return self._pages.answer("status.html", language, views=views, waits_for=waits_for, now=self._clock.now())
