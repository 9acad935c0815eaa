"""Which worker does which job, and what every job has in common: its log lines, its figures, its second chances."""

from collections.abc import Callable, Mapping
from time import perf_counter

import structlog
from sqlalchemy.exc import OperationalError
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from bot.meters import Meters
from bot.onboarding.errors import PackGone
from bot.onboarding.flow import Flow
from bot.onboarding.ports import Job

log = structlog.stdlib.get_logger()

# A database that is locked or away for a moment must not end a job: it may be run again from its start.
DATABASE_TRIES, DATABASE_PAUSE = 8, 5.0

# How long an onboarding waits whose pack's copy is gone, in seconds, before it is looked for again.
PACK_PAUSE = 300.0

# What people can see of an onboarding; looks that see nothing new are too many to be told.
TOLD = frozenset({"done", "failed", "back"})


class JobWorkers:
    """Does jobs by the kind that their subject begins with; a worker returns in a word what came of it."""

    def __init__(self, workers: Mapping[str, Callable[[Job], str | None]], flow: Flow, meters: Meters) -> None:
        self._workers = workers
        self._flow = flow
        self._meters = meters

    @retry(
        retry=retry_if_exception_type(OperationalError),
        stop=stop_after_attempt(DATABASE_TRIES),
        wait=wait_random_exponential(max=DATABASE_PAUSE),
        reraise=True,
    )
    def run(self, job: Job) -> None:
        """Do a job, which may have been begun before."""
        kind, _, name = job.subject.partition(":")
        # A look for all is no onboarding's.
        of = {"onboarding": f"ONB-{job.onboarding_id}"} if job.onboarding_id else {}
        with structlog.contextvars.bound_contextvars(**of, **{kind: name}):
            begun = perf_counter()
            outcome = self._outcome(kind, job)
            seconds = perf_counter() - begun
            self._meters.job(kind, outcome, seconds)
            tell = log.info if outcome in TOLD else log.debug
            tell("job_run", outcome=outcome, seconds=round(seconds, 3))

    def _outcome(self, kind: str, job: Job) -> str:
        try:
            return self._workers[kind](job) or "run"
        except PackGone as gone:
            # The others go on; this one is looked at again, for somebody may put the copy back.
            log.error("pack_copy_gone", reason=str(gone))  # noqa: TRY400 - the reason says it all
            self._flow.put_off(job, PACK_PAUSE)
            return "waits_for_pack"
