"""What Slack takes, by two witnesses that know nothing of the bot or its sandbox: slack_sdk's own models, and the rules
that these leave out. Each answers with what is wrong, and nothing where all is well.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

BLOCKS = {"message": 50, "modal": 100, "home": 100}
# Undocumented; messages were refused as too long at about 13,200 characters.
MESSAGE_TEXTS = 13_000
ANSWER = 40_000
VIEW = 250_000
OPTIONS = {"checkboxes": 10, "radio_buttons": 10, "overflow": 5, "static_select": 100}
# What mrkdwn of ours may hold between pointed brackets.
MARKUP = re.compile(
    r"<(?:@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+|!date\^\d+\^[^<>^|]+\|[^<>|]+|https?://[^<>|\s]+(?:\|[^<>|]+)?)>"
)


def wrong_with_message(text: str, blocks: Sequence[dict[str, Any]]) -> list[str]:
    """What is wrong with a message."""
    found = [*_models(blocks), *_rules(blocks, "message"), *wrong_with_text(text)]
    if sum(len(each["text"]) for each in _texts(list(blocks))) > MESSAGE_TEXTS:
        found.append("msg_blocks_too_long")
    return [*found, *([] if text.strip() else ["no text beside the blocks"])]


def wrong_with_view(view: Mapping[str, Any]) -> list[str]:
    """What is wrong with a modal or a Home tab."""
    found = [*_models(view["blocks"]), *_rules(view["blocks"], view["type"])]
    try:
        View(**view).validate_json()
    except SlackObjectFormationError as refused:
        found.append(f"view: {refused}")
    if len(json.dumps(view)) > VIEW:
        found.append("view_too_large")
    words = [view[name]["text"] for name in ("title", "submit", "close") if name in view]
    found += [f"a title or button of {len(word)}" for word in words if not 0 < len(word) <= 24]
    if len(view.get("private_metadata", "")) > 3_000 or len(view.get("callback_id", "")) > 255:
        found.append("private_metadata or callback_id too long")
    if view["type"] == "modal" and "submit" not in view and any(each["type"] == "input" for each in view["blocks"]):
        found.append("an input without submit")
    return found


def wrong_with_text(text: str) -> list[str]:
    """What is wrong with a text of mrkdwn: too long, or with words of people's that are markup now."""
    left = MARKUP.sub("", text)
    found = [f"markup in {left[max(0, left.find(sign) - 20) :][:60]!r}" for sign in "<>" if sign in left]
    return found + ([f"a text of {len(text)}"] if len(text) > ANSWER else [])


def _models(blocks: Sequence[dict[str, Any]]) -> list[str]:
    found = []
    for block in blocks:
        parsed = Block.parse(dict(block))
        if parsed is None:
            found.append(f"unknown block {block.get('type')}")
            continue
        try:
            parsed.validate_json()
        except SlackObjectFormationError as refused:
            found.append(f"{block.get('block_id')}: {refused}")
    return found


def _rules(blocks: Sequence[dict[str, Any]], surface: str) -> Iterator[str]:
    if not 0 < len(blocks) <= BLOCKS[surface]:
        yield f"{len(blocks)} blocks"
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) != len(set(ids)) or any(not 0 < len(each) <= 255 for each in ids):
        yield f"block ids {ids}"
    for each in _texts(list(blocks)):
        if not each["text"]:
            yield "an empty text"
        if each["type"] == "mrkdwn":
            yield from wrong_with_text(each["text"])
    for block in blocks:
        yield from _wrong_with_block(block)


def _wrong_with_block(block: Mapping[str, Any]) -> Iterator[str]:
    most = {"section": 3_000, "header": 150}.get(block["type"])
    if most is not None and len(block["text"]["text"]) > most:
        yield f"{block['type']} of {len(block['text']['text'])}"
    if block["type"] == "context" and not (0 < len(block["elements"]) <= 10):
        yield "context elements"
    if block["type"] == "actions" and not (0 < len(block["elements"]) <= 25):
        yield "actions elements"
    said = [block[name]["text"] for name in ("label", "hint") if block["type"] == "input" and name in block]
    if any(len(text) > 2_000 for text in said):
        yield "label or hint"
    elements = [*block.get("elements", ()), *(block[name] for name in ("element", "accessory") if name in block)]
    interactive = [each for each in elements if each["type"] not in {"mrkdwn", "plain_text", "image"}]
    names = [each["action_id"] for each in interactive]
    if len(names) != len(set(names)):
        yield f"action ids {names}"
    for element in interactive:
        yield from _wrong_with_element(element)


def _wrong_with_element(element: Mapping[str, Any]) -> Iterator[str]:
    kind = element["type"]
    if not 0 < len(element["action_id"]) <= 255 or len(element.get("placeholder", {}).get("text", "")) > 150:
        yield "action_id or placeholder"
    if kind == "button":
        if not 0 < len(element["text"]["text"]) <= 75 or len(element.get("value", "")) > 2_000:
            yield "button text or value"
        if len(element.get("url", "")) > 3_000:
            yield "button url"
    if kind in OPTIONS:
        yield from _wrong_with_options(element)
    if kind == "plain_text_input":
        most = element.get("max_length", 3_000)
        if most > 3_000 or len(element.get("initial_value", "")) > most:
            yield "input length"
    dialog = element.get("confirm")
    if dialog:
        limits = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
        yield from (name for name, most in limits.items() if not 0 < len(dialog[name]["text"]) <= most)


def _wrong_with_options(element: Mapping[str, Any]) -> Iterator[str]:
    options = element["options"]
    if not 0 < len(options) <= OPTIONS[element["type"]]:
        yield f"{len(options)} options"
    values = [option["value"] for option in options]
    if len(values) != len(set(values)):
        yield f"option values {values}"
    for option in options:
        if not 0 < len(option["text"]["text"]) <= 75 or not 0 < len(option["value"]) <= 150:
            yield f"option {option}"
    chosen = [
        *element.get("initial_options", []),
        *([element["initial_option"]] if "initial_option" in element else []),
    ]
    if any(each not in options for each in chosen) or ("initial_options" in element and not chosen):
        yield "initial options"


def _texts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") in {"mrkdwn", "plain_text"}:
            yield value
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
