"""Who is which worker, and what becomes of a dead one's jobs."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Event
from typing import Any

import pytest
from postgres import Postgres
from sqlalchemy import make_url

from bot.engine import slots
from bot.engine.jobs import APPLICATION, APPLICATION_VERSION
from bot.engine.slots import Takeover, taken_slot
from bot.onboarding.errors import SettingsError
from bot.onboarding.store import Store

LOCKS = "onboarding-bot locks"


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    built = Store(postgres_url)
    yield built
    built.close()


def running_job(server: Postgres, store: Store, job: str, executor: str) -> None:
    server.run(
        "INSERT INTO dbos.workflow_status (workflow_uuid, status, name, executor_id, application_version, "
        "application_name, queue_name, created_at, updated_at) VALUES "
        f"('{job}', 'PENDING', 'run_job', '{executor}', '{APPLICATION_VERSION}', '{APPLICATION}', 'onboarding', 1, 1)",
        str(make_url(store.address).database),
    )


def test_each_worker_has_the_first_free_slot_and_one_that_comes_back_is_who_it_was(store: Store) -> None:
    with taken_slot(store.engine) as first:
        with taken_slot(store.engine) as second, taken_slot(store.engine) as third:
            assert [one.executor_id for one in (first, second, third)] == ["worker-1", "worker-2", "worker-3"]
        with taken_slot(store.engine) as again:
            assert again.executor_id == "worker-2"


def test_one_worker_too_many_is_refused_in_words(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "SLOTS", 1)
    with (
        taken_slot(store.engine),
        pytest.raises(SettingsError, match="1 workers run on this database already"),
        taken_slot(store.engine),
    ):
        pass


def test_only_what_the_dead_have_left_running_is_taken_over(postgres_server: Postgres, store: Store) -> None:
    with ExitStack() as parts:
        ours, alive = (parts.enter_context(taken_slot(store.engine)) for _ in range(2))
        for executor in (ours.executor_id, alive.executor_id, "worker-3", "worker-7", "somebody-else"):
            running_job(postgres_server, store, f"job of {executor}", executor)
        assert sorted(ours.left_by_the_dead()) == ["worker-3", "worker-7"]
        # While one is at it no other worker is, and no new worker becomes the dead one.
        dead = ours.left_by_the_dead()
        found = next(dead)
        assert found not in list(alive.left_by_the_dead())
        with taken_slot(store.engine) as newcomer:
            assert newcomer.executor_id != found
        dead.close()
        assert found in list(alive.left_by_the_dead())


def test_a_worker_that_loses_its_connection_gives_up_its_slot_and_hears_of_it(
    postgres_server: Postgres, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "ROUND_SECONDS", 0.1)
    lost = Event()
    with taken_slot(store.engine) as slot:
        takeover = Takeover(slot, on_lost=lost.set)
        takeover.start()
        assert not lost.wait(0.5)
        assert postgres_server.cut(LOCKS, str(make_url(store.address).database)) == 1
        assert lost.wait(5)
        with taken_slot(store.engine) as successor:
            assert successor.executor_id == slot.executor_id
        takeover.stop()


def test_the_rounds_go_on_after_an_error_that_is_not_the_connections(
    postgres_server: Postgres, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "ROUND_SECONDS", 0.1)
    asked: list[str] = []

    def recover(dead: str) -> int:
        asked.append(dead)
        if len(asked) == 1:
            raise RuntimeError("the first time it fails")
        return 1

    monkeypatch.setattr(slots, "recover", recover)
    with taken_slot(store.engine) as slot:
        running_job(postgres_server, store, "job", "worker-9")
        takeover = Takeover(slot, on_lost=_never)
        takeover.start()
        until = time.monotonic() + 10
        while len(asked) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        takeover.stop()
    assert asked[:2] == ["worker-9", "worker-9"]


def test_dbos_still_has_the_private_name_that_recovery_needs() -> None:
    from dbos import DBOS

    assert callable(DBOS._recover_pending_workflows)


def _never(*_: Any) -> None:
    raise AssertionError("the slot was never lost")
