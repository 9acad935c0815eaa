"""What a person's Home holds: their steps, their activations, and what there is to filter by. Read page by page.

Whose a step is, and whose an activation, is what ``mine`` says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import structlog
from sqlalchemy import ColumnElement, Subquery, and_, exists, func, or_
from sqlmodel import Session, col, select

from bot.onboarding.actors import Actor, Roles
from bot.onboarding.errors import PackGone
from bot.onboarding.mine import ROLES, answers_for, waits_for
from bot.onboarding.models import Event, Onboarding, StepRecord
from bot.onboarding.packs import Packs
from bot.onboarding.view import OnboardingView, StepView, read_view
from checklists.model import Language

log = structlog.stdlib.get_logger()

# On a page: a step with its text, boxes and buttons takes five blocks of the hundred that Slack shows.
STEPS, ACTIVATIONS = 5, 10
# A select offers a hundred choices, and one of them is "all".
CHOICES = 99

UNDER_WAY = ("running", "waiting", "failed")


@dataclass(frozen=True)
class Filters:
    """What a person has narrowed their Home to: a pack's id, a partner's code, what is late."""

    operator: str = ""
    partner: str = ""
    late: bool = False


@dataclass(frozen=True)
class Part:
    """One page of a list: which one, counted from 0, of how many entries in all."""

    page: int
    size: int
    of: int

    @property
    def pages(self) -> int:
        """How many pages there are; an empty list has one."""
        return max(1, -(-self.of // self.size))


@dataclass(frozen=True)
class HomePage:
    """Everything that a Home shows at one of its revisions. ``operators``: pack ids with names, to filter by."""

    revision: int
    language: Language
    filters: Filters
    steps: tuple[tuple[OnboardingView, StepView], ...]
    steps_part: Part
    activations: tuple[OnboardingView, ...]
    part: Part
    operators: tuple[tuple[str, str], ...]
    partners: tuple[str, ...]
    may_start: bool


class HomeReader:
    """Reads Homes from the database: a few counts, and the views of one page."""

    def __init__(self, packs: Packs, roles: Roles) -> None:
        self._packs = packs
        self._roles = roles

    def read(
        self,
        session: Session,
        person: Actor,
        language: Language,
        filters: Filters,
        pages: tuple[int, int],
        *,
        revision: int,
        now: datetime,
    ) -> HomePage:
        """Return what ``person`` sees; ``pages`` are those of the steps and of the activations.

        A page that is no longer there becomes the last one.
        """
        mine, own = waits_for(person, self._roles), answers_for(person, self._roles)
        chosen = and_(col(Onboarding.state) == "open", *_chosen(filters, now.date()))
        turn = select(StepRecord.onboarding_id, StepRecord.step_id).join(Onboarding).where(chosen, mine)
        theirs = select(Onboarding.id).where(chosen, own)
        steps_part = _part(_count(session, turn.subquery()), STEPS, pages[0])
        part = _part(_count(session, theirs.subquery()), ACTIVATIONS, pages[1])
        first_due = (col(StepRecord.due_on).is_(None), col(StepRecord.due_on))
        turns = turn.order_by(*first_due, col(StepRecord.onboarding_id), col(StepRecord.position))
        found = session.exec(turns.offset(steps_part.page * STEPS).limit(STEPS)).all()
        newest = theirs.order_by(col(Onboarding.id).desc()).offset(part.page * ACTIVATIONS).limit(ACTIVATIONS)
        listed = [onboarding_id for onboarding_id in session.exec(newest).all() if onboarding_id is not None]
        views = self._views(session, {*listed, *(onboarding_id for onboarding_id, _ in found)}, now)
        of_all = and_(col(Onboarding.state) == "open", or_(own, _has_step(mine)))
        operators = select(Onboarding.pack, Onboarding.operator).where(of_all).distinct()
        partners = select(Onboarding.partner).where(of_all).distinct().order_by(col(Onboarding.partner))
        return HomePage(
            revision=revision,
            language=language,
            filters=filters,
            steps=tuple(
                (views[onboarding_id], views[onboarding_id].step(step_id))
                for onboarding_id, step_id in found
                if onboarding_id in views
            ),
            steps_part=steps_part,
            activations=tuple(views[onboarding_id] for onboarding_id in listed if onboarding_id in views),
            part=part,
            operators=tuple(session.exec(operators.order_by(col(Onboarding.operator)).limit(CHOICES)).all()),
            partners=tuple(session.exec(partners.limit(CHOICES)).all()),
            may_start=self._roles.may(person, "manager"),
        )

    def refresh(self) -> None:
        """Learn who is in the user groups that the roles name; to be called outside of transactions."""
        self._roles.refresh()

    def concerns(self, session: Session, onboarding: Onboarding, person: Actor) -> bool:
        """Tell whether a change of an onboarding may change what a person sees; for certain only when it does not.

        Who holds no role has what they began, and what they were named for, now or before.
        """
        if onboarding.starter == person.id or any(self._roles.may(person, role) for role in ROLES):
            return True
        of_it = select(Event.seq).where(Event.onboarding_id == onboarding.id, Event.kind == "assigned")
        return session.exec(of_it.limit(1)).first() is not None

    def _views(self, session: Session, ids: set[int], now: datetime) -> dict[int, OnboardingView]:
        views = {}
        for row in session.exec(select(Onboarding).where(col(Onboarding.id).in_(ids))).all():
            try:
                pack = self._packs.kept(row.pack, row.pack_digest)
            except PackGone as gone:
                # The others can be shown; this one says so itself when it is asked for.
                log.error("pack_copy_gone", onboarding=row.key, reason=str(gone))  # noqa: TRY400 - the reason says it all
                continue
            assert row.id is not None
            views[row.id] = read_view(session, row, pack, now=now)
        return views


def _chosen(filters: Filters, today: date) -> Sequence[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = []
    if filters.operator:
        chosen.append(col(Onboarding.pack) == filters.operator)
    if filters.partner:
        chosen.append(col(Onboarding.partner) == filters.partner)
    if filters.late:
        late_step = and_(col(StepRecord.due_on) < today, col(StepRecord.state).in_(UNDER_WAY))
        chosen.append(or_(col(Onboarding.due) < today, _has_step(late_step)))
    return chosen


def _has_step(like: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(col(StepRecord.onboarding_id) == col(Onboarding.id), like).correlate(Onboarding)


def _count(session: Session, rows: Subquery) -> int:
    return session.exec(select(func.count()).select_from(rows)).one()


def _part(of: int, size: int, page: int) -> Part:
    pages = max(1, -(-of // size))
    return Part(min(max(page, 0), pages - 1), size, of)
