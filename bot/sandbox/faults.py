"""Faults that a test asks a sandbox server to inject, and the order in which they are used up."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from threading import Lock
from typing import Literal

FaultKind = Literal["rate_limited", "server_error", "drop_before", "drop_after", "delay"]


@dataclass(frozen=True)
class Fault:
    """One kind of trouble for the next ``times`` operations whose name matches.

    ``operation`` is a shell pattern over the server's own names: ``chat.postMessage`` (Slack),
    ``POST /rest/api/2/issue`` (Jira), ``open``, ``rename``, ``login`` (SFTP), ``DATA`` (mail).
    ``drop_before`` closes the connection and does nothing; ``drop_after`` does the work and then closes it, so that
    the client never hears (the lost answer). ``seconds`` is the Retry-After of ``rate_limited`` or the length of
    ``delay``; ``status`` is the HTTP status of ``server_error``. ``account`` is a shell pattern over the name of who
    asks, where the server knows it (Jira and SFTP): so that the bot alone has the trouble, and not the people.
    """

    operation: str
    kind: FaultKind
    times: int = 1
    seconds: float = 1.0
    status: int = 503
    account: str = "*"


@dataclass
class Faults:
    """The faults still to be injected, first in first out. Safe to use from any thread."""

    _waiting: list[Fault] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, *faults: Fault) -> None:
        """Queue faults behind those that wait already."""
        with self._lock:
            for fault in faults:
                self._waiting.extend([fault] * fault.times)

    def extend(self, faults: Iterable[Fault]) -> None:
        """Queue faults from any iterable."""
        self.add(*faults)

    def clear(self) -> None:
        """Forget every fault not yet injected."""
        with self._lock:
            self._waiting.clear()

    @property
    def left(self) -> int:
        """How many are still to be injected."""
        with self._lock:
            return len(self._waiting)

    def take(self, operation: str, account: str = "") -> Fault | None:
        """Return and use up the first fault that matches operation and account; None when it may go through."""
        with self._lock:
            for position, fault in enumerate(self._waiting):
                if fnmatchcase(operation, fault.operation) and fnmatchcase(account, fault.account):
                    return self._waiting.pop(position)
        return None
