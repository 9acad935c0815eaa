"""Interactive elements as a person meets them: what they show, what choosing does, what the client refuses."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from bot.sandbox.slack.blocks import elements_of
from bot.sandbox.slack.elements import INTERACTIVE
from bot.sandbox.slack.entities import JsonObject

Selections = Mapping[str, Mapping[str, JsonObject]]

_ONE_OPTION = {"static_select", "external_select", "radio_buttons"}
_MANY_OPTIONS = {"checkboxes", "multi_static_select", "multi_external_select"}
_PLAIN = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "users_select": ("selected_user", "initial_user"),
    "channels_select": ("selected_channel", "initial_channel"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
}
_PATTERNS = {
    "email_text_input": (re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"), "Enter a valid email address."),
    "url_text_input": (re.compile(r"https?://\S+"), "Enter a valid URL."),
    "number_input": (re.compile(r"-?\d+(\.\d+)?"), "Enter a number."),
}


@dataclass(frozen=True)
class Control:
    """One interactive element and the block it stands in."""

    block: JsonObject
    element: JsonObject

    @property
    def type(self) -> str:
        """The element's type."""
        return str(self.element["type"])

    @property
    def block_id(self) -> str:
        """The id of the surrounding block."""
        return str(self.block["block_id"])

    @property
    def action_id(self) -> str:
        """The element's action id."""
        return str(self.element["action_id"])

    @property
    def dispatches(self) -> bool:
        """Whether a change is sent at once: always, except in an input block that does not ask for it."""
        return self.block["type"] != "input" or bool(self.block.get("dispatch_action"))


def controls(blocks: list[JsonObject]) -> Iterator[Control]:
    """Every interactive element, in the order shown."""
    for block in blocks:
        for element in elements_of(block):
            if element.get("type") in INTERACTIVE:
                yield Control(block, element)


def find_control(
    blocks: list[JsonObject],
    *,
    action_id: str | None,
    block_id: str | None = None,
    value: str | None = None,
    button: bool = False,
) -> Control:
    """The one button, or the one other element, that is shown under these ids.

    ``block_id`` may be only how the id begins, since the rest changes with every update. ``value`` is a button's
    value, which must match; among other elements it decides between several (one of the options). Raises
    LookupError when the surface shows no such element, or more than one.
    """
    named = [
        control
        for control in controls(blocks)
        if (control.type == "button") is button
        and action_id in {None, control.action_id}
        and control.block_id.startswith(block_id or "")
    ]
    named = [control for control in named if control.block_id == block_id] or named
    decides = value is not None and (button or len(named) > 1)
    shown = [control for control in named if not decides or value in values_of(control.element)]
    if len(shown) == 1:
        return shown[0]
    wanted = f"action_id={action_id!r} block_id={block_id!r} value={value!r}"
    present = ", ".join(f"{c.block_id}/{c.action_id}" for c in controls(blocks)) or "nothing to act on"
    raise LookupError(f"{len(shown)} elements match {wanted}; shown: {present}")


def options_of(element: JsonObject) -> list[JsonObject]:
    """All options of an element, those of its groups included."""
    options: list[JsonObject] = list(element.get("options", []))
    for group in element.get("option_groups", []):
        options.extend(group["options"])
    return options


def values_of(element: JsonObject) -> list[str]:
    """The values a person can choose: a button's own, or those of the options."""
    if element["type"] == "button":
        return [str(element.get("value", ""))]
    return [str(option["value"]) for option in options_of(element)]


def initial_state(element: JsonObject) -> JsonObject | None:
    """What the element holds before anybody has touched it; None for what holds nothing (a button)."""
    kind = element["type"]
    if kind in _ONE_OPTION:
        return {"type": kind, "selected_option": element.get("initial_option")}
    if kind in _MANY_OPTIONS:
        return {"type": kind, "selected_options": element.get("initial_options", [])}
    if kind == "file_input":
        return {"type": kind, "files": []}
    if kind in _PLAIN:
        key, initial = _PLAIN[kind]
        nothing: list[str] | None = [] if kind.startswith("multi_") else None
        return {"type": kind, key: element.get(initial, nothing)}
    return None


def chosen_state(element: JsonObject, value: Any) -> JsonObject:
    """What the element holds after a person has chosen ``value``.

    An option's value for selects and radio buttons (true and false stand for options of these values), a list of
    them for checkboxes and multi-selects, file objects, text, date or id otherwise; None for nothing. Raises
    LookupError for what nobody could choose or enter there.
    """
    kind = element["type"]
    if kind in _ONE_OPTION:
        return {"type": kind, "selected_option": None if value is None else chosen_option(element, value)}
    if kind in _MANY_OPTIONS:
        return {"type": kind, "selected_options": chosen_options(element, value)}
    if kind == "file_input":
        return {"type": kind, "files": _entered_files(element, value)}
    if kind in _PLAIN:
        return {"type": kind, _PLAIN[kind][0]: _entered(kind, value)}
    raise LookupError(f"nothing can be entered in a {kind}")


def _entered_files(element: JsonObject, files: Any) -> list[JsonObject]:
    """File objects, where the client would let a person pick them. Raises LookupError for what it greys out."""
    most, kinds = element.get("max_files", 10), element.get("filetypes")
    if not isinstance(files or [], list) or len(files or []) > most:
        raise LookupError(f"{element['action_id']} takes a list of {most} files at most")
    for file in files or []:
        if kinds is not None and file["filetype"] not in kinds:
            raise LookupError(f"{element['action_id']} takes {kinds}, not {file['name']}")
    return files or []


def _entered(kind: str, value: Any) -> Any:
    """What a person has typed or picked, as a payload carries it."""
    if kind.startswith("multi_"):
        if not isinstance(value or [], list):
            raise LookupError(f"a {kind} takes a list, not {value!r}")
        return value or []
    if value in (None, ""):
        return None
    if kind != "datetimepicker" and not isinstance(value, str):
        raise LookupError(f"a {kind} takes text, not {value!r}")
    try:
        if kind == "datetimepicker":
            return int(value)
        if kind == "datepicker":
            return date.fromisoformat(value).isoformat()
        if kind == "timepicker":
            return time.fromisoformat(value).strftime("%H:%M")
    except (TypeError, ValueError):
        raise LookupError(f"a {kind} cannot be set to {value!r}") from None
    return value


def chosen_options(element: JsonObject, values: Any) -> list[JsonObject]:
    """The options with these values, in the order offered; none for None. Raises LookupError."""
    if not isinstance(values or [], list):
        raise LookupError(f"{element['action_id']} takes a list, not {values!r}")  # noqa: TRY004 -- not on offer
    wanted = [chosen_option(element, value) for value in values or []]
    return [option for option in (_carried(each) for each in options_of(element)) if option in wanted]


def chosen_option(element: JsonObject, value: object) -> JsonObject:
    """The option with this value as a payload carries it. Raises LookupError."""
    wanted = str(value).lower() if isinstance(value, bool) else value
    for option in options_of(element):
        if option["value"] == wanted:
            return _carried(option)
    raise LookupError(f"{element['action_id']} offers no option {value!r}, only {values_of(element)}")


def _carried(option: JsonObject) -> JsonObject:
    return {name: option[name] for name in ("text", "value", "description") if name in option}


def shown_state(control: Control, selections: Selections) -> JsonObject | None:
    """What a person sees in the element: their own entry under the same ids, else the initial value.

    That an entry outlives an update of the message which keeps the block id is how Slack's client behaves, and why
    an update should use new block ids.
    """
    initial = initial_state(control.element)
    entered = selections.get(control.block_id, {}).get(control.action_id)
    if initial is None or entered is None or entered["type"] != control.type:
        return initial
    offered = {option["value"] for option in options_of(control.element)}
    one = entered.get("selected_option")
    if one is not None and one["value"] not in offered:
        return initial
    if any(option["value"] not in offered for option in entered.get("selected_options", [])):
        return initial
    return entered


def state_values(blocks: list[JsonObject], selections: Selections) -> dict[str, dict[str, JsonObject]]:
    """The ``state.values`` of a payload: what every stateful element holds, by block id and action id."""
    values: dict[str, dict[str, JsonObject]] = {}
    for control in controls(blocks):
        state = shown_state(control, selections)
        if state is not None:
            values.setdefault(control.block_id, {})[control.action_id] = state
    return values


def complaint(control: Control, state: JsonObject | None) -> str | None:
    """What Slack's own client says about an input block before it lets a person submit."""
    entry = next((value for name, value in (state or {}).items() if name != "type"), None)
    if entry in (None, "", []):
        return None if control.block.get("optional") else "Please complete this required field."
    pattern, message = _PATTERNS.get(control.type, (None, ""))
    if pattern is not None and not pattern.fullmatch(str(entry)):
        return message
    if control.type == "plain_text_input":
        longest, shortest = control.element.get("max_length", 3000), control.element.get("min_length", 0)
        if len(entry) > longest:
            return f"Enter no more than {longest} characters."
        if len(entry) < shortest:
            return f"Enter at least {shortest} characters."
    return None
