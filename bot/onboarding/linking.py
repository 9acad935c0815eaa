"""The links that people outside hold: made void or renewed by a manager, and what comes with a void one is noted."""

from collections.abc import Callable

import structlog

from bot.onboarding.actors import Actor, Roles
from bot.onboarding.asking import Asking, require_open
from bot.onboarding.change import Change
from bot.onboarding.flow import Flow
from bot.onboarding.models import StepRecord
from bot.onboarding.ports import Links
from bot.onboarding.store import tried_again
from checklists.model import Localized

log = structlog.stdlib.get_logger()


class Linking:
    """Keeps the editions of an onboarding's links.

    A step's link is of the edition ``run + links_renewed`` (``OnboardingView.link_edition``), the partner's page of
    ``1 + links_renewed``: an invitation of a new run makes the step's earlier links void, a manager all at once.
    """

    def __init__(self, asking: Asking, flow: Flow, roles: Roles) -> None:
        self._asking = asking
        self._flow = flow
        self._roles = roles

    @tried_again
    def make_void(self, key: str, links: Links | None = None, *, actor: Actor, source: str | None = None) -> bool:
        """Make every link void that was sent out for an onboarding; with ``links`` its open steps get new ones at once.

        A manager's right. False when the same request came before. Raises NotAllowed, Refused when it has ended.
        """
        self._roles.require(actor, "manager")
        with self._flow.change(self._asking.onboarding_id(key), actor) as change:
            if source is not None and not self._asking.is_first(change.session, source):
                return False
            require_open(change)
            change.onboarding.links_renewed += 1
            for record in change.steps:
                if record.link is not None and record.kind in {"form", "ask"}:
                    record.link = _address(change, record, links) if links else None
                    change.session.add(record)
            change.session.add(change.onboarding)
            change.note("links_renewed" if links else "links_revoked")
        log.info("links_renewed" if links else "links_revoked", onboarding=change.onboarding.key, actor=actor.id)
        return True

    @tried_again
    def note_void(self, key: str, step_id: str | None, why: Localized, *, actor: Actor, source: str) -> None:
        """Keep on the trail that somebody came with a link that is void: once for each ``source``.

        An onboarding that has ended gets no more lines: its last one is what Jira's closing comment names.
        """
        with self._flow.change(self._asking.onboarding_id(key), actor) as change:
            if change.onboarding.state != "open" or not self._asking.is_first(change.session, source):
                return
            step = next((record for record in change.steps if record.step_id == step_id), None)
            change.note("refused", step=step, content={"text": why.model_dump()})
        log.info("void_link", onboarding=change.onboarding.key, step=step_id, why=why.en)


def _address(change: Change, record: StepRecord, links: Links) -> str:
    make: Callable[..., str] = links.form if record.kind == "form" else links.confirmation
    edition = record.run + change.onboarding.links_renewed
    return make(change.onboarding.key, record.step_id, edition=edition)
