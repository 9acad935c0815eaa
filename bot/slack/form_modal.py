"""The partner's form as a modal in pages: at most 20 questions each, then a page with what was entered and "submit".

A page is a pure function of the form, of what was entered so far and of its number. A block's id is the field's. Slack
takes 3,000 characters in one input: a longer answer that came another way is shown and stays as it is.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.locales import say
from bot.onboarding.answer_types import example_of
from bot.onboarding.answers import Given, required_fields, unwanted_fields
from bot.onboarding.forms import OpenForm
from bot.slack import blocks as b
from bot.slack.mrkdwn import chunks, inline, quoted, shortened, whole_lines
from checklists.model import FormField, FormSection, Language, Localized

PAGE = "form_page"
REVIEW = "form_review"
OVER = "form_over"
BACK = "form_back"
# A choice that other questions depend on, and one that none does.
DEPENDED, ANSWER = "form_choice", "value"

MOST_INPUTS = 20
INPUT_TEXT = 3_000
TITLE = 24
SHOWN_ANSWER = 300
NOTICE = 2_900
# A modal has 100 blocks; a review of more sections than this would have no room for the rest.
MOST_REVIEW_BLOCKS = 90
MANY_LINES = frozenset({"long_text", "public_key", "emails", "tax_ids", "networks"})


@dataclass(frozen=True)
class Place:
    """Which page of which form a modal shows. ``page`` counts from 0; the number of pages is the review."""

    key: str
    step_id: str
    page: int

    def as_metadata(self) -> str:
        """Return it as the modal carries it: ids only."""
        return json.dumps([self.key, self.step_id, self.page])

    @classmethod
    def of(cls, view: Mapping[str, Any]) -> "Place":
        """Read it from a modal."""
        key, step_id, page = json.loads(str(view.get("private_metadata") or ""))
        return cls(str(key), str(step_id), int(page))


@dataclass(frozen=True)
class Part:
    """Some questions of one section, on one page."""

    section: FormSection
    fields: tuple[FormField, ...]


Page = tuple[Part, ...]


def pages(sections: Sequence[FormSection]) -> list[Page]:
    """Divide a form's questions into pages of at most 20, a section whole wherever it fits."""
    made: list[list[Part]] = []
    room = 0
    for section in sections:
        asked = [field for field in section.fields if field.fill is None]
        filled = tuple(field for field in section.fields if field.fill is not None)
        pieces = [tuple(asked[start : start + MOST_INPUTS]) for start in range(0, len(asked), MOST_INPUTS)] or [()]
        for number, piece in enumerate(pieces):
            # What the bot fills in is shown once, with the section's first questions.
            part = Part(section, (*filled, *piece) if number == 0 else piece)
            if not made or len(piece) > room or len(made[-1]) >= MOST_INPUTS:
                made.append([])
                room = MOST_INPUTS
            made[-1].append(part)
            room -= len(piece)
    return [tuple(page) for page in made]


def fields_of(page: Page) -> tuple[FormField, ...]:
    """Return the questions of a page."""
    return tuple(field for part in page for field in part.fields if field.fill is None)


def form_page(
    opened: OpenForm, given: Given, number: int, language: Language, *, notice: Sequence[str] = ()
) -> dict[str, Any]:
    """Return a page; ``notice`` stands above the questions. The page after the last one is the review."""
    divided = pages(opened.form.sections)
    if number >= len(divided):
        return _review(opened, given, len(divided), language, notice)
    required, off = required_fields(opened.form, given), unwanted_fields(opened.form, given)
    steering = _steering(opened)
    blocks = [*_notices(notice)]
    for part in divided[number]:
        wanted = [field for field in part.fields if field.id not in off]
        blocks.append(b.header(part.section.title.text(language)))
        filled = [field for field in wanted if field.fill is not None]
        if filled:
            lines = [_answer_line(field, opened.filled.get(field.id), language) for field in filled]
            told = say("slack.form.filled").text(language)
            blocks.append(b.context("\n".join(whole_lines([told, *lines], NOTICE))))
        elif not wanted:
            blocks.append(b.context(say("slack.form.not_wanted").text(language)))
        blocks += [
            _question(opened, field, given, language, required=field.id in required, steers=field.id in steering)
            for field in wanted
            if field.fill is None
        ]
    if number > 0:
        blocks.append(_back(language))
    shown = say("slack.form.title", page=number + 1, pages=len(divided) + 1).text(language)
    submit = say("slack.form.next").text(language)
    return _modal(PAGE, Place(opened.view.key, opened.step_id, number), shown, submit, blocks, language)


def message_modal(text: str, language: Language) -> dict[str, Any]:
    """Return a modal that only says something: the form waits no more."""
    return {
        "type": "modal",
        "callback_id": OVER,
        "title": b.plain(say("slack.form.over").text(language), TITLE),
        "close": b.plain(say("slack.close").text(language), TITLE),
        "blocks": [b.section(quoted(text, NOTICE))],
    }


def read_page(opened: OpenForm, view: Mapping[str, Any], number: int) -> dict[str, str | list[str]]:
    """Return what a page says by field id: the questions that it shows, an empty text where one was left empty."""
    divided = pages(opened.form.sections)
    if number >= len(divided):
        return {}
    values = (view.get("state") or {}).get("values") or {}
    read: dict[str, str | list[str]] = {}
    for field in fields_of(divided[number]):
        for element in (values.get(field.id) or {}).values():
            read[field.id] = _entered(field, element or {})
    return read


def page_errors(
    opened: OpenForm, number: int, errors: Mapping[str, Localized], view: Mapping[str, Any], language: Language
) -> dict[str, str]:
    """Return the errors of a page as Slack shows them, at its inputs."""
    shown = {block["block_id"] for block in view.get("blocks", ()) if block.get("type") == "input"}
    here = {field.id for field in fields_of(pages(opened.form.sections)[number])}
    return {
        name: shortened(error.text(language), 2_000) for name, error in errors.items() if name in here and name in shown
    }


def first_wrong_page(opened: OpenForm, errors: Mapping[str, Localized]) -> int:
    """Return the first page with an error on it."""
    for number, page in enumerate(pages(opened.form.sections)):
        if any(field.id in errors for field in fields_of(page)):
            return number
    return 0


def error_lines(opened: OpenForm, errors: Mapping[str, Localized], language: Language) -> list[str]:
    """Return the errors with their questions, for a page that cannot show them at its inputs."""
    labels = {field.id: field.label.text(language) for field in opened.form.fields}
    return [f"{labels.get(name, name)}: {error.text(language)}" for name, error in errors.items()]


def _review(opened: OpenForm, given: Given, last: int, language: Language, notice: Sequence[str]) -> dict[str, Any]:
    off = unwanted_fields(opened.form, given)
    blocks = _notices(notice)
    texts: list[str] = []
    for section in opened.form.sections:
        lines = []
        for field in section.fields:
            value = opened.filled.get(field.id) if field.fill is not None else given.get(field.id, _default(field))
            if value and field.id not in off:
                lines.append(_answer_line(field, value, language))
        if lines:
            texts += chunks([f"*{inline(section.title.text(language), 150)}*", *lines])
    room = MOST_REVIEW_BLOCKS - len(blocks)
    blocks += [b.section(text) for text in texts[:room]]
    if len(texts) > room:
        blocks.append(b.context("…"))
    if not texts:
        blocks.append(b.section(say("slack.form.empty").text(language)))
    blocks.append(b.context(say("slack.form.sends", partner=inline(opened.view.partner, 60)).text(language)))
    blocks.append(_back(language))
    shown = say("slack.form.title", page=last + 1, pages=last + 1).text(language)
    submit = say("slack.form.submit").text(language)
    return _modal(REVIEW, Place(opened.view.key, opened.step_id, last), shown, submit, blocks, language)


def _modal(
    callback: str, place: Place, title: str, submit: str, blocks: list[b.Block], language: Language
) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": place.as_metadata(),
        "title": b.plain(title, TITLE),
        "submit": b.plain(submit, TITLE),
        "close": b.plain(say("slack.close").text(language), TITLE),
        "blocks": blocks,
    }


def _notices(lines: Sequence[str]) -> list[b.Block]:
    if not lines:
        return []
    return [b.section("\n".join(whole_lines([f"⚠️ {quoted(line, 700)}" for line in lines], NOTICE)))]


def _back(language: Language) -> b.Block:
    return {"type": "actions", "elements": [b.button(say("slack.form.back").text(language), BACK, "back")]}


def _steering(opened: OpenForm) -> frozenset[str]:
    """Return the choices on which it depends whether other questions are asked, or must be answered."""
    form = opened.form
    before = (required_fields(form, {}), unwanted_fields(form, {}))
    return frozenset(
        field.id
        for field in form.fields
        if field.fill is None
        and any(
            (required_fields(form, {field.id: sent}), unwanted_fields(form, {field.id: sent})) != before
            for sent in _possible(field)
        )
    )


def _possible(field: FormField) -> Iterator[str]:
    if field.type == "boolean":
        yield from ("true", "false")
    elif field.type == "choice":
        yield from field.choices


def _question(
    opened: OpenForm, field: FormField, given: Given, language: Language, *, required: bool, steers: bool
) -> b.Block:
    value = given.get(field.id, _default(field))
    label = field.label.text(language)
    if _is_too_long(field, value):
        kept = say("slack.form.kept", label=label, length=len(_text(value))).text(language)
        return b.context(quoted(kept, NOTICE))
    element = _element(field, value, DEPENDED if steers else ANSWER, language)
    block = b.question(field.id, label, element, optional=not required, hint=_hint(opened, field, language))
    return block | ({"dispatch_action": True} if steers else {})


def _is_too_long(field: FormField, value: str | list[str]) -> bool:
    return _is_typed(field) and len(_text(value)) > INPUT_TEXT


def _is_typed(field: FormField) -> bool:
    """Tell a question that is answered in words; of more choices than Slack's menus hold one is typed, too."""
    if field.type in {"choice", "choices"}:
        return len(field.choices) > b.MOST_OPTIONS
    return field.type not in {"boolean", "date"}


def _element(field: FormField, value: str | list[str], action_id: str, language: Language) -> b.Block:
    text = _text(value)
    match field.type:
        case "boolean":
            options = [
                b.option(say(f"slack.{word}").text(language), sent) for word, sent in (("yes", "true"), ("no", "false"))
            ]
            element: b.Block = {"type": "radio_buttons", "action_id": action_id, "options": options}
            return element | _initial(options, [text])
        case "choice" if len(field.choices) <= b.MOST_OPTIONS:
            options = _options(field)
            element = {"type": "static_select", "action_id": action_id, "options": options}
            return element | _initial(options, [_sent(field, text)])
        case "choices" if len(field.choices) <= b.MOST_OPTIONS:
            options = _options(field)
            chosen = [_sent(field, one) for one in (value if isinstance(value, list) else value.split(","))]
            initial = [option for option in options if option["value"] in chosen]
            element = {"type": "multi_static_select", "action_id": action_id, "options": options}
            return element | ({"initial_options": initial} if initial else {})
        case "date":
            picker: b.Block = {"type": "datepicker", "action_id": action_id}
            return picker | ({"initial_date": text} if _is_day(text) else {})
        case _:
            typed: b.Block = {
                "type": "plain_text_input",
                "action_id": action_id,
                "multiline": field.type in MANY_LINES,
                "max_length": INPUT_TEXT,
                "placeholder": b.plain(example_of(field), 150),
            }
            return typed | ({"initial_value": text} if text else {})


def _initial(options: Sequence[b.Block], wanted: Sequence[str]) -> b.Block:
    chosen = [option for option in options if option["value"] in wanted]
    return {"initial_option": chosen[0]} if chosen else {}


def _options(field: FormField) -> list[b.Block]:
    return [b.option(choice, _sent(field, choice)) for choice in field.choices]


def _sent(field: FormField, choice: str) -> str:
    """Return an option's value: the choice, or its number where one of them is longer than a value may be."""
    choice = choice.strip()
    if all(len(one) <= 150 for one in field.choices) or choice not in field.choices:
        return choice
    return f"#{field.choices.index(choice)}"


def _chosen(field: FormField, sent: str) -> str:
    for choice in field.choices:
        if _sent(field, choice) == sent:
            return choice
    return sent


def _entered(field: FormField, element: Mapping[str, Any]) -> str | list[str]:
    if "selected_options" in element:
        return [_chosen(field, str(option["value"])) for option in element["selected_options"] or ()]
    if "selected_option" in element:
        option = element["selected_option"]
        return _chosen(field, str(option["value"])) if option else ""
    return str(element.get("selected_date") or element.get("value") or "")


def _hint(opened: OpenForm, field: FormField, language: Language) -> str:
    parts = [field.help.text(language)] if field.help else []
    if field.example and field.type not in {"boolean", "choice"}:
        parts.append(say("slack.form.example", example=field.example).text(language))
    if field.required_when:
        labels = {each.id: each.label.text(language) for each in opened.form.fields}
        when = ", ".join(f"{labels[name]} = {_word(value, language)}" for name, value in field.required_when.items())
        parts.append(say("slack.form.required_when", when=when).text(language))
    return " ".join(parts)


def _word(value: object, language: Language) -> str:
    if isinstance(value, bool):
        return say("slack.yes" if value else "slack.no").text(language)
    return str(value)


def _answer_line(field: FormField, value: str | list[str] | None, language: Language) -> str:
    text = ", ".join(value) if isinstance(value, list) else value or "—"
    if field.type == "boolean":
        text = say("slack.yes" if text == "true" else "slack.no").text(language)
    return f"• {inline(field.label.text(language), 150)}: {inline(text, SHOWN_ANSWER)}"


def _default(field: FormField) -> str | list[str]:
    if isinstance(field.default, bool):
        return str(field.default).lower()
    return "" if field.default is None else str(field.default)


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "\n".join(value)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
