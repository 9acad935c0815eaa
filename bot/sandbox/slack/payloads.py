"""The payloads of commands, interactions and events, with the members that Slack documents."""

import re
from typing import Any

from bot.sandbox.slack.controls import Control, state_values
from bot.sandbox.slack.entities import APP_ID, BOT_ID, TEAM_ID, JsonObject, Message, Version, View
from bot.sandbox.slack.methods.modals import view_json
from bot.sandbox.slack.workspace import Workspace

_NAMED = re.compile(r"(?<!\S)[@#][\w.-]+")

_TEAM: JsonObject = {"id": TEAM_ID, "domain": "sandbox"}
# The deprecated verification token: always present, proves nothing.
_TOKEN = "sandbox-verification"  # noqa: S105 -- not a secret


def _base(workspace: Workspace, kind: str, user: str, trigger_view: str | None = None) -> JsonObject:
    name = workspace.users[user].name
    return {
        "type": kind,
        "user": {"id": user, "username": name, "name": name, "team_id": TEAM_ID},
        "api_app_id": APP_ID,
        "token": _TOKEN,
        "team": _TEAM,
        "enterprise": None,
        "is_enterprise_install": False,
        "trigger_id": workspace.new_trigger(user, trigger_view),
    }


def response_url(workspace: Workspace, user: str, channel: str, message: Message | None = None) -> str:
    """A fresh response URL."""
    return f"{workspace.url}/response/{workspace.new_response_url(user, channel, message)}"


def slash_command(workspace: Workspace, user: str, channel: str, command: str, text: str) -> JsonObject:
    """The form fields of a slash command; all are texts."""
    shown = workspace.channel(channel)
    return {
        "token": _TOKEN,
        "team_id": TEAM_ID,
        "team_domain": "sandbox",
        "channel_id": shown.id,
        "channel_name": "directmessage" if shown.is_im else shown.name,
        "user_id": user,
        "user_name": workspace.users[user].name,
        "command": command,
        "text": typed(workspace, text),
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": response_url(workspace, user, shown.id),
        "trigger_id": workspace.new_trigger(user),
    }


def typed(workspace: Workspace, text: str) -> str:
    """What was typed behind a command, as an app with ``should_escape`` is sent it.

    The three signs are escaped; ``@name`` of a person or a user group and ``#channel`` come with their ids.
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    known = {f"@{user.name}": f"<@{user.id}|{user.name}>" for user in workspace.users.values()}
    known |= {f"@{workspace.handle(id_)}": f"<!subteam^{id_}|@{workspace.handle(id_)}>" for id_ in workspace.usergroups}
    known |= {f"#{channel.name}": f"<#{channel.id}|{channel.name}>" for channel in workspace.channels.values()}
    return _NAMED.sub(lambda found: known.get(found[0], found[0]), escaped)


def action(workspace: Workspace, control: Control, state: JsonObject | None) -> JsonObject:
    """One entry of ``actions``: the element's ids, and what it holds after the act."""
    entry: JsonObject = {"action_id": control.action_id, "block_id": control.block_id, "type": control.type}
    for name in ("text", "value", "style", "placeholder"):
        if name in control.element:
            entry[name] = control.element[name]
    return {**entry, **(state or {}), "action_ts": workspace.next_ts()}


def message_action(
    workspace: Workspace, user: str, message: Message, version: Version, entry: JsonObject
) -> JsonObject:
    """``block_actions`` from a message; an ephemeral message is not part of the payload."""
    channel = workspace.channel(message.channel)
    container: JsonObject = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.ephemeral_to is not None,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    selections = workspace.selections.get((message.ts, user), {})
    payload = {
        **_base(workspace, "block_actions", user),
        "container": container,
        "channel": {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name},
        "state": {"values": state_values(version.blocks, selections)},
        "response_url": response_url(workspace, user, channel.id, message),
        "actions": [entry],
    }
    if message.ephemeral_to is None:
        payload["message"] = message.as_json(metadata=True, version=version)
    return payload


def shortcut(workspace: Workspace, user: str, callback_id: str) -> JsonObject:
    """``shortcut``: a global one, which knows of no channel."""
    base = _base(workspace, "shortcut", user)
    return {**base, "callback_id": callback_id, "action_ts": workspace.next_ts()}


def message_shortcut(workspace: Workspace, user: str, message: Message, callback_id: str) -> JsonObject:
    """``message_action``: a shortcut used on a message."""
    channel = workspace.channel(message.channel)
    return {
        **_base(workspace, "message_action", user),
        "callback_id": callback_id,
        "action_ts": workspace.next_ts(),
        "message_ts": message.ts,
        "channel": {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name},
        "message": message.as_json(),
        "response_url": response_url(workspace, user, channel.id, message),
    }


def view_action(workspace: Workspace, view: View, entry: JsonObject) -> JsonObject:
    """``block_actions`` from a modal or a Home tab."""
    return {
        **_base(workspace, "block_actions", view.user, view.id),
        "container": {"type": "view", "view_id": view.id},
        "view": view_json(view),
        "actions": [entry],
    }


def view_submission(workspace: Workspace, view: View) -> JsonObject:
    """``view_submission`` with everything entered."""
    base = _base(workspace, "view_submission", view.user, view.id)
    return {**base, "view": view_json(view), "response_urls": []}


def view_closed(workspace: Workspace, view: View) -> JsonObject:
    """``view_closed``, for a view that asked to be told."""
    base = _base(workspace, "view_closed", view.user, view.id)
    del base["trigger_id"]
    return {**base, "view": view_json(view), "is_cleared": False}


def event(workspace: Workspace, body: JsonObject) -> JsonObject:
    """The ``event_callback`` around an event; its ``event_id`` stays the same when it is sent again."""
    return {
        "token": _TOKEN,
        "team_id": TEAM_ID,
        "api_app_id": APP_ID,
        "type": "event_callback",
        "event_id": workspace.new_id("Ev"),
        "event_time": int(workspace.clock()),
        "event": {**body, "event_ts": workspace.next_ts()},
        "authorizations": [{"team_id": TEAM_ID, "user_id": workspace.bot.id, "is_bot": True}],
        "is_ext_shared_channel": False,
    }


def message_event(workspace: Workspace, message: Message) -> JsonObject:
    """A ``message`` event; with files its subtype is ``file_share``."""
    body: dict[str, Any] = {
        **message.as_json(),
        "channel": message.channel,
        "channel_type": "im" if workspace.channel(message.channel).is_im else "channel",
    }
    if message.files:
        body["subtype"] = "file_share"
    if message.author == workspace.bot.id:
        body["bot_id"] = BOT_ID
    return event(workspace, body)
