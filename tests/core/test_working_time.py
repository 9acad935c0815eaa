"""Working days and hours: holidays of both countries, the wall clock in summer and winter, counting."""

from datetime import UTC, date, datetime

import pytest

from bot.onboarding.clock import WorkingTime
from bot.onboarding.reminding import days_late, first_reminder, next_reminder, times_missed
from checklists.model import Remind

MADRID = WorkingTime("Europe/Madrid", ("ES", "FR"))
DAILY = Remind(every_working_days=1, escalate_after=2)


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [
        (date(2026, 10, 9), 1, date(2026, 10, 13)),  # Friday; Monday 12 October is Spain's
        (date(2026, 11, 10), 1, date(2026, 11, 12)),  # 11 November is France's
        (date(2026, 12, 4), 1, date(2026, 12, 7)),  # 6 December is a Sunday
        (date(2026, 12, 7), 1, date(2026, 12, 9)),  # 8 December is Spain's
        (date(2026, 12, 31), 1, date(2027, 1, 4)),  # the year turns on a Friday
        (date(2027, 1, 5), 1, date(2027, 1, 7)),  # Epiphany
        (date(2027, 7, 13), 1, date(2027, 7, 15)),  # 14 July
        (date(2026, 11, 23), 0, date(2026, 11, 23)),
        (date(2026, 11, 21), 1, date(2026, 11, 23)),  # from a Saturday
    ],
)
def test_holidays_of_either_country_are_no_working_days(day: date, days: int, expected: date) -> None:
    assert MADRID.day_after(day, days) == expected


def test_counting_working_days_is_the_inverse_of_adding_them() -> None:
    start = date(2026, 12, 1)
    for days in range(30):
        assert MADRID.days_between(start, MADRID.day_after(start, days)) == days
    assert MADRID.days_between(start, date(2026, 11, 1)) == 0
    assert MADRID.day_before(date(2026, 12, 9)) == date(2026, 12, 7)


@pytest.mark.parametrize(
    ("day", "opening"),
    [
        (date(2026, 10, 23), "2026-10-23T07:00"),  # the last Friday of summer time
        (date(2026, 10, 24), "2026-10-26T08:00"),  # the clocks go back on Sunday the 25th
        (date(2027, 3, 25), "2027-03-25T08:00"),
        (date(2027, 3, 27), "2027-03-29T07:00"),  # the clocks go forward on Sunday the 28th
    ],
)
def test_work_begins_at_nine_by_the_wall_clock_summer_and_winter(day: date, opening: str) -> None:
    assert WorkingTime("Europe/Madrid", ()).opening(day) == datetime.fromisoformat(opening).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "at_work"),
    [
        ("2026-11-24T09:00", "2026-11-24T09:00"),
        ("2026-11-24T07:59", "2026-11-24T08:00"),  # a minute to nine in Madrid
        ("2026-11-24T17:00", "2026-11-25T08:00"),  # six in the evening
        ("2026-11-27T22:00", "2026-11-30T08:00"),  # Friday night
        ("2026-12-07T23:30", "2026-12-09T08:00"),  # already the eighth in Madrid, a holiday
        ("2026-10-24T10:00", "2026-10-26T08:00"),  # the Saturday before the clocks go back
    ],
)
def test_outside_working_hours_the_next_opening_counts(moment: str, at_work: str) -> None:
    given, expected = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (moment, at_work))
    assert MADRID.within(given) == expected


def test_an_unusual_time_zone_has_its_own_days() -> None:
    tenerife = WorkingTime("Atlantic/Canary", ("ES",))
    assert tenerife.opening(date(2026, 11, 24)) == datetime(2026, 11, 24, 9, tzinfo=UTC)
    assert tenerife.day(datetime(2026, 7, 1, 23, 30, tzinfo=UTC)) == date(2026, 7, 2)


def test_the_first_reminder_comes_on_the_due_day_and_never_on_the_day_of_the_beginning() -> None:
    monday = datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert first_reminder(MADRID, DAILY, monday, date(2026, 11, 26)) == datetime(2026, 11, 26, 8, tzinfo=UTC)
    assert first_reminder(MADRID, DAILY, monday, date(2026, 11, 23)) == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert first_reminder(MADRID, DAILY, monday, date(2026, 11, 2)) == datetime(2026, 11, 24, 8, tzinfo=UTC)
    rarely = Remind(every_working_days=3, escalate_after=1)
    assert first_reminder(MADRID, rarely, monday, None) == datetime(2026, 11, 26, 8, tzinfo=UTC)
    assert next_reminder(MADRID, rarely, datetime(2026, 11, 27, 9, tzinfo=UTC)) == datetime(2026, 12, 2, 8, tzinfo=UTC)
    assert times_missed(MADRID, rarely, monday, datetime(2026, 12, 2, 9, tzinfo=UTC)) == 2


def test_a_date_is_late_from_the_next_working_day() -> None:
    friday = date(2026, 11, 27)
    assert [days_late(MADRID, friday, day) for day in (friday, date(2026, 11, 29), date(2026, 11, 30))] == [0, 0, 1]
    assert days_late(MADRID, None, friday) == 0
