"""The way in: a Slack that is down at the start, forged requests, a click while Slack itself does not answer."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
import requests
from slack_house import SlackHouse, eventually, slack_house

from bot.sandbox.faults import Fault


def test_a_slack_that_is_down_at_the_start_is_tried_again(tmp_path: Path) -> None:
    with slack_house(tmp_path, "http") as house:
        house.slack.request_url = None
        house.slack.faults.add(Fault("apps.connections.open", "server_error", times=2))
        assert not house.front.is_connected
        house.front.start()
        try:
            eventually(lambda: house.front.is_connected and house.slack.sockets == 1)
            assert "/onboard start" in house.ana.command("help").text
        finally:
            house.front.stop()
        assert not house.front.is_connected


def test_a_socket_that_begins_to_listen_while_it_is_closed_is_closed_all_the_same(tmp_path: Path) -> None:
    with slack_house(tmp_path, "socket") as house:
        client = house.front._socket.client
        close = client.close

        def overtaken() -> None:
            # What the library's listening thread does when it has looked at the socket just before.
            client.current_session_state.terminated = False
            eventually(lambda: client.current_session_state.terminated)
            close()

        client.close = overtaken
        house.front.stop()
        assert not house.front.is_connected
        eventually(lambda: house.slack.sockets == 0)


@pytest.mark.parametrize("mode", ["socket", "http"])
def test_a_click_counts_even_while_slack_answers_nothing(tmp_path: Path, mode: str) -> None:
    with slack_house(tmp_path, mode) as house:  # type: ignore[arg-type]
        key = house.begin()
        house.settle()
        run = house.run(key)
        # The very first click: nothing that the library may ask Slack has been asked before.
        house.slack.faults.add(Fault("auth.test", "drop_before", times=9), Fault("chat.*", "drop_before", times=9))
        house.ana.tick(run.ts, house.block(run, "portal", "ticks"), "logged_in")
        assert house.ticked(run, "portal")["logged_in"] == "ana"
        assert house.failures() == []


def test_a_forged_request_is_refused(tmp_path: Path) -> None:
    with slack_house(tmp_path, "http") as house:
        now = str(int(time.time()))
        headers = {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": "v0=" + "0" * 64}
        body = {"command": "/onboard", "text": "list", "user_id": "U0ANA", "trigger_id": "1.2.3"}
        assert house.slack.request_url is not None
        answer = requests.post(house.slack.request_url, data=body, headers=headers, timeout=5)
        assert answer.status_code == 401


def test_a_slow_click_keeps_no_other_page_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with slack_house(tmp_path, "http") as house, ThreadPoolExecutor(1) as somebody:
        entered, released = Event(), Event()
        real = house.onboardings.all

        def slow(*, limit: int = 500) -> object:
            entered.set()
            released.wait(2.5)
            return real(limit=limit)

        monkeypatch.setattr(house.onboardings, "all", slow)
        asked = somebody.submit(house.guest.command, "list")
        assert entered.wait(5)
        assert house.slack.request_url is not None
        other = requests.get(house.slack.request_url.removesuffix("/slack/events"), timeout=1)
        assert other.status_code == 404
        assert not asked.done()
        released.set()
        assert "/onboard start" in asked.result().text


def test_something_unexpected_is_told_with_a_reference(
    house: SlackHouse, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = house.start()
    told = len(house.told(house.ana))

    def broken(*_: object, **__: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(house.onboardings, "confirm", broken)
    house.ana.click(run.ts, "confirm", f"{run.key}:portal")
    answer = eventually(lambda: house.told(house.ana)[told:])[0]
    reference = answer.rpartition(" ")[2]
    assert len(reference) == 8
    assert reference in "".join(capfd.readouterr())
    assert house.failures() == []
