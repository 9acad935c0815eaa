"""The ticket in the Data Base team's project (the core's ``Tickets``)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from jira import JIRA

from bot.jira import finding, issues, markup, rest
from bot.jira.account import OwnAccount
from bot.jira.additions import additions_of
from bot.jira.connection import JiraConnection, JiraRefused
from bot.jira.filling import Wanted, fields_of, ticket_of
from bot.jira.rewriting import rewrite
from bot.jira.screen import ScreenRefuses
from bot.onboarding.additions import Addition, AdditionRefused
from bot.onboarding.effects import NothingHappened
from bot.onboarding.errors import StepFailed
from bot.onboarding.tickets import TicketMissing, TicketRequest, TicketStatus
from bot.onboarding.view import OnboardingView


class JiraTickets:
    """Opens, completes and watches tickets."""

    def __init__(self, connection: JiraConnection) -> None:
        self._connection = connection
        self._settings = connection.settings
        self._own = OwnAccount()

    @property
    def grace_seconds(self) -> float:
        """How long Jira's search may miss a new ticket."""
        return self._settings.grace_seconds

    def find(self, marker: str) -> str | None:
        """Return the key of the ticket that carries the marker's label."""
        with self._client() as client:
            return finding.find_by_label(client, self._settings.database_project, marker)

    def create(self, request: TicketRequest, marker: str) -> str:
        """Open the ticket with its mapped fields and its labels; return its key.

        Raises NothingHappened around the StepFailed when Jira refuses, or when its create screen shows that it would:
        there is no ticket to wait for.
        """
        with self._refused_means_not_done(), self._client() as client:
            issue = client.create_issue(fields=fields_of(client, self.wanted(request, marker)), prefetch=False)
            return str(issue.key)

    def wanted(self, request: TicketRequest, marker: str) -> Wanted:
        """Return what the ticket shall hold: the settings' fields and constants, and what the request says."""
        own = {
            "summary": markup.one_line(request.summary),
            "description": markup.shortened(request.body),
            "labels": [*request.labels, finding.OURS, finding.label_of(marker)],
        }
        return ticket_of(self._settings, own, request.values, request.due)

    def is_linked(self, ticket: str, parent: str) -> bool:
        """Tell whether the two issues are linked, in either direction."""
        with self._client(ticket) as client:
            for link in getattr(client.issue(ticket, fields="issuelinks").fields, "issuelinks", None) or ():
                for side in ("inwardIssue", "outwardIssue"):
                    other = getattr(link, side, None)
                    if other is not None and other.key == parent:
                        return True
        return False

    def link(self, ticket: str, parent: str) -> None:
        """Link the ticket with the onboarding's own issue."""
        try:
            with self._connection.client() as client:
                # The client would look up the type each time, and send a comment that is null.
                between = {"inwardIssue": {"key": ticket}, "outwardIssue": {"key": parent}}
                rest.post(client, "issueLink", {"type": {"name": self._settings.link_type}, **between})
        except JiraRefused as refused:
            # Jira says 404 for either issue, and for the type of link.
            if refused.status == 404 and not self._is_there(ticket):
                raise TicketMissing(ticket) from refused
            if refused.status == 404 and not self._is_there(parent):
                raise AdditionRefused(f"{parent} is no longer there") from refused
            raise issues.refused_step(self._connection, refused) from refused

    def additions(self, view: OnboardingView, ticket: str) -> Sequence[Addition]:
        """Return the ticket's watchers of the settings, and its link to Slack once there is one."""
        return additions_of(self._connection, view, ticket, self._settings.database_watchers)

    def attachment(self, issue: str, name: str) -> str | None:
        """Return the id of an attachment by its name."""
        with self._client(issue) as client:
            return issues.attachment_id(client, issue, name)

    def attach(self, issue: str, name: str, content: bytes) -> str:
        """Attach a file; return the attachment's id."""
        with self._client(issue) as client:
            return issues.attach(client, issue, name, content)

    def rewrite(self, ticket: str, request: TicketRequest, changed: Collection[str]) -> Sequence[str]:
        """Set the text and the fields of the answers that have changed, but for what a person has written since."""
        with self._client(ticket) as client:
            wanted = self.wanted(request, "")
            left = rewrite(client, ticket, wanted, changed, self._own.id(client))
            return [each.text(request.language) for each in left]

    def find_comment(self, ticket: str, marker: str) -> str | None:
        """Look for a comment by its marker."""
        with self._client(ticket) as client:
            return finding.find_comment(client, ticket, marker)

    def comment(self, ticket: str, lines: Sequence[str], marker: str) -> str:
        """Comment; nothing in it is read as markup."""
        body = markup.shortened("\n".join(markup.escaped(line) for line in lines))
        with self._refused_means_not_done(), self._client(ticket) as client:
            return str(client.add_comment(ticket, f"{body}\n----\n{marker}").id)

    def status(self, ticket: str) -> TicketStatus:
        """Look where the ticket stands. Raises TicketMissing."""
        try:
            with self._connection.client() as client:
                fields = client.issue(ticket, fields="status,resolution,assignee,comment").fields
                words = finding.last_comment(client, ticket, getattr(fields, "comment", None))
        except JiraRefused as refused:
            if refused.status == 404:
                raise TicketMissing(ticket) from refused
            raise issues.refused_step(self._connection, refused) from refused
        category = getattr(getattr(fields.status, "statusCategory", None), "key", "")
        return TicketStatus(
            status=str(fields.status.name),
            is_closed=category == "done",
            resolution=_name_of(fields, "resolution", "name"),
            assignee=_name_of(fields, "assignee", "displayName"),
            words=words.strip(),
        )

    def changed(self, within: timedelta) -> Mapping[str, str]:
        """Return the tickets with the bot's label that changed, each with Jira's word for when."""
        late = timedelta(seconds=self.grace_seconds)
        with self._client() as client:
            return finding.changed(client, self._settings.database_project, within + late)

    def address(self, ticket: str) -> str:
        """Return where people open the ticket."""
        return self._connection.address(ticket)

    def _is_there(self, key: str) -> bool:
        try:
            with self._client(key) as client:
                client.issue(key, fields="status")
        except TicketMissing:
            return False
        return True

    @contextmanager
    def _client(self, ticket: str | None = None) -> Iterator[JIRA]:
        try:
            with self._connection.client() as client:
                yield client
        except JiraRefused as refused:
            if ticket is not None and refused.status == 404:
                raise TicketMissing(ticket) from refused
            raise issues.refused_step(self._connection, refused) from refused
        except ScreenRefuses as refused:
            raise StepFailed("JIRA_FIELDS", refused.seen, refused.advice) from refused

    @contextmanager
    def _refused_means_not_done(self) -> Iterator[None]:
        """Spare the ledger the wait for a late index after a create that Jira has refused."""
        try:
            yield
        except StepFailed as refused:
            raise NothingHappened(refused) from refused


def _name_of(fields: Any, field: str, attribute: str) -> str | None:
    value = getattr(fields, field, None)
    return None if value is None else str(getattr(value, attribute))
