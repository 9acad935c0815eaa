"""What operators see: logs with the onboarding on every line and no secret in any, health, figures."""

import json
from pathlib import Path

import pytest
import requests
from e2e_house import START, House, house, play_until_deposit, wait_until

from bot.sandbox.faults import Fault


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_failing_call_puts_a_secret_into_the_logs(tmp_path: Path, form: str) -> None:
    key_in_links = 'a key that signs links, long enough, with "quotes" and an é'
    with house(tmp_path, LOG=form, RETRY__FIRST_SECONDS="0.1", RETRY__TRIES="2", WEB__SECRET_KEY=key_in_links) as home:
        home.slack.faults.add(
            Fault("chat.postMessage", "server_error"),
            Fault("chat.postMessage", "drop_after"),
            Fault("chat.update", "rate_limited"),
            Fault("chat.getPermalink", "drop_before"),
        )
        home.jira.faults.add(
            Fault("POST /rest/api/2/issue", "server_error", status=401),
            Fault("POST /rest/api/2/issue", "drop_after"),
            Fault("GET /rest/api/2/*", "server_error", times=2),
        )
        home.start_bot()
        home.files_server_away()
        key = home.start()
        wait_until("the failure", lambda: home.states(key)["directory"] == "failed")
        requests.get(f"{home.web_url}/form/not-a-token", timeout=5)
        requests.post(f"{home.web_url}/form/not-a-token", data={"csrf_token": "x"}, timeout=5)
        home.files_server_back()
        home.manager.click("directory", "retry")
        play_until_deposit(home)
        links = [
            link for mail in requests.get(f"{home.mailbox.url}/messages", timeout=5).json() for link in mail["links"]
        ]
        home.kill_bot()
        written = home.log()
        assert home.command("doctor").returncode in {0, 1}
        written += home.command("doctor").stdout
    assert "surface_away" in written
    secrets = {
        value
        for name, value in home.environment.items()
        if name.startswith("ONBOARDING_") and name.endswith(("_TOKEN", "_PASSWORD", "_SECRET", "SECRET_KEY"))
    }
    assert len(secrets) >= 6
    for secret in secrets - {"secret"}:
        assert secret not in written
        assert json.dumps(secret)[1:-1] not in written
    # Whoever has a link may answer.
    assert links
    assert not [link for link in links if link.rpartition("/")[2] in written]


def test_every_line_about_an_onboarding_names_it(tmp_path: Path) -> None:
    with house(tmp_path, LOG="json") as home:
        home.start_bot()
        key = home.start()
        home.manager.tick_all("portal")
        wait_until("the directory", lambda: home.states(key)["directory"] == "done")
        home.stop_bot()
        lines = [json.loads(line) for line in home.log().splitlines()]
    jobs = [line for line in lines if line["event"] == "job_run"]
    [directory] = [line for line in jobs if line.get("step") == "directory"]
    assert directory["onboarding"] == key
    assert directory["job"].startswith(f"onb:{key}:")
    assert directory["outcome"] == "done"
    ticks = [line for line in lines if line["event"] == "action_taken"]
    assert {(line["onboarding"], line["step"], line["actor"]) for line in ticks} == {(key, "portal", "slack:U0MANAGER")}
    [started] = [line for line in lines if line["event"] == "started"]
    assert (started["onboarding"], started["pack"]) == (key, START["operator"])
    assert all({"level", "timestamp", "event"} <= line.keys() for line in lines)


def test_health_and_figures_of_a_serving_bot(tmp_path: Path) -> None:
    with house(tmp_path, UPKEEP__STUCK_MINUTES="60") as home:
        home.start_bot()
        key = home.start()
        home.manager.tick_all("portal")
        wait_until("the directory", lambda: home.states(key)["directory"] == "done")
        assert requests.get(f"{home.web_url}/healthz", timeout=5).json() == {"status": "ok"}
        ready = requests.get(f"{home.web_url}/readyz", timeout=5)
        assert ready.status_code == 200
        parts = ready.json()["parts"]
        assert {"database", "worker", "slack", "slack api", "jira", "sftp", "stuck"} == parts.keys()
        assert all(parts.values())
        wait_until("the figures", lambda: 'onboarding_bot_steps{state="done"} 2.0' in figures(home), 30)
        text = figures(home)
        assert 'onboarding_bot_onboardings{state="open"} 1.0' in text
        assert 'onboarding_bot_jobs_total{kind="step",outcome="done"} 1.0' in text
        assert 'onboarding_bot_effects_total{kind="jira start",outcome="done"} 1.0' in text
        assert 'onboarding_bot_effects_total{kind="mkdir",outcome="done"}' in text
        assert "onboarding_bot_slack_ack_seconds_bucket" in text
        assert _value(text, "onboarding_bot_slack_ack_seconds_count") >= 3
        assert "onboarding_bot_stuck_jobs 0.0" in text
        assert key not in text


def test_a_server_that_is_away_is_shown_and_keeps_no_click_away(tmp_path: Path) -> None:
    with house(tmp_path, RETRY__FIRST_SECONDS="0.2") as home:
        home.start_bot()
        home.files_server_away()
        key = home.start()
        wait_until("the wait", lambda: home.states(key)["directory"] == "waiting")
        ready = requests.get(f"{home.web_url}/readyz", timeout=5)
        assert ready.status_code == 200
        assert ready.json()["parts"]["sftp"] is False
        assert "since" in ready.json()["seen"]["sftp"]
        assert 'onboarding_bot_retries_total{kind="step"}' in figures(home)


def figures(home: House) -> str:
    return requests.get(f"{home.web_url}/metrics", timeout=10).text


def _value(text: str, name: str) -> float:
    [line] = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])
