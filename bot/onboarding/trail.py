"""The audit trail: append-only, numbered and hash-chained per onboarding."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from bot.onboarding.actors import Actor
from bot.onboarding.models import Event, Onboarding


def append(
    session: Session,
    onboarding: Onboarding,
    kind: str,
    *,
    actor: Actor,
    at: datetime,
    step: str | None = None,
    content: Mapping[str, Any] | None = None,
) -> Event:
    """Add a line to the trail; the onboarding's revision and head hash move to it."""
    assert onboarding.id is not None
    line = Event(
        onboarding_id=onboarding.id,
        seq=onboarding.revision + 1,
        at=at,
        actor=actor.name,
        kind=kind,
        step=step,
        content=dict(content or {}) | {"actor": actor.id},
        previous=onboarding.head,
        hash="",
    )
    line.hash = digest(line)
    onboarding.revision = line.seq
    onboarding.head = line.hash
    session.add(line)
    session.add(onboarding)
    session.flush()
    return line


def digest(line: Event) -> str:
    """Return the sha256 in hex over everything a line says and the hash of the line before it."""
    said = [
        line.onboarding_id,
        line.seq,
        line.at.isoformat(),
        line.actor,
        line.kind,
        line.step,
        line.content,
        line.previous,
    ]
    canonical = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def lines(session: Session, onboarding_id: int) -> list[Event]:
    """Return the trail in order."""
    return list(session.exec(select(Event).where(Event.onboarding_id == onboarding_id).order_by(col(Event.seq))))


def last(session: Session, onboarding_id: int, kind: str, *, step: str, until: int) -> Event | None:
    """Return the last line of a kind about a step, up to the line number ``until``; None where there is none."""
    found = select(Event).where(
        Event.onboarding_id == onboarding_id, Event.step == step, Event.kind == kind, Event.seq <= until
    )
    return session.exec(found.order_by(col(Event.seq).desc()).limit(1)).first()


def first_break(trail: Iterable[Event]) -> int | None:
    """Return the number of the first line that was changed, moved or lost; None when the chain holds."""
    previous, expected = "", 1
    for line in trail:
        if line.seq != expected or line.previous != previous or line.hash != digest(line):
            return line.seq
        previous, expected = line.hash, expected + 1
    return None
