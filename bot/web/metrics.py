"""The figures for Prometheus: how many onboardings and steps are in which state."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import String, func, literal, union_all
from sqlmodel import col, select

from bot.onboarding.models import Onboarding, StepRecord
from bot.onboarding.store import Store


@dataclass(frozen=True)
class Census:
    """How many there are, by state. Steps are counted for open onboardings alone."""

    onboardings: Mapping[str, int] = field(default_factory=dict)
    steps: Mapping[str, int] = field(default_factory=dict)


def take_census(store: Store) -> Census:
    """Count everything with one query."""
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
    counted: dict[str, dict[str, int]] = {"onboardings": {}, "steps": {}}
    with store.reading() as session:
        for what, state, found in session.connection().execute(union_all(onboardings, steps)):
            counted[what][state] = found
    return Census(**counted)


class CensusCollector(Collector):
    """Asks for a census at each scrape: there is nothing to keep up to date between two."""

    def __init__(self, census: Callable[[], Census]) -> None:
        self._census = census

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the gauges."""
        census = self._census()
        yield _gauge("onboarding_bot_onboardings", "Onboardings by state.", census.onboardings)
        yield _gauge("onboarding_bot_steps", "Steps of open onboardings by state.", census.steps)


def exposition(census: Callable[[], Census]) -> bytes:
    """Return the figures in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(CensusCollector(census))
    return generate_latest(registry)


def _gauge(name: str, what: str, by_state: Mapping[str, int]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, what, labels=["state"])
    for state, found in sorted(by_state.items()):
        gauge.add_metric([state], found)
    return gauge
