"""The page in a real browser: what its small script adds to the forms."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from slack_app import eventually
from slack_sdk import WebClient
from slack_surfaces import actions, button, modal, option, plain, text_input, ticks

from bot.sandbox.slack import SlackServer

CHANNEL = "C0ONBOARD"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is missing: apt-get install chromium")
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any, slack: SlackServer) -> Iterator[Page]:
    context = chromium.new_context()
    opened = context.new_page()
    opened.goto(slack.url)
    yield opened
    context.close()


def test_a_box_is_sent_as_soon_as_it_is_ticked(client: WebClient, app: Any, page: Page) -> None:
    client.chat_postMessage(channel=CHANNEL, text="x", blocks=[ticks("a", "b", ticked=("b",))])
    page.reload()
    page.get_by_label("A", exact=True).check()
    eventually(lambda: app.requests)
    chosen = app.payloads[0]["actions"][0]["selected_options"]
    assert [each["value"] for each in chosen] == ["a", "b"]


def test_a_button_that_asks_is_only_sent_when_confirmed(client: WebClient, app: Any, page: Page) -> None:
    question = {"title": plain("Skip"), "text": plain("Really skip?")}
    blocks = [actions(button("skip", "v", "Skip") | {"confirm": question}, button("go", "w", "Go on"))]
    client.chat_postMessage(channel=CHANNEL, text="x", blocks=blocks)
    page.reload()
    asked: list[str] = []

    def refuse(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", refuse)
    page.get_by_role("button", name="Skip").click()
    assert asked == ["Really skip?"]
    page.get_by_role("button", name="Go on").click()
    eventually(lambda: app.requests)
    assert [payload["actions"][0]["action_id"] for payload in app.payloads] == ["go"]


def test_what_is_new_appears_by_itself(client: WebClient, page: Page) -> None:
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    client.chat_postMessage(channel=CHANNEL, text="out of the blue")
    expect(page.get_by_text("out of the blue")).to_be_visible()


def test_a_choice_in_a_modal_dispatches_and_keeps_what_was_typed(
    slack: SlackServer, client: WebClient, app: Any, page: Page
) -> None:
    element = {"type": "static_select", "action_id": "value", "options": [option("es"), option("fr")]}
    choice = {"type": "input", "block_id": "operator", "label": plain("Operator"), "dispatch_action": True}
    view = modal(text_input("client"), {**choice, "element": element})
    client.views_open(trigger_id=slack.workspace.new_trigger("U0MANAGER"), view=view)
    page.reload()
    page.locator("[name='client/value']").fill("ACME")
    page.locator("[name='operator/value']").select_option("fr")
    eventually(lambda: app.requests)
    expect(page.locator("[name='client/value']")).to_have_value("ACME")
    page.locator("dialog").get_by_role("button", name="Start").click()
    expect(page.locator("dialog")).to_have_count(0)
    assert [payload["type"] for payload in app.payloads] == ["block_actions", "view_submission"]
