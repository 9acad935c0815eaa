"""The one source of time, and working days."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import holidays


class Clock(Protocol):
    """The one source of time."""

    def now(self) -> datetime:
        """Return the moment, with UTC as its zone."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the moment, with UTC as its zone."""
        return datetime.now(UTC)


def working_day_after(moment: datetime, days: int, *, time_zone: str, countries: Sequence[str]) -> date:
    """Return the day that lies ``days`` working days after a moment, in a time zone.

    Saturdays, Sundays and the public holidays of any of the countries (ISO 3166 alpha-2) are no working days.
    """
    day = moment.astimezone(ZoneInfo(time_zone)).date()
    calendars = [holidays.country_holidays(country, years=[day.year, day.year + 1]) for country in countries]
    while days > 0:
        day += timedelta(days=1)
        if day.weekday() < 5 and not any(day in calendar for calendar in calendars):
            days -= 1
    return day
