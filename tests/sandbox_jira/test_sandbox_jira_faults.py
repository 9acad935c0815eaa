"""Faults, as the real client meets them, and the limit of writes per issue."""

import socket
import time
from collections.abc import Callable

import pytest
import requests
from jira import JIRA, JIRAError

from bot.sandbox.faults import Fault
from bot.sandbox.jira import JiraServer

Create = Callable[..., str]
Refused = Callable[..., JIRAError]

CREATE = "POST /rest/api/2/issue"
COMMENT = "POST /rest/api/2/issue/{key}/comment"


def test_too_many_requests_say_when_to_come_again(
    client: JIRA, server: JiraServer, create: Create, refused: Refused
) -> None:
    server.faults.add(Fault(CREATE, "rate_limited", seconds=2.5))
    error = refused(429, create)
    assert error.response.headers["Retry-After"] == "3"
    assert server.store.issues == {}
    assert create() == "ACT-1"


@pytest.mark.parametrize("status", [500, 502, 503])
def test_server_errors_do_nothing(server: JiraServer, create: Create, refused: Refused, status: int) -> None:
    server.faults.add(Fault(CREATE, "server_error", times=2, status=status))
    refused(status, create)
    refused(status, create)
    assert server.store.issues == {}
    create()


def test_dropped_before_nothing_was_done(client: JIRA, server: JiraServer, create: Create) -> None:
    key = create()
    server.faults.add(Fault(COMMENT, "drop_before"))
    with pytest.raises(requests.ConnectionError):
        client.add_comment(key, "lost")
    assert client.comments(key) == []
    assert [each.status for each in server.calls if each.operation == COMMENT] == [None]


def test_lost_answer_leaves_the_issue_created(client: JIRA, server: JiraServer, create: Create) -> None:
    server.faults.add(Fault(CREATE, "drop_after"))
    with pytest.raises(requests.ConnectionError):
        create(labels=["onb-1"])
    assert [each.key for each in client.search_issues("labels = onb-1")] == ["ACT-1"]


def test_client_that_retries_writes_twice(server: JiraServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jira.resilientsession.time.sleep", lambda seconds: None)
    careless = JIRA(server=server.url, token_auth=server.token, max_retries=1, timeout=10)
    server.faults.add(Fault(CREATE, "drop_after"))
    issue = careless.create_issue(project="ACT", issuetype="Task", summary="twice")
    careless.close()
    assert (issue.key, len(server.store.issues)) == ("ACT-2", 2)


def test_delay_outlasts_the_client(client: JIRA, server: JiraServer, create: Create) -> None:
    key = create()
    server.faults.add(Fault("GET /rest/api/2/issue/{key}", "delay", seconds=5))
    client._session.timeout = 0.2
    with pytest.raises(requests.ReadTimeout):
        client.issue(key)


def test_delay_holds_up_nobody_else(client: JIRA, server: JiraServer, create: Create) -> None:
    key = create()
    server.faults.add(Fault("GET /rest/api/2/serverInfo", "delay", seconds=60))
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=0.2) as waiting:
        waiting.sendall(b"GET /rest/api/2/serverInfo HTTP/1.1\r\nHost: sandbox\r\n\r\n")
        # Were the server held up, this would run into the client's timeout.
        assert client.issue(key).key == key
        with pytest.raises(TimeoutError):
            waiting.recv(1)


def test_pattern_meets_every_operation_of_an_issue(
    client: JIRA, server: JiraServer, create: Create, refused: Refused
) -> None:
    key = create()
    server.faults.add(Fault("* /rest/api/2/issue/{key}*", "server_error", times=2))
    refused(503, client.issue, key)
    refused(503, client.comments, key)
    assert client.issue(key).key == key


def test_latest_is_the_same_operation(client: JIRA, server: JiraServer, create: Create, refused: Refused) -> None:
    key = create()
    server.faults.add(Fault("PUT /rest/api/2/issue/{key}/assignee", "server_error"))
    # The client assigns through /rest/api/latest.
    refused(503, client.assign_issue, key, "manager")


def test_faults_are_queued_over_http(client: JIRA, server: JiraServer, create: Create, refused: Refused) -> None:
    url = f"{server.url}/_sandbox/faults"
    fault = {"operation": CREATE, "kind": "server_error", "status": 500}
    assert requests.post(url, json=[fault, fault], timeout=10).status_code == 204
    refused(500, create)
    assert requests.delete(url, timeout=10).status_code == 204
    create()
    for wrong in ({"operation": CREATE, "kind": "explode"}, {"kind": "delay"}, fault | {"times": 0}, []):
        expected = 204 if wrong == [] else 400
        assert requests.post(url, json=wrong, timeout=10).status_code == expected
    assert requests.post(url, data="{", timeout=10).status_code == 400


def test_twenty_first_write_within_two_seconds_is_refused(
    client: JIRA, server: JiraServer, create: Create, refused: Refused
) -> None:
    key, other = create(), create()
    for _ in range(25):
        client.add_comment(other, "no limit yet")
    server.write_limits.is_on = True
    for _ in range(20):
        client.add_comment(key, "x")
    error = refused(429, client.add_comment, key, "one too many")
    assert error.response.headers["RateLimit-Reason"] == "jira-per-issue-on-write"
    assert 1 <= int(error.response.headers["Retry-After"]) <= 2
    assert len(client.comments(key)) == 20
    client.add_comment(other, "another issue has its own count")


def test_a_fault_may_meet_one_account_alone(client: JIRA, server: JiraServer, create: Create, refused: Refused) -> None:
    server.faults.add(Fault(CREATE, "server_error", account="db-team-member"))
    create()
    assert server.faults.left == 1


def test_a_slow_server_does_what_it_has_read_though_the_client_is_gone(server: JiraServer) -> None:
    server.faults.add(Fault(CREATE, "delay", seconds=0.5))
    fields = {"project": {"key": "ACT"}, "issuetype": {"name": "Task"}, "summary": "late"}
    with pytest.raises(requests.Timeout):
        requests.post(
            f"{server.url}/rest/api/2/issue",
            json={"fields": fields},
            headers={"Authorization": f"Bearer {server.token}"},
            timeout=0.2,
        )
    until = time.monotonic() + 5
    while not server.store.issues and time.monotonic() < until:
        time.sleep(0.02)
    assert list(server.store.issues) == ["ACT-1"]
