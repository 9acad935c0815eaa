"""A file server whose every login tells how it went."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from bot.onboarding.errors import Unavailable
from bot.onboarding.peers import Peers
from bot.onboarding.transfer import HostKeyUnknown, LoginRefused, RemoteEntry, Transfer, TransferSession


class ObservedTransfer:
    """Passes everything on to another transfer; ``peers`` hears of the bot's own logins."""

    def __init__(self, transfer: Transfer, peers: Peers, name: str) -> None:
        self._transfer = transfer
        self._peers = peers
        self._name = name

    @contextmanager
    def session(self) -> Iterator[TransferSession]:
        """Log in with the bot's own account."""
        with (
            self._peers.calling(self._name, Unavailable, LoginRefused, HostKeyUnknown),
            self._transfer.session() as session,
        ):
            yield session

    def partner_session(self, partner: str) -> AbstractContextManager[TransferSession] | None:
        """Log in as the partner; its account is no matter of the server's health."""
        return self._transfer.partner_session(partner)

    def owner_name(self, entry: RemoteEntry) -> str:
        """Name an entry's owner."""
        return self._transfer.owner_name(entry)
