"""The ticket to the Data Base team, made from the partner's form, and its end (procedure, section 3)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from pydantic import BaseModel

from bot.locales import say
from bot.onboarding.additions import Addition, add
from bot.onboarding.errors import StepFailed, Unavailable
from bot.onboarding.outcomes import Done, Evidence, Failed, Outcome, Waiting, fact
from bot.onboarding.tickets import TicketMissing, TicketRequest, Tickets, TicketStatus
from bot.onboarding.work import Work
from bot.steps.lookouts import ticket_signal
from bot.steps.ticket_corrected import follow, version_of
from checklists.model import Form, FormParameters, OptionValue, TicketOutcome, TicketParameters
from checklists.model import Step as StepDefinition

# The version of the JSON attachment's shape, for whoever reads it by machine.
ATTACHMENT_SCHEMA = "onboarding-bot/form/1"


class _Again(TypedDict):
    """How a ticket is looked at again, whatever it says."""

    poll: float
    signal: str


class TicketStep:
    """Opens the one ticket, links it with the onboarding's own issue, and watches how the team ends it."""

    parameters: type[BaseModel] = TicketParameters

    def __init__(self, tickets: Tickets, *, poll_seconds: float) -> None:
        self._tickets = tickets
        self._poll_seconds = poll_seconds

    def begin(self, definition: StepDefinition, options: Mapping[str, OptionValue]) -> None:
        """There is a ticket to open."""
        del definition, options

    def run(self, work: Work) -> Outcome:
        """Open the ticket if it is not there yet, then see where it stands."""
        parameters = work.parameters(TicketParameters)
        parent = self._parent(work)
        ticket = self._open(work, parameters)
        try:
            left_out = self._complete(work, ticket, parent)
            follow(work, self._tickets, ticket, self._request(work, parameters), *form_answers(work))
            status = self._tickets.status(ticket)
        except TicketMissing as gone:
            raise StepFailed(
                "TICKET_GONE", say("ticket.gone", ticket=ticket), say("ticket.gone_advice", ticket=ticket)
            ) from gone
        return self._judge(work, parameters, ticket, status, left_out)

    def _parent(self, work: Work) -> str:
        surface = work.view.surfaces.get("jira")
        if surface is None:
            # The onboarding's own issue is being written by the Jira surface; the ticket is linked with it.
            reason = work.view.troubles.get("jira", "the onboarding's own issue is not written yet")
            raise Unavailable("Jira", reason, retry_after=1)
        return surface.parent

    def _open(self, work: Work, parameters: TicketParameters) -> str:
        marker = f"{work.effect_key('issue')}:{work.view.stamp}"
        request = self._request(work, parameters)
        return work.once(
            "issue",
            look=lambda: self._tickets.find(marker),
            do=lambda: self._tickets.create(request, marker),
            grace_seconds=self._tickets.grace_seconds,
        )

    def _request(self, work: Work, parameters: TicketParameters) -> TicketRequest:
        form, answers = form_answers(work)
        names = {
            "operator": work.view.operator,
            "partner": work.view.partner,
            "client": work.view.client,
            "root": work.view.root,
            "key": work.view.key,
        }
        return TicketRequest(
            summary=parameters.summary.format(**names),
            body=ticket_body(work, form, answers),
            labels=parameters.labels,
            # Where the form does not ask for them, the onboarding's own names can fill a field as well.
            values={**names, "tax_ids": list(work.view.tax_ids), **answers},
            due=work.step.due_on or work.view.due,
            language=work.view.language,
        )

    def _complete(self, work: Work, ticket: str, parent: str) -> list[str]:
        """Add what belongs to the ticket but cannot be written in the same request: links, watchers, its attachment.

        Returns what is left out because Jira refuses it, with its reason.
        """

        def link() -> str:
            self._tickets.link(ticket, parent)
            return parent

        linked = Addition("link", parent, lambda: parent if self._tickets.is_linked(ticket, parent) else None, link)
        left_out: list[str] = []
        for addition in (linked, *self._tickets.additions(work.view, ticket)):
            reason = add(work.effects, work.view.id, work.effect_key(addition.name), addition)
            left_out += [] if reason is None else [f"{addition.title}: {reason}"]
        form, answers = form_answers(work)
        if form is None:
            return left_out
        # Answers that were corrected come beside the first ones: the team sees both.
        version = version_of(work)
        name = f"{work.view.key}-{form.form}{version}.json"
        content = attachment(work, form, answers)
        work.once(
            f"attachment{version}",
            look=lambda: self._tickets.attachment(ticket, name),
            do=lambda: self._tickets.attach(ticket, name, content),
        )
        return left_out

    def _judge(
        self, work: Work, parameters: TicketParameters, ticket: str, status: TicketStatus, left_out: Sequence[str]
    ) -> Outcome:
        address = self._tickets.address(ticket)
        facts = [fact("ticket", ticket), fact("status", status.status)]
        if status.resolution:
            facts.append(fact("resolution", status.resolution))
        if status.assignee:
            facts.append(fact("assignee", status.assignee))
        if status.words:
            facts.append(fact("words", status.words))
        facts += [fact("left_out", each) for each in left_out]
        evidence = Evidence(facts=tuple(facts))
        again = _Again(poll=self._poll_seconds, signal=ticket_signal(ticket))
        if _matches(parameters.refused, status):
            why = status.words or status.resolution or status.status
            seen = say("ticket.refused", ticket=ticket, words=why)
            advice = say("ticket.refused_advice", ticket=ticket)
            return Failed("TICKET_REFUSED", seen, advice, evidence, link=address, about=why, **again)
        if _matches(parameters.done, status):
            return Done(evidence, link=address)
        if status.is_closed:
            how = status.resolution or status.status
            seen = say("ticket.unexpected_end", ticket=ticket, how=how)
            advice = say("ticket.unexpected_end_advice", ticket=ticket)
            return Failed("TICKET_CLOSED", seen, advice, evidence, link=address, about=how, **again)
        note = say("ticket.waiting", ticket=ticket, status=status.status)
        return Waiting(on=work.definition.role, note=note, link=address, **again)


def form_answers(work: Work) -> tuple[Form | None, Mapping[str, Any]]:
    """Return the form that was filled in before this step, with its answers; (None, {}) when there was none."""
    for step in work.view.steps:
        answers = work.memories[step.id].get("answers")
        parameters = step.definition.parameters
        if answers is not None and isinstance(parameters, FormParameters):
            return work.pack.forms[parameters.form], answers
    return None, {}


def ticket_body(work: Work, form: Form | None, answers: Mapping[str, Any]) -> str:
    """Return the ticket's text in the wiki markup that Jira's REST v2 takes: one table for each section of the form."""
    language = work.view.language
    lines = [
        say("ticket.intro", operator=work.view.operator, client=work.view.client, key=work.view.key).text(language),
        say("ticket.how_to_correct").text(language),
        "",
        f"* Partner: {_wiki(work.view.partner)}",
        f"* Client: {_wiki(work.view.client)}",
        f"* Root: {_wiki(work.view.root)}",
        f"* CIF/NIF: {_wiki(', '.join(work.view.tax_ids))}",
    ]
    for section in form.sections if form else ():
        rows = [
            f"|{_wiki(asked.label.text(language))}|{_wiki(_shown(answers[asked.id]))}|{asked.id}|"
            for asked in section.fields
            if answers.get(asked.id) not in (None, "", [])
        ]
        if rows:
            lines += ["", f"h3. {_wiki(section.title.text(language))}", *rows]
    return "\n".join(lines)


def attachment(work: Work, form: Form, answers: Mapping[str, Any]) -> bytes:
    """Return the form's answers as the JSON that is attached to the ticket."""
    content = {
        "schema": ATTACHMENT_SCHEMA,
        "onboarding": work.view.key,
        "form": form.form,
        "form_version": form.version,
        "operator": work.view.operator,
        "partner": work.view.partner,
        "client": work.view.client,
        "root": work.view.root,
        "tax_ids": list(work.view.tax_ids),
        "answers": dict(answers),
    }
    return json.dumps(content, ensure_ascii=False, indent=2).encode()


def _matches(outcome: TicketOutcome, status: TicketStatus) -> bool:
    resolutions = {name.casefold() for name in outcome.resolutions}
    statuses = {name.casefold() for name in outcome.statuses}
    return (status.resolution or "").casefold() in resolutions or status.status.casefold() in statuses


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value)


def _wiki(text: str) -> str:
    """Keep what people wrote from being read as wiki markup that breaks the table."""
    escaped = "".join(f"\\{character}" if character in "|{}[]" else character for character in text)
    return escaped.replace("\r\n", "\n").replace("\n", " \\\\ ") or " "
