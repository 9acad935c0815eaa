"""Serving: what a process runs in its role, from the locks that it holds to the signal that ends it."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Event

import structlog
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from bot.engine import Runner
from bot.engine.lock import database_lock, sole_runner
from bot.engine.slots import ALONE, Takeover, taken_slot
from bot.onboarding.database_errors import damaged, is_damage
from bot.onboarding.errors import SettingsError
from bot.onboarding.store import Store
from bot.preflight import check_large_file
from bot.wiring.application import Application, Role
from bot.wiring.database import tell_of_gone_packs
from bot.wiring.slack import slack_front
from bot.wiring.web import web_server

log = structlog.stdlib.get_logger()

# How long a thread may keep the others of the process waiting, in seconds.
SWITCH_SECONDS = 0.0005


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
    tell_of_gone_packs(application.store, application.packs)
    end = stop or _stop_at_signals()
    with ExitStack() as parts:
        if role != "web":
            _lock(application, parts)
        _stop_when_damaged(application.store, end, parts)
        front = slack_front(application) if role != "worker" else None
        web = web_server(application, role, front)
        if web is not None:
            # A port that is taken refuses the start before anything runs.
            web.listen()
            parts.callback(web.stop)
        if role != "web":
            parts.enter_context(_working(application, on_lost=_begin_anew if stop is None else stop.set))
        if web is not None:
            web.start()
        if front is not None:
            front.clicks.start()
            parts.callback(front.clicks.stop)
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


def _lock(application: Application, parts: ExitStack) -> None:
    """Hold what one bot alone may have while it serves on SQLite. Raises SettingsError, naming who has it."""
    file = application.store.file
    if file is None:
        return
    # Tied to the file: another data directory makes no other database of it.
    parts.enter_context(sole_runner(database_lock(file), setting="DATABASE_URL", of=file))
    parts.enter_context(sole_runner(application.settings.data_dir / "serve.lock"))


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


def _stop_at_signals() -> Event:
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
