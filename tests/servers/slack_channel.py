"""What the houses with a channel in the sandbox's Slack share: its people, a clock and a queue, and some patience."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from sqlmodel import Session

from bot.onboarding.actors import Actor
from bot.onboarding.ports import Job
from bot.sandbox.slack.entities import User

CHANNEL = "C0ONBOARD"
ANA = Actor("slack", "slack:U0ANA", "ana")
PEOPLE = (
    User("U0ANA", "ana", "Ana", "ana@example.com"),
    User("U0BOB", "bob", "Bob", "bob@example.com"),
    User("U0GUEST", "guest", "Gwen", "guest@example.com"),
)


class Clock:
    """The real time, moved ahead by a test."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)


class Queue:
    """The Jobs port in memory, emptied by the test that wants the work done."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._seen: set[str] = set()
        self._lock = Lock()

    def enqueue(self, session: Session, job_id: str, job: Job) -> None:
        assert session.in_transaction()
        with self._lock:
            if job_id not in self._seen:
                self._seen.add(job_id)
                self._jobs[job_id] = job

    def take(self) -> list[Job]:
        with self._lock:
            taken, self._jobs = list(self._jobs.values()), {}
        return taken


def eventually(condition: Callable[[], Any], seconds: float = 10) -> Any:
    """The condition's first true value; fails when it does not come."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("it never happened")
