"""Each control on a consistent bill that is broken in one place."""

import pytest

from checklists.model import Pack
from pipeline import controls
from pipeline.checks import Check, shared_checks
from pipeline.database import Database
from pipeline.findings import Findings, shared_catalogue

INVOICE = "TA60J4629643"
BROKEN = {
    "invoice_number_twice": [
        "INSERT INTO invoice SELECT * REPLACE ('ta60-j4629643' AS number) FROM invoice",
    ],
    "charge_id_twice": ["INSERT INTO charge FROM charge WHERE id = 'CUOTAS#1'"],
    "usage_id_twice": ["INSERT INTO usage FROM usage WHERE id = 'D#1'"],
    "line_of_invoice_twice": ["INSERT INTO line FROM line WHERE ref = '600000001'"],
    "tax_group_twice": ["INSERT INTO tax FROM tax"],
    "charge_twice": ["INSERT INTO charge SELECT * REPLACE ('CUOTAS#9' AS id) FROM charge WHERE id = 'CUOTAS#1'"],
    "charges_differ_from_base": ["UPDATE charge SET net = net - 8.33 WHERE id = 'CUOTAS#5'"],
    "charges_differ_from_out_of_tax": ["UPDATE charge SET net = net + 0.02 WHERE category = 'OUT_OF_TAX'"],
    "charges_differ_from_line": ["UPDATE line SET net = net + 0.02 WHERE ref = '600000002'"],
    "charges_differ_from_tax_group": ["UPDATE charge SET tax_rate = 10 WHERE id = 'CUOTAS#5'"],
    "tax_groups_differ_from_base": ["UPDATE invoice SET net = net + 0.02"],
    "tax_groups_differ_from_tax": ["UPDATE invoice SET tax = tax + 0.02, gross = gross + 0.02"],
    "tax_is_not_base_times_rate": ["UPDATE tax SET amount = amount + 2"],
    "charge_taxes_differ_from_tax_group": [
        # Base and rate are each within tolerance; together they are not.
        "UPDATE charge SET net = net - 0.0100 WHERE id = 'CUOTAS#5'",
        "UPDATE tax SET amount = amount + 0.0095",
    ],
    "total_differs": ["UPDATE invoice SET gross = gross + 1"],
    "header_counts_other_invoices": ["UPDATE header SET invoices = 2"],
    "header_counts_other_lines": ["UPDATE header SET lines = 3"],
    "header_sums_other_net": ["UPDATE header SET net = net + 0.02"],
    "header_sums_other_tax": ["UPDATE header SET tax = tax - 0.02"],
    "header_sums_other_gross": ["UPDATE header SET gross = gross + 0.02"],
    "charges_without_invoice_or_line": ["UPDATE charge SET line_ref = '699999999' WHERE id = 'CUOTAS#5'"],
    "usage_without_invoice_or_line": ["UPDATE usage SET invoice_number = 'OTHER' WHERE id = 'D#1'"],
    "lines_without_invoice": ["UPDATE line SET invoice_number = 'OTHER' WHERE ref = '600000002'"],
    "tax_groups_without_invoice": ["UPDATE tax SET invoice_number = 'OTHER'"],
    "usage_above_charges": ["UPDATE usage SET net = net + 0.02 WHERE id = 'D#3'"],
    "usage_below_charges": ["DELETE FROM usage WHERE id = 'D#2'"],
    "tax_rate_not_in_force": ["UPDATE tax SET rate = 7, regime = 'IGIC'"],
}


def found_by(database: Database, pack: Pack) -> dict[str, list[dict[str, str | int]]]:
    """The evidence of every check that finds something."""
    controls.derive(database)
    rows = {check.name: database.rows(check.sql) for check in shared_checks()}
    return {name: [controls.evidence_of(row) for row in found] for name, found in rows.items() if found}


def test_a_consistent_bill_has_no_finding(bill: Database, pack: Pack) -> None:
    assert found_by(bill, pack) == {}


def test_every_check_is_broken_once_here() -> None:
    assert set(BROKEN) == {check.name for check in shared_checks()}


@pytest.mark.parametrize("name", BROKEN)
def test_each_check_finds_its_fact(name: str, bill: Database, pack: Pack) -> None:
    for statement in BROKEN[name]:
        bill.execute(statement)

    assert name in found_by(bill, pack)


@pytest.mark.parametrize("check", shared_checks(), ids=lambda check: check.name)
def test_each_check_fills_the_texts_of_its_code(check: Check, bill: Database) -> None:
    for statement in BROKEN[check.name]:
        bill.execute(statement)
    controls.derive(bill)
    assert check.stage in shared_catalogue()[check.code].stages

    found = controls.run_shared(bill, check.stage, Findings())

    assert check.code in {finding.code for finding in found}


def test_a_gap_names_both_numbers(bill: Database, pack: Pack) -> None:
    bill.execute("UPDATE charge SET net = net - 8.33 WHERE id = 'CUOTAS#5'")
    controls.derive(bill)

    found = controls.run_shared(bill, "totals", Findings())

    assert [finding.code for finding in found] == ["SUM_LINES"]
    assert found[0].evidence == {"invoice": INVOICE, "stated": "100.0000", "found": "91.6700", "gap": "8.3300"}
    assert "8.3300" in found[0].message.fr


@pytest.mark.parametrize(
    ("charges", "gap", "blocked"),
    [(5, "0.0102", False), (5, "0.0103", True), (405, "0.0302", False), (405, "0.0303", True)],
)
def test_the_tolerance_of_a_sum_grows_with_its_rows(
    charges: int, gap: str, blocked: bool, bill: Database, pack: Pack
) -> None:
    """0.01 + 0.00005 for each charge in the tax base (four of the bill's five)."""
    bill.execute(
        f"INSERT INTO charge SELECT 'Z' || range, '{INVOICE}', NULL, 'RECURRING', 'Z', 'Z' || range, NULL, NULL, NULL,"
        f" NULL, 0, 'IVA', 21 FROM range({charges - 5})"
    )
    bill.execute(f"UPDATE charge SET net = net - {gap} WHERE id = 'CUOTAS#5'")

    assert ("charges_differ_from_base" in found_by(bill, pack)) is blocked


def test_the_tolerance_of_a_sum_has_a_cap(bill: Database, pack: Pack) -> None:
    bill.execute(
        f"INSERT INTO charge SELECT 'Z' || range, '{INVOICE}', NULL, 'RECURRING', 'Z', 'Z' || range, NULL, NULL, NULL,"
        f" NULL, 0, 'IVA', 21 FROM range(40000)"
    )
    bill.execute("UPDATE charge SET net = net - 1.01 WHERE id = 'CUOTAS#5'")

    assert "charges_differ_from_base" in found_by(bill, pack)


def test_usage_of_an_untold_kind_is_compared_over_the_whole_line(bill: Database, pack: Pack) -> None:
    bill.execute("UPDATE charge SET category = 'USAGE' WHERE id IN ('CUOTAS#2', 'CUOTAS#4')")
    bill.execute("UPDATE usage SET kind = 'SMS' WHERE id = 'D#2'")
    assert found_by(bill, pack) == {}


def test_mms_and_sms_are_compared_with_sms_charges(bill: Database, pack: Pack) -> None:
    bill.execute("UPDATE charge SET category = 'USAGE_SMS' WHERE id = 'CUOTAS#2'")
    bill.execute("UPDATE usage SET kind = CASE id WHEN 'D#1' THEN 'SMS' ELSE 'MMS' END WHERE line_ref = '600000001'")
    assert found_by(bill, pack) == {}


def test_a_bill_without_details_is_not_compared(bill: Database, pack: Pack) -> None:
    bill.execute("DELETE FROM usage")
    assert found_by(bill, pack) == {}


def test_a_pack_without_usage_charges_is_not_compared(bill: Database, pack: Pack) -> None:
    bill.execute("UPDATE charge SET category = 'RECURRING' WHERE category LIKE 'USAGE%'")
    assert found_by(bill, pack) == {}


@pytest.mark.parametrize(
    ("postcode", "regime", "rate", "unusual"),
    [
        ("28014", "IVA", "21", False),
        ("35003", "IGIC", "7", False),
        ("35003", "IVA", "21", True),
        ("28014", "IGIC", "7", True),
        ("51001", "IPSI", "10", False),
        (None, "IGIC", "7", False),
        ("28014", "IVA", "10", True),
        ("28014", "EXEMPT", "0", False),
    ],
)
def test_a_rate_follows_the_postcode(
    postcode: str | None, regime: str, rate: str, unusual: bool, bill: Database, pack: Pack
) -> None:
    bill.execute("UPDATE invoice SET customer_postcode = $postcode", {"postcode": postcode})
    bill.execute("UPDATE tax SET regime = $regime, rate = $rate", {"regime": regime, "rate": rate})

    assert ("tax_rate_not_in_force" in found_by(bill, pack)) is unusual


def test_a_pack_check_returns_its_rows_as_findings(bill: Database, pack: Pack) -> None:
    bill.execute("UPDATE invoice SET number = 'X-1'")

    found = controls.run_pack(
        bill, [check for check in pack.checks if check.code == "INVOICE_NUMBER_FORM"], "totals", Findings()
    )

    assert [(finding.code, finding.severity, finding.evidence) for finding in found] == [
        ("INVOICE_NUMBER_FORM", "warn", {"invoice": "X-1"})
    ]
