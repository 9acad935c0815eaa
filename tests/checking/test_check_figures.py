"""Numbers as people write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.drawing.figures import amount, count, file_size, number, short_amount, signed_amount, stopwatch
from bot.drawing.timeline import tick_milliseconds
from checklists.model import Language


@pytest.mark.parametrize(
    ("language", "written"),
    [("fr", "−1\u202f234\u202f567,5600"), ("en", "−1,234,567.5600"), ("es", "−1.234.567,5600")],
)
def test_an_amount_has_the_marks_of_its_language(language: Language, written: str) -> None:
    assert amount(Decimal("-1234567.56"), language) == written


def test_amounts_are_shortened_without_being_rounded() -> None:
    assert [short_amount(Decimal(given), "fr") for given in ("91.3600", "89.0354", "4.3350", "0", "0.0008")] == [
        "91,36", "89,0354", "4,3350", "0,00", "0,0008",
    ]  # fmt: skip
    assert [signed_amount(Decimal(given), "en") for given in ("8.33", "-8.33", "0")] == ["+8.33", "−8.33", "0.00"]
    assert [number(Decimal(given), "fr") for given in ("21.00", "0.50", "100", "1E+1")] == ["21", "0,5", "100", "10"]


@given(value=st.decimals(-(10**14), 10**14, places=4))
def test_no_digit_of_an_amount_is_lost(value: Decimal) -> None:
    assert Decimal(amount(value, "en").replace(",", "").replace("−", "-")) == value
    assert Decimal(short_amount(value, "en").replace(",", "").replace("−", "-")) == value


def test_counts_sizes_and_times() -> None:
    assert [count(1_234_567, language) for language in ("fr", "en", "es")] == [
        "1\u202f234\u202f567",
        "1,234,567",
        "1.234.567",
    ]
    assert [file_size(size, "fr") for size in (0, 1536, 14_163_968, 2**31)] == ["0 B", "1,5 KiB", "13,5 MiB", "2,0 GiB"]
    assert [stopwatch(seconds, "fr") for seconds in (0, 0.0004, 0.0042, 0.9996, 1.244, 59.996, 61)] == [
        "< 1 ms", "< 1 ms", "4 ms", "1,00 s", "1,24 s", "1 min", "1 min 1 s",
    ]  # fmt: skip


@given(span=st.floats(0.1, 1e12), most=st.integers(2, 8))
def test_the_axis_of_a_check_is_never_crowded(span: float, most: int) -> None:
    assert span / tick_milliseconds(span, most) <= most
