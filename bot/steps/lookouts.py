"""What the tickets' and the folders' servers tell for all steps that wait for them (``bot.onboarding.lookouts``)."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.onboarding.tickets import Tickets
from bot.onboarding.transfer import Transfer, TransferError

TICKET, FOLDER = "ticket", "folder"


def ticket_signal(key: str) -> str:
    """Name a ticket as what a step waits for."""
    return f"{TICKET}:{key}"


def folder_signal(path: str) -> str:
    """Name a directory as what a step waits for."""
    return f"{FOLDER}:{path}"


class TicketLookout:
    """One search for the tickets that have changed, however many are waited for."""

    kind = TICKET

    def __init__(self, tickets: Tickets, *, poll_seconds: float) -> None:
        self._tickets = tickets
        self.poll_seconds = poll_seconds

    def look(self, names: Sequence[str], within: timedelta) -> Mapping[str, str]:
        """Return when each ticket that changed was changed, by the server's word."""
        del names
        return self._tickets.changed(within)


class FolderLookout:
    """One connection, and one stat for each directory: its time changes when a file comes, goes or is renamed."""

    kind = FOLDER

    def __init__(self, transfer: Transfer, *, poll_seconds: float) -> None:
        self._transfer = transfer
        self.poll_seconds = poll_seconds

    def look(self, names: Sequence[str], within: timedelta) -> Mapping[str, str]:
        """Return the time of each directory; one that cannot be seen has none, and its step says so."""
        del within
        marks: dict[str, str] = {}
        with self._transfer.session() as session:
            for path in names:
                try:
                    entry = session.entry(path)
                except TransferError:
                    entry = None
                marks[path] = str(entry.modified) if entry is not None else "—"
        return marks
