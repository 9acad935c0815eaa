"""Files dropped into an onboarding's thread.

Slack's library acknowledges an event before its listener runs. So the file is put on the trail in a listener's
middleware: the acknowledgement follows the commit, and an event whose commit failed is delivered again.
"""

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from slack_bolt import App, BoltContext, BoltResponse

from bot.onboarding.actors import Actor
from bot.onboarding.errors import Refused, Unavailable, Unknown
from bot.onboarding.given import GivenFile, is_talk
from bot.onboarding.service import Onboardings
from bot.slack.answering import Answering, Payload, tell
from bot.slack.connection import SlackConnection
from bot.slack.readers import Readers

log = structlog.stdlib.get_logger()

ANSWER = "answer_to_a_dropped_file"


class DroppedFiles(Answering):
    """Hears of files in threads; those of other threads and of the bot itself are nobody's business."""

    def __init__(
        self,
        connection: SlackConnection,
        onboardings: Onboardings,
        readers: Readers,
        beside: Sequence[Callable[..., Any]] = (),
    ) -> None:
        """``beside`` are middlewares that hear of the same messages first: what their words are for."""
        super().__init__(connection, readers)
        self._onboardings = onboardings
        self._beside = beside

    def register(self, app: App) -> None:
        """Register the listener; it must come before one that hears every message."""
        heard = app.event({"type": "message", "subtype": "file_share"}, middleware=[*self._beside, self.taken])
        heard(self.answered)

    def taken(self, event: Payload, context: BoltContext, next: Callable[[], Any]) -> BoltResponse | None:  # noqa: A002 - the library tells arguments by their names
        """Put the files on the trail; without that the event is not acknowledged."""
        try:
            context[ANSWER] = self._take(event)
        except Exception:
            log.exception("dropped_file_not_noted")
            return BoltResponse(status=500)
        next()
        return None

    def answered(self, event: Payload, context: BoltContext) -> None:
        """Tell a person what was refused."""
        text = context.get(ANSWER)
        if text:
            tell(self._connection, event["user"], text, channel=event["channel"], thread=event.get("thread_ts"))

    def _take(self, event: Payload) -> str:
        if event.get("bot_id") or not event.get("thread_ts") or not event.get("user"):
            return ""
        channel, ts = event["channel"], event["ts"]
        try:
            key = self._onboardings.shown_as("slack", f"{channel}:{event['thread_ts']}")
        except Unknown:
            return ""
        files = [file for file in event.get("files") or () if not is_talk(str(file.get("name") or ""))]
        if not files:
            return ""
        actor = self._actor(str(event["user"]))
        try:
            for file in files:
                given = GivenFile(str(file["id"]), str(file.get("name") or file["id"]), int(file.get("size") or 0))
                source = f"slack:file:{channel}:{ts}:{given.id}"[:512]
                self._onboardings.given.drop(key, given, actor=actor, source=source)
        except Refused as refused:
            return self._refusal(refused)
        return ""

    def _actor(self, user: str) -> Actor:
        """Return who dropped a file; a message names its author by an id alone."""
        name = user
        try:
            with self._connection.client() as client:
                known = client.users_info(user=user).get("user") or {}
                name = str(known.get("name") or user)
        except Unavailable as unknown:
            # Without the scope, or Slack: reports mention the person by the id, which Slack shows as a name.
            log.info("name_unknown", user=user, reason=unknown.reason)
        return Actor("slack", f"slack:{user}", name)
