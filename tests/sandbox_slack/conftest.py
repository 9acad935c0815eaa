"""A running sandbox Slack, the real client for it, people, and an app that does what a test tells it."""

from collections.abc import Iterator
from threading import Thread

import pytest
from slack_app import MovableClock, SocketApp
from slack_sdk import WebClient

from bot.sandbox.slack import RateLimits, SlackPerson, SlackServer, Workspace


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def slack(clock: MovableClock) -> Iterator[SlackServer]:
    with SlackServer(workspace=Workspace(clock=clock), retry_seconds=(0.0, 0.01, 0.02)) as server:
        yield server


@pytest.fixture
def client(slack: SlackServer) -> WebClient:
    return WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])


@pytest.fixture(scope="module")
def shared_slack() -> Iterator[SlackServer]:
    with SlackServer(rate_limits=RateLimits(enforced=False)) as server:
        yield server


@pytest.fixture(scope="module")
def shared_client(shared_slack: SlackServer) -> WebClient:
    return WebClient(token=shared_slack.bot_token, base_url=shared_slack.api_url, retry_handlers=[])


@pytest.fixture
def manager(slack: SlackServer) -> SlackPerson:
    return SlackPerson(slack.url, "U0MANAGER")


@pytest.fixture
def database(slack: SlackServer) -> SlackPerson:
    return SlackPerson(slack.url, "U0DATABASE")


@pytest.fixture(scope="session")
def endings() -> Iterator[list[Thread]]:
    threads: list[Thread] = []
    yield threads
    for thread in threads:
        thread.join(10)


@pytest.fixture
def app(slack: SlackServer, endings: list[Thread]) -> Iterator[SocketApp]:
    running = SocketApp(slack)
    yield running
    endings.append(running.close())
