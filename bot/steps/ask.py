"""A yes-or-no question to a person, such as whether the partner has received the OFC (procedure, section 4.6)."""

from collections.abc import Mapping

from pydantic import BaseModel

from bot.locales import say
from bot.onboarding.outcomes import Evidence, FileEvidence, Outcome, Waiting
from bot.onboarding.ports import Links
from bot.onboarding.work import Work
from bot.steps.invitation import Invitations, invite
from checklists.model import AskParameters, OptionValue
from checklists.model import Step as StepDefinition


class AskStep:
    """Sends the question with the delivered files' sizes and checksums in front of it; the answer ends the step."""

    parameters: type[BaseModel] = AskParameters

    def __init__(self, links: Links, invitations: Invitations) -> None:
        self._links = links
        self._invitations = invitations

    def begin(self, definition: StepDefinition, options: Mapping[str, OptionValue]) -> Waiting:
        """Wait for the answer from the start: it may come before the job that sends the question has ended."""
        del options
        assert isinstance(definition.parameters, AskParameters)
        parameters = definition.parameters
        return Waiting(on=parameters.of, note=say("ask.waiting", question=parameters.question), poll=0)

    def run(self, work: Work) -> Outcome:
        """Send the question and wait for the answer."""
        parameters = work.parameters(AskParameters)
        if work.memory.get("asked_in_run") == work.run:
            return Waiting(on=parameters.of, note=say("ask.waiting", question=parameters.question))
        edition = work.view.link_edition(work.run)
        link = self._links.confirmation(work.view.key, work.definition.id, edition=edition)
        files = asked_about(work)
        listed = "\n".join(f"  {file.name}\n    {file.size} B, SHA-256 {file.sha256}" for file in files)
        values = {
            "question": parameters.question,
            "operator": work.view.operator,
            "client": work.view.client,
            "files": listed or "—",
            "link": link,
            "key": work.view.key,
        }
        text = say("ask.invitation", **values)
        if parameters.of == "partner":
            invite(work, self._invitations, say("ask.subject", **values), text)
        return Waiting(
            on=parameters.of,
            note=say("ask.waiting", question=parameters.question),
            copy=text,
            evidence=Evidence(files=files),
            link=link,
        )


def asked_about(work: Work) -> tuple[FileEvidence, ...]:
    """Return the files that the steps before the question brought."""
    return tuple(file for need in work.definition.needs for file in work.view.step(need).evidence.files)
