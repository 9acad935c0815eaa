"""A full disk, a locked database, a clock that jumps: the bot goes on by itself when the trouble is over."""

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from e2e_house import House, wait_until

from .activation import fire
from .counting import as_lines, database_file, settled, wrongs
from .people import People

# Longer than any statement of the bot waits for a lock, and than it bears trouble with the database in one go.
TROUBLE_SECONDS = 30.0


def test_a_full_disk_stops_the_bot_and_room_on_it_lets_it_go_on(tmp_path: Path) -> None:
    with fire(tmp_path) as home, _little_disk(home, tmp_path) as fill, _played(home) as people:
        people.tick_until("portal")
        with fill():
            time.sleep(TROUBLE_SECONDS)


def test_a_database_that_another_process_has_locked_is_waited_for(tmp_path: Path) -> None:
    with fire(tmp_path) as home, _played(home) as people:
        people.tick_until("portal")
        hold = (
            "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None);"
            "c.execute('BEGIN IMMEDIATE'); print('held', flush=True);"
            "time.sleep(float(sys.argv[2])); c.execute('COMMIT')"
        )
        words = [sys.executable, "-c", hold, str(database_file(home)), str(TROUBLE_SECONDS)]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
        assert holder.returncode == 0


def test_a_clock_that_jumps_ahead_and_back_keeps_nobody_waiting(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    _set(clock, 0)
    with fire(tmp_path) as home:
        home.environment["CHAOS_CLOCK"] = str(clock)
        with _played(home) as people:
            people.tick_until("portal")
            _set(clock, 3 * 3600)
            people.tick_until("sofia_install")
            wait_until("the mail with the form's link", lambda: home.mailbox.messages)
            _set(clock, -24 * 3600)
            people.tick_until("sofia_login")
            home.kill_bot()
            _set(clock, 48 * 3600)
            home.start_bot()
            people.tick_until("download")
            home.kill_bot()
            # Set back while the bot is down: the last poll was one of the future.
            _set(clock, 0)
            home.start_bot()
        told = home.command("export", "ONB-1", "--out", str(tmp_path / "dossier"))
        assert told.returncode == 0, told.stderr


@contextmanager
def _played(home: House) -> Iterator[People]:
    """Play an activation; the trouble comes in the middle, while people go on with what they do."""
    home.start_bot()
    people = People(home)
    people.start()
    yield people
    people.play(150)
    wrong = settled(lambda: wrongs(home, people, log=False), 40)
    assert not wrong, as_lines(wrong)


@contextmanager
def _little_disk(home: House, place: Path) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Put the bot's data on a disk of its own and give what fills it; where none can be had, files may not grow."""
    data = place / "data"
    data.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(data)]
    has_disk = subprocess.run(mount, capture_output=True, check=False).returncode == 0

    @contextmanager
    def full() -> Iterator[None]:
        filler = data / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    continue
            except OSError:
                pass
        yield
        filler.unlink()

    @contextmanager
    def no_growth() -> Iterator[None]:
        assert home.bot is not None
        before = resource.prlimit(home.bot.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(home.bot.pid, resource.RLIMIT_FSIZE, (0, before[1]))
        yield
        resource.prlimit(home.bot.pid, resource.RLIMIT_FSIZE, before)

    try:
        yield full if has_disk else no_growth
    finally:
        home.stop_bot()
        if has_disk:
            subprocess.run(["umount", "-l", str(data)], check=True)


def _set(clock: Path, seconds: float) -> None:
    aside = clock.with_suffix(".new")
    aside.write_text(str(seconds), "ascii")
    aside.replace(clock)
