"""The pages in a real browser: by keyboard, with and without the page's script."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from web_side import Core, Web

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{CHROMIUM} is not there")
        pytest.skip(f"{CHROMIUM} is not there")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A phone-sized page; anything that the browser itself complains of fails the test."""
    complaints: list[str] = []
    context = chromium.new_context(viewport={"width": 390, "height": 800}, locale="en-GB")
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
    yield page
    context.close()
    assert complaints == []


def go_to(page: Page, name: str) -> None:
    """Press Tab until the control of this name has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == name:
            return
    raise AssertionError(f"{name} cannot be reached by keyboard")


def test_the_form_is_filled_in_by_keyboard_alone(core: Core, web: Web, page: Page) -> None:
    page.goto(web.form(core))
    go_to(page, "contact")
    page.keyboard.type("nobody")
    go_to(page, "details")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    summary = page.locator("#errors")
    expect(summary).to_be_focused()
    assert "retention" in page.content()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#contact")).to_be_focused()
    expect(page.locator("#contact")).to_have_value("nobody")
    page.keyboard.press("Control+A")
    page.keyboard.type("ana@acme.es")
    go_to(page, "retention")
    page.keyboard.type("30")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Thank you")
    assert core.answers()["retention"] == 30


def test_required_marks_follow_the_other_answers(core: Core, web: Web, page: Page) -> None:
    page.goto(web.form(core))
    key = page.locator("[data-field=key]")
    expect(key.locator(".mark-required")).to_be_hidden()
    page.select_option("#auth", "PUBLIC_KEY")
    expect(key.locator(".mark-required")).to_be_visible()
    expect(page.locator("#key")).to_have_attribute("aria-required", "true")
    page.select_option("#auth", "PASSWORD")
    expect(key.locator(".mark-required")).to_be_hidden()
    page.locator("[data-field=details]").get_by_label("Yes").check()
    expect(page.locator("[data-field=retention] .mark-required")).to_be_visible()
    expect(page.locator("[data-field=contact] .mark-required")).to_be_visible()


def test_switching_the_language_keeps_what_was_typed(core: Core, web: Web, page: Page) -> None:
    page.goto(web.form(core))
    page.fill("#remarks", "kept")
    page.get_by_role("link", name="Español").click()
    expect(page.locator("button.primary")).to_have_text("Enviar las respuestas")
    expect(page.locator("#remarks")).to_have_value("kept")


def test_a_phone_scrolls_down_only(core: Core, web: Web, page: Page) -> None:
    core.deliver()
    for address in (web.form(core), web.question(core)):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        heights = page.evaluate("[...document.querySelectorAll('button')].map(b => b.offsetHeight)")
        assert min(heights) >= 44


def test_the_question_is_answered_with_one_click(core: Core, web: Web, page: Page) -> None:
    core.deliver()
    page.goto(web.question(core))
    page.fill("#comment", "all there")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("h1")).to_have_text("Thank you")
    page.go_back()
    page.reload()
    expect(page.locator("h1")).to_have_text("Received before")


def test_the_form_works_without_script(core: Core, web: Web, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="fr-FR")
    page = context.new_page()
    page.goto(web.form(core))
    expect(page.locator("#key-when")).to_contain_text("Obligatoire si Authentification = PUBLIC_KEY")
    page.select_option("#auth", "PUBLIC_KEY")
    page.locator("button.primary").click()
    expect(page.locator("[data-field=key] .mark-required")).to_be_visible()
    page.select_option("#auth", "PASSWORD")
    page.fill("#contact", "ana@acme.es")
    page.locator("[data-field=details]").get_by_label("Non").check()
    page.locator("button.primary").click()
    expect(page.locator("h1")).to_have_text("Merci")
    context.close()
