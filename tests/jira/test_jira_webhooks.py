"""Jira's webhook: signed or refused, each event once, and nothing that it says is believed."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from both_ways_house import BothWays, both_ways
from fastapi import FastAPI
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.onboarding.installation import JIRA_ACCOUNT, Installation
from bot.onboarding.models import Received
from bot.sandbox.faults import Fault
from bot.sandbox.jira.webhooks import DELIVERY, signature
from bot.web.jira_webhook import LARGEST, jira_webhook
from bot.web.server import WebServer

SECRET = "hook-secret"


class Hooked:
    """A house whose Jira tells its bot of what happens."""

    def __init__(self, home: BothWays) -> None:
        self.home = home
        self.web = WebServer(self._app(SecretStr(SECRET)), "127.0.0.1", 0)
        self.web.start()
        self.url = f"http://127.0.0.1:{self.web.port}/jira/webhook"
        home.jira.webhooks.url, home.jira.webhooks.secret = self.url, SECRET

    def _app(self, secret: SecretStr | None) -> FastAPI:
        app = FastAPI()
        account = Installation(self.home.store)
        handler = jira_webhook(secret, self.home.wakeups.wake, lambda: account.get(JIRA_ACCOUNT))
        app.add_api_route("/jira/webhook", handler, methods=["POST"])
        return app

    def post(self, body: bytes, secret: str | None = SECRET, **headers: str) -> requests.Response:
        signed = {"X-Hub-Signature": signature(secret, body)} if secret else {}
        return requests.post(self.url, data=body, headers=signed | headers, timeout=10)

    def arrive(self) -> None:
        """Have everything that Jira tells arrive, and do what follows; no time passes."""
        self.home.jira.webhooks.settle()
        self.home.settle()


@pytest.fixture(params=["Server", "Cloud"])
def hooked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hooked]:
    with both_ways(tmp_path, request.param) as home:
        home.start()
        built = Hooked(home)
        yield built
        built.web.stop()


def about(key: str = "DB-1", **more: Any) -> bytes:
    return json.dumps({"webhookEvent": "jira:issue_updated", "issue": {"key": key}, **more}).encode()


def test_what_happens_in_jira_is_in_the_thread_without_waiting_for_a_poll(hooked: Hooked) -> None:
    hooked.home.dana.take("DB-1")
    hooked.home.dana.comment("DB-1", "I take it.")
    hooked.arrive()
    assert hooked.home.said("ticket_comment") == ["I take it."]
    assert len(hooked.home.told("ticket_moved")) == 1
    assert {delivery.status for delivery in hooked.home.jira.webhooks.deliveries} == {200}


def test_a_resolved_ticket_ends_its_step_at_once(hooked: Hooked) -> None:
    hooked.home.dana.transition("DB-1", "Start Progress")
    hooked.home.dana.transition("DB-1", "Done", resolution="Done")
    hooked.arrive()
    assert hooked.home.state("ticket") == "done"


def test_deliveries_repeated_lost_and_overtaken_tell_everything_once(tmp_path: Path) -> None:
    with both_ways(tmp_path, "Cloud") as home:
        home.start()
        hooked = Hooked(home)
        # The first comes last, the second comes twice, the third never at its first try.
        home.jira.faults.add(
            Fault(DELIVERY, "delay", seconds=1), Fault(DELIVERY, "drop_after"), Fault(DELIVERY, "drop_before")
        )
        home.dana.take("DB-1")
        home.dana.comment("DB-1", "one")
        home.dana.comment("DB-1", "two")
        hooked.arrive()
        assert home.said("ticket_comment") == ["one", "two"]
        assert len(home.told("ticket_moved")) == 1
        answers = [delivery for delivery in home.jira.webhooks.deliveries if delivery.retry]
        assert len(answers) == 2
        hooked.web.stop()


def test_the_same_event_again_is_a_repeat_and_wakes_nobody(hooked: Hooked) -> None:
    body = about()
    assert hooked.post(body, **{"X-Atlassian-Webhook-Identifier": "one"}).json() == {"answer": "heard"}
    hooked.home.settle()
    before = len(hooked.home.jira.calls)
    assert hooked.post(body, **{"X-Atlassian-Webhook-Identifier": "one"}).json() == {"answer": "repeated"}
    hooked.home.settle()
    assert len(hooked.home.jira.calls) == before
    # Without an identifier the body tells a repeat.
    assert [hooked.post(body).json()["answer"] for _ in range(2)] == ["heard", "repeated"]


def test_a_forged_content_with_a_right_signature_changes_nothing(hooked: Hooked) -> None:
    status = {"name": "Done", "statusCategory": {"key": "done"}}
    body = about(issue={"key": "DB-1", "fields": {"status": status}}, comment={"id": "99", "body": "never said"})
    assert hooked.post(body).status_code == 200
    hooked.home.settle()
    assert hooked.home.state("ticket") == "waiting"
    assert hooked.home.told("ticket_comment") == []


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (about(), {}, 401, "unsigned"),
        (about(), {"X-Hub-Signature": signature("another", about())}, 403, "wrongly_signed"),
        (about(), {"X-Hub-Signature": signature(SECRET, about() + b" ")}, 403, "wrongly_signed"),
        (about(), {"X-Hub-Signature": hashlib.sha256(about()).hexdigest()}, 403, "wrongly_signed"),
        (about(), {"X-Hub-Signature": "sha1=é".encode().decode("latin-1")}, 403, "wrongly_signed"),
        (b"\xff{", {"X-Hub-Signature": signature(SECRET, b"\xff{")}, 400, "no_json"),
        (b"[1]", {"X-Hub-Signature": signature(SECRET, b"[1]")}, 400, "no_object"),
        (b"[" * 100_000, {"X-Hub-Signature": signature(SECRET, b"[" * 100_000)}, 400, "no_json"),
        (b" " * (LARGEST + 1), {"X-Hub-Signature": "sha256=0"}, 413, "too_large"),
    ],
    ids=["unsigned", "other secret", "other body", "no method", "other method", "no text", "list", "deep", "large"],
)
def test_what_is_not_jiras_is_refused_in_words_and_logged(
    tmp_path: Path, body: bytes, headers: dict[str, str], status: int, reason: str
) -> None:
    with both_ways(tmp_path) as home:
        hooked = Hooked(home)
        with capture_logs() as lines:
            answered = hooked.post(body, None, **headers)
        assert answered.status_code == status
        assert answered.json()["error"].endswith(".")
        assert [line["reason"] for line in lines if line["event"] == "jira_webhook_refused"] == [reason]
        assert SECRET not in answered.text
        with home.store.reading() as session:
            assert session.get(Received, "anything") is None
        hooked.web.stop()


def test_without_a_secret_nothing_is_expected(tmp_path: Path) -> None:
    with both_ways(tmp_path) as home:
        hooked = Hooked(home)
        web = WebServer(hooked._app(None), "127.0.0.1", 0)
        web.start()
        answered = requests.post(f"http://127.0.0.1:{web.port}/jira/webhook", data=about(), timeout=10)
        assert answered.status_code == 404
        assert "JIRA__WEBHOOK_SECRET" in answered.json()["error"]
        web.stop()
        hooked.web.stop()


def test_the_bots_own_writes_are_ignored(hooked: Hooked) -> None:
    assert hooked.home.reply("hello")
    hooked.arrive()
    hooked.arrive()
    assert len(hooked.home.comments("DB-1")) == 1
    own = Installation(hooked.home.store).get(JIRA_ACCOUNT)
    assert own
    for named in ({"user": {"accountId": own}}, {"comment": {"updateAuthor": {"name": own}}}):
        assert hooked.post(about(**named)).json() == {"answer": "own"}


@pytest.mark.parametrize("event", [{}, {"issue": []}, {"issue": {"key": "../../etc"}}, {"issue": {"key": 7}}])
def test_an_event_about_nothing_is_taken_and_does_nothing(tmp_path: Path, event: dict[str, Any]) -> None:
    with both_ways(tmp_path) as home:
        hooked = Hooked(home)
        assert hooked.post(json.dumps(event).encode()).json() == {"answer": "nothing to look at"}
        hooked.web.stop()
