"""The modal of a note to the trail, from a message or from the Home: which activation, and what is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

from bot.locales import say
from bot.onboarding.steering import LONGEST_NOTE
from bot.slack import blocks as b
from bot.slack.modals import SUBMIT, TITLE, typed_in
from bot.slack.mrkdwn import inline, shortened
from checklists.model import Language, Localized

CALLBACK = "note"
KEY, TEXT = "key", "text"


@dataclass(frozen=True)
class Note:
    """What was submitted: for which activation or which step of it, what, of which message (``<channel>:<ts>``).

    ``message`` is empty for a note that is about none; ``is_asked``: people typed which activation.
    """

    key: str
    step: str | None
    text: str
    message: str
    is_asked: bool


def note_modal(
    text: str,
    message: str,
    key: str | None,
    language: Language,
    *,
    step: tuple[str, Localized] | None = None,
) -> dict[str, Any]:
    """Return the modal; ``key`` is None where the message stands in no activation's thread, and is asked for then.

    ``message`` is empty where the note is about none; ``step`` is the id and the title of the step that it is about.
    """

    def said(name: str) -> str:
        return say(f"note.{name}").text(language)

    if key is None:
        which = b.question(KEY, said("key"), {"type": "plain_text_input", "action_id": "value"}, hint=said("key_hint"))
    else:
        which = b.section(f"*{key}*" + (f" · {inline(step[1].text(language), 150)}" if step else ""))
    field: b.Block = {"type": "plain_text_input", "action_id": "value", "multiline": True, "max_length": LONGEST_NOTE}
    known = shortened(unescape(text), LONGEST_NOTE)
    field |= {"initial_value": known} if known else {}
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        # Ids alone: what people wrote stands in the field, where they can see it.
        "private_metadata": f"{message or ':'}:{key or ''}:{step[0] if step else ''}",
        "title": b.plain(said("title"), TITLE),
        "submit": b.plain(said("submit"), SUBMIT),
        "close": b.plain(say("slack.close").text(language), TITLE),
        "blocks": [which, b.question(TEXT, said("text"), field, hint=said("text_hint" if message else "home_hint"))],
    }


def read_note(view: Mapping[str, Any]) -> Note:
    """Return what a note modal says; nothing is checked yet."""
    channel, ts, key, step, *_ = [*str(view.get("private_metadata", "")).split(":"), "", "", "", ""]
    message = f"{channel}:{ts}" if ts else ""
    return Note(key or typed_in(view, KEY).strip(), step or None, typed_in(view, TEXT), message, is_asked=not key)
