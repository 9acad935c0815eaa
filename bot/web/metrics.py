"""The figures for Prometheus that are read from the database: what stands where, at the moment of asking."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import String, func, literal, union_all
from sqlmodel import col, select

from bot.onboarding.models import DueRecord, EffectRecord, InboxRecord, Onboarding, StepRecord, SurfaceRecord
from bot.onboarding.store import Store

# A census of ten thousand onboardings takes a tenth of a second: whoever asks more often gets the same one again.
CENSUS_SECONDS = 10.0
# Unfinished effects are few; so many are told apart by kind.
MOST_UNFINISHED = 10_000


@dataclass(frozen=True)
class Census:
    """How many there are, by state. Steps are counted for open onboardings alone.

    ``effects`` counts the claims that are not finished by kind, ``retrying`` what waits for a server to come back
    (step or surface), ``behind`` the onboardings that a surface does not show as they are, ``queue`` the jobs that
    wait and run, ``queue_age`` how long the oldest of each does, in seconds, ``stuck`` those that do for too long,
    ``kept`` the clicks that were acknowledged and are not carried out yet.
    """

    onboardings: Mapping[str, int] = field(default_factory=dict)
    steps: Mapping[str, int] = field(default_factory=dict)
    effects: Mapping[str, int] = field(default_factory=dict)
    retrying: Mapping[str, int] = field(default_factory=dict)
    behind: Mapping[str, int] = field(default_factory=dict)
    queue: Mapping[str, int] = field(default_factory=dict)
    queue_age: Mapping[str, float] = field(default_factory=dict)
    stuck: int = 0
    kept: int = 0


def take_census(store: Store, effect_kind: Callable[[str], str] = str) -> Census:
    """Count what the core's tables hold; ``effect_kind`` tells a ledger key's kind."""
    number = func.count().label("number")
    onboardings = select(literal("onboardings", String).label("what"), col(Onboarding.state), number).group_by(
        col(Onboarding.state)
    )
    steps = (
        select(literal("steps", String).label("what"), col(StepRecord.state), number)
        .join(Onboarding, col(Onboarding.id) == col(StepRecord.onboarding_id))
        .where(Onboarding.state == "open")
        .group_by(col(StepRecord.state))
    )
    behind = (
        select(literal("behind", String).label("what"), col(SurfaceRecord.name), number)
        .join(Onboarding, col(Onboarding.id) == col(SurfaceRecord.onboarding_id))
        .where(SurfaceRecord.revision < Onboarding.revision)
        .group_by(col(SurfaceRecord.name))
    )
    counted: dict[str, dict[str, int]] = {"onboardings": {}, "steps": {}, "behind": {}}
    effects: dict[str, int] = {}
    retrying: dict[str, int] = {}
    with store.reading() as session:
        for what, state, found in session.connection().execute(union_all(onboardings, steps, behind)):
            counted[what][state] = found
        unfinished = select(EffectRecord.key).where(col(EffectRecord.external_id).is_(None)).limit(MOST_UNFINISHED)
        for key in session.exec(unfinished):
            effects[effect_kind(key)] = effects.get(effect_kind(key), 0) + 1
        for kind in ("step", "surface"):
            waiting = select(func.count()).where(DueRecord.attempts > 0, col(DueRecord.subject).startswith(f"{kind}:"))
            retrying[kind] = session.exec(waiting).one()
        kept = session.exec(select(func.count()).select_from(InboxRecord)).one()
    return Census(
        onboardings=counted["onboardings"],
        steps=counted["steps"],
        effects=effects,
        retrying=retrying,
        behind=counted["behind"],
        kept=kept,
    )


class Kept:
    """A census that is taken anew when it is older than some seconds, by one asker at a time."""

    def __init__(self, take: Callable[[], Census], *, seconds: float = CENSUS_SECONDS) -> None:
        self._take = take
        self._seconds = seconds
        self._lock = Lock()
        self._census: Census | None = None
        self._taken_at = 0.0

    def __call__(self) -> Census:
        """Return the census."""
        with self._lock:
            if self._census is None or monotonic() - self._taken_at > self._seconds:
                self._census = self._take()
                self._taken_at = monotonic()
            return self._census


class CensusCollector(Collector):
    """Asks for a census at each scrape."""

    def __init__(self, census: Callable[[], Census]) -> None:
        self._census = census

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the gauges."""
        census = self._census()
        yield _gauge("onboardings", "Onboardings by state.", "state", census.onboardings)
        yield _gauge("steps", "Steps of open onboardings by state.", "state", census.steps)
        yield _gauge("effects_unfinished", "Writes outside that were begun and not finished.", "kind", census.effects)
        yield _gauge("retrying", "Steps and surfaces that wait for a server to come back.", "kind", census.retrying)
        yield _gauge("surfaces_behind", "Onboardings that a surface does not show yet.", "surface", census.behind)
        yield _gauge("queue_jobs", "Jobs that wait, and that run.", "state", census.queue)
        yield _gauge("queue_oldest_seconds", "Age of the oldest job that waits, and runs.", "state", census.queue_age)
        yield GaugeMetricFamily("onboarding_bot_stuck_jobs", "Jobs that wait or run for too long.", value=census.stuck)
        yield GaugeMetricFamily("onboarding_bot_clicks_kept", "Clicks not carried out yet.", value=census.kept)


def exposition(census: Callable[[], Census], counted: CollectorRegistry | None = None) -> bytes:
    """Return the figures in Prometheus' text format: the database's, then what this process has counted."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(CensusCollector(census))
    return generate_latest(registry) + (generate_latest(counted) if counted is not None else b"")


def _gauge(name: str, what: str, label: str, found: Mapping[str, float]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(f"onboarding_bot_{name}", what, labels=[label])
    for value, number in sorted(found.items()):
        gauge.add_metric([value], number)
    return gauge
