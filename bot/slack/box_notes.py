"""Beside the boxes of a manual step: the modal for notes and proofs, and the one that asks why a box was unticked."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from slack_bolt import Ack, App

from bot.locales import say
from bot.onboarding.errors import Invalid, OnboardingError, Refused
from bot.onboarding.given import GivenFile
from bot.onboarding.notes import LONGEST_NOTE, MOST_FILES, Note
from bot.onboarding.service import Onboardings
from bot.onboarding.view import OnboardingView, StepView
from bot.slack import blocks as b
from bot.slack.answering import Answering, Payload
from bot.slack.clicks import Afterwards, Carried, CarryOut
from bot.slack.connection import SlackConnection
from bot.slack.events import actor_of, view_source
from bot.slack.mrkdwn import inline, moment
from bot.slack.readers import Readers
from checklists.model import Language

log = structlog.stdlib.get_logger()

NOTE, REASON = "box_note", "box_reason"
ITEM, TEXT, LINK, FILE = "item", "text", "link", "file"
WHOLE = "-"
TITLE = 24
# The parent shows the latest; the thread has each.
MOST_NOTES = 8


class BoxNotes(Answering):
    """The listeners."""

    def __init__(self, connection: SlackConnection, onboardings: Onboardings, readers: Readers) -> None:
        super().__init__(connection, readers)
        self._onboardings = onboardings

    def register(self, app: App) -> None:
        """Register them."""
        app.action(NOTE)(self.note_asked)
        app.action(REASON)(self.reason_asked)
        app.view(NOTE)(self.noted)
        app.view(REASON)(self.explained)

    def asking_why(self, ticked: CarryOut) -> CarryOut:
        """Return what carries out a click on boxes, with the question after it why a box was unticked.

        The tick is carried out first: when the question does not come, or stays unanswered, the boxes are true all the
        same, and the parent has a button for the reason.
        """

        def carry_out(body: Payload, is_left: bool) -> Carried:
            carried = ticked(body, is_left)
            if not _can_have_unticked(body):
                return carried
            return carried._replace(afterwards=partial(self._and_why, body, carried.afterwards))

        return carry_out

    def _and_why(self, body: Payload, told: Afterwards | None) -> None:
        if told is not None:
            told()
        try:
            key, step_id = self._clicked(body)
            if key and self._has_just_unticked(body, key, step_id):
                self._ask_why(body, key, step_id)
        except Exception as late:  # noqa: BLE001 - the tick is carried out; the parent's button asks as well
            log.info("reason_not_asked", reason=str(late))

    def note_asked(self, ack: Ack, body: Payload) -> None:
        """Open the modal for a note or a proof."""
        key, _, step_id = str(body["actions"][0]["value"]).partition(":")
        self._answer(ack, body, lambda: self._open(body, note_modal(self._view(key), step_id)))

    def reason_asked(self, ack: Ack, body: Payload) -> None:
        """Open the modal for a reason that was not given at once."""
        key, _, step_id = str(body["actions"][0]["value"]).partition(":")
        self._answer(ack, body, lambda: self._ask_why(body, key, step_id))

    def noted(self, ack: Ack, body: Payload, view: Payload) -> None:
        """Keep a note, a link, files."""
        key, _, step_id = str(view.get("private_metadata", "")).partition(":")
        item = str((_entered(view, ITEM).get("selected_option") or {}).get("value") or WHOLE)
        files = _entered(view, FILE).get("files") or ()
        self._take(
            ack,
            body,
            TEXT,
            lambda: self._onboardings.noting.add(
                key,
                step_id,
                item=None if item == WHOLE else item,
                text=str(_entered(view, TEXT).get("value") or ""),
                link=str(_entered(view, LINK).get("value") or ""),
                given=[GivenFile(str(each["id"]), str(each["name"]), int(each.get("size") or 0)) for each in files],
                actor=actor_of(body),
                source=view_source(view),
            ),
        )

    def explained(self, ack: Ack, body: Payload, view: Payload) -> None:
        """Keep the reason for an untick."""
        key, step_id, seq = str(view.get("private_metadata", "")).split(":")
        reason = str(_entered(view, TEXT).get("value") or "")
        self._take(
            ack,
            body,
            TEXT,
            lambda: self._onboardings.noting.explain(
                key, step_id, int(seq), reason, actor=actor_of(body), source=view_source(view)
            ),
        )

    # The common course.

    def _answer(self, ack: Ack, body: Payload, act: Callable[[], None]) -> None:
        said = ""
        try:
            act()
        except OnboardingError as wrong:
            said = self._explained(wrong)
        except Exception:  # noqa: BLE001 - the person must hear of it, and the library would answer nothing
            said = self._unexpected("box_note")
        ack()
        if said:
            self._tell(body, said)

    def _take(self, ack: Ack, body: Payload, field: str, act: Callable[[], bool]) -> None:
        try:
            changed = act()
        except Invalid as invalid:
            shown = {name: text.text(self._language)[:2_000] for name, text in invalid.fields.items()}
            ack(response_action="errors", errors=shown)
        except Refused as refused:
            ack(response_action="errors", errors={field: refused.text.text(self._language)[:2_000]})
        except Exception:  # noqa: BLE001 - see above
            ack(response_action="errors", errors={field: self._unexpected("box_note")})
        else:
            ack()
            if not changed:
                self._tell(body, self._repeated())

    def _ask_why(self, body: Payload, key: str, step_id: str) -> None:
        unexplained = self._onboardings.unexplained(key, step_id)
        if not unexplained:
            raise Refused(say("proof.no_reason_wanted"))
        self._open(body, reason_modal(self._view(key), step_id, unexplained[-1]))

    def _view(self, key: str) -> OnboardingView:
        """Return an onboarding for a modal: it is in its reader's language."""
        return replace(self._onboardings.view(key), language=self._language)

    def _open(self, body: Payload, view: dict[str, Any]) -> None:
        with self._connection.client() as client:
            client.views_open(trigger_id=body["trigger_id"], view=view)

    def _clicked(self, body: Payload) -> tuple[str, str]:
        step_id = str(body["actions"][0].get("block_id", "")).partition(":")[0]
        for block in (body.get("message") or {}).get("blocks") or ():
            for element in block.get("elements") or ():
                key, _, named = str(element.get("value") or "").partition(":")
                if named == step_id:
                    return key, step_id
        return "", step_id

    def _has_just_unticked(self, body: Payload, key: str, step_id: str) -> bool:
        """Tell whether this person's latest untick of the step has no reason yet."""
        boxes = self._onboardings.view(key).step(step_id).ticks
        mine = f"slack:{body['user']['id']}"
        selected = {option["value"] for option in body["actions"][0].get("selected_options") or ()}
        return any(
            box.withdrawn is not None
            and box.withdrawn.reason is None
            and box.withdrawn.by_id == mine
            and box.tick.id not in selected
            for box in boxes
        )


def buttons(view: OnboardingView, step: StepView) -> list[b.Block]:
    """Return the buttons beside a step's boxes: a note or a proof, and the reason that an untick still wants."""
    if step.state != "waiting" or not (step.ticks or step.definition.kind == "confirm"):
        return []
    value = f"{view.key}:{step.id}"
    built = [b.button(say("proof.button").text(view.language), NOTE, value)]
    if any(box.withdrawn is not None and box.withdrawn.reason is None for box in step.ticks):
        built.append(b.button(say("proof.reason_button").text(view.language), REASON, value))
    return built


def note_lines(step: StepView, language: Language) -> list[str]:
    """Return what was noted and proved beside the boxes, and which boxes were unticked, by whom and why."""
    if step.state not in {"waiting", "failed"}:
        return []
    labels = {box.tick.id: box.tick.label.text(language) for box in step.ticks}
    lines = []
    for box in step.ticks:
        if box.withdrawn is not None:
            why = box.withdrawn.reason or say("proof.no_reason_yet").text(language)
            who = f"{inline(box.withdrawn.by, 40)}, {moment(box.withdrawn.at)}"
            lines.append(f"↩️ {inline(labels[box.tick.id], 120)}: {who}: {inline(why, 200)}")
    lines += [_note_line(note, labels, language) for note in step.notes[-MOST_NOTES:]]
    return lines


def _note_line(note: Note, labels: Mapping[str, str], language: Language) -> str:
    said = [inline(part, 200) for part in (note.text, note.link) if part]
    for file in note.files:
        state = (
            "" if file.sha256 else f" ({say('proof.refused_mark' if file.refused else 'proof.coming').text(language)})"
        )
        said.append(f"{inline(file.name, 80)}{state}")
    label = labels.get(note.item or "")
    about = f"{inline(label, 80)}: " if label else ""
    return f"📎 {about}{' · '.join(said)} ({inline(note.by, 40)}, {moment(note.at)})"


def note_modal(view: OnboardingView, step_id: str) -> dict[str, Any]:
    """Return the modal for a note, a link or files about one of a step's boxes or about the step."""
    language, step = view.language, view.step(step_id)

    def text(name: str) -> str:
        return say(f"proof.{name}").text(language)

    options = [b.option(text("whole"), WHOLE)]
    options += [b.option(box.tick.label.text(language), box.tick.id) for box in step.ticks]
    item: b.Block = {"type": "static_select", "action_id": "value", "options": options, "initial_option": options[0]}
    typed: b.Block = {
        "type": "plain_text_input",
        "action_id": "value",
        "multiline": True,
        "max_length": LONGEST_NOTE,
    }
    link: b.Block = {"type": "url_text_input", "action_id": "value"}
    file: b.Block = {"type": "file_input", "action_id": "value", "max_files": MOST_FILES}
    return {
        "type": "modal",
        "callback_id": NOTE,
        "private_metadata": f"{view.key}:{step_id}",
        "title": b.plain(text("title"), TITLE),
        "submit": b.plain(text("submit"), TITLE),
        "close": b.plain(say("slack.close").text(language), TITLE),
        "blocks": [
            b.section(f"*{view.key}* · {inline(step.definition.title.text(language), 150)}"),
            b.question(ITEM, text("item"), item),
            b.question(TEXT, text("text"), typed, optional=True),
            b.question(LINK, text("link_label"), link, optional=True),
            b.question(FILE, text("file"), file, optional=True, hint=text("file_hint")),
        ],
    }


def reason_modal(view: OnboardingView, step_id: str, seq: int) -> dict[str, Any]:
    """Return the modal that asks why boxes were unticked by the trail's line ``seq``."""
    language, step = view.language, view.step(step_id)
    labels = [
        f"☐ {inline(box.tick.label.text(language), 200)}"
        for box in step.ticks
        if box.withdrawn is not None and box.withdrawn.seq == seq
    ]
    typed: b.Block = {
        "type": "plain_text_input",
        "action_id": "value",
        "multiline": True,
        "max_length": LONGEST_NOTE,
    }
    return {
        "type": "modal",
        "callback_id": REASON,
        "private_metadata": f"{view.key}:{step_id}:{seq}",
        "title": b.plain(say("proof.reason_title").text(language), TITLE),
        "submit": b.plain(say("proof.submit").text(language), TITLE),
        "close": b.plain(say("slack.close").text(language), TITLE),
        "blocks": [
            b.section("\n".join([f"*{view.key}* · {inline(step.definition.title.text(language), 150)}", *labels])),
            b.question(TEXT, say("fact.reason").text(language), typed, hint=say("proof.reason_hint").text(language)),
        ],
    }


def _can_have_unticked(body: Payload) -> bool:
    """Tell whether a box that the message shows as ticked is missing from the selection: most clicks tick one.

    It is read from the event alone, for nobody should wait for the database twice.
    """
    action = body["actions"][0]
    selected = {option["value"] for option in action.get("selected_options") or ()}
    shown = [
        element
        for block in (body.get("message") or body.get("view") or {}).get("blocks") or ()
        if block.get("block_id") == action.get("block_id")
        for element in (*(block.get("elements") or ()), block.get("accessory") or {}, block.get("element") or {})
        if element.get("action_id") == action.get("action_id")
    ]
    ticked = {option["value"] for element in shown for option in element.get("initial_options") or ()}
    return not shown or not ticked <= selected


def _entered(view: Payload, block_id: str) -> Mapping[str, Any]:
    values = (view.get("state") or {}).get("values", {}).get(block_id) or {}
    return next((element or {} for element in values.values()), {})
