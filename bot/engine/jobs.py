"""Putting jobs into the queue, in the caller's own transaction."""

from dbos import DBOSClient, EnqueueOptions, run_dbos_database_migrations
from sqlalchemy import Engine
from sqlmodel import Session

from bot.engine.old_sqlite import give_milliseconds
from bot.onboarding.ports import Job

QUEUE = "onboarding"
WORKFLOW = "run_job"

# A constant, not the default (a hash over the source): an edit or an upgrade must not orphan what is enqueued.
APPLICATION_VERSION = "1"
APPLICATION = "onboarding-bot"


class DurableJobs:
    """Implements the core's ``Jobs``. Shell commands use it beside a serving bot; it never runs a job itself."""

    def __init__(self, engine: Engine) -> None:
        give_milliseconds()
        self._engine = engine
        self._client: DBOSClient | None = None

    def migrate(self) -> None:
        """Bring the queue's own tables to this version."""
        run_dbos_database_migrations(engine_url(self._engine))

    def enqueue(self, session: Session, job_id: str, job: Job) -> None:
        """Add a job in the session's own transaction. The same id again adds nothing."""
        options: EnqueueOptions = {
            "queue_name": QUEUE,
            "workflow_name": WORKFLOW,
            "workflow_id": job_id,
            "app_version": APPLICATION_VERSION,
        }
        self._connected().enqueue_in_transaction(session.connection(), options, job.onboarding_id, job.subject, job.run)

    def forget(self, job_ids: list[str]) -> None:
        """Delete finished jobs with all that dbos keeps of them."""
        self._connected().delete_workflows(job_ids)

    def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            self._client.destroy()
            self._client = None

    def _connected(self) -> DBOSClient:
        if self._client is None:
            self._client = DBOSClient(system_database_engine=self._engine, application_name=APPLICATION, lazy=True)
        return self._client


def engine_url(engine: Engine) -> str:
    """Return the database's address in the form that dbos takes, password included."""
    return engine.url.render_as_string(hide_password=False)
