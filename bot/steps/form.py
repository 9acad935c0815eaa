"""The partner's form: a signed link goes out, checked answers come back (procedure, section 3)."""

from collections.abc import Mapping

from pydantic import BaseModel

from bot.locales import say
from bot.onboarding.correcting import correction_of_run
from bot.onboarding.outcomes import Outcome, Waiting
from bot.onboarding.ports import Links
from bot.onboarding.work import Work
from bot.steps.invitation import Invitations, invite
from checklists.model import FormParameters, OptionValue
from checklists.model import Step as StepDefinition


class FormStep:
    """Hands out the form; the answers end the step (``Onboardings.submit_form``)."""

    parameters: type[BaseModel] = FormParameters

    def __init__(self, links: Links, invitations: Invitations) -> None:
        self._links = links
        self._invitations = invitations

    def begin(self, definition: StepDefinition, options: Mapping[str, OptionValue]) -> Waiting:
        """Wait for the answers from the start: they may come before the job that sends the link has ended."""
        del options
        assert isinstance(definition.parameters, FormParameters)
        return Waiting(on=definition.parameters.by, note=say("form.waiting"), poll=0)

    def run(self, work: Work) -> Outcome:
        """Send the link and wait for the answers."""
        parameters = work.parameters(FormParameters)
        if work.memory.get("asked_in_run") == work.run:
            return Waiting(on=parameters.by, note=say("form.waiting"))
        link = self._links.form(work.view.key, work.definition.id, edition=work.view.link_edition(work.run))
        values = {
            "title": work.definition.title,
            "operator": work.view.operator,
            "client": work.view.client,
            "link": link,
            "key": work.view.key,
        }
        subject, text = say("form.subject", **values), say("form.invitation", **values)
        correction = correction_of_run(work.memory, work.run)
        if correction is not None:
            subject = say("form.correction_subject", **values)
            text = say("form.correction", comment=correction.comment, **values)
        if parameters.by == "partner":
            invite(work, self._invitations, subject, text)
        return Waiting(
            on=parameters.by,
            note=say("form.waiting"),
            copy=text,
            link=link,
        )
