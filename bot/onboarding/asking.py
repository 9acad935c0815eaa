"""What all that a person asks for has in common: once for each event, by somebody who may, refusals on the trail."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlmodel import Session

from bot.locales import say
from bot.onboarding.actors import Actor, Roles
from bot.onboarding.clock import Clock
from bot.onboarding.errors import Refused, Unknown
from bot.onboarding.flow import Change, Flow
from bot.onboarding.models import Onboarding, Received, StepRecord
from bot.onboarding.store import Store, insert_once
from checklists.model import Role

log = structlog.stdlib.get_logger()


class Asking:
    """Opens the changes that people ask for."""

    def __init__(self, store: Store, flow: Flow, clock: Clock, roles: Roles) -> None:
        self._store = store
        self._flow = flow
        self._clock = clock
        self._roles = roles

    @contextmanager
    def step(
        self,
        key: str,
        step_id: str,
        actor: Actor,
        source: str | None,
        *,
        role: Role | None = None,
        or_role: Role | None = None,
    ) -> Iterator[tuple[Change, StepRecord] | None]:
        """Open the change that a person asks for; None when it is a repeat. A refusal goes to the trail and on.

        ``role`` is who may ask, where that is not the step's own role; ``or_role`` who may beside that.
        """
        onboarding_id = self.onboarding_id(key)
        with structlog.contextvars.bound_contextvars(onboarding=f"ONB-{onboarding_id}", step=step_id, actor=actor.id):
            try:
                with self._flow.change(onboarding_id, actor) as change:
                    if source is not None and not self.is_first(change.session, source):
                        yield None
                        log.info("action_repeated")
                        return
                    record = change.step(step_id)
                    require_open(change)
                    others = [or_role] if or_role else []
                    self._roles.require(actor, role or change.definition(record).role, *others)
                    yield change, record
                log.info("action_taken", state=record.state)
            except Refused as refused:
                self._note_refusal(onboarding_id, step_id, actor, refused, source)
                log.info("action_refused", reason=refused.text.en)
                raise

    @contextmanager
    def whole(self, key: str, actor: Actor, source: str | None, *roles: Role) -> Iterator[Change | None]:
        """Open the change of a whole onboarding that a person of one of the roles asks for; None when it is a repeat.

        A refusal goes to the trail and on.
        """
        onboarding_id = self.onboarding_id(key)
        with structlog.contextvars.bound_contextvars(onboarding=f"ONB-{onboarding_id}", actor=actor.id):
            try:
                with self._flow.change(onboarding_id, actor) as change:
                    if source is not None and not self.is_first(change.session, source):
                        yield None
                        log.info("action_repeated")
                        return
                    self._roles.require(actor, *roles)
                    yield change
                log.info("action_taken")
            except Refused as refused:
                self._note_refusal(onboarding_id, "", actor, refused, source)
                log.info("action_refused", reason=refused.text.en)
                raise

    def is_first(self, session: Session, source: str) -> bool:
        """Tell whether an outside event is carried out for the first time, and remember that it was."""
        return insert_once(session, Received, source=source, at=self._clock.now())

    def onboarding_id(self, key: str) -> int:
        """Return an onboarding's number by the name people use. Raises Unknown."""
        with self._store.reading() as session:
            onboarding = find(session, key)
            assert onboarding.id is not None
            return onboarding.id

    def _note_refusal(
        self, onboarding_id: int, step_id: str, actor: Actor, refused: Refused, source: str | None
    ) -> None:
        with self._flow.change(onboarding_id, actor) as change:
            if source is not None and not self.is_first(change.session, source):
                return
            known = next((record for record in change.steps if record.step_id == step_id), None)
            change.note("refused", step=known, content={"text": refused.text.model_dump()})


def find(session: Session, key: str) -> Onboarding:
    """Return an onboarding by the name people use. Raises Unknown."""
    number = key.strip().upper().removeprefix("ONB-")
    onboarding = session.get(Onboarding, int(number)) if number.isdecimal() and len(number) < 16 else None
    if onboarding is None:
        raise Unknown(say("refused.no_onboarding", given=key[:40]))
    return onboarding


def require_open(change: Change) -> None:
    """Raise Refused when the onboarding has ended."""
    if change.onboarding.state != "open":
        raise Refused(say("refused.closed", key=change.onboarding.key))
