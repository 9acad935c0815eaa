"""The second opinion: mdbtools by way of pandas-access agrees, differs, fails, hangs or is not there."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from jet4_writer import INT32, MONEY, NUMERIC, TEXT, Built, Column, Row, Table
from made_databases import made, place_of, poke
from typer.testing import CliRunner

from bot.cli import app
from pipeline import cross_check as judging
from pipeline.chain import Chain
from pipeline.cross_check import CrossCheck, cross_check
from pipeline.findings import Findings
from pipeline.reading import read_tables
from pipeline.result import JSON, ChainResult

SAMPLES = Path(__file__).parents[1] / "data" / "telefonica_es"
TOTAL_OF_INVOICES = Decimal("368.6900")


@pytest.fixture
def mdb_export() -> str:
    """Where the real one is."""
    found = shutil.which("mdb-export")
    if found is None:
        reason = "the Debian package mdbtools is not installed"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    return found


@pytest.fixture
def instead(mdb_export: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a shell script before mdb-export: ``$REAL`` is the real one, ``$table`` what is asked for."""

    def put(script: str) -> None:
        folder = tmp_path / "tools"
        folder.mkdir()
        shim = folder / "mdb-export"
        shim.write_text(f"#!/bin/sh\nREAL={mdb_export}\nfor table; do :; done\n{script}\n", "utf-8")
        shim.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return put


def facts_of(result: ChainResult) -> JSON:
    return result.stages[0].facts.get("cross_check")


def of_made(built: Built, folder: Path, columns: Mapping[str, Sequence[str]]) -> CrossCheck:
    file = built.write(folder / "made.mdb")
    return cross_check(file, read_tables(file, columns, folder / "rows"), folder / "second", Findings())


def test_both_readers_agree_on_the_samples(mdb_export: str, chain: Callable[..., Chain], october: Path) -> None:
    result = chain(october, cross_check=True).run(["read"])

    assert (result.findings, result.not_made) == ((), ())
    compared = facts_of(result)
    assert isinstance(compared, dict)
    assert str(compared.pop("tool")).startswith("mdbtools")
    rows = sum(count.read for count in result.tables.values())
    assert compared == {"tables": 8, "rows": rows, "columns": 16, "differences": 0}


def test_without_being_asked_nothing_is_read_twice(
    instead: Callable[[str], None], chain: Callable[..., Chain], october: Path, tmp_path: Path
) -> None:
    instead(f"touch {tmp_path}/called")

    result = chain(october).run(["read"])

    assert facts_of(result) is None
    assert "CROSS_CHECK" not in result.not_made
    assert not (tmp_path / "called").exists()


def test_a_row_that_the_second_reader_does_not_see_blocks_with_the_table_and_both_counts(
    instead: Callable[[str], None], chain: Callable[..., Chain], october: Path
) -> None:
    instead("""if [ "$table" = DETALLE_LLAMADAS ]; then "$REAL" "$@" | sed '$d'; else exec "$REAL" "$@"; fi""")

    result = chain(october, cross_check=True).run()

    found = result.findings[0]
    assert (found.code, found.severity, found.stage) == ("CROSS_CHECK", "block", "read")
    assert dict(found.evidence) == {"table": "DETALLE_LLAMADAS", "first": 400, "second": 399}
    assert "DETALLE_LLAMADAS, 400 contre 399" in found.message.fr
    assert result.stages[-1].stage == "read"
    assert result.blocked


def test_a_cent_of_difference_blocks_with_the_column_and_both_sums(
    instead: Callable[[str], None], chain: Callable[..., Chain], october: Path
) -> None:
    instead(""""$REAL" "$@" | sed 's/109\\.4000/109.4100/'""")

    result = chain(october, cross_check=True).run(["read"])

    assert {finding.code for finding in result.findings} == {"CROSS_CHECK"}
    of_invoices = next(finding for finding in result.findings if finding.evidence["table"] == "FACTURAS")
    assert dict(of_invoices.evidence) == {
        "table": "FACTURAS",
        "column": "TOTAL",
        "first": f"{TOTAL_OF_INVOICES}",
        "second": f"{TOTAL_OF_INVOICES + Decimal('0.01')}",
    }
    assert "FACTURAS, sum of TOTAL, 368.6900 against 368.7000" in of_invoices.message.en


def test_a_table_that_only_one_reader_sees_is_a_difference(mdb_export: str, october: Path, tmp_path: Path) -> None:
    read = read_tables(october, {}, tmp_path / "rows")
    hidden = read.tables["CUOTAS"]
    others = {name: table for name, table in read.tables.items() if name != hidden.name}
    invented = replace(hidden, name="CUOTAS_2")

    checked = cross_check(
        october, replace(read, tables={**others, invented.name: invented}), tmp_path / "second", Findings()
    )

    assert [dict(finding.evidence) for finding in checked.findings] == [
        {"table": "CUOTAS_2", "first": hidden.count.read, "second": "—"},
        {"table": "CUOTAS", "first": "—", "second": hidden.count.read},
    ]


def test_without_mdbtools_the_check_is_listed_as_not_made_and_nothing_else(
    chain: Callable[..., Chain], october: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    result = chain(october, cross_check=True).run(["read"])

    assert (result.findings, result.not_made) == ((), ("CROSS_CHECK",))
    assert facts_of(result) is None


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ('"$REAL" "$@"; echo "page 7 is no page" >&2', "page 7 is no page"),
        ('"$REAL" "$@"; exit 3', "status 3"),
        ('case "$*" in *--version*) exec "$REAL" "$@";; esac', "printed nothing"),
        ('"$REAL" "$@" | sed "s/TOTAL/SUMA/"', "TOTAL"),
        ('"$REAL" "$@" | sed "s/109.4000/one hundred/"', "no amount"),
        ('case "$*" in *--version*) exec "$REAL" "$@";; esac; yes "what a file" >&2', "what a file"),
        ('case "$*" in *--version*) exec "$REAL" "$@";; esac; tr "\\\\0" x < /dev/zero', "memory"),
    ],
    ids=["complains", "status", "nothing", "no column", "no amount", "endless complaint", "endless line"],
)
def test_a_second_reader_that_cannot_read_the_file_is_no_difference(
    instead: Callable[[str], None], chain: Callable[..., Chain], october: Path, script: str, reason: str
) -> None:
    instead(script)

    result = chain(october, cross_check=True).run(["read"])

    assert (result.findings, result.not_made) == ((), ("CROSS_CHECK",))
    told = facts_of(result)
    assert isinstance(told, dict)
    assert reason in str(told["reason"])


def test_a_second_reader_that_hangs_is_ended_with_all_that_it_started(
    instead: Callable[[str], None],
    chain: Callable[..., Chain],
    october: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instead(f'case "$*" in *--version*) exec "$REAL" "$@";; esac; echo $$ > {tmp_path}/pid; exec sleep 600')
    monkeypatch.setattr(judging, "WALL_SECONDS", 4)
    begun = time.monotonic()

    result = chain(october, cross_check=True).run(["read"])

    assert time.monotonic() - begun < 20
    assert (result.findings, result.not_made) == ((), ("CROSS_CHECK",))
    assert facts_of(result) == {"not_made": "limits", "reason": "it took more than 4 seconds"}
    assert not is_running(int((tmp_path / "pid").read_text("ascii")))


def is_running(process: int) -> bool:
    """Tell whether the process does anything any more; one that is dead and not yet collected does not."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state == "Z":
            return False
        time.sleep(0.1)
    return True


def test_the_second_reader_does_not_see_our_environment(
    instead: Callable[[str], None],
    chain: Callable[..., Chain],
    october: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ONBOARDING_SLACK__BOT_TOKEN", "xoxb-secret")
    instead(f'env >> {tmp_path}/env; exec "$REAL" "$@"')

    assert chain(october, cross_check=True).run(["read"]).not_made == ()

    seen = (tmp_path / "env").read_text("utf-8")
    assert "PATH=" in seen
    assert "xoxb-secret" not in seen


def test_a_file_that_the_first_reader_found_damaged_is_not_asked_about(
    instead: Callable[[str], None], chain: Callable[..., Chain], samples: Path, october: Path, tmp_path: Path
) -> None:
    instead(f"touch {tmp_path}/called")

    result = chain(samples / "broken" / "truncated_on_page" / october.name, cross_check=True).run(["read"])

    assert "CROSS_CHECK" not in {finding.code for finding in result.findings}
    assert result.blocked
    assert result.not_made == ("CROSS_CHECK",)
    assert not (tmp_path / "called").exists()


def test_names_that_the_library_cannot_take_and_empty_rows_are_no_difference(mdb_export: str, tmp_path: Path) -> None:
    base = made()
    money = [Column("Importe, total", MONEY), Column('base "neta"', NUMERIC, precision=28, scale=4)]
    base.add(
        Table(
            "Détail des appels",
            [*money, Column("ñ", TEXT, 100)],
            [
                {"Importe, total": Decimal("-12.3456"), "ñ": 'a, "b"\nc\r\nd'},
                {},
                {"Importe, total": Decimal("922337203685477.5807"), 'base "neta"': Decimal("9" * 24 + ".9999")},
                {"Importe, total": Decimal("922337203685477.5807"), 'base "neta"': Decimal("9" * 24 + ".9999")},
                {"Importe, total": Decimal("-0.0001"), 'base "neta"': Decimal("-0.0001")},
            ],
        )
    )
    base.add(Table("one cell", [Column("t", TEXT, 20)], [{}, {"t": ""}, {"t": "x"}, {}]))
    base.add(Table("no row", [Column("m", MONEY)]))

    checked = of_made(base.build(), tmp_path, {"Détail des appels": [column.name for column in money], "no row": ["m"]})

    assert checked.findings == []
    assert checked.made
    assert {key: checked.facts[key] for key in ("tables", "rows", "columns")} == {"tables": 3, "rows": 9, "columns": 3}


@pytest.mark.parametrize(("flags", "differs"), [(0xC000, False), (0x8000, True)], ids=["as Access", "half"])
def test_a_row_deleted_as_access_does_it_is_seen_by_no_reader(
    mdb_export: str, tmp_path: Path, flags: int, differs: bool
) -> None:
    base = made()
    rows = [{"n": 1, "m": Decimal("1.50")}, Row({"n": 2, "m": Decimal("2.50")}), {"n": 3}]
    table = base.add(Table("T", [Column("n", INT32), Column("m", MONEY)], rows, declared=2))
    built = base.build()
    place = place_of(table.data_pages[0], 1)
    poke(built, place, "<H", int.from_bytes(built.content[place : place + 2], "little") | flags)

    checked = of_made(built, tmp_path, {"T": ["m"]})

    seen = [
        {"table": "T", "first": 2, "second": 3},
        {"table": "T", "column": "m", "first": "1.5000", "second": "4.0000"},
    ]
    assert checked.made
    assert [dict(finding.evidence) for finding in checked.findings] == (seen if differs else [])


def test_more_rows_than_are_read_at_once_are_all_counted_and_summed(mdb_export: str, tmp_path: Path) -> None:
    base = made()
    # They are read 20,000 at a time.
    count = 40_001
    base.add(Table("T", [Column("n", INT32), Column("m", MONEY)], [{"n": 1, "m": Decimal("0.0001")}] * count))

    checked = of_made(base.build(), tmp_path, {"T": ["m"]})

    assert (checked.findings, checked.facts["rows"]) == ([], count)


def test_check_with_cross_check_lists_it_neither_as_found_nor_as_not_made(mdb_export: str, october: Path) -> None:
    client = SAMPLES / "clients" / "ACME-IBERICA.yaml"
    words = ["check", str(october), "--operator", "telefonica_es", "--client", str(client), "--cross-check", "--json"]

    done = CliRunner().invoke(app, words)

    printed = json.loads(done.stdout)
    assert done.exit_code == 0
    assert "CROSS_CHECK" not in {finding["code"] for finding in printed["findings"]}
    assert "CROSS_CHECK" not in printed["not_made"]


def test_pandas_is_no_part_of_a_plain_check() -> None:
    code = "import sys, pipeline.chain; sys.exit(any(name.startswith('pandas') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0
