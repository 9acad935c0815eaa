"""The Web API as the real client meets it: what it takes, what it gives back, what it refuses."""

import json
from typing import Any
from urllib.request import Request, urlopen

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_surfaces import section, ticks

from bot.sandbox.slack import SlackServer, Workspace
from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.methods import METHODS

CHANNEL = "C0ONBOARD"
METADATA = {"event_type": "onboarding", "event_payload": {"key": "ONB-1", "revision": 3}}


def refusal(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(*arguments, **named)
    return str(caught.value.response["error"])


def raw(server: SlackServer, method: str, body: bytes, content_type: str | None, token: str | None = None) -> Any:
    request = Request(server.api_url + method, data=body, method="POST")
    if content_type is not None:
        request.add_header("Content-Type", content_type)
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    with urlopen(request, timeout=5) as response:
        return json.load(response)


def test_auth_test_says_who_the_bot_is_and_which_scopes_it_has(client: WebClient) -> None:
    answer = client.auth_test()
    assert (answer["user_id"], answer["bot_id"]) == ("U0BOT", "B0SANDBOX")
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


@pytest.mark.parametrize(
    ("token", "error"),
    [(None, "not_authed"), ("xoxb-wrong", "invalid_auth"), ("xapp-sandbox", "not_allowed_token_type")],
)
def test_a_wrong_token_is_refused(slack: SlackServer, token: str | None, error: str) -> None:
    assert refusal(WebClient(token=token, base_url=slack.api_url).auth_test) == error


def test_a_bot_token_opens_no_socket(slack: SlackServer) -> None:
    web = WebClient(base_url=slack.api_url)
    assert refusal(web.apps_connections_open, app_token=slack.bot_token) == "not_allowed_token_type"


def test_a_missing_scope_is_named() -> None:
    with SlackServer(scopes={"commands"}) as server:
        web = WebClient(token=server.bot_token, base_url=server.api_url)
        with pytest.raises(SlackApiError) as caught:
            web.chat_postMessage(channel=CHANNEL, text="hi")
    assert caught.value.response["needed"] == "chat:write"


def test_an_unknown_method_is_refused(client: WebClient) -> None:
    assert refusal(client.api_call, "chat.shout") == "unknown_method"


def test_json_and_forms_are_taken_alike(slack: SlackServer) -> None:
    blocks = json.dumps([section("same")])
    form = f"token={slack.bot_token}&channel={CHANNEL}&blocks={blocks}&text=a".encode()
    by_form = raw(slack, "chat.postMessage", form, "application/x-www-form-urlencoded")
    body = json.dumps({"channel": CHANNEL, "blocks": blocks, "text": "a"}).encode()
    by_json = raw(slack, "chat.postMessage", body, "application/json; charset=utf-8", slack.bot_token)
    assert by_form["message"]["blocks"][0]["text"] == by_json["message"]["blocks"][0]["text"]


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        (b"{", "application/json", "invalid_json"),
        (b"[]", "application/json", "json_not_object"),
        (b"text", "text/plain", "invalid_post_type"),
        (b"text=\xff", "application/x-www-form-urlencoded", "invalid_form_data"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(slack: SlackServer, body: bytes, content_type: str, error: str) -> None:
    assert raw(slack, "chat.postMessage", body, content_type, slack.bot_token)["error"] == error


def test_reading_methods_ignore_a_json_body(slack: SlackServer) -> None:
    body = json.dumps({"user": "U0MANAGER"}).encode()
    answer = raw(slack, "users.info", body, "application/json", slack.bot_token)
    assert answer["error"] == "user_not_found"


def test_timestamps_are_unique_and_increase(client: WebClient) -> None:
    stamps = [client.chat_postMessage(channel=CHANNEL, text=str(n))["ts"] for n in range(5)]
    assert sorted(set(stamps), key=float) == stamps


def test_metadata_comes_back_only_on_demand(client: WebClient) -> None:
    client.chat_postMessage(channel=CHANNEL, text="hi", metadata=METADATA)
    plainly = client.conversations_history(channel=CHANNEL)["messages"][0]
    fully = client.conversations_history(channel=CHANNEL, include_all_metadata=True)["messages"][0]
    assert "metadata" not in plainly
    assert fully["metadata"] == METADATA


def test_an_update_keeps_what_it_does_not_name(client: WebClient) -> None:
    ts = client.chat_postMessage(channel=CHANNEL, text="one", blocks=[section()], metadata=METADATA)["ts"]
    client.chat_update(channel=CHANNEL, ts=ts, text="two")
    after = client.conversations_history(channel=CHANNEL, include_all_metadata=True)["messages"][0]
    assert (after["text"], after["metadata"], len(after["blocks"])) == ("two", METADATA, 1)
    assert "edited" in after


def test_a_thread_is_read_page_by_page_with_its_parent_first(client: WebClient) -> None:
    ts = client.chat_postMessage(channel=CHANNEL, text="parent")["ts"]
    for number in range(4):
        client.chat_postMessage(channel=CHANNEL, text=str(number), thread_ts=ts)
    pages = client.conversations_replies(channel=CHANNEL, ts=ts, limit=2)
    texts = [[message["text"] for message in page["messages"]] for page in pages]
    assert texts == [["parent", "0"], ["1", "2"], ["3"]]
    assert client.conversations_history(channel=CHANNEL)["messages"][0]["reply_count"] == 4


def test_history_is_newest_first_and_pages_do_not_shift(client: WebClient) -> None:
    for number in range(3):
        client.chat_postMessage(channel=CHANNEL, text=str(number))
    first = client.conversations_history(channel=CHANNEL, limit=2)
    client.chat_postMessage(channel=CHANNEL, text="newer")
    cursor = first["response_metadata"]["next_cursor"]
    second = client.conversations_history(channel=CHANNEL, limit=2, cursor=cursor)
    assert [message["text"] for message in first["messages"]] == ["2", "1"]
    assert [message["text"] for message in second["messages"]] == ["0"]
    assert not second["has_more"]


def test_history_between_two_times_leaves_out_its_ends(client: WebClient) -> None:
    stamps = [client.chat_postMessage(channel=CHANNEL, text=str(n))["ts"] for n in range(3)]
    inside = client.conversations_history(channel=CHANNEL, oldest=stamps[0], latest=stamps[2])
    whole = client.conversations_history(channel=CHANNEL, oldest=stamps[0], latest=stamps[2], inclusive=True)
    assert [message["text"] for message in inside["messages"]] == ["1"]
    assert len(whole["messages"]) == 3


def test_people_are_found_by_id_and_address(client: WebClient) -> None:
    assert client.users_lookupByEmail(email="Manager@example.com")["user"]["id"] == "U0MANAGER"
    assert client.users_info(user="U0GUEST")["user"]["name"] == "guest"
    assert "U0DATABASE" in client.conversations_members(channel=CHANNEL)["members"]
    assert client.conversations_info(channel=CHANNEL)["channel"]["name"] == "onboarding"


def test_a_direct_conversation_can_be_opened_and_written_to(client: WebClient) -> None:
    direct = client.conversations_open(users=["U0MANAGER"])["channel"]["id"]
    assert client.chat_postMessage(channel="U0MANAGER", text="psst")["channel"] == direct


def test_a_permalink_names_channel_and_message(client: WebClient) -> None:
    ts = client.chat_postMessage(channel=CHANNEL, text="hi")["ts"]
    link = client.chat_getPermalink(channel=CHANNEL, message_ts=ts)["permalink"]
    assert link.endswith(f"/archives/{CHANNEL}/p{ts.replace('.', '')}")


def test_a_deleted_message_is_gone(client: WebClient) -> None:
    ts = client.chat_postMessage(channel=CHANNEL, text="hi")["ts"]
    client.chat_delete(channel=CHANNEL, ts=ts)
    assert client.conversations_history(channel=CHANNEL)["messages"] == []
    assert refusal(client.chat_update, channel=CHANNEL, ts=ts, text="x") == "message_not_found"


def test_a_reaction_is_added_once(client: WebClient) -> None:
    ts = client.chat_postMessage(channel=CHANNEL, text="hi")["ts"]
    client.reactions_add(channel=CHANNEL, timestamp=ts, name="tada")
    assert refusal(client.reactions_add, channel=CHANNEL, timestamp=ts, name="tada") == "already_reacted"


def test_a_file_is_uploaded_into_a_thread_and_read_back(slack: SlackServer, client: WebClient) -> None:
    ts = client.chat_postMessage(channel=CHANNEL, text="parent")["ts"]
    client.files_upload_v2(channel=CHANNEL, thread_ts=ts, filename="dossier.html", content="<p>")
    file = client.conversations_replies(channel=CHANNEL, ts=ts)["messages"][1]["files"][0]
    request = Request(file["url_private"], headers={"Authorization": f"Bearer {slack.bot_token}"})
    with urlopen(request, timeout=5) as response:
        assert response.read() == b"<p>"
    with urlopen(file["url_private"], timeout=5) as response:
        assert b"Sign in" in response.read()


def test_a_file_that_was_never_sent_cannot_be_shared(client: WebClient) -> None:
    file_id = client.files_getUploadURLExternal(filename="a", length=3)["file_id"]
    call = client.files_completeUploadExternal
    assert refusal(call, files=[{"id": file_id}], channel_id=CHANNEL) == "file_not_found"


POST, UPDATE = "chat.postMessage", "chat.update"
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (POST, {"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
    (POST, {"text": "x"}, "channel_not_found"),
    (POST, {"channel": CHANNEL}, "no_text"),
    (POST, {"channel": CHANNEL, "text": ""}, "no_text"),
    (POST, {"channel": CHANNEL, "text": "x" * 40_001}, "msg_too_long"),
    (POST, {"channel": CHANNEL, "text": "x", "thread_ts": "1700000000.000001"}, "thread_not_found"),
    (POST, {"channel": CHANNEL, "text": "x", "blocks": "not json"}, "invalid_blocks_format"),
    (POST, {"channel": CHANNEL, "text": "x", "blocks": {"type": "section"}}, "invalid_blocks_format"),
    (POST, {"channel": CHANNEL, "text": "x", "blocks": [{"type": "novel"}]}, "invalid_blocks"),
    (POST, {"channel": CHANNEL, "text": "x", "blocks": [section("y" * 2_900)] * 5}, "msg_blocks_too_long"),
    (POST, {"channel": CHANNEL, "text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_format"),
    (
        POST,
        {"channel": CHANNEL, "text": "x", "metadata": {"event_type": "a b", "event_payload": {}}},
        "invalid_metadata_format",
    ),
    (UPDATE, {"channel": CHANNEL, "ts": "1700000000.000001", "text": "x"}, "message_not_found"),
    (UPDATE, {"channel": CHANNEL, "text": "x"}, "invalid_arguments"),
    ("chat.delete", {"channel": CHANNEL, "ts": "1700000000.000001"}, "message_not_found"),
    ("chat.postEphemeral", {"channel": CHANNEL, "user": "U0NOBODY", "text": "x"}, "user_not_found"),
    ("chat.postEphemeral", {"channel": CHANNEL, "user": "U0GUEST"}, "no_text"),
    ("conversations.open", {"users": "U0NOBODY"}, "user_not_found"),
    ("conversations.open", {}, "users_list_not_supplied"),
    ("conversations.open", {"users": [{}]}, "invalid_arguments"),
    ("reactions.add", {"channel": CHANNEL, "timestamp": "1", "name": "tada"}, "bad_timestamp"),
    ("views.open", {"trigger_id": "1.2.3"}, "invalid_arguments"),
    ("views.publish", {"user_id": "U0NOBODY", "view": {"type": "home", "blocks": []}}, "user_not_found"),
    ("views.update", {"view_id": "V1", "view": {"type": "home", "blocks": []}}, "invalid_arguments"),
    ("files.completeUploadExternal", {"files": [{"id": "F0NONE"}]}, "file_not_found"),
]
READ_REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("conversations.replies", {"channel": CHANNEL, "ts": "1700000000.000001"}, "thread_not_found"),
    ("conversations.history", {"channel": CHANNEL, "cursor": "bm9wZQ=="}, "invalid_cursor"),
    ("conversations.history", {"channel": CHANNEL, "cursor": "\u00e9"}, "invalid_cursor"),
    ("conversations.history", {"channel": CHANNEL, "limit": 0}, "invalid_limit"),
    ("usergroups.users.list", {"usergroup": "S0NONE"}, "no_such_subteam"),
    ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
    ("users.lookupByEmail", {"email": "nobody@example.com"}, "users_not_found"),
    ("chat.getPermalink", {"channel": CHANNEL, "message_ts": "1700000000.000001"}, "message_not_found"),
]


@pytest.mark.parametrize(("method", "arguments", "error"), REFUSED)
def test_a_write_is_refused(shared_client: WebClient, method: str, arguments: dict[str, Any], error: str) -> None:
    assert refusal(shared_client.api_call, method, json=arguments) == error


@pytest.mark.parametrize(("method", "arguments", "error"), READ_REFUSED)
def test_a_read_is_refused(shared_client: WebClient, method: str, arguments: dict[str, Any], error: str) -> None:
    assert refusal(shared_client.api_call, method, http_verb="GET", params=arguments) == error


def test_the_bot_cannot_change_what_others_wrote(slack: SlackServer, client: WebClient) -> None:
    ts = slack.workspace.post(CHANNEL, "U0MANAGER", text="mine").ts
    assert refusal(client.chat_update, channel=CHANNEL, ts=ts, text="x") == "cant_update_message"
    assert refusal(client.chat_delete, channel=CHANNEL, ts=ts) == "cant_delete_message"


def test_the_bot_must_be_in_the_channel(slack: SlackServer, client: WebClient) -> None:
    slack.workspace.channels[CHANNEL].members.remove("U0BOT")
    assert refusal(client.chat_postMessage, channel=CHANNEL, text="x") == "not_in_channel"
    assert refusal(client.conversations_history, channel=CHANNEL) == "not_in_channel"


def test_a_reply_cannot_be_replied_to(client: WebClient) -> None:
    ts = client.chat_postMessage(channel=CHANNEL, text="parent")["ts"]
    reply = client.chat_postMessage(channel=CHANNEL, text="reply", thread_ts=ts)["ts"]
    call = client.chat_postMessage
    assert refusal(call, channel=CHANNEL, text="x", thread_ts=reply) == "cannot_reply_to_message"


def test_an_update_takes_less_text_than_a_post(client: WebClient) -> None:
    ts = client.chat_postMessage(channel=CHANNEL, text="x" * 5_000)["ts"]
    assert refusal(client.chat_update, channel=CHANNEL, ts=ts, text="x" * 4_001) == "msg_too_long"


def test_refused_blocks_name_the_place(client: WebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=CHANNEL, text="x", blocks=[section(), section("y" * 3001)])
    messages = caught.value.response["response_metadata"]["messages"]
    assert messages == ["[ERROR] must be less than 3001 characters [json-pointer:/blocks/1/text/text]"]


def test_keeping_a_block_id_over_an_update_is_noted(slack: SlackServer, client: WebClient) -> None:
    ts = client.chat_postMessage(channel=CHANNEL, text="a", blocks=[ticks("a", "b")])["ts"]
    client.chat_update(channel=CHANNEL, ts=ts, text="a", blocks=[ticks("a", "b", ticked=("a",))])
    assert ["new block_id" in warning for warning in slack.workspace.warnings] == [True]
    client.chat_update(channel=CHANNEL, ts=ts, text="a", blocks=[ticks("a", "b", block_id="portal:2:ticks")])
    assert len(slack.workspace.warnings) == 1


def test_every_call_is_logged_without_its_token(slack: SlackServer, client: WebClient) -> None:
    client.chat_postMessage(channel=CHANNEL, text="hi")
    call = slack.workspace.calls[-1]
    assert (call.method, call.status, call.body["ok"]) == ("chat.postMessage", 200, True)
    assert slack.bot_token not in str(call)


@pytest.mark.parametrize("named", ["#", "onboardin", "#D0MANAGER", "U0BOT", "U0NOBODY"])
def test_what_names_no_channel_reaches_none(client: WebClient, named: str) -> None:
    client.conversations_open(users=["U0MANAGER"])
    assert refusal(client.chat_postMessage, channel=named, text="x") == "channel_not_found"


ARGUMENTS = st.dictionaries(
    st.sampled_from(
        [
            "channel",
            "text",
            "blocks",
            "attachments",
            "metadata",
            "ts",
            "thread_ts",
            "message_ts",
            "timestamp",
            "name",
            "user",
            "users",
            "user_id",
            "email",
            "usergroup",
            "view",
            "view_id",
            "external_id",
            "trigger_id",
            "hash",
            "cursor",
            "limit",
            "oldest",
            "latest",
            "filename",
            "length",
            "files",
            "channel_id",
        ]
    ),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.sampled_from([CHANNEL, "U0MANAGER", "1700000000.000000", "[]", "{}", "null", "5", "[{}]", "bmV4dDo="])
        | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["type", "id", "event_type", "event_payload", "blocks"]), inner, max_size=3
            )
        ),
        max_leaves=6,
    ),
)


@pytest.mark.parametrize("method", sorted(METHODS))
@given(arguments=ARGUMENTS, channel=st.sampled_from([{}, {"channel": CHANNEL}]))
@settings(max_examples=40, deadline=None)
def test_any_arguments_are_answered_or_refused(method: str, arguments: dict[str, Any], channel: dict[str, str]) -> None:
    try:
        assert isinstance(METHODS[method](Workspace(), Arguments(arguments | channel)), dict)
    except SlackError as refused:
        assert refused.as_json()["ok"] is False
