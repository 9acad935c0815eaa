"""The dates of JQL: absolute ones, periods such as ``-2d 4h``, and the functions that give a date."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.sandbox.jira.jql_parser import Call, JqlError, Operand, Text

PERIOD = re.compile(r"([+-]?)((?:\d{1,6}\s*[wdhm]\s*)+)", re.IGNORECASE)
PART = re.compile(r"(\d+)\s*([wdhm])", re.IGNORECASE)
UNITS = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
ABSOLUTE = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?: (\d{1,2}):(\d{2}))?")
# Periods that lead outside the calendar end at its ends, as far as a comparison goes.
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def read_date(operand: Operand, field: str, now: datetime) -> datetime:
    """Return the time that an operand means, in UTC. Raises JqlError."""
    match operand:
        case Text(text):
            found = _absolute(text) or _relative(text, now)
            if found is None:
                raise JqlError(
                    f"Date value '{text}' for field '{field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
                    "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
                )
            return found
        case Call(name, arguments):
            return _function(name.lower(), arguments, now)
    raise JqlError(f"Field '{field}' cannot be compared with EMPTY this way.")


def _absolute(text: str) -> datetime | None:
    match = ABSOLUTE.fullmatch(text.strip())
    if match is None:
        return None
    year, _, month, day, hour, minute = match.groups()
    try:
        return datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), tzinfo=UTC)
    except ValueError:
        return None


def _relative(text: str, now: datetime) -> datetime | None:
    match = PERIOD.fullmatch(text.strip())
    if match is None:
        return None
    length = sum((int(amount) * UNITS[unit.lower()] for amount, unit in PART.findall(match[2])), timedelta())
    try:
        return now - length if match[1] == "-" else now + length
    except OverflowError:
        return FIRST if match[1] == "-" else LAST


def _function(name: str, arguments: Sequence[str], now: datetime) -> datetime:
    if name == "now" and not arguments:
        return now
    if name in {"startofday", "endofday"} and len(arguments) <= 1:
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if name == "endofday":
            day += timedelta(days=1, microseconds=-1)
        if not arguments:
            return day
        # A bare number counts days.
        amount = arguments[0] if arguments[0][-1:].isalpha() else f"{arguments[0]}d"
        moved = _relative(amount, day)
        if moved is not None:
            return moved
        raise JqlError(f"The duration '{arguments[0]}' of the function '{name}' is invalid.")
    raise JqlError(f"Unable to find JQL function '{name}({', '.join(arguments)})'.")
