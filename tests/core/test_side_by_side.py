"""Two processes on one Postgres at the same moment: nobody's click is lost, nothing is done twice."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from core_house import ANA, BOB, House
from postgres import Postgres
from sqlalchemy import event, make_url, text
from sqlmodel import Session, SQLModel, select

from bot.app import prepare_database
from bot.doctor import Finding, examine
from bot.engine import DurableJobs
from bot.onboarding import trail
from bot.onboarding.errors import Refused, SettingsError
from bot.onboarding.installation import IDENTITY, Installation
from bot.onboarding.models import Onboarding, Received
from bot.onboarding.outcomes import Done, Outcome
from bot.onboarding.registry import InvoiceEntry, InvoiceTaken, Registry
from bot.onboarding.store import Store, insert_once, tried_again
from bot.onboarding.turns import PostgresTurns
from bot.onboarding.view import read_reports
from bot.onboarding.work import Work
from bot.settings import load_settings


@pytest.fixture
def two(tmp_path: Path, postgres_url: str) -> Iterator[tuple[House, House]]:
    """Two machines: each has its own disk, and the database is the same."""
    houses = House(tmp_path / "one", database=postgres_url), House(tmp_path / "two", database=postgres_url)
    yield houses
    for house in houses:
        house.close()


def at_once(*tasks: Callable[[], Any]) -> list[Any]:
    """Run tasks at the same moment; return what each gave, or the error that it raised."""
    together = Barrier(len(tasks))

    def run(task: Callable[[], Any]) -> Any:
        together.wait(10)
        try:
            return task()
        except (Refused, InvoiceTaken) as error:
            return error

    with ThreadPoolExecutor(len(tasks)) as threads:
        return list(threads.map(run, tasks))


def test_reports_are_read_while_another_process_writes_one(two: tuple[House, House]) -> None:
    one, other = two
    key = one.start()
    onboarding = one.onboardings.view(key)
    with one.store.reading() as session:
        before = [report.seq for report in read_reports(session, onboarding.id, onboarding.pack, after=0)]

        def written_meanwhile(*_: Any) -> None:
            other.onboardings.skip(key, "portal", "not here", actor=ANA)

        event.listen(one.store.engine, "after_cursor_execute", written_meanwhile, once=True)
        seen = [report.seq for report in read_reports(session, onboarding.id, onboarding.pack, after=0)]
        assert seen == before
        assert len(read_reports(session, onboarding.id, onboarding.pack, after=0)) > len(before)


def test_one_event_delivered_to_two_web_processes_counts_once(two: tuple[House, House]) -> None:
    one, other = two
    key = one.start()
    for number in range(10):
        counted = at_once(
            *(
                lambda house=house, number=number: house.onboardings.tick(
                    key, "portal", ["found"], actor=ANA, source=f"slack:{number}"
                )
                for house in two
            )
        )
        assert sorted(counted) == [False, True]
    assert other.kinds_of_events(key).count("ticked") == 10


def test_two_people_who_tick_at_two_web_processes_both_count(two: tuple[House, House]) -> None:
    one, other = two
    for number in range(8):
        key = one.start(client=f"Client {number}", root=f"ROOT-{number}")
        shown = one.onboardings.view(key).revision
        at_once(
            lambda key=key, shown=shown: one.onboardings.select_ticks(
                key, "portal", clicked=shown, selected={"logged_in"}, actor=ANA, source=f"{key}:1"
            ),
            lambda key=key, shown=shown: other.onboardings.select_ticks(
                key, "portal", clicked=shown, selected={"found"}, actor=BOB, source=f"{key}:2"
            ),
        )
        assert one.states(key)["portal"] == "done"
        assert trail.first_break(other.onboardings.trail(key)) is None


def test_of_two_starts_for_one_client_at_the_same_moment_one_is_refused_in_words(two: tuple[House, House]) -> None:
    for number in range(8):
        first, second = sorted(
            at_once(*(lambda house=house, number=number: house.start(root=f"ROOT-{number}") for house in two)),
            key=lambda found: isinstance(found, Refused),
        )
        assert isinstance(second, Refused)
        assert first in second.text.en
        two[0].onboardings.cancel(first, "for the next round", actor=ANA)


def test_the_same_start_request_at_two_web_processes_starts_once(two: tuple[House, House]) -> None:
    keys = at_once(*(lambda house=house: house.start(source="slack:view:1") for house in two))
    assert keys[0] == keys[1]


def test_the_same_number_from_two_files_at_the_same_moment_is_integrated_once(two: tuple[House, House]) -> None:
    keys = [two[0].start(client=f"C{number}", root=f"R{number}") for number in (1, 2)]
    registries = [Registry(house.store, house.clock) for house in two]
    for number in range(8):
        entries = [_invoice(f"N-{number}", gross) for gross in ("12.10", "24.20")]
        answers = at_once(
            *(
                lambda registry=registry, entry=entry, key=key: registry.integrate(
                    int(key.removeprefix("ONB-")),
                    operator="OPERADORA_X",
                    root="R",
                    sha256=entry.gross,
                    invoices=[entry],
                    month=None,
                )
                for registry, entry, key in zip(registries, entries, keys, strict=True)
            )
        )
        assert sorted(isinstance(answer, InvoiceTaken) for answer in answers) == [False, True]
    assert len(registries[0].invoices("OPERADORA_X", "R")) == 8


def test_two_sweeps_make_each_due_row_a_job_once(two: tuple[House, House]) -> None:
    one, _ = two
    for number in range(40):
        key = one.start(client=f"Client {number}", root=f"ROOT-{number}")
        with one.flow.change(int(key.removeprefix("ONB-"))) as change:
            change.schedule("step:directory", 0, run=1)
    enqueued = at_once(*(house.sweep.run for house in two), *(house.sweep.run for house in two))
    assert sum(enqueued) + sum(house.sweep.run() for house in two) == 40
    made = [job_id for house in two for job_id, _ in house.queue.waiting if job_id.startswith("due:")]
    assert len(made) == len(set(made)) == 40


def test_a_step_is_run_by_one_worker_at_a_time(two: tuple[House, House]) -> None:
    one, other = two
    running, most = [0], [0]

    def work(_work: Work) -> Outcome:
        running[0] += 1
        most[0] = max(most[0], running[0])
        time.sleep(0.3)
        running[0] -= 1
        return Done()

    for house in two:
        house.directory.script = [work]
    key = one.start(ofc=False)
    [job] = one.queue.take("step:")
    at_once(*(lambda house=house: house.steps.run(job) for house in two))
    assert most == [1]
    assert len(one.directory.runs) + len(other.directory.runs) == 1
    assert one.kinds_of_events(key).count("step_done") == 1


def test_a_surface_is_written_by_one_worker_at_a_time(two: tuple[House, House]) -> None:
    one, other = two
    other.board = other.surfaces._surfaces["board"] = one.board  # type: ignore[index]
    one.start()
    [job] = {job.subject: job for job in one.queue.take("surface:")}.values()
    at_once(*(lambda house=house: house.surfaces.run(job) for house in two for _ in range(2)))
    assert len(one.board.parents) == 1
    assert len(one.board.reports) == len({marker for marker, _ in one.board.reports})


def test_turns_pass_from_one_process_to_the_other_and_a_dead_one_gives_them_back(
    postgres_server: Postgres, postgres_url: str
) -> None:
    url = make_url(postgres_url)
    with ExitStack() as parts:
        one, other = PostgresTurns(url, threads=2), PostgresTurns(url, threads=2)
        parts.callback(one.close)
        parts.callback(other.close)
        has_it, may_end = Event(), Event()

        def hold() -> None:
            with one.of("effect", "k"):
                has_it.set()
                may_end.wait(20)

        def want() -> float:
            began = time.monotonic()
            with other.of("effect", "k"):
                return time.monotonic() - began

        threads = parts.enter_context(ThreadPoolExecutor(2))
        held = threads.submit(hold)
        assert has_it.wait(10)
        wanted = threads.submit(want)
        time.sleep(0.3)
        assert not wanted.done()
        with other.of("effect", "another"):
            pass
        # The connection of the one that has the turn breaks, as it does with its process.
        postgres_server.run(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted",
        )
        assert 0.2 < wanted.result(10) < 10
        may_end.set()
        # The loser hears of it in the log alone: what it has done is done.
        held.result(10)


def test_a_turn_inside_a_turn_takes_no_second_connection(postgres_url: str) -> None:
    turns = PostgresTurns(make_url(postgres_url), threads=1)
    with turns.of("surface", 1, "slack"), turns.of("effect", "k"), turns.of("effect", "l"):
        pass
    with turns.of("effect", "k"):
        pass
    turns.close()


def test_another_machine_goes_on_with_a_pack_that_it_has_never_seen(two: tuple[House, House]) -> None:
    one, other = two
    pack = one.base / "packs" / "operadora_x" / "checklist.yaml"
    pack.write_text(pack.read_text("utf-8").replace("OPERADORA X", "OPERADORA Y"), "utf-8")
    key = one.start()
    assert other.onboardings.view(key).pack.checklist.operator.name == "OPERADORA Y"
    assert other.packs.get("operadora_x").checklist.operator.name == "OPERADORA X"
    assert other.onboardings.view(key).pack.digest == one.onboardings.view(key).pack.digest


def test_a_trail_reads_the_same_under_any_time_zone_of_the_server(tmp_path: Path, postgres_url: str) -> None:
    house = House(tmp_path, database=postgres_url)
    house.clock.moment = house.clock.moment.replace(microsecond=123457)
    key = house.start(client="ACME Ibérica “ñ” 🚀 \\u0000", source='{"a": 1e3, "b": [null, true]}')
    house.work()
    name = make_url(postgres_url).database
    with house.store.transaction() as session:
        session.connection().execute(text(f"ALTER DATABASE \"{name}\" SET timezone TO 'America/Caracas'"))
    house.close()
    again = House(tmp_path, database=postgres_url)
    with again.store.reading() as session:
        assert session.connection().execute(text("SHOW timezone")).scalar_one() == "America/Caracas"
    lines = again.onboardings.trail(key)
    assert trail.first_break(lines) is None
    assert lines[-1].hash == again.onboardings.view(key).head
    assert again.onboardings.view(key).started_at == house.clock.moment
    again.close()


def test_processes_that_start_at_the_same_moment_make_the_schema_once(empty_postgres_url: str) -> None:
    stores = [Store(empty_postgres_url) for _ in range(4)]
    at_once(*(lambda store=store: prepare_database(store, DurableJobs(store.engine)) for store in stores))
    for store in stores:
        assert store.schema_is_current()
        store.close()


def test_the_migrations_and_the_models_agree_on_postgres_too(postgres_url: str) -> None:
    store = Store(postgres_url)
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
    store.close()


def test_the_doctor_says_which_database_runs_and_which_folder_is_shared(postgres_url: str, tmp_path: Path) -> None:
    def database(url: str, folder: str) -> dict[str, Finding]:
        settings = load_settings(database_url=url, data_dir=tmp_path / folder)
        return {found.part: found for found in examine(settings)}

    on_sqlite = database("", "one")
    assert "SQLite" in on_sqlite["database"].seen.en
    assert "move-database" in on_sqlite["production"].advice.en
    on_postgres = database(postgres_url, "one")
    assert "Postgres" in on_postgres["database"].seen.en
    assert on_postgres["shared folder"].ok
    # Looking has changed nothing: the first worker's folder is the one that counts.
    store = Store(postgres_url)
    Installation(store).require_folder(tmp_path / "two")
    store.close()
    assert not database(postgres_url, "one")["shared folder"].ok
    assert database(postgres_url, "two")["shared folder"].ok
    lost = database("postgresql://bot:secret@127.0.0.1:1/onboarding", "one")["database"]
    assert not lost.ok
    assert "secret" not in lost.seen.en


def test_who_waits_is_not_told_of_a_deadlock(two: tuple[House, House]) -> None:
    keys = [two[0].start(client=f"C{number}", root=f"R{number}") for number in (1, 2)]
    together = Barrier(2)
    tries: list[House] = []

    @tried_again
    def both(house: House, order: list[str]) -> str:
        is_first = house not in tries
        tries.append(house)
        with house.store.transaction() as session:
            for key in order:
                row = select(Onboarding).where(Onboarding.id == int(key.removeprefix("ONB-"))).with_for_update()
                session.exec(row).one()
                if is_first and key == order[0]:
                    together.wait(10)
        return "done"

    assert at_once(lambda: both(two[0], keys), lambda: both(two[1], keys[::-1])) == ["done", "done"]
    assert len(tries) == 3


def test_a_database_that_went_away_for_a_moment_is_asked_again(
    postgres_server: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    house = House(tmp_path, database=postgres_url)
    key = house.start()
    name = str(make_url(postgres_url).database)
    assert postgres_server.cut("onboarding-bot", name) >= 1
    assert house.onboardings.tick(key, "portal", ["found"], actor=ANA, source="slack:1")
    calls: list[int] = []

    @tried_again
    def broken() -> None:
        calls.append(1)
        with house.store.transaction() as session:
            insert_once(session, Received, source="slack:2", at=house.clock.now())
            if len(calls) == 1:
                _break(session, postgres_server)
            session.connection().execute(text("SELECT 1"))

    broken()
    assert len(calls) == 2
    house.close()


def test_keys_may_be_as_long_as_a_file_name_makes_them(house: House) -> None:
    house.start()
    key = f"ONB-1:pickup:1764000000-{'x' * 255}"
    assert house.effects.once(1, key, look=lambda: None, do=lambda: "there") == "there"
    assert house.effects.once(1, key, look=lambda: None, do=_never) == "there"


def test_workers_with_different_folders_are_refused_in_words(two: tuple[House, House], tmp_path: Path) -> None:
    shared, other, link = tmp_path / "shared", tmp_path / "other", tmp_path / "link"
    one = Installation(two[0].store)
    one.require_folder(shared)
    Installation(two[1].store).require_folder(shared)
    other.mkdir()
    with pytest.raises(SettingsError, match=r"DATA_DIR: .*other is not the folder"):
        one.require_folder(other)
    (other / IDENTITY).write_text("something else")
    with pytest.raises(SettingsError, match="says something else"):
        one.require_folder(other)
    # The same folder under another path: evidence names files by the path that was there first.
    shared.rename(tmp_path / "mounted elsewhere")
    with pytest.raises(SettingsError, match="symbolic link"):
        one.require_folder(tmp_path / "mounted elsewhere")
    shared.symlink_to(tmp_path / "mounted elsewhere")
    one.require_folder(tmp_path / "mounted elsewhere")
    link.symlink_to(shared)
    one.require_folder(link)


def test_two_first_workers_agree_on_their_folder_and_all_on_the_key_of_the_links(
    two: tuple[House, House], tmp_path: Path
) -> None:
    installations = [Installation(house.store) for house in two]
    at_once(*(lambda one=one: one.require_folder(tmp_path / "shared") for one in installations))
    first, second = at_once(*(one.links_key for one in installations))
    assert first == second == installations[0].links_key()
    assert len(first) >= 32


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "no database's address"),
        ("mysql://bot:secret@db/onboarding", "mysql is no database"),
        ("postgresql://bot:secret@127.0.0.1:1/onboarding", "cannot be opened"),
        ("postgres://bot:secret@127.0.0.1:1/onboarding?password=secret", "cannot be opened"),
    ],
)
def test_an_address_that_leads_nowhere_is_answered_without_its_password(url: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Store(url).wait(0)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_wrong_password_is_not_waited_for(postgres_server: Postgres, postgres_url: str) -> None:
    store = Store(postgres_url.replace("correct-horse", "wrong-horse"))
    began = time.monotonic()
    with pytest.raises(SettingsError, match="password authentication failed"):
        store.wait(60)
    assert time.monotonic() - began < 30
    store.close()


def _invoice(number: str, gross: str) -> InvoiceEntry:
    return InvoiceEntry(
        supplier_tax_id="A78923125",
        number=number,
        number_key=number,
        account="1",
        period="202610",
        period_start=date(2026, 9, 18),
        period_end=date(2026, 10, 17),
        net=gross,
        tax="0.0000",
        out_of_tax="0.0000",
        gross=gross,
        currency="EUR",
    )


def _break(session: Session, server: Postgres) -> None:
    pid = session.connection().execute(text("SELECT pg_backend_pid()")).scalar_one()
    server.run(f"SELECT pg_terminate_backend({pid})")


def _never() -> str:
    raise AssertionError("it was done before")
