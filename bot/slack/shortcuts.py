"""The shortcuts: start an activation from anywhere or from a message, and put a message on an activation's trail."""

from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import Ack, App

from bot.locales import say
from bot.onboarding.errors import OnboardingError, Refused, Unavailable, Unknown
from bot.onboarding.service import Onboardings
from bot.slack import note_modal
from bot.slack.answering import Answering, Payload
from bot.slack.connection import SlackConnection
from bot.slack.events import actor_of, view_source
from bot.slack.message_facts import facts_of
from bot.slack.readers import Readers

START, FROM_MESSAGE, NOTE = "start_activation", "start_from_message", "note_to_trail"


class Shortcuts(Answering):
    """The listeners of the shortcuts; ``open_start`` opens the start modal with what is known."""

    def __init__(
        self,
        connection: SlackConnection,
        readers: Readers,
        onboardings: Onboardings,
        open_start: Callable[[str, Mapping[str, str]], None],
    ) -> None:
        super().__init__(connection, readers)
        self._onboardings = onboardings
        self._open_start = open_start

    def register(self, app: App) -> None:
        """Register every listener."""
        app.shortcut(START)(self.start)
        app.shortcut(FROM_MESSAGE)(self.start_from_message)
        app.shortcut(NOTE)(self.note)
        app.view(note_modal.CALLBACK)(self.noted)

    def start(self, ack: Ack, body: Payload) -> None:
        """Open the start modal."""
        self._do(ack, body, lambda: self._open_start(str(body["trigger_id"]), {}))

    def start_from_message(self, ack: Ack, body: Payload) -> None:
        """Open the start modal with what the message says."""
        text = str((body.get("message") or {}).get("text") or "")
        self._do(ack, body, lambda: self._open_start(str(body["trigger_id"]), facts_of(text)))

    def note(self, ack: Ack, body: Payload) -> None:
        """Ask what of the message goes on which trail."""

        def ask() -> None:
            message = body.get("message") or {}
            channel, ts = str(body["channel"]["id"]), str(message.get("ts") or body.get("message_ts") or "")
            key = self._key(channel, str(message.get("thread_ts") or ts))
            view = note_modal.note_modal(str(message.get("text") or ""), f"{channel}:{ts}", key, self._language)
            with self._connection.client() as client:
                client.views_open(trigger_id=body["trigger_id"], view=view)

        self._do(ack, body, ask)

    def noted(self, ack: Ack, body: Payload, view: dict[str, Any]) -> None:
        """Put the note on the trail, or say at the field why not."""
        said = note_modal.read_note(view)
        try:
            link = self._permalink(said.message)
            changed = self._onboardings.steering.note(
                said.key, said.text, link=link, actor=actor_of(body), source=view_source(view)
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

    def _do(self, ack: Ack, body: Payload, act: Callable[[], None]) -> None:
        answer = ""
        try:
            act()
        except OnboardingError as wrong:
            answer = self._explained(wrong)
        except Exception:  # noqa: BLE001 - see above
            answer = self._unexpected("shortcut")
        ack()
        if answer:
            self._tell(body, answer)


def titles() -> dict[str, str]:
    """Return what the shortcuts are called in Slack's menus, which know one language."""
    return {name: say(f"shortcut.{name}").en for name in (START, FROM_MESSAGE, NOTE)}
