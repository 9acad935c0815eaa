"""The morning digest as a direct message: what is late first, then what waits for whom; a button stops it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog
from slack_bolt import Ack, App

from bot.locales import say
from bot.onboarding.actors import role_name
from bot.onboarding.digests import Digest, DigestSchedule, Item, NotReachable
from bot.onboarding.effects import NothingHappened
from bot.onboarding.errors import OnboardingError, Unavailable
from bot.slack import blocks as b
from bot.slack.answering import Answering
from bot.slack.connection import SlackConnection, SlackRefused
from bot.slack.mrkdwn import SECTION, chunks, inline, link, whole_lines
from bot.slack.parent import late_mark
from bot.slack.readers import Readers
from checklists.model import Language

log = structlog.stdlib.get_logger()

EVENT = "onboarding_digest"
STOP, RESUME = "digest_stop", "digest_resume"
# The groups share the message's room; each gets its own and a line for what does not fit.
MOST_TEXT = 10_000
PAGE = 100


class SlackLetterbox:
    """Direct messages to the managers, each in their own language.

    Scopes: ``im:write``, ``chat:write``; ``im:history`` to find a lost one.
    """

    def __init__(self, connection: SlackConnection, language_of: Callable[[str], Language]) -> None:
        """``language_of`` tells a user's language."""
        self._connection = connection
        self._language_of = language_of

    def post(self, person: str, digest: Digest, marker: str) -> str:
        """Post a digest; return its id."""
        language = self._language_of(person)
        try:
            with self._connection.client() as client:
                channel = client.conversations_open(users=person)["channel"]["id"]
                posted = client.chat_postMessage(
                    channel=channel,
                    text=summary(digest, language),
                    blocks=digest_blocks(digest, language),
                    metadata={"event_type": EVENT, "event_payload": {"marker": marker}},
                    unfurl_links=False,
                )
                return f"{channel}:{posted['ts']}"
        except SlackRefused as refused:
            raise NothingHappened(NotReachable(person, refused.reason)) from refused

    def find(self, person: str, marker: str, since: datetime) -> str | None:
        """Look in the conversation; without the right to read it, what was begun counts as done: better none than two.

        Raises Unavailable.
        """
        try:
            with self._connection.client() as client:
                channel = client.conversations_open(users=person)["channel"]["id"]
                history = client.conversations_history(
                    channel=channel, oldest=str(since.timestamp()), limit=PAGE, include_all_metadata=True
                )
        except SlackRefused as refused:
            if refused.error != "missing_scope":
                raise
            log.warning("digest_not_looked_up", person=person, reason=refused.reason)
            return "unknown"
        for message in history.get("messages") or ():
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            if payload.get("marker") == marker:
                return f"{channel}:{message['ts']}"
        return None


class DigestListeners(Answering):
    """The button that stops the digests, and the one that begins them again."""

    def __init__(self, connection: SlackConnection, schedule: DigestSchedule, readers: Readers) -> None:
        super().__init__(connection, readers)
        self._schedule = schedule

    def register(self, app: App) -> None:
        """Register every listener."""
        app.action(STOP)(self.stopped)
        app.action(RESUME)(self.resumed)

    def stopped(self, ack: Ack, body: Mapping[str, Any]) -> None:
        """Send no more digests to whoever clicked."""
        self._turn(ack, body, self._schedule.stop, "stopped", RESUME)

    def resumed(self, ack: Ack, body: Mapping[str, Any]) -> None:
        """Send digests again to whoever clicked."""
        self._turn(ack, body, self._schedule.resume, "resumed", STOP)

    def _turn(self, ack: Ack, body: Mapping[str, Any], change: Callable[[str], bool], outcome: str, other: str) -> None:
        try:
            change(str(body["user"]["id"]))
            self._redraw(body, outcome, other)
        except OnboardingError as wrong:
            log.warning("digest_button_not_replaced", reason=str(wrong))
        except Exception:
            log.exception("listener_broke", what=other)
        ack()

    def _redraw(self, body: Mapping[str, Any], outcome: str, other: str) -> None:
        """Put what was decided in the button's place, with the way back."""
        message = body.get("message") or {}
        told = b.context(say(f"slack.digest.{outcome}").text(self._language))
        kept = [block for block in message.get("blocks") or () if block.get("type") not in {"actions", "context"}]
        # A new block id at each change: Slack's client keeps what it has seen under an old one.
        clicked = (body.get("actions") or [{}])[0].get("action_ts", "")
        blocks = [*kept, told, _actions(other, self._language, f"digest:{clicked}"[:255])]
        try:
            with self._connection.client() as client:
                client.chat_update(
                    channel=str((body.get("channel") or {}).get("id")),
                    ts=str(message.get("ts")),
                    text=message.get("text"),
                    blocks=blocks,
                    metadata=message.get("metadata"),
                )
        except Unavailable as lost:
            log.warning("digest_button_not_replaced", reason=lost.reason)


def summary(digest: Digest, language: Language) -> str:
    """Return the digest in one line, for notifications and screen readers."""
    return say("slack.digest.summary", waiting=len(digest.items), late=len(digest.late), open=digest.open).text(
        language
    )


def digest_blocks(digest: Digest, language: Language) -> list[b.Block]:
    """Return the message's blocks."""
    groups = [(say("slack.digest.late").text(language), digest.late)] if digest.late else []
    groups += [
        (say("slack.digest.waits_for", role=role_name(role)).text(language), items)
        for role, items in digest.by_role().items()
    ]
    built = [
        b.header(say("slack.digest.title", day=digest.day.isoformat()).text(language)),
        b.section(summary(digest, language)),
    ]
    room = MOST_TEXT // max(len(groups), 1)
    for title, items in groups:
        lines = whole_lines([_line(item, language) for item in items], room, lambda count: _more(count, language))
        built += [b.section(text) for text in chunks([f"*{title}*", *lines], SECTION)]
    if digest.left:
        built.append(b.section(say("slack.digest.left", count=digest.left).text(language)))
    return [*built, _actions(STOP, language, f"digest:{digest.day.isoformat()}")]


def _actions(action_id: str, language: Language, block_id: str) -> b.Block:
    button = b.button(say(f"slack.{action_id}").text(language), action_id, action_id)
    return {"type": "actions", "block_id": block_id, "elements": [button]}


def _line(item: Item, language: Language) -> str:
    name = link(item.link, item.key) if item.link else item.key
    parts = [f"• *{name}* {inline(item.client, 60)} ({inline(item.partner, 40)}): {_step(item, language)}"]
    if item.days_late:
        parts += [role_name(item.role).text(language), f"*{late_mark(item.days_late, language)}*"]
    elif item.due_on is not None:
        parts.append(say("slack.due", day=item.due_on.isoformat()).text(language))
    elif item.since is not None:
        parts.append(say("slack.digest.since", day=item.since.isoformat()).text(language))
    return " · ".join(parts)


def _step(item: Item, language: Language) -> str:
    mark = "❌ " if item.state == "failed" else ""
    return f"{mark}{inline(item.step.text(language), 80)}"


def _more(count: int, language: Language) -> str:
    return say("slack.digest.more", count=count).text(language)
