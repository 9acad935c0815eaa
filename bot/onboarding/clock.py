"""The one source of time, and working time: the days and hours in which people are expected to act."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol, Self
from zoneinfo import ZoneInfo

import holidays

from checklists.model import Checklist

OPENING, CLOSING = time(9), time(18)


class Clock(Protocol):
    """The one source of time."""

    def now(self) -> datetime:
        """Return the moment, with UTC as its zone."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the moment, with UTC as its zone."""
        return datetime.now(UTC)


@dataclass(frozen=True)
class WorkingTime:
    """The working days and hours of a pack: 9 to 18 by the wall clock of its time zone, summer and winter alike.

    Saturdays, Sundays and the public holidays of any of the countries (ISO 3166 alpha-2) are no working days.
    """

    time_zone: str
    countries: Sequence[str]

    @classmethod
    def of(cls, checklist: Checklist) -> Self:
        """Return the working time that a checklist names."""
        return cls(checklist.time_zone, checklist.calendar)

    def day(self, moment: datetime) -> date:
        """Return the day that it is there at a moment."""
        return moment.astimezone(ZoneInfo(self.time_zone)).date()

    def is_working_day(self, day: date) -> bool:
        """Tell whether people work on a day."""
        return day.weekday() < 5 and not any(day in _public_holidays(country, day.year) for country in self.countries)

    def day_after(self, day: date, working_days: int) -> date:
        """Return the day that lies so many working days after a day; the day itself for 0."""
        while working_days > 0:
            day += timedelta(days=1)
            working_days -= self.is_working_day(day)
        return day

    def day_before(self, day: date) -> date:
        """Return the last working day before a day."""
        day -= timedelta(days=1)
        while not self.is_working_day(day):
            day -= timedelta(days=1)
        return day

    def days_between(self, first: date, last: date) -> int:
        """Count the working days after ``first`` up to and with ``last``; 0 when there are none."""
        days = (last - first).days
        return sum(self.is_working_day(first + timedelta(days=number)) for number in range(1, days + 1))

    def opening(self, day: date) -> datetime:
        """Return when work begins on a day, or on the next working day when that is none."""
        while not self.is_working_day(day):
            day += timedelta(days=1)
        return datetime.combine(day, OPENING, ZoneInfo(self.time_zone)).astimezone(UTC)

    def within(self, moment: datetime) -> datetime:
        """Return the moment itself if people work then, else the next opening."""
        there = moment.astimezone(ZoneInfo(self.time_zone))
        if there.time() >= CLOSING:
            return self.opening(there.date() + timedelta(days=1))
        if there.time() < OPENING or not self.is_working_day(there.date()):
            return self.opening(there.date())
        return moment


@lru_cache(maxsize=256)
def _public_holidays(country: str, year: int) -> frozenset[date]:
    """Keep a year's holidays as a value: the library's own calendars fill themselves while they are asked."""
    return frozenset(holidays.country_holidays(country, years=year))
