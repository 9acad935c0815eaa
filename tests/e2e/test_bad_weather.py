"""A second start, double clicks, servers that are away, a bot that is killed: nothing twice, nothing lost."""

from pathlib import Path

import pytest
from e2e_house import (
    MANUAL_STEPS,
    START,
    House,
    house,
    incoming,
    play_to_the_end,
    play_until_deposit,
    sample,
    wait_until,
)

from bot.sandbox.faults import Fault


def test_a_second_start_is_refused_with_a_link(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.start_bot()
        key = home.start()
        errors = home.manager.start(START)
        assert key in errors["client"]
        assert "http" in errors["client"]
        assert len([message for message in home.manager.messages() if message.get("metadata")]) == 1


def test_a_repeated_mail_link_changes_nothing_and_says_so(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.start_bot()
        key = home.start()
        play_until_deposit(home)
        home.partner.drop(sample(home), incoming(home))
        play_to_the_end(home)
        wait_until("the end", lambda: home.status(key)["state"] == "done")
        events = home.command("export", key, "--out", str(tmp_path / "before"))
        assert events.returncode == 0
        with pytest.raises(Exception, match=r"410|no form"):
            home.partner.answer(home.partner.wait_for_link("confirm"), "no", "changed my mind")
        home.command("export", key, "--out", str(tmp_path / "after"))
        assert (tmp_path / "before" / "trail.json").read_text() == (tmp_path / "after" / "trail.json").read_text()


def test_an_unreachable_file_server_fails_the_step_in_words_and_can_be_retried_alone(tmp_path: Path) -> None:
    with house(tmp_path, RETRY__TRIES="3", RETRY__FIRST_SECONDS="0.3") as home:
        home.files_server_away()
        home.start_bot()
        key = home.start()
        wait_until("the failure", lambda: home.states(key)["directory"] == "failed")
        [step] = [step for step in home.status(key)["steps"] if step["id"] == "directory"]
        assert step["code"] == "UNREACHABLE"
        home.files_server_back()
        home.manager.click("directory", "retry")
        wait_until("the directory", lambda: home.states(key)["directory"] == "done")


def test_lost_answers_of_slack_and_jira_double_nothing(tmp_path: Path) -> None:
    with house(tmp_path, RETRY__FIRST_SECONDS="0.2") as home:
        home.slack.faults.add(
            Fault("chat.postMessage", "drop_after", times=2),
            Fault("chat.update", "rate_limited"),
            Fault("chat.postMessage", "server_error"),
        )
        home.jira.faults.add(
            Fault("POST /rest/api/2/issue", "drop_after", times=2),
            Fault("POST /rest/api/2/issue/{key}/comment", "drop_after", times=3),
            Fault("GET /rest/api/2/issue/{key}", "server_error", times=2),
        )
        home.start_bot()
        key = home.start()
        play_until_deposit(home)
        wait_until("the ticket", lambda: home.states(key)["ticket"] == "done")
        wait_until("the comments", lambda: len(_comments(home)) >= len(MANUAL_STEPS) + 3)
        check_nothing_is_doubled(home)


def test_a_killed_bot_goes_on_where_it_was(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.start_bot()
        key = home.start()
        home.manager.tick_all("portal")
        home.kill_bot()
        home.start_bot()
        play_until_deposit(home, steps=MANUAL_STEPS[1:])
        home.partner.drop(sample(home), incoming(home))
        wait_until("the pickup", lambda: home.states(key)["pickup"] in {"running", "done"})
        home.kill_bot()
        home.start_bot()
        play_to_the_end(home)
        wait_until("the end", lambda: home.status(key)["state"] == "done")
        check_nothing_is_doubled(home)


def test_without_a_credential_the_partners_own_test_file_proves_its_access(tmp_path: Path) -> None:
    account = "TRANSFER__PARTNERS__PARTNER_ONE"
    with house(tmp_path, **{f"{account}__USERNAME": None, f"{account}__PASSWORD": None}) as home:
        home.start_bot()
        key = home.start()
        wait_until("the wait", lambda: home.states(key)["directory"] == "waiting")
        home.partner.drop(sample(home, "connection-test.txt", b"hello\n"), incoming(home))
        wait_until("the proof", lambda: home.states(key)["directory"] == "done")


def test_a_second_bot_on_the_same_data_refuses_to_start_and_names_the_first(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.start_bot()
        second = home.command("serve")
        assert second.returncode == 2
        assert home.bot is not None
        assert str(home.bot.pid) in second.stderr


def check_nothing_is_doubled(home: House) -> None:
    assert len(home.team.find("project = ACT")) == 1
    assert len(home.team.find("project = DB")) == 1
    markers = [comment.rsplit("----", 1)[1] for comment in _comments(home)]
    assert len(markers) == len(set(markers))
    assert len([message for message in home.manager.messages() if message.get("metadata")]) == 1
    posts = [post["metadata"]["event_payload"]["marker"] for post in home.manager.thread()]
    assert len(posts) == len(set(posts))


def _comments(home: House) -> list[str]:
    [parent] = home.team.find("project = ACT")
    return [comment["body"] for comment in home.team.issue(parent)["fields"]["comment"]["comments"]]
