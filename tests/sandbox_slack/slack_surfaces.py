"""Messages and views for the tests, in Slack's own JSON."""

from typing import Any

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str) -> Json:
    return {"text": plain(value.capitalize()), "value": value}


def section(text: str = "Hello", **more: Any) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def ticks(*values: str, ticked: tuple[str, ...] = (), block_id: str = "portal:1:ticks") -> Json:
    boxes: Json = {"type": "checkboxes", "action_id": "ticks", "options": [option(value) for value in values]}
    if ticked:
        boxes["initial_options"] = [option(value) for value in ticked]
    return {"type": "actions", "block_id": block_id, "elements": [boxes]}


def button(action_id: str, value: str, text: str = "Go") -> Json:
    return {"type": "button", "action_id": action_id, "value": value, "text": plain(text)}


def actions(*elements: Json, block_id: str = "portal:1:actions") -> Json:
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def text_input(block_id: str, **more: Any) -> Json:
    element = {"type": "plain_text_input", "action_id": "value", **more}
    return {"type": "input", "block_id": block_id, "label": plain(block_id), "element": element}


def modal(*blocks: Json, **more: Any) -> Json:
    view = {"type": "modal", "callback_id": "start", "title": plain("Start"), "submit": plain("Start")}
    return {**view, "blocks": list(blocks), **more}


def home(*blocks: Json, **more: Any) -> Json:
    return {"type": "home", "blocks": list(blocks), **more}
