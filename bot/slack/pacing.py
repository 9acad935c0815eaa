"""How fast the bot writes: within Slack's own limits, in turns that are promised, so that nothing is asked for twice.

Slack answers 429 to what is too fast; a bot that lives by that hits the limit for everything else as well. Here each
kind of call has its rate and a burst. What comes too early is told when its turn is, and gets it then; meanwhile what
it would have shown may change, so that many changes become one edit. Each process paces itself: with several of them
the 429 stays the last word.
"""

from collections.abc import Callable
from threading import Lock
from time import monotonic

from bot.onboarding.errors import NotYet

# Turns that nobody came for are forgotten.
FORGOTTEN_AFTER = 600.0


class Pace:
    """One limit: so many calls a minute, and so many at once after a rest."""

    def __init__(self, per_minute: float, burst: int, *, clock: Callable[[], float] = monotonic) -> None:
        self._interval = 60.0 / per_minute
        self._ahead = burst * self._interval
        self._clock = clock
        self._next = float("-inf")
        self._promised: dict[str, float] = {}
        self._lock = Lock()

    def take(self, name: str) -> None:
        """Take a turn for what is called ``name``. Raises NotYet with the seconds until its own turn."""
        with self._lock:
            now = self._clock()
            at = self._promised.get(name)
            if at is None:
                self._next = max(self._next, now - self._ahead) + self._interval
                at = self._next
            if at > now:
                self._promised[name] = at
                raise NotYet("Slack", at - now)
            self._promised.pop(name, None)
            if len(self._promised) > 1_000:
                late = now - FORGOTTEN_AFTER
                self._promised = {each: turn for each, turn in self._promised.items() if turn > late}


class Paces:
    """Slack's limits for messages: edits for the whole app (tier 3), posts for each channel."""

    def __init__(self, edits_per_minute: int, posts_per_minute: int, *, clock: Callable[[], float] = monotonic) -> None:
        self._edits = Pace(edits_per_minute, max(1, edits_per_minute - 10), clock=clock)
        self._posts: dict[str, Pace] = {}
        self._posts_per_minute = posts_per_minute
        self._clock = clock

    def edit(self, message: str) -> None:
        """Take a turn for an edit of a message. Raises NotYet."""
        self._edits.take(message)

    def post(self, channel: str, what: str) -> None:
        """Take a turn for a post in a channel. Raises NotYet."""
        burst = max(1, self._posts_per_minute - 10)
        self._posts.setdefault(channel, Pace(self._posts_per_minute, burst, clock=self._clock)).take(what)
