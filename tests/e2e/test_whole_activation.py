"""A whole activation over sockets, with what each server saw of it."""

import hashlib
import stat
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from e2e_house import (
    MANUAL_STEPS,
    PARTNERS,
    ROOT,
    SAMPLE,
    House,
    house,
    incoming,
    play_to_the_end,
    play_until_deposit,
    proftpd_files,
    sample,
    wait_until,
)

from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack

DATA = Path(__file__).parents[1] / "data" / "telefonica_es"


@pytest.mark.parametrize(("mode", "real_sshd"), [("socket", False), ("http", True)])
def test_a_whole_activation_happens_once_everywhere(tmp_path: Path, mode: str, real_sshd: bool) -> None:
    with house(tmp_path, mode=mode, real_sshd=real_sshd) as home:
        home.start_bot()
        key = home.start()
        play_until_deposit(home)
        home.partner.drop(sample(home), incoming(home))
        play_to_the_end(home)
        wait_until("the end", lambda: home.status(key)["state"] == "done")
        wait_until("the transition", lambda: _parent(home)["fields"]["status"]["statusCategory"]["key"] == "done")
        assert set(home.states(key).values()) == {"done", "not_applicable"}
        _check_jira(home)
        _check_slack(home)
        _check_files(home)
        home.stop_bot()
        secrets = ("correct-horse", "secret of PARTNER", home.slack.bot_token, home.jira.token)
        assert not [secret for secret in secrets if secret in home.log()]


def test_a_whole_activation_over_ftps(tmp_path: Path) -> None:
    with house(tmp_path, files_of=partial(proftpd_files, protocol="ftps")) as home:
        home.start_bot()
        key = home.start()
        play_until_deposit(home)
        home.partner.drop(sample(home), incoming(home))
        play_to_the_end(home)
        wait_until("the end", lambda: home.status(key)["state"] == "done")
        assert set(home.states(key).values()) == {"done", "not_applicable"}
        _check_files(home)
        modes = {
            below: _mode(home.files.disk / PARTNERS[0] / "test/TELEFONICA_ES" / ROOT / below) for below in ("in", "out")
        }
        assert modes == {"in": 0o2770, "out": 0o2750}
        home.stop_bot()
        assert "correct-horse" not in home.log()


def test_where_ftp_cannot_set_modes_the_directory_step_says_so_and_goes_on(tmp_path: Path) -> None:
    forbidden = ("<Limit SITE_CHMOD>", "DenyAll", "</Limit>")
    # Without a test credential, so that the partner proves its access with a file.
    no_account = {"TRANSFER__PARTNERS__PARTNER_ONE__USERNAME": None, "TRANSFER__PARTNERS__PARTNER_ONE__PASSWORD": None}
    with house(tmp_path, files_of=partial(proftpd_files, protocol="ftp", lines=forbidden), **no_account) as home:
        home.start_bot()
        key = home.start()
        wait_until("the directory", lambda: home.states(key)["directory"] == "waiting")
        test = home.place / "connection-test.txt"
        test.write_text("it works\n")
        home.partner.drop(test, incoming(home))
        wait_until("the proof", lambda: home.states(key)["directory"] == "done")
        assert home.command("export", key, "--out", str(tmp_path / "dossier")).returncode == 0
    [trail] = (tmp_path / "dossier").rglob("trail.json")
    told = trail.read_text("utf-8")
    assert f"2750 /files/{PARTNERS[0]}/test/TELEFONICA_ES/{ROOT}/out" in told
    assert "the server has no SITE CHMOD" in told


def test_a_file_that_is_no_mdb_fails_the_pickup_in_words_and_the_next_good_one_passes(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.start_bot()
        key = home.start()
        play_until_deposit(home)
        home.partner.drop(sample(home, content=b"MZ\x90\x00" + bytes(5000)), incoming(home))
        wait_until("the refusal", lambda: home.states(key)["pickup"] == "failed")
        [pickup] = [step for step in home.status(key)["steps"] if step["id"] == "pickup"]
        assert pickup["code"] == "EXE_UPLOADED"
        kept = list((home.files.disk / ".onboarding" / "quarantine" / key).iterdir())
        assert [file.name.endswith(SAMPLE) for file in kept] == [True]
        home.partner.drop(sample(home), incoming(home))
        wait_until("the pickup", lambda: home.states(key)["pickup"] == "done")
        wait_until("the Output", lambda: home.states(key)["output"] == "done")


def test_a_file_that_was_integrated_before_is_answered_and_the_next_one_is_waited_for(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.start_bot()
        home.start()
        play_until_deposit(home)
        home.partner.drop(sample(home), incoming(home))
        play_to_the_end(home)
        wait_until("the end", lambda: home.status("ONB-1")["state"] == "done")
        # The same partner and client again, without OFC: the manual steps are set aside from the shell.
        key = home.restart_from_shell()
        for step in MANUAL_STEPS:
            assert home.command("skip", key, step, "--reason", "done before").returncode == 0
        wait_until("the request", lambda: home.states(key)["deposit"] == "waiting")
        home.partner.drop(sample(home), incoming(home))
        wait_until("the answer", lambda: home.states(key)["pickup"] == "waiting")
        following = (DATA / "202611_ACME-IBERICA_SOFIA.mdb").read_bytes()
        home.partner.drop(sample(home, "202611_ACME-IBERICA_SOFIA.mdb", following), incoming(home))
        wait_until("the next file", lambda: home.states(key)["output"] == "done")


def _parent(home: House) -> dict[str, Any]:
    [issue] = _search(home, "project = ACT")
    return issue


def _check_jira(home: House) -> None:
    parent = _parent(home)
    [ticket] = _search(home, "project = DB")
    assert ticket["fields"]["customfield_10101"] == ROOT
    assert "ofc-flux" in ticket["fields"]["labels"]
    assert [attachment["filename"] for attachment in ticket["fields"]["attachment"]] == ["ONB-1-ofc_flux.json"]
    assert ticket["fields"]["issuelinks"] != []
    comments = [comment["body"] for comment in parent["fields"]["comment"]["comments"]]
    # Whoever reads the issue must not answer in the partner's name.
    assert not [comment for comment in comments if "/form/" in comment or "/confirm/" in comment]
    firsts = [comment.splitlines()[0] for comment in comments]
    pack = load_pack(builtin_packs() / "telefonica_es", parameter_models())
    for step in ("pickup", "processing", "output", "references", "mytem", "ofc_sent", "ofc_received", "sign_off"):
        title = pack.checklist.step(step).title.en
        assert sum(first.startswith(f"h4. {title}: ") for first in firsts) == 1
    assert len(comments) == len({comment.rsplit("----", 1)[1] for comment in comments})
    assert "sha" in comments[-1].lower() or "hash" in comments[-1].lower()


def _check_slack(home: House) -> None:
    roots = [message for message in home.manager.messages() if message.get("metadata")]
    assert len(roots) == 1
    posts = [post["metadata"]["event_payload"]["marker"] for post in home.manager.thread()]
    assert len(posts) == len(set(posts))
    numbers = [int(marker.split(":")[1]) for marker in posts]
    assert numbers == sorted(numbers)
    # One action id in several blocks is what the design asks for; a box changed under its old block id is not.
    assert [warning for warning in home.slack.workspace.warnings if "several blocks" not in warning] == []


def _check_files(home: House) -> None:
    below = home.files.disk / PARTNERS[0] / "test" / "TELEFONICA_ES" / ROOT
    assert list((below / "in").iterdir()) == []
    [ofc] = [file for file in (below / "out").iterdir() if file.suffix == ".csv"]
    output = _outputs(home)[0]
    assert _sha(ofc) == _sha(output)
    collected = home.partner.collect(incoming(home).removesuffix("/in") + "/out")
    assert collected[ofc.name] == _sha(output)
    other = f"{home.files.root.rstrip('/')}/{PARTNERS[1]}"
    assert not home.partner.can_read(other)


def _outputs(home: House) -> list[Path]:
    return sorted((home.place / "data" / "roots").rglob(f"OUTPUT_{ROOT}*.csv"))


def _search(home: House, query: str) -> list[dict[str, Any]]:
    return [home.team.issue(key) for key in home.team.find(query)]


def _mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def _sha(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
