"""How charges, taxes and roundings add up to the printed total: the steps, and where each is drawn.

The steps are exact: each begins where the one before ended, and the last one is the printed total. What is missing
between the parts and a printed amount is a step of its own: a rounding within tolerance, or a gap that was reported.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from textwrap import wrap
from typing import Any, Literal

from bot.drawing.figures import number, short_amount, signed_amount
from bot.locales import say
from checklists.model import Language
from pipeline.breakdown import SUM_CODES
from pipeline.findings import Finding
from pipeline.result import ChainResult, Invoice, Totals

Kind = Literal["charge", "base", "tax", "out_of_tax", "rounding", "gap", "total"]
Part = Literal["base", "tax", "out_of_tax", "total"]

SUMS: frozenset[Kind] = frozenset({"base", "total"})
ZERO = Decimal(0)


@dataclass(frozen=True)
class Step:
    """One step, from ``start`` to ``end``. A base and a total begin at 0: they are printed sums."""

    kind: Kind
    label: str
    start: Decimal
    end: Decimal

    @property
    def amount(self) -> Decimal:
        """What the step adds."""
        return self.end - self.start


@dataclass(frozen=True)
class Waterfall:
    """The steps of one invoice, or of the whole file (``invoice`` None).

    ``parts`` is what the parts come to without the gaps. ``hidden``: something was found not to add up, and these sums
    do not show it, because it lies within a line or because two invoices cancel each other.
    """

    invoice: str | None
    steps: tuple[Step, ...]
    parts: Decimal
    printed: Decimal
    hidden: bool

    @property
    def gap(self) -> Decimal:
        """What the parts lack of the printed total; negative where they come to more."""
        return self.printed - self.parts


def waterfalls(result: ChainResult, language: Language) -> tuple[Waterfall, ...]:
    """Return the file's waterfall and one for each invoice that differs; nothing when its totals were not reached."""
    facts = next((stage.facts for stage in result.stages if stage.stage == "totals"), {})
    if result.totals is None or "by_category" not in facts:
        return ()
    whole = _waterfall(None, facts, result.totals, result, language)
    if len(result.invoices) == 1:
        return (replace(whole, invoice=result.invoices[0].number),)
    by_number = {invoice.number: invoice for invoice in result.invoices}
    differing: Any = facts["differing"]
    return (
        whole,
        *(
            _waterfall(one["invoice"], one, by_number[one["invoice"]], result, language)
            for one in differing
            if one["invoice"] in by_number
        ),
    )


def _waterfall(
    invoice: str | None,
    facts: Mapping[str, Any],
    printed: Totals | Invoice,
    result: ChainResult,
    language: Language,
) -> Waterfall:
    steps = tuple(_steps(facts, printed, _reported(result, invoice), language))
    gaps = [step.amount for step in steps if step.kind == "gap"]
    return Waterfall(
        invoice=invoice,
        steps=steps,
        parts=printed.gross - sum(gaps, ZERO),
        printed=printed.gross,
        hidden=not gaps and any(_about_sums(result, invoice)),
    )


def _steps(
    facts: Mapping[str, Any], printed: Totals | Invoice, reported: frozenset[Part], language: Language
) -> Iterator[Step]:
    """Give the steps: to the base, through the taxes and what is out of tax, to the printed total."""
    at = ZERO

    def step(kind: Kind, label: str, amount: Decimal) -> Iterator[Step]:
        nonlocal at
        if amount:
            yield Step(kind, label, at, at + amount)
            at += amount

    def rest(part: Part, amount: Decimal) -> Iterator[Step]:
        if part in reported:
            yield from step("gap", _words(f"gap.{part}", language), amount)
        else:
            yield from step("rounding", _words("rounding", language), amount)

    charged = {one["category"]: Decimal(one["net"]) for one in facts["by_category"]}
    out_of_tax = charged.pop("OUT_OF_TAX", ZERO)
    for category, net in charged.items():
        yield from step("charge", _words(f"category.{category}", language), net)
    yield from rest("base", printed.net - at)
    yield Step("base", _words("base", language), ZERO, printed.net)
    for group in facts["tax_groups"]:
        yield from step("tax", _group(group, language), Decimal(group["computed"]))
    yield from rest("tax", printed.net + printed.tax - at)
    yield from step("out_of_tax", _words("category.OUT_OF_TAX", language), out_of_tax)
    yield from rest("out_of_tax", printed.net + printed.tax + printed.out_of_tax - at)
    yield from rest("total", printed.gross - at)
    yield Step("total", _words("total", language), ZERO, printed.gross)


def _group(group: Mapping[str, str], language: Language) -> str:
    return _words("tax", language, regime=group["regime"], rate=number(Decimal(group["rate"]), language))


def _words(key: str, language: Language, **values: object) -> str:
    return say(f"check.waterfall.{key}", **values).text(language)


def _reported(result: ChainResult, invoice: str | None) -> frozenset[Part]:
    """Return the printed amounts of which a finding says that their parts do not come to them."""
    printed = {one.number: one for one in result.invoices}
    return frozenset(
        part
        for finding in _about_sums(result, invoice)
        for part in _parts_of(finding, printed.get(str(finding.evidence.get("invoice"))))
    )


def _about_sums(result: ChainResult, invoice: str | None) -> Iterator[Finding]:
    for finding in result.findings:
        about = finding.code in SUM_CODES or finding.code == "ORPHAN_ROWS"
        if about and (invoice is None or finding.evidence.get("invoice") == invoice):
            yield finding


def _parts_of(finding: Finding, invoice: Invoice | None) -> tuple[Part, ...]:
    match finding.code:
        case "SUM_TOTAL":
            return ("total",)
        case "SUM_TAX":
            return ("tax",)
        case "ORPHAN_ROWS":
            return ("tax",) if finding.evidence.get("view") == "tax" else ("base", "out_of_tax")
    if "line" in finding.evidence or "regime" in finding.evidence:
        # The sum of a line, or of the charges at one rate: neither is a step here.
        return ()
    # The catalogue has one code for both sums; the printed amount tells which one it is about.
    stated = str(finding.evidence.get("stated"))
    is_out_of_tax = invoice is not None and stated == f"{invoice.out_of_tax:.4f}" != f"{invoice.net:.4f}"
    return ("out_of_tax",) if is_out_of_tax else ("base",)


# Where the steps are drawn. Lengths are in the drawing's own units, about CSS pixels at its natural width.

WIDTH, HEIGHT = 1000.0, 330.0
TOP, LEFT = 34.0, 4.0
LABEL_HEIGHT = 52.0
MOST_COLUMNS = 13
SHARE_OF_COLUMN = 0.68
# How wide a letter of a label is, and a bold digit as a share of its size; fonts differ, so both are generous.
LETTER, DIGIT = 7.2, 0.66
# The size of the amounts: as large as fits, and not so small that nobody reads them.
LARGEST, SMALLEST = 13.0, 9.0

NARROW_WIDTH, ROW_HEIGHT, ROW_BAR = 360.0, 42.0, 12.0
# The thinnest bar that can still be seen; a gap must be seen first of all.
THINNEST, THINNEST_GAP = 1.5, 4.0


@dataclass(frozen=True)
class Box:
    """One step as it is drawn: a rectangle, its words, and the line that leads to the next step."""

    step: Step
    x: float
    y: float
    width: float
    height: float
    amount: str
    lines: tuple[str, ...]
    text_x: float
    amount_y: float
    link: tuple[float, float, float, float] | None


@dataclass(frozen=True)
class Picture:
    """A drawn waterfall. ``zero`` is where nothing is: a height of columns, a distance from the left of rows.

    ``letters`` is the size of the amounts.
    """

    width: float
    height: float
    zero: float
    boxes: tuple[Box, ...]
    letters: float = LARGEST


@dataclass(frozen=True)
class _Scale:
    """Amounts on a stretch that begins at ``at`` and is ``length`` long; ``length`` is negative where up is less."""

    low: Decimal
    high: Decimal
    at: float
    length: float

    @classmethod
    def of(cls, steps: Sequence[Step], at: float, length: float) -> "_Scale":
        ends = [ZERO, *(end for step in steps for end in (step.start, step.end))]
        low, high = min(ends), max(ends)
        return cls(low, high if high > low else low + 1, at, length)

    def place(self, value: Decimal) -> float:
        share = float((value - self.low) / (self.high - self.low))
        return round(self.at + share * self.length, 2)

    def stretch(self, step: Step) -> tuple[float, float]:
        """Return where a step's bar begins and how long it is; the middle of a bar that would be too thin stays."""
        begin, end = sorted((self.place(step.start), self.place(step.end)))
        lacking = (THINNEST_GAP if step.kind == "gap" else THINNEST) - (end - begin)
        if lacking > 0:
            begin, end = begin - lacking / 2, end + lacking / 2
        return round(begin, 2), round(end - begin, 2)


def columns(waterfall: Waterfall, language: Language) -> Picture | None:
    """Lay the steps out from left to right, up and down; None when there are too many to be read."""
    steps = waterfall.steps
    room = (WIDTH - 2 * LEFT) / len(steps)
    amounts = [_written(step, language) for step in steps]
    size = min(LARGEST, round(room / (max(map(len, amounts)) * DIGIT), 1))
    if len(steps) > MOST_COLUMNS or size < SMALLEST:
        return None
    scale = _Scale.of(steps, TOP + HEIGHT, -HEIGHT)
    longest = max(4, int(room / LETTER))
    width = round(room * SHARE_OF_COLUMN, 2)
    boxes = []
    for place, step in enumerate(steps):
        y, height = scale.stretch(step)
        left = round(LEFT + place * room + (room - width) / 2, 2)
        level = scale.place(step.end)
        last = place == len(steps) - 1
        boxes.append(
            Box(
                step=step,
                x=left,
                y=y,
                width=width,
                height=height,
                amount=amounts[place],
                lines=tuple(wrap(step.label, longest))[:3],
                text_x=round(left + width / 2, 2),
                # Above a step up, below a step down, so that the line to the next step stays free.
                amount_y=round(y - 7 if step.amount >= 0 else y + height + 15, 2),
                link=None if last else (left + width, level, round(left + room, 2), level),
            )
        )
    return Picture(WIDTH, TOP + HEIGHT + LABEL_HEIGHT + 12, scale.place(ZERO), tuple(boxes), size)


def rows(waterfall: Waterfall, language: Language) -> Picture:
    """Lay the steps out from top to bottom, right and left: for a narrow screen, or for many steps."""
    scale = _Scale.of(waterfall.steps, 4.0, NARROW_WIDTH - 8)
    boxes = []
    for place, step in enumerate(waterfall.steps):
        x, width = scale.stretch(step)
        top = place * ROW_HEIGHT
        bar = top + 22
        level = scale.place(step.end)
        last = place == len(waterfall.steps) - 1
        boxes.append(
            Box(
                step=step,
                x=x,
                y=bar,
                width=width,
                height=ROW_BAR,
                amount=_written(step, language),
                lines=(step.label,),
                text_x=4.0,
                amount_y=top + 15,
                link=None if last else (level, bar + ROW_BAR, level, bar + ROW_HEIGHT),
            )
        )
    return Picture(NARROW_WIDTH, len(boxes) * ROW_HEIGHT + 4, scale.place(ZERO), tuple(boxes))


def _written(step: Step, language: Language) -> str:
    return short_amount(step.end, language) if step.kind in SUMS else signed_amount(step.amount, language)
