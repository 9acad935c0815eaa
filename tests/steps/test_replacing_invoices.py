"""An invoice that is integrated with other amounts: it blocks, a manager decides, the old one stays, superseded."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from chain_house import ANA, BOB, CHANGED, NOVEMBER, OCTOBER, OPERATOR, ROOT, ChainHouse
from sqlmodel import Session, select

from bot.onboarding import trail
from bot.onboarding.errors import NotAllowed, Refused
from bot.onboarding.models import StepRecord
from bot.onboarding.registry import InvoiceEntry, InvoiceTaken, Registry
from bot.onboarding.replacing import Decision, decision_about, question
from bot.onboarding.store import Store
from checklists.model import LANGUAGES
from pipeline import controls
from pipeline.integrate import note_superseded

NUMBERS = {"TA60J4629643", "28-D6B0-015059", "TA63C8319744"}
OLD, NEW = "109.40", "121.50"


def blocked(house: ChainHouse) -> str:
    """October is integrated, and a second onboarding is blocked by the file with its invoices changed."""
    house.integrate(OCTOBER)
    key = house.play(CHANGED)
    assert house.step(key, "processing").code == "DUP_INVOICE_CHANGED"
    return key


def amounts(rows: Any) -> dict[str, str]:
    return {row.number: row.gross for row in rows}


def test_a_changed_invoice_blocks_and_a_manager_is_offered_the_decision_with_both_amounts(house: ChainHouse) -> None:
    key = blocked(house)
    step = house.step(key, "processing")
    assert step.offer is not None
    assert {invoice.number for invoice in step.offer.invoices} == NUMBERS
    assert step.offer.file == CHANGED.name
    assert step.advice is not None
    assert "Replace the invoices" in step.advice.en
    for language in LANGUAGES:
        asked = question(step.offer, 300, language)
        assert len(asked) <= 300
        assert "109.40 → 121.50 EUR" in asked
        assert all(number in asked for number in NUMBERS)
    assert amounts(house.registry.invoices(OPERATOR, ROOT))["TA60J4629643"] == OLD


def test_once_decided_the_file_passes_and_the_old_invoices_stay_superseded(house: ChainHouse) -> None:
    key = blocked(house)
    house.onboardings.replace(key, "processing", "corrected by the operator", actor=ANA)
    house.work()
    assert house.step(key, "output").state == "done"
    current, old = house.registry.invoices(OPERATOR, ROOT), house.registry.superseded(OPERATOR, ROOT)
    assert amounts(current) == {"TA60J4629643": NEW, "28-D6B0-015059": "154.21", "TA63C8319744": "112.94"}
    assert amounts(old) == {"TA60J4629643": OLD, "28-D6B0-015059": "150.28", "TA63C8319744": "109.01"}
    assert {(row.superseded_by, row.superseded_reason) for row in old} == {("ana", "corrected by the operator")}
    assert {row.superseded_by_sha256 for row in old} == {current[0].source_sha256}
    [finding] = [one for one in house.step(key, "processing").evidence.findings if "TA60J4629643" in one.message.en]
    assert (finding.code, finding.severity) == ("DUP_INVOICE_CHANGED", "warn")
    assert ("Invoice superseded, TA60J4629643", "109.40 → 121.50 EUR") in house.facts(key, "output")


def test_the_decision_is_on_the_trail_with_who_why_which_and_for_which_file(house: ChainHouse) -> None:
    key = blocked(house)
    house.onboardings.replace(key, "processing", "corrected by the operator", actor=ANA)
    [line] = [line for line in house.onboardings.trail(key) if line.kind == "replacement_decided"]
    assert (line.actor, line.step, line.content["reason"]) == ("ana", "processing", "corrected by the operator")
    assert line.content["file"]["name"] == CHANGED.name
    assert len(line.content["file"]["sha256"]) == 64
    told = {one["number"]: (one["loaded"]["gross"], one["found"]["gross"]) for one in line.content["invoices"]}
    assert told["TA60J4629643"] == (OLD, NEW)
    assert set(told) == NUMBERS
    assert trail.first_break(house.onboardings.trail(key)) is None


def test_the_month_before_counts_what_replaced_and_not_what_was_replaced(house: ChainHouse) -> None:
    key = blocked(house)
    assert house.loaded().months_before("202611", 3)[0].gross == Decimal("368.69")
    house.onboardings.replace(key, "processing", "corrected", actor=ANA)
    house.work()
    [october] = house.loaded().months_before("202611", 3)
    assert october.gross == Decimal("388.65")
    assert len(october.lines) == 12
    assert october.nets["account", "000082345094"] == Decimal("99.0354") + Decimal("1.6713")


def test_the_old_files_stay_on_disk_with_a_note_and_charges_keep_their_record_ids(house: ChainHouse) -> None:
    key = blocked(house)
    before = {path: path.read_bytes() for path in house.home.rglob("*") if path.is_file()}
    house.onboardings.replace(key, "processing", "corrected", actor=ANA)
    house.work()
    assert all(path.read_bytes() == content for path, content in before.items())
    [note] = house.home.rglob("superseded.json")
    assert (note.parent / "invoice.parquet").is_file()
    told = json.loads(note.read_text("utf-8"))
    assert {one["number"] for one in told["invoices"]} == NUMBERS
    assert {(one["superseded_by"], one["reason"]) for one in told["invoices"]} == {("ana", "corrected")}
    assert told["source_sha256"][:8] in note.parent.name
    old, new = (record_ids(path) for path in sorted(house.home.glob("OUTPUT_*.csv"), key=lambda path: path.name))
    assert old.keys() == new.keys()
    assert all(old[row] == new[row] for row in old)


def record_ids(output: Path) -> dict[str, str]:
    """The record ids of an Output's charges by their row in the source; ROUNDING rows have none there."""
    with output.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter=";")
        return {row["source_row"]: row["record_id"] for row in rows if row["source_row"]}


def test_a_second_click_and_the_same_event_again_change_nothing(house: ChainHouse) -> None:
    key = blocked(house)
    assert house.onboardings.replace(key, "processing", "corrected", actor=ANA, source="slack:1")
    revision = house.onboardings.view(key).revision
    assert not house.onboardings.replace(key, "processing", "corrected", actor=ANA, source="slack:1")
    assert house.onboardings.view(key).revision == revision
    with pytest.raises(Refused, match="no invoice to be replaced"):
        house.onboardings.replace(key, "processing", "corrected", actor=ANA, source="slack:2")
    house.work()
    with pytest.raises(Refused):
        house.onboardings.replace(key, "processing", "corrected", actor=ANA, source="slack:3")
    kinds = [line.kind for line in house.onboardings.trail(key)]
    assert kinds.count("replacement_decided") == 1
    assert len(house.registry.superseded(OPERATOR, ROOT)) == 3


def test_a_manager_decides_even_where_another_role_may_act_on_the_step(house: ChainHouse) -> None:
    key = blocked(house)
    house.onboardings.retry(key, "processing", actor=BOB)
    house.work()
    with pytest.raises(NotAllowed, match="activation manager"):
        house.onboardings.replace(key, "processing", "corrected", actor=BOB)
    with pytest.raises(Refused, match="reason"):
        house.onboardings.replace(key, "processing", "  ", actor=ANA)
    assert house.step(key, "processing").offer is not None
    assert house.registry.superseded(OPERATOR, ROOT) == []


def test_nothing_is_offered_where_the_file_is_blocked_by_more_than_that(
    house: ChainHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.integrate(OCTOBER)
    real = controls.run_shared

    def with_a_row_twice(database: Any, stage: Any, findings: Any) -> Any:
        twice = {"view": "charge", "id": "7", "count": 2, "duplicates": 1}
        found = [findings.make("DUP_ID_IN_FILE", stage, twice)] if stage == "duplicates" else []
        return [*real(database, stage, findings), *found]

    monkeypatch.setattr(controls, "run_shared", with_a_row_twice)
    key = house.play(CHANGED)
    step = house.step(key, "processing")
    assert {finding.code for finding in step.evidence.findings} == {"DUP_ID_IN_FILE", "DUP_INVOICE_CHANGED"}
    assert step.offer is None
    with pytest.raises(Refused, match="no invoice to be replaced"):
        house.onboardings.replace(key, "processing", "corrected", actor=ANA)


def test_a_decision_is_about_one_file_and_about_what_was_integrated_then(house: ChainHouse) -> None:
    key = blocked(house)
    house.onboardings.replace(key, "processing", "corrected", actor=ANA)
    step = house.onboardings.view(key)
    [line] = [line for line in house.onboardings.trail(key) if line.kind == "replacement_decided"]
    sha256 = line.content["file"]["sha256"]
    memories = memories_of(house, step.id)
    decision = decision_about(sha256, memories)
    assert decision is not None
    assert decision_about("0" * 64, memories) is None
    assert len(house.loaded().agreed(decision)) == 3
    # Meanwhile somebody else's file has replaced one of the invoices that the decision was about.
    [one] = [one for one in decision.offer.invoices if one.number == "TA60J4629643"]
    register(house, one.number, one.number_key, "77.00", decision)
    assert len(house.loaded().agreed(decision)) == 2
    house.work()
    assert house.step(key, "processing").state == "failed"
    offer = house.step(key, "processing").offer
    assert offer is not None
    assert [invoice.loaded.gross for invoice in offer.invoices if invoice.number == one.number] == ["77.00"]
    house.onboardings.replace(key, "processing", "looked again", actor=ANA)
    house.work()
    assert amounts(house.registry.invoices(OPERATOR, ROOT))["TA60J4629643"] == NEW
    assert len(house.registry.superseded(OPERATOR, ROOT)) == 4


def test_a_number_is_never_taken_over_without_a_decision(house: ChainHouse) -> None:
    house.integrate(OCTOBER)
    with pytest.raises(InvoiceTaken):
        register(house, "TA60J4629643", "TA60J4629643", "77.00", None)
    assert amounts(house.registry.invoices(OPERATOR, ROOT))["TA60J4629643"] == OLD
    assert house.registry.superseded(OPERATOR, ROOT) == []


def test_an_invoice_that_changes_between_the_check_and_the_registration_blocks(
    house: ChainHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = blocked(house)
    house.onboardings.replace(key, "processing", "corrected", actor=ANA)
    [line] = [line for line in house.onboardings.trail(key) if line.kind == "replacement_decided"]
    decision = decision_about(line.content["file"]["sha256"], memories_of(house, house.onboardings.view(key).id))
    real, others = Registry.integrate, [("TA60J4629643", "TA60J4629643", "77.00", decision)]

    def late(registry: Registry, *arguments: Any, **options: Any) -> None:
        monkeypatch.setattr(Registry, "integrate", real)
        register(house, *others.pop())
        real(registry, *arguments, **options)

    monkeypatch.setattr(Registry, "integrate", late)
    house.work()
    step = house.step(key, "output")
    assert (step.state, step.code) == ("failed", "DUP_INVOICE_CHANGED")
    assert step.offer is not None
    assert len(house.registry.superseded(OPERATOR, ROOT)) == 1
    house.onboardings.replace(key, "output", "looked again", actor=ANA)
    house.work()
    assert house.step(key, "output").state == "done"
    assert amounts(house.registry.invoices(OPERATOR, ROOT))["TA60J4629643"] == NEW


@pytest.mark.parametrize("which", [OCTOBER, CHANGED], ids=["superseded", "current"])
def test_a_file_that_was_integrated_is_answered_whether_or_not_it_was_replaced_since(
    house: ChainHouse, which: Path
) -> None:
    key = blocked(house)
    house.onboardings.replace(key, "processing", "corrected", actor=ANA)
    house.work()
    if house.step(key, "references").state == "waiting":
        house.onboardings.confirm(key, "references", actor=ANA)
    again = house.play(which)
    assert house.step(again, "pickup").state == "waiting"
    assert [finding.code for finding in house.step(again, "pickup").evidence.findings] == ["DUP_FILE"]


def test_the_next_month_goes_through_after_a_replacement(house: ChainHouse) -> None:
    key = blocked(house)
    house.onboardings.replace(key, "processing", "corrected", actor=ANA)
    house.work()
    following = house.integrate(NOVEMBER)
    codes = [finding.code for finding in house.step(following, "processing").evidence.findings]
    assert codes == ["LINE_DISAPPEARED"]


class Killed(BaseException):
    """The process ends here."""


def test_a_registration_killed_after_any_commit_or_file_ends_the_same(
    house: ChainHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = blocked(house)
    house.onboardings.replace(key, "processing", "corrected", actor=ANA)
    [job] = house.queue.take()
    house.worker.run(job)
    [job] = house.queue.take()
    assert job.subject == "step:output"
    left = [0]

    def alive() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    real = Store.transaction

    @contextmanager
    def transaction(store: Store, **who: Any) -> Iterator[Session]:
        with real(store, **who) as session:
            yield session
        alive()

    def noted(*arguments: Any) -> Any:
        path = note_superseded(*arguments)
        alive()
        return path

    monkeypatch.setattr(Store, "transaction", transaction)
    monkeypatch.setattr("bot.steps.chain.note_superseded", noted)
    kills = 0
    for moment in range(1, 20):
        left[0] = moment
        try:
            house.worker.run(job)
        except Killed:
            kills += 1
        else:
            break
    assert kills >= 4
    monkeypatch.undo()
    house.work()
    assert house.step(key, "output").state == "done"
    assert ("Invoice superseded, TA60J4629643", "109.40 → 121.50 EUR") in house.facts(key, "output")
    assert len(house.registry.invoices(OPERATOR, ROOT)) == 3
    assert len(house.registry.superseded(OPERATOR, ROOT)) == 3
    assert len(house.registry.months(OPERATOR, ROOT)) == 2


def memories_of(house: ChainHouse, onboarding_id: int) -> list[dict[str, Any]]:
    with house.store.reading() as session:
        rows = session.exec(select(StepRecord).where(StepRecord.onboarding_id == onboarding_id))
        return [row.memory for row in rows]


def register(house: ChainHouse, number: str, key: str, gross: str, decision: Decision | None) -> None:
    """Register an invoice of the first onboarding's from a file of its own."""
    [known] = [row for row in house.registry.invoices(OPERATOR, ROOT) if row.number == number]
    entry = InvoiceEntry(
        supplier_tax_id=known.supplier_tax_id,
        number=number,
        number_key=key,
        account=known.account,
        period=known.period,
        period_start=known.period_start,
        period_end=known.period_end,
        net="60.0000",
        tax="17.0000",
        out_of_tax="0.0000",
        gross=gross,
        currency="EUR",
        lines={},
    )
    house.registry.integrate(
        1, operator=OPERATOR, root=ROOT, sha256="f" * 64, invoices=[entry], month=None, decision=decision
    )
