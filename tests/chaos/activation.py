"""One activation under kills: played by people, then counted. Everything about it follows from its seed."""

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from e2e_house import House, house

from bot.sandbox.players import NothingHappened

from .counting import as_lines, settled, wrongs
from .keeper import Keeper, Kill, plan
from .kill_points import read_book
from .people import People

TESTS = Path(__file__).parents[1]

# What a clean run passes, as `make chaos` measures it anew; the kills of `make test` are spread over so many points.
POINTS_OF_A_CLEAN_RUN = 1290
# What people wait for at most, in seconds: for an activation, and beside that for each kill.
PLAY_SECONDS, KILL_SECONDS, SETTLE_SECONDS = 120.0, 15.0, 30.0

# A lost click is delivered again by Slack, in every other activation; in the others the person clicks again.
REDELIVERY = (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Came:
    """What came of it: the kills that were made, the points that were passed, and what is wrong."""

    seed: int
    planned: int
    kills: Sequence[str] = ()
    points: int = 0
    wrong: Sequence[str] = ()
    seconds: float = 0.0
    retried: Sequence[str] = field(default_factory=list)

    def explained(self) -> str:
        """Return what a failure tells: the seed first."""
        return (
            f"\nseed {self.seed}: play it again with `make chaos SEED={self.seed} KILLS={self.planned} ROUNDS=1`\n"
            f"killed:\n{as_lines(self.kills)}\nwrong:\n{as_lines(self.wrong)}"
        )


@contextmanager
def fire(place: Path, **settings: Any) -> Iterator[House]:
    """A house whose bot may be killed."""
    with house(place, **settings) as home:
        home.environment["PYTHONPATH"] = os.pathsep.join([str(TESTS), str(TESTS.parent)])
        home.environment["CHAOS_BOOK"] = str(place / "points")
        home.program = ("chaos.victim",)
        yield home


def play(place: Path, seed: int, kills: int, points: int, *, database: str | None = None) -> Came:
    """Play an activation whose bot is killed so many times, spread over so many points; count what is there.

    ``database`` is the address of an empty one; a SQLite file in ``place`` where none is given.
    """
    began = time.monotonic()
    planned = plan(seed, kills, points)
    with fire(place, **({"DATABASE_URL": database} if database else {})) as home:
        if random.Random(seed).random() < 0.5:
            home.slack.people.redelivery_seconds = REDELIVERY
        people, keeper = People(home), Keeper(home, planned)
        keeper.start()
        try:
            wrong = _played(home, people, keeper, planned)
        finally:
            keeper.stop()
        passed, seconds = len(read_book(keeper.book)), time.monotonic() - began
        return Came(seed, kills, keeper.made, passed, wrong, seconds, list(people.retried))


def play_somewhere(seed: int, kills: int, points: int, *, database: str | None = None) -> Came:
    """Play in a folder that is gone afterwards, unless something is wrong."""
    place = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-"))
    came = play(place, seed, kills, points, database=database)
    if came.wrong:
        return replace(came, wrong=[*came.wrong, f"the logs are in {place}"])
    shutil.rmtree(place)
    return came


def _played(home: House, people: People, keeper: Keeper, planned: Sequence[Kill]) -> list[str]:
    try:
        people.start()
        people.play(PLAY_SECONDS + KILL_SECONDS * len(planned))
    except (NothingHappened, AssertionError) as broken:
        return [*keeper.trouble, str(broken), *wrongs(home, people)]
    # The end may be reached with kills to come: the last of them fall into a bot that has nothing to do.
    return settled(lambda: [*keeper.trouble, *wrongs(home, people)], SETTLE_SECONDS)
