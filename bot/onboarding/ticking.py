"""The boxes of a manual step: which were ticked at a revision, and what a tick changes."""

from collections.abc import Sequence
from datetime import datetime

from bot.locales import say
from bot.onboarding import trail
from bot.onboarding.change import Change
from bot.onboarding.confirming import confirmed, void_confirmations
from bot.onboarding.errors import Refused
from bot.onboarding.handing import TAKES
from bot.onboarding.models import StepRecord
from bot.onboarding.notes import Withdrawn, notes_of, with_withdrawn
from bot.onboarding.outcomes import Done, Evidence, Fact, Outcome, Waiting
from bot.onboarding.view import offered_ticks
from checklists.model import Localized, Tick


def ticks_at(change: Change, record: StepRecord, revision: int) -> set[str]:
    """Return which boxes were ticked at a revision, as the trail tells."""
    line = trail.last(change.session, record.onboarding_id, "ticked", step=record.step_id, until=revision)
    return set(line.content["ticked"]) if line else set()


def tick(change: Change, record: StepRecord, added: set[str], removed: set[str]) -> Outcome | None:
    """Tick and untick boxes; the step is done when all are ticked. Raises Refused for one that is not offered.

    Where more people must confirm, it is whoever ticks the last box, or names all of them, that does; None until enough
    have.
    """
    offered = {tick.id for tick in offered_ticks(record, change.definition(record))}
    if not added | removed <= offered:
        raise Refused(
            say(
                "refused.no_tick",
                tick=", ".join(sorted((added | removed) - offered)),
                ticks=", ".join(sorted(offered)),
            )
        )
    ticked = {**record.memory.get("ticks", {})}
    is_vouched_for = bool(added - ticked.keys()) or added == offered
    for tick_id in sorted(added - ticked.keys()):
        ticked[tick_id] = {"by": change.actor.name, "at": change.now.isoformat()}
    emptied = sorted(tick_id for tick_id in removed if ticked.pop(tick_id, None) is not None)
    record.memory = {**record.memory, "ticks": ticked}
    change.session.add(record)
    content = {"added": sorted(added), "removed": sorted(removed), "ticked": sorted(ticked)}
    line = change.note("ticked", step=record, content=content)
    if removed:
        void_confirmations(change, record)
    # The reason is asked for afterwards: what the boxes show must be what is kept, whether it comes or not.
    withdrawn = [
        Withdrawn(seq=line.seq, item=item, by=change.actor.name, by_id=change.actor.id, at=change.now)
        for item in emptied
    ]
    record.memory = with_withdrawn(record.memory, withdrawn, set(ticked))
    if ticked.keys() < offered:
        return Waiting(
            on=record.waits_for or record.role,  # type: ignore[arg-type]
            note=Localized.model_validate(record.note),
        )
    if record.memory.get(TAKES):
        # The boxes are one half of such a step, the file is the other.
        return Waiting(on=record.waits_for or record.role, note=say("console.file_missing"))  # type: ignore[arg-type]
    if change.definition(record).confirmations > 1 and not is_vouched_for:
        # A click on an old picture that changes nothing any more vouches for nothing.
        return None
    facts = ticked_facts(record, offered_ticks(record, change.definition(record)))
    return confirmed(change, record, Done(Evidence(facts=(*facts, *_noted(record)))))


def ticked_facts(record: StepRecord, offered: Sequence[Tick]) -> tuple[Fact, ...]:
    """Return who ticked which box and when, as facts; boxes that are empty are left out."""
    ticked = record.memory.get("ticks", {})
    return tuple(
        Fact(tick.label, say("fact.ticked_value", by=ticked[tick.id]["by"], at=minute(ticked[tick.id]["at"])).en)
        for tick in offered
        if tick.id in ticked
    )


def _noted(record: StepRecord) -> tuple[Fact, ...]:
    """Return what was noted and proved beside the boxes."""
    facts = []
    for note in notes_of(record.memory):
        files = [f"{file.name} (SHA-256 {file.sha256[:12]}…)" for file in note.files if file.sha256]
        said = " · ".join(part for part in (note.text, note.link, *files) if part)
        facts += [Fact(say("fact.note"), f"{said} ({note.by}, {minute(note.at.isoformat())})")] if said else []
    return tuple(facts)


def minute(moment: str) -> str:
    """Return a moment of the database as people read it, in UTC."""
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M UTC")
