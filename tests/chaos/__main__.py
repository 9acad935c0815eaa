"""``make chaos``: kills the bot again and again in the middle of activations, and counts what the servers saw.

Exit status: 0 nothing doubled and nothing lost, 1 something was; the seed that is printed plays it again.
"""

import argparse
import itertools
import random
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

from postgres import postgres

from .activation import POINTS_OF_A_CLEAN_RUN, POINTS_OF_BOTH_WAYS, play_somewhere


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="of the first activation; the next ones count on (chance)")
    parser.add_argument("--kills", type=int, default=200, help="in all (200)")
    parser.add_argument("--each", type=int, default=25, help="in one activation (25)")
    parser.add_argument("--rounds", type=int, help="this many activations at most")
    parser.add_argument("--postgres", action="store_true", help="on a Postgres that is started for this, not SQLite")
    parser.add_argument("--both-ways", action="store_true", help="people act in Jira too, and have their Homes open")
    asked = parser.parse_args()
    with ExitStack() as servers:
        if not asked.postgres:
            return campaign(asked, lambda: None)
        server, numbers = servers.enter_context(postgres()), itertools.count(1)
        return campaign(asked, lambda: server.url(server.create(f"chaos_{next(numbers)}")))


def campaign(asked: argparse.Namespace, fresh: Callable[[], str | None]) -> int:
    """Play activation after activation, each on the database that ``fresh`` gives it."""
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}, {asked.kills} kills", flush=True)
    points = POINTS_OF_BOTH_WAYS if asked.both_ways else POINTS_OF_A_CLEAN_RUN
    clean = play_somewhere(seed, 0, points, database=fresh(), both_ways=asked.both_ways)
    print(f"  a clean run passes {clean.points} points in {clean.seconds:.0f} s", flush=True)
    if clean.wrong:
        print(clean.explained())
        return 1
    made, failed, began, number = 0, 0, time.monotonic(), 0
    while made < asked.kills and (asked.rounds is None or number < asked.rounds):
        wanted = asked.kills if asked.rounds == 1 else min(asked.each, asked.kills - made)
        came = play_somewhere(seed + number, wanted, clean.points, database=fresh(), both_ways=asked.both_ways)
        number += 1
        made += len(came.kills)
        print(
            f"  seed {came.seed}: {len(came.kills)} kills, {came.points} points, {came.seconds:.0f} s, "
            f"mails of unknown fate {len(came.retried)}, {f'webhook: {came.heard}, ' if came.heard else ''}"
            f"{'WRONG' if came.wrong else 'all is well'}",
            flush=True,
        )
        if came.wrong or not came.kills:
            failed += 1
            print(came.explained(), flush=True)
    minutes = (time.monotonic() - began) / 60
    print(f"{made} kills in {number} activations, {minutes:.1f} min: {failed or 'none'} of them not as it should be")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
