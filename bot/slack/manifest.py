"""Slack's app manifest, made from the bot's own commands and needs."""

from typing import Any

from bot.slack.commands import usage_hint

# Least scopes: the command, writing, lists too long for a post as files, reading back its own messages to find one
# whose answer was lost, a dossier for the one who asked for it, who is in the user groups that the roles name, the
# names of those who write, and the files that people drop into a thread or into a modal.
BOT_SCOPES = (
    "channels:history",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "im:write",
    "usergroups:read",
    "users:read",
)
# What people write in the channels that the bot is in: files, and replies to a ticket.
BOT_EVENTS = ("message.channels", "message.groups")


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
            "bot_user": {"display_name": "onboarding-bot", "always_online": True},
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
