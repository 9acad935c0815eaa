"""The ticket after a correction of the form: its text and fields follow the new answers, a comment says what changed.

The answers of each version are kept in the ledger when the ticket has them, so that the next version is told as the
difference to what the team has read.
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from bot.locales import say
from bot.onboarding.correcting import corrections
from bot.onboarding.tickets import TicketRequest, Tickets
from bot.onboarding.work import Work
from checklists.model import Form

# An answer is shown up to here in the comment; the ticket's text and its attachment have it whole.
LONGEST_ANSWER = 300


def corrected(work: Work) -> int:
    """Return how many corrections were asked of the form before the answers that there are now."""
    return sum(len(corrections(memory)) for memory in work.memories.values())


def version_of(work: Work) -> str:
    """Return what tells the answers of now from earlier ones in names: empty for the first, then ``-2``, ``-3``."""
    return f"-{corrected(work) + 1}" if corrected(work) else ""


def follow(
    work: Work, tickets: Tickets, ticket: str, request: TicketRequest, form: Form | None, answers: Mapping[str, Any]
) -> None:
    """Have the ticket say what the newest answers say, once for each version. Raises TicketMissing, Unavailable."""
    if form is None:
        return
    version = version_of(work)
    work.effects.kept(work.view.id, work.effect_key(f"answers{version}"), json.dumps(dict(answers), ensure_ascii=False))
    before = _before(work)
    if before is None:
        return
    changed = [asked for asked in form.fields if _shown(before, asked.id) != _shown(answers, asked.id)]
    ids = [asked.id for asked in changed]

    def rewrite() -> str:
        return json.dumps(list(tickets.rewrite(ticket, request, ids)), ensure_ascii=False)

    # Done again it changes nothing more: nothing is looked for.
    left = json.loads(work.once(f"text{version}", look=lambda: None, do=rewrite))
    language = work.view.language
    lines = [say("corrected.told" if changed else "corrected.unchanged").text(language)]
    lines += [
        f"{asked.label.text(language)} ({asked.id}): {_shown(before, asked.id)} → {_shown(answers, asked.id)}"
        for asked in changed
    ]
    lines += [str(each) for each in left]
    marker = f"{work.effect_key(f'corrected{version}')}:{work.view.stamp}"
    work.once(
        f"corrected{version}",
        look=partial(tickets.find_comment, ticket, marker),
        do=partial(tickets.comment, ticket, lines, marker),
    )


def _before(work: Work) -> Mapping[str, Any] | None:
    """Return the answers that the ticket had before these; None for the first ones."""
    for number in range(corrected(work), 0, -1):
        version = f"-{number}" if number > 1 else ""
        kept = work.effects.known(work.effect_key(f"answers{version}"))
        if kept is not None:
            return dict(json.loads(kept))
    return None


def _shown(answers: Mapping[str, Any], asked: str) -> str:
    answer = answers.get(asked)
    if answer in (None, "", []):
        return "—"
    text = ", ".join(str(each) for each in answer) if isinstance(answer, list) else str(answer)
    return text if len(text) <= LONGEST_ANSWER else f"{text[:LONGEST_ANSWER]}…"
