"""The morning digest: what waits for whom, to each manager once a working day, at the start of working hours.

One row a manager says when the next one is due; the sweep makes it a job, and the job decides anew from the time that
it is: a bot that was down for three days finds one row, so it says one thing. The message goes through the effects
ledger under the manager's name and the day, so a job that is run again never posts twice. Nothing to say: nothing sent.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from bot.onboarding.actors import Roles
from bot.onboarding.clock import Clock, WorkingTime
from bot.onboarding.effects import Effects
from bot.onboarding.errors import OnboardingError, PackGone, SettingsError, Unavailable
from bot.onboarding.models import DigestRecord, Event, Onboarding
from bot.onboarding.packs import Packs
from bot.onboarding.ports import Job, Jobs
from bot.onboarding.retry import Backoff
from bot.onboarding.store import Store, insert_once
from bot.onboarding.view import OnboardingView, StepView, read_view
from checklists.model import Checklist, Localized

log = structlog.stdlib.get_logger()

DIGEST = "digest"
# So many onboardings of one manager are read; a message shows fewer, and counts the rest.
MOST_READ = 300
# A job that was enqueued so long ago and has not set its next time was lost: it is made again.
LOST_AFTER = timedelta(minutes=10)
CLOCKS_APART = timedelta(minutes=2)
# Nobody's working time is known while nothing is open: it is looked again then.
WHILE_NOTHING = timedelta(hours=6)
ACTING = frozenset({"waiting", "failed"})

ZoneOf = Callable[[str], str | None]


@dataclass(frozen=True)
class Item:
    """One step that waits: whose turn it is (a role), since when, and by how many working days it is late."""

    key: str
    client: str
    partner: str
    link: str | None
    step: Localized
    role: str
    state: str
    since: date | None
    due_on: date | None
    days_late: int


@dataclass(frozen=True)
class Digest:
    """What one manager reads on one day, the latest first. ``open`` counts the onboardings, ``left`` those not read."""

    day: date
    items: tuple[Item, ...]
    open: int
    left: int = 0

    @property
    def late(self) -> tuple[Item, ...]:
        """What is late, the latest first."""
        return tuple(item for item in self.items if item.days_late)

    def by_role(self) -> Mapping[str, tuple[Item, ...]]:
        """Return what is not late by whose turn it is."""
        roles = dict.fromkeys(item.role for item in self.items if not item.days_late)
        return {role: tuple(item for item in self.items if item.role == role and not item.days_late) for role in roles}


class NotReachable(OnboardingError):
    """A person to whom nothing can be written today, whatever is tried."""

    def __init__(self, person: str, reason: str) -> None:
        super().__init__(f"{person}: {reason}")
        self.reason = reason


class Letterbox(Protocol):
    """Where digests are read: a direct message. Both may raise Unavailable."""

    def post(self, person: str, digest: Digest, marker: str) -> str:
        """Show a digest to a person; return its id. Raises NothingHappened of NotReachable."""

    def find(self, person: str, marker: str, since: datetime) -> str | None:
        """Look for a digest that was shown before; None when it is not there."""


class DigestSchedule:
    """Knows who gets a digest and when it is due. ``zone_of`` gives a person's own time zone, None where unknown."""

    def __init__(
        self, store: Store, packs: Packs, jobs: Jobs, clock: Clock, roles: Roles, zone_of: ZoneOf | None = None
    ) -> None:
        self._store = store
        self._packs = packs
        self._jobs = jobs
        self._clock = clock
        self._roles = roles
        self._zone_of = zone_of or _no_zone

    def enlist(self) -> int:
        """Give every manager who has none a row; return how many were new. An upkeep chore."""
        now = self._clock.now()
        with self._store.reading() as session:
            known = set(session.exec(select(DigestRecord.person)).all())
            people = set(responsible(session, self._roles)) - known
        for person in sorted(people):
            due_at = self.opening_after(person, now)
            with self._store.transaction() as session:
                insert_once(session, DigestRecord, person=person, due_at=due_at, set_at=now, tries=0, stopped=False)
        return len(people)

    def sweep(self) -> int:
        """Enqueue what is due, each row once for each time that it is due; return how many were enqueued."""
        now = self._clock.now()
        with self._store.reading() as session:
            rows = session.exec(select(DigestRecord).where(_may_be_due(now))).all()
            due = [row.person for row in rows if _is_due(row, now)]
        if not due:
            return 0
        with self._store.transaction() as session:
            wanted = select(DigestRecord).where(col(DigestRecord.person).in_(due)).with_for_update(skip_locked=True)
            enqueued = 0
            for row in session.exec(wanted).all():
                if not _is_due(row, now):
                    continue
                row.due_at = row.set_at = row.enqueued_for = now
                session.add(row)
                self._jobs.enqueue(
                    session, f"{DIGEST}:{row.person}:{now.isoformat()}", Job(0, f"{DIGEST}:{row.person}")
                )
                enqueued += 1
            return enqueued

    def stop(self, person: str) -> bool:
        """Send a person no more digests; False when that was so already."""
        return self._set(person, stopped=True)

    def resume(self, person: str) -> bool:
        """Send a person digests again; False when that was so already."""
        return self._set(person, stopped=False)

    def _set(self, person: str, *, stopped: bool) -> bool:
        now = self._clock.now()
        due_at = self.opening_after(person, now)
        with self._store.transaction(for_person=True) as session:
            insert_once(session, DigestRecord, person=person, due_at=due_at, set_at=now, tries=0, stopped=not stopped)
            row = session.get_one(DigestRecord, person)
            changed = row.stopped is not stopped
            row.stopped = stopped
            if changed:
                row.due_at, row.set_at, row.enqueued_for = due_at, now, None
            session.add(row)
            return changed

    def working_times(self, person: str) -> list[WorkingTime]:
        """Return the working times of the packs that a person has open, in the person's own zone where it is known.

        Where nothing is open they are those of the installed packs.
        """
        with self._store.reading() as session:
            ids = ids_of(session, self._roles, person)[:MOST_READ]
            chosen = select(Onboarding.pack, Onboarding.pack_digest).where(col(Onboarding.id).in_(ids)).distinct()
            packs = session.exec(chosen).all()
        zone = self._zone_of(person)
        found = [WorkingTime.of(checklist) for checklist in self._checklists(packs)]
        return [replace(working, time_zone=zone) for working in found] if zone else found

    def _checklists(self, packs: Sequence[tuple[str, str]]) -> list[Checklist]:
        """Return the checklists of kept packs; where nothing is open, those of the installed ones."""
        found = []
        for pack, digest in packs:
            try:
                found.append(self._packs.kept(pack, digest).checklist)
            except PackGone:
                continue
        for pack_id in [] if found else self._packs.ids():
            try:
                found.append(self._packs.get(pack_id).checklist)
            except SettingsError as wrong:
                log.warning("pack_left_out", pack=pack_id, reason=str(wrong))
        return found

    def opening_after(self, person: str, moment: datetime) -> datetime:
        """Return the next start of work after a moment: the first of any pack that the person has open."""
        openings = []
        for working in self.working_times(person):
            today = working.opening(working.day(moment))
            openings.append(today if today > moment else working.opening(working.day_after(working.day(moment), 1)))
        return min(openings) if openings else moment + WHILE_NOTHING


class DigestWorker:
    """Runs the jobs of ``digest:<person>``."""

    def __init__(
        self,
        store: Store,
        packs: Packs,
        schedule: DigestSchedule,
        effects: Effects,
        letterbox: Letterbox,
        clock: Clock,
        roles: Roles,
        backoff: Backoff,
    ) -> None:
        self._store = store
        self._packs = packs
        self._schedule = schedule
        self._effects = effects
        self._letterbox = letterbox
        self._clock = clock
        self._roles = roles
        self._backoff = backoff

    def run(self, job: Job) -> str:
        """Send what there is to say this morning, and set the time of the next one; return how that went in a word."""
        person = job.subject.partition(":")[2]
        now = self._clock.now()
        with self._store.reading() as session:
            row = session.get(DigestRecord, person)
        if row is None or row.due_at > now:
            # Another run of this job has set the next time.
            return "over"
        working = self._working_now(person, now)
        if working is None or row.stopped:
            self._next(person)
            return "nothing"
        at_work = working.within(now)
        if at_work > now:
            self._set_time(person, at_work)
            return "later"
        digest, first = self._digest(person, working.day(now))
        if first is None or not digest.items:
            self._next(person)
            return "nothing"
        try:
            self._post(person, digest, first)
        except NotReachable as refused:
            # A person who has left, or a scope that is missing: the next morning is soon enough.
            log.warning("digest_refused", person=person, reason=refused.reason)
            self._next(person)
            return "refused"
        except Unavailable as away:
            return self._later(person, away)
        self._next(person)
        return "sent"

    def _working_now(self, person: str, now: datetime) -> WorkingTime | None:
        """Return the working time that opens first from now on; None when nothing is open."""
        return min(self._schedule.working_times(person), key=lambda each: each.within(now), default=None)

    def _post(self, person: str, digest: Digest, first: int) -> None:
        key = f"{DIGEST}:{digest.day.isoformat()}:{DIGEST}-{person}"
        since = self._clock.now() - timedelta(days=1)
        self._effects.once(
            first,
            key,
            look=lambda: self._letterbox.find(person, key, since),
            do=lambda: self._letterbox.post(person, digest, key),
        )

    def _digest(self, person: str, day: date) -> tuple[Digest, int | None]:
        """Return the digest, and the onboarding that stands for it in the ledger."""
        now = self._clock.now()
        with self._store.reading() as session:
            ids = ids_of(session, self._roles, person)
            views = []
            for onboarding in session.exec(select(Onboarding).where(col(Onboarding.id).in_(ids[:MOST_READ]))).all():
                try:
                    pack = self._packs.kept(onboarding.pack, onboarding.pack_digest)
                except PackGone:
                    continue
                views.append(read_view(session, onboarding, pack, now=now))
        items = [item for view in views for item in items_of(view)]
        items.sort(key=lambda item: (-item.days_late, item.due_on or date.max, item.since or date.max, item.key))
        return Digest(day, tuple(items), open=len(ids), left=len(ids) - len(views)), ids[0] if ids else None

    def _later(self, person: str, away: Unavailable) -> str:
        log.warning("digest_not_sent", person=person, service=away.service, reason=away.reason)
        with self._store.transaction() as session:
            row = session.get_one(DigestRecord, person)
            row.tries += 1
            now = self._clock.now()
            seconds = max(self._backoff.seconds(row.tries), away.retry_after or 0)
            row.due_at, row.set_at, row.enqueued_for = now + timedelta(seconds=seconds), now, None
            session.add(row)
        return "later"

    def _next(self, person: str) -> None:
        self._set_time(person, self._schedule.opening_after(person, self._clock.now()))

    def _set_time(self, person: str, at: datetime) -> None:
        with self._store.transaction() as session:
            row = session.get_one(DigestRecord, person)
            row.due_at, row.set_at, row.enqueued_for, row.tries = at, self._clock.now(), None, 0
            session.add(row)


def items_of(view: OnboardingView) -> list[Item]:
    """Return what waits in an onboarding, and for whom."""
    working = WorkingTime.of(view.pack.checklist)
    slack = view.surfaces.get("slack")
    acting: list[StepView] = [step for step in view.steps if step.state in ACTING]
    return [
        Item(
            key=view.key,
            client=view.client,
            partner=view.partner,
            link=slack.link if slack else None,
            step=step.definition.title,
            role=step.waits_for if step.state == "waiting" and step.waits_for else step.role,
            state=step.state,
            since=working.day(step.changed_at) if step.changed_at else None,
            due_on=step.due_on,
            # What the whole is late by shows at what it waits for.
            days_late=max(step.days_late, view.days_late),
        )
        for step in acting
    ]


def responsible(session: Session, roles: Roles) -> Collection[str]:
    """Return the people who get a digest: the managers of the settings, or whoever has started what is open."""
    managers = [member for member in roles.members.get("manager") or () if _is_person(member)]
    if managers:
        return managers
    return {person for person in _starters(session).values() if _is_person(person)}


def ids_of(session: Session, roles: Roles, person: str) -> list[int]:
    """Return the open onboardings that a person answers for as a manager, in order."""
    return sorted(
        onboarding_id
        for onboarding_id, starter in _starters(session).items()
        if _first_person([*roles.accountable("manager", f"slack:{starter}" if starter else ""), starter]) == person
    )


def _starters(session: Session) -> dict[int, str]:
    """Return who started each open onboarding; empty for one that no person in Slack did."""
    began = (
        select(Event.onboarding_id, Event.content)
        .join(Onboarding, col(Onboarding.id) == col(Event.onboarding_id))
        .where(Event.seq == 1, Onboarding.state == "open")
    )
    starters = {}
    for onboarding_id, content in session.exec(began):
        kind, _, person = str(content.get("actor", "")).partition(":")
        starters[onboarding_id] = person if kind == "slack" else ""
    return starters


def _first_person(members: Sequence[str]) -> str | None:
    return next((member for member in members if _is_person(member)), None)


def _is_person(member: str) -> bool:
    return member[:1] in {"U", "W"} and member.isalnum() and member.isupper()


def _no_zone(_person: str) -> str | None:
    return None


def _may_be_due(now: datetime) -> ColumnElement[bool]:
    return (col(DigestRecord.due_at) <= now) | (col(DigestRecord.set_at) > now + CLOCKS_APART)


def _is_due(row: DigestRecord, now: datetime) -> bool:
    if row.set_at > now + CLOCKS_APART:
        return True
    if row.enqueued_for == row.due_at:
        return row.due_at < now - LOST_AFTER
    return row.due_at <= now
