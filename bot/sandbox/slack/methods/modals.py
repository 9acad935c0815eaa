"""views.*: modals on a user's stack, and Home tabs."""

import json
from secrets import token_hex

from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.blocks import check_view, normalised
from bot.sandbox.slack.controls import state_values
from bot.sandbox.slack.entities import APP_ID, BOT_ID, TEAM_ID, JsonObject, View
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.workspace import MODALS_AT_MOST, Workspace

_VIEW_AT_MOST = 250_000
_DEFAULTS: JsonObject = {
    "private_metadata": "",
    "callback_id": "",
    "external_id": "",
    "clear_on_close": False,
    "notify_on_close": False,
    "title": None,
    "submit": None,
    "close": None,
}


def view_json(view: View) -> JsonObject:
    """The view object of answers and payloads, with what the user has entered so far."""
    return {
        **view.definition,
        "id": view.id,
        "team_id": TEAM_ID,
        "app_id": APP_ID,
        "bot_id": BOT_ID,
        "app_installed_team_id": TEAM_ID,
        "hash": view.hash,
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id,
        "state": {"values": state_values(view.blocks, view.selections)},
    }


def checked_definition(workspace: Workspace, definition: object, kind: str) -> JsonObject:
    """The view as stored. Raises SlackError ``invalid_arguments``, ``view_too_large``, ``duplicate_external_id``."""
    problems = check_view(definition)
    if problems or not isinstance(definition, dict):
        raise SlackError("invalid_arguments", [str(problem) for problem in problems])
    if definition["type"] != kind:
        raise SlackError("invalid_arguments", [f"must be a {kind} view [json-pointer:/view/type]"])
    if len(json.dumps(definition)) > _VIEW_AT_MOST:
        raise SlackError("view_too_large")
    return {**_DEFAULTS, **definition, "blocks": normalised(definition["blocks"])}


def _refuse_duplicate(workspace: Workspace, definition: JsonObject, itself: View | None = None) -> None:
    external_id = definition["external_id"]
    if external_id and any(
        view.is_open and view is not itself and view.definition["external_id"] == external_id
        for view in workspace.views.values()
    ):
        raise SlackError("duplicate_external_id")


def _new_hash(workspace: Workspace) -> str:
    return f"{int(workspace.clock())}.{token_hex(4)}"


def _read_view(workspace: Workspace, arguments: Arguments, kind: str) -> JsonObject:
    definition = arguments.decoded("view", "invalid_arguments")
    if definition is None:
        raise SlackError("invalid_arguments", ["missing required field: view"])
    return checked_definition(workspace, definition, kind)


def add_modal(workspace: Workspace, user: str, definition: JsonObject, *, push: bool) -> View:
    """Show a modal to a user: on top of what is open, or instead of it."""
    with workspace.locked():
        _refuse_duplicate(workspace, definition)
        stack = workspace.modals.setdefault(user, [])
        if not push:
            clear_modals(workspace, user)
        if len(stack) >= MODALS_AT_MOST:
            raise SlackError("push_limit_reached")
        id_ = workspace.new_id("V")
        below = stack[-1] if stack else None
        root_id = below.root_id if below else id_
        view = View(id_, user, definition, _new_hash(workspace), root_id, previous_id=below.id if below else None)
        stack.append(view)
        workspace.views[id_] = view
        return view


def clear_modals(workspace: Workspace, user: str) -> None:
    """Close every modal of a user."""
    with workspace.locked():
        for view in workspace.modals.get(user, []):
            view.is_open = False
        workspace.modals.get(user, []).clear()


def close_modal(workspace: Workspace, view: View) -> None:
    """Close one modal and those above it; the one below comes back."""
    with workspace.locked():
        stack = workspace.modals.get(view.user, [])
        while view in stack:
            stack.pop().is_open = False


def change_view(workspace: Workspace, view: View, definition: JsonObject) -> None:
    """Show something else in an open view; entries under the same block and action ids stay."""
    with workspace.locked():
        _refuse_duplicate(workspace, definition, view)
        view.definition = definition
        view.hash = _new_hash(workspace)
        view.versions += 1
        view.errors = {}


def open_view(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """Open a modal for the user whose act gave the trigger."""
    definition = _read_view(workspace, arguments, "modal")
    trigger = workspace.use_trigger(_trigger_id(arguments))
    return {"view": view_json(add_modal(workspace, trigger.user, definition, push=False))}


def push_view(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """Put a modal on top of the one in which the trigger was made."""
    definition = _read_view(workspace, arguments, "modal")
    trigger = workspace.use_trigger(_trigger_id(arguments))
    stack = workspace.modals.get(trigger.user, [])
    if trigger.view_id is None or not any(view.id == trigger.view_id for view in stack):
        raise SlackError("invalid_trigger_id")
    return {"view": view_json(add_modal(workspace, trigger.user, definition, push=True))}


def _trigger_id(arguments: Arguments) -> str:
    return arguments.required("trigger_id")


def update_view(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """Change an open modal, by its id or external id; ``hash`` guards against races."""
    definition = _read_view(workspace, arguments, "modal")
    view_id, external_id = arguments.string("view_id"), arguments.string("external_id")
    if bool(view_id) == bool(external_id):
        raise SlackError("invalid_arguments", ["either view_id or external_id is required"])
    with workspace.locked():
        found = [
            view
            for view in workspace.views.values()
            if view.is_open and (view.id == view_id or (external_id and view.definition["external_id"] == external_id))
        ]
        if not found:
            raise SlackError("not_found")
        _check_hash(arguments, found[0])
        change_view(workspace, found[0], definition)
        return {"view": view_json(found[0])}


def _check_hash(arguments: Arguments, view: View) -> None:
    expected = arguments.string("hash")
    if expected and expected != view.hash:
        raise SlackError("hash_conflict")


def publish_view(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """Show a user's Home tab."""
    definition = _read_view(workspace, arguments, "home")
    user = arguments.required("user_id")
    if user not in workspace.users or workspace.users[user].deleted:
        raise SlackError("user_not_found")
    with workspace.locked():
        view = workspace.homes.get(user)
        if view is None:
            id_ = workspace.new_id("V")
            view = View(id_, user, definition, _new_hash(workspace), id_)
            if arguments.string("hash"):
                raise SlackError("hash_conflict")
            workspace.homes[user] = view
            workspace.views[id_] = view
        else:
            _check_hash(arguments, view)
            change_view(workspace, view, definition)
        return {"view": view_json(view)}
