"""The boxes of a manual step: which were ticked at a revision, and what a tick changes."""

from datetime import datetime

from bot.locales import say
from bot.onboarding import trail
from bot.onboarding.confirming import confirmed, void_confirmations
from bot.onboarding.errors import Refused
from bot.onboarding.flow import Change
from bot.onboarding.models import StepRecord
from bot.onboarding.outcomes import Done, Evidence, Fact, Outcome, Waiting
from bot.onboarding.view import offered_ticks
from checklists.model import Localized


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
    for tick_id in removed:
        ticked.pop(tick_id, None)
    record.memory = {**record.memory, "ticks": ticked}
    change.session.add(record)
    content = {"added": sorted(added), "removed": sorted(removed), "ticked": sorted(ticked)}
    change.note("ticked", step=record, content=content)
    if removed:
        void_confirmations(change, record)
    if ticked.keys() < offered:
        return Waiting(
            on=record.waits_for or record.role,  # type: ignore[arg-type]
            note=Localized.model_validate(record.note),
        )
    facts = tuple(
        Fact(tick.label, say("fact.ticked_value", by=ticked[tick.id]["by"], at=_minute(ticked[tick.id]["at"])).en)
        for tick in offered_ticks(record, change.definition(record))
    )
    if change.definition(record).confirmations > 1 and not is_vouched_for:
        # A click on an old picture that changes nothing any more vouches for nothing.
        return None
    return confirmed(change, record, Done(Evidence(facts=facts)))


def _minute(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M UTC")
