"""The port to the ticket system: the one ticket that a step opens with another team, and how it ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from bot.onboarding.additions import Addition
from bot.onboarding.view import OnboardingView


@dataclass(frozen=True)
class TicketRequest:
    """A ticket to be opened. ``values`` are form answers by field id; the adapter knows which ones have a field."""

    summary: str
    body: str
    labels: Sequence[str] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    due: date | None = None


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

    def status(self, ticket: str) -> TicketStatus:
        """Look where the ticket stands. Raises TicketMissing."""

    def changed(self, within: timedelta) -> Mapping[str, str]:
        """Return the bot's tickets that changed within the time until now, each with when, as a mark.

        One request or a few, however many tickets there are; a search may be late by ``grace_seconds``.
        """

    def address(self, ticket: str) -> str:
        """Return the address at which people open the ticket."""
