"""What the control totals are made of: exact strings, of the file and of the invoices that differ."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.breakdown import breakdown
from pipeline.chain import Chain
from pipeline.database import Database


def facts_of(chain: Callable[..., Chain], file: Path) -> dict[str, Any]:
    result = chain(file).run(["totals"])
    return dict(result.stages[0].facts)


def test_charges_and_taxes_add_up_to_the_totals(chain: Callable[..., Chain], october: Path) -> None:
    facts = facts_of(chain, october)

    charged = {one["category"]: Decimal(one["net"]) for one in facts["by_category"]}
    assert charged.pop("OUT_OF_TAX") == Decimal(facts["out_of_tax"])
    assert sum(charged.values()) == Decimal(facts["net"])
    assert list(charged) == ["RECURRING", "USAGE_VOICE", "USAGE_DATA", "USAGE_SMS", "ONE_OFF", "DISCOUNT"]
    assert sum(one["rows"] for one in facts["by_category"]) == 65
    assert facts["tax_groups"] == [
        {"regime": "IVA", "rate": "21.00", "base": "301.9468", "amount": "63.4088", "computed": "63.4088"}
    ]
    assert facts["differing"] == []


def test_an_invoice_that_differs_has_a_breakdown_of_its_own(chain: Callable[..., Chain], samples: Path) -> None:
    facts = facts_of(chain, samples / "broken" / "sum_lines_8_33" / "202610_ACME-IBERICA_SOFIA.mdb")

    (one,) = facts["differing"]
    assert one["invoice"] == "28-D6B0-015059"
    charged = [Decimal(each["net"]) for each in one["by_category"] if each["category"] != "OUT_OF_TAX"]
    assert sum(charged) == Decimal("113.2214")


def test_a_tax_is_computed_from_its_base_row_by_row(bill: Database) -> None:
    bill.execute("UPDATE canonical.tax SET amount = 22")

    assert breakdown(bill)["tax_groups"] == [
        {"regime": "IVA", "rate": "21.00", "base": "100.0000", "amount": "22.0000", "computed": "21.0000"}
    ]
    assert breakdown(bill, "'; DROP TABLE canonical.tax; --") == {"by_category": [], "tax_groups": []}
