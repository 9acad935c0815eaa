"""What the bot does for itself beside the work: forgetting what is over, looking for what does not move, counting."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from bot.engine import DurableJobs, JobPurge, JobQueue
from bot.meters import Meters, effect_kind
from bot.onboarding.chores import Chores, Task
from bot.onboarding.clock import Clock
from bot.onboarding.flow import Flow
from bot.onboarding.received import ReceivedPurge
from bot.onboarding.store import Store
from bot.onboarding.watchdog import Watchdog
from bot.settings import UpkeepSettings
from bot.web.metrics import Census, take_census

PURGE_SECONDS = 60.0
RECEIVED_SECONDS = 3_600.0
# The watchdog comes by so many times within its own patience.
ROUNDS = 3


def build_watchdog(store: Store, flow: Flow, clock: Clock, settings: UpkeepSettings) -> Watchdog:
    """Return the watchdog, which also tells how much is stuck."""
    return Watchdog(store, flow, JobQueue(store.engine), clock, minutes=settings.stuck_minutes)


def build_chores(
    store: Store,
    jobs: DurableJobs,
    clock: Clock,
    watchdog: Watchdog,
    meters: Meters,
    settings: UpkeepSettings,
    more: Mapping[str, Task] | None = None,
) -> Chores:
    """Return what the sweep of a worker does between two looks at the due rows; ``more`` is what other parts add."""
    purge = JobPurge(store.engine, jobs, clock, days=settings.jobs_days)
    received = ReceivedPurge(store, clock, days=settings.received_days)

    def watch() -> None:
        found = watchdog.run()
        meters.put_right("step", found.steps)
        meters.put_right("look", found.looks)
        meters.put_right("surface", found.surfaces)

    return Chores(
        store,
        clock,
        {
            "purge_jobs": Task(PURGE_SECONDS, purge.run),
            "purge_received": Task(RECEIVED_SECONDS, received.run),
            "watchdog": Task(settings.stuck_minutes * 60 / ROUNDS, watch),
            **(more or {}),
        },
    )


def build_census(store: Store, clock: Clock, watchdog: Watchdog) -> Callable[[], Census]:
    """Return what counts the work that there is, and how old the oldest of it is."""

    def census() -> Census:
        figures = JobQueue(store.engine).figures()
        now = clock.now()
        ages = {state: (now - oldest).total_seconds() for state, oldest in figures.oldest.items()}
        return replace(take_census(store, effect_kind), queue=figures.length, queue_age=ages, stuck=watchdog.stuck())

    return census
