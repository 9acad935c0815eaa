"""Where everything is put together from the settings. The only module that knows all the others."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Literal

import structlog
from fastapi import FastAPI
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlmodel import select

from bot.closing import dossier_of
from bot.engine import DurableJobs, JobQueue, Runner
from bot.engine.lock import database_lock, sole_runner
from bot.engine.runner import CONCURRENCY
from bot.engine.slots import ALONE, Takeover, taken_slot
from bot.jira.additions import JiraAdditions
from bot.jira.connection import JiraConnection
from bot.jira.surface import JiraSurface
from bot.jira.tickets import JiraTickets
from bot.jira_work import build_jira_work, mirror_names
from bot.job_workers import JobWorkers
from bot.links_key import secret_key
from bot.mail import SmtpMailer
from bot.meters import Meters, effect_kind
from bot.onboarding.accountable import who_must_act
from bot.onboarding.actors import Groups, NoGroups, Roles
from bot.onboarding.chores import Chores, Task
from bot.onboarding.clock import Clock, SystemClock
from bot.onboarding.database_errors import damaged, is_damage
from bot.onboarding.digests import DIGEST, DigestSchedule, DigestWorker
from bot.onboarding.effects import Effects
from bot.onboarding.errors import PackGone, SettingsError
from bot.onboarding.flow import Flow
from bot.onboarding.forms import FormRules, Forms
from bot.onboarding.group_memory import GroupMemory
from bot.onboarding.homes import Homes
from bot.onboarding.installation import JIRA_ACCOUNT, Installation, require_not_moved
from bot.onboarding.letters import LETTER, LetterWorker
from bot.onboarding.lookouts import Lookout, LookWorker
from bot.onboarding.models import Onboarding
from bot.onboarding.pack_archive import PackArchive
from bot.onboarding.packs import Packs
from bot.onboarding.peers import Peers
from bot.onboarding.ports import Job, Surface
from bot.onboarding.registry import Registry
from bot.onboarding.reminders import SUBJECTS, ReminderWorker
from bot.onboarding.retry import Backoff
from bot.onboarding.service import Onboardings
from bot.onboarding.store import Store
from bot.onboarding.ticket_talk import TicketReplies
from bot.onboarding.tickets import Tickets
from bot.onboarding.transfer import Transfer
from bot.onboarding.turns import PostgresTurns, ThreadTurns
from bot.onboarding.wakeups import Wakeups
from bot.onboarding.watchdog import Watchdog
from bot.onboarding.worker import StepWorker, SurfaceWorker, Sweep
from bot.preflight import check_large_file
from bot.probes.probes import build_probe
from bot.readiness import Heartbeat, Readiness
from bot.settings import Settings
from bot.sheet import FormSheets
from bot.slack.arrivals import Arrivals
from bot.slack.connection import SlackConnection
from bot.slack.digest import DigestListeners, SlackLetterbox
from bot.slack.files import SlackFiles
from bot.slack.form_listeners import FormListeners
from bot.slack.front import MoreListeners, SlackFront
from bot.slack.groups import SlackGroups
from bot.slack.readers import Readers
from bot.slack.replies import TicketReplyListener
from bot.slack.surface import SlackSurface
from bot.slack_work import build_slack_work
from bot.steps.deposit import Connection
from bot.steps.dropped import DroppedCheck
from bot.steps.given_files import GivenFileWorker
from bot.steps.kinds import Means, build_kinds
from bot.steps.layout import LocalFiles
from bot.steps.lookouts import FolderLookout, TicketLookout
from bot.steps.parameters import parameter_models
from bot.steps.watch import Watched
from bot.transfer.build import build_transfer
from bot.transfer.observed import ObservedTransfer
from bot.unset import UnsetTickets, UnsetTransfer
from bot.upkeep import build_chores, build_watchdog
from bot.web.app import build_web
from bot.web.export import export_dossier
from bot.web.health import build_health
from bot.web.instance import add_instance
from bot.web.jira_webhook import jira_webhook
from bot.web.links import SignedLinks
from bot.web.metrics import Census, Kept, take_census
from bot.web.partner_page import Connection as PartnerConnection
from bot.web.server import WebServer
from checklists.model import FormParameters, Language

log = structlog.stdlib.get_logger()

Role = Literal["all", "web", "worker"]

# How long a thread may keep the others of the process waiting, in seconds.
SWITCH_SECONDS = 0.0005

# How often it is looked for managers who are new, in seconds.
DIGEST_SECONDS = 60.0
# So many onboardings are named that cannot go on without their pack.
MOST_NAMED = 50


@dataclass(frozen=True)
class Application:
    """The bot's parts. Building it opens no connection but the database's."""

    settings: Settings
    store: Store
    packs: Packs
    jobs: DurableJobs
    clock: Clock
    flow: Flow
    onboardings: Onboardings
    replies: TicketReplies
    digests: DigestSchedule
    forms: Forms
    sheets: FormSheets
    readers: Readers
    homes: Homes
    links: SignedLinks
    transfer: Transfer
    turns: ThreadTurns | PostgresTurns
    run_job: Callable[[Job], None]
    sweep: Callable[[], int]
    meters: Meters
    peers: Peers
    groups: Groups
    heartbeat: Heartbeat
    census: Callable[[], Census]
    stuck: Callable[[], int]

    def export(self, key: str, out: Path, language: Language | None = None) -> tuple[Path, Path, Path]:
        """Write an onboarding's dossier.html, trail.json and trail.csv into a folder. Raises Unknown."""
        view = self.onboardings.view(key)
        answers: Mapping[str, object] = {}
        form = None
        for step in view.steps:
            if isinstance(step.definition.parameters, FormParameters):
                answers = self.onboardings.answers(key, step.id)
                form = view.pack.forms[step.definition.parameters.form]
        events = self.onboardings.trail(key)
        spoken = language or self.settings.language
        return export_dossier(out, view, events, spoken, answers=answers or None, form=form)

    def require_shared_folder(self) -> None:
        """Make sure that files put into DATA_DIR are found by every worker. Raises SettingsError."""
        if not self.store.on_sqlite:
            Installation(self.store).require_folder(self.settings.data_dir)

    def close(self) -> None:
        """Close the database's connections."""
        self.jobs.close()
        self.turns.close()
        self.store.close()


def build(settings: Settings, *, clock: Clock | None = None, patience: float = 0) -> Application:
    """Put the bot together and bring the database to this version. Raises SettingsError.

    ``patience`` is how long to wait for a Postgres that does not answer yet, in seconds.
    """
    clock = clock or SystemClock()
    _make_data_dir(settings)
    store = Store(settings.database)
    jobs = DurableJobs(store.engine)
    try:
        store.wait(patience)
        prepare_database(store, jobs)
        require_not_moved(store)
    except SettingsError:
        store.close()
        raise
    turns = ThreadTurns() if store.on_sqlite else PostgresTurns(store.engine.url, threads=CONCURRENCY)
    meters, peers, heartbeat = Meters(), Peers(clock), Heartbeat()
    transfer: Transfer = UnsetTransfer()
    if settings.transfer:
        transfer = ObservedTransfer(build_transfer(settings.transfer), peers, settings.transfer.protocol)
    jira = JiraConnection(settings.jira, peers) if settings.jira else None
    key, days = secret_key(settings, store), settings.web.link_days
    links = SignedLinks(public_url(settings), key, max_age_days=days, clock=clock)
    means = _means(settings, store, clock, transfer, links, JiraTickets(jira) if jira else UnsetTickets())
    kinds = build_kinds(means)
    packs = packs_of(settings, store)
    in_slack, slack = settings.slack.bot_token is not None, SlackConnection(settings.slack, peers)
    roles = Roles(settings.roles.by_role(), SlackGroups(slack, GroupMemory(store, clock)) if in_slack else NoGroups())
    surfaces = _surfaces(settings, jira, peers, roles)
    names, longest = [*surfaces, *mirror_names(settings.jira)], settings.engine.longest_pause_seconds
    flow = Flow(store, packs, kinds, jobs, clock, names, longest_pause=longest)
    effects = Effects(store, clock, turns, settle_seconds=settings.retry.settle_seconds, tell=meters.effect)
    backoff = Backoff(settings.retry.first_seconds, settings.retry.tries)
    steps = StepWorker(store, packs, kinds, flow, effects, clock, backoff, turns)
    onboardings = Onboardings(store, packs, flow, clock, roles, settings.language)
    of_jira = build_jira_work(jira, store, packs, flow, effects, onboardings, backoff, turns, longest_pause=longest)
    surfaces |= of_jira.surfaces
    additions = {"jira": JiraAdditions(jira, dossier_of(onboardings))} if jira else {}
    shows = SurfaceWorker(store, packs, surfaces, flow, effects, backoff, turns, additions)
    reminders = ReminderWorker(store, flow, effects, roles, means.mailer, backoff, means.partner_page)
    letters = LetterWorker(flow, effects, means.mailer, backoff, means.partner_page)
    of_slack = build_slack_work(slack, store, packs, jobs, clock, roles, backoff, turns, settings.language)
    digests = DigestSchedule(store, packs, jobs, clock, roles, of_slack.readers.zone_of)
    letterbox = SlackLetterbox(slack, of_slack.readers.language_of)
    digest = DigestWorker(store, packs, digests, effects, letterbox, clock, roles, backoff)
    forms = Forms(store, flow, clock, roles, onboardings, _form_rules(settings))
    sheets = FormSheets(forms, settings.data_dir.resolve())
    looks = LookWorker(store, clock, [*_lookouts(settings, means), *of_jira.lookouts])
    given = GivenFileWorker(
        store,
        packs,
        flow,
        onboardings,
        SlackFiles(slack),
        DroppedCheck(means.registry, means.files),
        sheets,
        means.files,
        backoff,
        turns,
    )
    workers = JobWorkers(
        {
            "step": steps.run,
            "surface": of_slack.beside(shows.run),
            "home": of_slack.show_home,
            "look": looks.run,
            **of_jira.workers,
            "given": given.run,
            LETTER: letters.run,
            # Without a Slack there is nobody to write to, though a job may be left from before.
            DIGEST: digest.run if in_slack else lambda _job: "over",
            **dict.fromkeys(SUBJECTS, reminders.run),
        },
        flow,
        meters,
    )
    due, watchdog = Sweep(store, jobs, clock, looks.kinds), build_watchdog(store, flow, clock, settings.upkeep)
    more = {"digests": Task(DIGEST_SECONDS, digests.enlist)} if in_slack else {}
    chores = build_chores(store, jobs, clock, watchdog, meters, settings.upkeep, more)

    return Application(
        settings=settings,
        store=store,
        packs=packs,
        jobs=jobs,
        clock=clock,
        flow=flow,
        onboardings=onboardings,
        replies=TicketReplies(store, flow),
        digests=digests,
        forms=forms,
        sheets=sheets,
        readers=of_slack.readers,
        homes=of_slack.homes,
        links=links,
        transfer=transfer,
        turns=turns,
        run_job=workers.run,
        sweep=_sweeping(heartbeat, [due.run, *([of_slack.homes.sweep, digests.sweep] if in_slack else [])], chores),
        meters=meters,
        peers=peers,
        groups=roles.groups,
        heartbeat=heartbeat,
        census=Kept(_census(store, clock, watchdog)),
        stuck=watchdog.stuck,
    )


def _sweeping(heartbeat: Heartbeat, sweeps: Sequence[Callable[[], int]], chores: Chores) -> Callable[[], int]:
    def sweep() -> int:
        heartbeat.beat()
        enqueued = sum(each() for each in sweeps)
        chores.run()
        return enqueued

    return sweep


def _census(store: Store, clock: Clock, watchdog: Watchdog) -> Callable[[], Census]:
    def census() -> Census:
        figures = JobQueue(store.engine).figures()
        now = clock.now()
        ages = {state: (now - oldest).total_seconds() for state, oldest in figures.oldest.items()}
        return replace(take_census(store, effect_kind), queue=figures.length, queue_age=ages, stuck=watchdog.stuck())

    return census


def prepare_database(store: Store, jobs: DurableJobs) -> None:
    """Bring our tables and the queue's to this version, whoever else does so at the same moment."""
    if store.schema_is_current():
        return
    with _nobody_serves(store), store.migrating():
        # Ours come last: where they are current the queue's are there too, also after a kill between the two.
        jobs.migrate()
        store.migrate()


def packs_of(settings: Settings, store: Store | None = None) -> Packs:
    """Return the operator packs that the settings install, and with a database those that onboardings began with."""
    directories = [settings.packs_dir] if settings.packs_dir else []
    archive = PackArchive(store) if store else None
    return Packs(directories, settings.data_dir / "packs", parameter_models(), archive=archive)


def serve(application: Application, role: Role, *, stop: Event | None = None) -> None:
    """Serve until a signal or ``stop``. Raises SettingsError when another bot serves already."""
    settings = application.settings
    # A click goes to the database and back a dozen times, and each time waits for the thread that has Python's lock:
    # with the usual 5 ms a job beside it would add a tenth of a second to its answer.
    sys.setswitchinterval(SWITCH_SECONDS)
    if application.store.on_sqlite and role != "all":
        raise SettingsError(
            f"serve --role {role} needs Postgres (DATABASE_URL): on SQLite one process does everything (--role all)."
        )
    application.packs.warm()
    _tell_of_gone_packs(application)
    end = stop or _stop_at_signals()
    with ExitStack() as parts:
        if role != "web":
            _lock(application, parts)
        _stop_when_damaged(application.store, end, parts)
        front = slack_front(application) if role != "worker" else None
        web = _web_server(application, role, front)
        if web is not None:
            # A port that is taken refuses the start before anything runs.
            web.listen()
            parts.callback(web.stop)
        if role != "web":
            parts.enter_context(_working(application, on_lost=_begin_anew if stop is None else stop.set))
        if web is not None:
            web.start()
        if front is not None and settings.slack.mode == "socket":
            front.start()
            parts.callback(front.stop)
        at = f"http://{settings.web.host}:{web.port}" if web is not None else None
        log.info("serving", role=role, web=at, slack=settings.slack.mode)
        end.wait()
        log.info("stopping")


@contextmanager
def _working(application: Application, *, on_lost: Callable[[], None]) -> Iterator[None]:
    """Run jobs: alone on SQLite, in a slot among the workers on Postgres."""
    settings, store = application.settings, application.store
    application.require_shared_folder()
    with ExitStack() as parts:
        slot = None if store.on_sqlite else parts.enter_context(taken_slot(store.engine))
        runner = Runner(
            store,
            run_job=application.run_job,
            sweep=application.sweep,
            poll_seconds=settings.engine.poll_seconds,
            executor_id=slot.executor_id if slot else ALONE,
        )
        runner.start()
        parts.callback(runner.stop)
        if slot is not None:
            takeover = Takeover(slot, on_lost=on_lost)
            takeover.start()
            parts.callback(takeover.stop)
            log.info("working", worker=slot.executor_id)
        yield


def _begin_anew() -> None:
    """Become a new process of the same command: its jobs end here, whatever they were at, and another does them."""
    log.warning("beginning_anew")
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command line


def surface_names(settings: Settings) -> list[str]:
    """Return the surfaces that the settings configure."""
    peers = Peers(SystemClock())
    surfaces = _surfaces(settings, JiraConnection(settings.jira, peers) if settings.jira else None, peers, Roles())
    return [*surfaces, *mirror_names(settings.jira)]


def _lock(application: Application, parts: ExitStack) -> None:
    """Hold what one bot alone may have while it serves on SQLite. Raises SettingsError, naming who has it."""
    file = application.store.file
    if file is None:
        return
    # Tied to the file: another data directory makes no other database of it.
    parts.enter_context(sole_runner(database_lock(file), setting="DATABASE_URL", of=file))
    parts.enter_context(sole_runner(application.settings.data_dir / "serve.lock"))


@contextmanager
def _nobody_serves(store: Store) -> Iterator[None]:
    """Keep a bot of another version from serving while the schema changes. Raises SettingsError when one does."""
    with ExitStack() as held:
        if store.file is not None:
            held.enter_context(sole_runner(database_lock(store.file), setting="DATABASE_URL", of=store.file))
        yield


def _stop_when_damaged(store: Store, stop: Event, parts: ExitStack) -> None:
    """Have a damaged database end the serving, and the process with the reason, whoever finds the damage."""
    found: list[SettingsError] = []

    def broken(wrong: SettingsError) -> None:
        if not found:
            log.critical("database_damaged", reason=str(wrong))
            found.append(wrong)
        stop.set()

    def heard(context: ExceptionContext) -> None:
        if is_damage(context.original_exception):
            broken(damaged(store.name, str(context.original_exception)))

    @contextmanager
    def watching() -> Iterator[None]:
        # Every engine of the process: the queue has one of its own.
        event.listen(Engine, "handle_error", heard)
        try:
            yield
        finally:
            event.remove(Engine, "handle_error", heard)
        if found:
            raise found[0]

    parts.enter_context(watching())
    check_large_file(store, broken)


def public_url(settings: Settings) -> str:
    """Return where people outside reach the web side."""
    return settings.web.public_url or f"http://{settings.web.host}:{settings.web.port}"


def _means(
    settings: Settings, store: Store, clock: Clock, transfer: Transfer, links: SignedLinks, tickets: Tickets
) -> Means:
    server = settings.transfer
    probes = {
        name.lower(): Watched(build_probe(probe, transfer), probe.done, probe.timeout_hours, probe.poll_seconds)
        for name, probe in settings.probes.items()
    }
    return Means(
        links=links,
        partner_page=lambda about: links.partner_page(about.key, edition=1 + about.links_renewed),
        mailer=SmtpMailer(settings.smtp) if settings.smtp else None,
        tickets=tickets,
        transfer=transfer,
        registry=Registry(store, clock),
        files=LocalFiles(settings.data_dir.resolve()),
        connection=Connection(
            protocol=server.protocol if server else "sftp",
            host=server.host if server else "",
            port=server.port if server else 22,
            username_of=lambda partner: _username(settings, partner),
        ),
        watched=lambda setting: probes.get(setting.lower()),
        transfer_root=server.root if server else "/",
        transfer_poll_seconds=server.poll_seconds if server else 20,
        stable_polls=server.stable_polls if server else 3,
        ticket_poll_seconds=settings.jira.poll_seconds if settings.jira else 60,
    )


def _form_rules(settings: Settings) -> FormRules:
    server = settings.transfer
    return FormRules(server.root, server.protocol) if server else FormRules()


def _lookouts(settings: Settings, means: Means) -> list[Lookout]:
    lookouts: list[Lookout] = []
    if settings.jira:
        lookouts.append(TicketLookout(means.tickets, poll_seconds=means.ticket_poll_seconds))
    if settings.transfer:
        lookouts.append(FolderLookout(means.transfer, poll_seconds=means.transfer_poll_seconds))
    return lookouts


def _username(settings: Settings, partner: str) -> str | None:
    account = settings.transfer.partner_account(partner) if settings.transfer else None
    return account.username if account else None


def _tell_of_gone_packs(application: Application) -> None:
    """Load the packs that open onboardings began with, and name those onboardings whose copy has vanished."""
    with application.store.reading() as session:
        began = select(Onboarding.pack, Onboarding.pack_digest).where(Onboarding.state == "open").distinct()
        for pack, digest in session.exec(began):
            try:
                application.packs.kept(pack, digest)
            except PackGone as gone:
                of_it = select(Onboarding).where(Onboarding.state == "open", Onboarding.pack_digest == digest)
                keys = ", ".join(row.key for row in session.exec(of_it.limit(MOST_NAMED)))
                log.error("pack_copy_gone", onboardings=keys, reason=str(gone))  # noqa: TRY400 - the reason says it all


def _make_data_dir(settings: Settings) -> None:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise SettingsError(
            f"DATA_DIR: {settings.data_dir} cannot be made ({refused.strerror}). Give this account the right to, or "
            "set another."
        ) from refused


def _surfaces(settings: Settings, jira: JiraConnection | None, peers: Peers, roles: Roles) -> dict[str, Surface]:
    surfaces: dict[str, Surface] = {}
    if settings.slack.bot_token is not None:
        accountable = partial(who_must_act, roles=roles)
        surfaces["slack"] = SlackSurface(SlackConnection(settings.slack, peers), accountable)
    if jira is not None:
        surfaces["jira"] = JiraSurface(jira)
    return surfaces


def slack_front(application: Application) -> SlackFront | None:
    """Return the way in from Slack; None where Slack is not set."""
    settings = application.settings
    if settings.slack.bot_token is None:
        return None
    connection = SlackConnection(settings.slack, application.peers)
    meters = application.meters
    arrivals = Arrivals(meters.acknowledged, meters.refused_request)
    readers = application.readers
    more: list[MoreListeners] = [
        FormListeners(connection, application.forms, readers, application.sheets.keep),
        DigestListeners(connection, application.digests, readers),
    ]
    return SlackFront(
        connection,
        application.onboardings,
        application.packs,
        readers,
        arrivals,
        more,
        homes=application.homes,
        replies=TicketReplyListener(connection, application.replies, readers),
        export=application.export,
    )


def _web_server(application: Application, role: Role, front: SlackFront | None) -> WebServer | None:
    """Return the web side of a process; a worker has health and figures alone, and those where a port is set."""
    settings = application.settings
    by_socket = front is not None and settings.slack.mode == "socket"
    readiness = Readiness(
        application.store,
        application.peers,
        application.heartbeat,
        application.stuck,
        runs_jobs=role != "web",
        groups=application.groups.unanswered,
        slack_socket=(lambda: front.is_connected) if front is not None and by_socket else None,
    )
    if role != "worker":
        return WebServer(_web(application, front, readiness), settings.web.host, settings.web.port)
    if settings.web.worker_port is None:
        return None
    health = build_health(readiness, application.census, application.meters.registry)
    return WebServer(health, settings.web.host, settings.web.worker_port)


def _web(application: Application, front: SlackFront | None, readiness: Readiness) -> FastAPI:
    settings = application.settings
    by_http = front is not None and settings.slack.mode == "http"
    app = build_web(
        application.onboardings,
        application.links,
        readiness=readiness,
        census=application.census,
        counted=application.meters.registry,
        clock=application.clock,
        language=settings.language,
        transfer_root=settings.transfer.root if settings.transfer else "",
        transfer_protocol=settings.transfer.protocol if settings.transfer else "sftp",
        connection=_connection(settings),
        slack_handler=front.request_handler() if front is not None and by_http else None,
        jira_handler=jira_webhook(
            settings.jira.webhook_secret if settings.jira else None,
            Wakeups(application.store, application.clock).wake,
            lambda: Installation(application.store).get(JIRA_ACCOUNT),
        ),
    )
    add_instance(app, secret_key(settings, application.store))
    return app


def _connection(settings: Settings) -> PartnerConnection | None:
    server = settings.transfer
    if server is None:
        return None
    return PartnerConnection(server.protocol, server.host, server.port, lambda partner: _username(settings, partner))


def _stop_at_signals() -> Event:
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
