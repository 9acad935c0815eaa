"""``onboarding-bot move-database``: everything from SQLite to Postgres, checked row by row, or nothing at all.

Rows keep their ids. They are written, read back and compared in one transaction of the new database: killed at any
moment before its end, the new database is as empty as before, and the old one is untouched. Jobs of the old queue are
not copied: whatever was unfinished follows from the state, so each running step and each surface that is behind gets
a row that is due at once.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Integer, Table, func, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel, col, select

from bot.app import packs_of, prepare_database
from bot.engine import DurableJobs
from bot.engine.lock import database_lock, sole_runner
from bot.onboarding import trail
from bot.onboarding.clock import Clock, SystemClock
from bot.onboarding.errors import SettingsError
from bot.onboarding.installation import LINKS_KEY, MOVED_TO, Installation, mark_moved, require_not_moved
from bot.onboarding.models import DueRecord, EffectRecord, InstallationFact, Onboarding, StepRecord, SurfaceRecord
from bot.onboarding.packs import Packs
from bot.onboarding.store import Store, insert_once
from bot.settings import Settings

BATCH = 1000


@dataclass(frozen=True)
class TableMoved:
    """How many rows a table had before and has now, and whether each of them reads the same."""

    name: str
    before: int
    now: int
    same: bool


@dataclass(frozen=True)
class Moved:
    """What was moved. ``broken`` names onboardings whose trail does not hold, with the first line that does not."""

    tables: Sequence[TableMoved]
    onboardings: int
    trail_lines: int
    broken: Mapping[str, int] = field(default_factory=dict)
    due_at_once: int = 0
    is_repeat: bool = False

    @property
    def matches(self) -> bool:
        """Whether everything arrived as it was."""
        return not self.broken and all(table.same for table in self.tables)


class NotAsItWas(Exception):
    """Ends the transaction: something reads differently in the new database. Carries what was seen."""

    def __init__(self, moved: Moved) -> None:
        super().__init__("not everything matches")
        self.moved = moved


def move(settings: Settings, to: str, *, surfaces: Sequence[str], clock: Clock | None = None) -> Moved:
    """Move everything in the settings' SQLite database to the Postgres at ``to``.

    ``surfaces`` are those that the settings configure (slack, jira). Raises SettingsError: a bot serves, the new
    database has rows already, one of the two cannot be opened.
    """
    old, new = Store(settings.database), Store(to)
    try:
        if not old.on_sqlite or new.on_sqlite:
            raise SettingsError(
                f"The move goes from SQLite (DATABASE_URL, now {old.name}) to Postgres (--to, now {new.name})."
            )
        if not Path(old.address.database or "").is_file():
            raise SettingsError(f"DATABASE_URL: there is no database {old.name} to be moved.")
        prepare_database(old, DurableJobs(old.engine))
        with _nobody_serves(settings, Path(str(old.address.database))):
            if Installation(old).get(MOVED_TO) != new.name:
                require_not_moved(old)
            prepare_database(new, DurableJobs(new.engine))
            _keep_what_lay_beside(settings, old)
            return _Move(old, new, surfaces, clock or SystemClock()).run()
    finally:
        old.close()
        new.close()


@contextmanager
def _nobody_serves(settings: Settings, file: Path) -> Iterator[None]:
    """Keep every bot from serving the old database, whichever DATA_DIR it was given. Raises SettingsError."""
    with (
        sole_runner(database_lock(file), setting="DATABASE_URL", of=file),
        sole_runner(settings.data_dir / "serve.lock"),
    ):
        yield


class _Move:
    def __init__(self, old: Store, new: Store, surfaces: Sequence[str], clock: Clock) -> None:
        self._old = old
        self._new = new
        self._surfaces = surfaces
        self._clock = clock

    def run(self) -> Moved:
        # The old database's write lock is held to the end: no shell command changes what has been read.
        with self._old.transaction() as old:
            source = old.connection()
            try:
                with self._new.transaction() as new:
                    moved = self._copied_and_compared(source, new)
            except NotAsItWas as seen:
                return seen.moved
            except DBAPIError as failed:
                raise SettingsError(
                    f"Nothing was moved: {self._new.name} answers {type(failed.orig).__name__} ({_first_line(failed)})."
                ) from failed
            mark_moved(old, self._new.name)
            return moved

    def _copied_and_compared(self, source: Connection, new: Session) -> Moved:
        target = new.connection()
        is_repeat = self._has_rows(target)
        if not is_repeat:
            for table in _tables():
                for rows in _batches(source, table):
                    target.execute(table.insert(), rows)
                _go_on_counting(target, table)
        moved = self._compared(source, new, is_repeat=is_repeat)
        if is_repeat:
            if not moved.matches:
                raise SettingsError(
                    f"--to: {self._new.name} is not empty, and what is in it is not what {self._old.name} holds. "
                    "Give a new, empty database."
                )
            return moved
        if not moved.matches:
            raise NotAsItWas(moved)
        due = self._have_open_work_done(new)
        return Moved(moved.tables, moved.onboardings, moved.trail_lines, due_at_once=due)

    def _has_rows(self, target: Connection) -> bool:
        queued = target.execute(text("SELECT 1 FROM dbos.workflow_status LIMIT 1")).first()
        return queued is not None or any(
            target.execute(select(1).select_from(table).limit(1)).first() is not None for table in _tables()
        )

    def _compared(self, source: Connection, new: Session, *, is_repeat: bool) -> Moved:
        tables = []
        for table in _tables():
            # What is due was made due at once by the move itself, so a second look cannot find it as it was.
            is_changed = is_repeat and table.name == DueRecord.__tablename__
            before, now = _digest(source, table), _digest(new.connection(), table)
            tables.append(TableMoved(table.name, before[0], now[0], same=is_changed or before == now))
        broken: dict[str, int] = {}
        lines = 0
        for onboarding in new.exec(select(Onboarding).order_by(col(Onboarding.id))).all():
            found = trail.lines(new, onboarding.id or 0)
            lines += len(found)
            wrong = trail.first_break(found)
            if wrong is None and (onboarding.revision, onboarding.head) != _end(found):
                wrong = onboarding.revision
            if wrong is not None:
                broken[onboarding.key] = wrong
            new.expunge_all()
        return Moved(tables, _count(new, Onboarding), lines, broken, is_repeat=is_repeat)

    def _have_open_work_done(self, new: Session) -> int:
        """Make everything due that the old queue may have held; a job that finds nothing to do does nothing."""
        now = self._clock.now()
        for row in new.exec(select(DueRecord).where(col(DueRecord.enqueued_for).is_not(None))).all():
            row.enqueued_for = None
            new.add(row)
        new.flush()
        made = 0
        running = select(StepRecord).join(Onboarding).where(Onboarding.state == "open", StepRecord.state == "running")
        for step in new.exec(running).all():
            made += _due_now(new, step.onboarding_id, f"step:{step.step_id}", step.run, now)
        for onboarding_id, name in self._behind(new):
            made += _due_now(new, onboarding_id, f"surface:{name}", 0, now)
        return made

    def _behind(self, new: Session) -> Iterator[tuple[int, str]]:
        """Yield the surfaces that do not show an onboarding as it is, or have not written its end."""
        shown = {(row.onboarding_id, row.name): row.revision for row in new.exec(select(SurfaceRecord)).all()}
        ends = set(
            new.exec(
                select(EffectRecord.key).where(EffectRecord.state == "done", col(EffectRecord.key).like("%:end:%"))
            ).all()
        )
        shown_anywhere = {onboarding_id for onboarding_id, _ in shown}
        for onboarding in new.exec(select(Onboarding)).all():
            assert onboarding.id is not None
            for name in self._surfaces:
                revision = shown.get((onboarding.id, name))
                if onboarding.state != "open" and revision is None and onboarding.id in shown_anywhere:
                    # It was over before this surface was set up.
                    continue
                is_shown = revision == onboarding.revision
                is_ended = onboarding.state == "open" or f"{onboarding.key}:end:{name}" in ends
                if not (is_shown and is_ended):
                    yield onboarding.id, name


def _keep_what_lay_beside(settings: Settings, old: Store) -> None:
    """Put what SQLite keeps in DATA_DIR into the database: packs that were begun with, and the key of the links."""
    packs = packs_of(settings, old)
    with old.transaction() as session:
        for pack_id, digest in session.exec(select(Onboarding.pack, Onboarding.pack_digest).distinct()).all():
            _keep_pack(session, packs, pack_id, digest)
        key = settings.data_dir / "links.key"
        if settings.web.secret_key is None and key.is_file():
            insert_once(session, InstallationFact, name=LINKS_KEY, value=key.read_text("ascii").strip())


def _keep_pack(session: Session, packs: Packs, pack_id: str, digest: str) -> None:
    packs.archive(session, packs.kept(pack_id, digest))


def _tables() -> list[Table]:
    """Return our tables, those that others refer to first."""
    return list(SQLModel.metadata.sorted_tables)


def _rows(connection: Connection, table: Table) -> Iterator[Sequence[Any]]:
    rows = table.select()
    if table.name == InstallationFact.__tablename__:
        # The mark that everything was moved belongs to the old database alone.
        rows = rows.where(table.c.name != MOVED_TO)
    yield from connection.execute(rows, execution_options={"yield_per": BATCH})


def _batches(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    names = [column.name for column in table.columns]
    batch: list[dict[str, Any]] = []
    for row in _rows(connection, table):
        batch.append(dict(zip(names, row, strict=True)))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _digest(connection: Connection, table: Table) -> tuple[int, int]:
    """Return how many rows there are and a sum over their hashes, which no order of rows changes."""
    number, total = 0, 0
    for row in _rows(connection, table):
        said = repr([bytes(value) if isinstance(value, memoryview) else value for value in row])
        total += int.from_bytes(hashlib.sha256(said.encode()).digest())
        number += 1
    return number, total % 2**256


def _go_on_counting(connection: Connection, table: Table) -> None:
    """Have the next row get the next id."""
    key, *more = table.primary_key
    if more or not isinstance(key.type, Integer):
        return
    sequence = connection.execute(select(func.pg_get_serial_sequence(f'"{table.name}"', key.name))).scalar_one()
    highest = connection.execute(select(func.max(key))).scalar_one()
    if sequence is not None and highest is not None:
        connection.execute(select(func.setval(sequence, highest)))


def _due_now(session: Session, onboarding_id: int, subject: str, run: int, now: datetime) -> int:
    """Have a job made of a subject that has none due; return how many rows were added."""
    known = session.exec(
        select(DueRecord).where(DueRecord.onboarding_id == onboarding_id, DueRecord.subject == subject)
    ).first()
    if known is not None:
        return 0
    session.add(DueRecord(onboarding_id=onboarding_id, subject=subject, run=run, due_at=now))
    return 1


def _end(lines: Sequence[Any]) -> tuple[int, str]:
    return (lines[-1].seq, lines[-1].hash) if lines else (0, "")


def _count(session: Session, row: type[SQLModel]) -> int:
    return session.exec(select(func.count()).select_from(row)).one()


def _first_line(failed: DBAPIError) -> str:
    return str(failed.orig).strip().splitlines()[0]
