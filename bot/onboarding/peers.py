"""What is known of the servers that the bot uses: how the last call to each went, so that nobody has to call to ask."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from bot.onboarding.clock import Clock
from bot.onboarding.errors import OnboardingError


@dataclass(frozen=True)
class LastCall:
    """How the last call to a server went. ``trouble`` is None when it answered; ``since`` is when that began."""

    trouble: str | None
    since: datetime


class Peers:
    """Filled by the adapters as they work; read by /readyz."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, LastCall] = {}
        self._lock = Lock()

    def saw(self, name: str, trouble: str | None) -> None:
        """Keep how a call to a server went."""
        with self._lock:
            known = self._known.get(name)
            if known is None or known.trouble != trouble:
                self._known[name] = LastCall(trouble, self._clock.now())

    def known(self) -> Mapping[str, LastCall]:
        """Return what is known of each server that was called so far."""
        with self._lock:
            return dict(self._known)

    @contextmanager
    def calling(self, name: str, *troubles: type[OnboardingError]) -> Iterator[None]:
        """Keep how what is done inside goes; these errors mean that the server, or its account, is the trouble."""
        try:
            yield
        except troubles as trouble:
            self.saw(name, " ".join(str(trouble).split())[:200])
            raise
        except OnboardingError:
            # It said no to something, so it is there.
            self.saw(name, None)
            raise
        self.saw(name, None)
