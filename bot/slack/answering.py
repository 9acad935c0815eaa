"""What listeners have in common that are not about the parent message: who acts, and telling that person alone."""

from collections.abc import Mapping
from typing import Any

import structlog

from bot.onboarding.actors import Actor
from bot.onboarding.errors import Unavailable
from bot.slack.connection import SlackConnection

log = structlog.stdlib.get_logger()

Payload = Mapping[str, Any]


def actor_of(body: Payload) -> Actor:
    """Return who clicked or submitted."""
    user = body["user"]
    name = user.get("name") or user.get("username") or user["id"]
    return Actor("slack", f"slack:{user['id']}", str(name))


def view_source(view: Payload) -> str:
    """Name a submission, so that the same one delivered again is known."""
    return f"slack:view:{view.get('id')}:{view.get('hash')}"[:512]


def tell(connection: SlackConnection, user: str, text: str, *, channel: str = "", thread: str | None = None) -> None:
    """Tell a person alone; what must be remembered is on the trail, so a lost answer loses nothing."""
    try:
        with connection.client() as client:
            client.chat_postEphemeral(
                channel=channel or connection.settings.channel, user=user, text=text, thread_ts=thread
            )
    except Unavailable as lost:
        log.warning("answer_not_shown", reason=lost.reason)
