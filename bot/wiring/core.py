"""The core: the rules, what people can ask for, and what happens once. Adapters and workers are built on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.engine import DurableJobs
from bot.meters import Meters
from bot.onboarding.actors import Roles
from bot.onboarding.clock import Clock
from bot.onboarding.effects import Effects
from bot.onboarding.flow import Flow
from bot.onboarding.forms import FormRules, Forms
from bot.onboarding.packs import Packs
from bot.onboarding.ports import StepKind
from bot.onboarding.retry import Backoff
from bot.onboarding.service import Onboardings
from bot.onboarding.store import Store
from bot.onboarding.turns import PostgresTurns, ThreadTurns
from bot.settings import Settings
from bot.steps.kinds import build_kinds
from bot.wiring.database import packs_of
from bot.wiring.outside import Outside


@dataclass(frozen=True)
class Core:
    """The parts of ``bot.onboarding`` that the sides share, each built once."""

    store: Store
    packs: Packs
    jobs: DurableJobs
    clock: Clock
    turns: ThreadTurns | PostgresTurns
    roles: Roles
    kinds: Mapping[str, StepKind]
    flow: Flow
    effects: Effects
    backoff: Backoff
    onboardings: Onboardings
    forms: Forms


def build_core(
    settings: Settings,
    store: Store,
    jobs: DurableJobs,
    clock: Clock,
    turns: ThreadTurns | PostgresTurns,
    meters: Meters,
    outside: Outside,
    surfaces: Sequence[str],
) -> Core:
    """Put it together; ``surfaces`` are the names of all that show an onboarding."""
    roles, kinds, packs = outside.roles, build_kinds(outside.means), packs_of(settings, store)
    flow = Flow(store, packs, kinds, jobs, clock, surfaces, longest_pause=settings.engine.longest_pause_seconds)
    effects = Effects(store, clock, turns, settle_seconds=settings.retry.settle_seconds, tell=meters.effect)
    backoff = Backoff(settings.retry.first_seconds, settings.retry.tries)
    onboardings = Onboardings(store, packs, flow, clock, roles, settings.language)
    forms = Forms(store, flow, clock, roles, onboardings, _form_rules(settings))
    return Core(store, packs, jobs, clock, turns, roles, kinds, flow, effects, backoff, onboardings, forms)


def _form_rules(settings: Settings) -> FormRules:
    server = settings.transfer
    return FormRules(server.root, server.protocol) if server else FormRules()
