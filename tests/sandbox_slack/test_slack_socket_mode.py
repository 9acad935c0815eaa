"""Socket Mode with the real bolt: acknowledgements, silence, broken and replaced connections, several sockets."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Event, Thread
from typing import Any

import pytest
from slack_app import SocketApp, end, eventually
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_surfaces import actions, button, modal, section, text_input, ticks
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from bot.sandbox.faults import Fault
from bot.sandbox.slack import AppSilent, SlackPerson, SlackServer

CHANNEL = "C0ONBOARD"


@pytest.fixture
def bolt(slack: SlackServer, client: WebClient, endings: list[Thread]) -> Iterator[App]:
    app = App(client=client, token_verification_enabled=False)
    handler = SocketModeHandler(app, slack.app_token)
    handler.connect()  # type: ignore[no-untyped-call] # bolt's own lack
    eventually(lambda: slack.sockets)
    yield app
    endings.append(end(slack, handler.client))


def test_a_whole_conversation_from_command_to_replaced_button(bolt: App, manager: SlackPerson) -> None:
    @bolt.command("/onboard")
    def on_command(ack: Any, body: Any, client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=modal(text_input("client")))

    @bolt.view("start")
    def on_submit(ack: Any, view: Any, client: WebClient) -> None:
        name = view["state"]["values"]["client"]["value"]["value"]
        if name == "nobody":
            ack(response_action="errors", errors={"client": "Unknown client"})
            return
        ack()
        blocks = [ticks("a", "b"), actions(button("confirm", "ONB-1:portal"))]
        client.chat_postMessage(channel=CHANNEL, text=name, blocks=blocks)

    @bolt.action("ticks")
    def on_tick(ack: Any, action: Any, body: Any, client: WebClient) -> None:
        ack()
        ticked = tuple(chosen["value"] for chosen in action["selected_options"])
        blocks = [ticks("a", "b", ticked=ticked, block_id="portal:2:ticks"), actions(button("confirm", "v"))]
        client.chat_update(channel=CHANNEL, ts=body["message"]["ts"], text="ticked", blocks=blocks)

    @bolt.action("confirm")
    def on_confirm(ack: Any, respond: Any) -> None:
        ack()
        respond(text="confirmed", blocks=[section("confirmed")], replace_original=True)

    manager.command("start")
    view = manager.wait_for_view(callback_id="start")
    assert manager.submit(view["id"], {"client": "nobody"}) == {"client": "Unknown client"}
    assert manager.submit(view["id"], {"client": "ACME"}) == {}
    ts = eventually(manager.messages)[0]["ts"]
    manager.tick(ts, "portal:", "b")
    eventually(lambda: manager.messages()[0]["text"] == "ticked")
    manager.click(ts, "confirm")
    eventually(lambda: manager.messages()[0]["text"] == "confirmed")


def test_bolt_answers_a_command_in_its_acknowledgement(bolt: App, manager: SlackPerson) -> None:
    bolt.command("/onboard")(lambda ack: ack("try `start`"))
    assert manager.command("help").text == "try `start`"


def test_a_command_nobody_listens_to_fails_in_front_of_the_user(bolt: App, manager: SlackPerson) -> None:
    with pytest.raises(AppSilent, match="operation_timeout"):
        manager.command("start")
    assert manager.state()["failures"] == [
        {"user": "U0MANAGER", "deed": "/onboard start", "error": "operation_timeout"}
    ]


def test_an_acknowledgement_after_three_seconds_is_too_late(
    slack: SlackServer, bolt: App, manager: SlackPerson
) -> None:
    wait = Event()

    @bolt.command("/onboard")
    def on_command(ack: Any) -> None:
        wait.wait(10)
        ack("too late")

    with pytest.raises(AppSilent, match="operation_timeout"):
        manager.command("start")
    wait.set()
    eventually(lambda: any("late" in warning for warning in slack.workspace.warnings))
    assert manager.messages() == []


def test_without_a_socket_a_command_fails_at_once(manager: SlackPerson) -> None:
    with pytest.raises(AppSilent, match="dispatch_failed"):
        manager.command("start")


def test_an_envelope_lost_with_its_connection_never_reaches_the_app(
    slack: SlackServer, manager: SlackPerson, app: SocketApp
) -> None:
    slack.faults.add(Fault("socket:deliver", "drop_before"))
    with pytest.raises(AppSilent, match="operation_timeout"):
        manager.command("start")
    assert app.requests == []
    eventually(lambda: slack.sockets == 1, 15)
    assert manager.command("start").text == ""


def test_an_interaction_that_was_not_acknowledged_is_delivered_again_where_that_is_asked_for(
    slack: SlackServer, manager: SlackPerson, app: SocketApp
) -> None:
    slack.people.redelivery_seconds = (1.0, 2.0, 4.0)
    slack.faults.add(Fault("socket:deliver", "drop_after"))
    manager.command("start")
    first, second = app.requests
    assert (first.envelope_id, first.payload["trigger_id"]) == (second.envelope_id, second.payload["trigger_id"])


def test_a_lost_acknowledgement_leaves_the_work_done(slack: SlackServer, manager: SlackPerson, app: SocketApp) -> None:
    slack.faults.add(Fault("socket:deliver", "drop_after"))
    with pytest.raises(AppSilent, match="operation_timeout"):
        manager.command("start")
    eventually(lambda: len(app.requests) == 1)


def test_an_acknowledgement_lost_on_the_way_fails_the_command(
    slack: SlackServer, manager: SlackPerson, app: SocketApp
) -> None:
    slack.faults.add(Fault("socket:ack", "drop_before"))
    with pytest.raises(AppSilent, match="operation_timeout"):
        manager.command("start")
    assert len(app.requests) == 1


def test_a_refused_handshake_is_tried_again_by_the_client(slack: SlackServer, endings: list[Thread]) -> None:
    slack.faults.add(Fault("socket:connect", "server_error"))
    web = WebClient(token=slack.bot_token, base_url=slack.api_url)
    refused = str(web.apps_connections_open(app_token=slack.app_token)["url"])
    with pytest.raises(InvalidStatus, match="403"), connect(refused):
        pass
    running = SocketApp(slack)
    endings.append(running.close())


def test_a_disconnect_message_makes_the_client_come_back(
    slack: SlackServer, manager: SlackPerson, app: SocketApp
) -> None:
    opened = len([call for call in slack.workspace.calls if call.method == "apps.connections.open"])
    slack.disconnect_sockets()
    eventually(lambda: slack.sockets == 1)
    calls = [call for call in slack.workspace.calls if call.method == "apps.connections.open"]
    assert len(calls) == opened + 1
    manager.command("start")
    assert len(app.requests) == 1


def test_each_envelope_goes_to_one_of_the_sockets(
    slack: SlackServer, manager: SlackPerson, app: SocketApp, endings: list[Thread]
) -> None:
    other = SocketApp(slack)
    eventually(lambda: slack.sockets == 2)
    for _ in range(4):
        manager.command("start")
    assert (len(app.requests), len(other.requests)) == (2, 2)
    endings.append(other.close())


def ticket(slack: SlackServer) -> str:
    web = WebClient(token=slack.bot_token, base_url=slack.api_url)
    return str(web.apps_connections_open(app_token=slack.app_token)["url"])


def test_hello_comes_first_and_a_ticket_opens_one_socket(slack: SlackServer) -> None:
    url = ticket(slack)
    with connect(url) as socket:
        hello = json.loads(socket.recv(timeout=5))
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        socket.ping().wait(5)
    with pytest.raises(InvalidStatus, match="403"), connect(url):
        pass


@pytest.mark.parametrize("frame", ["nonsense", "[]", "5", b"\x00", '{"envelope_id": []}'])
def test_a_frame_that_acknowledges_nothing_is_noted_and_the_socket_stays(
    slack: SlackServer, frame: str | bytes
) -> None:
    with connect(ticket(slack)) as socket:
        socket.recv(timeout=5)
        socket.send(frame)
        eventually(lambda: any("unknown acknowledgement" in warning for warning in slack.workspace.warnings))
        socket.ping().wait(5)
        assert slack.sockets == 1


@pytest.mark.parametrize("answer", [[1], 5, True, {"text": ["a"]}])
def test_an_answer_that_is_no_message_is_a_visible_failure(
    slack: SlackServer, manager: SlackPerson, answer: object
) -> None:
    def acknowledge() -> None:
        with connect(ticket(slack)) as socket:
            socket.recv(timeout=5)
            envelope = json.loads(socket.recv(timeout=5))
            socket.send(json.dumps({"envelope_id": envelope["envelope_id"], "payload": answer}))
            taken.wait(5)

    taken = Event()
    app = Thread(target=acknowledge)
    app.start()
    try:
        eventually(lambda: slack.sockets)
        with pytest.raises(AppSilent, match="invalid_command_response"):
            manager.command("help")
    finally:
        taken.set()
        app.join()


def test_an_eleventh_socket_is_told_to_go(slack: SlackServer) -> None:
    with ExitStack() as sockets:
        for _ in range(10):
            sockets.enter_context(connect(ticket(slack)))
        eventually(lambda: slack.sockets == 10)
        eleventh = sockets.enter_context(connect(ticket(slack)))
        assert json.loads(eleventh.recv(timeout=5))["reason"] == "too_many_websockets"
        with pytest.raises(ConnectionClosed):
            eleventh.recv(timeout=5)


def test_an_event_is_sent_again_until_it_is_acknowledged(
    endings: list[Thread],
) -> None:
    with SlackServer(retry_seconds=(2.0, 2.0, 2.0)) as slack:
        app = SocketApp(slack)
        slack.faults.add(Fault("socket:ack", "drop_before"))
        SlackPerson(slack.url, "U0MANAGER").open_home()
        first, second = eventually(lambda: app.requests if len(app.requests) == 2 else None, 10)
        endings.append(app.close())
    assert first.payload["event_id"] == second.payload["event_id"]
    assert first.payload["event"]["type"] == "app_home_opened"
    assert (first.retry_attempt, second.retry_reason) == (0, "timeout")
    assert second.retry_attempt >= 1


def test_an_event_nobody_takes_is_given_up_after_three_retries(slack: SlackServer, manager: SlackPerson) -> None:
    manager.open_home()
    warning = eventually(lambda: slack.workspace.warnings)[0]
    assert "never acknowledged" in warning


def test_only_subscribed_events_are_sent(slack: SlackServer, manager: SlackPerson, app: SocketApp) -> None:
    manager.say("hello", files={"a.mdb": b"1"})
    manager.open_home()
    eventually(lambda: len(app.requests) == 2)
    # Nobody has asked for the events that tell of a file alone.
    assert {payload["event"]["type"] for payload in app.payloads} == {"message", "app_home_opened"}
