"""What stands in for a part that the settings leave out: each use says which setting is missing."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Never

from bot.locales import say
from bot.onboarding.errors import StepFailed
from bot.onboarding.tickets import TicketRequest
from bot.onboarding.transfer import RemoteEntry, TransferSession
from bot.onboarding.view import OnboardingView


def missing(setting: str) -> StepFailed:
    """Return the failure of a step that needs a part which is not set."""
    return StepFailed("NOT_SET", say("failed.not_set", setting=setting), say("failed.not_set_advice", setting=setting))


class UnsetTransfer:
    """No file server (``TRANSFER__…``)."""

    def session(self) -> AbstractContextManager[TransferSession]:
        """Raise StepFailed."""
        raise missing("TRANSFER__HOST")

    def partner_session(self, partner: str) -> AbstractContextManager[TransferSession] | None:
        """Raise StepFailed."""
        raise missing("TRANSFER__HOST")

    def owner_name(self, entry: RemoteEntry) -> str:
        """Name the owner's number."""
        return f"uid {entry.uid}"


class UnsetTickets:
    """No Jira (``JIRA__…``)."""

    grace_seconds = 0.0

    def find(self, marker: str) -> Never:
        """Raise StepFailed."""
        raise missing("JIRA__URL")

    def create(self, request: TicketRequest, marker: str) -> Never:
        """Raise StepFailed."""
        raise missing("JIRA__URL")

    def additions(self, view: OnboardingView, ticket: str) -> Never:
        """Raise StepFailed."""
        raise missing("JIRA__URL")

    def is_linked(self, ticket: str, parent: str) -> Never:
        """Raise StepFailed."""
        raise missing("JIRA__URL")

    def link(self, ticket: str, parent: str) -> Never:
        """Raise StepFailed."""
        raise missing("JIRA__URL")

    def attachment(self, issue: str, name: str) -> Never:
        """Raise StepFailed."""
        raise missing("JIRA__URL")

    def attach(self, issue: str, name: str, content: bytes) -> Never:
        """Raise StepFailed."""
        raise missing("JIRA__URL")

    def rewrite(self, ticket: str, request: TicketRequest, changed: Collection[str]) -> Never:
        """Raise StepFailed."""
        raise missing("JIRA__URL")

    def find_comment(self, ticket: str, marker: str) -> Never:
        """Raise StepFailed."""
        raise missing("JIRA__URL")

    def comment(self, ticket: str, lines: Sequence[str], marker: str) -> Never:
        """Raise StepFailed."""
        raise missing("JIRA__URL")

    def status(self, ticket: str) -> Never:
        """Raise StepFailed."""
        raise missing("JIRA__URL")

    def changed(self, within: timedelta) -> Never:
        """Raise StepFailed."""
        raise missing("JIRA__URL")

    def address(self, ticket: str) -> Never:
        """Raise StepFailed."""
        raise missing("JIRA__URL")
