"""Where everything is put together from the settings. The only module that knows all the others."""

import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Literal

import structlog
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from bot.engine import DurableJobs, Runner
from bot.engine.lock import sole_runner
from bot.engine.runner import CONCURRENCY
from bot.engine.slots import ALONE, Takeover, taken_slot
from bot.jira.connection import JiraConnection
from bot.jira.surface import JiraSurface
from bot.jira.tickets import JiraTickets
from bot.mail import SmtpMailer
from bot.onboarding.actors import Roles
from bot.onboarding.clock import Clock, SystemClock
from bot.onboarding.effects import Effects
from bot.onboarding.errors import SettingsError
from bot.onboarding.flow import Flow
from bot.onboarding.installation import Installation, require_not_moved
from bot.onboarding.pack_archive import PackArchive
from bot.onboarding.packs import Packs
from bot.onboarding.ports import Job, Surface
from bot.onboarding.registry import Registry
from bot.onboarding.retry import Backoff
from bot.onboarding.service import Onboardings
from bot.onboarding.store import Store
from bot.onboarding.tickets import Tickets
from bot.onboarding.transfer import Transfer
from bot.onboarding.turns import PostgresTurns, ThreadTurns
from bot.onboarding.worker import StepWorker, SurfaceWorker, Sweep
from bot.probes.probes import build_probe
from bot.settings import Settings
from bot.slack.connection import SlackConnection
from bot.slack.front import SlackFront
from bot.slack.surface import SlackSurface
from bot.steps.deposit import Connection
from bot.steps.kinds import Means, build_kinds
from bot.steps.layout import LocalFiles
from bot.steps.parameters import parameter_models
from bot.steps.watch import Watched
from bot.transfer.build import build_transfer
from bot.unset import UnsetTickets, UnsetTransfer
from bot.web.app import build_web
from bot.web.export import export_dossier
from bot.web.links import SignedLinks
from bot.web.metrics import take_census
from bot.web.server import WebServer
from checklists.model import FormParameters

log = structlog.stdlib.get_logger()

Role = Literal["all", "web", "worker"]

# A database that is locked or away for a moment must not end a job: it may be run again from its start.
DATABASE_TRIES, DATABASE_PAUSE = 8, 5.0


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
    links: SignedLinks
    transfer: Transfer
    turns: ThreadTurns | PostgresTurns
    run_job: Callable[[Job], None]
    sweep: Sweep

    def export(self, key: str, out: Path) -> tuple[Path, Path, Path]:
        """Write an onboarding's dossier.html, trail.json and trail.csv into a folder. Raises Unknown."""
        view = self.onboardings.view(key)
        answers: Mapping[str, object] = {}
        form = None
        for step in view.steps:
            if isinstance(step.definition.parameters, FormParameters):
                answers = self.onboardings.answers(key, step.id)
                form = view.pack.forms[step.definition.parameters.form]
        events = self.onboardings.trail(key)
        return export_dossier(out, view, events, self.settings.language, answers=answers or None, form=form)

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
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    store = Store(settings.database)
    store.wait(patience)
    jobs = DurableJobs(store.engine)
    prepare_database(store, jobs)
    require_not_moved(store)
    turns = ThreadTurns() if store.on_sqlite else PostgresTurns(store.engine.url, threads=CONCURRENCY)
    transfer: Transfer = build_transfer(settings.transfer) if settings.transfer else UnsetTransfer()
    jira = JiraConnection(settings.jira) if settings.jira else None
    links = SignedLinks(public_url(settings), secret_key(settings, store), clock=clock)
    kinds = build_kinds(_means(settings, store, clock, transfer, links, JiraTickets(jira) if jira else UnsetTickets()))
    packs = packs_of(settings, store)
    surfaces = _surfaces(settings, jira)
    flow = Flow(store, packs, kinds, jobs, clock, list(surfaces))
    effects = Effects(store, clock, turns)
    backoff = Backoff(settings.retry.first_seconds, settings.retry.tries)
    steps = StepWorker(store, packs, kinds, flow, effects, clock, backoff, turns)
    shows = SurfaceWorker(store, packs, surfaces, flow, effects, backoff, turns)

    @retry(
        retry=retry_if_exception_type(OperationalError),
        stop=stop_after_attempt(DATABASE_TRIES),
        wait=wait_random_exponential(max=DATABASE_PAUSE),
        reraise=True,
    )
    def run_job(job: Job) -> None:
        worker = steps if job.subject.startswith("step:") else shows
        worker.run(job)

    return Application(
        settings=settings,
        store=store,
        packs=packs,
        jobs=jobs,
        clock=clock,
        flow=flow,
        onboardings=Onboardings(store, packs, flow, clock, Roles(settings.roles.by_role()), settings.language),
        links=links,
        transfer=transfer,
        turns=turns,
        run_job=run_job,
        sweep=Sweep(store, jobs, clock),
    )


def prepare_database(store: Store, jobs: DurableJobs) -> None:
    """Bring our tables and the queue's to this version, whoever else does so at the same moment."""
    if store.schema_is_current():
        return
    with store.migrating():
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
    if application.store.on_sqlite and role != "all":
        raise SettingsError(
            f"serve --role {role} needs Postgres (DATABASE_URL): on SQLite one process does everything (--role all)."
        )
    application.packs.warm()
    end = stop or _stop_at_signals()
    with ExitStack() as parts:
        if role != "web":
            parts.enter_context(_working(application, on_lost=_begin_anew if stop is None else stop.set))
        if role != "worker":
            front = _front(application)
            web = WebServer(_web(application, front), settings.web.host, settings.web.port)
            web.start()
            parts.callback(web.stop)
            if front is not None and settings.slack.mode == "socket":
                front.start()
                parts.callback(front.stop)
            log.info("serving", role=role, web=f"http://{settings.web.host}:{web.port}", slack=settings.slack.mode)
        end.wait()
        log.info("stopping")


@contextmanager
def _working(application: Application, *, on_lost: Callable[[], None]) -> Iterator[None]:
    """Run jobs: alone on SQLite, in a slot among the workers on Postgres."""
    settings, store = application.settings, application.store
    application.require_shared_folder()
    with ExitStack() as parts:
        slot = None
        if store.on_sqlite:
            parts.enter_context(sole_runner(settings.data_dir / "serve.lock"))
        else:
            slot = parts.enter_context(taken_slot(store.engine))
        runner = Runner(
            store,
            run_job=application.run_job,
            sweep=application.sweep.run,
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
    return list(_surfaces(settings, JiraConnection(settings.jira) if settings.jira else None))


def public_url(settings: Settings) -> str:
    """Return where people outside reach the web side."""
    return settings.web.public_url or f"http://{settings.web.host}:{settings.web.port}"


def secret_key(settings: Settings, store: Store) -> SecretStr:
    """Return the key that signs links; where none is set, one is made and kept.

    It is kept where every process finds it: in the data directory, or on Postgres in the database.
    """
    if settings.web.secret_key is not None:
        return settings.web.secret_key
    if not store.on_sqlite:
        return SecretStr(Installation(store).links_key())
    file = settings.data_dir / "links.key"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        aside = file.with_name(f"{file.name}.{os.getpid()}")
        aside.touch(mode=0o600)
        aside.write_text(secrets.token_urlsafe(48), "ascii")
        try:
            # A link, not a rename: the first of two processes wins, and no half-written key is ever read.
            os.link(aside, file)
        except FileExistsError:
            log.info("links_key_kept")
        finally:
            aside.unlink()
    return SecretStr(file.read_text("ascii").strip())


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


def _username(settings: Settings, partner: str) -> str | None:
    account = settings.transfer.partner_account(partner) if settings.transfer else None
    return account.username if account else None


def _surfaces(settings: Settings, jira: JiraConnection | None) -> Mapping[str, Surface]:
    surfaces: dict[str, Surface] = {}
    if settings.slack.bot_token is not None:
        surfaces["slack"] = SlackSurface(SlackConnection(settings.slack))
    if jira is not None:
        surfaces["jira"] = JiraSurface(jira)
    return surfaces


def _front(application: Application) -> SlackFront | None:
    settings = application.settings
    if settings.slack.bot_token is None:
        return None
    connection = SlackConnection(settings.slack)
    return SlackFront(connection, application.onboardings, application.packs, settings.language)


def _web(application: Application, front: SlackFront | None) -> FastAPI:
    settings = application.settings
    by_http = front is not None and settings.slack.mode == "http"

    def readiness() -> Mapping[str, bool]:
        parts = {"database": application.store.schema_is_current()}
        if front is not None and not by_http:
            parts["slack"] = front.is_connected
        return parts

    return build_web(
        application.onboardings,
        application.links,
        readiness=readiness,
        census=lambda: take_census(application.store),
        clock=application.clock,
        language=settings.language,
        transfer_root=settings.transfer.root if settings.transfer else "",
        transfer_protocol=settings.transfer.protocol if settings.transfer else "sftp",
        slack_handler=front.request_handler() if front is not None and by_http else None,
    )


def _stop_at_signals() -> Event:
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
