"""The page for a person in a browser: what it shows, and its forms, sent as a browser sends them."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from slack_sdk import WebClient
from slack_surfaces import actions, button, home, modal, option, plain, section, text_input, ticks

from bot.sandbox.slack import SlackServer
from bot.sandbox.slack.mrkdwn_html import mrkdwn_html

CHANNEL = "C0ONBOARD"
WHO = {"user": "U0MANAGER", "channel": CHANNEL}


def page(slack: SlackServer, user: str = "U0MANAGER") -> str:
    answer = requests.get(slack.url, params={"user": user}, timeout=5)
    answer.raise_for_status()
    return answer.text


def send(slack: SlackServer, deed: str, fields: list[tuple[str, str]], **more: Any) -> requests.Response:
    answer = requests.post(f"{slack.url}/page/{deed}", params=WHO, data=fields, timeout=10, **more)
    answer.raise_for_status()
    return answer


def act(ts: str, kind: str, block_id: str, action_id: str, *values: str) -> list[tuple[str, str]]:
    ids = [("ts", ts), ("kind", kind), ("block_id", block_id), ("action_id", action_id)]
    return ids + [("value", value) for value in values]


def test_messages_threads_and_controls_are_shown(slack: SlackServer, client: WebClient) -> None:
    blocks = [section("*Portal* of <@U0MANAGER>"), ticks("a", "b", ticked=("b",)), actions(button("go", "1"))]
    ts = client.chat_postMessage(channel=CHANNEL, text="x", blocks=blocks)["ts"]
    client.chat_postMessage(channel=CHANNEL, text="<b>not markup</b>", thread_ts=ts)
    shown = page(slack)
    assert "<b>Portal</b> of <b>@Marta Manager</b>" in shown
    assert re.search(r'value="b" checked', shown)
    assert not re.search(r'value="a" checked', shown)
    assert "&lt;b&gt;not markup&lt;/b&gt;" in shown
    assert 'name="action_id" value="go"' in shown


def test_private_messages_are_shown_to_one_only(slack: SlackServer, client: WebClient) -> None:
    client.chat_postEphemeral(channel=CHANNEL, user="U0MANAGER", text="psst")
    assert "psst" in page(slack)
    assert "psst" not in page(slack, "U0DATABASE")


def test_every_kind_of_control_can_be_drawn(slack: SlackServer, client: WebClient) -> None:
    kinds = ["radio_buttons", "static_select", "multi_static_select", "overflow"]
    blocks = [
        section(accessory={"type": kind, "action_id": "a", "options": [option("x")]}, block_id=kind) for kind in kinds
    ]
    others = ["datepicker", "timepicker", "datetimepicker", "users_select", "multi_users_select"]
    blocks += [actions({"type": kind, "action_id": "a"}, block_id=kind) for kind in others]
    blocks += [{"type": "divider"}, {"type": "header", "text": plain("Head")}, text_input("typed")]
    blocks += [{"type": "context", "elements": [plain("small print")]}]
    blocks += [{"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a chart"}]
    client.chat_postMessage(channel=CHANNEL, text="x", blocks=blocks)
    shown = page(slack)
    for kind in (*kinds, *others, "typed"):
        assert f'name="block_id" value="{kind}"' in shown
    assert "small print" in shown
    assert "a chart" in shown


def test_buttons_and_boxes_reach_the_app(slack: SlackServer, client: WebClient, app: Any) -> None:
    blocks = [ticks("a", "b", ticked=("b",)), actions(button("confirm", "v"))]
    ts = client.chat_postMessage(channel=CHANNEL, text="x", blocks=blocks)["ts"]
    send(slack, "act", act(ts, "button", "portal:1:actions", "confirm", "v"))
    send(slack, "act", act(ts, "checkboxes", "portal:1:ticks", "ticks", "a", "b"))
    send(slack, "act", act(ts, "checkboxes", "portal:1:ticks", "ticks"))
    clicked, ticked, emptied = (payload["actions"][0] for payload in app.payloads)
    assert clicked["value"] == "v"
    assert [chosen["value"] for chosen in ticked["selected_options"]] == ["a", "b"]
    assert emptied["selected_options"] == []


def test_a_command_is_run_and_its_answer_shown(slack: SlackServer, app: Any) -> None:
    app.answer = lambda _: {"text": "try start"}
    answer = send(slack, "say", [("text", "/onboard help")])
    assert app.payloads[0]["text"] == "help"
    assert "try start" in answer.text
    assert "Only visible to you" in answer.text


def test_a_reply_with_a_file_goes_into_the_thread(slack: SlackServer, client: WebClient) -> None:
    ts = client.chat_postMessage(channel=CHANNEL, text="parent")["ts"]
    send(slack, "say", [("thread_ts", ts), ("text", "here")], files={"file": ("test.mdb", b"\x00")})
    reply = client.conversations_replies(channel=CHANNEL, ts=ts)["messages"][1]
    assert (reply["text"], reply["files"][0]["name"]) == ("here", "test.mdb")


def test_a_modal_is_filled_in_complained_about_and_sent(slack: SlackServer, client: WebClient, app: Any) -> None:
    element = {"type": "static_select", "action_id": "value", "options": [option("es"), option("fr")]}
    choice = {"type": "input", "block_id": "operator", "label": plain("Operator"), "dispatch_action": True}
    view = modal(text_input("client"), {**choice, "element": element})
    trigger = slack.workspace.new_trigger("U0MANAGER")
    view_id = client.views_open(trigger_id=trigger, view=view)["view"]["id"]
    shown = page(slack)
    names = [unescape(name) for name in re.findall(r'name="([^"]+/value)"', shown)]
    assert names == ["client/value", "operator/value"]
    incomplete = [("view_id", view_id), ("client/value", ""), ("operator/value", "fr")]
    assert "Please complete this required field." in send(slack, "submit", incomplete).text
    assert [payload["type"] for payload in app.payloads] == ["block_actions"]
    complete = [("view_id", view_id), ("client/value", "ACME"), ("operator/value", "fr")]
    assert "<dialog" not in send(slack, "submit", complete).text
    values = app.payloads[-1]["view"]["state"]["values"]
    assert values["client"]["value"]["value"] == "ACME"
    assert values["operator"]["value"]["selected_option"]["value"] == "fr"


def test_a_modal_can_be_closed_and_its_buttons_pressed(slack: SlackServer, client: WebClient, app: Any) -> None:
    view = modal(actions(button("more", "v"), block_id="extra"))
    trigger = slack.workspace.new_trigger("U0MANAGER")
    view_id = client.views_open(trigger_id=trigger, view=view)["view"]["id"]
    pressed = [("view_id", view_id), ("kind", "button"), ("block_id", "extra"), ("action_id", "more"), ("value", "v")]
    assert "<dialog" in send(slack, "act", pressed).text
    assert app.payloads[0]["container"]["type"] == "view"
    assert "<dialog" not in send(slack, "close", [("view_id", view_id)]).text


def test_the_home_tab_is_shown_once_published(slack: SlackServer, client: WebClient) -> None:
    assert "My steps" not in page(slack)
    client.views_publish(user_id="U0MANAGER", view=home(section("My steps")))
    assert "My steps" in page(slack)


@pytest.mark.parametrize("deed", ["say", "act"])
def test_trouble_is_told_on_the_page(slack: SlackServer, client: WebClient, deed: str) -> None:
    ts = client.chat_postMessage(channel=CHANNEL, text="x", blocks=[actions(button("confirm", "v"))])["ts"]
    fields = [("text", "/onboard")] if deed == "say" else act(ts, "button", "portal:1:actions", "confirm", "v")
    assert '<p class="trouble" role="alert">dispatch_failed</p>' in send(slack, deed, fields).text


def test_a_stale_form_says_so(slack: SlackServer, client: WebClient) -> None:
    ts = client.chat_postMessage(channel=CHANNEL, text="x", blocks=[section()])["ts"]
    assert "no longer shown" in send(slack, "act", act(ts, "button", "gone", "confirm", "v")).text


def test_the_version_changes_with_the_page(slack: SlackServer, client: WebClient) -> None:
    def version() -> str:
        return str(requests.get(f"{slack.url}/page/version", params=WHO, timeout=5).json())

    before = version()
    assert version() == before
    client.chat_postMessage(channel=CHANNEL, text="new")
    assert version() != before


def test_a_permalink_leads_to_the_message_on_the_page(slack: SlackServer, client: WebClient) -> None:
    ts = client.chat_postMessage(channel=CHANNEL, text="x")["ts"]
    link = client.chat_getPermalink(channel=CHANNEL, message_ts=ts)["permalink"]
    answer = requests.get(link, timeout=5, allow_redirects=False)
    target = urlsplit(answer.headers["location"])
    assert target.fragment == ts
    assert parse_qs(target.query)["channel"] == [CHANNEL]


def test_a_direct_conversation_is_shown_to_its_member_alone(slack: SlackServer, client: WebClient) -> None:
    sent = client.chat_postMessage(channel="U0DATABASE", text="between us")
    link = client.chat_getPermalink(channel=sent["channel"], message_ts=sent["ts"])["permalink"]
    shown = requests.get(link, timeout=5)
    assert "between us" in shown.text
    assert parse_qs(urlsplit(shown.url).query)["user"] == ["U0DATABASE"]
    stranger = {"user": "U0MANAGER", "channel": sent["channel"]}
    assert requests.get(slack.url, params=stranger, timeout=5).status_code == 404


def test_somebody_elses_page_opens_on_the_first_channel(slack: SlackServer, client: WebClient) -> None:
    client.chat_postMessage(channel="U0DATABASE", text="between us")
    own = requests.get(slack.url, params={"user": "U0DATABASE", "channel": "D0DATABASE"}, timeout=5).text
    link = next(unescape(found) for found in re.findall(r'href="([^"]*)"', own) if "user=U0MANAGER" in found)
    answer = requests.get(slack.url + link, timeout=5)
    assert answer.status_code == 200
    assert "#onboarding" in answer.text
    assert "between us" not in answer.text


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("*bold* _it_ ~no~", "<b>bold</b> <i>it</i> <s>no</s>"),
        ("a_b_c 2*3*4", "a_b_c 2*3*4"),
        ("`*raw*`", "<code>*raw*</code>"),
        ("```\n<x>\n```", "<pre>&lt;x&gt;</pre>"),
        ("a &amp; b &lt;c&gt;", "a &amp; b &lt;c&gt;"),
        ("<https://example.com/?a=1&amp;b=2|here>", '<a href="https://example.com/?a=1&amp;b=2">here</a>'),
        ("<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;"),
        ('<https://example.com/"onmouseover="x|y>', '<a href="https://example.com/&quot;onmouseover=&quot;x">y</a>'),
        ("<@U1> in <#C1|jobs>", "<b>@Ann</b> in <b>#jobs</b>"),
        ("<!here> at <!date^1795515483^{time}|10:18>", "<b>@here</b> at 10:18"),
        ("one\ntwo", "one<br>two"),
        ("<img src=x>", "&lt;img src=x&gt;"),
        ("&gt; quoted", "<q>quoted</q>"),
    ],
)
def test_mrkdwn_becomes_html_and_nothing_else_does(text: str, markup: str) -> None:
    assert str(mrkdwn_html(text, {"U1": "Ann"})) == markup
