"""Every page in a real browser: axe finds nothing, a small screen scrolls down only, the keyboard alone is enough."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from web_side import ANA, Core, Web

from bot.onboarding.models import SourceFile
from bot.web.export import export_dossier

CHROMIUM = Path("/usr/bin/chromium")
# WCAG 2.2 at level AA, and axe's own good practice.
RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


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
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages; anything that the browser itself complains of fails the test."""
    complaints: list[str] = []
    contexts = []

    def opened(language: str = "en", *, width: int = 320, dark: bool = False, script: bool = True) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 640},
            locale=language,
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def clean(page: Page) -> None:
    """Make sure that axe finds nothing, and that the page fits the screen's width."""
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def pages_of(core: Core, web: Web) -> list[str]:
    with core.store.transaction() as session:
        session.add(
            SourceFile(
                onboarding_id=1,
                name="202610_A-ROOT-WITH-A-VERY-LONG-NAME-THAT-DOES-NOT-FIT-A-SMALL-SCREEN_SOFIA.mdb",
                sha256="ef" * 32,
                size=2048,
                path="",
                state="error",
                received_at=core.clock.now(),
            )
        )
    core.deliver()
    return [
        web.form(core),
        web.question(core),
        web.partner_page(core),
        web.here(web.links.status_page()),
        f"{web.url}/status",
        f"{web.url}/form/altered",
        f"{web.url}/nowhere",
    ]


@pytest.mark.parametrize("language", ["fr", "en", "es"])
def test_axe_finds_nothing_on_a_small_screen(
    language: str, core: Core, web: Web, open_page: Callable[..., Page]
) -> None:
    page = open_page(language)
    for address in pages_of(core, web):
        page.goto(address)
        expect(page.locator("html")).to_have_attribute("lang", language)
        clean(page)


def test_axe_finds_nothing_in_the_dark(core: Core, web: Web, open_page: Callable[..., Page]) -> None:
    page = open_page(dark=True)
    for address in pages_of(core, web):
        page.goto(address)
        clean(page)


def test_axe_finds_nothing_while_a_form_is_filled_in(core: Core, web: Web, open_page: Callable[..., Page]) -> None:
    page = open_page(width=375)
    page.goto(web.form(core))
    page.fill("#contact", "half an addr")
    page.select_option("#auth", "PUBLIC_KEY")
    page.get_by_role("button", name="Save the draft").click()
    expect(page.locator("#notice")).to_contain_text("Draft saved")
    clean(page)
    page.get_by_role("button", name="Send the answers").click()
    expect(page.locator("#errors")).to_be_focused()
    clean(page)
    page.fill("#contact", "ana@acme.es")
    page.select_option("#auth", "PASSWORD")
    page.locator("[data-field=details]").get_by_label("No").check()
    page.get_by_role("button", name="Send the answers").click()
    expect(page.locator("h1")).to_have_text("Thank you")
    clean(page)
    page.get_by_role("link", name="See where the activation stands").focus()
    core.onboardings.correcting.ask_correction(core.key, "form", "the e-mail is another one", actor=ANA)
    page.goto(web.form(core))
    expect(page.get_by_role("heading", name="A correction is asked for")).to_be_visible()
    clean(page)
    core.onboardings.linking.make_void(core.key, actor=ANA)
    page.reload()
    expect(page.locator("h1")).to_have_text("Link withdrawn")
    clean(page)


def test_axe_finds_nothing_in_the_dossier(core: Core, open_page: Callable[..., Page], tmp_path: Path) -> None:
    core.deliver()
    view, events = core.onboardings.view(core.key), core.onboardings.trail(core.key)
    page = open_page(width=375)
    for language in ("fr", "en", "es"):
        written = export_dossier(tmp_path / language, view, events, language)  # type: ignore[arg-type]
        page.goto(written[0].as_uri())
        clean(page)


def test_the_draft_saves_itself_while_somebody_types_and_is_there_after_a_reload(
    core: Core, web: Web, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    page.goto(web.form(core))
    page.fill("#contact", "half an addr")
    expect(page.locator("#saved")).to_contain_text("Draft saved 24 Nov 2026")
    expect(page.locator("#contact-doubt")).to_contain_text("is no e-mail address")
    page.fill("#contact", "ana@acme.es")
    expect(page.locator("#contact-doubt")).to_be_hidden()
    page.reload()
    expect(page.locator("#contact")).to_have_value("ana@acme.es")
    expect(page.locator("#notice")).to_contain_text("You are continuing the draft")


def test_a_private_key_that_is_chosen_never_leaves_the_browser(
    core: Core, web: Web, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = open_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    page.goto(web.form(core))
    key = tmp_path / "id_ed25519"
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n")
    page.set_input_files("#key-file", key)
    expect(page.locator("#key-file-said")).to_contain_text("it has not been sent")
    assert page.locator("#key-file").input_value() == ""
    page.fill("#key", key.read_text())
    page.fill("#remarks", "typed after it")
    expect(page.locator("#saved")).to_contain_text("Draft saved")
    assert not any("c2VjcmV0" in body for body in sent)
    public = tmp_path / "id_ed25519.pub"
    public.write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIII1Xj2f0mtdVh2N7/lUKmaP4omb1ccLwndXl21xrsfi ana\n")
    page.set_input_files("#key-file", public)
    expect(page.locator("#key")).to_have_value(public.read_text().strip())


def test_every_control_is_reached_in_order_by_keyboard_and_shows_its_focus(
    core: Core, web: Web, open_page: Callable[..., Page]
) -> None:
    page = open_page(width=375)
    page.goto(web.form(core))
    places: list[float] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        active = page.evaluate(
            "(() => { const e = document.activeElement, s = getComputedStyle(e);"
            " return [e.tagName, e.name ?? '', e.getBoundingClientRect().top + scrollY, s.outlineStyle,"
            " parseFloat(s.outlineWidth), e.className] })()"
        )
        if active[0] == "BODY":
            break
        assert active[3] != "none", active
        assert active[4] >= 2, active
        if active[5] != "skip":
            places.append(active[2])
    assert len(places) > 12
    assert places == sorted(places)


@pytest.mark.parametrize("language", ["fr", "en", "es"])
def test_without_script_a_draft_is_saved_and_the_language_changes_by_button(
    language: str, core: Core, web: Web, open_page: Callable[..., Page]
) -> None:
    page = open_page(language, script=False)
    page.goto(web.form(core))
    page.fill("#remarks", "kept")
    other = "es" if language != "es" else "fr"
    page.locator(f"button[name=show_in][value={other}]").click()
    expect(page.locator("html")).to_have_attribute("lang", other)
    expect(page.locator("#remarks")).to_have_value("kept")
    page.locator("button[value=save]").click()
    expect(page.locator("#notice")).to_be_visible()
    page.goto(web.form(core))
    expect(page.locator("#remarks")).to_have_value("kept")
