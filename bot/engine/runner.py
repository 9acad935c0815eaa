"""Running jobs: dbos takes them from the queue, and a sweep turns due rows into jobs."""

from collections.abc import Callable
from threading import Event, Thread

import structlog
from dbos import DBOS, DBOSConfig
from sqlalchemy.exc import OperationalError

from bot.engine.fallen import FallenJobs, JobFell
from bot.engine.jobs import APPLICATION, APPLICATION_VERSION, QUEUE, WORKFLOW, engine_url
from bot.engine.slots import ALONE
from bot.onboarding.ports import Job
from bot.onboarding.store import Store

log = structlog.stdlib.get_logger()

# How many jobs run at a time in one process. Most of them wait for a server.
CONCURRENCY = 8

# Connections that dbos itself may open to Postgres: it takes one for a moment as a job begins and ends.
DBOS_CONNECTIONS = 10


class Runner:
    """Runs jobs under an executor's id that no other process has. ``run_job`` must bear being called again."""

    def __init__(
        self,
        store: Store,
        *,
        run_job: Callable[[Job], None],
        sweep: Callable[[], int],
        poll_seconds: float,
        executor_id: str = ALONE,
    ) -> None:
        self._store = store
        self._run_job = run_job
        self._sweep = sweep
        self._poll_seconds = poll_seconds
        self._executor_id = executor_id
        self._stopping = Event()
        self._sweeper: Thread | None = None

    def start(self) -> None:
        """Launch dbos: what an earlier process left unfinished is run again first."""
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": engine_url(self._store.engine),
            "executor_id": self._executor_id,
            "application_version": APPLICATION_VERSION,
            "sys_db_pool_size": DBOS_CONNECTIONS,
            "log_level": "WARNING",
            "use_listen_notify": False,
            "scheduler_polling_interval_sec": 3600.0,
        }
        fallen = FallenJobs(DBOS(config=config), self._executor_id)

        # However often its process dies under it, a job is run again.
        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
        def run_job(onboarding_id: int, subject: str, run: int) -> None:
            with structlog.contextvars.bound_contextvars(job=DBOS.workflow_id):
                try:
                    with self._store.people_first.job():
                        self._run_job(Job(onboarding_id, subject, run))
                except OperationalError as trouble:
                    log.warning("database_away", reason=str(trouble.orig))
                    raise JobFell from trouble

        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=CONCURRENCY, polling_interval_sec=self._poll_seconds)
        self._stopping.clear()
        self._sweeper = Thread(target=self._keep_sweeping, args=(fallen,), name="sweep", daemon=True)
        self._sweeper.start()

    def stop(self, *, patience: int = 5) -> None:
        """Give running jobs ``patience`` seconds to end, then stop; unfinished ones are run again at the next start."""
        self._stopping.set()
        if self._sweeper is not None:
            self._sweeper.join()
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=patience)

    def _keep_sweeping(self, fallen: FallenJobs) -> None:
        while not self._stopping.wait(self._poll_seconds):
            try:
                self._sweep()
                fallen.raise_up()
            except Exception:
                log.exception("sweep_failed")
