"""What /readyz knows of each part: looked at in this process and in the database, never by calling a server."""

from collections.abc import Callable, Mapping
from datetime import datetime
from time import monotonic

from sqlalchemy.exc import DBAPIError

from bot.onboarding.peers import Peers
from bot.onboarding.store import Store
from bot.web.health import Part

# The sweep comes by several times a second; one that has not for so long hangs.
HEARTBEAT_SECONDS = 60.0


class Heartbeat:
    """When the sweep of this process last came by; ``started`` is False where this process runs no jobs."""

    def __init__(self) -> None:
        self._at: float | None = None

    def beat(self) -> None:
        """Tell that it came by."""
        self._at = monotonic()

    @property
    def age(self) -> float | None:
        """Seconds since the last beat; None before the first."""
        return None if self._at is None else monotonic() - self._at


class Readiness:
    """Asked by a load balancer every few seconds: two small questions to the database are all that it costs."""

    def __init__(
        self,
        store: Store,
        peers: Peers,
        heartbeat: Heartbeat,
        stuck: Callable[[], int],
        *,
        runs_jobs: bool,
        slack_socket: Callable[[], bool] | None = None,
        groups: Callable[[], Mapping[str, datetime | None]] | None = None,
    ) -> None:
        """``stuck`` counts the jobs that are; ``slack_socket`` tells whether the socket is open, if there is one.

        ``groups`` are the user groups that Slack did not answer for, with when it last did.
        """
        self._store = store
        self._peers = peers
        self._heartbeat = heartbeat
        self._stuck = stuck
        self._runs_jobs = runs_jobs
        self._slack_socket = slack_socket
        self._groups = groups

    def __call__(self) -> Mapping[str, Part]:
        """Return the parts by name."""
        parts = {"database": Part(self._store.answers())}
        if self._runs_jobs:
            age = self._heartbeat.age
            seen = "not yet" if age is None else f"{age:.0f} s ago"
            parts["worker"] = Part(age is not None and age < HEARTBEAT_SECONDS, seen=seen)
        if self._slack_socket is not None:
            parts["slack"] = Part(self._slack_socket())
        for name, call in self._peers.known().items():
            since = f"since {call.since:%Y-%m-%d %H:%M} UTC"
            parts[name] = Part(call.trouble is None, needed=False, seen=f"{call.trouble or 'answers'}, {since}")
        if self._groups is not None and (old := self._groups()):
            ages = {group: f"as of {at:%Y-%m-%d %H:%M} UTC" if at else "never told" for group, at in old.items()}
            said = ", ".join(f"{group} {ages[group]}" for group in sorted(ages))
            parts["user groups"] = Part(False, needed=False, seen=f"Slack does not answer: {said}")
        if parts["database"].ok:
            try:
                stuck = self._stuck()
            except DBAPIError:
                return parts | {"database": Part(False)}
            # Shown and not failing: stuck work is a matter for a person, and no other process does it better.
            parts["stuck"] = Part(stuck == 0, needed=False, seen=f"{stuck} job(s)" if stuck else "")
        return parts
