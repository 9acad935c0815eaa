"""Files that people bring: into threads, into modals; what the app hears of them, and may read."""

import logging
from typing import Any

import pytest
import requests
from slack_app import SocketApp, eventually
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_surfaces import modal, plain, section

from bot.sandbox.slack import SlackPerson, SlackServer

CHANNEL = "C0ONBOARD"
MDB = b"\x00\x01\x00\x00Standard Jet DB"


def file_block(**element: Any) -> dict[str, Any]:
    input_ = {"type": "file_input", "action_id": "value", **element}
    return {"type": "input", "block_id": "file", "label": plain("File"), "optional": True, "element": input_}


def with_file_field(slack: SlackServer, client: WebClient, **element: Any) -> dict[str, Any]:
    view = modal(file_block(**element), submit=plain("Send"))
    opened: dict[str, Any] = client.views_open(trigger_id=slack.workspace.new_trigger("U0MANAGER"), view=view)["view"]
    return opened


def refusal(call: Any, **named: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(**named)
    return str(caught.value.response["error"])


def thread(client: WebClient) -> str:
    return str(client.chat_postMessage(channel=CHANNEL, text="parent", blocks=[section()])["ts"])


def test_a_file_in_a_thread_is_an_event_of_its_own_subtype_that_names_thread_and_file(
    client: WebClient, manager: SlackPerson, app: SocketApp
) -> None:
    ts = thread(client)
    manager.say("here", thread_ts=ts, files={"a.mdb": MDB})
    event = eventually(lambda: app.payloads and app.payloads[-1])["event"]
    assert (event["type"], event["subtype"], event["thread_ts"]) == ("message", "file_share", ts)
    assert [(file["name"], file["size"], file["filetype"]) for file in event["files"]] == [("a.mdb", len(MDB), "mdb")]
    told = client.files_info(file=event["files"][0]["id"])["file"]
    assert told["shares"]["public"][CHANNEL][0]["thread_ts"] == ts


def test_without_the_scopes_there_is_no_event_no_word_of_the_file_and_no_byte() -> None:
    with SlackServer(scopes={"commands", "chat:write"}) as slack:
        client = WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        app = SocketApp(slack)
        manager = SlackPerson(slack.url, "U0MANAGER")
        manager.say("here", files={"a.mdb": MDB})
        [id_] = slack.workspace.uploads
        assert refusal(client.files_info, file=id_) == "missing_scope"
        headers = {"Authorization": f"Bearer {slack.bot_token}"}
        page = requests.get(f"{slack.url}/files/{id_}/a.mdb", headers=headers, timeout=5)
        assert (page.status_code, page.headers["Content-Type"].partition(";")[0]) == (200, "text/html")
        assert app.payloads == []
        app.close().join(10)


def test_a_file_of_a_channel_that_the_app_is_not_in_is_not_there_for_it(
    slack: SlackServer, client: WebClient, manager: SlackPerson, app: SocketApp
) -> None:
    slack.workspace.channels[CHANNEL].members.remove(slack.workspace.bot.id)
    manager.say("here", files={"a.mdb": MDB})
    [id_] = slack.workspace.uploads
    assert refusal(client.files_info, file=id_) == "file_not_found"
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    assert requests.get(f"{slack.url}/files/{id_}/a.mdb", headers=headers, timeout=5).status_code == 404
    assert app.payloads == []


def test_a_deleted_file_says_so(slack: SlackServer, client: WebClient, manager: SlackPerson) -> None:
    manager.say("here", files={"a.mdb": MDB})
    [upload] = slack.workspace.uploads.values()
    upload.deleted = True
    assert refusal(client.files_info, file=upload.id) == "file_deleted"
    assert refusal(client.files_info, file="F0NONE") == "file_not_found"


def test_a_file_entered_in_a_modal_comes_with_the_submission_and_can_be_read(
    slack: SlackServer, client: WebClient, manager: SlackPerson, app: SocketApp
) -> None:
    with_file_field(slack, client, filetypes=["mdb", "pdf"], max_files=2)
    manager.enter_files(None, "file", {"a.mdb": MDB})
    assert manager.submit() == {}
    [payload] = app.payloads
    [file] = payload["view"]["state"]["values"]["file"]["value"]["files"]
    assert client.files_info(file=file["id"])["file"]["size"] == len(MDB)
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    assert requests.get(file["url_private"], headers=headers, timeout=5).content == MDB


def test_the_client_lets_nobody_pick_another_type_or_too_many(
    slack: SlackServer, client: WebClient, manager: SlackPerson
) -> None:
    with_file_field(slack, client, filetypes=["pdf"], max_files=1)
    with pytest.raises(LookupError, match=r"a\.mdb"):
        manager.enter_files(None, "file", {"a.mdb": MDB})
    with pytest.raises(LookupError, match="1 files at most"):
        manager.enter_files(None, "file", {"a.pdf": b"1", "b.pdf": b"2"})


@pytest.mark.parametrize("element", [{"max_files": 11}, {"max_files": 0}, {"filetypes": []}, {"filetypes": [".pdf"]}])
def test_a_file_field_that_slack_would_refuse_is_refused(
    shared_slack: SlackServer, shared_client: WebClient, element: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    with pytest.raises(SlackApiError) as caught:
        with_file_field(shared_slack, shared_client, **element)
    assert caught.value.response["error"] == "invalid_arguments"


def test_a_message_has_no_file_field(shared_client: WebClient) -> None:
    error = refusal(shared_client.chat_postMessage, channel=CHANNEL, text="t", blocks=[file_block()])
    assert error == "invalid_blocks"
