"""What a step's work is given: where the onboarding stands, the pack, and the ledger for its writes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from bot.onboarding.effects import Effects
from bot.onboarding.view import OnboardingView, StepView
from checklists.model import Pack
from checklists.model import Step as StepDefinition

P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True)
class Work:
    """One run of one step. ``memory`` is what the step's kind kept so far, ``memories`` the same of every step."""

    view: OnboardingView
    step: StepView
    memory: Mapping[str, Any]
    memories: Mapping[str, Mapping[str, Any]]
    run: int
    now: datetime
    effects: Effects

    @property
    def definition(self) -> StepDefinition:
        """The step in the pack."""
        return self.step.definition

    @property
    def pack(self) -> Pack:
        """The pack that the onboarding began with."""
        return self.view.pack

    def parameters(self, model: type[P]) -> P:
        """Return the step's ``with``, which the pack's loader has read as its kind's own model."""
        parameters = self.definition.parameters
        assert isinstance(parameters, model), f"{self.definition.id}: {type(parameters).__name__}"
        return parameters

    def effect_key(self, effect: str) -> str:
        """Return the ledger's key of an effect of this step: ``ONB-7:ticket:issue``."""
        return f"{self.view.key}:{self.definition.id}:{effect}"

    def once(
        self, effect: str, *, look: Callable[[], str | None], do: Callable[[], str], grace_seconds: float = 0
    ) -> str:
        """Make sure that an effect of this step exists outside, once for all its runs; return its id there."""
        return self.effects.once(self.view.id, self.effect_key(effect), look=look, do=do, grace_seconds=grace_seconds)

    def moment(self, name: str) -> datetime:
        """Return when this step first asked for this moment: the same one in all its runs, whatever was killed.

        What is written with it has the same bytes and the same name each time.
        """
        key = self.effect_key(f"moment:{name}")
        return datetime.fromisoformat(self.effects.kept(self.view.id, key, self.now.isoformat()))

    def at_most_once(self, effect: str, do: Callable[[], str], *, instead_of: str) -> str:
        """Do what cannot be looked up outside, at most once; ``instead_of`` was the attempt before.

        Raises OutcomeUnknown.
        """
        before = self.effect_key(instead_of)
        return self.effects.at_most_once(self.view.id, self.effect_key(effect), do, instead_of=before)
