"""Slack's app manifest, made from the bot's own commands and needs."""

from typing import Any

from bot.slack import shortcuts, trail_notes
from bot.slack.commands import usage_hint

# Least scopes, each with what it is for.
BOT_SCOPES = (
    # Its own messages read back, to find one whose answer was lost; files and replies in a public channel.
    "channels:history",
    # Posts, their edits, and answers for one person alone.
    "chat:write",
    # The slash command and the shortcuts.
    "commands",
    # The files that people drop into a thread or into a modal.
    "files:read",
    # Lists too long for a post, the form as a spreadsheet, and the dossier.
    "files:write",
    # The same as channels:history in a private channel.
    "groups:history",
    # The direct conversation in which a dossier and the morning digest are sent, and in which a digest whose answer was
    # lost is looked for.
    "im:history",
    "im:write",
    # Who is in the user groups that the roles name.
    "usergroups:read",
    # What people are called, and which language and time zone they have set.
    "users:read",
)
# A Home is opened; what people write in the channels that the bot is in: files, and replies to a ticket.
BOT_EVENTS = ("app_home_opened", "message.channels", "message.groups")
# By their callback ids: where each is offered, and what Slack says of it in its menus.
SHORTCUTS = {
    shortcuts.START: ("global", "Begin the activation of an operator for a partner"),
    shortcuts.FROM_MESSAGE: ("message", "Begin an activation with what this message says"),
    trail_notes.SHORTCUT: ("message", "Keep this message on the audit trail of an activation"),
}


def app_manifest(command: str, request_url: str | None) -> dict[str, Any]:
    """Return the manifest; with ``request_url`` for HTTP, without it for Socket Mode."""
    interactivity: dict[str, Any] = {"is_enabled": True}
    slash: dict[str, Any] = {
        "command": command,
        "description": "Operator activations: start, follow, confirm",
        "usage_hint": usage_hint(),
        # People are named by mentions, which come with their ids then.
        "should_escape": True,
    }
    events: dict[str, Any] = {"bot_events": list(BOT_EVENTS)}
    names = shortcuts.titles()
    if request_url is not None:
        events["request_url"] = request_url
        interactivity["request_url"] = request_url
        slash["url"] = request_url
    return {
        "_metadata": {"major_version": 2, "minor_version": 0},
        "display_information": {
            "name": "onboarding-bot",
            "description": "Takes a partner's activation of a telecom operator to the signed-off dossier.",
        },
        "features": {
            # The dossier and the digest are read in the messages' tab; what people write there nobody would hear.
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "onboarding-bot", "always_online": True},
            "shortcuts": [
                {"name": names[callback_id], "type": kind, "callback_id": callback_id, "description": description}
                for callback_id, (kind, description) in SHORTCUTS.items()
            ],
            "slash_commands": [slash],
        },
        "oauth_config": {"scopes": {"bot": list(BOT_SCOPES)}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }
