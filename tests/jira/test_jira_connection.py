"""Which Jira it is decides the account, the search and the words: Data Center or Cloud."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jira_house import settings_for

from bot.doctor import Finding, examine
from bot.jira.connection import JiraConnection, JiraRefused
from bot.jira.finding import is_cloud
from bot.jira.tickets import JiraTickets
from bot.onboarding.errors import StepFailed, Unavailable
from bot.sandbox.faults import Fault
from bot.sandbox.jira import JiraServer
from bot.settings import load_settings


@pytest.fixture(params=["Server", "Cloud"])
def server(request: pytest.FixtureRequest) -> Iterator[JiraServer]:
    with JiraServer(deployment_type=request.param) as running:
        yield running


def test_the_server_says_which_search_there_is(server: JiraServer) -> None:
    connection = JiraConnection(settings_for(server))
    with connection.client() as client:
        assert client.myself()["displayName"] == "Onboarding Bot"
        assert is_cloud(client) == (server.email is not None)
    JiraTickets(connection).find("ONB-1:ticket")
    searches = {call.operation for call in server.calls if "/search" in call.path}
    assert searches == {"GET /rest/api/2/search/jql" if server.email else "GET /rest/api/2/search"}
    assert {call.status for call in server.calls} <= {200, 404}


def test_the_grace_follows_the_account(server: JiraServer) -> None:
    assert settings_for(server).grace_seconds == (180 if server.email else 0)
    assert settings_for(server, index_grace_seconds=5).grace_seconds == 5


def test_an_account_of_the_other_kind_is_named_with_the_setting(server: JiraServer) -> None:
    wrong = settings_for(server, email=None if server.email else "bot@example.com")
    with pytest.raises(JiraRefused, match="JIRA__EMAIL is") as caught, JiraConnection(wrong).client():
        pass
    assert caught.value.is_wrong_account
    assert server.token not in str(caught.value)
    with pytest.raises(StepFailed) as failed:
        JiraTickets(JiraConnection(wrong)).find("ONB-1:ticket")
    for text in (failed.value.advice.fr, failed.value.advice.en, failed.value.advice.es):
        assert "JIRA__EMAIL" in text
        assert server.url in text


def test_a_wrong_token_is_not_taken_for_the_wrong_kind(server: JiraServer) -> None:
    with pytest.raises(JiraRefused) as caught, JiraConnection(settings_for(server, token="wrong")).client() as client:
        client.myself()
    assert caught.value.status == 401
    assert not caught.value.is_wrong_account


def test_a_server_that_does_not_say_what_it_is_leaves_the_refusal_as_it_was(server: JiraServer) -> None:
    wrong = settings_for(server, email=None if server.email else "bot@example.com")
    server.faults.add(Fault("GET /rest/api/2/serverInfo", "delay", seconds=0))
    server.faults.add(Fault("GET /rest/api/2/serverInfo", "drop_before"))
    with pytest.raises(JiraRefused) as caught, JiraConnection(wrong).client():
        pass
    assert not caught.value.is_wrong_account


def test_a_dead_jira_is_unavailable_and_used_once_it_is_back(server: JiraServer) -> None:
    connection = JiraConnection(settings_for(server))
    server.stop()
    with pytest.raises(Unavailable), connection.client():
        pass
    server.start()
    with connection.client() as client:
        assert client.project("ACT").name == "Activations"


def test_the_doctor_says_what_account_this_jira_takes(server: JiraServer, tmp_path: Path) -> None:
    [finding] = doctor(server, tmp_path, email=None if server.email else "bot@example.com")
    assert not finding.ok
    assert "JIRA__EMAIL is" in finding.seen.en
    assert "JIRA__EMAIL" in finding.advice.en
    assert server.token not in finding.seen.en + finding.advice.en
    assert all(each.ok or not each.needed for each in doctor(server, tmp_path, email=server.email))


def test_the_doctor_leaves_a_wrong_token_to_its_owner(server: JiraServer, tmp_path: Path) -> None:
    [finding] = doctor(server, tmp_path, email=server.email, token="wrong")
    assert "Check the token" in finding.advice.en


def doctor(server: JiraServer, place: Path, **changed: str | None) -> list[Finding]:
    plain = {
        "url": server.url,
        "token": server.token,
        "project": "ACT",
        "database_project": "DB",
        "fields": {"client_root": "customfield_10101"},
    }
    settings = load_settings(data_dir=place, jira=plain | changed)
    return [each for each in examine(settings) if each.part.startswith("jira")]
