"""Small builders of Block Kit, within Slack's limits: button 75, option 75, header 150, section 3,000 characters."""

from collections.abc import Iterator
from typing import Any

from bot.slack.mrkdwn import SECTION, shortened

Block = dict[str, Any]

MOST_OPTIONS = 100
MOST_BLOCKS = 50
# Slack's limit on all texts of a message together is not documented; messages of 13,200 characters were refused.
MOST_TEXT = 12_000
DIALOG_TEXT = 300


def plain(text: str, most: int) -> Block:
    """A plain text object; Slack refuses an empty one."""
    return {"type": "plain_text", "text": shortened(text, most) or "—", "emoji": True}


def header(text: str) -> Block:
    """A headline."""
    return {"type": "header", "text": plain(text, 150)}


def section(text: str, block_id: str | None = None) -> Block:
    """A paragraph of mrkdwn."""
    block: Block = {"type": "section", "text": {"type": "mrkdwn", "text": shortened(text, SECTION) or "—"}}
    return block | ({"block_id": block_id} if block_id else {})


def context(text: str) -> Block:
    """A small grey line of mrkdwn."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": shortened(text, SECTION) or "—"}]}


def option(text: str, value: str) -> Block:
    """A choice of a select, of radio buttons or of checkboxes."""
    return {"text": plain(text, 75), "value": value}


def button(text: str, action_id: str, value: str, *, style: str | None = None, url: str | None = None) -> Block:
    """A button; with ``url`` it opens a page."""
    element: Block = {"type": "button", "text": plain(text, 75), "action_id": action_id, "value": value}
    if style:
        element["style"] = style
    if url:
        element["url"] = shortened(url, 3_000)
    return element


def confirm(title: str, text: str, yes: str, no: str) -> Block:
    """The dialog before what cannot be taken back."""
    return {
        "title": plain(title, 100),
        "text": plain(text, DIALOG_TEXT),
        "confirm": plain(yes, 30),
        "deny": plain(no, 30),
    }


def question(block_id: str, label: str, element: Block, *, optional: bool = False, hint: str = "") -> Block:
    """An input of a modal."""
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label, 2_000),
        "element": element,
        "optional": optional,
    }
    return block | ({"hint": plain(hint, 2_000)} if hint else {})


def text_size(value: object) -> int:
    """Return how many characters all the texts in some blocks have together, as Slack counts them for a message."""
    return sum(len(text) for text in _texts(value))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("type") in {"mrkdwn", "plain_text"}:
            yield value["text"]
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
