"""People's Homes as projections: what changed is counted, and what is shown catches up with it, however often it dies.

A Home exists from its first opening. A change marks the Homes that it may concern; one that was sent a moment ago waits
for more to come, so that ten ticks in a row are one redraw. A job reads how far things have come, draws that, sends it
where it looks different, and keeps revision and digest. A job that is killed before it has kept them is run again, and
sends the same once more: there is nothing that could be there twice.
"""

from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol

import structlog
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from bot.onboarding.actors import Actor
from bot.onboarding.clock import Clock
from bot.onboarding.errors import Unavailable
from bot.onboarding.home_page import Filters, HomePage, HomeReader
from bot.onboarding.models import HomeRecord, Onboarding
from bot.onboarding.persons import Persons
from bot.onboarding.ports import Job, Jobs
from bot.onboarding.retry import Backoff
from bot.onboarding.store import Store, again_after_another
from bot.onboarding.turns import ThreadTurns, Turns
from bot.onboarding.worker import CLOCKS_APART, LOST_AFTER

log = structlog.stdlib.get_logger()

# A Home is drawn anew for what others do once in so long at most; for what its reader does, at once.
PAUSE = timedelta(seconds=3)
# More changes than that of one Home are not forgotten by a restore. Their count names a Home's blocks, and Slack takes
# a block whose name it knows for the one that stood there before.
CHANGES_FORGOTTEN = 1_000_000


class HomeGone(Exception):
    """The person has left, or was never there: there is nobody to show a Home to."""


class HomeOvertaken(Exception):
    """What stands there is not what was sent last: another has sent something, or an answer was lost."""


class HomeSurface(Protocol):
    """Where Homes are shown. Everything that is sent replaces what stood there."""

    def picture(self, page: HomePage) -> str:
        """Return a Home as it should look: a pure function."""

    def publish(self, person: str, picture: str, mark: str | None) -> str:
        """Show a picture; return the mark of what stands there now.

        With ``mark`` only in place of what has this mark. Raises HomeOvertaken, HomeGone and Unavailable.
        """


class Homes:
    """What changes Homes, one transaction each, and the sweep that turns those that are due into jobs."""

    def __init__(self, store: Store, jobs: Jobs, clock: Clock, reader: HomeReader) -> None:
        self._store = store
        self._jobs = jobs
        self._clock = clock
        self._reader = reader

    def opened(self, person: Actor) -> None:
        """Show a person their Home, from now on whenever something changes."""
        self._change(person, lambda home: None)

    def filtered(self, person: Actor, **changed: str | bool) -> None:
        """Narrow a Home down, each of ``Filters``' members by name; its lists begin at their first page again."""

        def change(home: HomeRecord) -> None:
            home.filters = asdict(replace(filters_of(home), **changed))  # type: ignore[arg-type] # members by name
            home.steps_page = home.page = 0

        self._change(person, change)

    def turned(self, person: Actor, *, steps_page: int | None = None, page: int | None = None) -> None:
        """Turn to another page of the steps or of the activations."""

        def change(home: HomeRecord) -> None:
            home.steps_page = home.steps_page if steps_page is None else steps_page
            home.page = home.page if page is None else page

        self._change(person, change)

    @again_after_another
    def _change(self, person: Actor, change: Callable[[HomeRecord], None]) -> None:
        now = self._clock.now()
        with self._store.transaction(for_person=True) as session:
            home = session.get(HomeRecord, person.id, with_for_update=True) or HomeRecord(person=person.id)
            change(home)
            home.is_over = False
            self._want(session, home, now, at=now, at_once=True)

    def touch(self, onboarding_id: int) -> None:
        """Mark the Homes that may show an onboarding otherwise now than before."""
        with self._store.reading() as session:
            onboarding = session.get_one(Onboarding, onboarding_id)
            known = session.exec(select(HomeRecord.person).where(~col(HomeRecord.is_over))).all()
            concerned = [person for person in known if self._reader.concerns(session, onboarding, actor_of(person))]
        if not concerned:
            return
        now = self._clock.now()
        with self._store.transaction() as session:
            # In one order, so that two changes at a time never wait for each other.
            rows = select(HomeRecord).where(col(HomeRecord.person).in_(concerned)).order_by(col(HomeRecord.person))
            for home in session.exec(rows.with_for_update()).all():
                self._want(session, home, now, at=max(now, home.sent_at + PAUSE) if home.sent_at else now)

    def _want(self, session: Session, home: HomeRecord, now: datetime, *, at: datetime, at_once: bool = False) -> None:
        """Count a change, and have it shown at a time; ``at_once``: beside a job that may have read too early."""
        home.wanted += 1
        if at_once or home.due_at is None or (home.enqueued_for is None and at < home.due_at):
            _set_due(home, at, now)
            if at <= now:
                self._enqueue(session, home)
        session.add(home)

    def _enqueue(self, session: Session, home: HomeRecord) -> None:
        assert home.due_at is not None
        home.enqueued_for = home.due_at
        job_id = f"home:{home.person}:{home.wanted}:{home.due_at.isoformat()}"
        self._jobs.enqueue(session, job_id, Job(0, f"home:{home.person}"))
        session.add(home)

    def sweep(self, *, limit: int = 200) -> int:
        """Turn the Homes that are due into jobs; return how many. One whose job was lost has another after a while."""
        now = self._clock.now()
        never = col(HomeRecord.enqueued_for).is_(None) & (col(HomeRecord.due_at) <= now)
        lost = col(HomeRecord.enqueued_for).is_not(None) & (col(HomeRecord.due_at) < now - LOST_AFTER)
        # Set later than now: the clock that planned it has gone back.
        ahead = col(HomeRecord.due_at).is_not(None) & (col(HomeRecord.set_at) > now + CLOCKS_APART)
        rows = select(HomeRecord).where(never | lost | ahead).order_by(col(HomeRecord.due_at)).limit(limit)
        with self._store.reading() as session:
            if session.exec(rows.limit(1)).first() is None:
                return 0
        with self._store.transaction() as session:
            due = session.exec(rows.with_for_update(skip_locked=True)).all()
            for home in due:
                # Another time makes another job: a lost one's id is used up.
                _set_due(home, now, now)
                self._enqueue(session, home)
            return len(due)


class HomeWorker:
    """Shows Homes: the jobs of ``home:<person>``."""

    def __init__(
        self,
        store: Store,
        reader: HomeReader,
        persons: Persons,
        surface: HomeSurface,
        clock: Clock,
        backoff: Backoff,
        turns: Turns | None = None,
    ) -> None:
        self._store = store
        self._reader = reader
        self._persons = persons
        self._surface = surface
        self._clock = clock
        self._backoff = backoff
        self._turns = turns or ThreadTurns()

    def run(self, job: Job) -> str:
        """Bring one Home up to date; return how that went in a word."""
        person = job.subject.partition(":")[2]
        self._reader.refresh()
        with self._turns.of("home", person):
            with self._store.reading() as session:
                home = session.get(HomeRecord, person)
                if home is None or home.is_over or home.wanted == home.shown:
                    return "over"
                page = self._page(session, home)
            try:
                digest, mark = self._show(home, page)
            except HomeGone:
                log.warning("home_over", person=person, reason="Slack knows them no more")
                self._keep(person, is_over=True, shown=home.wanted)
                return "gone"
            except Unavailable as away:
                self._try_later(person, away)
                return "later"
            except OperationalError:
                raise
            except Exception as unexpected:
                log.exception("home_broke", person=person)
                self._try_later(person, Unavailable("home", type(unexpected).__name__))
                return "broke"
            self._keep(person, shown=page.revision, digest=digest, mark=mark, sent_at=self._clock.now())
            return "shown"

    def _page(self, session: Session, home: HomeRecord) -> HomePage:
        return self._reader.read(
            session,
            actor_of(home.person),
            self._persons.language(home.person),
            filters_of(home),
            (home.steps_page, home.page),
            revision=home.wanted,
            now=self._clock.now(),
        )

    def _show(self, home: HomeRecord, page: HomePage) -> tuple[str, str]:
        """Send a Home where it looks different from what was sent last."""
        # Its own revision makes its block ids fresh, and is no difference by itself.
        digest = sha256(self._surface.picture(replace(page, revision=0)).encode()).hexdigest()
        picture = self._surface.picture(page)
        if digest == home.digest:
            return digest, home.mark
        try:
            return digest, self._surface.publish(home.person, picture, home.mark or None)
        except HomeOvertaken:
            with self._store.reading() as session:
                now = session.get_one(HomeRecord, home.person)
            if now.mark != home.mark:
                # A worker that was taken for dead has shown it meanwhile; this one begins anew with what there is.
                raise Unavailable("Slack", "the Home was redrawn meanwhile", retry_after=1) from None
            # Nobody has: what was sent last got there, and its sender died before it could keep the answer.
            return digest, self._surface.publish(home.person, picture, None)

    def _keep(self, person: str, **kept: Any) -> None:
        now = self._clock.now()
        with self._store.transaction() as session:
            home = session.get_one(HomeRecord, person, with_for_update=True)
            for name, value in kept.items():
                setattr(home, name, value)
            home.attempts = 0
            if home.shown >= home.wanted or home.is_over:
                home.due_at = home.enqueued_for = None
            else:
                _set_due(home, now + PAUSE, now)
            session.add(home)

    def _try_later(self, person: str, away: Unavailable) -> None:
        log.warning("home_away", person=person, reason=away.reason)
        now = self._clock.now()
        with self._store.transaction() as session:
            home = session.get_one(HomeRecord, person, with_for_update=True)
            home.attempts += 1
            seconds = max(self._backoff.seconds(home.attempts), away.retry_after or 0)
            _set_due(home, now + timedelta(seconds=seconds), now)
            session.add(home)


def show_anew(session: Session, now: datetime) -> None:
    """Have every Home be shown as the database has it: what stands there may be newer than what is known of it."""
    for home in session.exec(select(HomeRecord).order_by(col(HomeRecord.person)).with_for_update()).all():
        home.digest = home.mark = ""
        home.wanted += CHANGES_FORGOTTEN
        # Nothing is sent to somebody who is gone; should they come back, they see everything as it is then.
        if not home.is_over:
            _set_due(home, now, now)
        session.add(home)


def filters_of(home: HomeRecord) -> Filters:
    """Read what a Home is narrowed to."""
    known: Collection[str] = Filters.__dataclass_fields__
    return Filters(**{name: value for name, value in home.filters.items() if name in known})


def actor_of(person: str) -> Actor:
    """Return the person of a Home as one who acts."""
    return Actor("slack", person, person.partition(":")[2])


def _set_due(home: HomeRecord, at: datetime, now: datetime) -> None:
    home.due_at, home.set_at, home.enqueued_for = at, now, None
