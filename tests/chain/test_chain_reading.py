"""The reading of an untrusted file happens in a process of its own, with limits and without our secrets."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import reader_process, reading
from pipeline.reader_process import ReaderProcess, ReadingError
from pipeline.reading import FileReader, read_tables

ROOT = Path(__file__).parents[2]


def child(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_wanted_columns_are_read_and_other_tables_counted(october: Path, tmp_path: Path) -> None:
    read = read_tables(october, {"facturas": ["NUM_FACTURA", "total", "NO_SUCH"]}, tmp_path / "rows")

    invoices = read.tables["FACTURAS"]
    assert invoices.rows is not None
    assert invoices.rows.column_names == ["NUM_FACTURA", "TOTAL"]
    assert str(invoices.rows.schema.field("TOTAL").type) == "decimal128(19, 4)"
    assert ("MONEDA", "text") in invoices.columns
    assert read.tables["DETALLE_LLAMADAS"].rows is None
    assert read.tables["DETALLE_LLAMADAS"].count.read == 400
    assert len(read.fingerprint) == 64


def test_a_file_that_is_no_database_is_told_by_the_readers_code(tmp_path: Path) -> None:
    path = tmp_path / "x.mdb"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(ReadingError) as caught:
        read_tables(path, {}, tmp_path / "rows")
    assert caught.value.code == "NOT_ACCESS"


def test_a_reading_that_takes_too_long_is_stopped(
    october: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "WALL_SECONDS", 0.01)
    with pytest.raises(ReadingError, match="more than"):
        read_tables(october, {}, tmp_path / "rows")


def test_memory_is_limited_by_the_size_of_the_file() -> None:
    greedy = child("from pipeline.read_child import confine; confine(1 << 20); bytearray(400 << 20)")
    modest = child("from pipeline.read_child import confine; confine(1 << 20); bytearray(100 << 20)")
    assert "MemoryError" in greedy.stderr
    assert modest.returncode == 0, modest.stderr


def test_what_is_written_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "big"
    done = child(
        "from pipeline.read_child import confine; confine(1);"
        f"f = open({str(path)!r}, 'wb', buffering=0); [f.write(bytes(1 << 20)) for _ in range(80)]"
    )
    assert done.returncode != 0
    assert path.stat().st_size <= (64 << 20) + 4


def test_the_reader_does_not_see_our_environment(
    october: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}
    start = subprocess.Popen

    def spy(*arguments: object, **options: object) -> object:
        seen.update(options)
        return start(*arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setenv("ONBOARDING_SLACK__BOT_TOKEN", "xoxb-secret")
    monkeypatch.setattr(reader_process.subprocess, "Popen", spy)
    read_tables(october, {}, tmp_path / "rows")

    assert "xoxb-secret" not in str(seen["env"])


def test_a_process_that_nobody_asked_ends_with_its_context() -> None:
    with ReaderProcess() as process:
        assert not process.has_begun
    process.close()


def test_a_process_that_died_before_it_was_asked_is_told_by_its_end(october: Path, tmp_path: Path) -> None:
    with ReaderProcess() as process:
        process._process.kill()
        process._process.wait()
        with pytest.raises(ReadingError, match="signal 9"):
            FileReader(october, {}, tmp_path / "rows", process=process).reading()
