"""A Jira server, and the real client against it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jira import JIRA, JIRAError

from bot.sandbox.jira import JiraPerson, JiraServer

MANAGER_TOKEN = "sandbox-manager-pat"


@pytest.fixture
def server() -> Iterator[JiraServer]:
    with JiraServer() as running:
        yield running


@pytest.fixture
def connect(server: JiraServer) -> Iterator[Callable[..., JIRA]]:
    """Make clients that are closed at the end."""
    clients: list[JIRA] = []

    def make(token: str = server.token, **options: Any) -> JIRA:
        client = JIRA(server=server.url, token_auth=token, max_retries=0, timeout=10, **options)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Callable[..., JIRA]) -> JIRA:
    """The bot's client."""
    return connect()


@pytest.fixture
def manager(connect: Callable[..., JIRA]) -> JIRA:
    return connect(MANAGER_TOKEN)


@pytest.fixture
def person(server: JiraServer) -> Iterator[JiraPerson]:
    with JiraPerson(server.url, server.database_token) as someone:
        yield someone


@pytest.fixture
def create(client: JIRA) -> Callable[..., str]:
    """Create issues by the bot's client; give their keys."""

    def make(project: str = "ACT", kind: str = "Task", summary: str = "Activation", **fields: Any) -> str:
        given = {"project": {"key": project}, "issuetype": {"name": kind}, "summary": summary, **fields}
        return str(client.create_issue(fields=given, prefetch=False).key)

    return make


@pytest.fixture
def refused() -> Callable[..., JIRAError]:
    """Call something that Jira must refuse; give the error."""

    def attempt(status: int, work: Callable[..., object], *arguments: Any, **named: Any) -> JIRAError:
        with pytest.raises(JIRAError) as caught:
            work(*arguments, **named)
        assert caught.value.status_code == status
        return caught.value

    return attempt
