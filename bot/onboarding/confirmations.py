"""Who has confirmed a step that needs more than one person, as the step keeps it (the pack's key ``confirmations``).

The confirmations belong to one run of the step and to one answer. One person counts once, by whatever way they come in.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot.onboarding.actors import Actor

KEPT = "confirmations"


class Confirmation(BaseModel):
    """A person who has confirmed: the actor's id, the name that people read, and when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    name: str
    at: datetime

    def is_of(self, actor: Actor) -> bool:
        """Tell whether an actor is the same person; the same name by another way in is taken for them."""
        return self.id == actor.id or self.name.casefold() == actor.name.casefold()


def confirmations_of(memory: Mapping[str, Any], run: int) -> tuple[Confirmation, ...]:
    """Return who has confirmed a step's run, the first one first; empty where it needs nobody more."""
    kept = memory.get(KEPT)
    if not kept or kept["run"] != run:
        return ()
    return tuple(Confirmation.model_validate(each) for each in kept["by"])
