"""What all that a person asks for has in common: once for each event, by somebody who may, refusals on the trail."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from sqlmodel import Session, col, select

from bot.locales import say
from bot.onboarding.actors import Actor, Roles
from bot.onboarding.change import Change
from bot.onboarding.clock import Clock
from bot.onboarding.errors import Refused, UnknownOnboarding
from bot.onboarding.flow import Flow
from bot.onboarding.inbox import forget
from bot.onboarding.models import Onboarding, Received, StepRecord, SurfaceRecord
from bot.onboarding.store import Store, insert_once
from checklists.model import Role

log = structlog.stdlib.get_logger()

# So many digits every database takes for a row's number: Postgres counts to 2,147,483,647.
LONGEST_NUMBER = 9


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
        with self.first(key, step_id, actor, source) as change:
            if change is None:
                yield None
                return
            record = change.step(step_id)
            require_open(change)
            others = [or_role] if or_role else []
            self._roles.require(actor, role or change.definition(record).role, *others)
            yield change, record

    @contextmanager
    def whole(
        self,
        key: str,
        actor: Actor,
        source: str | None,
        *,
        role: Role = "manager",
        or_roles: Sequence[Role] = (),
        step_id: str | None = None,
        even_closed: bool = False,
    ) -> Iterator[tuple[Change, StepRecord | None] | None]:
        """Open the change that a person asks for of a whole onboarding; None when it is a repeat.

        ``step_id`` names the step that it is about, where it is about one; ``or_roles`` who may ask beside ``role``;
        ``even_closed``: of one that has ended, too. A refusal goes to the trail and on. Raises Refused.
        """
        with self.first(key, step_id, actor, source) as change:
            if change is None:
                yield None
                return
            record = change.step(step_id) if step_id is not None else None
            if not even_closed:
                require_open(change)
            self._roles.require(actor, role, *or_roles)
            yield change, record

    @contextmanager
    def first(self, key: str, step_id: str | None, actor: Actor, source: str | None) -> Iterator[Change | None]:
        """Open a change, None for a repeat; what is refused in it goes to the trail and on.

        No role is asked for: whoever calls this knows that the actor may. Raises Refused.
        """
        onboarding_id = self.onboarding_id(key)
        self._roles.refresh()
        with structlog.contextvars.bound_contextvars(onboarding=f"ONB-{onboarding_id}", step=step_id, actor=actor.id):
            try:
                with self._flow.change(onboarding_id, actor) as change:
                    if source is not None and not self.is_first(change.session, source):
                        yield None
                        log.info("action_repeated")
                        return
                    yield change
                    if source is not None:
                        forget(change.session, source)
                about = change.step(step_id) if step_id is not None else change.onboarding
                log.info("action_taken", state=about.state)
            except UnknownOnboarding:
                raise
            except Refused as refused:
                self._note_refusal(onboarding_id, step_id, actor, refused, source)
                log.info("action_refused", reason=refused.text.en)
                raise

    def who(self, role: Role) -> str:
        """Return who holds a role, as a refusal names them."""
        return self._roles.who(role)

    def is_first(self, session: Session, source: str) -> bool:
        """Tell whether an outside event is carried out for the first time, and remember that it was."""
        return insert_once(session, Received, source=source, at=self._clock.now())

    def onboarding_id(self, key: str) -> int:
        """Return the number that the name people use has in it; whether it is one's is seen when the change opens.

        Raises UnknownOnboarding.
        """
        return _number(key)

    def _note_refusal(
        self, onboarding_id: int, step_id: str | None, actor: Actor, refused: Refused, source: str | None
    ) -> None:
        with self._flow.change(onboarding_id, actor) as change:
            if source is not None and not self.is_first(change.session, source):
                return
            known = next((record for record in change.steps if record.step_id == step_id), None)
            change.note("refused", step=known, content={"text": refused.text.model_dump()})


def find(session: Session, key: str) -> Onboarding:
    """Return an onboarding by the name people use. Raises UnknownOnboarding."""
    onboarding = session.get(Onboarding, _number(key))
    if onboarding is None:
        raise UnknownOnboarding(say("refused.no_onboarding", given=key[:40]))
    return onboarding


def _number(key: str) -> int:
    number = key.strip().upper().removeprefix("ONB-")
    if not number.isdecimal() or len(number) > LONGEST_NUMBER:
        raise UnknownOnboarding(say("refused.no_onboarding", given=key[:40]))
    return int(number)


def require_open(change: Change) -> None:
    """Raise Refused when the onboarding has ended."""
    if change.onboarding.state != "open":
        raise Refused(say("refused.closed", key=change.onboarding.key))


def require_no_other(
    session: Session, *, pack: str, partner: str, root: str, client: str, surfaces: Sequence[str]
) -> None:
    """Raise Refused, with a link, when an onboarding is open for the same client of a partner, by either name.

    ``surfaces`` are those whose address is given, the best one first.
    """
    same = session.exec(
        select(Onboarding).where(
            Onboarding.pack == pack,
            Onboarding.partner == partner,
            Onboarding.state == "open",
            (col(Onboarding.root_key) == root.upper()) | (col(Onboarding.client_key) == client.casefold()),
        )
    ).first()
    if same is None:
        return
    shown = session.exec(select(SurfaceRecord).where(SurfaceRecord.onboarding_id == same.id)).all()
    links = {surface.name: surface.parent_link for surface in shown if surface.parent_link}
    link = next((links[name] for name in surfaces if name in links), None)
    raise Refused(say("refused.second_start", key=same.key, client=same.client, partner=same.partner), link=link)
