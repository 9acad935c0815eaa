"""A finding's figures in people's words and numbers, for the page and for the terminal."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from bot.drawing.figures import amount, count
from bot.locales import catalogue, say
from checklists.model import Language
from pipeline.breakdown import SUM_CODES
from pipeline.findings import Finding
from pipeline.result import ChainResult

# Amounts and rates; a reference or a month has no decimal point.
DECIMAL = re.compile(r"-?\d+\.\d{2,6}")


def figures(finding: Finding, language: Language) -> Iterator[tuple[str, str]]:
    """Give the name and the value of everything in a finding's evidence that is a number."""
    for name, value in finding.evidence.items():
        key = f"check.evidence.{name}"
        label = say(key).text(language) if key in catalogue() else name
        if isinstance(value, int):
            yield label, count(value, language)
        elif DECIMAL.fullmatch(value):
            yield label, amount(Decimal(value), language, places=len(value.partition(".")[2]))


def gap_of(finding: Finding) -> Decimal | None:
    """Return the difference that a finding is about: of amounts, or of rows declared and read."""
    gap, declared, read = (finding.evidence.get(name) for name in ("gap", "declared", "read"))
    if isinstance(gap, str) and DECIMAL.fullmatch(gap):
        return Decimal(gap)
    if isinstance(declared, int) and isinstance(read, int) and declared != read:
        return Decimal(declared - read)
    return None


def gaps_by_invoice(result: ChainResult) -> Mapping[str, tuple[Decimal, ...]]:
    """Return by how much the sums of each invoice were found to differ; only invoices that do are in it."""
    gaps: dict[str, tuple[Decimal, ...]] = {}
    for finding in result.findings:
        invoice, gap = finding.evidence.get("invoice"), gap_of(finding)
        if finding.code in SUM_CODES and isinstance(invoice, str) and gap is not None:
            gaps[invoice] = (*gaps.get(invoice, ()), gap)
    return gaps


def second_reading(result: ChainResult, language: Language) -> str | None:
    """Return what came of the second reader (``--cross-check``); None where it was not asked."""
    read: Mapping[str, Any] = next((stage.facts for stage in result.stages if stage.stage == "read"), {})
    second = read.get("cross_check")
    if second is None:
        return None
    came_of = second.get("not_made") or ("differs" if second["differences"] else "equal")
    return say(f"cross_check.{came_of}", **second).text(language)
