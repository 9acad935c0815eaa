"""What Slack refuses in messages, modals and Home tabs (the limits of its Block Kit reference).

Every problem is reported, with the JSON pointer that Slack gives in ``response_metadata.messages``.
"""

import json
from collections.abc import Callable, Iterator
from secrets import token_urlsafe
from typing import Any, Literal

from bot.sandbox.slack.checker import Checker, Problem
from bot.sandbox.slack.elements import ANY_TEXT, IN_ACTIONS, IN_INPUT, IN_SECTION, INTERACTIVE, check_element

Surface = Literal["message", "modal", "home"]

BLOCKS_AT_MOST: dict[Surface, int] = {"message": 50, "modal": 100, "home": 100}
TEXT_OF_ALL_BLOCKS = 13_200

_Check = Callable[[Checker, dict[str, Any], str], None]


def check_blocks(blocks: object, *, pointer: str = "/blocks", surface: Surface = "message") -> list[Problem]:
    """Everything wrong with a list of blocks on the given surface."""
    checker = Checker()
    _blocks(checker, blocks, pointer, surface)
    return checker.problems


def check_view(view: object, *, pointer: str = "/view") -> list[Problem]:
    """Everything wrong with a modal or a Home tab."""
    checker = Checker()
    kind = view.get("type") if isinstance(view, dict) else None
    if not isinstance(view, dict) or kind not in ("modal", "home"):
        checker.report(f"{pointer}/type", f"unsupported type: {kind}")
        return checker.problems
    common = ("private_metadata", "callback_id", "external_id")
    modal = ("submit", "close", "clear_on_close", "notify_on_close", "submit_disabled")
    required = ("title", "blocks") if kind == "modal" else ("blocks",)
    checker.members(view, pointer, required=required, optional=common + modal if kind == "modal" else common)
    for name in ("title", "submit", "close"):
        checker.text(view, name, pointer, at_most=24)
    for name in ("clear_on_close", "notify_on_close", "submit_disabled"):
        checker.flag(view, name, pointer)
    checker.string(view, "private_metadata", pointer, at_most=3000, at_least=0)
    checker.string(view, "callback_id", pointer, at_most=255, at_least=0)
    checker.string(view, "external_id", pointer, at_most=255, at_least=0)
    blocks = view.get("blocks", [])
    _blocks(checker, blocks, f"{pointer}/blocks", "modal" if kind == "modal" else "home")
    has_input = isinstance(blocks, list) and any(
        isinstance(block, dict) and block.get("type") == "input" for block in blocks
    )
    if kind == "modal" and has_input and "submit" not in view:
        checker.report(pointer, "missing required field: submit")
    return checker.problems


def text_length(blocks: list[dict[str, Any]]) -> int:
    """The characters of all texts in the blocks; Slack refuses a message near 13,200."""
    return sum(len(text["text"]) for text in _texts(blocks))


def normalised(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks as Slack stores and returns them: ids where none was given, texts completed."""
    # Through JSON, not deepcopy, which would keep a block that stands in the list twice one object.
    stored: list[dict[str, Any]] = json.loads(json.dumps(blocks))
    for block in stored:
        block.setdefault("block_id", token_urlsafe(4))
        for element in elements_of(block):
            if element.get("type") in INTERACTIVE:
                element.setdefault("action_id", token_urlsafe(4))
    for text in _texts(stored):
        if text["type"] == "plain_text":
            text.setdefault("emoji", True)
        else:
            text.setdefault("verbatim", False)
    return stored


def elements_of(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The elements of a block: accessory, element or elements."""
    for name in ("accessory", "element"):
        if isinstance(block.get(name), dict):
            yield block[name]
    elements = block.get("elements")
    if isinstance(elements, list):
        yield from (element for element in elements if isinstance(element, dict))


def repeated_action_ids(blocks: list[dict[str, Any]]) -> list[str]:
    """Action ids used in more than one block: accepted by Slack, though it advises against it."""
    seen: set[str] = set()
    repeated: list[str] = []
    for block in blocks:
        ids = {element["action_id"] for element in elements_of(block) if "action_id" in element}
        repeated.extend(sorted(ids & seen))
        seen |= ids
    return repeated


def _texts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") in ANY_TEXT and isinstance(value.get("text"), str):
            yield value
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _blocks(checker: Checker, blocks: object, pointer: str, surface: Surface) -> None:
    if not isinstance(blocks, list):
        checker.report(pointer, "must be an array")
        return
    if len(blocks) > BLOCKS_AT_MOST[surface]:
        checker.report(pointer, f"no more than {BLOCKS_AT_MOST[surface]} items allowed")
    ids: set[str] = set()
    for position, block in enumerate(blocks):
        place = f"{pointer}/{position}"
        _block(checker, block, place, surface)
        block_id = block.get("block_id") if isinstance(block, dict) else None
        if isinstance(block_id, str):
            if block_id in ids:
                checker.report(f"{place}/block_id", f"`block_id` {block_id} already exists")
            ids.add(block_id)


def _block(checker: Checker, block: object, pointer: str, surface: Surface) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(block, dict) or not isinstance(kind, str) or kind not in _BLOCKS:
        checker.report(f"{pointer}/type", f"unsupported type: {kind}")
        return
    if kind in _MESSAGE_ONLY and surface != "message":
        checker.report(f"{pointer}/type", f"unsupported type: {kind} (only in messages)")
        return
    element = block.get("element")
    if surface != "modal" and isinstance(element, dict) and element.get("type") in _MODAL_ONLY:
        checker.report(f"{pointer}/element/type", f"unsupported type: {element['type']} (only in modals)")
        return
    required, optional, check = _BLOCKS[kind]
    checker.members(block, pointer, required=required, optional=(*optional, "block_id"))
    checker.identifier(block, "block_id", pointer)
    check(checker, block, pointer)
    ids: set[str] = set()
    for element in elements_of(block):
        action_id = element.get("action_id")
        if isinstance(action_id, str):
            if action_id in ids:
                checker.report(pointer, f"`action_id` {action_id} already exists")
            ids.add(action_id)


def _section(checker: Checker, block: dict[str, Any], pointer: str) -> None:
    if "text" not in block and "fields" not in block:
        checker.report(pointer, "missing required field: text")
    checker.text(block, "text", pointer, at_most=3000, kinds=ANY_TEXT)
    for position, field in enumerate(checker.items(block, "fields", pointer, at_most=10)):
        checker.text_object(field, f"{pointer}/fields/{position}", at_most=2000, kinds=ANY_TEXT)
    if "accessory" in block:
        check_element(checker, block["accessory"], f"{pointer}/accessory", IN_SECTION)


def _divider(_checker: Checker, _block_: dict[str, Any], _pointer: str) -> None:
    return None


def _header(checker: Checker, block: dict[str, Any], pointer: str) -> None:
    checker.text(block, "text", pointer, at_most=150)


def _image(checker: Checker, block: dict[str, Any], pointer: str) -> None:
    checker.string(block, "image_url", pointer, at_most=3000)
    checker.string(block, "alt_text", pointer, at_most=2000)
    checker.text(block, "title", pointer, at_most=2000)
    if ("image_url" in block) == ("slack_file" in block):
        checker.report(pointer, "must have either `image_url` or `slack_file`")


def _context(checker: Checker, block: dict[str, Any], pointer: str) -> None:
    for position, element in enumerate(checker.items(block, "elements", pointer, at_most=10)):
        place = f"{pointer}/elements/{position}"
        if isinstance(element, dict) and element.get("type") == "image":
            check_element(checker, element, place, frozenset({"image"}))
        else:
            checker.text_object(element, place, at_most=3000, kinds=ANY_TEXT)


def _actions(checker: Checker, block: dict[str, Any], pointer: str) -> None:
    for position, element in enumerate(checker.items(block, "elements", pointer, at_most=25)):
        check_element(checker, element, f"{pointer}/elements/{position}", IN_ACTIONS)


def _input(checker: Checker, block: dict[str, Any], pointer: str) -> None:
    checker.text(block, "label", pointer, at_most=2000)
    checker.text(block, "hint", pointer, at_most=2000)
    checker.flag(block, "optional", pointer)
    checker.flag(block, "dispatch_action", pointer)
    if "element" in block:
        check_element(checker, block["element"], f"{pointer}/element", IN_INPUT)


def _markdown(checker: Checker, block: dict[str, Any], pointer: str) -> None:
    checker.string(block, "text", pointer, at_most=12_000)


def _rich_text(checker: Checker, block: dict[str, Any], pointer: str) -> None:
    allowed = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")
    for position, element in enumerate(checker.items(block, "elements", pointer, at_most=1000)):
        kind = element.get("type") if isinstance(element, dict) else None
        if kind not in allowed:
            checker.report(f"{pointer}/elements/{position}/type", f"unsupported type: {kind}")


_MESSAGE_ONLY = frozenset({"markdown"})
_MODAL_ONLY = frozenset({"file_input"})
_INPUT_OPTIONAL = ("hint", "optional", "dispatch_action")
_BLOCKS: dict[str, tuple[tuple[str, ...], tuple[str, ...], _Check]] = {
    "section": ((), ("text", "fields", "accessory", "expand"), _section),
    "divider": ((), (), _divider),
    "header": (("text",), (), _header),
    "image": (("alt_text",), ("image_url", "slack_file", "title"), _image),
    "context": (("elements",), (), _context),
    "actions": (("elements",), (), _actions),
    "input": (("label", "element"), _INPUT_OPTIONAL, _input),
    "markdown": (("text",), (), _markdown),
    "rich_text": (("elements",), (), _rich_text),
}
