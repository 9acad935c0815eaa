"""What people type behind a slash command, as Slack sends it with ``should_escape``: mentions, dates, quotes, signs.

Slack sends ``@ana`` as ``<@U123|ana>``, ``#general`` as ``<#C123|general>``, an address as ``<https://…>``, and the
three signs & < > escaped.
"""

import re
from dataclasses import dataclass
from datetime import date

_MENTION = re.compile(r"<@([UW][A-Z0-9]{2,30})(?:\|([^<>|]{0,80}))?>", re.ASCII)
_GROUP = re.compile(r"<!subteam\^(S[A-Z0-9]{2,30})(?:\|@?([^<>|]{0,80}))?>", re.ASCII)
_LINKED = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", re.ASCII)
_QUOTES = {'"': '"', "'": "'", "“": "”", "«": "»", "‘": "’"}

ME = frozenset({"me", "moi", "yo", "mí", "mi"})
NOBODY = frozenset({"none", "nobody", "personne", "aucun", "aucune", "nadie", "ninguno", "ninguna", "-"})


@dataclass(frozen=True)
class Person:
    """Somebody who was named: their id in Slack and the name that came with it; or whoever is typing."""

    id: str = ""
    name: str = ""
    is_me: bool = False


def read_person(given: str) -> Person | None:
    """Read a mention of a person or of a user group, or a word for oneself; None for a word that means nobody.

    Raises ValueError for anything else.
    """
    word = given.strip()
    if word.casefold() in ME:
        return Person(is_me=True)
    if word.casefold() in NOBODY:
        return None
    matched = _MENTION.fullmatch(word) or _GROUP.fullmatch(word)
    if matched is None:
        raise ValueError(word)
    return Person(matched[1], plain_text(matched[2] or "").strip() or matched[1])


def read_date(given: str) -> date | None:
    """Read ``2026-12-01``, or the day first as in ``1/12/2026``; None for a word that means none.

    Raises ValueError for anything else, and for a day that no calendar has.
    """
    word = given.strip()
    if word.casefold() in NOBODY:
        return None
    if matched := _ISO.fullmatch(word):
        return date(int(matched[1]), int(matched[2]), int(matched[3]))
    if matched := _DAY_FIRST.fullmatch(word):
        return date(int(matched[3]), int(matched[2]), int(matched[1]))
    raise ValueError(word)


def plain_text(typed: str) -> str:
    """Return what was typed as people read it: mentions and links by what they show, the three signs as they are."""
    shown = _LINKED.sub(_as_shown, typed)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def unquoted(text: str) -> str:
    """Return a text without the quotes that hold it as a whole, and without the space around it."""
    text = text.strip()
    while len(text) >= 2 and _QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return text


def _as_shown(matched: re.Match[str]) -> str:
    sign, target, shown = matched[1], matched[2], matched[3]
    if sign == "@":
        return f"@{shown or target}"
    if sign == "#":
        return f"#{shown or target}"
    if sign == "!":
        return f"@{(shown or target.partition('^')[0]).removeprefix('@')}"
    return shown if shown and shown in target else target
