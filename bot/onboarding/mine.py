"""What waits for one person, over all open onboardings: their own steps first, then the activations they answer for.

Read with a few queries however many are open: somebody waits for the answer, and Slack for three seconds at most.
"""

from dataclasses import dataclass
from datetime import date

from sqlmodel import col, select

from bot.onboarding.actors import Accountable, Actor, Roles
from bot.onboarding.clock import Clock, WorkingTime
from bot.onboarding.errors import PackGone
from bot.onboarding.models import MET, Event, Onboarding, StepRecord, SurfaceRecord
from bot.onboarding.packs import Packs
from bot.onboarding.reminding import days_late
from bot.onboarding.store import Store
from checklists.model import Localized


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
        steps: list[MyStep] = []
        activations: list[MyActivation] = []
        me = actor.id.partition(":")[2]
        with self._store.reading() as session:
            opened = session.exec(select(Onboarding).where(Onboarding.state == "open")).all()
            ids = select(Onboarding.id).where(Onboarding.state == "open")
            records: dict[int, list[StepRecord]] = {}
            for record in session.exec(
                select(StepRecord).where(col(StepRecord.onboarding_id).in_(ids)).order_by(col(StepRecord.position))
            ):
                records.setdefault(record.onboarding_id, []).append(record)
            starts = select(Event).where(Event.seq == 1, col(Event.onboarding_id).in_(ids))
            starters = {line.onboarding_id: str(line.content.get("actor", "")) for line in session.exec(starts)}
            shown = select(SurfaceRecord).where(col(SurfaceRecord.onboarding_id).in_(ids))
            links = {record.onboarding_id: record.parent_link for record in session.exec(shown) if record.parent_link}
        now = self._clock.now()
        for onboarding in opened:
            assert onboarding.id is not None
            try:
                checklist = self._packs.kept(onboarding.pack, onboarding.pack_digest).checklist
            except PackGone:
                # It says so itself when it is asked for; the others can be shown.
                continue
            working, own = WorkingTime.of(checklist), records.get(onboarding.id, [])
            today, link = working.day(now), links.get(onboarding.id)
            whole = Accountable.of(onboarding.accountable, onboarding.accountable_name)
            if whole.id == me if whole else starters.get(onboarding.id) == actor.id:
                applying = [record for record in own if record.state != "not_applicable"]
                activations.append(
                    MyActivation(
                        onboarding.key,
                        onboarding.operator,
                        onboarding.client,
                        onboarding.partner,
                        sum(record.state in MET for record in applying),
                        len(applying),
                        onboarding.due,
                        days_late(working, onboarding.due, today),
                        link,
                    )
                )
            steps += [
                MyStep(
                    onboarding.key,
                    onboarding.client,
                    record.step_id,
                    checklist.step(record.step_id).title,
                    record.state,
                    record.due_on,
                    days_late(working, record.due_on, today),
                    record.accountable == me,
                    link,
                )
                for record in own
                if self._is_mine(record, whole, me, actor)
            ]
        steps.sort(key=lambda step: (not step.is_named, -step.days_late, step.due_on or date.max, step.key))
        activations.sort(key=lambda one: (-one.days_late, one.due or date.max, one.key))
        return MyWork(tuple(steps), tuple(activations))

    def _is_mine(self, record: StepRecord, whole: Accountable | None, me: str, actor: Actor) -> bool:
        if record.state not in {"waiting", "failed"}:
            return False
        if record.accountable:
            return record.accountable == me
        role = record.waits_for if record.state == "waiting" and record.waits_for else record.role
        if whole is not None and role == "manager":
            return whole.id == me
        # What a partner or a server is waited for is nobody's turn in here.
        return role != "partner" and self._roles.may(actor, role)  # type: ignore[arg-type] # a role, as the pack wrote it
