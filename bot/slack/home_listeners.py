"""What people do on their Home beside acting on a step: open it, filter, turn pages, start."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from slack_bolt import Ack, App

from bot.onboarding.actors import Actor
from bot.onboarding.errors import OnboardingError
from bot.onboarding.homes import Homes
from bot.slack.answering import Answering, Payload
from bot.slack.connection import SlackConnection
from bot.slack.home import ALL
from bot.slack.readers import Readers

log = structlog.stdlib.get_logger()

TURNED = re.compile(r"home_(steps_page|page)_(previous|next)")


class HomeListeners(Answering):
    """The listeners of the Home; ``open_start`` opens the start modal."""

    def __init__(
        self,
        connection: SlackConnection,
        readers: Readers,
        homes: Homes,
        open_start: Callable[[str, Mapping[str, str]], None],
    ) -> None:
        super().__init__(connection, readers)
        self._homes = homes
        self._open_start = open_start

    def register(self, app: App) -> None:
        """Register every listener."""
        app.event("app_home_opened")(self.opened)
        for name in ("operator", "partner"):
            app.action(f"home_{name}")(self.chosen)
        app.action("home_late")(self.late)
        app.action(TURNED)(self.turned)
        app.action("home_start")(self.start)

    def opened(self, event: dict[str, Any], ack: Ack) -> None:
        """Show the Home; the event tells of the tab for messages as well."""
        try:
            if event.get("tab") == "home":
                # Asked for here, where a person waits for it in any case: the job that draws it finds it kept.
                self._readers.language()
                self._homes.opened(_actor(str(event["user"])))
        except Exception:
            # Without an acknowledgement Slack tells it again.
            log.exception("home_not_opened", user=event.get("user"))
            return
        ack()

    def chosen(self, ack: Ack, body: Payload) -> None:
        """Filter by an operator or a partner."""
        action = body["actions"][0]
        value = str((action.get("selected_option") or {}).get("value") or ALL)
        name = str(action["action_id"]).removeprefix("home_")
        self._do(ack, body, lambda who: self._homes.filtered(who, **{name: "" if value == ALL else value}))

    def late(self, ack: Ack, body: Payload) -> None:
        """Show what is late alone, or everything again."""
        late = body["actions"][0].get("value") == "yes"
        self._do(ack, body, lambda who: self._homes.filtered(who, late=late))

    def turned(self, ack: Ack, body: Payload) -> None:
        """Turn to another page."""
        action = body["actions"][0]
        found, value = TURNED.fullmatch(str(action["action_id"])), str(action.get("value") or "")
        if found is None or not value.isdecimal() or len(value) > len("100000"):
            ack()
            return
        which = {found[1]: int(value)}
        self._do(ack, body, lambda who: self._homes.turned(who, **which))

    def start(self, ack: Ack, body: Payload) -> None:
        """Open the start modal."""
        self._do(ack, body, lambda _who: self._open_start(str(body["trigger_id"]), {}))

    def _do(self, ack: Ack, body: Payload, act: Callable[[Actor], None]) -> None:
        answer = ""
        try:
            act(_actor(str(body["user"]["id"])))
        except OnboardingError as wrong:
            answer = self._explained(wrong)
        except Exception:  # noqa: BLE001 - the person must hear of it, and the library would answer nothing
            answer = self._unexpected("home")
        ack()
        if answer:
            self._tell(body, answer)


def _actor(user: str) -> Actor:
    return Actor("slack", f"slack:{user}", user)
