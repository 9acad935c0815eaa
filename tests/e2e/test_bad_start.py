"""What `serve` cannot start with: it says so in words, ends with status 2, and leaves nothing half started."""

import os
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from e2e_house import free_port, house, wait_until

START = [
    "start", "--operator", "telefonica_es", "--partner", "PARTNER-ONE", "--partner-email", "ops@partner.example",
    "--client", "ACME", "--root", "ACME-IBERICA", "--tax-id", "B00123455", "--option", "ofc=true",
    "--option", "deposit=ftp",
]  # fmt: skip


@dataclass
class Place:
    """A bot without servers: its database, its files, its port."""

    path: Path
    port: int

    @property
    def database(self) -> Path:
        return self.path / "data" / "onboarding.db"

    def environment(self, **changed: str) -> dict[str, str]:
        wanted = {"DATA_DIR": str(self.path / "data"), "LANGUAGE": "en", "WEB__PORT": str(self.port)} | changed
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ONBOARDING_")}
        return inherited | {f"ONBOARDING_{name}": value for name, value in wanted.items()}

    def run(
        self,
        *words: str,
        before: Sequence[str] = (),
        limits: Callable[[], None] | None = None,
        **changed: str,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*before, sys.executable, "-m", "bot", *words],
            env=self.environment(**changed),
            cwd=self.path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            preexec_fn=limits,
        )

    def refused(self, **how: object) -> str:
        """Serve, which must be refused; return what was said."""
        ended = self.run("serve", **how)  # type: ignore[arg-type]
        assert ended.returncode == 2, (ended.returncode, ended.stderr)
        assert "Traceback" not in ended.stderr
        assert ended.stdout == ""
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5)
        return ended.stderr

    def serving(self, **changed: str) -> subprocess.Popen[str]:
        started = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve"],
            env=self.environment(**changed),
            cwd=self.path,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until("the bot", lambda: _answers(self.port) or started.poll() is not None)
        assert started.poll() is None, started.communicate()[1]
        return started


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """With a database that holds an onboarding."""
    made = Place(tmp_path, free_port())
    assert made.run(*START).stdout == "ONB-1\n"
    return made


def test_a_damaged_page_is_seen_at_the_start(place: Place) -> None:
    _damage(place.database)
    before = place.database.read_bytes()
    said = place.refused()
    assert "is damaged" in said
    assert "onboarding-bot restore" in said
    assert place.database.read_bytes() == before


def test_damage_that_shows_while_serving_ends_it_in_words(place: Place) -> None:
    bot = place.serving()
    try:
        # What the process has read so far it may still hold in its cache; a new file of garbage it cannot.
        _damage(place.database, every_page=True)
        with suppress(Exception):
            requests.get(f"http://127.0.0.1:{place.port}/metrics", timeout=10)
        _, said = bot.communicate(timeout=60)
    finally:
        bot.kill()
        bot.wait()
    assert bot.returncode == 2, said
    assert "is damaged" in said.splitlines()[-1]
    assert "database_damaged" in said


def test_a_file_that_is_no_database_is_left_as_it_is(place: Place) -> None:
    place.database.write_bytes(b"Dear Sir or Madam, " * 400)
    said = place.refused()
    assert "is not a database" in said
    assert place.database.read_bytes() == b"Dear Sir or Madam, " * 400


def test_a_database_of_a_newer_version_is_refused(place: Place) -> None:
    _sql(place.database, "UPDATE alembic_version SET version_num = '0999'")
    said = place.refused()
    assert "newer version (revision 0999" in said
    listed = place.run("list")
    assert (listed.returncode, "Traceback" in listed.stderr) == (2, False)
    assert "0999" in listed.stderr


def test_an_upgrade_that_was_cut_off_is_refused_and_changes_nothing(place: Place) -> None:
    _sql(place.database, "UPDATE alembic_version SET version_num = '0001'")
    before = _dump(place.database)
    said = place.refused()
    assert "at revision 0001, but the migration after it does not fit" in said
    assert _dump(place.database) == before


def test_a_database_that_may_not_be_written_is_refused(place: Place) -> None:
    before: Sequence[str] = ()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write whatever it likes without setpriv (Debian package util-linux)")
        no_right = "-dac_override,-dac_read_search"
        before = ["setpriv", "--bounding-set", no_right, "--inh-caps", no_right]
    place.database.chmod(0o444)
    said = place.refused(before=before)
    assert "cannot be written" in said
    assert str(place.database) in said
    place.database.chmod(0o644)


def test_a_full_disk_is_refused_with_what_to_do(place: Place) -> None:
    """No file may grow beyond a few kilobytes, as on a disk that has no more."""

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    said = place.refused(limits=full)
    assert "make room" in said.lower()


def test_a_data_directory_that_cannot_be_made_is_refused(place: Place) -> None:
    (place.path / "file").write_text("in the way")
    said = place.refused(DATA_DIR=str(place.path / "file" / "data"))
    assert said.startswith("DATA_DIR: ")


def test_two_bots_on_one_file_with_different_data_directories(place: Place) -> None:
    first = place.serving()
    try:
        other = {"DATA_DIR": str(place.path / "other"), "WEB__PORT": str(free_port())}
        link = place.path / "linked.db"
        link.symlink_to(place.database)
        for database in (place.database, link):
            second = place.run("serve", **other, DATABASE_URL=f"sqlite:///{database}")
            assert second.returncode == 2
            assert f"process {first.pid} on" in second.stderr
            assert str(place.database) in second.stderr
            assert "Traceback" not in second.stderr
        assert _answers(place.port)
    finally:
        first.terminate()
        first.communicate(timeout=30)
    assert first.returncode == 0


def test_a_taken_port_is_refused_before_a_job_is_run(place: Place) -> None:
    with socket.create_server(("127.0.0.1", place.port)):
        ended = place.run("serve")
    assert ended.returncode == 2
    assert "WEB__PORT" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "job_run" not in ended.stderr
    with closing(sqlite3.connect(place.database)) as database:
        assert set(database.execute("SELECT status FROM workflow_status")) == {("ENQUEUED",)}


@pytest.mark.parametrize("setting", ["SLACK__BOT_TOKEN", "SLACK__APP_TOKEN", "JIRA__TOKEN", "TRANSFER__PASSWORD"])
def test_a_wrong_secret_is_refused_by_its_name(tmp_path: Path, setting: str) -> None:
    wrong = "xoxb-not-the-right-one" if setting.startswith("SLACK") else "not-the-right-one"
    with house(tmp_path, **{setting: wrong}) as home:
        ended = home.command("serve")
        assert ended.returncode == 2, ended.stderr
        assert setting in ended.stderr
        assert "refuse" in ended.stderr
        assert "Traceback" not in ended.stderr
        assert wrong not in ended.stderr
        assert home.manager.messages() == []


def test_servers_that_are_away_keep_no_bot_from_starting(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.files_server_away()
        home.start_bot()
        assert "server_not_there" in home.log()


def test_a_wrong_signing_secret_is_said_once_and_counted(tmp_path: Path) -> None:
    with house(tmp_path, mode="http", SLACK__SIGNING_SECRET="not-the-right-one") as home:
        home.start_bot()
        for _ in range(3):
            with suppress(Exception):
                home.manager.start({})
        figures = requests.get(f"{home.web_url}/metrics", timeout=10).text
        assert "onboarding_bot_slack_refused_requests_total 3.0" in figures
        assert home.log().count("slack_signature_wrong") == 1
        assert "SLACK__SIGNING_SECRET" in home.log()


def test_links_of_another_key_say_so(tmp_path: Path) -> None:
    from pydantic import SecretStr

    from bot.web.links import SignedLinks

    place = Place(tmp_path, free_port())
    assert place.run(*START).returncode == 0
    bot = place.serving(WEB__SECRET_KEY="the key that is used now, long enough to sign")
    try:
        old = SignedLinks(f"http://127.0.0.1:{place.port}", SecretStr("the key that was used before, long enough"))
        page = requests.get(old.form("ONB-1", "form"), headers={"Accept-Language": "en"}, timeout=10)
        assert page.status_code == 404
        assert "before our key was changed" in page.text
    finally:
        bot.terminate()
        bot.communicate(timeout=30)


def _damage(file: Path, *, every_page: bool = False) -> None:
    """Overwrite what lies in the middle of the file, as a bad block of a disk would."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = database.execute("PRAGMA page_size").fetchone()[0]
        [root] = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'event'").fetchone()
    pages = range(1, file.stat().st_size // size) if every_page else [root - 1]
    with file.open("r+b") as opened:
        for page in pages:
            opened.seek(page * size)
            opened.write(b"\xa5" * 512)


def _sql(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(statement)


def _dump(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as database:
        return list(database.iterdump())


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
    except requests.ConnectionError:
        return False
