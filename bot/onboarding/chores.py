"""Upkeep by rows with a due time: one process of all does what is due, and none keeps a timer of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

import structlog
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from bot.onboarding.clock import Clock
from bot.onboarding.models import Chore
from bot.onboarding.store import Store

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Task:
    """What is done, and how often in seconds."""

    every: float
    do: Callable[[], object]


class Chores:
    """Called by the sweep of every worker. A task whose time has come is taken by whoever moves its row's time on."""

    def __init__(self, store: Store, clock: Clock, tasks: Mapping[str, Task]) -> None:
        self._store = store
        self._clock = clock
        self._tasks = dict(tasks)
        self._look_at = dict.fromkeys(tasks, 0.0)

    def run(self) -> list[str]:
        """Do what is due; return the names of what was done. A task that fails is logged and due again next time."""
        done = []
        for name, task in self._tasks.items():
            if monotonic() < self._look_at[name]:
                continue
            # The row is asked a few times in each period: the sweep comes by far more often.
            self._look_at[name] = monotonic() + task.every / 4
            if not self._take(name, task):
                continue
            try:
                task.do()
            except Exception:
                log.exception("chore_failed", chore=name)
            else:
                done.append(name)
        return done

    def _take(self, name: str, task: Task) -> bool:
        now, every = self._clock.now(), timedelta(seconds=task.every)
        with self._store.reading() as session:
            row = session.get(Chore, name)
        if row is None:
            try:
                with self._store.transaction() as session:
                    session.add(Chore(name=name, due_at=now + every))
            except IntegrityError:
                # Another process has just taken it.
                return False
            return True
        # A time too far ahead was written by a clock that ran ahead.
        if now < row.due_at <= now + every:
            return False
        with self._store.transaction() as session:
            taken = session.connection().execute(
                update(Chore).where(col(Chore.name) == name, col(Chore.due_at) == row.due_at).values(due_at=now + every)
            )
            return taken.rowcount == 1
