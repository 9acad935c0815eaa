"""How a person hears what came of what they did: in their language, for them alone."""

import secrets
from collections.abc import Mapping
from typing import Any

import structlog

from bot.locales import say
from bot.onboarding.errors import OnboardingError, Refused, Unavailable
from bot.slack.connection import SlackConnection
from bot.slack.explaining import explained, refusal, repeated
from bot.slack.modals import notice_modal
from bot.slack.readers import Readers
from checklists.model import Language

log = structlog.stdlib.get_logger()

Payload = Mapping[str, Any]

# Where these were used there may be no channel that both the person and the bot are in.
WITHOUT_CHANNEL = frozenset({"shortcut", "message_action"})


class Answering:
    """What all listeners have in common."""

    def __init__(self, connection: SlackConnection, readers: Readers) -> None:
        self._connection = connection
        self._readers = readers

    @property
    def _language(self) -> Language:
        """The language of whoever is answered."""
        return self._readers.language()

    def _tell(self, body: Payload, text: str) -> None:
        """Tell the person alone; what must be remembered is on the trail, so a lost answer loses nothing."""
        at_home = (body.get("view") or {}).get("type") == "home"
        if not body.get("trigger_id") or not (at_home or body.get("type") in WITHOUT_CHANNEL):
            channel = str((body.get("channel") or {}).get("id") or "")
            tell(self._connection, str(body["user"]["id"]), text, channel=channel)
            return
        try:
            with self._connection.client() as client:
                client.views_open(trigger_id=body["trigger_id"], view=notice_modal(text, self._language))
        except Unavailable as lost:
            log.warning("answer_not_shown", reason=lost.reason)

    def _refusal(self, refused: Refused, *, markup: bool = True) -> str:
        return refusal(refused, self._language, markup=markup)

    def _explained(self, wrong: OnboardingError) -> str:
        return explained(wrong, self._language)

    def _repeated(self) -> str:
        return repeated(self._language)

    def _unexpected(self, what: str) -> str:
        reference = secrets.token_hex(4)
        log.exception("listener_broke", what=what, reference=reference)
        return say("slack.unexpected", reference=reference).text(self._language)


def tell(connection: SlackConnection, user: str, text: str, *, channel: str = "", thread: str | None = None) -> None:
    """Tell a person alone; what must be remembered is on the trail, so a lost answer loses nothing."""
    try:
        with connection.client() as client:
            client.chat_postEphemeral(
                channel=channel or connection.settings.channel, user=user, text=text, thread_ts=thread
            )
    except Unavailable as lost:
        log.warning("answer_not_shown", reason=lost.reason)
