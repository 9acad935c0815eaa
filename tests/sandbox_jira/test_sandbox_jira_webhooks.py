"""The sandbox's own webhook and its sub-tasks behave as Jira's."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest
import requests

from bot.sandbox.faults import Fault
from bot.sandbox.jira import JiraPerson, JiraServer
from bot.sandbox.jira.webhooks import DELIVERY, signature

SECRET = "shared"


class Ear(BaseHTTPRequestHandler):
    """Takes whatever comes."""

    heard: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@pytest.fixture
def ear() -> Iterator[str]:
    Ear.heard.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()


def issue(server: JiraServer, **fields: Any) -> requests.Response:
    account = (server.email, server.token) if server.email else None
    headers = {} if account else {"Authorization": f"Bearer {server.token}"}
    body = {"fields": {"project": {"key": "ACT"}, "issuetype": {"name": "Task"}, "summary": "x"} | fields}
    return requests.post(f"{server.url}/rest/api/2/issue", json=body, auth=account, headers=headers, timeout=10)


@pytest.mark.parametrize("kind", ["Server", "Cloud"])
def test_what_happens_is_told_signed_over_the_raw_body(ear: str, kind: str) -> None:
    with JiraServer(deployment_type=kind, webhook_url=ear, webhook_secret=SECRET) as server:
        assert issue(server).status_code == 201
        server.webhooks.settle()
        with JiraPerson(server.url, server.database_token, server.database_email) as dana:
            dana.comment("ACT-1", "hello")
        server.webhooks.settle()
    events = [json.loads(body) for _, body in Ear.heard]
    assert [event["webhookEvent"] for event in events] == ["jira:issue_created", "comment_created"]
    assert events[1]["comment"]["body"] == "hello"
    assert all(headers["x-hub-signature"] == signature(SECRET, body) for headers, body in Ear.heard)
    assert ("x-atlassian-webhook-identifier" in Ear.heard[0][0]) == (kind == "Cloud")


def test_cloud_tells_again_under_the_same_identifier(ear: str) -> None:
    with JiraServer(deployment_type="Cloud", webhook_url=ear, webhook_secret=SECRET) as server:
        server.faults.add(Fault(DELIVERY, "drop_after"))
        issue(server)
        server.webhooks.settle()
        assert [delivery.status for delivery in server.webhooks.deliveries] == [None, 200]
    first, again = (headers for headers, _ in Ear.heard)
    assert first["x-atlassian-webhook-identifier"] == again["x-atlassian-webhook-identifier"]
    assert again["x-atlassian-webhook-retry"] == "1"


@pytest.mark.parametrize("kind", ["Server", "Cloud"])
def test_what_was_taken_comes_again_word_for_word_where_a_test_wants_it(ear: str, kind: str) -> None:
    with JiraServer(deployment_type=kind, webhook_url=ear, webhook_secret=SECRET) as server:
        server.webhooks.repeat_seconds = (0.01, 0.02)
        issue(server)
        server.webhooks.settle()
        assert [delivery.status for delivery in server.webhooks.deliveries] == [200] * 3
        assert len({delivery.identifier for delivery in server.webhooks.deliveries}) == 1
    assert [body for _, body in Ear.heard] == [Ear.heard[0][1]] * 3
    assert len({headers["x-hub-signature"] for headers, _ in Ear.heard}) == 1


def test_the_address_is_set_while_it_runs(ear: str) -> None:
    with JiraServer() as server:
        issue(server)
        control = f"{server.url}/_sandbox/webhook"
        assert requests.put(control, json={"url": ear, "secret": SECRET}, timeout=10).status_code == 204
        assert requests.put(control, json={"url": "nowhere"}, timeout=10).status_code == 400
        issue(server)
        server.webhooks.settle()
    assert len(Ear.heard) == 1


@pytest.mark.parametrize("kind", ["Server", "Cloud"])
def test_a_sub_task_needs_its_parent_and_nothing_else_has_one(kind: str) -> None:
    with JiraServer(deployment_type=kind) as server:
        issue(server)
        sub = {"issuetype": {"name": "Sub-task"}}
        assert issue(server, **sub).status_code == 400
        assert issue(server, **sub, parent={"key": "ACT-99"}).status_code == 400
        assert issue(server, parent={"key": "ACT-1"}).status_code == 400
        assert issue(server, **sub, parent={"key": "ACT-1"}).status_code == 201
        assert issue(server, **sub, parent={"key": "ACT-2"}).status_code == 400
        with JiraPerson(server.url, server.database_token, server.database_email) as dana:
            assert [each["key"] for each in dana.issue("ACT-1")["fields"]["subtasks"]] == ["ACT-2"]
            assert dana.issue("ACT-2")["fields"]["parent"]["key"] == "ACT-1"
            assert dana.issue("ACT-2")["fields"]["issuetype"]["subtask"] is True
        manager = ("manager@sandbox.example", "sandbox-manager-pat") if server.email else None
        headers = {} if manager else {"Authorization": "Bearer sandbox-manager-pat"}
        address = f"{server.url}/rest/api/2/issue/ACT-1"
        assert requests.delete(address, auth=manager, headers=headers, timeout=10).status_code == 400
        address += "?deleteSubtasks=true"
        assert requests.delete(address, auth=manager, headers=headers, timeout=10).status_code == 204
        assert server.store.issues == {}
