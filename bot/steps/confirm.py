"""A manual step: people tick its boxes or choose a status; the bot only keeps who did what and when."""

from collections.abc import Mapping
from typing import Never

from pydantic import BaseModel

from bot.locales import say
from bot.onboarding.actors import role_name
from bot.onboarding.outcomes import Waiting
from bot.onboarding.work import Work
from checklists.model import ConfirmParameters, OptionValue
from checklists.model import Step as StepDefinition


class ConfirmStep:
    """Procedure, sections 1 and 2: what people do in the operator's portal, in SOFIA, in My Console."""

    parameters: type[BaseModel] = ConfirmParameters

    def begin(self, definition: StepDefinition, options: Mapping[str, OptionValue]) -> Waiting:
        """Wait for the role that the pack names."""
        del options
        return Waiting(on=definition.role, note=say("confirm.waiting", role=role_name(definition.role)))

    def run(self, work: Work) -> Never:
        """Never called: a manual step has no job."""
        raise AssertionError(f"The manual step {work.definition.id} has no work.")
