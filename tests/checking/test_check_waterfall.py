"""The arithmetic of the waterfall and where its steps are drawn."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.checking.waterfall import (
    LEFT,
    MOST_COLUMNS,
    NARROW_WIDTH,
    WIDTH,
    Step,
    Waterfall,
    columns,
    rows,
    waterfalls,
)
from pipeline.result import ChainResult

AMOUNTS = st.decimals(-9_999_999, 9_999_999, places=4)


def cascade(*amounts: Decimal) -> Waterfall:
    at, steps = Decimal(0), []
    for amount in amounts:
        steps.append(Step("charge", "Regularisations of the whole year", at, at + amount))
        at += amount
    steps.append(Step("total", "Total", Decimal(0), at))
    return Waterfall(None, tuple(steps), at, at, hidden=False)


@given(amounts=st.lists(AMOUNTS, max_size=20))
def test_every_step_is_drawn_within_the_frame(amounts: list[Decimal]) -> None:
    fall = cascade(*amounts)

    drawn = [rows(fall, "fr")]
    wide = columns(fall, "fr")
    if wide is not None:
        drawn.append(wide)
    for picture in drawn:
        assert len(picture.boxes) == len(fall.steps)
        for box in picture.boxes:
            assert box.width > 0
            assert box.height > 0
            assert -1 <= box.x <= box.x + box.width <= picture.width + 1
            assert 0 <= box.y <= box.y + box.height <= picture.height
            assert 0 < box.amount_y < picture.height


def test_more_steps_than_can_be_read_side_by_side_are_drawn_as_rows_alone() -> None:
    one = Decimal("12.3456")

    assert columns(cascade(*[one] * (MOST_COLUMNS - 1)), "en") is not None
    assert columns(cascade(*[one] * MOST_COLUMNS), "en") is None
    assert columns(cascade(*[Decimal("1234567890.1234")] * (MOST_COLUMNS - 1)), "en") is None
    assert rows(cascade(*[one] * MOST_COLUMNS), "en").width == NARROW_WIDTH


def test_amounts_that_are_long_are_written_smaller_before_they_are_moved() -> None:
    short, long = (columns(cascade(*[amount] * 11), "fr") for amount in (Decimal(1), Decimal("12345.6789")))

    assert short is not None
    assert long is not None
    assert short.letters > long.letters
    assert long.boxes[0].x >= LEFT
    assert long.width == WIDTH


def test_a_file_of_credit_notes_hangs_below_zero() -> None:
    picture = columns(cascade(Decimal(-100), Decimal(20)), "en")

    assert picture is not None
    assert all(box.y >= picture.zero - 0.01 for box in picture.boxes)
    assert picture.boxes[0].amount == "−100.00"


def with_facts(result: ChainResult, **facts: Any) -> ChainResult:
    stages = tuple(
        replace(stage, facts={**stage.facts, **facts}) if stage.stage == "totals" else stage for stage in result.stages
    )
    return replace(result, stages=stages)


def test_gaps_that_cancel_each_other_are_said_not_to_show(checked: Callable[[str], ChainResult]) -> None:
    broken, good = checked("sum_lines_8_33"), checked("good")
    totals = next(stage.facts for stage in good.stages if stage.stage == "totals")
    # The file as a whole adds up, the invoice that was found does not.
    result = with_facts(broken, by_category=totals["by_category"])

    whole, invoice = waterfalls(result, "en")

    assert (whole.gap, whole.hidden) == (0, True)
    assert (invoice.gap, invoice.hidden) == (Decimal("8.33"), False)


def test_a_difference_within_tolerance_is_a_rounding(checked: Callable[[str], ChainResult]) -> None:
    good = checked("good")
    charges: Any = next(stage.facts["by_category"] for stage in good.stages if stage.stage == "totals")
    less = [{**charges[0], "net": str(Decimal(charges[0]["net"]) - Decimal("0.0020"))}, *charges[1:]]

    (whole,) = waterfalls(with_facts(good, by_category=less), "en")

    assert [(step.kind, step.amount) for step in whole.steps if step.kind == "rounding"] == [
        ("rounding", Decimal("0.0020")),
        ("rounding", Decimal("-0.0008")),
    ]
    assert whole.gap == 0
    assert not whole.hidden


def test_what_lacks_out_of_tax_is_told_from_what_lacks_in_the_base(checked: Callable[[str], ChainResult]) -> None:
    broken = checked("sum_lines_8_33")
    invoice = next(one for one in broken.invoices if one.number == "28-D6B0-015059")
    found = next(one for one in broken.findings if one.code == "SUM_LINES")
    stated = replace(found, evidence={**found.evidence, "stated": f"{invoice.out_of_tax:.4f}"})
    stages = tuple(
        replace(stage, findings=tuple(stated if one is found else one for one in stage.findings))
        for stage in broken.stages
    )

    whole, _ = waterfalls(replace(broken, stages=stages), "en")

    # The base was not reported, so what it lacks is no gap of its own here.
    assert [step.kind for step in whole.steps if step.amount == Decimal("8.33")] == ["rounding"]
    assert whole.hidden


def test_one_invoice_alone_is_drawn_once_under_its_number(checked: Callable[[str], ChainResult]) -> None:
    broken = checked("sum_lines_8_33")

    (only,) = waterfalls(replace(broken, invoices=broken.invoices[1:2]), "en")

    assert only.invoice == "28-D6B0-015059"


@pytest.mark.parametrize("fault", ["exe_renamed", "truncated_on_page", "wrong_operator", "no_invoice_rows"])
def test_what_stopped_before_the_totals_has_no_waterfall(fault: str, checked: Callable[[str], ChainResult]) -> None:
    assert waterfalls(checked(fault), "en") == ()
