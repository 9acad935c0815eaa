"""A backup taken while the bot serves, put back after things went on: nothing is doubled outside, and all converges."""

import json
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import requests
from e2e_house import MANUAL_STEPS, House, house, incoming, play_until_deposit, sample, wait_until
from test_bad_weather import check_nothing_is_doubled

from bot.onboarding.models import MET
from bot.sandbox.slack import SlackPerson
from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack


def test_an_older_backup_is_put_back_and_nothing_is_doubled(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.start_bot()
        key = home.start()
        home.manager.tick_all("portal")
        wait_until("the directory", lambda: home.states(key)["directory"] == "done")
        reader = SlackPerson(home.slack.url, "U0MANAGER")
        reader.open_home()
        wait_until("the Home", lambda: _progress(home, key) in str(reader.home()))
        made = home.command("backup", str(tmp_path / "backups" / "monday.db"))
        assert made.returncode == 0, made.stderr

        # What the backup does not know: steps, their reports, the form, the ticket, mails.
        play_until_deposit(home, steps=MANUAL_STEPS[1:])
        wait_until("the ticket", lambda: home.states(key)["ticket"] == "done")
        wait_until("the Home later on", lambda: _progress(home, key) in str(reader.home()))
        newer = _progress(home, key)
        home.kill_bot()

        put_back = home.command("restore", str(tmp_path / "backups" / "monday.db"))
        assert put_back.returncode == 0, put_back.stderr
        assert put_back.stdout.startswith("1 open onboarding(s)")
        [old] = (tmp_path / "data").glob("onboarding.db.before-*[!mls]")
        assert str(old) in put_back.stdout
        assert home.states(key)["ticket"] == "pending"

        home.start_bot()
        # Nothing has happened yet, and nobody has opened it again.
        wait_until("the Home as it was", lambda: _progress(home, key) in str(reader.home()))
        assert newer not in str(reader.home())
        mails = len(_mails(home))
        _play_again(home, key)
        _decide_on_mail(home, key, "deposit")
        assert len(_mails(home)) == mails + 1
        home.partner.drop(sample(home), incoming(home))
        home.manager.click("references", "assign")
        home.manager.tick_all("mytem")
        _decide_on_mail(home, key, "ofc_received")
        home.partner.answer(home.partner.wait_for_link("confirm"), "yes", "Received.")
        home.manager.tick_all("sign_off")
        wait_until("the end", lambda: home.status(key)["state"] == "done")
        check_nothing_is_doubled(home)
        _check_each_outcome_is_told_once(home, key)


def test_a_backup_overwrites_nothing_and_a_restore_refuses_what_is_none(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        key = home.restart_from_shell()
        kept, torn, other = tmp_path / "kept.db", tmp_path / "torn.db", tmp_path / "other.db"
        assert home.command("backup", str(kept)).returncode == 0
        assert os.stat(kept).st_mode & 0o077 == 0
        again = home.command("backup", str(kept))
        assert (again.returncode, "overwrites nothing" in again.stderr) == (2, True)
        torn.write_bytes(kept.read_bytes()[:20_000])
        with closing(sqlite3.connect(other)) as database:
            database.execute("CREATE TABLE cat (name TEXT)")
        newer = tmp_path / "newer.db"
        newer.write_bytes(kept.read_bytes())
        with closing(sqlite3.connect(newer)) as database, database:
            database.execute("UPDATE alembic_version SET version_num = '0999'")
        before = (tmp_path / "data" / "onboarding.db").read_bytes()
        for file, said in (
            (torn, "damaged"),
            (other, "not of onboarding-bot"),
            (tmp_path / "nowhere.db", "is not there"),
            (newer, "newer version"),
        ):
            refused = home.command("restore", str(file))
            assert refused.returncode == 2, refused.stderr
            assert said in refused.stderr
            assert "Traceback" not in refused.stderr
            assert (tmp_path / "data" / "onboarding.db").read_bytes() == before
        assert home.states(key)["portal"] == "waiting"
        assert not list((tmp_path / "data").glob(".onboarding*"))


def test_nothing_is_put_back_under_a_bot_that_serves(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.start_bot()
        assert home.bot is not None
        assert home.command("backup", str(tmp_path / "kept.db")).returncode == 0
        refused = home.command("restore", str(tmp_path / "kept.db"))
        assert refused.returncode == 2
        assert f"process {home.bot.pid} on" in refused.stderr


def test_a_damaged_database_is_replaced_by_its_backup(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        key = home.restart_from_shell()
        assert home.command("backup", str(tmp_path / "kept.db")).returncode == 0
        (tmp_path / "data" / "onboarding.db").write_bytes(b"\xa5" * 100_000)
        assert home.command("serve").returncode == 2
        assert home.command("restore", str(tmp_path / "kept.db")).returncode == 0
        home.start_bot()
        assert home.states(key)["portal"] == "waiting"
        # How many were begun since the backup nobody can tell any more.
        assert home.command("cancel", key, "--reason", "test").returncode == 0
        assert int(home.restart_from_shell().removeprefix("ONB-")) > 1_000


def _play_again(home: House, key: str) -> None:
    """The people do once more what nobody remembers; what is outside already is found there."""
    for step in MANUAL_STEPS[1:]:
        home.manager.tick_all(step)
    pack = load_pack(builtin_packs() / "telefonica_es", parameter_models())
    home.partner.fill_form(home.partner.wait_for_link("form"), pack.forms["form.yaml"], datetime.now(UTC).date())
    wait_until("the ticket", lambda: home.states(key)["ticket"] == "done")


def _decide_on_mail(home: House, key: str, step: str) -> None:
    """A mail may have gone before the restore: nothing is sent until a person says so."""
    wait_until("the question", lambda: home.states(key)[step] == "failed")
    [failed] = [each for each in home.status(key)["steps"] if each["id"] == step]
    assert failed["code"] == "MAIL_UNKNOWN"
    mails = len(_mails(home))
    home.manager.click(step, "retry")
    wait_until("the mail", lambda: len(_mails(home)) == mails + 1)


def _progress(home: House, key: str) -> str:
    """What a Home must show of an onboarding by what the database holds."""
    states = [state for state in home.states(key).values() if state != "not_applicable"]
    return f" {sum(state in MET for state in states)}/{len(states)} "


def _mails(home: House) -> list[object]:
    return list(requests.get(f"{home.mailbox.url}/messages", timeout=10).json())


def _check_each_outcome_is_told_once(home: House, key: str) -> None:
    home.command("export", key, "--out", str(home.place / "dossier"))
    trail = json.loads((home.place / "dossier" / "trail.json").read_text("utf-8"))
    lines = trail["trail"]
    done = [line["step"] for line in lines if line["kind"] == "step_done"]
    assert len(done) == len(set(done))
    told = [post["metadata"]["event_payload"]["marker"].rsplit(":", 1)[1] for post in home.manager.thread()]
    assert len(told) == len(set(told))
