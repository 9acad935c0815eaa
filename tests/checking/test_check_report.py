"""The page that a check writes: what it says, what it draws, and that it needs nothing but itself."""

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from html_page import Drawing, HtmlPage, drawings

from bot.checking.page import TEMPLATES
from bot.checking.stages import CHECKED
from bot.drawing.templates import SHEETS
from bot.locales import catalogue
from checklists.model import LANGUAGES, Localized
from pipeline.findings import Finding
from pipeline.result import NewReference, OutputFile, TableRows

Checked = Callable[[str], Any]
PageOf = Callable[..., str]
HOSTILE = '"><script>alert(1)</script>&{{ 7*7 }}'


def assert_cascades(drawing: Drawing) -> None:
    """Each step begins where the one before ended, and printed sums stand on zero."""
    at = Decimal(0)
    for step in drawing.steps:
        if step.kind in ("base", "total"):
            assert step.amount == step.end == at
        else:
            at += step.amount
            assert step.end == at
    assert drawing.steps[-1].kind == "total"
    assert drawing.steps[-1].end == drawing.printed


def test_the_good_samples_report_adds_up_to_its_printed_total(checked: Checked, page_of: PageOf) -> None:
    page = page_of(checked("good"))
    read = HtmlPage(page)

    assert "Accepted with warnings" in read.words["p"]
    assert 'class="verdict accepted_with_warnings"' in page
    for size in ("wide", "narrow"):
        (fall,) = drawings(page, "waterfall", size)
        assert_cascades(fall)
        assert fall.printed == Decimal("368.69")
        assert "gap" not in {step.kind for step in fall.steps}
        amounts = {step.amount for step in fall.steps}
        assert {Decimal("179.5184"), Decimal("-22.3286"), Decimal("63.4088"), Decimal("3.3352")} <= amounts
        (stages,) = drawings(page, "timeline", size)
        assert list(stages.rows) == list(CHECKED)
        assert stages.rows["totals"] == "waiting"
        assert set(stages.rows.values()) == {"waiting", "done"}
    assert "The parts add up to the printed total: 368.69." in page


def test_the_good_samples_report_has_every_fact(checked: Checked, page_of: PageOf) -> None:
    result = checked("good")
    page = page_of(result)

    words = {word for found in HtmlPage(page).words.values() for word in found}
    assert {result.file, result.sha256, "JET4", "2026-10", "308.0 KiB", "368.69 EUR"} <= words
    assert {"CDR_BELOW_CHARGES", "NEW_REFS", "12.4567", *result.not_made} <= words
    assert {invoice.number for invoice in result.invoices} <= words
    assert {one.ref for one in result.new_references} <= words
    assert {output.name for output in result.outputs} | {output.sha256 for output in result.outputs} <= words
    assert set(result.tables) <= words


def test_a_negative_step_goes_down_and_a_positive_one_up(checked: Checked, page_of: PageOf) -> None:
    (fall,) = drawings(page_of(checked("good")), "waterfall")

    for before, step in pairwise(fall.steps):
        _, y, _, height = step.box
        if step.kind == "charge" and before.kind == "charge":
            reached = before.box[1] if before.amount > 0 else before.box[1] + before.box[3]
            begins = y + height if step.amount > 0 else y
            assert begins == pytest.approx(reached, abs=1)


@pytest.mark.parametrize(
    ("fault", "gap", "after"),
    [
        ("sum_lines_8_33", "8.3300", "charge"),
        ("tax_differs", "2.0000", "tax"),
        ("total_differs", "0.9992", "charge"),
        ("orphan_cuotas", "-17.4874", "charge"),
    ],
)
def test_what_is_missing_is_a_step_of_its_own(
    fault: str, gap: str, after: str, checked: Checked, page_of: PageOf
) -> None:
    page = page_of(checked(fault))
    HtmlPage(page)

    whole, *invoices = drawings(page, "waterfall")
    (missing,) = [step for step in whole.steps if step.kind == "gap"]
    assert missing.amount == Decimal(gap)
    assert_cascades(whole)
    assert 'class="outcome balances"' not in page.partition("</section>")[0]
    for invoice in invoices:
        assert_cascades(invoice)
        assert [step.kind for step in invoice.steps].count("gap") == 1
    if fault != "orphan_cuotas":
        assert len(invoices) == 1
    # A gap can be seen even where it is small beside the total.
    assert missing.box[3] >= 4


def test_the_gap_of_the_broken_sample_is_said_drawn_and_listed(checked: Checked, page_of: PageOf) -> None:
    page = page_of(checked("sum_lines_8_33"), "fr")
    read = HtmlPage(page)

    assert "Il manque 8,33 : les éléments font 360,36, le total imprimé est 368,69." in read.words["p"]
    assert "+8,33" in read.words["text"]
    (stages,) = drawings(page, "timeline")
    assert stages.rows["totals"] == "failed"
    assert [stages.rows[stage] for stage in ("output", "integration", "references", "ofc")] == ["pending"] * 4
    assert [mark for mark in stages.element.iter("path") if mark.attrib["class"] == "mark failed"]
    assert "Arrêté à l'étape « Totaux »." in page.replace("&#39;", "'")


def test_a_file_that_was_not_read_has_findings_and_no_waterfall(checked: Checked, page_of: PageOf) -> None:
    page = page_of(checked("exe_renamed"))
    read = HtmlPage(page)

    assert drawings(page, "waterfall") == []
    assert "Nothing to show: the check stopped before the stage “Totals”." in read.words["p"]
    assert "EXE_UPLOADED" in read.words["span"]
    assert "Quarantined" in read.words["p"]
    (stages,) = drawings(page, "timeline")
    assert stages.rows["header"] == "failed"
    assert set(list(stages.rows.values())[3:]) == {"pending"}


@pytest.mark.parametrize(
    ("language", "verdict", "amount", "stage"),
    [
        ("fr", "Bloqué", "121,5514", "Totaux"),
        ("en", "Blocked", "121.5514", "Totals"),
        ("es", "Bloqueado", "121,5514", "Totales"),
    ],
)
def test_the_page_speaks_the_language_of_the_settings(
    language: str, verdict: str, amount: str, stage: str, checked: Checked, page_of: PageOf
) -> None:
    read = HtmlPage(page_of(checked("sum_lines_8_33"), language))

    assert read.language == language
    assert verdict in read.words["p"]
    assert amount in read.words["td"]
    assert stage in read.words["text"]


def test_every_sentence_that_the_page_asks_for_is_there() -> None:
    text = "".join(template.read_text("utf-8") for folder in (TEMPLATES, SHEETS) for template in folder.glob("*.html"))
    asked = set(re.findall(r"""\bt\(["']([^"'~]+)["'][,)]""", text))

    assert len(asked) > 40
    assert {f"check.{key}" for key in asked} <= catalogue().keys()


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (
            {"tables": 8, "rows": 490, "columns": 16, "differences": 0, "tool": "mdbtools"},
            "16 money columns, all equal",
        ),
        (
            {"tables": 8, "rows": 490, "columns": 16, "differences": 2, "tool": "mdbtools"},
            "2 differences over 8 tables",
        ),
        ({"not_made": "tool", "reason": "<b>"}, "mdbtools cannot read this file (&lt;b&gt;)"),
    ],
)
def test_what_came_of_the_second_reader_is_told(
    second: dict[str, Any], told: str, checked: Checked, page_of: PageOf
) -> None:
    good = checked("good")
    stages = tuple(
        replace(stage, facts={**stage.facts, "cross_check": second}) if stage.stage == "read" else stage
        for stage in good.stages
    )

    assert told in page_of(replace(good, stages=stages))
    assert "Second reader" not in page_of(good)


def test_what_comes_from_the_file_is_escaped(checked: Checked, page_of: PageOf) -> None:
    good = checked("good")
    finding = Finding(
        HOSTILE, "block", "totals", Localized.same(HOSTILE), Localized.same(HOSTILE), {HOSTILE: 3, "invoice": HOSTILE}
    )
    totals = next(stage for stage in good.stages if stage.stage == "totals")
    stages = tuple(
        replace(stage, findings=(finding,), not_made=(HOSTILE,)) if stage is totals else stage for stage in good.stages
    )
    hostile = replace(
        good,
        file=HOSTILE,
        stages=(
            *stages[:-1],
            replace(stages[-1], outputs=(OutputFile("ofc", HOSTILE, Path(HOSTILE), 1, HOSTILE, 1),)),
        ),
        tables={HOSTILE: TableRows(2, 1)},
        invoices=tuple(replace(one, number=HOSTILE, account=HOSTILE, currency=HOSTILE) for one in good.invoices),
        new_references=(NewReference("line", HOSTILE, HOSTILE, Decimal(1), HOSTILE, HOSTILE),),
    )

    page = page_of(hostile)

    HtmlPage(page)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "{{ 7*7 }}" in page


def test_the_page_needs_nothing_but_itself(checked: Checked, page_of: PageOf) -> None:
    page = page_of(checked("sum_lines_8_33"))

    assert not re.search(r"https?:|//[a-z]|@import|<script|url\((?!#)", page)
    for pattern in re.findall(r"url\(#([^)]+)\)", page):
        assert f'id="{pattern}"' in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_many_invoices_are_cut_off_and_counted(language: str, checked: Checked, page_of: PageOf) -> None:
    good = checked("good")
    many = tuple(replace(good.invoices[0], number=f"TA{number:010}") for number in range(1234))

    page = page_of(replace(good, invoices=many), language)

    assert page.count('<th scope="row" class="fixed">TA') == 500
    assert {"fr": "734", "en": "734", "es": "734"}[language] in page
    HtmlPage(page)


# How well it can be seen.


def colours(scheme: str) -> dict[str, str]:
    """The colours of a scheme by their names, as the style sheets give them."""
    style = "".join(sheet.read_text("utf-8") for sheet in (SHEETS / "sheet.css", TEMPLATES / "report.css"))
    dark = "".join(
        re.findall(r"@media screen and \(prefers-color-scheme: dark\) \{ :root \{(.*?)\} \}", style, re.DOTALL)
    )
    light = re.sub(r"@media screen and \(prefers-color-scheme: dark\) \{ :root \{.*?\} \}", "", style, flags=re.DOTALL)
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", light))
    return found if scheme == "light" else found | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", dark))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2."""

    def luminance(colour: str) -> float:
        digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
        channels = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_bars_stand_out_in_both_schemes(scheme: str) -> None:
    colour = colours(scheme)
    texts = [(name, "ground") for name in ("ink", "quiet", "done", "failed", "waiting", "running", "skipped")]
    texts += [("done", "good-soft"), ("waiting", "warn-soft"), ("failed", "bad-soft")]
    texts += [(name, soft) for name in ("ink", "quiet") for soft in ("good-soft", "warn-soft", "bad-soft")]
    bars = [(name, "ground") for name in ("charge", "less", "tax", "sum", "failed", "done")]

    def faint(pairs: list[tuple[str, str]], least: float) -> list[tuple[str, str]]:
        return [(one, other) for one, other in pairs if contrast(colour[one], colour[other]) < least]

    assert faint(texts, 4.5) == []
    assert faint(bars, 3) == []
