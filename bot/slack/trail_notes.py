"""Notes to an activation's trail: by the shortcut on a message, or by the button on the Home."""

from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App

from bot.onboarding.errors import OnboardingError, Refused, Unavailable, Unknown
from bot.onboarding.service import Onboardings
from bot.slack import home, note_modal
from bot.slack.answering import Answering, Payload
from bot.slack.connection import SlackConnection
from bot.slack.events import actor_of, view_source
from bot.slack.readers import Readers

SHORTCUT = "note_to_trail"


class TrailNotes(Answering):
    """The listeners."""

    def __init__(self, connection: SlackConnection, readers: Readers, onboardings: Onboardings) -> None:
        super().__init__(connection, readers)
        self._onboardings = onboardings

    def register(self, app: App) -> None:
        """Register every listener."""
        app.shortcut(SHORTCUT)(self.on_message)
        app.action(home.NOTE)(self.on_home)
        app.view(note_modal.CALLBACK)(self.noted)

    def on_message(self, ack: Ack, body: Payload) -> None:
        """Ask what of the message goes on which trail."""

        def asked() -> dict[str, Any]:
            message = body.get("message") or {}
            channel, ts = str(body["channel"]["id"]), str(message.get("ts") or body.get("message_ts") or "")
            key = self._key(channel, str(message.get("thread_ts") or ts))
            return note_modal.note_modal(str(message.get("text") or ""), f"{channel}:{ts}", key, self._language)

        self._open(ack, body, asked)

    def on_home(self, ack: Ack, body: Payload) -> None:
        """Ask what is to be noted about an activation, or about one of its steps."""

        def asked() -> dict[str, Any]:
            key, _, step_id = str(body["actions"][0]["value"]).partition(":")
            step = (step_id, self._onboardings.view(key).step(step_id).definition.title) if step_id else None
            return note_modal.note_modal("", "", key, self._language, step=step)

        self._open(ack, body, asked)

    def noted(self, ack: Ack, body: Payload, view: dict[str, Any]) -> None:
        """Put the note on the trail, or say at the field why not."""
        said = note_modal.read_note(view)
        try:
            link = self._permalink(said.message) if said.message else None
            changed = self._onboardings.steering.note(
                said.key, said.text, said.step, link=link, actor=actor_of(body), source=view_source(view)
            )
        except Unknown as unknown:
            errors = {note_modal.KEY if said.is_asked else note_modal.TEXT: self._refusal(unknown, markup=False)}
            ack(response_action="errors", errors=errors)
        except Refused as refused:
            ack(response_action="errors", errors={note_modal.TEXT: self._refusal(refused, markup=False)})
        except Exception:  # noqa: BLE001 - the person must hear of it, and the library would answer nothing
            ack(response_action="errors", errors={note_modal.TEXT: self._unexpected("note")})
        else:
            ack()
            if not changed:
                self._tell(body, self._repeated())

    def _key(self, channel: str, parent: str) -> str | None:
        """Return the activation in whose thread a message stands; None outside of all threads of ours."""
        try:
            return self._onboardings.shown_as("slack", f"{channel}:{parent}")
        except Unknown:
            return None

    def _permalink(self, message: str) -> str | None:
        """Return a message's address; None where the bot is not let in, or Slack is away: the note does without."""
        channel, _, ts = message.partition(":")
        try:
            with self._connection.hurried(1).client() as client:
                return str(client.chat_getPermalink(channel=channel, message_ts=ts)["permalink"])
        except Unavailable:
            return None

    def _open(self, ack: Ack, body: Payload, asked: Callable[[], dict[str, Any]]) -> None:
        answer = ""
        try:
            view = asked()
            with self._connection.client() as client:
                client.views_open(trigger_id=body["trigger_id"], view=view)
        except OnboardingError as wrong:
            answer = self._explained(wrong)
        except Exception:  # noqa: BLE001 - see above
            answer = self._unexpected("note")
        ack()
        if answer:
            self._tell(body, answer)
