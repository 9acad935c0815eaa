"""The limit of writes per issue on a clock of its own."""

import pytest

from bot.sandbox.jira.gate import WriteLimits
from bot.sandbox.jira.refusals import Refusal


def test_hundred_and_first_write_within_thirty_seconds_is_refused() -> None:
    limits = WriteLimits(is_on=True)
    for number in range(100):
        limits.check("10000", number * 0.25)
    with pytest.raises(Refusal) as caught:
        limits.check("10000", 25.0)
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "5")
    limits.check("10000", 30.1)


def test_limits_that_are_off_count_nothing() -> None:
    limits = WriteLimits()
    for _ in range(200):
        limits.check("10000", 0.0)
    limits.is_on = True
    limits.check("10000", 0.0)
