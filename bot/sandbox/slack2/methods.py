"""The Web API's methods: what each takes, does to the workspace, and answers or refuses."""

import copy
import json
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any

from bot.sandbox.slack2.blocks import (
    TEXT_OF_ALL_BLOCKS,
    check_blocks,
    check_view,
    elements_of,
    normalised,
    repeated_action_ids,
    text_length,
)
from bot.sandbox.slack2.entities import BOT_ID, TEAM_ID, Channel, JsonObject, Message, View
from bot.sandbox.slack2.errors import SlackError
from bot.sandbox.slack2.workspace import MODALS_AT_MOST, Workspace

Arguments = Mapping[str, Any]
Method = Callable[[Workspace, Arguments], JsonObject]

LONGEST_TEXT = 40_000
PAGE_AT_MOST = 1_000


def auth_test(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """Who the token belongs to."""
    del arguments
    bot = workspace.bot
    team = {"team": "Sandbox", "team_id": TEAM_ID, "url": "https://sandbox.slack.example/"}
    return {**team, "user": bot.name, "user_id": bot.id, "bot_id": BOT_ID, "is_enterprise_install": False}


def api_test(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """Whether the API answers."""
    del workspace
    if "error" in arguments:
        raise SlackError(str(arguments["error"]))
    return {"args": dict(arguments)}


def post_message(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """chat.postMessage."""
    channel = _writable(workspace, arguments)
    text, blocks, attachments = _content(workspace, arguments)
    thread_ts = arguments.get("thread_ts")
    if thread_ts is not None and workspace.find(channel.id, str(thread_ts)) is None:
        raise SlackError("thread_not_found")
    message = workspace.post(
        channel.id,
        workspace.bot.id,
        text=text,
        blocks=blocks,
        attachments=attachments,
        metadata=_metadata(arguments),
        thread_ts=str(thread_ts) if thread_ts is not None else None,
        broadcast=_flag(arguments, "reply_broadcast"),
    )
    return {"channel": channel.id, "ts": message.ts, "message": message.as_json(metadata=True)}


def post_ephemeral(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """chat.postEphemeral."""
    channel = _writable(workspace, arguments)
    user = str(arguments.get("user", ""))
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks, attachments = _content(workspace, arguments)
    message = workspace.post(
        channel.id, workspace.bot.id, text=text, blocks=blocks, attachments=attachments, ephemeral_to=user
    )
    return {"message_ts": message.ts}


def update_message(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """chat.update."""
    channel = workspace.channel(_needed(arguments, "channel"))
    message = _message(workspace, channel, arguments)
    if message.author != workspace.bot.id or message.ephemeral_to is not None:
        raise SlackError("cant_update_message")
    text, blocks, attachments = _content(workspace, arguments)
    _warn_of_kept_ids(workspace, message, blocks)
    metadata = _metadata(arguments) if "metadata" in arguments else message.current.metadata
    version = type(message.current)(text, blocks, attachments, metadata, workspace.clock())
    message.versions.append(version)
    return {"channel": channel.id, "ts": message.ts, "text": text, "message": message.as_json(metadata=True)}


def delete_message(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """chat.delete."""
    channel = workspace.channel(_needed(arguments, "channel"))
    message = _message(workspace, channel, arguments)
    if message.author != workspace.bot.id:
        raise SlackError("cant_delete_message")
    message.deleted = True
    return {"channel": channel.id, "ts": message.ts}


def permalink(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """chat.getPermalink."""
    channel = workspace.channel(_needed(arguments, "channel"))
    message = workspace.find(channel.id, _needed(arguments, "message_ts"))
    if message is None:
        raise SlackError("message_not_found")
    place = f"https://sandbox.slack.example/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": place}


def history(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """conversations.history: the newest first."""
    channel = _readable(workspace, arguments)
    found = [m for m in workspace.root_messages(channel.id) if m.ephemeral_to is None and _within(m, arguments)]
    return _page(list(reversed(found)), arguments)


def replies(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """conversations.replies: the parent, then the oldest first."""
    channel = _readable(workspace, arguments)
    ts = _needed(arguments, "ts")
    if workspace.find(channel.id, ts) is None:
        raise SlackError("thread_not_found")
    found = [m for m in workspace.thread(channel.id, ts) if m.ephemeral_to is None and _within(m, arguments)]
    return _page(found, arguments)


def conversation(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """conversations.info."""
    return {"channel": workspace.channel(_needed(arguments, "channel")).as_json()}


def members(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """conversations.members."""
    channel = workspace.channel(_needed(arguments, "channel"))
    return {"members": list(channel.members), "response_metadata": {"next_cursor": ""}}


def open_direct(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """conversations.open."""
    user = _needed(arguments, "users").split(",")[0]
    if user not in workspace.users:
        raise SlackError("user_not_found")
    return {"channel": workspace.direct(user).as_json()}


def user_info(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """users.info."""
    user = workspace.users.get(_needed(arguments, "user"))
    if user is None:
        raise SlackError("user_not_found")
    return {"user": user.as_json()}


def user_by_email(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """users.lookupByEmail."""
    email = _needed(arguments, "email")
    for user in workspace.users.values():
        if user.email and user.email == email:
            return {"user": user.as_json()}
    raise SlackError("users_not_found")


def group_users(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """usergroups.users.list."""
    group = workspace.usergroups.get(_needed(arguments, "usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": list(group)}


def add_reaction(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """reactions.add."""
    channel = _writable(workspace, arguments)
    message = workspace.find(channel.id, _needed(arguments, "timestamp"))
    if message is None:
        raise SlackError("message_not_found")
    users = message.reactions.setdefault(_needed(arguments, "name"), [])
    if workspace.bot.id in users:
        raise SlackError("already_reacted")
    users.append(workspace.bot.id)
    return {}


def open_view(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """views.open."""
    trigger = workspace.use_trigger(_needed(arguments, "trigger_id"))
    definition = _view(arguments, "modal")
    return {"view": shown_view(workspace, _stack(workspace, trigger.user, definition, fresh=True))}


def push_view(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """views.push."""
    trigger = workspace.use_trigger(_needed(arguments, "trigger_id"))
    definition = _view(arguments, "modal")
    if len(workspace.modals.get(trigger.user, [])) >= MODALS_AT_MOST:
        raise SlackError("push_limit_reached")
    return {"view": shown_view(workspace, _stack(workspace, trigger.user, definition, fresh=False))}


def update_view(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """views.update."""
    view = workspace.views.get(str(arguments.get("view_id", "")))
    if view is None or not view.is_open:
        raise SlackError("not_found")
    given = arguments.get("hash")
    if given is not None and given != view.hash:
        raise SlackError("hash_conflict")
    replace_view(view, _view(arguments, "modal"))
    return {"view": shown_view(workspace, view)}


def publish_view(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """views.publish."""
    user = _needed(arguments, "user_id")
    if user not in workspace.users:
        raise SlackError("user_not_found")
    definition = _view(arguments, "home")
    home = workspace.homes.get(user)
    given = arguments.get("hash")
    if home is not None and given is not None and given != home.hash:
        raise SlackError("hash_conflict")
    if home is None:
        id_ = workspace.new_id("V")
        home = workspace.homes[user] = View(id_, user, definition, token_hex(8), id_)
        workspace.views[id_] = home
    else:
        replace_view(home, definition)
    return {"view": shown_view(workspace, home)}


METHODS: dict[str, Method] = {
    "auth.test": auth_test,
    "api.test": api_test,
    "chat.postMessage": post_message,
    "chat.postEphemeral": post_ephemeral,
    "chat.update": update_message,
    "chat.delete": delete_message,
    "chat.getPermalink": permalink,
    "conversations.history": history,
    "conversations.replies": replies,
    "conversations.info": conversation,
    "conversations.members": members,
    "conversations.open": open_direct,
    "users.info": user_info,
    "users.lookupByEmail": user_by_email,
    "usergroups.users.list": group_users,
    "reactions.add": add_reaction,
    "views.open": open_view,
    "views.push": push_view,
    "views.update": update_view,
    "views.publish": publish_view,
}


def shown_view(workspace: Workspace, view: View) -> JsonObject:
    """The view object of the API, with the state of its inputs."""
    return {
        "id": view.id,
        "team_id": TEAM_ID,
        "type": view.definition["type"],
        **{name: value for name, value in view.definition.items() if name != "type"},
        "state": {"values": copy.deepcopy(state_of(view.blocks, view.selections))},
        "hash": view.hash,
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id,
        "bot_id": BOT_ID,
        "app_installed_team_id": workspace.bot.id and TEAM_ID,
    }


def replace_view(view: View, definition: JsonObject) -> None:
    """Show another definition in an open view; what was entered stays where block and action are the same."""
    view.definition = {**definition, "blocks": normalised(definition["blocks"])}
    view.hash = token_hex(8)
    view.versions += 1
    view.errors = {}
    kept = state_of(view.blocks, view.selections)
    view.selections = {block: {**values} for block, values in kept.items()}


def state_of(
    blocks: list[JsonObject], selections: Mapping[str, Mapping[str, JsonObject]]
) -> dict[str, dict[str, JsonObject]]:
    """``state.values``: for each input what was entered, else what it began with."""
    values: dict[str, dict[str, JsonObject]] = {}
    for block in blocks:
        for element in elements_of(block):
            kind = element.get("type")
            if kind in INITIAL and "action_id" in element:
                entered = selections.get(block["block_id"], {}).get(element["action_id"])
                fresh = {
                    "type": kind,
                    INITIAL[kind][1]: element.get(INITIAL[kind][0], [] if kind == "checkboxes" else None),
                }
                values.setdefault(block["block_id"], {})[element["action_id"]] = dict(entered or fresh)
    return values


# The kinds of element that hold a value: their initial value's name, and its name in the state.
INITIAL = {
    "plain_text_input": ("initial_value", "value"),
    "static_select": ("initial_option", "selected_option"),
    "radio_buttons": ("initial_option", "selected_option"),
    "checkboxes": ("initial_options", "selected_options"),
    "datepicker": ("initial_date", "selected_date"),
}


def _stack(workspace: Workspace, user: str, definition: JsonObject, *, fresh: bool) -> View:
    stack = workspace.modals.setdefault(user, [])
    if fresh:
        for view in stack:
            view.is_open = False
        stack.clear()
    id_ = workspace.new_id("V")
    shown = {**definition, "blocks": normalised(definition["blocks"])}
    root, previous = (stack[0].id, stack[-1].id) if stack else (id_, None)
    view = View(id_, user, shown, token_hex(8), root, previous)
    workspace.views[id_] = view
    stack.append(view)
    return view


def _view(arguments: Arguments, kind: str) -> JsonObject:
    definition = _json(arguments.get("view"))
    if not isinstance(definition, dict) or definition.get("type") != kind:
        raise SlackError("invalid_arguments", [f"view must be a {kind}"])
    problems = check_view(definition)
    if problems:
        raise SlackError("invalid_arguments", [str(problem) for problem in problems])
    return definition


def _content(workspace: Workspace, arguments: Arguments) -> tuple[str, list[JsonObject], list[JsonObject]]:
    text = str(arguments.get("text") or "")
    blocks, attachments = _json(arguments.get("blocks")) or [], _json(arguments.get("attachments")) or []
    if not text and not blocks and not attachments:
        raise SlackError("no_text")
    if len(text) > LONGEST_TEXT:
        raise SlackError("msg_too_long")
    if not blocks:
        return text, [], list(attachments)
    problems = check_blocks(blocks)
    if problems:
        raise SlackError("invalid_blocks", [str(problem) for problem in problems])
    if text_length(blocks) > TEXT_OF_ALL_BLOCKS:
        raise SlackError("msg_blocks_too_long")
    if not text:
        workspace.warn("A message with blocks and no text says nothing in a notification or to a screen reader.")
    for repeated in repeated_action_ids(blocks):
        del repeated  # One action id in several blocks is what the block ids tell apart.
    return text, normalised(blocks), list(attachments)


def _warn_of_kept_ids(workspace: Workspace, message: Message, blocks: list[JsonObject]) -> None:
    """Slack's reference: "If a message is updated, use a new block_id"; its clients keep the old selection else."""
    before = {block["block_id"]: list(elements_of(block)) for block in message.current.blocks if "block_id" in block}
    for block in blocks:
        old = before.get(block["block_id"])
        now = list(elements_of(block))
        if old and old != now and any(element.get("type") in INITIAL for element in now):
            workspace.warn(f"{message.ts}: the block {block['block_id']} was changed under its old block_id.")


def _writable(workspace: Workspace, arguments: Arguments) -> Channel:
    channel = workspace.channel(_needed(arguments, "channel"))
    if channel.is_archived:
        raise SlackError("is_archived")
    if workspace.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _readable(workspace: Workspace, arguments: Arguments) -> Channel:
    channel = workspace.channel(_needed(arguments, "channel"))
    if workspace.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _message(workspace: Workspace, channel: Channel, arguments: Arguments) -> Message:
    message = workspace.find(channel.id, _needed(arguments, "ts"))
    if message is None:
        raise SlackError("message_not_found")
    return message


def _metadata(arguments: Arguments) -> JsonObject | None:
    metadata = _json(arguments.get("metadata"))
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_schema")
    return metadata


def _within(message: Message, arguments: Arguments) -> bool:
    ts, oldest, latest = float(message.ts), arguments.get("oldest"), arguments.get("latest")
    return (oldest in {None, ""} or ts > float(str(oldest))) and (latest in {None, ""} or ts < float(str(latest)))


def _page(found: list[Message], arguments: Arguments) -> JsonObject:
    limit = min(int(arguments.get("limit") or 100), PAGE_AT_MOST)
    cursor = str(arguments.get("cursor") or "")
    first = int(cursor.removeprefix("next:")) if cursor.removeprefix("next:").isdecimal() else 0
    if cursor and not cursor.startswith("next:"):
        raise SlackError("invalid_cursor")
    with_metadata = _flag(arguments, "include_all_metadata")
    more = first + limit < len(found)
    return {
        "messages": [message.as_json(metadata=with_metadata) for message in found[first : first + limit]],
        "has_more": more,
        "response_metadata": {"next_cursor": f"next:{first + limit}" if more else ""},
    }


def _needed(arguments: Arguments, name: str) -> str:
    value = arguments.get(name)
    if value in {None, ""}:
        raise SlackError("invalid_arguments", [f"missing required field: {name}"])
    return str(value)


def _flag(arguments: Arguments, name: str) -> bool:
    return str(arguments.get(name, "")).lower() in {"1", "true"}


def _json(value: Any) -> Any:
    """Form bodies carry JSON as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as wrong:
        raise SlackError("invalid_json") from wrong
