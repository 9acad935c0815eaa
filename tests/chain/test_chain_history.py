"""What was integrated before: decisions to replace it, what has vanished since, and findings too many to list."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.chain import Chain
from pipeline.findings import LISTED_ROWS, Findings
from pipeline.history import key_of
from pipeline.integrate import note_superseded
from pipeline.result import ChainResult, Invoice


@pytest.fixture
def changed(samples: Path) -> Path:
    return samples / "broken" / "invoice_changed" / "202610_ACME-IBERICA_SOFIA_01.mdb"


def keys(result: ChainResult) -> set[tuple[str, str]]:
    return {key_of(invoice) for invoice in result.invoices}


def changes(result: ChainResult) -> dict[str | int, str]:
    return {one.evidence["invoice"]: one.severity for one in result.findings if one.code == "DUP_INVOICE_CHANGED"}


def test_only_the_invoices_that_were_decided_on_block_no_more(
    chain: Callable[..., Chain], integrated: tuple[ChainResult, Path], changed: Path, registry: Any
) -> None:
    registry.load(integrated[0])
    decided = frozenset({key for key in keys(integrated[0]) if key[1] != "TA60J4629643"})

    result = chain(changed, registry=registry, replacing=decided).run()

    assert result.verdict == "blocked"
    assert changes(result) == {"TA60J4629643": "block", "28-D6B0-015059": "warn", "TA63C8319744": "warn"}


def test_a_file_whose_invoices_were_all_decided_on_is_integrated(
    chain: Callable[..., Chain], integrated: tuple[ChainResult, Path], changed: Path, registry: Any, tmp_path: Path
) -> None:
    registry.load(integrated[0])

    result = chain(changed, registry=registry, replacing=keys(integrated[0]), out=tmp_path).run()

    assert result.verdict == "accepted_with_warnings"
    assert set(changes(result).values()) == {"warn"}
    [facts] = [stage.facts for stage in result.stages if stage.stage == "integration"]
    assert facts["invoices"] == facts["replaced"] == [invoice.number for invoice in result.invoices]


def test_a_pack_that_makes_changed_invoices_block_is_overruled_by_the_decision(
    chain: Callable[..., Chain],
    integrated: tuple[ChainResult, Path],
    changed: Path,
    registry: Any,
    pack: Any,
) -> None:
    registry.load(integrated[0])
    severe = replace(pack, files=pack.files.model_copy(update={"severities": {"DUP_INVOICE_CHANGED": "quarantine"}}))
    stages = ["duplicates"]

    assert chain(changed, pack=severe, registry=registry).run(stages).verdict == "quarantined"
    assert not chain(changed, pack=severe, registry=registry, replacing=keys(integrated[0])).run(stages).blocked


def test_an_invoice_that_was_integrated_since_the_duplicates_were_looked_for_blocks_the_integration(
    chain: Callable[..., Chain], integrated: tuple[ChainResult, Path], changed: Path, registry: Any, tmp_path: Path
) -> None:
    assert not chain(changed, registry=registry).run(["duplicates"]).blocked
    registry.load(integrated[0])

    result = chain(changed, registry=registry, out=tmp_path).run(["integration"])

    assert result.verdict == "blocked"
    assert {finding.stage for finding in result.findings} == {"integration"}
    assert not (tmp_path / "integrated").exists()


def test_vanished_lines_are_listed_with_label_last_month_and_amount(
    chain: Callable[..., Chain], integrated: tuple[ChainResult, Path], november: Path, registry: Any, tmp_path: Path
) -> None:
    registry.load(integrated[0])

    result = chain(november, registry=registry, out=tmp_path).run()

    [gone] = result.vanished_references
    assert (gone.kind, gone.ref, gone.last_period) == ("line", "644949927", "202610")
    assert gone.net == sum(invoice.lines.get("644949927", Decimal(0)) for invoice in integrated[0].invoices)
    assert gone.label
    [file] = [one for one in result.outputs if one.kind == "vanished"]
    written = (tmp_path / str(file.path)).read_text("utf-8-sig").splitlines()
    assert written[0] == "kind;ref;label;last_period;net;suggestion"
    assert written[1:] == [f"line;644949927;{gone.label};202610;{gone.net};"]


def test_a_vanished_line_of_a_month_without_amounts_has_none_and_suggests_the_same_users_new_line(
    chain: Callable[..., Chain], integrated: tuple[ChainResult, Path], november: Path, registry: Any, acme: Any
) -> None:
    registry.load(integrated[0])
    registry.months["202610"] = replace(registry.months["202610"], nets={})
    [new] = [one for one in chain(november).run(["references"]).new_references if one.ref == "671533474"]
    lines = {**acme.inventory.refs("line"), "644949927": str(new.label).upper()}
    client = replace(acme, inventory=replace(acme.inventory, references={**acme.inventory.references, "line": lines}))

    [gone] = chain(november, client=client, registry=registry).run(["references"]).vanished_references

    assert gone.net is None
    assert gone.suggestion == f"671533474 ({str(new.label).upper()})"


def test_nothing_has_vanished_where_no_month_is_known(
    chain: Callable[..., Chain], november: Path, registry: Any, tmp_path: Path
) -> None:
    result = chain(november, registry=registry, out=tmp_path).run(["references"])

    assert result.vanished_references == ()
    assert [one.kind for one in result.outputs] == ["references"]


def test_what_each_line_is_billed_adds_up_to_the_months_amounts(integrated: tuple[ChainResult, Path]) -> None:
    result, _ = integrated
    assert result.month is not None
    by_line: dict[str, Decimal] = {}
    for invoice in result.invoices:
        assert isinstance(invoice, Invoice)
        for line, net in invoice.lines.items():
            by_line[line] = by_line.get(line, Decimal(0)) + net
    assert set(by_line) == set(result.month.lines)
    assert {ref: net for (kind, ref), net in result.month.nets.items() if kind == "line"} == by_line
    assert result.month.nets["account", "000082345094"] == Decimal("90.7067")


def test_rows_that_are_too_many_for_a_finding_each_are_kept_for_the_whole_list() -> None:
    findings = Findings()
    rows = [{"line": str(number)} for number in range(LISTED_ROWS + 3)]

    listed = findings.of_rows("LINE_DISAPPEARED", "duplicates", rows)

    [rest] = findings.unlisted
    assert (rest.code, rest.severity, rest.stops) == ("LINE_DISAPPEARED", "info", False)
    assert [one.evidence["line"] for one in [*listed, *rest.findings()]] == [row["line"] for row in rows]
    assert [one.message.en for one in rest.findings()] == [
        f"(internal) Line {number} is no longer billed." for number in range(LISTED_ROWS, LISTED_ROWS + 3)
    ]


def test_the_folder_of_a_replaced_file_says_which_of_its_invoices_no_longer_count(
    integrated: tuple[ChainResult, Path], made: Path
) -> None:
    result, _ = integrated
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}

    note = note_superseded(made, result.sha256, [{"number": "TA60J4629643"}])

    assert note is not None
    assert json.loads(note.read_text("utf-8")) == {
        "source_sha256": result.sha256, "invoices": [{"number": "TA60J4629643"}],
    }  # fmt: skip
    assert (note.parent / "charge.parquet").is_file()
    assert all(path.read_bytes() == content for path, content in before.items())
    assert note_superseded(made, "0" * 64, []) is None
