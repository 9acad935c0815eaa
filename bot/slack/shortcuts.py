"""The shortcuts that start an activation, from anywhere or from a message; and what all shortcuts are called."""

from collections.abc import Callable, Mapping

from slack_bolt import Ack, App

from bot.locales import say
from bot.onboarding.errors import OnboardingError
from bot.slack import trail_notes
from bot.slack.answering import Answering, Payload
from bot.slack.connection import SlackConnection
from bot.slack.message_facts import facts_of
from bot.slack.readers import Readers

START, FROM_MESSAGE = "start_activation", "start_from_message"


class Shortcuts(Answering):
    """The listeners of the shortcuts; ``open_start`` opens the start modal with what is known."""

    def __init__(
        self, connection: SlackConnection, readers: Readers, open_start: Callable[[str, Mapping[str, str]], None]
    ) -> None:
        super().__init__(connection, readers)
        self._open_start = open_start

    def register(self, app: App) -> None:
        """Register every listener."""
        app.shortcut(START)(self.start)
        app.shortcut(FROM_MESSAGE)(self.start_from_message)

    def start(self, ack: Ack, body: Payload) -> None:
        """Open the start modal."""
        self._do(ack, body, lambda: self._open_start(str(body["trigger_id"]), {}))

    def start_from_message(self, ack: Ack, body: Payload) -> None:
        """Open the start modal with what the message says."""
        text = str((body.get("message") or {}).get("text") or "")
        self._do(ack, body, lambda: self._open_start(str(body["trigger_id"]), facts_of(text)))

    def _do(self, ack: Ack, body: Payload, act: Callable[[], None]) -> None:
        answer = ""
        try:
            act()
        except OnboardingError as wrong:
            answer = self._explained(wrong)
        except Exception:  # noqa: BLE001 - the person must hear of it, and the library would answer nothing
            answer = self._unexpected("shortcut")
        ack()
        if answer:
            self._tell(body, answer)


def titles() -> dict[str, str]:
    """Return what the shortcuts are called in Slack's menus, which know one language."""
    return {name: say(f"shortcut.{name}").en for name in (START, FROM_MESSAGE, trail_notes.SHORTCUT)}
