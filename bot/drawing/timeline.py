"""A timeline as it is drawn: one row a step, bars and marks on an axis of time. timeline.html beside it draws it.

Lengths are in the drawing's own units (about CSS pixels at its natural width).
"""

import math
from dataclasses import dataclass
from typing import Literal

MarkKind = Literal["failed", "retried", "back"]

AXIS = 44.0
ROW = 30.0
BAR = 14.0
BELOW = 8.0
# The shortest bar that can still be seen.
SHORTEST = 3.0
MOST_TICKS = 8

_DAY = 86_400
_TICK_SECONDS = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200),
    *(_DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY),
)
_TICK_MILLISECONDS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


@dataclass(frozen=True)
class Bar:
    """A time during which a row was in one state, as it is drawn; ``is_open``: it still is."""

    state: str
    x: float
    width: float
    title: str
    is_open: bool = False


@dataclass(frozen=True)
class Mark:
    """Something that happened at one time, as it is drawn."""

    kind: MarkKind
    x: float
    title: str


@dataclass(frozen=True)
class Row:
    """One line of the drawing. ``title`` says in words what the line shows; ``name`` is for programs."""

    name: str
    title: str
    label: str
    state: str
    y: float
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    lasted: str


@dataclass(frozen=True)
class AxisTick:
    """A line of the time axis, with the time and, where it is another one, the day."""

    x: float
    clock: str
    day: str = ""


@dataclass(frozen=True)
class Drawing:
    """The whole timeline."""

    width: float
    height: float
    rows: tuple[Row, ...]
    ticks: tuple[AxisTick, ...]
    row_height: float = ROW
    bar_height: float = BAR


@dataclass(frozen=True)
class Track:
    """The stretch of a drawing on which shares (0 to 1) of the whole time are placed."""

    left: float
    width: float

    def x(self, share: float) -> float:
        """Return where a share lies; what is outside 0 to 1 is put at the end it lies beyond."""
        return round(self.left + self.width * min(max(share, 0.0), 1.0), 2)

    def bar(self, start: float, end: float) -> tuple[float, float]:
        """Return x and width of the bar between two shares; it can always be seen."""
        x = min(self.x(start), self.left + self.width - SHORTEST)
        return x, round(max(self.x(end) - x, SHORTEST), 2)


def row_y(number: int) -> float:
    """Return the top of a row, counted from 0."""
    return AXIS + number * ROW


def height_of(rows: int) -> float:
    """Return the height of a drawing with so many rows."""
    return row_y(rows) + BELOW


def shortened(text: str, longest: int) -> str:
    """Return a label that fits: cut with an ellipsis where it does not."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def tick_seconds(span: float) -> int:
    """Return the distance of two lines of the axis, in seconds: a round one, with at most MOST_TICKS of them."""
    for seconds in _TICK_SECONDS:
        if span / seconds <= MOST_TICKS:
            return seconds
    return 28 * _DAY * math.ceil(span / (28 * _DAY) / MOST_TICKS)


def tick_milliseconds(span: float, most: int = MOST_TICKS) -> int:
    """Return the same for a span in milliseconds, with at most ``most`` lines."""
    for milliseconds in (*_TICK_MILLISECONDS, *(seconds * 1000 for seconds in _TICK_SECONDS)):
        if span / milliseconds <= most:
            return milliseconds
    return 28 * _DAY * 1000 * math.ceil(span / (28 * _DAY * 1000) / most)
