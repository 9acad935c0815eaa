"""Injected faults and rate limits, as the real client and its retry handlers see them."""

import time
from http.client import RemoteDisconnected
from typing import Any
from urllib.error import URLError

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler, ServerErrorRetryHandler

from bot.sandbox.faults import Fault
from bot.sandbox.slack import RateLimits, SlackServer

CHANNEL = "C0ONBOARD"


def texts(server: SlackServer) -> list[str]:
    return [message.current.text for message in server.workspace.messages]


def test_a_rate_limit_says_how_long_to_wait(slack: SlackServer, client: WebClient) -> None:
    slack.faults.add(Fault("chat.postMessage", "rate_limited", seconds=7))
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=CHANNEL, text="hi")
    response = caught.value.response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert response.headers["retry-after"] == "7"
    assert texts(slack) == []


def test_the_clients_retry_handler_gets_through_a_rate_limit(slack: SlackServer, client: WebClient) -> None:
    client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=1))
    slack.faults.add(Fault("chat.*", "rate_limited", seconds=1))
    began = time.monotonic()
    client.chat_postMessage(channel=CHANNEL, text="hi")
    assert time.monotonic() - began >= 1
    assert [call.status for call in slack.workspace.calls] == [429, 200]


def test_a_server_error_has_its_status(slack: SlackServer, client: WebClient) -> None:
    slack.faults.add(Fault("chat.postMessage", "server_error", status=502))
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=CHANNEL, text="hi")
    assert caught.value.response.status_code == 502
    assert texts(slack) == []


def test_the_clients_retry_handler_gets_through_a_server_error(slack: SlackServer, client: WebClient) -> None:
    client.retry_handlers.append(ServerErrorRetryHandler(max_retry_count=1))
    slack.faults.add(Fault("chat.postMessage", "server_error", status=503))
    client.chat_postMessage(channel=CHANNEL, text="hi")
    assert texts(slack) == ["hi"]


def test_a_connection_cut_before_leaves_nothing_behind(slack: SlackServer, client: WebClient) -> None:
    slack.faults.add(Fault("chat.postMessage", "drop_before"))
    with pytest.raises((RemoteDisconnected, ConnectionResetError, URLError)):
        client.chat_postMessage(channel=CHANNEL, text="hi")
    assert texts(slack) == []
    assert slack.workspace.calls[-1].status == 0


def test_a_lost_answer_leaves_the_message_behind(slack: SlackServer, client: WebClient) -> None:
    slack.faults.add(Fault("chat.postMessage", "drop_after"))
    with pytest.raises((RemoteDisconnected, ConnectionResetError, URLError)):
        client.chat_postMessage(channel=CHANNEL, text="hi")
    assert texts(slack) == ["hi"]
    assert client.chat_postMessage(channel=CHANNEL, text="next")["ok"]


def test_a_delay_outlasts_a_clients_patience_and_the_work_is_done(slack: SlackServer) -> None:
    hasty = WebClient(token=slack.bot_token, base_url=slack.api_url, timeout=1, retry_handlers=[])
    slack.faults.add(Fault("chat.postMessage", "delay", seconds=1.3))
    with pytest.raises(TimeoutError):
        hasty.chat_postMessage(channel=CHANNEL, text="hi")
    until = time.monotonic() + 3
    while texts(slack) != ["hi"] and time.monotonic() < until:
        time.sleep(0.01)
    assert texts(slack) == ["hi"]


def test_faults_are_taken_over_http(slack: SlackServer, client: WebClient) -> None:
    wanted: list[dict[str, Any]] = [{"operation": "auth.test", "kind": "server_error", "times": 2, "status": 500}]
    requests.post(f"{slack.url}/_sandbox/faults", json=wanted, timeout=5).raise_for_status()
    for _ in range(2):
        with pytest.raises(SlackApiError):
            client.auth_test()
    assert client.auth_test()["ok"]


def test_posting_in_bursts_is_limited_per_channel() -> None:
    with SlackServer(rate_limits=RateLimits(post_burst=3)) as server:
        web = WebClient(token=server.bot_token, base_url=server.api_url, retry_handlers=[])
        for number in range(3):
            web.chat_postMessage(channel=CHANNEL, text=str(number))
        with pytest.raises(SlackApiError) as caught:
            web.chat_postMessage(channel=CHANNEL, text="one too many")
        assert caught.value.response.headers["retry-after"] == "1"
        with pytest.raises(SlackApiError):
            web.chat_postMessage(channel="#onboarding", text="the same under another name")
        assert web.chat_postMessage(channel="U0MANAGER", text="elsewhere")["ok"]


def test_a_methods_tier_holds_a_minutes_worth_of_calls() -> None:
    now = [0.0]
    limits = RateLimits()
    assert [limits.wait("chat.update", "C1", lambda: now[0]) for _ in range(51)] == [0] * 50 + [2]
    now[0] = 1.3
    assert limits.wait("chat.update", "C2", lambda: now[0]) == 0
    assert limits.wait("auth.test", "", lambda: now[0]) == 0
