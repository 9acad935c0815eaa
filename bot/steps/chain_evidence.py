"""What a run of the chain shows for itself, in people's words: rows, totals, fingerprints, checksums, findings."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.locales import say
from bot.onboarding.outcomes import Evidence, Fact, FileEvidence, FindingEvidence, fact
from bot.steps.pickup import Picked
from checklists.model import Language, Stage
from pipeline.result import ChainResult, OutputFile

# The plain facts that people read, in their order; the rest of a stage's facts is for machines.
SHOWN: tuple[tuple[Stage, str], ...] = (
    ("header", "format"),
    ("name", "period"),
    ("schema", "fingerprint"),
    ("schema", "mapping"),
    ("totals", "invoices"),
    ("totals", "net"),
    ("totals", "tax"),
    ("totals", "out_of_tax"),
    ("totals", "gross"),
)


def chain_evidence(
    result: ChainResult, picked: Picked, home: Path, language: Language, *, facts: Sequence[Fact] = ()
) -> Evidence:
    """Return the evidence of a run over a picked file; ``home`` is the client's root, where its files were made.

    ``facts`` are the caller's own, behind those of the run.
    """
    source = FileEvidence(picked.name, "source", str(picked.path), picked.size, picked.sha256)
    return Evidence(
        facts=(*_facts(result, picked, language), *facts),
        files=(source, *(_made(output, home) for output in result.outputs)),
        findings=tuple(
            FindingEvidence(finding.code, finding.severity, finding.message, finding.advice)
            for finding in result.findings
        ),
    )


def _facts(result: ChainResult, picked: Picked, language: Language) -> Iterator[Fact]:
    yield fact("file", picked.name)
    yield fact("verdict", say(f"verdict.{result.verdict}").text(language))
    stages: Mapping[str, Mapping[str, Any]] = {stage.stage: stage.facts for stage in result.stages}
    for stage, name in SHOWN:
        if name in stages.get(stage, {}):
            yield fact(name, stages[stage][name])
    for table, rows in stages.get("read", {}).get("tables", {}).items():
        yield fact("rows", f"{rows['read']} / {rows['declared']}", table=table)
    second = stages.get("read", {}).get("cross_check")
    if second is not None:
        yield fact("cross_check", say(f"cross_check.{_came_of(second)}", **second).text(language))
    for number in stages.get("integration", {}).get("invoices", ()):
        yield fact("integrated", number)
    for name, sha256 in stages.get("delivery", {}).get("delivered", {}).items():
        yield fact("read_back", sha256, file=name)


def _came_of(second: Mapping[str, Any]) -> str:
    """Return what came of the second reading, as its sentence's key ends: equal, differs, or why it was not made."""
    if "not_made" in second:
        return str(second["not_made"])
    return "differs" if second["differences"] else "equal"


def _made(output: OutputFile, home: Path) -> FileEvidence:
    path = str(home / output.path) if output.path else ""
    return FileEvidence(output.name, output.kind, path, output.bytes, output.sha256, output.rows or None)
