"""The report of a check as one page that needs nothing but itself: no script, no resource from elsewhere."""

from collections import Counter
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment

from bot.checking import evidence
from bot.checking.stages import CHECKED, NARROW, WIDE, draw_stages, stage_name
from bot.checking.waterfall import columns, rows, waterfalls
from bot.drawing import figures
from bot.drawing.templates import environment
from bot.locales import say
from checklists.model import Language, Localized, Pack
from pipeline.partfile import written_whole
from pipeline.result import ChainResult

TEMPLATES = Path(__file__).parent / "templates"
# More rows than this and a page is slow and no longer read; the Output has them all.
MOST_ROWS = 500


@cache
def templates() -> Environment:
    """Return the page's templates, all of them compiled; the first time takes a tenth of a second."""
    compiled = environment(TEMPLATES)
    for name in compiled.list_templates():
        compiled.get_template(name)
    return compiled


def write_report(path: Path, result: ChainResult, pack: Pack, language: Language, at: datetime) -> None:
    """Write the page; it appears whole or not at all. Raises OSError."""
    page = render_report(result, pack, language, at)
    with written_whole(path) as part:
        part.write(page.encode("utf-8"))


def render_report(result: ChainResult, pack: Pack, language: Language, at: datetime) -> str:
    """Return the page as HTML. What comes from the file is escaped; ``at`` is when the check was made."""
    stages = {stage.stage: stage for stage in result.stages}
    stopped = next((stage.stage for stage in result.stages if any(found.stops for found in stage.findings)), None)
    pictures = [(one, columns(one, language), rows(one, language)) for one in waterfalls(result, language)]
    return (
        templates()
        .get_template("report.html")
        .render(
            **_writers(language),
            language=language,
            result=result,
            pack=pack,
            at=at,
            format=stages["header"].facts.get("format") if "header" in stages else None,
            period=_period(result),
            stopped=None if stopped is None else stage_name(stopped, language),
            counted=Counter(finding.severity for finding in result.findings),
            figures=lambda finding: tuple(evidence.figures(finding, language)),
            gaps=evidence.gaps_by_invoice(result),
            pictures=pictures,
            second=evidence.second_reading(result, language),
            wide=draw_stages(result, language, WIDE),
            narrow=draw_stages(result, language, NARROW),
            stages_in_all=len(CHECKED),
            seconds=figures.stopwatch(sum(stage.seconds for stage in result.stages), language),
            stage_name=lambda stage: stage_name(stage, language),
            ran=frozenset(stages),
            compared=any(output.kind == "references" for output in result.outputs),
            kept=any(output.path is not None for output in result.outputs),
            most=MOST_ROWS,
        )
    )


def _writers(language: Language) -> dict[str, Any]:
    """Return what the template writes with: ``t`` a sentence of ours, ``tr`` another text, and the numbers."""

    def sentence(key: str, **values: object) -> str:
        return say(f"check.{key}", **values).text(language)

    def translated(text: Localized) -> str:
        return text.text(language)

    return {
        "t": sentence,
        "tr": translated,
        "verdict_name": lambda verdict: say(f"verdict.{verdict}").text(language),
        "money": partial(figures.amount, language=language, places=4),
        "gross": partial(figures.amount, language=language, places=2),
        "short": partial(figures.short_amount, language=language),
        "signed": partial(figures.signed_amount, language=language),
        "count": partial(figures.count, language=language),
        "size": partial(figures.file_size, language=language),
    }


def _period(result: ChainResult) -> str | None:
    """Return the file's month as YYYY-MM: the one it was billed for, else the one in its name."""
    for stage in reversed(result.stages):
        period = stage.facts.get("period")
        if isinstance(period, str):
            return f"{period[:4]}-{period[4:]}"
    return None
