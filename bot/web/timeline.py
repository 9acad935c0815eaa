"""When each step began, waited, failed and ended, laid out as a drawing: pure arithmetic on the audit trail.

Lengths are in the drawing's own units (about CSS pixels at its natural width).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from bot.onboarding.models import Event
from bot.onboarding.view import OnboardingView
from bot.web.pages import short_day
from checklists.model import Language

MarkKind = Literal["failed", "retried", "back"]

WIDTH = 1000.0
LABELS = 250.0
DURATIONS = 110.0
PLOT = WIDTH - LABELS - DURATIONS
AXIS = 44.0
ROW = 30.0
BAR = 14.0
# The shortest bar that can still be seen.
SHORTEST = 3.0
MOST_TICKS = 8
LONGEST_LABEL = 33

_DAY = 86_400
_TICK_SECONDS = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200),
    *(_DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY),
)

# What a line of the trail says about its step's state from then on; None: nothing is under way any more.
_STATE_AFTER: Mapping[str, str | None] = {
    "step_started": "running",
    "step_waiting": "waiting",
    "step_asks": "waiting",
    "step_failed": "failed",
    "step_done": None,
    "step_skipped": None,
    "step_not_applicable": None,
}
_MARKS: Mapping[str, MarkKind] = {"step_failed": "failed", "step_retried": "retried", "went_back": "back"}


@dataclass(frozen=True)
class Span:
    """A time during which a step was in one state; ``is_open``: it still is."""

    state: str
    start: datetime
    end: datetime
    is_open: bool = False


@dataclass(frozen=True)
class Moment:
    """Something that happened at one time: the step failed, was retried, or was gone back to."""

    kind: MarkKind
    at: datetime


@dataclass(frozen=True)
class Course:
    """All that the trail tells about when one step did what."""

    step_id: str
    spans: tuple[Span, ...]
    moments: tuple[Moment, ...]

    @property
    def begun(self) -> datetime | None:
        """When the step first began."""
        return self.spans[0].start if self.spans else None

    @property
    def ended(self) -> datetime | None:
        """When it ended for good; None while it has not."""
        return None if not self.spans or self.spans[-1].is_open else self.spans[-1].end

    @property
    def seconds(self) -> float:
        """How long it was under way in all."""
        return sum((span.end - span.start).total_seconds() for span in self.spans)


def courses(view: OnboardingView, events: Sequence[Event]) -> Mapping[str, Course]:
    """Return the course of every step, by step id, up to the trail's last line."""
    until = max((line.at for line in events), default=view.started_at)
    return {step.id: _course(step.id, [line for line in events if line.step == step.id], until) for step in view.steps}


def _course(step_id: str, lines: Sequence[Event], until: datetime) -> Course:
    spans: list[Span] = []
    moments = tuple(Moment(_MARKS[line.kind], line.at) for line in lines if line.kind in _MARKS)
    state, since = None, until
    for line in lines:
        if line.kind not in _STATE_AFTER:
            continue
        if state is not None:
            spans.append(Span(state, since, max(since, line.at)))
        state, since = _STATE_AFTER[line.kind], line.at
    if state is not None:
        spans.append(Span(state, since, max(since, until), is_open=True))
    return Course(step_id, tuple(spans), moments)


# The drawing.


@dataclass(frozen=True)
class Bar:
    """A span as it is drawn."""

    state: str
    x: float
    width: float
    is_open: bool
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Mark:
    """A moment as it is drawn."""

    kind: MarkKind
    x: float
    at: datetime


@dataclass(frozen=True)
class Row:
    """One step's line of the drawing."""

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
    day: str


@dataclass(frozen=True)
class Drawing:
    """The whole timeline."""

    width: float
    height: float
    rows: tuple[Row, ...]
    ticks: tuple[AxisTick, ...]


def draw(view: OnboardingView, events: Sequence[Event], language: Language) -> Drawing:
    """Lay out one row a step that applies, on a linear time axis in the pack's time zone."""
    start = min((line.at for line in events), default=view.started_at)
    end = max((line.at for line in events), default=view.started_at)
    # Everything may have happened within one second.
    end = max(end, start + timedelta(seconds=1))
    scale = _Scale(start, end)
    by_step = courses(view, events)
    shown = [step for step in view.steps if step.state != "not_applicable"]
    rows = []
    for number, step in enumerate(shown):
        course, title = by_step[step.id], step.definition.title.text(language)
        rows.append(
            Row(
                title=title,
                label=title if len(title) <= LONGEST_LABEL else title[: LONGEST_LABEL - 1].rstrip() + "…",
                state=step.state,
                y=AXIS + number * ROW,
                bars=tuple(scale.bar(span) for span in course.spans),
                marks=tuple(Mark(moment.kind, scale.x(moment.at), moment.at) for moment in course.moments),
                lasted=duration(course.seconds, language) if course.spans else "",
            )
        )
    ticks = tuple(_axis(start, end, ZoneInfo(view.pack.checklist.time_zone), scale, language))
    return Drawing(WIDTH, AXIS + len(shown) * ROW + 8, tuple(rows), ticks)


@dataclass(frozen=True)
class _Scale:
    start: datetime
    end: datetime

    def x(self, at: datetime) -> float:
        share = (at - self.start) / (self.end - self.start)
        return round(LABELS + PLOT * min(max(share, 0.0), 1.0), 2)

    def bar(self, span: Span) -> Bar:
        x = min(self.x(span.start), LABELS + PLOT - SHORTEST)
        width = max(self.x(span.end) - x, SHORTEST)
        return Bar(span.state, x, round(width, 2), span.is_open, span.start, span.end)


def _axis(start: datetime, end: datetime, zone: ZoneInfo, scale: _Scale, language: Language) -> Iterator[AxisTick]:
    step = tick_seconds((end - start).total_seconds())
    last_day = None
    for at in _tick_times(start, end, zone, step):
        local = at.astimezone(zone)
        clock = "" if step >= _DAY else local.strftime("%H:%M:%S" if step < 60 else "%H:%M")
        day = short_day(language, local.date()) if local.date() != last_day else ""
        last_day = local.date()
        yield AxisTick(scale.x(at), clock, day)


def tick_seconds(span: float) -> int:
    """Return the distance of two lines of the axis, in seconds: a round one, with at most MOST_TICKS of them."""
    for seconds in _TICK_SECONDS:
        if span / seconds <= MOST_TICKS:
            return seconds
    return 28 * _DAY * math.ceil(span / (28 * _DAY) / MOST_TICKS)


def _tick_times(start: datetime, end: datetime, zone: ZoneInfo, step: int) -> Iterator[datetime]:
    """Give the round times within a stretch; days begin at midnight in the zone, whatever its clock does."""
    first_day = start.astimezone(zone).date()
    midnight = datetime.combine(first_day, time(), zone)
    if step >= _DAY:
        days = step // _DAY
        count = 0
        while (at := datetime.combine(first_day + timedelta(days=days * count), time(), zone)) <= end:
            if at >= start:
                yield at
            count += 1
        return
    passed = math.ceil((start - midnight).total_seconds() / step)
    at = start + (timedelta(seconds=passed * step) - (start - midnight))
    while at <= end:
        yield at
        at += timedelta(seconds=step)


_UNITS: Mapping[Language, tuple[str, str, str, str]] = {
    "fr": ("j", "h", "min", "s"),
    "en": ("d", "h", "min", "s"),
    "es": ("d", "h", "min", "s"),
}


def duration(seconds: float, language: Language) -> str:
    """Return a length of time for people, in its two largest units: ``3 d 4 h``, ``2 min 5 s``, ``0.4 s``."""
    day, hour, minute, second = _UNITS[language]
    if seconds < 1:
        decimal = "." if language == "en" else ","
        return f"{seconds:.1f} {second}".replace(".", decimal)
    whole = round(seconds)
    parts = [
        (whole // _DAY, day),
        (whole % _DAY // 3600, hour),
        (whole % 3600 // 60, minute),
        (whole % 60, second),
    ]
    first = next(index for index, (amount, _) in enumerate(parts) if amount)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount)
