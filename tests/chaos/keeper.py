"""Who starts the bot again whenever it has died, and kills it as planned."""

import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from e2e_house import House

from .kill_points import read_book

# How long a kill at a point is waited for before the keeper makes it one at a moment, in seconds.
LONGEST_WAIT = 45.0


@dataclass(frozen=True)
class Kill:
    """One death: at the first new point whose number is ``at`` or more, or ``after`` seconds of life."""

    at: int | None = None
    after: float | None = None

    def __str__(self) -> str:
        return f"at point {self.at}" if self.at is not None else f"after {self.after:.2f} s of life"


def plan(seed: int, kills: int, points: int) -> list[Kill]:
    """Spread kills over an activation that passes ``points`` points; one in four comes at a moment of its own.

    The moments lie within the first four seconds of a life, so some of them fall into its start. They come before the
    last third: a life without a point that kills may pass hundreds, and leave none for the kills behind it.
    """
    chance = random.Random(seed)
    moments = kills // 4
    # Parts of the whole, so that a seed plans much the same though the next clean run passes a few points more.
    places = sorted(1 + int(chance.random() * points) for _ in range(kills - moments))
    planned = [Kill(at=place) for place in places]
    for _ in range(moments):
        planned.insert(chance.randint(1, 2 * kills // 3), Kill(after=chance.uniform(0.0, 4.0)))
    return planned


@dataclass
class Keeper:
    """Keeps the bot alive in a thread of its own. ``made`` are the kills that there were, with where they fell."""

    home: House
    planned: Sequence[Kill]
    made: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    _stopping: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.home.program = ("chaos.victim",)
        self._thread = Thread(target=self._keep, name="keeper")

    @property
    def book(self) -> Path:
        """The file of the points passed."""
        return self.home.place / "points"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the bot as an administrator does."""
        self._stopping.set()
        self._thread.join()
        self.home.stop_bot()

    @property
    def is_done(self) -> bool:
        """Whether every kill has been made, or the keeper has given up."""
        return len(self.made) >= len(self.planned) or bool(self.trouble)

    def _keep(self) -> None:
        for kill in self.planned:
            self._live(kill)
            if self._stopping.is_set() or self.trouble:
                return
        self._live(None)

    def _live(self, kill: Kill | None) -> None:
        """Start the bot and see it die, by the plan or when the activation is over."""
        fatal = {} if kill is None or kill.at is None else {"CHAOS_FATAL": str(kill.at)}
        bot = self.home.launch_bot(CHAOS_BOOK=str(self.book), **fatal)
        began = time.monotonic()
        longest = None if kill is None else LONGEST_WAIT if kill.after is None else kill.after
        while bot.poll() is None and not self._stopping.is_set():
            if longest is not None and time.monotonic() - began >= longest:
                bot.kill()
                break
            time.sleep(0.01)
        if self._stopping.is_set():
            return
        status = bot.wait()
        if status != -signal.SIGKILL:
            self.trouble.append(f"the bot ended by itself with status {status}: {self.home.log()[-2000:]}")
        elif kill is not None:
            passed = list(read_book(self.book))
            where = passed[-1] if passed else "its start"
            self.made.append(f"{kill}: after {len(passed)} points, the last one {where!r}")
