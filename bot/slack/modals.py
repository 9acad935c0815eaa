"""The modals: starting an onboarding, and the reason for skipping a step. Each is built and read back here."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from bot.locales import say
from bot.onboarding.start import StartRequest, split_tax_ids
from bot.onboarding.view import OnboardingView
from bot.slack import blocks as b
from bot.slack.mrkdwn import inline, shortened
from checklists.model import Language, Localized, Option, OptionValue, Pack

START = "start"
SKIP = "skip"
NOTICE = "notice"
REASON = "reason"

# Design, "Slack's start modal": the blocks that every operator has.
ASKED = ("partner", "partner_email", "client", "root", "tax_ids")
TITLE, SUBMIT = 24, 24
LONGEST_TYPED = 3_000


def start_modal(
    packs: Sequence[Pack], chosen: Pack | None, language: Language, typed: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the start modal; the options asked for are those of the chosen operator.

    ``typed`` is what stands in the text fields already, by their ids.
    """

    def text(name: str) -> str:
        return say(f"slack.start.{name}").text(language)

    operators = [b.option(pack.checklist.operator.name, pack.id) for pack in packs[: b.MOST_OPTIONS]]
    select: b.Block = {
        "type": "static_select",
        "action_id": "operator",
        "placeholder": b.plain(text("operator"), 150),
        "options": operators,
    }
    if chosen is not None:
        select["initial_option"] = b.option(chosen.checklist.operator.name, chosen.id)
    operator = b.question("operator", text("operator"), select) | {"dispatch_action": True}
    blocks = [operator]
    for name in ASKED:
        field: b.Block = {"type": "plain_text_input", "action_id": "value", "multiline": name == "tax_ids"}
        known = shortened((typed or {}).get(name, ""), LONGEST_TYPED)
        field |= {"initial_value": known} if known else {}
        blocks.append(b.question(name, text(name), field, hint=text(f"{name}_hint")))
    blocks += [_option_block(option, language) for option in (chosen.checklist.options if chosen else ())]
    due: b.Block = {"type": "datepicker", "action_id": "value"}
    blocks.append(b.question("due", text("due"), due, optional=True))
    return {
        "type": "modal",
        "callback_id": START,
        "title": b.plain(text("title"), TITLE),
        "submit": b.plain(text("submit"), SUBMIT),
        "close": b.plain(say("slack.close").text(language), TITLE),
        "blocks": blocks,
    }


def typed(view: Mapping[str, Any]) -> dict[str, str]:
    """Return what stands in a start modal's text fields: it is shown again when the modal changes."""
    return {name: value for name in ASKED if (value := typed_in(view, name))}


def chosen_operator(view: Mapping[str, Any]) -> str | None:
    """Return the operator that is selected in a start modal."""
    return _selected(_state(view, "operator"))


def read_start(view: Mapping[str, Any], pack: Pack | None) -> StartRequest:
    """Return what a start modal says; nothing is checked yet."""
    options: dict[str, OptionValue] = {}
    for option in pack.checklist.options if pack else ():
        value = _selected(_state(view, option.id))
        if value is not None:
            options[option.id] = value == "true" if option.type == "boolean" else value
    due = _state(view, "due").get("selected_date")
    said = {name: typed_in(view, name) for name in ASKED}
    return StartRequest(
        pack=chosen_operator(view) or "",
        partner=said["partner"],
        partner_email=said["partner_email"],
        client=said["client"],
        root=said["root"],
        tax_ids=split_tax_ids(said["tax_ids"]),
        options=options,
        due=date.fromisoformat(due) if due else None,
    )


def field_errors(view: Mapping[str, Any], errors: Mapping[str, Localized], language: Language) -> dict[str, str]:
    """Return the errors as Slack shows them, at the fields; one that has no field stands at the operator."""
    shown = {block["block_id"] for block in view.get("blocks", ()) if block.get("type") == "input"}
    placed: dict[str, str] = {}
    for name, error in errors.items():
        block_id = name if name in shown else "operator"
        placed[block_id] = shortened(
            f"{placed[block_id]} {error.text(language)}" if block_id in placed else error.text(language), 2_000
        )
    return placed


def skip_modal(view: OnboardingView, step_id: str) -> dict[str, Any]:
    """Return the modal that asks why a step is skipped."""
    language = view.language
    title = view.step(step_id).definition.title.text(language)
    typed: b.Block = {"type": "plain_text_input", "action_id": "value", "multiline": True, "max_length": 1000}
    return {
        "type": "modal",
        "callback_id": SKIP,
        "private_metadata": f"{view.key}:{step_id}",
        "title": b.plain(say("slack.skip").text(language), TITLE),
        "submit": b.plain(say("slack.skip").text(language), SUBMIT),
        "close": b.plain(say("slack.close").text(language), TITLE),
        "blocks": [
            b.section(f"*{view.key}* · {inline(title, 150)}"),
            b.question(REASON, say("fact.reason").text(language), typed, hint=say("slack.skip_hint").text(language)),
        ],
    }


def notice_modal(text: str, language: Language) -> dict[str, Any]:
    """Return the modal that answers somebody where no channel is at hand."""
    return {
        "type": "modal",
        "callback_id": NOTICE,
        "title": b.plain(say("slack.notice").text(language), TITLE),
        "close": b.plain(say("slack.close").text(language), TITLE),
        "blocks": [b.section(text)],
    }


def read_reason(view: Mapping[str, Any]) -> str:
    """Return the reason that was typed."""
    return typed_in(view, REASON).strip()


def typed_in(view: Mapping[str, Any], block_id: str) -> str:
    """Return what was typed in a text field."""
    return str(_state(view, block_id).get("value") or "")


def _option_block(option: Option, language: Language) -> b.Block:
    label = option.label.text(language)
    if option.type == "boolean":
        options = [
            b.option(say(f"slack.{word}").text(language), value) for word, value in (("yes", "true"), ("no", "false"))
        ]
        return b.question(option.id, label, {"type": "radio_buttons", "action_id": "value", "options": options})
    options = [b.option(choice, choice) for choice in option.choices[: b.MOST_OPTIONS]]
    return b.question(
        option.id,
        label,
        {"type": "static_select", "action_id": "value", "placeholder": b.plain(label, 150), "options": options},
    )


def _state(view: Mapping[str, Any], block_id: str) -> Mapping[str, Any]:
    values = view.get("state", {}).get("values", {}).get(block_id) or {}
    for element in values.values():
        return element or {}
    return {}


def _selected(element: Mapping[str, Any]) -> str | None:
    option = element.get("selected_option")
    return str(option["value"]) if option else None
