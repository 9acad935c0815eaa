"""One onboarding inside one transaction: its rows, its trail, and when what of it is due next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.locales import say
from bot.onboarding import due_rows, trail
from bot.onboarding.actors import Actor
from bot.onboarding.clock import WorkingTime
from bot.onboarding.errors import Unknown
from bot.onboarding.models import DueRecord, Event, Onboarding, StepRecord
from checklists.model import Pack
from checklists.model import Step as StepDefinition


@dataclass
class Change:
    """One onboarding inside one transaction: its row, its pack, its steps in order."""

    session: Session
    onboarding: Onboarding
    pack: Pack
    steps: list[StepRecord]
    actor: Actor
    now: datetime

    def step(self, step_id: str) -> StepRecord:
        """Return a step's row. Raises Unknown, naming the steps that there are."""
        for record in self.steps:
            if record.step_id == step_id:
                return record
        raise Unknown(
            say(
                "refused.no_step",
                key=self.onboarding.key,
                step=step_id,
                steps=", ".join(record.step_id for record in self.steps),
            )
        )

    def definition(self, record: StepRecord) -> StepDefinition:
        """Return the pack's side of a step."""
        return self.pack.checklist.step(record.step_id)

    @property
    def working_time(self) -> WorkingTime:
        """The days and hours in which the pack's people work."""
        return WorkingTime.of(self.pack.checklist)

    def note(self, kind: str, *, step: StepRecord | None = None, content: Mapping[str, Any] | None = None) -> Event:
        """Add a line to the trail."""
        return trail.append(
            self.session,
            self.onboarding,
            kind,
            actor=self.actor,
            at=self.now,
            step=step.step_id if step else None,
            content=content,
        )

    # When something is due next.

    def schedule(self, subject: str, seconds: float, *, run: int = 0, attempts: int = 0) -> None:
        """Have a step or a surface looked at again after some seconds."""
        self.set_time(subject, self.now + timedelta(seconds=seconds), run=run, attempts=attempts)

    def set_time(self, subject: str, at: datetime, *, run: int = 0, attempts: int = 0) -> None:
        """Have something done at a moment."""
        assert self.onboarding.id is not None
        due_rows.put(self.session, self.onboarding.id, subject, due_at=at, now=self.now, run=run, attempts=attempts)

    def look_now(self, record: StepRecord) -> None:
        """Have a waiting step look at once, and often again from now on: a person has asked for it."""
        assert self.onboarding.id is not None
        row = due_rows.put(
            self.session,
            self.onboarding.id,
            due_rows.step(record.step_id),
            due_at=self.now,
            now=self.now,
            run=record.run,
        )
        row.since = self.now

    def row(self, subject: str) -> DueRecord | None:
        """Return when something is due next; None when it is not."""
        return due_rows.find(self.session, self.onboarding.id, subject)

    def is_scheduled(self, subject: str) -> bool:
        """Tell whether a step or a surface is to be looked at again."""
        return self.row(subject) is not None

    def attempts(self, subject: str) -> int:
        """Return how many times in a row a server did not answer for a step or a surface."""
        row = self.row(subject)
        return row.attempts if row else 0

    def unschedule(self, subject: str) -> None:
        """Forget when a step or a surface was to be looked at again."""
        assert self.onboarding.id is not None
        due_rows.drop(self.session, self.onboarding.id, subject)

    def forget_times(self) -> None:
        """Forget whatever is due of an onboarding that has ended, but for what its surfaces still have to tell."""
        assert self.onboarding.id is not None
        due_rows.drop_all_but_surfaces(self.session, self.onboarding.id, self.now)
