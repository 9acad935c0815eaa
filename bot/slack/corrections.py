"""Corrections of a form that was sent: the line in the parent message that offers one, its modal, and the listeners."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from slack_bolt import Ack, App

from bot.locales import say
from bot.onboarding.correcting import LONGEST_COMMENT, can_be_corrected
from bot.onboarding.errors import OnboardingError, Refused
from bot.onboarding.service import Onboardings
from bot.onboarding.view import OnboardingView
from bot.slack import blocks as b
from bot.slack.answering import Answering, Payload
from bot.slack.connection import SlackConnection
from bot.slack.events import actor_of, view_source
from bot.slack.modals import SUBMIT, TITLE, typed_in
from bot.slack.mrkdwn import inline
from bot.slack.readers import Readers

ACTION = CALLBACK = "correct"
COMMENT = "comment"
# An operator has one form, seldom two; whatever a pack holds, the steps that wait keep their room.
MOST_OFFERS = 3


class Corrections(Answering):
    """The listeners."""

    def __init__(self, connection: SlackConnection, onboardings: Onboardings, readers: Readers) -> None:
        super().__init__(connection, readers)
        self._onboardings = onboardings

    def register(self, app: App) -> None:
        """Register them."""
        app.action(ACTION)(self.asked)
        app.view(CALLBACK)(self.commented)

    def asked(self, ack: Ack, body: Payload) -> None:
        """Ask what is to be corrected; nobody types a comment that cannot be taken."""
        answer = ""
        try:
            key, _, step_id = str(body["actions"][0]["value"]).partition(":")
            self._onboardings.correcting.require(key, step_id, actor=actor_of(body))
            view = replace(self._onboardings.view(key), language=self._language)
            with self._connection.client() as client:
                client.views_open(trigger_id=body["trigger_id"], view=correction_modal(view, step_id))
        except OnboardingError as wrong:
            answer = self._explained(wrong)
        except Exception:  # noqa: BLE001 - the person must hear of it, and the library would answer nothing
            answer = self._unexpected("correct")
        ack()
        if answer:
            self._tell(body, answer)

    def commented(self, ack: Ack, body: Payload, view: Payload) -> None:
        """Open the form again with the comment, or say at the field why not."""
        key, _, step_id = str(view.get("private_metadata", "")).partition(":")
        try:
            changed = self._onboardings.correcting.ask_correction(
                key, step_id, typed_in(view, COMMENT), actor=actor_of(body), source=view_source(view)
            )
        except Refused as refused:
            ack(response_action="errors", errors={COMMENT: self._refusal(refused, markup=False)})
        except Exception:  # noqa: BLE001 - see above
            ack(response_action="errors", errors={COMMENT: self._unexpected("correct")})
        else:
            ack()
            if not changed:
                self._tell(body, self._repeated())


def offers(view: OnboardingView) -> Sequence[b.Block]:
    """Return a line with a button for each form that can be corrected now, in a message of an open onboarding."""
    forms = [step for step in view.steps if can_be_corrected(step.definition.kind, step.state)]
    restored = f":r{view.restored}" if view.restored else ""
    button = say("correct.button").text(view.language)
    return [
        b.section(
            f"✏️ {inline(step.definition.title.text(view.language), 150)}",
            f"{step.id}:{view.revision}{restored}:correct",
        )
        | {"accessory": b.button(button, ACTION, f"{view.key}:{step.id}")}
        for step in forms[:MOST_OFFERS]
    ]


def correction_modal(view: OnboardingView, step_id: str) -> dict[str, Any]:
    """Return the modal that asks what of a form is to be corrected."""
    language = view.language
    typed: b.Block = {
        "type": "plain_text_input",
        "action_id": "value",
        "multiline": True,
        "max_length": LONGEST_COMMENT,
    }

    def text(name: str) -> str:
        return say(f"correct.{name}").text(language)

    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": f"{view.key}:{step_id}",
        "title": b.plain(text("title"), TITLE),
        "submit": b.plain(text("submit"), SUBMIT),
        "close": b.plain(say("slack.close").text(language), TITLE),
        "blocks": [
            b.section(f"*{view.key}* · {inline(view.step(step_id).definition.title.text(language), 150)}"),
            b.question(COMMENT, text("comment"), typed, hint=text("comment_hint")),
        ],
    }
