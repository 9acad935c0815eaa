"""Signed delivery to a request URL, taken by the real bolt behind FastAPI under uvicorn."""

import socket
import time
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest
import requests
import uvicorn
from fastapi import FastAPI, Request
from slack_app import eventually
from slack_bolt import App
from slack_bolt.adapter.fastapi import SlackRequestHandler
from slack_sdk import WebClient
from slack_surfaces import actions, button, modal, text_input, ticks

from bot.sandbox.faults import Fault
from bot.sandbox.slack import AppSilent, SlackPerson, SlackServer
from bot.sandbox.slack.http_mode import signature

CHANNEL = "C0ONBOARD"


class WebApp:
    """Bolt on a port of its own; ``seen`` are the headers of what arrived."""

    def __init__(self, client: WebClient, secret: str) -> None:
        self.bolt = App(client=client, signing_secret=secret, token_verification_enabled=False)
        self.seen: list[dict[str, str]] = []
        handler = SlackRequestHandler(self.bolt)
        web = FastAPI()

        @web.post("/slack/events", response_model=None)
        async def events(request: Request) -> Any:
            self.seen.append(dict(request.headers))
            return await handler.handle(request)

        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/slack/events"
        self.server = uvicorn.Server(uvicorn.Config(web, log_level="error", lifespan="off"))
        self.thread = Thread(target=self.server.run, args=([listener],), daemon=True)
        self.thread.start()
        eventually(lambda: self.server.started)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture
def web(slack: SlackServer, client: WebClient) -> Iterator[WebApp]:
    running = WebApp(client, slack.signing_secret)
    slack.request_url = running.url
    yield running
    running.stop()


def test_a_command_is_answered_in_text_and_in_json(web: WebApp, manager: SlackPerson) -> None:
    @web.bolt.command("/onboard")
    def on_command(ack: Any, command: Any) -> None:
        if command["text"] == "list":
            ack({"text": "all of them", "response_type": "in_channel"})
        else:
            ack("one")

    assert manager.command("status").text == "one"
    assert manager.command("list").text == "all of them"
    assert [message["ephemeral"] for message in manager.messages()] == [True, False]


def test_a_modal_is_opened_refused_and_taken(web: WebApp, manager: SlackPerson) -> None:
    @web.bolt.command("/onboard")
    def on_command(ack: Any, body: Any, client: WebClient) -> None:
        client.views_open(trigger_id=body["trigger_id"], view=modal(text_input("client")))
        ack()

    @web.bolt.view("start")
    def on_submit(ack: Any, view: Any) -> None:
        name = view["state"]["values"]["client"]["value"]["value"]
        if name == "ACME":
            ack()
        else:
            ack(response_action="errors", errors={"client": "Unknown client"})

    view = manager.command("start").view
    assert view is not None
    assert manager.submit(view["id"], {"client": "nobody"}) == {"client": "Unknown client"}
    assert manager.submit(view["id"], {"client": "ACME"}) == {}
    assert manager.view() is None


def test_clicks_arrive_as_a_form_with_a_payload(web: WebApp, client: WebClient, manager: SlackPerson) -> None:
    arrived: list[Any] = []

    @web.bolt.action("ticks")
    def on_tick(ack: Any, action: Any) -> None:
        ack()
        arrived.append(action)

    ts = client.chat_postMessage(channel=CHANNEL, text="x", blocks=[ticks("a", "b", ticked=("b",))])["ts"]
    manager.tick(ts, "portal:", "a")
    assert [chosen["value"] for chosen in arrived[0]["selected_options"]] == ["a", "b"]


def test_an_event_arrives_as_json_and_again_with_its_number(web: WebApp, manager: SlackPerson) -> None:
    manager.open_home()
    eventually(lambda: len(web.seen) == 4)
    assert web.seen[0]["content-type"] == "application/json"
    assert [headers.get("x-slack-retry-num") for headers in web.seen] == [None, "1", "2", "3"]
    assert web.seen[1]["x-slack-retry-reason"] == "http_error"


def test_a_wrong_secret_is_refused_by_the_app(slack: SlackServer, client: WebClient, manager: SlackPerson) -> None:
    stranger = WebApp(client, "another secret")
    stranger.bolt.command("/onboard")(lambda ack: ack("never"))
    slack.request_url = stranger.url
    with pytest.raises(AppSilent, match="dispatch_failed"):
        manager.command("start")
    stranger.stop()


def test_the_signature_covers_the_raw_body(slack: SlackServer, web: WebApp) -> None:
    web.bolt.command("/onboard")(lambda ack: ack("taken"))
    body = b"command=%2Fonboard&text=hi"
    now = str(int(time.time()))
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": now,
        "X-Slack-Signature": signature(slack.signing_secret, now, body),
    }
    assert requests.post(web.url, data=body, headers=headers, timeout=5).text == "taken"
    assert requests.post(web.url, data=body + b"!", headers=headers, timeout=5).status_code == 401


def test_an_app_that_is_down_fails_the_command(slack: SlackServer, manager: SlackPerson) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    slack.request_url = f"http://127.0.0.1:{port}/slack/events"
    with pytest.raises(AppSilent, match="dispatch_failed"):
        manager.command("start")


def test_an_app_that_takes_more_than_three_seconds_fails_the_command(web: WebApp, manager: SlackPerson) -> None:
    wait = Event()

    # Not in the listener: bolt itself gives up on one after three seconds, and its 404 might come first.
    @web.bolt.middleware
    def stall(next_: Any) -> None:
        wait.wait(10)
        next_()

    try:
        with pytest.raises(AppSilent, match="operation_timeout"):
            manager.command("start")
    finally:
        wait.set()


def test_a_lost_answer_leaves_the_work_done(slack: SlackServer, web: WebApp, client: WebClient) -> None:
    done = Event()

    @web.bolt.action("confirm")
    def on_confirm(ack: Any) -> None:
        ack()
        done.set()

    ts = client.chat_postMessage(channel=CHANNEL, text="x", blocks=[actions(button("confirm", "v"))])["ts"]
    person = SlackPerson(slack.url, "U0MANAGER")
    slack.faults.add(Fault("http:deliver", "drop_before"), Fault("http:deliver", "drop_after"))
    with pytest.raises(AppSilent, match="dispatch_failed"):
        person.click(ts, "confirm")
    assert not done.is_set()
    with pytest.raises(AppSilent, match="operation_timeout"):
        person.click(ts, "confirm")
    assert done.wait(5)
