"""One activation under kills: played by people, then counted. Everything about it follows from its seed."""

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from e2e_house import House, house

from bot.sandbox.players import NothingHappened

from .both_ways import BothSides, Heard, both_sides, heard_of, settings_of, trouble_deliveries
from .counting import as_lines, settled, wrongs
from .counting_both_ways import wrongs_of_both_ways
from .keeper import Keeper, Kill, plan
from .kill_points import read_book
from .people import People

TESTS = Path(__file__).parents[1]

# What a clean run passes, as `make chaos` measures it anew; the kills of `make test` are spread over so many points.
POINTS_OF_A_CLEAN_RUN = 1290
POINTS_OF_BOTH_WAYS = 2450
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
    both_ways: bool = False
    heard: Heard | None = None

    def explained(self) -> str:
        """Return what a failure tells: the seed first."""
        return (
            f"\nseed {self.seed}: play it again with `make chaos SEED={self.seed} KILLS={self.planned} ROUNDS=1"
            f"{' BOTH_WAYS=1' if self.both_ways else ''}`\n"
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


def play(
    place: Path, seed: int, kills: int, points: int, *, database: str | None = None, both_ways: bool = False
) -> Came:
    """Play an activation whose bot is killed so many times, spread over so many points; count what is there.

    ``database`` is the address of an empty one; a SQLite file in ``place`` where none is given. ``both_ways``: Jira
    has the steps as sub-tasks and tells of what happens there, people act in both, and some have their Homes open.
    """
    began = time.monotonic()
    planned = plan(seed, kills, points)
    settings = {**({"DATABASE_URL": database} if database else {}), **(settings_of(seed) if both_ways else {})}
    with ExitStack() as parts:
        home = parts.enter_context(fire(place, **settings))
        if random.Random(seed).random() < 0.5:
            home.slack.people.redelivery_seconds = REDELIVERY
        people = parts.enter_context(both_sides(home)) if both_ways else People(home)
        if both_ways:
            trouble_deliveries(home, seed)
        keeper = Keeper(home, planned)
        keeper.start()
        try:
            wrong = _played(home, people, keeper, planned)
        finally:
            keeper.stop()
        passed, seconds = len(read_book(keeper.book)), time.monotonic() - began
        came = Came(seed, kills, keeper.made, passed, wrong, seconds, list(people.retried))
        return replace(came, both_ways=True, heard=heard_of(home)) if both_ways else came


def play_somewhere(seed: int, kills: int, points: int, **how: Any) -> Came:
    """Play in a folder that is gone afterwards, unless something is wrong; ``how`` as ``play`` takes it."""
    place = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-"))
    came = play(place, seed, kills, points, **how)
    if came.wrong:
        return replace(came, wrong=[*came.wrong, f"the logs are in {place}"])
    shutil.rmtree(place)
    return came


def _played(home: House, people: People, keeper: Keeper, planned: Sequence[Kill]) -> list[str]:
    try:
        people.start()
        seconds = PLAY_SECONDS + KILL_SECONDS * len(planned)
        if isinstance(people, BothSides):
            # Looked at while there is something to be seen: at the end Homes are empty and nothing is watched.
            people.play(seconds, until="sign_off")
            if wrong := settled(lambda: [*keeper.trouble, *wrongs_of_both_ways(home, people)], SETTLE_SECONDS):
                return [*wrong, *wrongs(home, people, ended=False)]
        people.play(seconds)
    except (NothingHappened, AssertionError) as broken:
        return [*keeper.trouble, str(broken), *wrongs(home, people)]

    # The end may be reached with kills to come: the last of them fall into a bot that has nothing to do.
    def all_wrongs() -> list[str]:
        both = wrongs_of_both_ways(home, people) if isinstance(people, BothSides) else []
        return [*keeper.trouble, *wrongs(home, people), *both]

    return settled(all_wrongs, SETTLE_SECONDS)
