"""When each step began, waited, failed and ended, laid out as a drawing: pure arithmetic on the audit trail."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from bot.drawing.figures import duration
from bot.drawing.timeline import (
    AxisTick,
    Bar,
    Drawing,
    Mark,
    MarkKind,
    Row,
    Track,
    height_of,
    row_y,
    shortened,
    tick_seconds,
)
from bot.locales import say
from bot.onboarding.models import Event
from bot.onboarding.view import OnboardingView, StepView
from bot.web.pages import moment, sentence, short_day
from checklists.model import Language

WIDTH = 1000.0
LABELS = 250.0
DURATIONS = 110.0
PLOT = WIDTH - LABELS - DURATIONS
LONGEST_LABEL = 33
TRACK = Track(LABELS, PLOT)

_DAY = 86_400

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
_EVENTS: Mapping[MarkKind, str] = {mark: kind for kind, mark in _MARKS.items()}


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


def draw(view: OnboardingView, events: Sequence[Event], language: Language) -> Drawing:
    """Lay out one row a step that applies, on a linear time axis in the pack's time zone."""
    start = min((line.at for line in events), default=view.started_at)
    end = max((line.at for line in events), default=view.started_at)
    # Everything may have happened within one second.
    end = max(end, start + timedelta(seconds=1))
    zone = view.pack.checklist.time_zone
    scale = _Scale(start, end, language, zone)
    by_step = courses(view, events)
    shown = [step for step in view.steps if step.state != "not_applicable"]
    rows = tuple(scale.row(number, step, by_step[step.id]) for number, step in enumerate(shown))
    return Drawing(WIDTH, height_of(len(rows)), rows, tuple(_axis(scale, ZoneInfo(zone))))


@dataclass(frozen=True)
class _Scale:
    start: datetime
    end: datetime
    language: Language
    zone: str

    def share(self, at: datetime) -> float:
        return (at - self.start) / (self.end - self.start)

    def row(self, number: int, step: StepView, course: Course) -> Row:
        title = step.definition.title.text(self.language)
        return Row(
            name=step.id,
            title=f"{title}: {self._state(step.state)}",
            label=shortened(title, LONGEST_LABEL),
            state=step.state,
            y=row_y(number),
            bars=tuple(self._bar(span) for span in course.spans),
            marks=tuple(self._mark(moment) for moment in course.moments),
            lasted=duration(course.seconds, self.language) if course.spans else "",
        )

    def _bar(self, span: Span) -> Bar:
        x, width = TRACK.bar(self.share(span.start), self.share(span.end))
        clock = partial(moment, self.language, time_zone=self.zone, seconds=True)
        title = f"{self._state(span.state)}: {clock(span.start)} – {clock(span.end)}"
        return Bar(span.state, x, width, title, span.is_open)

    def _mark(self, given: Moment) -> Mark:
        told = sentence(self.language, f"event.{_EVENTS[given.kind]}")
        at = moment(self.language, given.at, self.zone, seconds=True)
        return Mark(given.kind, TRACK.x(self.share(given.at)), f"{told}: {at}")

    def _state(self, state: str) -> str:
        return say(f"state.{state}").text(self.language)


def _axis(scale: _Scale, zone: ZoneInfo) -> Iterator[AxisTick]:
    step = tick_seconds((scale.end - scale.start).total_seconds())
    last_day = None
    for at in _tick_times(scale.start, scale.end, zone, step):
        local = at.astimezone(zone)
        clock = "" if step >= _DAY else local.strftime("%H:%M:%S" if step < 60 else "%H:%M")
        day = short_day(scale.language, local.date()) if local.date() != last_day else ""
        last_day = local.date()
        yield AxisTick(TRACK.x(scale.share(at)), clock, day)


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
