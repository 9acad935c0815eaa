"""Health, figures, headers, webhooks and the socket itself."""

import re
import socket
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError
from web_side import SECRET, Core, Web

from bot.locales import catalogue
from bot.meters import Meters, effect_kind
from bot.onboarding.errors import SettingsError
from bot.web.app import build_web
from bot.web.health import Part, build_health
from bot.web.links import LinkInvalid, SignedLinks, signed_links
from bot.web.metrics import Census, Kept, exposition
from bot.web.page_tokens import PageTokens
from bot.web.pages import TEMPLATES, Pages
from bot.web.server import WebServer
from bot.web.settings import WebSettings


def test_every_answer_keeps_to_itself(core: Core, web: Web, browser: requests.Session) -> None:
    core.deliver()
    for path in ("/healthz", "/nothing", "/form/x", "/static/pages.css"):
        headers = browser.get(web.url + path).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert "server" not in headers


def test_pages_use_nothing_from_elsewhere_and_no_inline_script(core: Core, web: Web, browser: requests.Session) -> None:
    core.deliver()
    for address in (web.form(core), web.question(core), f"{web.url}/nothing"):
        page = browser.get(address).text
        assert not re.search(r"https?://|src=\"//| style=| on\w+=", page)
        assert not re.search(r"<script(?![^>]* src=)", page)
        for resource in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
            assert browser.get(web.url + resource).status_code == 200
    assert "//" not in browser.get(f"{web.url}/static/pages.css").text


def test_health_and_readiness(core: Core, web: Web, browser: requests.Session) -> None:
    assert browser.get(f"{web.url}/healthz").json() == {"status": "ok"}
    assert browser.get(f"{web.url}/readyz").status_code == 200
    core.clock.pass_by(days=365)
    away = browser.get(f"{web.url}/readyz")
    assert away.status_code == 503
    assert away.json()["parts"] == {"database": True, "slack": False}


def test_figures_count_by_state(core: Core, web: Web, browser: requests.Session) -> None:
    text = browser.get(f"{web.url}/metrics").text
    assert 'onboarding_bot_onboardings{state="open"} 1.0' in text
    assert 'onboarding_bot_steps{state="waiting"} 3.0' in text
    assert 'onboarding_bot_steps{state="running"} 1.0' in text
    assert core.key not in text


def test_slacks_events_pass_whole_and_a_route_without_handler_is_not_there(web: Web, browser: requests.Session) -> None:
    assert browser.post(f"{web.url}/slack/events", data=b"x" * 2_000_000).json() == {"bytes": 2_000_000}
    assert browser.post(f"{web.url}/slack/events", data=b"x" * 9_000_000).status_code == 413
    assert browser.get(f"{web.url}/slack/events").status_code == 405
    assert browser.post(f"{web.url}/jira/webhook", data=b"{}").status_code == 404


def test_a_fault_of_ours_is_a_page_with_a_reference_and_no_detail(core: Core) -> None:
    links = SignedLinks("https://onboarding.example.com", SECRET)

    def broken() -> Census:
        raise RuntimeError("database password is hunter2")

    app = build_web(core.onboardings, links, readiness=dict, census=broken, clock=core.clock, language="es")
    server = WebServer(app, "127.0.0.1", 0)
    server.start()
    try:
        page = requests.get(f"http://127.0.0.1:{server.port}/metrics")
    finally:
        server.stop()
    assert page.status_code == 500
    assert "hunter2" not in page.text
    assert re.search(r"referencia a su contacto: [0-9a-f]{8}", page.text)
    assert page.headers["Cache-Control"] == "no-store"
    assert "Content-Security-Policy" in page.headers


def test_without_links_there_are_no_pages_for_people_outside(core: Core) -> None:
    app = build_web(core.onboardings, None, readiness=dict, census=Census, clock=core.clock, language="en")
    paths = {getattr(route, "path", "") for route in app.routes}
    assert not any(path.startswith(("/form", "/confirm", "/docs", "/openapi")) for path in paths)


def test_a_taken_port_is_said_with_the_settings_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError, match="WEB__PORT"):
        WebServer(FastAPI(), "127.0.0.1", taken.getsockname()[1]).start()


def test_a_server_stops_and_frees_its_port() -> None:
    server = WebServer(FastAPI(), "127.0.0.1", 0)
    with pytest.raises(RuntimeError):
        _ = server.port
    server.start()
    port = server.port
    assert requests.get(f"http://127.0.0.1:{port}/").status_code == 404
    server.stop()
    server.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"secret_key": SECRET}, "WEB__PUBLIC_URL"),
        ({"public_url": "https://x.example"}, "WEB__SECRET_KEY"),
        ({"public_url": "https://x.example", "secret_key": SecretStr("short")}, "5 characters"),
        ({"public_url": "x.example", "secret_key": SECRET}, "WEB__PUBLIC_URL"),
        ({"public_url": "https://x.example/?a=b", "secret_key": SECRET}, "WEB__PUBLIC_URL"),
    ],
)
def test_links_that_cannot_work_name_the_setting(settings: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError, match=named) as refused:
        signed_links(WebSettings.model_validate(settings))
    assert SECRET.get_secret_value() not in str(refused.value)


def test_an_unknown_setting_is_an_error() -> None:
    with pytest.raises(ValidationError):
        WebSettings.model_validate({"prot": 80})


NOTHING_TO_SAY = {"heading": "", "text": "", "tone": "plain", "notes": (), "facts": (), "more": ""}


def test_every_sentence_that_a_template_asks_for_is_there() -> None:
    asked = {
        key
        for template in TEMPLATES.glob("*.html")
        for key in re.findall(r"""\bt\(["']([^"']+)["']""", template.read_text("utf-8"))
    }
    assert len(asked) > 50
    assert {f"web.{key}" for key in asked} <= catalogue().keys()


def test_a_link_holds_no_personal_word_and_reads_back() -> None:
    links = SignedLinks("https://x.example/onb/", SECRET)
    address = links.form("ONB-7", "form")
    assert address.startswith("https://x.example/onb/form/")
    assert 'href="/onb/static/pages.css' in Pages(links.base_path).text("message.html", "en", **NOTHING_TO_SAY)
    target = links.read_form(address.rpartition("/")[2])
    assert (target.key, target.step_id) == ("ONB-7", "form")
    other = SignedLinks("https://x.example", SecretStr("another secret, as long as it must be to sign"))
    with pytest.raises(Exception, match="not valid"):
        other.read_form(address.rpartition("/")[2])


def test_a_part_that_is_not_needed_is_shown_and_keeps_nobody_away() -> None:
    parts = {"database": Part(True), "jira": Part(False, needed=False, seen="no answer, since 2026-11-24 09:00 UTC")}
    server = WebServer(build_health(lambda: parts, Census), "127.0.0.1", 0)
    server.start()
    try:
        ready = requests.get(f"http://127.0.0.1:{server.port}/readyz")
        assert ready.status_code == 200
        assert ready.json()["parts"] == {"database": True, "jira": False}
        assert "09:00" in ready.json()["seen"]["jira"]
        parts["database"] = Part(False)
        assert requests.get(f"http://127.0.0.1:{server.port}/readyz").status_code == 503
        assert requests.get(f"http://127.0.0.1:{server.port}/healthz").status_code == 200
        assert requests.get(f"http://127.0.0.1:{server.port}/form/x").status_code == 404
    finally:
        server.stop()


def test_a_census_is_taken_once_for_many_scrapes() -> None:
    taken: list[Census] = []

    def take() -> Census:
        taken.append(Census(stuck=len(taken)))
        return taken[-1]

    kept = Kept(take, seconds=60)
    assert [kept().stuck, kept().stuck] == [0, 0]
    hasty = Kept(take, seconds=-1)
    assert [hasty().stuck, hasty().stuck] == [1, 2]


def test_every_figure_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "upkeep.md").read_text("utf-8")
    meters = Meters()
    for kind in ("step", "surface"):
        meters.job(kind, "later", 0.1)
    text = exposition(Census, meters.registry).decode()
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE") and "_created" not in line}
    assert len(names) >= 14
    assert {name for name in names if f"`{name}`" not in page} == set()


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("ONB-7:start:jira", "jira start"),
        ("ONB-7:end:slack", "slack end"),
        ("ONB-7:12:slack", "slack report"),
        ("ONB-7:12:slack:file:references.csv", "slack file"),
        ("ONB-7:form:mail-3", "mail"),
        ("ONB-7:directory:mkdir:/partners/ACME", "mkdir"),
        ("ONB-7:ticket:issue", "issue"),
    ],
)
def test_a_ledger_key_tells_what_sort_of_write_it_is(key: str, kind: str) -> None:
    assert effect_kind(key) == kind


def test_a_link_of_the_future_is_no_old_one(core: Core) -> None:
    """Its clock was set back since; a link that was altered stays refused."""
    links = SignedLinks("https://x.example", SECRET, clock=core.clock)
    tokens = PageTokens(SECRET, core.clock)
    link = links.form("ONB-7", "form").rpartition("/")[2]
    page = tokens.make(link, "1")
    core.clock.moment -= timedelta(hours=3)
    assert links.read_form(link).key == "ONB-7"
    assert tokens.check(link, page) == "1"
    with pytest.raises(LinkInvalid):
        links.read_form(f"{link[:-2]}AA")
