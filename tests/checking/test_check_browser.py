"""The report in a real browser: wide, on a phone, in the dark and on paper."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from pipeline.result import ChainResult


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is missing: apt-get install chromium")
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("fault", ["good", "sum_lines_8_33", "exe_renamed"])
@pytest.mark.parametrize(("width", "seen", "unseen"), [(1100, "wide", "narrow"), (390, "narrow", "wide")])
def test_the_report_fits_its_screen_and_shows_each_drawing_once(
    fault: str,
    width: int,
    seen: str,
    unseen: str,
    chromium: Browser,
    checked: Callable[[str], ChainResult],
    page_of: Callable[..., str],
    tmp_path: Path,
) -> None:
    report = tmp_path / "report.html"
    report.write_text(page_of(checked(fault), "fr"), "utf-8")
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme="dark")
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(f"svg.timeline.{seen}").is_visible()
    assert not page.locator(f"svg.timeline.{unseen}").is_visible()
    if fault != "exe_renamed":
        assert page.locator(f"svg.waterfall.{seen}").first.is_visible()
        assert not page.locator(f"svg.waterfall.{unseen}").first.is_visible()
    # Words in a drawing are as large as print: never scaled down to what nobody reads.
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('svg text')].filter(each => each.getClientRects().length)"
        ".map(each => each.getBoundingClientRect().height))"
    )
    assert smallest >= 10
    assert len(asked) == 1
    page.emulate_media(media="print")
    assert page.locator("svg.timeline.wide").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    context.close()
