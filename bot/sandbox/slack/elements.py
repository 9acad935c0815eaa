"""What Slack refuses in interactive elements, options and confirmation dialogs."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.sandbox.slack.checker import Checker

ANY_TEXT = ("plain_text", "mrkdwn")
CHECKBOX_OPTIONS = 10
SELECT_OPTIONS = 100
OVERFLOW_OPTIONS = 5

_Check = Callable[[Checker, dict[str, Any], str], None]


def check_element(checker: Checker, element: object, pointer: str, allowed: frozenset[str]) -> None:
    """Check one element; ``allowed`` are the types that the surrounding block takes."""
    if not isinstance(element, dict):
        checker.report(pointer, "must be an object")
        return
    kind = element.get("type")
    if not isinstance(kind, str) or kind not in allowed:
        checker.report(pointer, f"unsupported type: {kind}")
        return
    required, optional, check = _ELEMENTS[kind]
    checker.members(element, pointer, required=required, optional=optional)
    checker.identifier(element, "action_id", pointer)
    checker.text(element, "placeholder", pointer, at_most=150)
    checker.flag(element, "focus_on_load", pointer)
    if "confirm" in element:
        check_confirm(checker, element["confirm"], f"{pointer}/confirm")
    check(checker, element, pointer)


def check_confirm(checker: Checker, value: object, pointer: str) -> None:
    """A confirmation dialog: title 100, text 300, buttons 30 characters."""
    dialog = checker.members(value, pointer, required=("title", "text"), optional=("confirm", "deny", "style"))
    if dialog is None:
        return
    checker.text(dialog, "title", pointer, at_most=100)
    checker.text(dialog, "text", pointer, at_most=300, kinds=ANY_TEXT)
    checker.text(dialog, "confirm", pointer, at_most=30)
    checker.text(dialog, "deny", pointer, at_most=30)
    checker.one_of(dialog, "style", pointer, ("primary", "danger"))


def _options(
    checker: Checker,
    holder: dict[str, Any],
    pointer: str,
    *,
    at_most: int,
    kinds: tuple[str, ...] = ("plain_text",),
    at_least: int = 1,
) -> list[str]:
    """Check a list of options and return their values."""
    values: list[str] = []
    options = checker.items(holder, "options", pointer, at_most=at_most, at_least=at_least)
    for position, option in enumerate(options):
        place = f"{pointer}/options/{position}"
        _option(checker, option, place, kinds)
        value = option.get("value") if isinstance(option, dict) else None
        if isinstance(value, str):
            if value in values:
                checker.report(f"{place}/value", f"`value` {value} already exists")
            values.append(value)
    return values


def _option(checker: Checker, value: object, pointer: str, kinds: tuple[str, ...]) -> None:
    option = checker.members(value, pointer, required=("text", "value"), optional=("description", "url"))
    if option is None:
        return
    checker.text(option, "text", pointer, at_most=75, kinds=kinds)
    checker.text(option, "description", pointer, at_most=75, kinds=kinds)
    checker.string(option, "value", pointer, at_most=150)
    checker.string(option, "url", pointer, at_most=3000)


def _initial(checker: Checker, element: dict[str, Any], pointer: str, options: list[Any]) -> None:
    """An initial option must be one of the options, whole: Slack compares text and value."""
    if "initial_option" in element and not _among(element["initial_option"], options):
        checker.report(f"{pointer}/initial_option", "must be one of the provided options")
    chosen = checker.items(element, "initial_options", pointer, at_most=SELECT_OPTIONS)
    for position, option in enumerate(chosen):
        if not _among(option, options):
            checker.report(f"{pointer}/initial_options/{position}", "must be one of the provided options")


def _among(option: object, options: list[Any]) -> bool:
    return any(_essence(option) == _essence(other) for other in options)


def _essence(option: object) -> object:
    """An option without what Slack itself adds to texts (``emoji``, ``verbatim``)."""
    if isinstance(option, dict):
        return {name: _essence(value) for name, value in option.items() if name not in {"emoji", "verbatim"}}
    return option


def _file_input(checker: Checker, element: dict[str, Any], pointer: str) -> None:
    checker.number(element, "max_files", pointer, at_least=1, at_most=10)
    for position, kind in enumerate(checker.items(element, "filetypes", pointer, at_most=100, at_least=1)):
        if not isinstance(kind, str) or not kind or kind.startswith("."):
            checker.report(f"{pointer}/filetypes/{position}", "must be a file type without its dot")


def _nothing(_checker: Checker, _element: dict[str, Any], _pointer: str) -> None:
    return None


def _button(checker: Checker, element: dict[str, Any], pointer: str) -> None:
    checker.text(element, "text", pointer, at_most=75)
    checker.string(element, "value", pointer, at_most=2000)
    checker.string(element, "url", pointer, at_most=3000)
    checker.string(element, "accessibility_label", pointer, at_most=75)
    checker.one_of(element, "style", pointer, ("primary", "danger"))


def _ticks(checker: Checker, element: dict[str, Any], pointer: str) -> None:
    _options(checker, element, pointer, at_most=CHECKBOX_OPTIONS, kinds=ANY_TEXT)
    _initial(checker, element, pointer, _listed(element, "options"))


def _overflow(checker: Checker, element: dict[str, Any], pointer: str) -> None:
    _options(checker, element, pointer, at_most=OVERFLOW_OPTIONS)


def _static_select(checker: Checker, element: dict[str, Any], pointer: str) -> None:
    if ("options" in element) == ("option_groups" in element):
        checker.report(pointer, "must have either `options` or `option_groups`")
    _options(checker, element, pointer, at_most=SELECT_OPTIONS)
    known = _listed(element, "options")
    groups = checker.items(element, "option_groups", pointer, at_most=SELECT_OPTIONS)
    for position, value in enumerate(groups):
        place = f"{pointer}/option_groups/{position}"
        group = checker.members(value, place, required=("label", "options"))
        if group is not None:
            checker.text(group, "label", place, at_most=75)
            _options(checker, group, place, at_most=SELECT_OPTIONS)
            known = known + _listed(group, "options")
    _initial(checker, element, pointer, known)
    checker.number(element, "max_selected_items", pointer, at_least=1, at_most=SELECT_OPTIONS)


def _listed(holder: dict[str, Any], name: str) -> list[Any]:
    value = holder.get(name)
    return value if isinstance(value, list) else []


def _external_select(checker: Checker, element: dict[str, Any], pointer: str) -> None:
    checker.number(element, "min_query_length", pointer, at_least=0, at_most=3000)
    checker.number(element, "max_selected_items", pointer, at_least=1, at_most=SELECT_OPTIONS)


def _text_input(checker: Checker, element: dict[str, Any], pointer: str) -> None:
    checker.number(element, "min_length", pointer, at_least=0, at_most=3000)
    checker.number(element, "max_length", pointer, at_least=1, at_most=3000)
    shortest, longest = element.get("min_length", 0), element.get("max_length", 3000)
    if isinstance(shortest, int) and isinstance(longest, int) and shortest > longest:
        checker.report(f"{pointer}/min_length", "must not be more than max_length")
    checker.string(element, "initial_value", pointer, at_most=3000)
    initial = element.get("initial_value")
    if isinstance(initial, str) and isinstance(longest, int) and len(initial) > longest:
        checker.report(f"{pointer}/initial_value", "must not be longer than max_length")
    checker.flag(element, "multiline", pointer)
    if "dispatch_action_config" in element:
        place = f"{pointer}/dispatch_action_config"
        config = checker.members(element["dispatch_action_config"], place, optional=("trigger_actions_on",))
        triggers = checker.items(config, "trigger_actions_on", place, at_most=2) if config else []
        if not {"on_enter_pressed", "on_character_entered"}.issuperset(map(str, triggers)):
            checker.report(f"{place}/trigger_actions_on", "must be on_enter_pressed or on_character_entered")


def _number_input(checker: Checker, element: dict[str, Any], pointer: str) -> None:
    checker.flag(element, "is_decimal_allowed", pointer)
    for name in ("initial_value", "min_value", "max_value"):
        checker.string(element, name, pointer, at_most=64)


def _moment(name: str, pattern: str, hint: str) -> _Check:
    def check(checker: Checker, element: dict[str, Any], pointer: str) -> None:
        if name not in element:
            return
        value = element[name]
        try:
            matches = isinstance(value, str) and datetime.strptime(value, pattern).strftime(pattern) == value  # noqa: DTZ007 -- a calendar date has no zone
        except ValueError:
            matches = False
        if not matches:
            checker.report(f"{pointer}/{name}", f"must be in the format {hint}")

    return check


def _datetime(checker: Checker, element: dict[str, Any], pointer: str) -> None:
    # Slack takes seconds since the epoch with exactly ten digits.
    checker.number(element, "initial_date_time", pointer, at_least=1_000_000_000, at_most=9_999_999_999)


def _image(checker: Checker, element: dict[str, Any], pointer: str) -> None:
    checker.string(element, "image_url", pointer, at_most=3000)
    checker.string(element, "alt_text", pointer, at_most=2000)


_CHOICE = ("action_id", "confirm", "focus_on_load")
_SELECT = (*_CHOICE, "placeholder")
_MANY = (*_SELECT, "max_selected_items")
_INPUT = ("action_id", "placeholder", "focus_on_load", "dispatch_action_config", "initial_value")
_BUTTON = ("action_id", "confirm", "url", "value", "style", "accessibility_label")
_LISTS = ("options", "option_groups")

_ELEMENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...], _Check]] = {
    "button": (("text",), _BUTTON, _button),
    "checkboxes": (("options",), (*_CHOICE, "initial_options"), _ticks),
    "radio_buttons": (("options",), (*_CHOICE, "initial_option"), _ticks),
    "overflow": (("options",), ("action_id", "confirm"), _overflow),
    "static_select": ((), (*_SELECT, *_LISTS, "initial_option"), _static_select),
    "multi_static_select": ((), (*_MANY, *_LISTS, "initial_options"), _static_select),
    "external_select": ((), (*_SELECT, "initial_option", "min_query_length"), _external_select),
    "multi_external_select": ((), (*_MANY, "initial_options", "min_query_length"), _external_select),
    "users_select": ((), (*_SELECT, "initial_user"), _nothing),
    "multi_users_select": ((), (*_MANY, "initial_users"), _external_select),
    "channels_select": ((), (*_SELECT, "initial_channel", "response_url_enabled"), _nothing),
    "multi_channels_select": ((), (*_MANY, "initial_channels"), _external_select),
    "conversations_select": (
        (),
        (
            *_SELECT,
            "initial_conversation",
            "default_to_current_conversation",
            "response_url_enabled",
            "filter",
        ),
        _nothing,
    ),
    "multi_conversations_select": (
        (),
        (*_MANY, "initial_conversations", "default_to_current_conversation", "filter"),
        _external_select,
    ),
    "datepicker": ((), (*_SELECT, "initial_date"), _moment("initial_date", "%Y-%m-%d", "YYYY-MM-DD")),
    "timepicker": ((), (*_SELECT, "initial_time", "timezone"), _moment("initial_time", "%H:%M", "HH:mm")),
    "datetimepicker": ((), (*_CHOICE, "initial_date_time"), _datetime),
    "plain_text_input": ((), (*_INPUT, "multiline", "min_length", "max_length"), _text_input),
    "email_text_input": ((), _INPUT, _text_input),
    "url_text_input": ((), _INPUT, _text_input),
    "number_input": (("is_decimal_allowed",), (*_INPUT, "min_value", "max_value"), _number_input),
    "file_input": ((), ("action_id", "filetypes", "max_files"), _file_input),
    "image": (("alt_text",), ("image_url", "slack_file"), _image),
}

_SELECTS = frozenset(kind for kind in _ELEMENTS if kind.endswith("_select"))
_PICKERS = frozenset({"checkboxes", "radio_buttons", "datepicker", "timepicker", "datetimepicker"})
IN_ACTIONS = _SELECTS | _PICKERS | {"button", "overflow"}
IN_SECTION = IN_ACTIONS | {"image"}
IN_INPUT = (
    _SELECTS
    | _PICKERS
    | {
        "plain_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
        "file_input",
    }
)
INTERACTIVE = IN_ACTIONS | IN_INPUT
