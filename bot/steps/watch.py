"""Watching something outside until it says done; without a probe, a person looks (procedure, section 4.5)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import BaseModel

from bot.locales import say
from bot.onboarding.outcomes import Done, Evidence, Fact, Failed, Outcome, Waiting, fact
from bot.onboarding.registry import Registry
from bot.onboarding.work import Work
from checklists.model import Localized, OptionValue, Tick, WatchParameters
from checklists.model import Step as StepDefinition

# The one checkbox of a watch without a probe (pack, "with, by kind").
SEEN = "seen"
LISTED_INVOICES = 20


class Probe(Protocol):
    """Something outside that can be looked at."""

    def look(self, names: Mapping[str, str]) -> str:
        """Return what is there now, as text. Raises Unavailable."""


@dataclass(frozen=True)
class Watched:
    """A probe, what its answer must match, and how long and how often it is looked at."""

    probe: Probe
    done: str
    timeout_hours: float
    poll_seconds: float


class WatchStep:
    """Looks at the probe that the pack names; else asks a person, with what to look for."""

    parameters: type[BaseModel] = WatchParameters

    def __init__(self, watched: Callable[[str], Watched | None], registry: Registry) -> None:
        self._watched = watched
        self._registry = registry

    def begin(self, definition: StepDefinition, options: Mapping[str, OptionValue]) -> None:
        """There is something to look at, or to list."""
        del definition, options

    def run(self, work: Work) -> Outcome:
        """Look once."""
        watched = self._watched(work.parameters(WatchParameters).setting)
        evidence = Evidence(facts=self._what_to_look_for(work))
        if watched is None:
            seen = Tick(id=SEEN, label=say("watch.seen"))
            return Waiting(
                on=work.definition.role,
                note=say("watch.look"),
                evidence=evidence,
                memory={"offered_ticks": [seen.model_dump()]},
            )
        names = {
            "key": work.view.key,
            "root": work.view.root,
            "client": work.view.client,
            "partner": work.view.partner,
        }
        answer = watched.probe.look(names)
        if re.search(watched.done, answer):
            return Done(Evidence(facts=(*evidence.facts, fact("probe_answer", answer[:200]))))
        since = datetime.fromisoformat(work.memory.get("since", work.now.isoformat()))
        if work.step.state == "running":
            since = work.now
        if work.now - since > timedelta(hours=watched.timeout_hours):
            return Failed(
                "NOT_SEEN",
                say("watch.timeout", hours=f"{watched.timeout_hours:g}", answer=answer[:200] or "—"),
                say("watch.timeout_advice"),
                evidence,
            )
        return Waiting(
            on="admin",
            note=say("watch.waiting"),
            poll=watched.poll_seconds,
            evidence=evidence,
            memory={"since": since.isoformat()},
        )

    def _what_to_look_for(self, work: Work) -> tuple[Fact, ...]:
        invoices = [
            invoice
            for invoice in self._registry.invoices(work.pack.operator_code, work.view.root)
            if invoice.onboarding_id == work.view.id
        ]
        return tuple(
            Fact(Localized.same(invoice.number), f"{invoice.period} · {invoice.gross} {invoice.currency}")
            for invoice in invoices[:LISTED_INVOICES]
        )
