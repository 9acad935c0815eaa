"""The web side as one FastAPI application: pages for people outside, Slack's and Jira's events, health and figures."""

from collections.abc import Awaitable, Callable, Mapping
from secrets import token_hex

import structlog
from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from bot.onboarding.clock import Clock
from bot.onboarding.errors import NotAllowed, Refused, Unknown
from bot.onboarding.filling import filled_values
from bot.onboarding.service import Onboardings
from bot.onboarding.view import OnboardingView
from bot.web.form_pages import FormPages
from bot.web.health import Readiness, add_health
from bot.web.languages import page_language
from bot.web.linked_steps import LinkedSteps
from bot.web.links import LinkExpired, LinkRevoked, SignedLinks
from bot.web.metrics import Census
from bot.web.page_tokens import PageTokens
from bot.web.pages import STATIC, Pages, sentence
from bot.web.partner_page import Connection
from bot.web.partner_pages import PartnerPages, StatusPages
from bot.web.protection import HEADERS, BodyLimit, ProtectiveHeaders
from bot.web.question_pages import QuestionPages
from checklists.model import Language

log = structlog.stdlib.get_logger()

Webhook = Callable[[Request], Awaitable[Response]]

# More fields than any form has; what a POST brings beyond is refused unread.
MOST_FIELDS = 500
# A form takes a public key as a file; the request as a whole is limited (``protection``), so none is ever on disk.
MOST_FILES = 4


def build_web(
    onboardings: Onboardings,
    links: SignedLinks | None,
    *,
    readiness: Readiness,
    census: Callable[[], Census],
    counted: CollectorRegistry | None = None,
    clock: Clock,
    language: Language,
    transfer_root: str = "",
    transfer_protocol: str = "sftp",
    allow_private_hosts: bool = False,
    connection: Connection | None = None,
    slack_handler: Webhook | None = None,
    jira_handler: Webhook | None = None,
) -> FastAPI:
    """Wire the application. Without ``links`` there is no form and no question; a webhook is there if it has a handler.

    ``readiness`` names what must work and whether it does; ``census`` counts for /metrics (``take_census``), beside
    what the process has ``counted``;
    ``transfer_root`` and ``transfer_protocol`` are the settings that the form shows the partner, ``connection`` what
    its page does.
    """
    app = FastAPI(title="onboarding-bot", docs_url=None, redoc_url=None, openapi_url=None)
    pages = Pages(links.base_path if links else "")
    _add_errors(app, pages, language)
    _add_protection(app, pages, language)
    add_health(app, readiness, census, counted)
    if links is not None:
        linked_steps = LinkedSteps(onboardings, pages, PageTokens(links.secret_key, clock))

        def fill(view: OnboardingView) -> Mapping[str, str | list[str]]:
            return filled_values(view, transfer_root=transfer_root, protocol=transfer_protocol, now=clock.now())

        form_pages = FormPages(
            onboardings, links, linked_steps, pages, fill, clock, allow_private_hosts=allow_private_hosts
        )
        _add_pages(app, "form", form_pages)
        _add_pages(app, "confirm", QuestionPages(onboardings, links, linked_steps, pages))
        _add_page(app, "partner", PartnerPages(onboardings, links, linked_steps, pages, connection))
        _add_page(app, "status", StatusPages(onboardings, links, pages, clock, language))
        _add_door(app, pages, language)
    if slack_handler is not None:
        app.add_api_route("/slack/events", slack_handler, methods=["POST"])
    if jira_handler is not None:
        app.add_api_route("/jira/webhook", jira_handler, methods=["POST"])
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _add_pages(app: FastAPI, name: str, step_pages: FormPages | QuestionPages) -> None:
    def show(token: str, request: Request) -> Response:
        return step_pages.show(token, request)

    async def take(token: str, request: Request) -> Response:
        async with request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS) as submitted:
            return await run_in_threadpool(step_pages.take, token, request, submitted)

    app.add_api_route(f"/{name}/{{token}}", show, methods=["GET", "HEAD"], response_class=HTMLResponse)
    app.add_api_route(f"/{name}/{{token}}", take, methods=["POST"], response_class=HTMLResponse)


def _add_page(app: FastAPI, name: str, read_only: PartnerPages | StatusPages) -> None:
    def show(token: str, request: Request) -> Response:
        return read_only.show(token, request)

    app.add_api_route(f"/{name}/{{token}}", show, methods=["GET", "HEAD"], response_class=HTMLResponse)


def _add_door(app: FastAPI, pages: Pages, language: Language) -> None:
    """Say at the team's page without a link how to get one."""

    def door(request: Request) -> Response:
        return _problem_page(pages, request, language, "status.no_link", 403)

    app.add_api_route("/status", door, methods=["GET", "HEAD"], response_class=HTMLResponse)


def _add_protection(app: FastAPI, pages: Pages, language: Language) -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        answer = _problem_page(pages, Request(scope), language, "too_large", 413)
        # The rest of the body may be on its way still: the connection cannot carry another request.
        answer.headers["Connection"] = "close"
        await answer(scope, receive, send)

    app.add_middleware(BodyLimit, refuse=refuse)
    # Added last, so outermost: every answer passes through it.
    app.add_middleware(ProtectiveHeaders)


def _add_errors(app: FastAPI, pages: Pages, language: Language) -> None:
    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        status = _status(error)
        speaks = page_language(request, getattr(request.state, "language", language))
        heading = sentence(speaks, "revoked.heading" if isinstance(error, LinkRevoked) else f"problem_{status}.heading")
        return pages.message(speaks, heading, error.text.text(speaks), status=status, tone="wrong")

    def http_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        known = {404: "not_found", 405: "not_found", 413: "too_large"}
        answer = _problem_page(pages, request, language, known.get(error.status_code, "bad_request"), error.status_code)
        answer.headers.update(error.headers or {})
        return answer

    def unexpected(request: Request, error: Exception) -> Response:
        reference = token_hex(4)
        # The path holds the link's token, which is a secret: it is left out.
        log.error("page_broke", reference=reference, exc_info=error)
        answer = _problem_page(pages, request, language, "broken", 500, reference=reference)
        # This answer is made outside the middleware that adds them.
        answer.headers.update({**HEADERS, "Cache-Control": "no-store"})
        return answer

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(HTTPException, http_problem)
    app.add_exception_handler(Exception, unexpected)


def _problem_page(
    pages: Pages, request: Request, language: Language, key: str, status: int, **values: object
) -> HTMLResponse:
    speaks = page_language(request, language)
    heading, text = sentence(speaks, f"{key}.heading"), sentence(speaks, f"{key}.text", **values)
    return pages.message(speaks, heading, text, status=status, tone="wrong")


def _status(error: Refused) -> int:
    match error:
        case LinkExpired() | LinkRevoked():
            return 410
        case Unknown():
            return 404
        case NotAllowed():
            return 403
        case _:
            return 409
