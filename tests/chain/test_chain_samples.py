"""Every sample file against what must come out of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from checklists.model import LANGUAGES, STAGES
from pipeline.chain import Chain
from pipeline.client import load_client
from pipeline.findings import PLACEHOLDER
from pipeline.report import as_json
from pipeline.result import ChainResult

SAMPLES = Path(__file__).parents[1] / "data" / "telefonica_es"
CASES: Mapping[str, Any] = {
    path: case
    for path, case in json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))["files"].items()
    if path.startswith("broken/") or "/" not in path
}


def assert_as_expected(result: ChainResult, case: Mapping[str, Any]) -> None:
    codes = {finding.code for finding in result.findings}
    assert result.verdict in case.get("verdict_any_of", [case["verdict"]])
    assert set(case["codes"]) <= codes
    any_of = set(case.get("codes_any_of", codes))
    assert not any_of or codes & any_of
    assert codes <= {*case["codes"], *case["may"], *case.get("codes_any_of", [])}


@pytest.mark.parametrize("path", CASES)
def test_each_sample_gets_its_verdict_and_codes(
    path: str, chain: Callable[..., Chain], registry: Any, expected: Mapping[str, Any], tmp_path: Path
) -> None:
    case = CASES[path]
    client = load_client(SAMPLES / "clients" / f"{case['client']}.yaml")
    for before in case.get("precondition", []):
        registry.load(chain(SAMPLES / before, client=client, registry=registry, out=tmp_path / "before").run())
    known = registry if case.get("precondition") else None

    result = chain(SAMPLES / path, client=client, registry=known, out=tmp_path / "out").run()

    assert_as_expected(result, case)
    assert result.sha256 == case["sha256"]
    if not result.blocked and case["verdict"] != "blocked":
        assert [stage.stage for stage in result.stages] == list(STAGES)
        assert {name: count.read for name, count in result.tables.items() if name in case["counts"]} == case["counts"]
        assert {(one.kind, one.ref) for one in result.new_references} == {
            (one["kind"], one["ref"]) for one in case.get("new_refs", [])
        }
        assert [(one.number, one.net, one.tax, one.out_of_tax, one.gross) for one in result.invoices] == [
            (one["number"], *(Decimal(one[key]) for key in ("base", "tax", "out_of_base", "total")))
            for one in case["invoices"]
        ]
    if result.blocked:
        assert not list((tmp_path / "out").glob("OUTPUT*"))
    foreign = foreign_words(case, client.root, expected)
    for finding in result.findings:
        for language in LANGUAGES:
            for text in (finding.message.text(language), finding.advice.text(language)):
                assert not PLACEHOLDER.search(text)
                assert not [word for word in foreign if word in text]
        assert not [word for word in foreign for value in finding.evidence.values() if word in str(value)]


def foreign_words(case: Mapping[str, Any], root: str, expected: Mapping[str, Any]) -> list[str]:
    """Tax numbers and roots that are not the client's, those in the file included."""
    own = set(expected["clients"][root]["tax_ids"])
    words = {tax_id for client in expected["clients"].values() for tax_id in client["tax_ids"]}
    words |= {invoice["customer_tax_id"] for invoice in case.get("invoices", [])}
    return sorted((words - own) | (set(expected["clients"]) - {root}))


def test_the_next_month_reports_what_is_gone(
    chain: Callable[..., Chain], integrated: tuple[ChainResult, Path], november: Path, registry: Any
) -> None:
    registry.load(integrated[0])

    result = chain(november, registry=registry).run()

    gone = [finding.evidence["line"] for finding in result.findings if finding.code == "LINE_DISAPPEARED"]
    assert gone == ["644949927"]
    assert {finding.code for finding in result.findings} == {"LINE_DISAPPEARED", "NEW_REFS"}
    assert result.verdict == "accepted"


def test_a_file_that_was_integrated_is_not_integrated_again(
    chain: Callable[..., Chain], integrated: tuple[ChainResult, Path], october: Path, registry: Any, tmp_path: Path
) -> None:
    registry.load(integrated[0])

    result = chain(october, registry=registry, out=tmp_path).run()

    assert [finding.code for finding in result.findings] == ["DUP_FILE"]
    assert result.duplicate
    assert result.verdict == "accepted"
    assert [stage.stage for stage in result.stages] == ["arrival"]
    assert not list(tmp_path.iterdir())


def test_a_known_invoice_with_the_same_totals_is_not_registered_twice(
    chain: Callable[..., Chain], integrated: tuple[ChainResult, Path], october: Path, registry: Any
) -> None:
    registry.load(integrated[0])
    registry.files.clear()

    result = chain(october, registry=registry).run()

    assert not result.blocked
    assert all(invoice.already_loaded for invoice in result.invoices)
    facts = next(stage.facts for stage in result.stages if stage.stage == "integration")
    assert facts["invoices"] == []


def test_without_client_and_registry_the_checks_that_need_them_are_listed(
    chain: Callable[..., Chain], october: Path
) -> None:
    result = chain(october, client=None).run()

    assert not result.blocked
    assert set(result.not_made) >= {
        "WRONG_CLIENT", "MULTI_CLIENT", "NEW_REFS", "DUP_FILE", "DUP_INVOICE_CHANGED", "PERIOD_LOADED", "VARIATION",
        "LINE_DISAPPEARED", "ACCOUNT_DISAPPEARED", "PERIOD_GAP", "MALWARE", "FIXED_LINE_TOOL",
    }  # fmt: skip
    assert "CROSS_CHECK" not in result.not_made


def test_a_bad_name_and_a_bad_header_are_reported_together(
    chain: Callable[..., Chain], samples: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "october.exe"
    wrong.write_bytes((samples / "broken/exe_renamed/202610_ACME-IBERICA_SOFIA.mdb").read_bytes())

    result = chain(wrong).run()

    assert [finding.code for finding in result.findings] == ["BAD_NAME", "BAD_EXTENSION", "EXE_UPLOADED"]
    assert result.verdict == "quarantined"
    assert all("202610" not in finding.advice.en for finding in result.findings)


def test_the_json_has_the_keys_and_amounts_of_the_command_line(
    integrated: tuple[ChainResult, Path], samples: Path
) -> None:
    result, _ = integrated

    printed = json.loads(json.dumps(as_json(result)))

    assert list(printed) == [
        "file", "sha256", "operator", "verdict", "findings", "not_made", "tables", "invoices", "totals",
        "new_references", "outputs", "seconds",
    ]  # fmt: skip
    assert printed["totals"] == {"net": "301.9468", "tax": "63.4088", "out_of_tax": "3.3352", "gross": "368.69"}
    assert printed["invoices"][0] == {
        "number": "TA60J4629643",
        "net": "89.0354",
        "tax": "18.6974",
        "out_of_tax": "1.6713",
        "gross": "109.40",
        "currency": "EUR",
    }
    assert printed["tables"]["DETALLE_LLAMADAS"] == {"declared": 400, "read": 400}
    assert [output["kind"] for output in printed["outputs"]] == ["usage", "output", "manifest", "ofc", "manifest"]
    assert {finding["severity"] for finding in printed["findings"]} == {"warn", "info"}
    assert set(printed["seconds"]) == set(STAGES)


def test_stages_run_alone_in_a_new_run_give_the_same_output(
    chain: Callable[..., Chain], integrated: tuple[ChainResult, Path], october: Path, tmp_path: Path
) -> None:
    result, _ = integrated

    alone = chain(october, out=tmp_path).run(["output"])

    kinds = ("output", "usage")
    assert [one for one in alone.outputs if one.kind in kinds] == [one for one in result.outputs if one.kind in kinds]
    assert alone.findings == ()


def test_progress_is_told_before_each_stage(chain: Callable[..., Chain], october: Path) -> None:
    told: list[str] = []

    chain(october, on_progress=told.append).run(["header", "arrival", "name"])

    assert told == ["arrival", "name", "header"]


def test_a_lock_file_beside_the_database_is_a_warning(
    chain: Callable[..., Chain], october: Path, tmp_path: Path
) -> None:
    copied = tmp_path / october.name
    copied.write_bytes(october.read_bytes())
    copied.with_suffix(".LDB").write_bytes(b"")

    result = chain(copied).run(["arrival", "name", "header"])

    assert [finding.code for finding in result.findings] == ["LDB_PRESENT"]
    assert result.verdict == "accepted_with_warnings"


def test_a_month_in_the_future_and_an_unasked_month_are_blocked(
    chain: Callable[..., Chain], october: Path, acme: Any
) -> None:

    early = chain(october, now=lambda: datetime(2026, 9, 30, tzinfo=UTC)).run(["identity"])
    other = chain(october, client=replace(acme, expected_period="202609")).run(["identity"])

    assert [finding.code for finding in early.findings] == ["PERIOD_UNEXPECTED"]
    assert "future" in early.findings[0].message.en
    assert [finding.evidence["expected"] for finding in other.findings] == ["202609"]
