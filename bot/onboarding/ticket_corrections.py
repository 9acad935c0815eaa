"""A comment on a ticket that asks for a correction of the form: taken or not, and answered on the ticket, once each.

Who comments in Jira reads nothing else: what became of the comment must stand there. The verdict is kept in the ledger
before it is told, so that whatever is lost on the way, the answer is the one that was given first.
"""

import re
from functools import partial

import structlog
from sqlmodel import col, select

from bot.locales import say
from bot.onboarding.correcting import Correcting
from bot.onboarding.effects import Effects
from bot.onboarding.errors import Refused
from bot.onboarding.flow import Flow
from bot.onboarding.models import Event, Received
from bot.onboarding.store import Store, insert_once
from bot.onboarding.ticket_talk import Commented, ReplyRefused, TicketNews, TicketTalk
from bot.onboarding.view import OnboardingView, localized
from checklists.model import Localized

log = structlog.stdlib.get_logger()

# How a comment begins that asks for a correction of the form, in the languages that are equals here.
ASKS = re.compile(r"\s*correc[tc]i[oó]n\s*:\s*(?P<what>.*)", re.IGNORECASE | re.DOTALL)
ANSWER_UNSENT = "ticket_answer_unsent"


class TicketCorrections:
    """Takes them from a ticket's news, and answers."""

    def __init__(self, store: Store, flow: Flow, effects: Effects, talk: TicketTalk, correcting: Correcting) -> None:
        self._store = store
        self._flow = flow
        self._effects = effects
        self._talk = talk
        self._correcting = correcting

    def take(self, view: OnboardingView, step_id: str, ticket: str, found: TicketNews) -> None:
        """Open the form again where a comment asks for it; once for each comment. Raises Unavailable, TicketMissing."""
        if view.state != "open":
            return
        for one in found.news:
            asks = ASKS.match(one.text) if isinstance(one, Commented) else None
            if asks is not None and isinstance(one, Commented):
                self._take(view, step_id, ticket, one, asks["what"])

    def _take(self, view: OnboardingView, step_id: str, ticket: str, one: Commented, what: str) -> None:
        about = f"{view.key}:{step_id}:correction:{ticket}:{one.id}"
        verdict = self._effects.once(
            view.id, f"{about}:verdict", look=lambda: None, do=partial(self._decide, view, ticket, one, what)
        )
        marker = f"{about}:{view.stamp}"
        first_line = say("correction.answers", who=one.by.name).text(view.language)
        try:
            self._effects.once(
                view.id,
                about,
                look=partial(self._talk.find_comment, ticket, marker),
                do=partial(self._talk.add_comment, ticket, first_line, verdict, marker),
            )
        except ReplyRefused as refused:
            log.warning("correction_unanswered", reason=refused.reason)
            with self._flow.change(view.id) as change:
                if insert_once(change.session, Received, source=f"{marker}:unsent", at=change.now):
                    seen = say("talk.unsent", ticket=ticket, reason=refused.reason)
                    content = {"ticket": ticket, "seen": seen.model_dump()}
                    change.note(ANSWER_UNSENT, step=change.step(step_id), content=content)

    def _decide(self, view: OnboardingView, ticket: str, one: Commented, what: str) -> str:
        """Have it corrected in the commenter's name; return what came of it, in the onboarding's language."""
        try:
            is_first = self._correcting.asked_on_ticket(
                view.key, what, actor=one.by, source=f"correction:{ticket}:{one.id}"
            )
        except Refused as refused:
            reason: Localized | None = refused.text
        else:
            # A process that was killed before it could keep the verdict has left it on the trail.
            reason = None if is_first else self._refusal(view, one)
        if reason is None:
            return say("correction.taken").text(view.language)
        log.info("correction_not_taken", reason=reason.en)
        return say("correction.not_taken", reason=reason, who=self._correcting.managers()).text(view.language)

    def _refusal(self, view: OnboardingView, one: Commented) -> Localized | None:
        """Return why somebody's last request was refused, as the trail tells; None where it was taken."""
        with self._store.reading() as session:
            said = select(Event).where(
                Event.onboarding_id == view.id, col(Event.kind).in_(("refused", "correction_asked"))
            )
            lines = session.exec(said.order_by(col(Event.seq).desc())).all()
        theirs = next((line for line in lines if _by(line) == one.by.id), None)
        return localized(theirs.content["text"]) if theirs is not None and theirs.kind == "refused" else None


def _by(line: Event) -> str | None:
    return line.content.get("actor")
