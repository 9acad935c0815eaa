"""People acting on messages: whole selections, late and double clicks, private messages, answers."""

from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_surfaces import actions, button, option, section, ticks

from bot.sandbox.slack import AppSilent, SlackPerson, SlackServer

Json = dict[str, Any]
CHANNEL = "C0ONBOARD"


def post(client: WebClient, *blocks: Json, **more: Any) -> str:
    return str(client.chat_postMessage(channel=CHANNEL, text="parent", blocks=list(blocks), **more)["ts"])


def selection(payload: Json) -> list[str]:
    return [chosen["value"] for chosen in payload["actions"][0]["selected_options"]]


def test_ticking_sends_the_whole_selection_with_its_surroundings(
    client: WebClient, manager: SlackPerson, app: Any
) -> None:
    ts = post(client, ticks("a", "b", "c", ticked=("b",)), metadata={"event_type": "onb", "event_payload": {}})
    manager.tick(ts, "portal:", "a")
    payload = app.payloads[0]
    assert selection(payload) == ["a", "b"]
    assert payload["container"]["message_ts"] == ts
    assert payload["message"]["metadata"]["event_type"] == "onb"
    assert payload["user"]["id"] == "U0MANAGER"
    action = payload["actions"][0]
    assert (action["type"], action["action_id"], action["block_id"]) == (
        "checkboxes",
        "ticks",
        "portal:1:ticks",
    )
    state = payload["state"]["values"]["portal:1:ticks"]["ticks"]
    assert state["selected_options"] == action["selected_options"]
    assert payload["trigger_id"]
    assert payload["response_url"].startswith("http://127.0.0.1:")


def test_a_persons_own_ticks_add_up_and_are_taken_back(
    client: WebClient, manager: SlackPerson, database: SlackPerson, app: Any
) -> None:
    ts = post(client, ticks("a", "b", "c"))
    manager.tick(ts, "portal:", "a", "c")
    manager.untick(ts, "portal:", "a")
    database.tick(ts, "portal:", "b")
    assert [selection(payload) for payload in app.payloads] == [["a", "c"], ["c"], ["b"]]


def test_an_old_entry_hides_an_update_that_keeps_the_block_id(
    client: WebClient, manager: SlackPerson, app: Any
) -> None:
    ts = post(client, ticks("a", "b"))
    manager.tick(ts, "portal:", "a")
    client.chat_update(channel=CHANNEL, ts=ts, text="x", blocks=[ticks("a", "b", ticked=("b",))])
    shown = manager.messages()[0]["selected"]["portal:1:ticks/ticks"]["selected_options"]
    assert [chosen["value"] for chosen in shown] == ["a"]
    new = ticks("a", "b", ticked=("b",), block_id="portal:2:ticks")
    client.chat_update(channel=CHANNEL, ts=ts, text="x", blocks=[new])
    shown = manager.messages()[0]["selected"]["portal:2:ticks/ticks"]["selected_options"]
    assert [chosen["value"] for chosen in shown] == ["b"]


def test_a_late_click_carries_the_older_block_id(
    client: WebClient, manager: SlackPerson, database: SlackPerson, app: Any
) -> None:
    ts = post(client, ticks("a", "b"), actions(button("confirm", "ONB-1:portal")))
    done = [ticks("a", "b", ticked=("a",), block_id="portal:2:ticks"), section("done")]
    client.chat_update(channel=CHANNEL, ts=ts, text="x", blocks=done)
    database.tick(ts, "portal:", "b", version=0)
    assert app.payloads[0]["actions"][0]["block_id"] == "portal:1:ticks"
    assert selection(app.payloads[0]) == ["b"]
    database.click(ts, "confirm", version=0)
    assert app.payloads[1]["actions"][0]["value"] == "ONB-1:portal"
    with pytest.raises(LookupError):
        database.click(ts, "confirm")
    assert manager.messages()[0]["versions"] == 2


def test_a_double_delivery_is_the_same_envelope_twice(client: WebClient, manager: SlackPerson, app: Any) -> None:
    ts = post(client, actions(button("confirm", "v")))
    manager.click(ts, "confirm", "v", repeat=True)
    first, second = app.requests
    assert (first.envelope_id, first.payload) == (second.envelope_id, second.payload)


@pytest.mark.parametrize(
    ("deed", "arguments"),
    [
        ("click", ("skip",)),
        ("click", ("confirm", "other value")),
        ("click", ("ticks",)),
        ("tick", ("portal:", "z")),
        ("untick", ("portal:", "z")),
        ("tick", ("nowhere:", "a")),
        ("pick", ("confirm", "v")),
    ],
)
def test_what_a_message_does_not_show_cannot_be_used(
    client: WebClient, manager: SlackPerson, app: Any, deed: str, arguments: tuple[str, ...]
) -> None:
    ts = post(client, ticks("a", "b"), actions(button("confirm", "v")))
    with pytest.raises(LookupError):
        getattr(manager, deed)(ts, *arguments)
    assert app.requests == []


def test_two_buttons_with_one_action_id_are_told_apart_by_value(
    client: WebClient, manager: SlackPerson, app: Any
) -> None:
    blocks = [actions(button("retry", f"ONB-1:{step}"), block_id=f"{step}:1:actions") for step in ("ticket", "mytem")]
    ts = post(client, *blocks)
    with pytest.raises(LookupError):
        manager.click(ts, "retry")
    manager.click(ts, "retry", "ONB-1:mytem")
    assert app.payloads[0]["actions"][0]["block_id"] == "mytem:1:actions"


@pytest.mark.parametrize("kind", ["radio_buttons", "static_select", "overflow"])
def test_an_option_is_chosen(client: WebClient, manager: SlackPerson, app: Any, kind: str) -> None:
    element = {"type": kind, "action_id": "choices", "options": [option("ftp"), option("console")]}
    ts = post(client, section(accessory=element, block_id="deposit:1:text"))
    manager.pick(ts, "choices", "console")
    action = app.payloads[0]["actions"][0]
    assert (action["type"], action["selected_option"]["value"]) == (kind, "console")


def test_an_exact_selection_can_be_made(client: WebClient, manager: SlackPerson, app: Any) -> None:
    ts = post(client, ticks("a", "b", "c", ticked=("a",)))
    manager.select(ts, "portal:", ["b", "c"])
    assert selection(app.payloads[0]) == ["b", "c"]


def test_private_messages_are_seen_by_one_and_are_no_history(
    client: WebClient, manager: SlackPerson, database: SlackPerson, app: Any
) -> None:
    block = actions(button("confirm", "v"))
    answer = client.chat_postEphemeral(channel=CHANNEL, user="U0MANAGER", text="psst", blocks=[block])
    assert [message["ephemeral"] for message in manager.messages()] == [True]
    assert database.messages() == []
    assert client.conversations_history(channel=CHANNEL)["messages"] == []
    with pytest.raises(LookupError):
        database.click(answer["message_ts"], "confirm")
    manager.click(answer["message_ts"], "confirm")
    assert "message" not in app.payloads[0]
    assert app.payloads[0]["container"]["is_ephemeral"] is True


def test_a_response_url_answers_privately_replaces_and_deletes(
    client: WebClient, manager: SlackPerson, database: SlackPerson, app: Any
) -> None:
    ts = post(client, actions(button("confirm", "v")))
    manager.click(ts, "confirm")
    url = app.payloads[0]["response_url"]
    assert requests.post(url, json={"text": "only you"}, timeout=5).text == "ok"
    assert [message["text"] for message in manager.messages()] == ["parent", "only you"]
    assert [message["text"] for message in database.messages()] == ["parent"]
    requests.post(url, json={"text": "changed", "replace_original": True}, timeout=5)
    assert database.messages()[0]["text"] == "changed"
    requests.post(url, json={"delete_original": True}, timeout=5)
    assert database.messages() == []


def test_a_response_url_works_five_times_and_half_an_hour(
    slack: SlackServer, client: WebClient, manager: SlackPerson, app: Any, clock: Any
) -> None:
    ts = post(client, actions(button("confirm", "v")))
    manager.click(ts, "confirm")
    manager.click(ts, "confirm")
    first, second = (payload["response_url"] for payload in app.payloads)
    statuses = [requests.post(first, json={"text": "x"}, timeout=5).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [404]
    clock.ahead += 1801
    assert requests.post(second, json={"text": "x"}, timeout=5).json()["error"] == "expired_url"
    assert requests.post(f"{slack.url}/response/none", json={"text": "x"}, timeout=5).status_code == 404


def test_a_response_url_refuses_bad_blocks(client: WebClient, manager: SlackPerson, app: Any) -> None:
    ts = post(client, actions(button("confirm", "v")))
    manager.click(ts, "confirm")
    bad: Json = {"text": "x", "blocks": [{"type": "novel"}]}
    answer = requests.post(app.payloads[0]["response_url"], json=bad, timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_blocks")


def test_a_command_carries_what_slack_documents(manager: SlackPerson, app: Any) -> None:
    manager.command("start now")
    payload = app.payloads[0]
    assert app.requests[0].type == "slash_commands"
    assert (payload["command"], payload["text"], payload["channel_id"]) == ("/onboard", "start now", CHANNEL)
    assert payload["is_enterprise_install"] == "false"


@pytest.mark.parametrize("response_type", ["ephemeral", "in_channel"])
def test_a_commands_answer_is_private_unless_it_says_otherwise(
    manager: SlackPerson, database: SlackPerson, app: Any, response_type: str
) -> None:
    app.answer = lambda _: {"text": "hello", "response_type": response_type}
    assert manager.command("help").text == "hello"
    assert len(database.messages()) == (1 if response_type == "in_channel" else 0)


def test_a_commands_bad_answer_is_a_visible_failure(slack: SlackServer, manager: SlackPerson, app: Any) -> None:
    app.answer = lambda _: {"blocks": [actions(button("a", "1"), button("a", "2"))]}
    with pytest.raises(AppSilent, match="invalid_command_response"):
        manager.command("help")
    assert slack.workspace.failures[-1].user == "U0MANAGER"


def test_an_unknown_command_does_not_reach_the_app(manager: SlackPerson, app: Any) -> None:
    with pytest.raises(LookupError, match="not a valid command"):
        manager.command("start", command="/deploy")
    assert app.requests == []


def test_a_person_posts_a_file_into_a_thread(slack: SlackServer, client: WebClient, manager: SlackPerson) -> None:
    ts = post(client, section())
    manager.say("here it is", thread_ts=ts, files={"test.mdb": b"\x00\x01"})
    file = client.conversations_replies(channel=CHANNEL, ts=ts)["messages"][1]["files"][0]
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    assert requests.get(file["url_private_download"], headers=headers, timeout=5).content == b"\x00\x01"


def test_somebody_outside_the_channel_cannot_click(
    slack: SlackServer, client: WebClient, database: SlackPerson
) -> None:
    ts = post(client, actions(button("confirm", "v")))
    slack.workspace.channels[CHANNEL].members.remove("U0DATABASE")
    with pytest.raises(LookupError):
        database.click(ts, "confirm")


def test_the_state_shows_everything_to_a_test_in_another_process(client: WebClient, manager: SlackPerson) -> None:
    ts = post(client, section(), metadata={"event_type": "onb", "event_payload": {"key": "ONB-1"}})
    state = manager.state()
    assert [(m["ts"], m["versions"]) for m in state["messages"]] == [(ts, 1)]
    assert state["messages"][0]["metadata"]["event_payload"] == {"key": "ONB-1"}
    assert [(call["method"], call["status"]) for call in state["calls"]] == [("chat.postMessage", 200)]


def test_a_direct_conversation_is_its_two_members_alone(
    slack: SlackServer, client: WebClient, manager: SlackPerson, app: Any
) -> None:
    client.chat_postMessage(channel="U0MANAGER", text="between us")
    theirs = SlackPerson(slack.url, "U0MANAGER", channel="D0MANAGER")
    assert [message["text"] for message in theirs.messages()] == ["between us"]
    stranger = SlackPerson(slack.url, "U0GUEST", channel="D0MANAGER")
    for deed in (stranger.messages, stranger.command, lambda: stranger.say("hello")):
        with pytest.raises(LookupError, match="U0GUEST is not in D0MANAGER"):
            deed()
    assert app.requests == []


@pytest.mark.parametrize("user", ["U0NOBODY", "U0BOT"])
@pytest.mark.parametrize("deed", ["messages", "view", "home", "open_home", "command", "submit"])
def test_only_people_of_the_workspace_see_and_do(shared_slack: SlackServer, user: str, deed: str) -> None:
    with pytest.raises(LookupError, match="no person"):
        getattr(SlackPerson(shared_slack.url, user), deed)()


def test_a_channel_that_is_not_there_shows_nothing(shared_slack: SlackServer) -> None:
    with pytest.raises(LookupError, match="no channel"):
        SlackPerson(shared_slack.url, "U0MANAGER", channel="C0NOWHERE").messages()


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("say", {"channel": CHANNEL, "files": [{"name": "x", "base64": "abcde"}]}),
        ("act", {"deed": "shake", "action_id": "ticks"}),
        ("command", {"command": "/onboard"}),
    ],
)
def test_the_control_api_refuses_what_it_cannot_read(shared_slack: SlackServer, what: str, body: Json) -> None:
    address = f"{shared_slack.url}/_sandbox/people/U0MANAGER/{what}"
    assert requests.post(address, json=body, timeout=5).status_code == 422


def test_boxes_are_ticked_by_a_list_alone(shared_slack: SlackServer, shared_client: WebClient) -> None:
    ts = post(shared_client, ticks("a", "b"))
    body = {"deed": "tick", "channel": CHANNEL, "ts": ts, "value": "ab"}
    answer = requests.post(f"{shared_slack.url}/_sandbox/people/U0MANAGER/act", json=body, timeout=5)
    assert (answer.status_code, answer.json()["lookup"]) == (404, "ticks takes a list, not 'ab'")
