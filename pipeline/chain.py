"""The test-file chain: runs the stages that are asked for over one file, and stops at the first that blocks."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from checklists.model import STAGES, Pack, Stage
from pipeline import mapping
from pipeline.client import Client
from pipeline.delivery import Delivery
from pipeline.findings import Finding
from pipeline.reading import FileReader
from pipeline.registry import InvoiceKey, Registry
from pipeline.result import JSON, ChainResult, StageResult, verdict_of
from pipeline.stages import Outcome, Stages
from pipeline.workbench import StopError, Workbench

# One step for the reader of the findings: both run before a block stops.
TOGETHER: tuple[Stage, Stage] = ("name", "header")


def utc_now() -> datetime:
    """The wall clock, with its zone."""
    return datetime.now(UTC)


class Chain:
    """One file under one pack. ``run`` may be called again, for other stages, in this process or another.

    ``out`` keeps what is made; without it everything is made in a temporary folder and only described. ``form`` holds
    the partner's ofc_* answers; ``reader`` may have begun to read the file already, for one run. Without a
    ``registry`` or a ``client`` the checks that need one are listed as not made.
    ``replacing`` are the invoices that block no more though they are loaded with other totals: a person has decided
    that this file's replace them.
    """

    def __init__(
        self,
        file: Path,
        pack: Pack,
        *,
        client: Client | None = None,
        out: Path | None = None,
        registry: Registry | None = None,
        delivery: Delivery | None = None,
        operator_name: str | None = None,
        form: Mapping[str, JSON] | None = None,
        cross_check: bool = False,
        reader: FileReader | None = None,
        replacing: AbstractSet[InvoiceKey] = frozenset(),
        on_progress: Callable[[Stage], None] | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._file = file
        self._pack = pack
        self._client = client
        self._out = out
        self._registry = registry
        self._delivery = delivery
        self._operator_name = operator_name or pack.checklist.operator.name
        self._form = form or {}
        self._cross_check = cross_check
        self._reader = reader
        self._replacing = replacing
        self._on_progress = on_progress
        self._now = now

    def run(self, stages: Sequence[Stage] = STAGES) -> ChainResult:
        """Run these stages in the chain's order.

        Raises ConfigurationError for a pack or a form that cannot be used, and OSError for a file that is not there
        or a folder that cannot be written.
        """
        # Arrow's own allocator keeps what is freed; here large columns come and go, on several threads.
        pa.set_memory_pool(pa.system_memory_pool())
        with tempfile.TemporaryDirectory(prefix="chain-") as temporary:
            scratch = Path(temporary)
            bench = Workbench(
                file=self._file,
                pack=self._pack,
                client=self._client,
                registry=self._registry,
                form=self._form,
                out=self._out or scratch / "out",
                scratch=scratch,
                now=self._now,
                operator_name=self._operator_name,
                begun=self._reader,
                replacing=self._replacing,
            )
            try:
                integrates = "integration" in stages
                runner = Stages(bench, self._delivery, cross_check=self._cross_check, integrates=integrates)
                results = self._run_stages(runner, [stage for stage in STAGES if stage in stages])
                return self._result(bench, runner, results)
            finally:
                bench.close()

    def _run_stages(self, runner: Stages, stages: Sequence[Stage]) -> tuple[StageResult, ...]:
        results: list[StageResult] = []
        stopped = False
        if "read" in stages:
            runner.look_ahead()
        for position, stage in enumerate(stages):
            if stopped and not (stage == TOGETHER[1] and position and stages[position - 1] == TOGETHER[0]):
                break
            result = self._run_stage(runner, stage)
            results.append(result)
            stopped = stopped or any(finding.stops or finding.code == "DUP_FILE" for finding in result.findings)
        return tuple(results)

    def _run_stage(self, runner: Stages, stage: Stage) -> StageResult:
        if self._on_progress is not None:
            self._on_progress(stage)
        begun = time.perf_counter()
        try:
            outcome = runner.run(stage)
        except StopError as stop:
            outcome = Outcome([_at(finding, stage) for finding in stop.findings])
        except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
            # An amount that is no fault by itself and still leaves what its sums, taxes or columns can hold.
            beyond = mapping.UnreadableValueError("?", "?", str(error))
            outcome = Outcome([_at(mapping.unreadable(beyond, runner.findings), stage)])
        outputs = outcome.outputs if self._out else tuple(replace(one, path=None) for one in outcome.outputs)
        return StageResult(
            stage=stage,
            findings=tuple(outcome.findings),
            facts=outcome.facts,
            outputs=outputs,
            not_made=outcome.not_made,
            seconds=time.perf_counter() - begun,
        )

    def _result(self, bench: Workbench, runner: Stages, results: tuple[StageResult, ...]) -> ChainResult:
        """Sum up; only what the run has read already is described, nothing is read for the description."""
        ran = {result.stage for result in results}
        has_rows = "database" in vars(bench) and not ran.isdisjoint(STAGES[STAGES.index("identity") :])
        tables = {}
        if "reading" in vars(bench):
            tables = {name: table.count for name, table in bench.reading.tables.items()}
        return ChainResult(
            file=bench.file.name,
            sha256=bench.sha256,
            size=bench.size,
            operator=self._pack.id,
            stages=results,
            verdict=verdict_of(tuple(finding for result in results for finding in result.findings)),
            tables=tables,
            invoices=bench.invoices if has_rows else (),
            totals=bench.totals if has_rows else None,
            month=bench.month if has_rows else None,
            new_references=runner.new_references if "references" in ran and has_rows else (),
            vanished_references=runner.vanished_references if "references" in ran and has_rows else (),
            unlisted=tuple(bench.findings.unlisted),
        )


def _at(finding: Finding, stage: Stage) -> Finding:
    return replace(finding, stage=stage)
