"""Twenty deaths in the middle of one activation; `make chaos` makes two hundred."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .activation import POINTS_OF_A_CLEAN_RUN, play
from .keeper import plan
from .kill_points import KillPoints, read_book

# Another one for each run: ONBOARDING_CHAOS_SEED=random. It is told where something is wrong.
GIVEN = os.environ.get("ONBOARDING_CHAOS_SEED", "20261124")
SEED = random.SystemRandom().randrange(1_000_000) if GIVEN == "random" else int(GIVEN)
KILLS = 20


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_twenty_kills_in_an_activation_double_nothing_and_lose_nothing(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = str(request.getfixturevalue("empty_postgres_url")) if database == "postgres" else None
    print(f"seed {SEED}")
    came = play(tmp_path, SEED, KILLS, POINTS_OF_A_CLEAN_RUN, database=url)
    assert not came.wrong, came.explained()
    assert len(came.kills) == KILLS, came.explained()
    # Kills are spread over so many points: when the bot has got many more, `make chaos` tells how many.
    assert came.points < 1.5 * POINTS_OF_A_CLEAN_RUN, f"{came.points} points: set POINTS_OF_A_CLEAN_RUN anew"


def test_the_same_seed_plans_the_same_kills_and_another_one_others() -> None:
    assert plan(7, 20, 1000) == plan(7, 20, 1000)
    assert plan(7, 20, 1000) != plan(8, 20, 1000)


def test_kills_are_spread_over_a_whole_activation() -> None:
    places = [kill.at for seed in range(50) for kill in plan(seed, 20, 1000) if kill.at is not None]
    for tenth in range(10):
        assert sum(tenth * 100 < place <= tenth * 100 + 100 for place in places) > 30


def test_a_point_that_an_earlier_life_has_passed_counts_no_more(tmp_path: Path) -> None:
    first = KillPoints(tmp_path / "book", None)
    for name in ("claim", "do", "claim"):
        first.reach(name)
    second = KillPoints(tmp_path / "book", None)
    for name in ("claim", "do", "complete"):
        second.reach(name)
    assert read_book(tmp_path / "book") == {"claim": 1, "do": 2, "complete": 3}


def test_a_point_kills_the_process_that_reaches_it(tmp_path: Path) -> None:
    die = 'from pathlib import Path; from chaos.kill_points import KillPoints; KillPoints(Path("book"), 1).reach("x")'
    path = {"PYTHONPATH": str(Path(__file__).parents[1])}
    died = subprocess.run([sys.executable, "-c", die], cwd=tmp_path, env=os.environ | path, check=False)
    assert died.returncode == -signal.SIGKILL
    assert read_book(tmp_path / "book") == {"x": 1}


@pytest.mark.parametrize("kills", [1, 2, 3, 200])
def test_any_number_of_kills_can_be_planned(kills: int) -> None:
    assert len(plan(1, kills, 1000)) == kills
