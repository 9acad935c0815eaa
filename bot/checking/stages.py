"""Where each stage of a check stands and how long it took, laid out as a timeline."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from bot.drawing.figures import number, stopwatch
from bot.drawing.timeline import (
    AxisTick,
    Bar,
    Drawing,
    Mark,
    Row,
    Track,
    height_of,
    row_y,
    shortened,
    tick_milliseconds,
)
from bot.locales import say
from checklists.model import STAGES, Language, Stage
from pipeline.result import ChainResult, StageResult

State = Literal["done", "waiting", "failed", "pending"]

# A check has no partner to deliver to: the OFC is made, not sent.
CHECKED: tuple[Stage, ...] = tuple(stage for stage in STAGES if stage != "delivery")


@dataclass(frozen=True)
class Shape:
    """How wide a drawing is and what its columns take; ``letters`` fit on a label."""

    width: float
    labels: float
    durations: float
    letters: int
    ticks: int

    @property
    def track(self) -> Track:
        """Where the bars lie."""
        return Track(self.labels, self.width - self.labels - self.durations)


WIDE = Shape(width=1000, labels=190, durations=90, letters=24, ticks=8)
NARROW = Shape(width=360, labels=128, durations=66, letters=15, ticks=3)


def stage_name(stage: Stage, language: Language) -> str:
    """Return what people call a stage."""
    return say(f"check.stage.{stage}").text(language)


def state_of(result: StageResult | None) -> State:
    """Return how a stage ended, in the states that the drawing has colours for; ``pending``: it did not run."""
    if result is None:
        return "pending"
    if any(finding.stops for finding in result.findings):
        return "failed"
    return "waiting" if any(finding.severity == "warn" for finding in result.findings) else "done"


def draw_stages(result: ChainResult, language: Language, shape: Shape) -> Drawing:
    """Lay out one row a stage of a check, one after the other on the time that the run took."""
    whole = max(sum(stage.seconds for stage in result.stages), 0.001)
    ran = {stage.stage: stage for stage in result.stages}
    rows = []
    at = 0.0
    for place, stage in enumerate(CHECKED):
        seconds = ran[stage].seconds if stage in ran else 0.0
        state, name = state_of(ran.get(stage)), stage_name(stage, language)
        lasted = stopwatch(seconds, language) if stage in ran else ""
        told = say(f"check.state.{state}").text(language)
        title = f"{name}: {told}" + (f", {lasted}" if lasted else "")
        x, width = shape.track.bar(at / whole, (at + seconds) / whole)
        rows.append(
            Row(
                name=stage,
                title=title,
                label=shortened(name, shape.letters),
                state=state,
                y=row_y(place),
                bars=(Bar(state, x, width, title),) if stage in ran else (),
                marks=(Mark("failed", x + width / 2, title),) if state == "failed" else (),
                lasted=lasted or "—",
            )
        )
        at += seconds
    return Drawing(shape.width, height_of(len(rows)), tuple(rows), tuple(_axis(whole, shape, language)))


def _axis(whole: float, shape: Shape, language: Language) -> Iterator[AxisTick]:
    step = tick_milliseconds(whole * 1000, shape.ticks)
    for milliseconds in range(0, int(whole * 1000) + 1, step):
        seconds = number(Decimal(milliseconds) / 1000, language)
        yield AxisTick(shape.track.x(milliseconds / (whole * 1000)), f"{seconds} s")
