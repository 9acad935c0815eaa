"""The bot, put together from the settings. A module of ``bot.wiring`` has each side; this one joins them.

What the commands take is here by name.
"""

from bot.engine.runner import CONCURRENCY
from bot.meters import Meters
from bot.onboarding.clock import Clock, SystemClock
from bot.onboarding.digests import DigestSchedule
from bot.onboarding.lookouts import LookWorker
from bot.onboarding.peers import Peers
from bot.onboarding.ticket_talk import TicketReplies
from bot.onboarding.turns import PostgresTurns, ThreadTurns
from bot.readiness import Heartbeat
from bot.settings import Settings
from bot.sheet import FormSheets
from bot.web.metrics import Kept
from bot.wiring.application import Application, Role
from bot.wiring.core import build_core
from bot.wiring.database import open_database, packs_of, prepare_database
from bot.wiring.jira import build_jira_work, mirror_names
from bot.wiring.jobs import build_lookouts, build_sweep, build_workers
from bot.wiring.outside import build_outside, public_url
from bot.wiring.serving import serve
from bot.wiring.slack import build_slack_work, slack_front
from bot.wiring.surfaces import build_surfaces, surface_names
from bot.wiring.upkeep import build_census, build_watchdog

__all__ = [
    "Application",
    "Role",
    "build",
    "packs_of",
    "prepare_database",
    "public_url",
    "serve",
    "slack_front",
    "surface_names",
]


def build(settings: Settings, *, clock: Clock | None = None, patience: float = 0) -> Application:
    """Put the bot together and bring the database to this version. Raises SettingsError.

    ``patience`` is how long to wait for a Postgres that does not answer yet, in seconds.
    """
    clock = clock or SystemClock()
    store, jobs = open_database(settings, patience)
    turns = ThreadTurns() if store.on_sqlite else PostgresTurns(store.engine.url, threads=CONCURRENCY)
    meters, peers, heartbeat = Meters(), Peers(clock), Heartbeat()
    outside = build_outside(settings, store, clock, peers)
    surfaces = build_surfaces(settings, outside.jira, peers, outside.roles)
    names = [*surfaces, *mirror_names(settings.jira)]
    core = build_core(settings, store, jobs, clock, turns, meters, outside, names)
    of_jira = build_jira_work(
        outside.jira,
        store,
        core.packs,
        core.flow,
        core.effects,
        core.onboardings,
        core.backoff,
        turns,
        longest_pause=settings.engine.longest_pause_seconds,
    )
    of_slack = build_slack_work(
        outside.slack, store, core.packs, jobs, clock, core.roles, core.backoff, turns, settings.language
    )
    digests = DigestSchedule(store, core.packs, jobs, clock, core.roles, of_slack.readers.zone_of)
    sheets = FormSheets(core.forms, settings.data_dir.resolve())
    looks = LookWorker(store, clock, [*build_lookouts(settings, outside.means), *of_jira.lookouts])
    workers = build_workers(
        settings, core, outside, surfaces | of_jira.surfaces, of_jira, of_slack, looks, digests, sheets, meters
    )
    watchdog = build_watchdog(store, core.flow, clock, settings.upkeep)
    return Application(
        settings=settings,
        store=store,
        packs=core.packs,
        jobs=jobs,
        clock=clock,
        flow=core.flow,
        onboardings=core.onboardings,
        replies=TicketReplies(store, core.flow),
        digests=digests,
        forms=core.forms,
        sheets=sheets,
        readers=of_slack.readers,
        homes=of_slack.homes,
        links=outside.links,
        transfer=outside.transfer,
        turns=turns,
        run_job=workers.run,
        sweep=build_sweep(settings, core, looks, of_slack.homes, digests, watchdog, heartbeat, meters),
        meters=meters,
        peers=peers,
        groups=core.roles.groups,
        heartbeat=heartbeat,
        census=Kept(build_census(store, clock, watchdog)),
        stuck=watchdog.stuck,
    )
