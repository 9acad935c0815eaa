"""Counting the people who confirm a step: it is done once as many as the pack says have given the same answer.

Whoever gives another answer begins anew; a box that is unticked makes all confirmations void.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.locales import say
from bot.onboarding.change import Change
from bot.onboarding.confirmations import KEPT, Confirmation, confirmations_of
from bot.onboarding.errors import Refused
from bot.onboarding.models import StepRecord
from bot.onboarding.outcomes import Done, Evidence, Fact


def confirmed(change: Change, record: StepRecord, done: Done, answer: str = "") -> Done | None:
    """Count the actor's confirmation; return ``done`` once as many people as the pack says have given this answer.

    None: others must confirm too, and it is on the trail who has. Raises Refused for a person who has already.
    """
    needed = change.definition(record).confirmations
    if needed == 1:
        return done
    same_answer = (record.memory.get(KEPT) or {}).get("answer") == answer
    before = confirmations_of(record.memory, record.run) if same_answer else ()
    if any(each.is_of(change.actor) for each in before):
        raise Refused(say("refused.confirmed_by_you", count=len(before), needed=needed, by=_names(before)))
    by = (*before, Confirmation(id=change.actor.id, name=change.actor.name, at=change.now))
    if len(by) >= needed:
        _keep(change, record, None)
        facts = [Fact(say("fact.confirmed_by"), f"{each.name}, {_minute(each.at)}") for each in by]
        others = [fact for fact in done.evidence.facts if fact.label != facts[0].label]
        return replace(done, evidence=replace(done.evidence, facts=(*others, *facts)))
    _keep(
        change,
        record,
        {"run": record.run, "answer": answer, "by": [each.model_dump(mode="json") for each in by]},
    )
    seen = say("confirmed.so_far", count=len(by), needed=needed, by=_names(by))
    evidence = Evidence(facts=tuple(fact for fact in done.evidence.facts if fact.label == say("fact.status")))
    content = {"count": len(by), "needed": needed, "seen": seen.model_dump(), "evidence": evidence.as_json()}
    change.note("confirmed", step=record, content=content)
    return None


def void_confirmations(change: Change, record: StepRecord) -> None:
    """Forget who has confirmed: what they confirmed is no longer so."""
    before = confirmations_of(record.memory, record.run)
    if before:
        _keep(change, record, None)
        seen = say("confirmed.void", by=_names(before))
        change.note("confirmation_withdrawn", step=record, content={"seen": seen.model_dump()})


def withdraw(change: Change, record: StepRecord) -> None:
    """Take the actor's own confirmation back. Raises Refused where there is none."""
    before = confirmations_of(record.memory, record.run)
    others = [each for each in before if not each.is_of(change.actor)]
    if len(others) == len(before):
        raise Refused(say("refused.not_confirmed_by_you", step=change.definition(record).title))
    kept = record.memory[KEPT]
    _keep(change, record, {**kept, "by": [each.model_dump(mode="json") for each in others]} if others else None)
    needed = change.definition(record).confirmations
    seen = say("confirmed.withdrawn", who=change.actor.name, count=len(others), needed=needed)
    change.note("confirmation_withdrawn", step=record, content={"seen": seen.model_dump()})


def _keep(change: Change, record: StepRecord, kept: Mapping[str, Any] | None) -> None:
    record.memory = {**record.memory, KEPT: kept}
    change.session.add(record)


def _names(by: tuple[Confirmation, ...]) -> str:
    return ", ".join(each.name for each in by) or "—"


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
