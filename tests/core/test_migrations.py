"""The migrations make the schema that the models describe, and take a database of an earlier version along."""

import shutil
import sqlite3
from collections.abc import Collection
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from core_house import ANA, House
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from bot.onboarding import trail
from bot.onboarding.models import Invoice
from bot.onboarding.ports import UnfinishedJob
from bot.onboarding.registry import Registry
from bot.onboarding.store import MIGRATIONS, Store
from bot.onboarding.watchdog import Watchdog

PREVIOUS = Path(__file__).parents[1] / "data" / "upgrade" / "0002"


def test_the_migrations_and_the_models_agree(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'schema.db'}")
    assert not store.schema_is_current()
    store.migrate()
    store.migrate()
    assert store.schema_is_current()
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
    store.close()


def test_an_open_onboarding_and_its_invoices_come_along_from_the_first_schema(tmp_path: Path) -> None:
    old = tmp_path / "old"
    house = House(old)
    key = house.start()
    house.work()
    house.onboardings.tick(key, "portal", ["logged_in"], actor=ANA)
    house.close()
    _as_the_first_version_left_it(old / "core.db")
    assert not Store(f"sqlite:///{old / 'core.db'}").schema_is_current()

    house = House(old)
    assert house.store.schema_is_current()
    assert trail.first_break(house.onboardings.trail(key)) is None
    house.onboardings.tick(key, "portal", ["found"], actor=ANA)
    assert house.states(key)["portal"] == "done"
    registry = Registry(house.store, house.clock)
    [known] = registry.invoices("OPERADORA_X", "ACME-IBERICA")
    assert (known.number, known.gross, known.lines, known.superseded_at) == ("N-1", "12.10", None, None)
    with pytest.raises(IntegrityError), house.store.transaction() as session:
        session.add(_copied(known))
    with house.store.transaction() as session:
        session.merge(known).superseded_at = house.clock.now()
        session.flush()
        session.add(_copied(known))
    assert len(registry.invoices("OPERADORA_X", "ACME-IBERICA")) == 1
    assert len(registry.superseded("OPERADORA_X", "ACME-IBERICA")) == 1
    house.close()


def test_open_onboardings_of_the_version_before_go_on_to_their_end(tmp_path: Path) -> None:
    """The dump was left by a run of the version with schema 0002: one in the middle, one whose job is lost."""
    base = tmp_path / "upgraded"
    shutil.copytree(PREVIOUS / "shelf", base / "shelf")
    with closing(sqlite3.connect(base / "core.db")) as database:
        database.executescript((PREVIOUS / "core.sql").read_text("utf-8"))
    house = House(base)
    assert house.store.schema_is_current()
    # What stands outside since then.
    house.board.parents = {view.key: view.surfaces["board"].parent for view in house.onboardings.all()}
    assert house.states("ONB-1") == {
        "portal": "waiting", "directory": "done", "flow": "waiting", "status": "pending", "received": "pending"
    }  # fmt: skip
    assert [tick.by for tick in house.onboardings.view("ONB-1").step("portal").ticks] == ["ana", None]
    house.clock.move(16 * 60)
    Watchdog(house.store, house.flow, NoJobs(), house.clock, minutes=15).run()
    house.sweep.run()
    for key in ("ONB-1", "ONB-2"):
        house.work()
        house.onboardings.tick(key, "portal", [], actor=ANA)
        house.onboardings.choose(key, "status", "loaded", actor=ANA)
        house.work()
        house.show()
        assert house.onboardings.view(key).state == "done"
        assert trail.first_break(house.onboardings.trail(key)) is None
    assert house.onboardings.view("ONB-3").state == "done"
    # A click that the version before has carried out is known, and its reports are not told again.
    assert not house.onboardings.tick("ONB-1", "portal", ["logged_in"], actor=ANA, source="slack:action:1")
    told = [(marker.split(":")[0], report.step.id) for marker, report in house.board.reports if report.step]
    assert sorted(told, key=lambda one: one[0]) == [
        *(("ONB-1", step) for step in ("flow", "portal", "status", "received")),
        *(("ONB-2", step) for step in ("directory", "portal", "status", "received")),
    ]
    house.close()


class NoJobs:
    """The queue of the version before is not in the dump."""

    def unfinished_since(self, moment: datetime, *, limit: int) -> list[UnfinishedJob]:
        return []

    def unfinished(self, *, ids: Collection[str] = (), beginning_with: Collection[str] = ()) -> set[str]:
        return set()


def _as_the_first_version_left_it(database: Path) -> None:
    """Put the same rows into a database that the first migration alone has made, with an integrated invoice."""
    first = database.with_name("first.db")
    store = Store(f"sqlite:///{first}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with store.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    store.close()
    connection = sqlite3.connect(first)
    connection.execute("ATTACH ? AS newer", (str(database),))
    for (table,) in connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
        if table != "alembic_version":
            columns = ", ".join(f'"{row[1]}"' for row in connection.execute(f'PRAGMA main.table_info("{table}")'))
            connection.execute(f'INSERT INTO main."{table}" ({columns}) SELECT {columns} FROM newer."{table}"')
    connection.execute(
        "INSERT INTO invoice (onboarding_id, operator, root, supplier_tax_id, number, number_key, account, period,"
        " period_start, period_end, net, tax, out_of_tax, gross, currency, source_sha256) VALUES (1, 'OPERADORA_X',"
        " 'ACME-IBERICA', 'A78923125', 'N-1', 'N1', '1', '202610', '2026-09-18', '2026-10-17', '10.0000', '2.1000',"
        " '0.0000', '12.10', 'EUR', 'ab')"
    )
    connection.commit()
    connection.close()
    for left in ("-wal", "-shm"):
        database.with_name(database.name + left).unlink(missing_ok=True)
    first.replace(database)
    for left in ("-wal", "-shm"):
        first.with_name(first.name + left).unlink(missing_ok=True)


def _copied(known: Invoice) -> Invoice:
    values = known.model_dump(exclude={"id", "superseded_at"})
    return Invoice(**values | {"period_start": date(2026, 9, 18), "period_end": date(2026, 10, 17)})
