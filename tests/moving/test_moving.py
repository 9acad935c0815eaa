"""From SQLite to Postgres: everything arrives as it was, open work goes on, or nothing has happened at all."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from postgres import PASSWORD, Postgres
from sqlalchemy import make_url
from sqlmodel import SQLModel, col, select

from bot import moving
from bot.app import Application, build
from bot.engine.lock import sole_runner
from bot.moving import move
from bot.onboarding import trail
from bot.onboarding.actors import Actor
from bot.onboarding.errors import SettingsError
from bot.onboarding.models import DueRecord, StepRecord, SurfaceRecord
from bot.onboarding.ports import Job
from bot.onboarding.start import StartRequest
from bot.onboarding.store import MIGRATIONS, Store
from bot.settings import Settings, load_settings

ANA = Actor("slack", "slack:UANA", "ana")
# Nothing answers there: steps that need a server wait.
NOWHERE = {"url": "http://127.0.0.1:9", "token": "t", "project": "ACT", "database_project": "DB"}


@dataclass
class Place:
    """A bot on SQLite, and an empty Postgres."""

    settings: Settings
    to: str
    server: Postgres

    @property
    def moved(self) -> Settings:
        return self.settings.model_copy(update={"database_url": type(self.settings.database_url)(self.to)})

    def move(self) -> moving.Moved:
        return move(self.settings, self.to, surfaces=["slack", "jira"])

    def rows(self) -> int:
        store = Store(self.to)
        with store.reading() as session:
            tables = [table for table in SQLModel.metadata.sorted_tables if store.schema_is_current()]
            found = sum(len(session.connection().execute(table.select()).all()) for table in tables)
        store.close()
        return found

    def command(self, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "bot", *words],
            env=self.environment | environment,
            cwd=self.settings.data_dir.parent,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ONBOARDING_")}
        return kept | {"ONBOARDING_DATA_DIR": str(self.settings.data_dir), "ONBOARDING_LANGUAGE": "en"}


@pytest.fixture
def place(tmp_path: Path, postgres_server: Postgres, postgres_url: str) -> Place:
    settings = load_settings(data_dir=tmp_path / "data", language="en", jira=NOWHERE)
    return Place(settings, postgres_url, postgres_server)


@pytest.fixture
def old(place: Place) -> Iterator[Application]:
    """The bot on SQLite, with open onboardings at several points and one that is over."""
    bot = build(place.settings)
    for number in range(1, 5):
        start(bot, f"Client {number}", f"ROOT-{number}")
    bot.onboardings.tick("ONB-1", "portal", [], actor=ANA, source="slack:1")
    bot.onboardings.skip("ONB-2", "sofia_install", "“done” last year 🚀", actor=ANA)
    bot.onboardings.cancel("ONB-3", "wrong client", actor=ANA)
    with bot.store.transaction() as session:
        session.add(SurfaceRecord(onboarding_id=1, name="slack", parent="C:1", revision=1))
        revision = bot.onboardings.view("ONB-2").revision
        session.add(SurfaceRecord(onboarding_id=2, name="slack", parent="C:2", revision=revision))
    yield bot
    bot.close()


def start(bot: Application, client: str, root: str) -> str:
    request = StartRequest(
        pack="telefonica_es",
        partner="PARTNER-ONE",
        partner_email="ops@partner.example",
        client=client,
        root=root,
        tax_ids=["A78923125"],
        options={"ofc": True, "deposit": "ftp"},
        due=None,
    )
    return bot.onboardings.start(request, ANA).key


def test_everything_arrives_as_it_was_and_the_trails_hold(place: Place, old: Application) -> None:
    before = {view.key: (view, old.onboardings.trail(view.key)) for view in old.onboardings.all()}
    link = old.links.form("ONB-1", "form")
    moved = place.move()
    assert moved.matches
    assert (moved.onboardings, moved.trail_lines) == (4, sum(len(lines) for _, lines in before.values()))
    assert all(table.before == table.now for table in moved.tables)
    new = build(place.moved)
    for key, (view, lines) in before.items():
        found = new.onboardings.view(key)
        assert found.pack.digest == view.pack.digest
        assert replace(found, pack=view.pack) == view
        assert [line.hash for line in new.onboardings.trail(key)] == [line.hash for line in lines]
        assert trail.first_break(new.onboardings.trail(key)) is None
    # A link that is in somebody's mail stays good, an event that was counted stays counted, numbers go on.
    assert new.links.read_form(link.rpartition("/")[2]).key == "ONB-1"
    assert not new.onboardings.tick("ONB-1", "portal", [], actor=ANA, source="slack:1")
    assert start(new, "Client 5", "ROOT-5") == "ONB-5"
    new.close()


def test_open_work_of_the_old_queue_is_due_at_once(place: Place, old: Application) -> None:
    with old.flow.change(1) as change:
        change.schedule("step:directory", 0, run=1)
    assert old.sweep() >= 1
    place.move()
    new = build(place.moved)
    with new.store.reading() as session:
        due = {(row.onboarding_id, row.subject): row for row in session.exec(select(DueRecord)).all()}
        running = session.exec(select(StepRecord).where(col(StepRecord.state) == "running")).all()
    assert {(step.onboarding_id, f"step:{step.step_id}") for step in running if step.onboarding_id != 3} <= due.keys()
    assert all(due[step.onboarding_id, f"step:{step.step_id}"].run == step.run for step in running if step.id in due)
    assert all(row.enqueued_for is None for row in due.values())
    # Behind: 1 was shown at an earlier revision. Not behind: 2 on Slack. Cancelled and never shown: 3.
    surfaces = {(number, name) for number, subject in due if (name := subject.removeprefix("surface:")) != subject}
    assert surfaces == {(1, "slack"), (1, "jira"), (2, "jira"), (3, "slack"), (3, "jira"), (4, "slack"), (4, "jira")}
    now = datetime.now(UTC)
    assert new.sweep() == len([row for row in due.values() if row.due_at <= now])
    for (onboarding_id, subject), row in due.items():
        if subject == "step:directory":
            new.run_job(Job(onboarding_id, subject, row.run))
    assert new.onboardings.view("ONB-4").step("directory").state in {"failed", "waiting"}
    new.close()


def test_the_old_database_is_not_used_by_mistake_and_a_second_move_changes_nothing(
    place: Place, old: Application
) -> None:
    place.move()
    with pytest.raises(SettingsError, match="was moved to postgresql") as refused:
        build(place.settings)
    assert PASSWORD not in str(refused.value)
    rows = place.rows()
    again = place.move()
    assert again.is_repeat
    assert again.matches
    assert place.rows() == rows
    other = place.server.create()
    with pytest.raises(SettingsError, match="was moved to"):
        move(place.settings, place.server.url(other), surfaces=[])
    new = build(place.moved)
    new.onboardings.tick("ONB-4", "portal", [], actor=ANA)
    new.close()
    with pytest.raises(SettingsError, match="is not empty"):
        place.move()


def test_a_database_with_anything_in_it_is_refused(place: Place, old: Application) -> None:
    busy = build(place.moved)
    start(busy, "Another", "OTHER")
    busy.close()
    with pytest.raises(SettingsError, match="is not empty"):
        place.move()
    assert build_and_close(place.settings)


def test_while_a_bot_serves_nothing_is_moved(place: Place, old: Application) -> None:
    for lock in (place.settings.data_dir / "serve.lock", place.settings.data_dir / "onboarding.db.lock"):
        with sole_runner(lock), pytest.raises(SettingsError, match="serves"):
            place.move()
    assert build_and_close(place.settings)


def test_a_trail_that_does_not_hold_is_named_and_nothing_is_moved(place: Place, old: Application) -> None:
    database = sqlite3.connect(place.settings.data_dir / "onboarding.db")
    database.execute("UPDATE event SET actor = 'mallory' WHERE onboarding_id = 2 AND seq = 4")
    database.commit()
    database.close()
    moved = place.move()
    assert not moved.matches
    assert moved.broken == {"ONB-2": 4}
    assert place.rows() == 0
    assert build_and_close(place.settings)
    told = place.command("move-database", "--to", place.to)
    assert told.returncode == 1
    assert "ONB-2: the trail does not hold from line 4 on" in told.stderr


def test_a_row_that_reads_differently_ends_the_move(
    place: Place, old: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = moving._digest

    def other(connection: object, table: object) -> tuple[int, int]:
        number, total = digest(connection, table)  # type: ignore[arg-type]
        is_new = connection.dialect.name == "postgresql"  # type: ignore[attr-defined]
        return number, total + (is_new and table.name == "evidence")  # type: ignore[attr-defined]

    monkeypatch.setattr(moving, "_digest", other)
    moved = place.move()
    assert [table.name for table in moved.tables if not table.same] == ["evidence"]
    assert place.rows() == 0
    assert build_and_close(place.settings)


@pytest.mark.parametrize("when", ["_go_on_counting", "_digest", "mark_moved"])
def test_killed_at_any_moment_it_can_be_done_again(place: Place, old: Application, when: str) -> None:
    code = (
        "import os, signal, sys; from bot import cli, moving\n"
        f"setattr(moving, {when!r}, lambda *_: os.kill(os.getpid(), signal.SIGKILL))\n"
        "sys.argv = ['onboarding-bot', 'move-database']; cli.main()"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code],
        env=place.environment | {"ONBOARDING_MOVE_TO": place.to},
        cwd=place.settings.data_dir.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    if when != "mark_moved":
        wait_for_rollback(place)
        assert place.rows() == 0
        assert build_and_close(place.settings)
    told = place.command("move-database", "--to", place.to)
    assert told.returncode == 0, told.stderr
    assert ("had been moved before" in told.stdout) == (when == "mark_moved")


def test_the_command_prints_what_it_did_and_no_password(
    place: Place, old: Application, empty_postgres_url: str
) -> None:
    place.to = empty_postgres_url
    told = place.command("move-database", ONBOARDING_MOVE_TO=place.to)
    assert told.returncode == 0, told.stderr
    assert re.search(r"event +│ +(\d+) │ +\1 │ yes", told.stdout)
    assert "4 onboardings" in told.stdout
    assert PASSWORD not in told.stdout + told.stderr
    after = place.command("status", "ONB-1")
    assert after.returncode == 2
    assert "was moved to" in after.stderr
    assert place.command("status", "ONB-1", ONBOARDING_DATABASE_URL=place.to).returncode == 0


@pytest.mark.parametrize("to", ["sqlite:///other.db", "nonsense", "postgresql://bot:secret@127.0.0.1:1/onboarding"])
def test_a_target_that_cannot_be_is_refused_in_words(place: Place, old: Application, to: str) -> None:
    told = place.command("move-database", "--to", to)
    assert told.returncode == 2
    assert "Traceback" not in told.stderr
    assert "secret" not in told.stderr
    assert build_and_close(place.settings)


def test_a_database_of_an_earlier_version_is_brought_to_this_one_first(place: Place, old: Application) -> None:
    database = sqlite3.connect(place.settings.data_dir / "onboarding.db")
    for table in ("kept_pack", "installation"):
        database.execute(f"DELETE FROM {table}")
    database.commit()
    database.close()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with old.store.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
    old.store.close()
    assert place.move().matches
    new = build(place.moved)
    assert new.onboardings.view("ONB-1").step("portal").state == "done"
    new.close()


def test_without_a_database_there_is_nothing_to_move(place: Place) -> None:
    with pytest.raises(SettingsError, match="there is no database"):
        place.move()


def build_and_close(settings: Settings) -> bool:
    """Tell that the bot still works on the old database."""
    bot = build(settings)
    works = bot.onboardings.view("ONB-1").key == "ONB-1"
    bot.close()
    return works


def wait_for_rollback(place: Place) -> None:
    """Postgres notices the dead client a moment later."""
    name = make_url(place.to).database
    until = time.monotonic() + 10
    while place.server.run(f"SELECT 1 FROM pg_stat_activity WHERE datname = '{name}'") and time.monotonic() < until:
        time.sleep(0.05)
