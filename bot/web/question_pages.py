"""The question behind a link, such as whether the OFC has arrived: shown by GET, answered by POST."""

import structlog
from starlette.requests import Request
from starlette.responses import Response

from bot.onboarding.errors import Refused
from bot.onboarding.outcomes import FileEvidence
from bot.onboarding.service import Onboardings
from bot.web.form_fields import SubmittedForm
from bot.web.linked_steps import LinkedStep, LinkedSteps, content_digest
from bot.web.links import SignedLinks
from bot.web.page_tokens import TokenExpired, TokenRefused, link_digest
from bot.web.pages import Pages, sentence
from checklists.model import AskParameters

log = structlog.stdlib.get_logger()

LONGEST_COMMENT = 1000


class QuestionPages:
    """Shows a step's question with its evidence, and takes yes or no."""

    def __init__(self, onboardings: Onboardings, links: SignedLinks, linked_steps: LinkedSteps, pages: Pages) -> None:
        self._onboardings = onboardings
        self._links = links
        self._linked_steps = linked_steps
        self._pages = pages

    def show(self, token: str, request: Request) -> Response:
        """Return the question, or why it is not to be answered now. Changes nothing."""
        linked = self._open(token, request)
        if not linked.is_open:
            return self._linked_steps.not_open(linked)
        return self._question(linked)

    def take(self, token: str, request: Request, submitted: SubmittedForm) -> Response:
        """Take the answer (``answer``: yes or no) and the comment."""
        linked = self._open(token, request)
        answer, comment, csrf_token = (
            next((value for value in submitted.getlist(name) if isinstance(value, str)), "")
            for name in ("answer", "comment", "csrf_token")
        )
        comment = comment.replace("\r\n", "\n").strip()
        try:
            asking = self._linked_steps.asking_of(linked, csrf_token)
        except TokenRefused:
            return self._linked_steps.refused_token(linked)
        except TokenExpired:
            notice = sentence(linked.language, "open_too_long")
            return self._question(linked, comment=comment, notice=notice, status=403)
        if not linked.is_open:
            return self._linked_steps.not_open(linked)
        problem = _problem(linked, answer, comment)
        if problem:
            return self._question(linked, comment=comment, notice=problem, status=400)
        source = f"confirm:{link_digest(token)}:{content_digest([asking, answer, comment])}"
        return self._submit(linked, answer, comment, source, request)

    def _submit(self, linked: LinkedStep, answer: str, comment: str, source: str, request: Request) -> Response:
        try:
            is_new = self._onboardings.answer(
                linked.view.key,
                linked.step.id,
                answer == "yes",
                comment=comment,
                actor=linked.actor(),
                source=source,
            )
        except Refused:
            # Somebody else's answer came in between: the page then says what stands now.
            now = self._open(linked.token, request)
            if now.is_open:
                raise
            return self._linked_steps.not_open(now)
        if not is_new:
            return self._linked_steps.received_before(linked)
        log.info("question_answered", onboarding=linked.view.key, step=linked.step.id, answer=answer)
        return self._linked_steps.thanks(linked, sentence(linked.language, f"thanks.{answer}"))

    def _open(self, token: str, request: Request) -> LinkedStep:
        return self._linked_steps.open(token, self._links.read_confirmation, "ask", request)

    def _question(self, linked: LinkedStep, *, comment: str = "", notice: str = "", status: int = 200) -> Response:
        parameters = linked.step.definition.parameters
        assert isinstance(parameters, AskParameters)
        return self._pages.answer(
            "question.html",
            linked.language,
            status=status,
            question=parameters.question.text(linked.language),
            files=files_asked_about(linked),
            view=linked.view,
            step=linked.step,
            comment=comment,
            longest_comment=LONGEST_COMMENT,
            csrf_token=self._linked_steps.page_token(linked),
            notice=notice,
        )


def files_asked_about(linked: LinkedStep) -> tuple[FileEvidence, ...]:
    """Return the OFC files of the steps before the question; where they brought none, all their files."""
    needs = linked.step.definition.needs
    files = tuple(file for need in needs for file in linked.view.step(need).evidence.files)
    return tuple(file for file in files if file.kind == "ofc") or files


def _problem(linked: LinkedStep, answer: str, comment: str) -> str:
    if answer not in {"yes", "no"}:
        return sentence(linked.language, "question.choose")
    if len(comment) > LONGEST_COMMENT:
        return sentence(linked.language, "question.comment_too_long", longest=LONGEST_COMMENT, length=len(comment))
    return ""
