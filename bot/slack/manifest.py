"""Slack's app manifest, made from the bot's own commands and needs."""

from typing import Any

from bot.slack.commands import VERBS

# Least scopes: the command, writing, lists too long for a post as files, and reading back its own messages to find one
# whose answer was lost.
# Files that people drop into a thread or into a modal are read with the token; a message names its author by an id.
BOT_SCOPES = (
    "channels:history",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "users:read",
)
BOT_EVENTS = ("message.channels", "message.groups")


def app_manifest(command: str, request_url: str | None) -> dict[str, Any]:
    """Return the manifest; with ``request_url`` for HTTP, without it for Socket Mode."""
    interactivity: dict[str, Any] = {"is_enabled": True}
    slash: dict[str, Any] = {
        "command": command,
        "description": "Operator activations: start, follow, confirm",
        "usage_hint": " | ".join(f"{verb.name} {verb.argument}".strip() for verb in VERBS),
        "should_escape": False,
    }
    if request_url is not None:
        interactivity["request_url"] = request_url
        slash["url"] = request_url
    events: dict[str, Any] = {"bot_events": list(BOT_EVENTS)} | ({"request_url": request_url} if request_url else {})
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
