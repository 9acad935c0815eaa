"""A reply in an onboarding's thread that is meant for the ticket: it begins with ``ticket:``, ``jira:`` or its key.

Slack's library acknowledges an event before it calls the listener; what must be in the database first is done in the
listener's middleware. An edited or deleted reply is not followed: the comment stays as it was written. A file that
comes with a reply is never put on the ticket: it may hold customers' data, which the ticket's readers need not see.
"""

import re
from collections.abc import Callable
from typing import Any

import structlog
from slack_bolt import App

from bot.locales import say
from bot.onboarding.actors import Actor
from bot.onboarding.errors import Refused, Unavailable
from bot.onboarding.ticket_talk import TicketReplies
from bot.slack.answering import Answering, Payload, tell
from bot.slack.connection import SlackConnection
from bot.slack.mrkdwn import escaped
from bot.slack.readers import Readers

log = structlog.stdlib.get_logger()

FOR_TICKET = re.compile(r"\s*(?:ticket|jira|([A-Z][A-Z0-9_]{1,30}-\d{1,9}))\s*:\s*", re.IGNORECASE)
# A reply that is shown in the channel as well is a reply; everything else with a subtype is an edit or a machine's.
PLAIN = frozenset({None, "thread_broadcast"})

_REFERENCE = re.compile(r"<([@#!]?)([^>|]*)(?:\|([^>]*))?>")


def is_for_ticket(event: Payload) -> bool:
    """Tell whether a ``message`` event is a person's reply to a ticket: in a thread, in words, and so marked."""
    return event.get("subtype") in PLAIN and not event.get("files") and _is_marked(event)


def _is_marked(event: Payload) -> bool:
    thread, ts = event.get("thread_ts"), event.get("ts")
    is_persons = bool(event.get("user")) and not event.get("bot_id")
    is_reply = bool(thread) and thread != ts
    return is_reply and is_persons and FOR_TICKET.match(str(event.get("text") or "")) is not None


class TicketReplyListener(Answering):
    """Hears the replies."""

    def __init__(self, connection: SlackConnection, replies: TicketReplies, readers: Readers) -> None:
        super().__init__(connection, readers)
        self._replies = replies

    def register(self, app: App) -> None:
        """Register the listener; it matches nothing but such replies."""
        app.event("message", matchers=[is_for_ticket], middleware=[self.take])(_acknowledged)

    def take(self, body: Payload, next_: Callable[[], Any]) -> None:
        """Have the reply written on the ticket; a refusal is told to the person alone."""
        self._take(body["event"])
        next_()

    def take_beside_files(self, body: Payload, next_: Callable[[], Any]) -> None:
        """Have the words that came with files written on the ticket, where they are marked for it."""
        event = body["event"]
        if _is_marked(event) and self._take(event):
            self._answer(event, say("talk.file_stays").text(self._language))
        next_()

    def _take(self, event: Payload) -> bool:
        """Have a reply written, or tell why not; True when it will be."""
        marked = FOR_TICKET.match(str(event["text"]))
        assert marked is not None
        channel = str(event["channel"])
        try:
            return self._replies.reply(
                "slack",
                f"{channel}:{event['thread_ts']}",
                plain(str(event["text"])[marked.end() :]),
                ticket=marked[1].upper() if marked[1] else None,
                actor=Actor("slack", f"slack:{event['user']}", self._name(str(event["user"]))),
                # The message, not the event: whatever brings it a second time, it is the same reply.
                source=f"slack:message:{channel}:{event['ts']}",
            )
        except Refused as refused:
            self._answer(event, escaped(refused.text.text(self._language)))
            return False

    def _answer(self, event: Payload, text: str) -> None:
        tell(self._connection, event["user"], text, channel=event["channel"], thread=event["thread_ts"])

    def _name(self, user: str) -> str:
        """Return how people call somebody; the id where Slack does not say."""
        try:
            with self._connection.client() as client:
                found: Payload = client.users_info(user=user).get("user") or {}
        except Unavailable as unknown:
            log.warning("name_unknown", user=user, reason=unknown.reason)
            return user
        profile: Payload = found.get("profile") or {}
        # Those who read it in Jira know people by their whole names.
        return str(profile.get("real_name") or found.get("real_name") or found.get("name") or user)


def plain(text: str) -> str:
    """Return a message's text as a person reads it: addresses and mentions without Slack's signs, nothing escaped."""

    def shown(found: re.Match[str]) -> str:
        kind, target, label = found[1], found[2], found[3]
        if kind:
            return f"{'#' if kind == '#' else '@'}{label or target.partition('^')[0]}"
        target = target.removeprefix("mailto:")
        return target if not label or label == target else f"{label} ({target})"

    return _REFERENCE.sub(shown, text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _acknowledged() -> None:
    """Nothing is left to do: the library has acknowledged the event."""
