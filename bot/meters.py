"""What this process counts as it goes, for Prometheus: jobs, effects, Slack's events. Documented in docs/upkeep.md."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from bot.onboarding.effects import Course

# Slack wants an answer within three seconds; ours should be there within a tenth of one.
ACK_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)
JOB_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
# Outcomes of a job whose work is tried again by itself.
TRIED_AGAIN = frozenset({"later", "broke", "waits_for_pack"})


class Meters:
    """One set for each process; its registry is read by /metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._jobs = Counter(
            "onboarding_bot_jobs", "Jobs run, by kind and outcome.", ["kind", "outcome"], registry=self.registry
        )
        self._job_seconds = Histogram(
            "onboarding_bot_job_seconds", "How long jobs ran.", ["kind"], buckets=JOB_SECONDS, registry=self.registry
        )
        self._retries = Counter(
            "onboarding_bot_retries",
            "Jobs whose work is tried again: a server was away, or something broke.",
            ["kind"],
            registry=self.registry,
        )
        self._effects = Counter(
            "onboarding_bot_effects",
            "Writes outside that came to an end: done now, found outside, or of unknown outcome.",
            ["kind", "outcome"],
            registry=self.registry,
        )
        self._acks = Histogram(
            "onboarding_bot_slack_ack_seconds",
            "From the receipt of an event of Slack to its acknowledgement.",
            buckets=ACK_SECONDS,
            registry=self.registry,
        )
        self._refused = Counter(
            "onboarding_bot_slack_refused_requests",
            "Requests to /slack/events that did not bear Slack's signature.",
            registry=self.registry,
        )
        self._chores = Counter(
            "onboarding_bot_put_right", "Work that had lost its job and was begun again.", ["kind"],
            registry=self.registry,
        )  # fmt: skip

    def job(self, kind: str, outcome: str, seconds: float) -> None:
        """Count a job that was run."""
        self._jobs.labels(kind, outcome).inc()
        self._job_seconds.labels(kind).observe(seconds)
        if outcome in TRIED_AGAIN:
            self._retries.labels(kind).inc()

    def effect(self, key: str, course: Course) -> None:
        """Count an effect of the ledger that came to an end."""
        self._effects.labels(effect_kind(key), course).inc()

    def acknowledged(self, seconds: float) -> None:
        """Count an event of Slack that was answered."""
        self._acks.observe(seconds)

    def refused_request(self) -> None:
        """Count a request that was not Slack's."""
        self._refused.inc()

    def put_right(self, kind: str, number: int) -> None:
        """Count what the watchdog has begun again."""
        self._chores.labels(kind).inc(number)


def effect_kind(key: str) -> str:
    """Return what sort of write a ledger's key stands for: few words, whatever is written.

    ``ONB-7:start:jira`` and ``ONB-7:end:jira`` are a parent's beginning and end, ``ONB-7:12:slack`` is a report,
    ``ONB-7:12:slack:file:x.csv`` a list's file, ``ONB-7:form:mail-1`` a step's mail.
    """
    _, _, rest = key.partition(":")
    first, _, rest = rest.partition(":")
    if first.startswith("end"):
        # The end of an onboarding that was opened again is `end1`.
        first = first.rstrip("0123456789")
    if first in {"start", "end"}:
        return f"{rest} {first}"
    if first.isdecimal():
        surface, _, more = rest.partition(":")
        return f"{surface} file" if more else f"{surface} report"
    return rest.partition(":")[0].partition("-")[0]
