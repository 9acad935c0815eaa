"""The port to the ticket system: the one ticket that a step opens with another team, and how it ends."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from bot.onboarding.additions import Addition
from bot.onboarding.view import OnboardingView
from checklists.model import Language


@dataclass(frozen=True)
class TicketRequest:
    """A ticket to be opened. ``values`` are form answers by field id; the adapter knows which ones have a field.

    ``language`` is the one in which the adapter says what becomes of it.
    """

    summary: str
    body: str
    labels: Sequence[str] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    due: date | None = None
    language: Language = "en"


@dataclass(frozen=True)
class TicketStatus:
    """Where a ticket stands. ``words`` is the team's last comment, empty when there is none."""

    status: str
    is_closed: bool
    resolution: str | None
    assignee: str | None
    words: str


class TicketMissing(Exception):
    """The ticket is gone: deleted, or no longer visible to the bot."""


class Tickets(Protocol):
    """Every method raises Unavailable when the server does not answer, StepFailed when it refuses.

    What is about one ticket raises TicketMissing when there is no such ticket any more.
    """

    @property
    def grace_seconds(self) -> float:
        """How long a search may miss a ticket that was just made, in seconds."""

    def find(self, marker: str) -> str | None:
        """Return the key of the ticket that carries the marker; None when there is none."""

    def create(self, request: TicketRequest, marker: str) -> str:
        """Open the ticket with the marker on it; return its key. Raises NothingHappened around a refusal."""

    def is_linked(self, ticket: str, parent: str) -> bool:
        """Tell whether the ticket is linked with the onboarding's own issue."""

    def link(self, ticket: str, parent: str) -> None:
        """Link the ticket with the onboarding's own issue. Raises AdditionRefused when that one is gone."""

    def additions(self, view: OnboardingView, ticket: str) -> Sequence[Addition]:
        """Return what the ticket gets beside its text: its watchers, the way back to Slack."""

    def attachment(self, issue: str, name: str) -> str | None:
        """Return the id of an attachment by its name; None when there is none."""

    def attach(self, issue: str, name: str, content: bytes) -> str:
        """Attach a file; return the attachment's id."""

    def rewrite(self, ticket: str, request: TicketRequest, changed: Collection[str]) -> Sequence[str]:
        """Bring the ticket's text, and the fields of the answers that have changed, up to what the request says.

        What a person has written in them since is left as it is. Returns what was left or refused, each with why.
        Made again it changes nothing more. Raises TicketMissing.
        """

    def find_comment(self, ticket: str, marker: str) -> str | None:
        """Return the id of the comment that ends with the marker; None when there is none."""

    def comment(self, ticket: str, lines: Sequence[str], marker: str) -> str:
        """Comment in plain text with the marker; return the comment's id. Raises NothingHappened around a refusal."""

    def status(self, ticket: str) -> TicketStatus:
        """Look where the ticket stands. Raises TicketMissing."""

    def changed(self, within: timedelta) -> Mapping[str, str]:
        """Return the bot's tickets that changed within the time until now, each with when, as a mark.

        One request or a few, however many tickets there are; a search may be late by ``grace_seconds``.
        """

    def address(self, ticket: str) -> str:
        """Return the address at which people open the ticket."""
