"""The other ways through: My Console with a file handed over, a probe that sees Mytem, the doctor, demo and sandbox."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import requests
from e2e_house import MANUAL_STEPS, PARTNERS, house, sample, wait_until


def test_a_file_deposited_in_my_console_is_handed_to_the_bot_and_a_probe_sees_mytem(tmp_path: Path) -> None:
    probe = {"KIND": "sql", "URL": f"sqlite:///{tmp_path / 'mytem.db'}", "QUERY": "select 'Loaded' as status"}
    probe |= {"DONE": "Loaded", "POLL_SECONDS": "0.5"}
    with house(tmp_path, **{f"PROBES__MYTEM__{name}": value for name, value in probe.items()}) as home:
        home.start_bot()
        key = home.start(deposit="console", ofc="false")
        for step in MANUAL_STEPS:
            assert home.command("confirm", key, step).returncode == 0
        wait_until("the deposit", lambda: home.states(key)["deposit"] == "waiting")
        assert home.states(key)["directory"] == "not_applicable"
        assert home.command("attach", key, str(sample(home))).returncode == 0
        assert home.command("attach", key, str(sample(home))).returncode == 1
        wait_until("the Output", lambda: home.states(key)["output"] == "done")
        wait_until("Mytem", lambda: home.states(key)["mytem"] == "done")
        home.manager.pick("console_follow_up", "choices", "in_process")
        assert home.states(key)["console_follow_up"] == "waiting"
        home.manager.pick("console_follow_up", "choices", "loaded")
        wait_until("the follow-up", lambda: home.states(key)["console_follow_up"] == "done")
        home.manager.click("references", "assign")
        home.manager.tick_all("sign_off")
        wait_until("the end", lambda: home.status(key)["state"] == "done")


def test_the_doctor_finds_everything_well_and_names_what_is_not(tmp_path: Path) -> None:
    with house(tmp_path, JIRA__FIELDS='{"client_root": "customfield_1"}') as home:
        told = home.command("doctor")
        assert told.returncode == 1
        assert "FAIL jira DB fields Jira has no field “customfield_1”" in " ".join(told.stdout.split())
        home.environment["ONBOARDING_JIRA__FIELDS"] = '{"client_root": "customfield_10101"}'
        told = home.command("doctor")
        assert told.returncode == 0, told.stdout
        for part in ("database", "slack", "jira", "sftp", "mail"):
            assert f"ok   {part}" in told.stdout
        home.files_server_away()
        told = home.command("doctor")
        assert told.returncode == 1
        assert "FAIL sftp" in told.stdout


def test_the_demo_ends_well_stays_up_and_tells_its_addresses(tmp_path: Path) -> None:
    with _started("demo", tmp_path, "--fast", "--keep") as process:
        found = _addresses(tmp_path, 90)
        wait_until("the summary", lambda: "dossier" in (tmp_path / "shown").read_text(), 60)
        assert set(found) == {"slack", "jira", "sftp", "smtp", "mail_url", "web_url"}
        assert set(found["sftp"]["partners"]) == set(PARTNERS)
        bearer = {"Authorization": f"Bearer {found['slack']['bot_token']}"}
        history = requests.get(
            f"{found['slack']['api_url']}conversations.history",
            params={"channel": found["slack"]["channel"]},
            headers=bearer,
            timeout=20,
        ).json()
        assert len([message for message in history["messages"] if "ONB-1" in message["text"]]) == 1
        issues = requests.get(
            f"{found['jira']['url']}/rest/api/2/search",
            params={"jql": f"project in ({found['jira']['project']}, {found['jira']['database_project']})"},
            headers={"Authorization": f"Bearer {found['jira']['token']}"},
            timeout=20,
        ).json()
        assert issues["total"] == 2
        assert requests.get(f"{found['mail_url']}/messages", timeout=20).json()
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
    dossier = (tmp_path / "var" / "demo" / "dossier" / "dossier.html").read_text("utf-8")
    assert dossier.count('<svg class="timeline"') == 1


def test_the_sandbox_stays_up_for_a_person_until_it_is_interrupted(tmp_path: Path) -> None:
    with _started("sandbox", tmp_path) as process:
        found = _addresses(tmp_path, 60)
        page = requests.get(found["slack"]["api_url"].removesuffix("/api/"), timeout=20)
        assert page.ok
        assert "onboarding" in page.text
        assert requests.get(f"{found['web_url']}/readyz", timeout=20).ok
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0


class _started:  # noqa: N801 - reads as a word in the with statement
    """Runs a command of the command line in a folder of its own; what it shows goes to the file ``shown``."""

    def __init__(self, command: str, place: Path, *words: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ONBOARDING_")}
        with (place / "shown").open("w") as shown:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot", command, *words], cwd=place, env=environment, stdout=shown, stderr=shown
            )

    def __enter__(self) -> "subprocess.Popen[bytes]":
        return self._process

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(40)


def _addresses(place: Path, seconds: float) -> dict[str, dict[str, str]]:
    file = place / "var" / "sandbox.json"
    wait_until("sandbox.json", file.exists, seconds)
    return dict(json.loads(file.read_text("utf-8")))
