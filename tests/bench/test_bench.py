"""The bench itself: what it counts, and how it ends."""

import io
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from bench.__main__ import BROKEN, KEPT, NOT_MEASURED, conclude
from bench.files import CHECKOUT, MEDIUM, find_large, unpacked
from bench.measure import MIB, Command, CommandFailed, Measured, Run, in_a_row, interleaved, run_once
from bench.report import Line, Promise, Section

HOLD = "import time; held = b'x' * {bytes}; time.sleep(0.5)"
PARENT_AND_CHILD = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, '-c', "{HOLD.format(bytes=80 * MIB)}"])
{HOLD.format(bytes=80 * MIB)}
sys.exit(child.wait())
"""
BURN = "import time\nwhile time.process_time() < 0.4: pass"


def python(program: str, **more: object) -> Command:
    return Command([sys.executable, "-c", program], **more)


class TestMeasuring:
    def test_the_memory_of_a_child_is_added_to_its_parents(self) -> None:
        assert 80 * MIB < run_once(python(HOLD.format(bytes=80 * MIB))).peak_bytes < 150 * MIB
        assert run_once(python(PARENT_AND_CHILD)).peak_bytes > 160 * MIB

    def test_our_own_memory_is_not_taken_for_the_commands(self) -> None:
        held = b"x" * (150 * MIB)
        assert run_once(Command(["sleep", "0.2"])).peak_bytes < 50 * MIB
        del held

    def test_the_processor_time_of_a_child_counts(self) -> None:
        run = run_once(Command(in_a_row([[sys.executable, "-c", BURN]] * 2)))
        assert run.cpu_seconds > 0.8

    def test_what_takes_too_long_is_ended_with_its_children(self) -> None:
        begun = time.monotonic()
        with pytest.raises(CommandFailed, match=r"> 0\.3 s"):
            run_once(Command(["sh", "-c", "sleep 60; true"], limit=0.3))
        assert time.monotonic() - begun < 30

    def test_a_failure_is_told_in_its_own_last_words(self) -> None:
        with pytest.raises(CommandFailed, match="exit status 3: it is broken"):
            run_once(python("import sys; sys.stderr.write('first\\nit is broken\\n'); sys.exit(3)"))

    def test_commands_run_in_turn_and_a_failing_peer_is_left_out(self, tmp_path: Path) -> None:
        order: list[str] = []
        ours = {name: Command(["true"], before=lambda name=name: order.append(name)) for name in ("a", "b")}
        peers = {"broken": Command(["false"], before=lambda: order.append("broken"))}
        found = interleaved(ours, 2, lambda _: None, peers)
        assert order == ["a", "b", "broken", "a", "b", "a", "b"]
        assert (set(found.measured), found.failed) == ({"a", "b"}, {"broken": "exit status 1"})

    def test_what_is_timed_is_not_looked_at_and_memory_is_that_of_a_run_more(self) -> None:
        found = interleaved({"a": python(HOLD.format(bytes=80 * MIB))}, 2, lambda _: None).measured["a"]
        assert [run.peak_bytes for run in found.runs] == [0, 0]
        assert 80 < found.peak_mib < 150

    def test_our_own_failure_is_no_result(self) -> None:
        with pytest.raises(CommandFailed, match="a: exit status 1"):
            interleaved({"a": Command(["false"])}, 1, lambda _: None)

    def test_medians_and_the_highest_peak_are_reported(self) -> None:
        runs = tuple(Run(seconds, seconds / 2, int(seconds) * MIB) for seconds in (1.0, 9.0, 2.0))
        measured = Measured(runs)
        assert (measured.seconds, measured.cpu_seconds, measured.peak_mib) == (2.0, 1.0, 9.0)


class TestTheEnd:
    @pytest.mark.parametrize(
        ("figure", "missing", "status"),
        [(0.30, [], KEPT), (0.31, [], BROKEN), (0.30, ["ratios"], NOT_MEASURED), (0.31, ["SFTP"], BROKEN)],
    )
    def test_the_status_says_whether_the_promises_are_kept(
        self, figure: float, missing: list[str], status: int, tmp_path: Path
    ) -> None:
        page, said = tmp_path / "page.md", io.StringIO()
        sections = [Section("large", "", [Line("chain", promises=(Promise("ratio", figure, 0.30),))])]
        assert conclude(Console(file=said, width=200), sections, missing, page, 5) == status
        assert ("Broken: chain: 0.31, promised ratio ≤ 0.30" in said.getvalue()) == (figure > 0.30)
        # A page with gaps must not replace a whole one.
        assert page.exists() == (not missing)

    def test_without_the_large_file_the_page_is_left(self) -> None:
        said = io.StringIO()
        assert conclude(Console(file=said, width=200), [], [], None, 5) == KEPT
        assert "large file was not found" in said.getvalue()

    def test_the_page_has_the_figures_and_no_path_of_this_machine(self, tmp_path: Path) -> None:
        page = tmp_path / "page.md"
        speed = Promise("ratio", 0.8, 0.5, at="least")
        line = Line("put", Measured((Run(1.234, 0.5, 7 * MIB),)), ratio=0.8, promises=(speed,))
        conclude(Console(file=io.StringIO()), [Section("SFTP", "to sftp", [line])], [], page, 5)
        text = page.read_text()
        assert "| put | 1.23 | 0.50 | 7 | 0.80 |  | ratio ≥ 0.50 | yes |" in text
        assert not any(place in text for place in (str(CHECKOUT), str(Path.home()), str(tmp_path), sys.prefix))


class TestFiles:
    def test_the_medium_file_is_unpacked_with_its_client(self, tmp_path: Path) -> None:
        file = unpacked(MEDIUM, tmp_path)
        assert file.path == tmp_path / "202610_GRUPO-MERIDIANO_SOFIA.mdb"
        assert file.described == "202610_GRUPO-MERIDIANO_SOFIA.mdb, 13.5 MiB, 102,314 rows"
        assert file.client is not None
        assert file.client.name == "GRUPO-MERIDIANO.yaml"

    def test_a_large_file_that_was_named_must_be_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        named = tmp_path / "large.mdb"
        monkeypatch.setenv("BENCH_LARGE", str(named))
        with pytest.raises(FileNotFoundError):
            find_large(None)
        named.touch()
        assert find_large(None) == named
