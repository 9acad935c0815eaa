"""What Slack tells us: a listener parses, calls one method of the core, acknowledges after the commit, and answers.

A click on a control is acknowledged once it is kept, and carried out then (see ``clicks``).

Nothing is raised after ``ack``: Slack's library may then answer nothing at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import structlog
from slack_bolt import Ack, App

from bot.locales import say
from bot.onboarding.actors import Actor
from bot.onboarding.errors import Invalid, OnboardingError, Refused, Unavailable
from bot.onboarding.packs import Packs
from bot.onboarding.service import Onboardings
from bot.slack import blocks as b
from bot.slack import modals
from bot.slack.answering import Answering, Payload
from bot.slack.box_notes import BoxNotes
from bot.slack.clicks import Carried, CarryOut, Clicks
from bot.slack.connection import SlackConnection
from bot.slack.desk import CommandDesk, Export
from bot.slack.events import action_source as _action_source
from bot.slack.events import actor_of as _actor
from bot.slack.events import view_source as _view_source
from bot.slack.mrkdwn import inline
from bot.slack.readers import Readers

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Clicked:
    """A click on a control: which one, of which onboarding's step, shown at which revision."""

    key: str
    step: str
    revision: int
    action: Payload
    actor: Actor
    source: str


class Listeners(Answering):
    """The listeners and what they call."""

    def __init__(
        self,
        connection: SlackConnection,
        onboardings: Onboardings,
        packs: Packs,
        readers: Readers,
        clicks: Clicks,
        export: Export | None = None,
    ) -> None:
        super().__init__(connection, readers)
        self._clicks = clicks
        self._onboardings = onboardings
        self._packs = packs
        self._desk = CommandDesk(connection, onboardings, packs, readers.language_of, export)
        self._box_notes = BoxNotes(connection, onboardings, readers)

    def register(self, app: App) -> None:
        """Register every listener."""
        app.command(self._connection.settings.command)(self.command)
        app.view(modals.START)(self.started)
        app.view(modals.SKIP)(self.skipped)
        app.action("operator")(self.operator_chosen)
        app.action("ticket")(self.link_opened)
        app.action("skip")(self.skip_asked)
        self._on_click(app, "ticks", self._box_notes.asking_why(self._carrying_out(self._tick)))
        self._on_click(app, "choices", self._carrying_out(self._choose))
        self._on_click(app, "confirm", self._carrying_out(self._confirm))
        self._on_click(app, "assign", self._carrying_out(self._confirm))
        self._on_click(app, "retry", self._carrying_out(self._retry))
        self._on_click(app, "withdraw", self._carrying_out(self._withdraw))
        self._on_click(app, "replace", self._carrying_out(self._replace))
        self._on_click(app, "snooze", self._carrying_out(self._snooze, "snoozed"))
        self._on_click(app, "mute", self._carrying_out(self._mute, "muted"))
        self._on_click(app, "answer_yes", self._carrying_out(self._answer_yes))
        self._on_click(app, "answer_no", self._carrying_out(self._answer_no))
        self._box_notes.register(app)

    # The slash command.

    def command(self, ack: Ack, body: Payload) -> None:
        """Carry out a verb; the answer is the acknowledgement, for the person alone."""
        try:
            answer = self._desk.answer(body)
        except Exception:  # noqa: BLE001 - the person must hear of it, and the library would answer nothing
            ack(response_type="ephemeral", text=self._unexpected("command"))
            return
        ack(**answer.shown)
        if answer.afterwards is not None:
            answer.afterwards()

    # The modals.

    def open_start(self, trigger_id: str, typed: Mapping[str, str]) -> None:
        """Open the start modal with what is known already, by field. Raises Refused and Unavailable."""
        self._desk.open_start(trigger_id, self._language, typed)

    def operator_chosen(self, ack: Ack, body: Payload) -> None:
        """Show the options of the operator that was chosen in the start modal."""
        try:
            view = body["view"]
            chosen = self._packs.get(modals.chosen_operator(view) or "")
            with self._connection.client() as client:
                client.views_update(
                    view_id=view["id"],
                    hash=view.get("hash"),
                    view=modals.start_modal(self._desk.all_packs(), chosen, self._language, modals.typed(view)),
                )
        except OnboardingError as wrong:
            log.warning("start_modal_not_updated", reason=str(wrong))
        except Exception:  # noqa: BLE001 - see the module's first lines
            self._unexpected("operator")
        ack()

    def started(self, ack: Ack, body: Payload, view: Payload) -> None:
        """Start an onboarding, or show at the fields why not."""
        actor = _actor(body)
        try:
            pack_id = modals.chosen_operator(view)
            pack = self._packs.get(pack_id) if pack_id else None
            started = self._onboardings.start(modals.read_start(view, pack), actor, source=_view_source(view))
        except Invalid as invalid:
            ack(response_action="errors", errors=modals.field_errors(view, invalid.fields, self._language))
        except Refused as refused:
            ack(response_action="errors", errors={"client": self._refusal(refused, markup=False)})
            self._tell(body, self._refusal(refused))
        except Exception:  # noqa: BLE001 - see the module's first lines
            ack(response_action="errors", errors={"operator": self._unexpected("start")})
        else:
            ack()
            if not started.is_new:
                self._tell(body, f"{self._repeated()} ({started.key})")

    def skip_asked(self, ack: Ack, body: Payload) -> None:
        """Ask for the reason."""
        try:
            key, _, step_id = str(body["actions"][0]["value"]).partition(":")
            view = modals.skip_modal(replace(self._onboardings.view(key), language=self._language), step_id)
            with self._connection.client() as client:
                client.views_open(trigger_id=body["trigger_id"], view=view)
        except OnboardingError as wrong:
            ack()
            self._tell(body, self._explained(wrong))
        except Exception:  # noqa: BLE001 - see the module's first lines
            ack()
            self._tell(body, self._unexpected("skip"))
        else:
            ack()

    def skipped(self, ack: Ack, body: Payload, view: Payload) -> None:
        """Skip the step with the reason that was given."""
        reason = modals.read_reason(view)
        if not reason:
            ack(response_action="errors", errors={modals.REASON: say("refused.no_reason").text(self._language)})
            return
        key, _, step_id = str(view.get("private_metadata", "")).partition(":")
        try:
            changed = self._onboardings.skip(key, step_id, reason, actor=_actor(body), source=_view_source(view))
        except Refused as refused:
            ack(response_action="errors", errors={modals.REASON: self._refusal(refused, markup=False)})
        except Exception:  # noqa: BLE001 - see the module's first lines
            ack(response_action="errors", errors={modals.REASON: self._unexpected("skip")})
        else:
            ack()
            if not changed:
                self._tell(body, self._repeated())

    # The controls of the parent message.

    def link_opened(self, ack: Ack) -> None:
        """A button that opens a page tells us too; there is nothing to do."""
        ack()

    def _on_click(self, app: App, action_id: str, carry_out: CarryOut) -> None:
        app.action(action_id)(self._clicks.listener(action_id, carry_out))

    def _carrying_out(self, act: Callable[[Clicked], bool], outcome: str | None = None) -> CarryOut:
        """Return what carries out a click; ``outcome`` names the sentence that takes the place of a post's buttons."""

        def carry_out(body: Payload, is_left: bool) -> Carried:
            try:
                changed = act(self._clicked(body))
            except Refused as refused:
                return Carried(False, partial(self._tell, body, self._refusal(refused)))
            if changed and outcome:
                said = say(f"slack.{outcome}", who=_actor(body).name)
                # Everybody reads it: it is in the language of the channel.
                return Carried(True, partial(self._replace_buttons, body, said.text(self._readers.fallback)))
            return Carried(changed, None if changed or is_left else partial(self._tell, body, self._repeated()))

        return carry_out

    def _tick(self, clicked: Clicked) -> bool:
        selected = [option["value"] for option in clicked.action.get("selected_options") or ()]
        return self._onboardings.select_ticks(
            clicked.key,
            clicked.step,
            clicked=clicked.revision,
            selected=selected,
            actor=clicked.actor,
            source=clicked.source,
        )

    def _choose(self, clicked: Clicked) -> bool:
        choice = str((clicked.action.get("selected_option") or {}).get("value", ""))
        return self._onboardings.choose(clicked.key, clicked.step, choice, actor=clicked.actor, source=clicked.source)

    def _confirm(self, clicked: Clicked) -> bool:
        return self._onboardings.confirm(clicked.key, clicked.step, actor=clicked.actor, source=clicked.source)

    def _retry(self, clicked: Clicked) -> bool:
        return self._onboardings.retry(clicked.key, clicked.step, actor=clicked.actor, source=clicked.source)

    def _withdraw(self, clicked: Clicked) -> bool:
        return self._onboardings.steering.withdraw(
            clicked.key, clicked.step, actor=clicked.actor, source=clicked.source
        )

    def _replace(self, clicked: Clicked) -> bool:
        # The dialog before the click has shown what is replaced; there is no field in it for a reason.
        reason = say("slack.replace_reason").text(self._language)
        return self._onboardings.replace(clicked.key, clicked.step, reason, actor=clicked.actor, source=clicked.source)

    def _snooze(self, clicked: Clicked) -> bool:
        return self._onboardings.snoozing.snooze(clicked.key, clicked.step, actor=clicked.actor, source=clicked.source)

    def _mute(self, clicked: Clicked) -> bool:
        return self._onboardings.snoozing.mute(clicked.key, clicked.step, actor=clicked.actor, source=clicked.source)

    def _answer_yes(self, clicked: Clicked) -> bool:
        return self._onboardings.answer(clicked.key, clicked.step, True, actor=clicked.actor, source=clicked.source)

    def _answer_no(self, clicked: Clicked) -> bool:
        return self._onboardings.answer(clicked.key, clicked.step, False, actor=clicked.actor, source=clicked.source)

    def _clicked(self, body: Payload) -> Clicked:
        action = body["actions"][0]
        step, _, rest = str(action.get("block_id", "")).partition(":")
        revision = rest.partition(":")[0]
        key, _, named = str(action.get("value") or "").partition(":")
        return Clicked(
            key=key if named else self._key_of(body, step),
            step=named or step,
            revision=int(revision) if revision.isdecimal() else 0,
            action=action,
            actor=_actor(body),
            source=_action_source(body, action),
        )

    def _key_of(self, body: Payload, step: str) -> str:
        """Return whose message was clicked: its own buttons name the onboarding.

        A click may come before the answer to the post that it was made on has reached the database, so what the
        message says counts first; the database is asked for a message that the event does not carry.
        """
        at_home = str(body["actions"][0].get("block_id", "")).rpartition(":")[2]
        if at_home.startswith("ONB-"):
            return at_home
        for block in (body.get("message") or {}).get("blocks") or ():
            for element in block.get("elements") or ():
                key, _, named = str(element.get("value") or "").partition(":")
                if named == step:
                    return key
        return self._onboardings.shown_as("slack", _parent(body))

    # Answers.

    def _replace_buttons(self, body: Payload, outcome: str) -> None:
        """Put what was decided in the place of a post's buttons; it is on the trail, so a lost edit loses nothing."""
        message = body.get("message") or {}
        channel, _, ts = _parent(body).partition(":")
        blocks = [
            b.context(inline(outcome, 300)) if block.get("type") == "actions" else block
            for block in message.get("blocks") or ()
        ]
        try:
            with self._connection.client() as client:
                client.chat_update(
                    channel=channel,
                    ts=ts,
                    text=message.get("text"),
                    blocks=blocks,
                    # Left out it would be taken away, and the post could not be found again.
                    metadata=message.get("metadata"),
                )
        except Unavailable as lost:
            log.warning("buttons_not_replaced", reason=lost.reason)


def _parent(body: Payload) -> str:
    container = body.get("container") or {}
    channel = container.get("channel_id") or (body.get("channel") or {}).get("id")
    ts = container.get("message_ts") or (body.get("message") or {}).get("ts")
    return f"{channel}:{ts}"
