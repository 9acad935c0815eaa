"""What waits for one person, over all open onboardings: their own steps first, then the activations they answer for.

Whose a step is: theirs who were named for it; where nobody was, theirs who have its role, and a manager's step theirs
who were named for the whole onboarding. What a partner or a server is waited for is nobody's turn in here. Whose an
onboarding is: theirs who were named for it, and where nobody was, theirs who began it; one that nobody began in Slack
is every manager's until somebody is named.

Read with a few queries however many are open: somebody waits for the answer, and Slack for three seconds at most.
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, case, func, or_
from sqlmodel import col, select

from bot.onboarding.actors import Actor, Roles
from bot.onboarding.clock import Clock, WorkingTime
from bot.onboarding.errors import PackGone
from bot.onboarding.models import MET, Onboarding, StepRecord, SurfaceRecord
from bot.onboarding.packs import Packs
from bot.onboarding.reminding import days_late
from bot.onboarding.store import Store
from checklists.model import Checklist, Localized, Role

# Whose turn a step can be in here: the partner is never in Slack.
ROLES: tuple[Role, ...] = ("manager", "data_base", "admin")


@dataclass(frozen=True)
class MyActivation:
    """An open onboarding that a person answers for, or that they began where nobody else was named for it."""

    key: str
    operator: str
    client: str
    partner: str
    done: int
    of: int
    due: date | None
    days_late: int
    link: str | None


@dataclass(frozen=True)
class MyStep:
    """A step that waits for a person: they were named for it, or it is their role's and nobody was."""

    key: str
    client: str
    step_id: str
    title: Localized
    state: str
    due_on: date | None
    days_late: int
    is_named: bool
    link: str | None


@dataclass(frozen=True)
class MyWork:
    """The steps, those one was named for first, the latest first; then the activations, the latest first."""

    steps: tuple[MyStep, ...]
    activations: tuple[MyActivation, ...]


class Mine:
    """Built by ``Onboardings``, which has it as ``mine``."""

    def __init__(self, store: Store, packs: Packs, roles: Roles, clock: Clock) -> None:
        self._store = store
        self._packs = packs
        self._roles = roles
        self._clock = clock

    def of(self, actor: Actor) -> MyWork:
        """Return what waits for a person."""
        self._roles.refresh()
        is_open, me = col(Onboarding.state) == "open", actor.id.partition(":")[2]
        with self._store.reading() as session:
            own = session.exec(select(Onboarding).where(is_open, answers_for(actor, self._roles))).all()
            turns = session.exec(
                select(StepRecord, Onboarding).join(Onboarding).where(is_open, waits_for(actor, self._roles))
            ).all()
            records: dict[int, list[StepRecord]] = {}
            ids = select(Onboarding.id).where(is_open, answers_for(actor, self._roles))
            for record in session.exec(select(StepRecord).where(col(StepRecord.onboarding_id).in_(ids))):
                records.setdefault(record.onboarding_id, []).append(record)
            concerned = {*(one.id for one in own), *(of.id for _, of in turns)}
            shown = session.exec(select(SurfaceRecord).where(col(SurfaceRecord.onboarding_id).in_(concerned)))
            links = {record.onboarding_id: record.parent_link for record in shown if record.parent_link}
        steps: list[MyStep] = []
        activations: list[MyActivation] = []
        for onboarding in own:
            assert onboarding.id is not None
            checklist = self._checklist(onboarding)
            if checklist is None:
                continue
            working = WorkingTime.of(checklist)
            applying = [record for record in records.get(onboarding.id, []) if record.state != "not_applicable"]
            activations.append(
                MyActivation(
                    onboarding.key,
                    onboarding.operator,
                    onboarding.client,
                    onboarding.partner,
                    sum(record.state in MET for record in applying),
                    len(applying),
                    onboarding.due,
                    days_late(working, onboarding.due, working.day(self._clock.now())),
                    links.get(onboarding.id),
                )
            )
        for record, onboarding in turns:
            checklist = self._checklist(onboarding)
            if checklist is None:
                continue
            working = WorkingTime.of(checklist)
            steps.append(
                MyStep(
                    onboarding.key,
                    onboarding.client,
                    record.step_id,
                    checklist.step(record.step_id).title,
                    record.state,
                    record.due_on,
                    days_late(working, record.due_on, working.day(self._clock.now())),
                    record.accountable == me,
                    links.get(record.onboarding_id),
                )
            )
        steps.sort(key=lambda step: (not step.is_named, -step.days_late, step.due_on or date.max, step.key))
        activations.sort(key=lambda one: (-one.days_late, one.due or date.max, one.key))
        return MyWork(tuple(steps), tuple(activations))

    def _checklist(self, onboarding: Onboarding) -> Checklist | None:
        """Return an onboarding's checklist. One whose pack is gone says so itself when it is asked for."""
        try:
            return self._packs.kept(onboarding.pack, onboarding.pack_digest).checklist
        except PackGone:
            return None


def answers_for(person: Actor, roles: Roles) -> ColumnElement[bool]:
    """Return what makes an onboarding a person's own."""
    named, starter, me = col(Onboarding.accountable), col(Onboarding.starter), person.id.partition(":")[2]
    began = starter == person.id
    if roles.may(person, "manager"):
        began = or_(began, ~starter.startswith("slack:"))
    return or_(named == me, and_(named.is_(None), began))


def waits_for(person: Actor, roles: Roles) -> ColumnElement[bool]:
    """Return what makes a step of an onboarding one that waits for a person; it is to be joined with its onboarding."""
    me, role, whole = person.id.partition(":")[2], col(StepRecord.role), col(Onboarding.accountable)
    waited = func.coalesce(func.nullif(col(StepRecord.waits_for), ""), role)
    turn = case((col(StepRecord.state) == "waiting", waited), else_=role)
    held = [each for each in ROLES if roles.may(person, each)]
    theirs = case((and_(whole.is_not(None), turn == "manager"), whole == me), else_=turn.in_(held))
    whose = case((col(StepRecord.accountable).is_not(None), col(StepRecord.accountable) == me), else_=theirs)
    return and_(col(StepRecord.state).in_(("waiting", "failed")), whose)
