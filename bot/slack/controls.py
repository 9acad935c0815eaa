"""What the parent message shows of a step that waits for somebody: what it is about, its boxes and its buttons.

Block ids are ``<step>:<revision>:<part>``: at each revision the boxes are new ones, so Slack never shows a stale tick,
and a click tells which revision was on the screen. After a restore of the database revisions are counted anew from
the backup's: the ids then hold how manieth restore it was as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.locales import say
from bot.onboarding.replacing import question
from bot.onboarding.view import OnboardingView, StepView, TickView
from bot.slack import blocks as b
from bot.slack import box_notes
from bot.slack.mrkdwn import SECTION, code, escaped, from_markdown, inline, moment, quoted, shortened, whole_lines
from checklists.model import Choice, Language

ICONS = {
    "pending": "▫️",
    "ready": "▫️",
    "running": "⏳",
    "waiting": "🟡",
    "done": "✅",
    "failed": "❌",
    "skipped": "⏭️",
    "not_applicable": "➖",
}

# A box shows 75 characters of its label; a longer one stands in the text in full.
BOX_LABEL = 75
SENTENCE = 700
MOST_FACTS = 8
# A paragraph has 3,000 characters; a little is left for the signs that join its lines.
STEP_TEXT = SECTION - 50


def steps_with_controls(view: OnboardingView, *, blocks: int, characters: int) -> tuple[list[b.Block], int]:
    """Return the steps that wait for somebody, and how many more there was no room for.

    Every step gets its boxes and buttons first, as long as they fit; what is left goes to texts and guides evenly.
    """
    parts = [_Part(view, step) for step in view.steps if step.state in {"waiting", "failed"}]
    shown: list[_Part] = []
    for part in parts:
        if part.block_count > blocks or part.least_size > characters:
            break
        blocks -= part.block_count
        characters -= part.least_size
        shown.append(part)
    built: list[b.Block] = []
    for position, part in enumerate(shown):
        text = part.text(characters // (len(shown) - position))
        characters -= len(text) - len(part.title)
        built += part.blocks(text)
    return built, len(parts) - len(shown)


@dataclass(frozen=True)
class _Part:
    """One step's share of the message."""

    view: OnboardingView
    step: StepView

    @property
    def title(self) -> str:
        return f"{ICONS[self.step.state]} *{inline(self.step.definition.title.text(self.view.language), 150)}*"

    @property
    def prefix(self) -> str:
        restored = f":r{self.view.restored}" if self.view.restored else ""
        return f"{self.step.id}:{self.view.revision}{restored}"

    @property
    def controls(self) -> list[b.Block]:
        prefix = self.prefix
        built: list[b.Block] = []
        if self.step.state == "waiting" and self.step.ticks:
            boxes = _checkboxes(self.step.ticks, self.view.language)
            built.append({"type": "actions", "block_id": f"{prefix}:ticks", "elements": [boxes]})
        buttons = _buttons(self.view, self.step)
        built.append({"type": "actions", "block_id": f"{prefix}:actions", "elements": buttons})
        return built

    @property
    def block_count(self) -> int:
        return 2 + len(self.controls)

    @property
    def least_size(self) -> int:
        return len(self.title) + b.text_size(self.controls)

    def text(self, more: int) -> str:
        """Return the title and as much below it as fits: who ticked what before facts, and facts before the guide."""
        room = min(more, STEP_TEXT - len(self.title))
        below: dict[str, list[str]] = {}
        for name, lines in (
            ("said", _said(self.step, self.view.language)),
            ("ticks", _tick_lines(self.step, self.view.language)),
            ("notes", box_notes.note_lines(self.step, self.view.language)),
            ("facts", _fact_lines(self.step, self.view.language)),
            ("guide", _guide_lines(self.view, self.step)),
        ):
            below[name] = whole_lines(lines, room) if room > 1 else []
            room -= sum(len(line) + 1 for line in below[name])
        order = ("said", "guide", "facts", "ticks", "notes")
        return "\n".join([self.title, *(line for name in order for line in below[name])])

    def blocks(self, text: str) -> list[b.Block]:
        return [{"type": "divider"}, b.section(text, f"{self.prefix}:text"), *self.controls]


def _said(step: StepView, language: Language) -> list[str]:
    if step.state == "failed":
        texts = [text.text(language) for text in (step.seen, step.advice) if text]
        return [code(step.code or "", 60), *(line for text in texts for line in _first_lines(text))]
    said = [quoted(step.note.text(language), SENTENCE)] if step.note is not None else []
    return [*said, *_confirmed_lines(step, language)]


def _confirmed_lines(step: StepView, language: Language) -> list[str]:
    """Return who has confirmed a step that more people must confirm."""
    if not step.confirmations:
        return []
    by = ", ".join(f"{inline(each.name, 40)} ({moment(each.at)})" for each in step.confirmations)
    needed = step.definition.confirmations
    return [f"☝️ {say('confirmed.so_far', count=len(step.confirmations), needed=needed, by=by).text(language)}"]


def _first_lines(text: str) -> list[str]:
    """Return as many whole lines as there is room for: the thread has them all."""
    return whole_lines([shortened(line, SENTENCE - 3) for line in escaped(text).split("\n")], SENTENCE)


def _guide_lines(view: OnboardingView, step: StepView) -> list[str]:
    guide = view.pack.guide(step.definition, view.language) if step.state == "waiting" else None
    return from_markdown(guide).strip().split("\n") if guide else []


def _fact_lines(step: StepView, language: Language) -> list[str]:
    if step.state != "waiting":
        return []
    return [
        f"• {inline(fact.label.text(language), 80)}: {inline(fact.value, 120)}"
        for fact in step.evidence.facts[:MOST_FACTS]
    ]


def _tick_lines(step: StepView, language: Language) -> list[str]:
    """Return who ticked what and when, and the labels that are too long for a box."""
    if step.state != "waiting":
        return []
    lines = []
    for seen in step.ticks:
        label = seen.tick.label.text(language)
        if seen.by is not None and seen.at is not None:
            lines.append(f"☑ {inline(label, 200)}: {inline(seen.by, 40)}, {moment(seen.at)}")
        elif len(label) > BOX_LABEL:
            lines.append(f"☐ {inline(label, 400)}")
    return lines


def _checkboxes(ticks: Sequence[TickView], language: Language) -> b.Block:
    options = {seen.tick.id: b.option(seen.tick.label.text(language), seen.tick.id) for seen in ticks}
    element: b.Block = {"type": "checkboxes", "action_id": "ticks", "options": list(options.values())}
    initial = [options[seen.tick.id] for seen in ticks if seen.by is not None]
    return element | ({"initial_options": initial} if initial else {})


def _buttons(view: OnboardingView, step: StepView) -> list[b.Block]:
    language, value = view.language, f"{view.key}:{step.id}"

    def text(name: str) -> str:
        return say(f"slack.{name}").text(language)

    sure = {"confirm": _sure(step, language)}
    elements: list[b.Block] = []
    if step.state == "failed":
        if step.offer is not None:
            asked = question(step.offer, b.DIALOG_TEXT, language)
            dialog = b.confirm(text("replace"), asked, text("replace_yes"), text("no"))
            elements.append(b.button(text("replace"), "replace", value, style="danger") | {"confirm": dialog})
        elements.append(b.button(text("retry"), "retry", value, style="primary"))
    elif step.definition.kind == "ask":
        elements.append(b.button(text("answer_yes"), "answer_yes", value, style="primary") | sure)
        elements.append(b.button(text("answer_no"), "answer_no", value) | sure)
    elif step.definition.kind == "references":
        elements.append(b.button(text("assign"), "assign", value, style="primary") | sure)
    elif step.definition.kind == "form":
        elements.append(b.button(text("fill_in"), "form_fill", value, style="primary"))
        elements.append(b.button(text("form_sheet"), "form_sheet", value))
    elif step.ticks:
        elements.append(b.button(text("confirm"), "confirm", value, style="primary") | sure)
    choices = _choices(step)
    if choices and step.state == "waiting":
        options = [b.option(choice.label.text(language), choice.id) for choice in choices]
        elements.append({"type": "radio_buttons", "action_id": "choices", "options": options} | sure)
    if step.confirmations and step.state == "waiting":
        elements.append(b.button(text("withdraw"), "withdraw", value) | sure)
    if step.link and step.definition.kind == "ticket":
        elements.append(b.button(text("ticket"), "ticket", value, url=step.link))
    elements += box_notes.buttons(view, step)
    elements.append(b.button(text("skip"), "skip", value))
    return elements


def _choices(step: StepView) -> tuple[Choice, ...]:
    choices: Any = getattr(step.definition.parameters, "choices", ())
    return tuple(choices)


def _sure(step: StepView, language: Language) -> b.Block:
    """The dialog before what another click does not take back."""
    return b.confirm(
        step.definition.title.text(language),
        say("slack.sure").text(language),
        say("slack.yes").text(language),
        say("slack.no").text(language),
    )
