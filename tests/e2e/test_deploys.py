"""A deploy in the middle of an activation: the run keeps the pack it began with, whatever becomes of the pack."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from e2e_house import House, house, wait_until

from bot.sandbox.players import wait_for

CHECKLIST = """
pack: nordtel_de
version: {version}
operator: {{name: NORDTEL, country: DE}}
time_zone: Europe/Berlin
calendar: [DE]
title: {{fr: Activation NORDTEL, en: NORDTEL activation, es: Activación NORDTEL}}
steps:
  - id: contract
    kind: confirm
    title: {{fr: Contrat, en: {title}, es: Contrato}}
    ticks: [{{id: signed, label: {{fr: Signé, en: Signed, es: Firmado}}}}]
  - id: {last}
    kind: confirm
    needs: [contract]
    title: {{fr: Clôture, en: Sign-off, es: Cierre}}
    ticks: [{{id: closed, label: {{fr: Clos, en: Closed, es: Cerrado}}}}]
"""
START = ["start", "--operator", "nordtel_de", "--partner", "PARTNER-ONE", "--partner-email", "ops@partner.example"]


def test_a_run_keeps_the_pack_it_began_with_though_the_folder_has_changed(tmp_path: Path) -> None:
    write(tmp_path, version=1, title="Contract", last="sign_off")
    with house(tmp_path, PACKS_DIR=str(tmp_path / "packs")) as home:
        home.start_bot()
        old = start(home, "ACME")
        home.stop_bot()
        write(tmp_path, version=2, title="Agreement", last="closing")
        home.start_bot()
        new = start(home, "Beta")
        assert list(home.states(old)) == ["contract", "sign_off"]
        assert list(home.states(new)) == ["contract", "closing"]
        for key, last in ((old, "sign_off"), (new, "closing")):
            for step in ("contract", last):
                confirmed = home.command("confirm", key, step)
                assert confirmed.returncode == 0, confirmed.stderr
            wait_until("the end", lambda key=key: home.status(key)["state"] == "done")
        parents = [message["text"] + str(message["blocks"]) for message in home.manager.messages()]
        assert sum("Agreement" in parent for parent in parents) == 1


def test_open_onboardings_go_on_without_the_pack_folder_and_nothing_new_starts(tmp_path: Path) -> None:
    write(tmp_path, version=1, title="Contract", last="sign_off")
    with house(tmp_path, PACKS_DIR=str(tmp_path / "packs")) as home:
        home.start_bot()
        key = start(home, "ACME")
        home.stop_bot()
        shutil.rmtree(tmp_path / "packs")
        home.start_bot()
        assert "packs_dir_gone" in home.log()
        refused = home.command(*START, "--client", "Beta", "--root", "BETA", "--tax-id", "DE123456788")
        assert refused.returncode == 1
        assert "nordtel_de" in refused.stderr
        for step in ("contract", "sign_off"):
            assert home.command("confirm", key, step).returncode == 0
        assert home.status(key)["state"] == "done"


def test_an_onboarding_whose_kept_pack_vanished_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    write(tmp_path, version=1, title="Contract", last="sign_off")
    with house(tmp_path, PACKS_DIR=str(tmp_path / "packs")) as home:
        home.start_bot()
        gone = start(home, "ACME")
        home.stop_bot()
        [kept] = (tmp_path / "data" / "packs").glob("nordtel_de-*")
        kept.rename(tmp_path / "elsewhere")
        # The database has a copy as well, and would heal the folder from it.
        with closing(sqlite3.connect(tmp_path / "data" / "onboarding.db")) as database, database:
            assert database.execute("DELETE FROM kept_pack").rowcount == 1
        write(tmp_path, version=2, title="Agreement", last="closing")
        home.start_bot()
        wait_for("the line", lambda: "pack_copy_gone" in home.log() or None)
        assert gone in home.log()
        other = start(home, "Beta")
        assert home.command("confirm", other, "contract").returncode == 0
        listed = home.command("list", "--json")
        assert (listed.returncode, gone in listed.stdout, other in listed.stdout) == (0, False, True)
        assert gone in listed.stderr
        refused = home.command("confirm", gone, "contract")
        assert refused.returncode == 2
        assert "Restore it from the backup" in refused.stderr
        (tmp_path / "elsewhere").rename(kept)
        assert home.command("confirm", gone, "contract").returncode == 0


def write(place: Path, **values: object) -> None:
    folder = place / "packs" / "nordtel_de"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "checklist.yaml").write_text(CHECKLIST.format(**values), "utf-8")


def start(home: House, client: str) -> str:
    words = [*START, "--client", client, "--root", client.upper(), "--tax-id", "DE123456788"]
    started = home.command(*words)
    assert started.returncode == 0, started.stderr
    return started.stdout.strip()
