"""The partner's page and the team's: who sees what, and what is never there."""

from datetime import UTC, datetime

import pytest
import requests
from sqlmodel import Session
from web_side import ANA, MARKUP, OFC, Core, Web

from bot.onboarding.models import SourceFile
from bot.onboarding.outcomes import Evidence, Failed, FileEvidence, FindingEvidence
from bot.onboarding.received_files import ReceivedFile
from bot.onboarding.start import StartRequest
from bot.onboarding.view import OnboardingView
from bot.web.partner_page import Connection, partner_page
from checklists.model import Localized

FILE = ReceivedFile("202610_ACME_SOFIA.mdb", 4096, "cd" * 32, "error", datetime(2026, 11, 24, 9, 0, tzinfo=UTC))


def test_the_page_shows_whose_turn_it_is_and_leads_to_what_can_be_answered(
    core: Core, web: Web, browser: requests.Session
) -> None:
    before = core.revision()
    page = browser.get(web.partner_page(core))
    assert page.status_code == 200
    assert "Your turn: Flow form" in " ".join(page.text.split())
    link = page.text.partition('class="button" href="')[2].partition('"')[0]
    assert "Flow request" in browser.get(web.here(link)).text
    assert "OFC received" in page.text
    assert "Later" in page.text
    assert core.revision() == before


def test_the_page_shows_nothing_of_the_team_nor_of_others(core: Core, web: Web, browser: requests.Session) -> None:
    core.onboardings.start(
        StartRequest("operadora_x", "OTHER", "eva@other.es", "SECRET CLIENT", "SECRET", ["B58378431"]), ANA
    )
    core.settle(
        "delivery", Failed("DELIVERY_CODE", text("seen inside"), text("do inside"), link="https://jira.example")
    )
    page = browser.get(web.partner_page(core)).text
    for hidden in ("SECRET", "OTHER", "Portal", "Sign-off", "DELIVERY_CODE", "seen inside", "jira.example", "eva@"):
        assert hidden not in page, hidden
    assert MARKUP not in page


def test_received_files_are_shown_with_their_result(core: Core, web: Web, browser: requests.Session) -> None:
    row = SourceFile(
        onboarding_id=1, name="a.mdb", sha256="ef" * 32, size=2048, path="/srv/secret/path", state="received",
        received_at=core.clock.now(),
    )  # fmt: skip
    with Session(core.store.engine) as session:
        session.add(row)
        session.commit()
    page = browser.get(web.partner_page(core)).text
    assert "a.mdb" in page
    assert "ef" * 32 in page
    assert "Being checked" in page
    assert "/srv/secret" not in page


def text(words: str) -> Localized:
    return Localized.same(words)


def in_pack(core: Core, findings: tuple[FindingEvidence, ...], *, failed: bool) -> OnboardingView:
    """Return the onboarding's view with its delivery step as a step of the chain that has read FILE."""
    from dataclasses import replace

    view = core.onboardings.view(core.key)
    source = FileEvidence(FILE.name, "source", "/srv/x", FILE.size, FILE.sha256)
    steps = tuple(
        replace(
            step,
            definition=step.definition.model_copy(update={"kind": "chain"}),
            state="failed" if failed else "done",
            evidence=Evidence(files=(source, OFC), findings=findings),
        )
        if step.id == "delivery"
        else step
        for step in view.steps
    )
    return replace(view, steps=steps)


def finding(severity: str, message: str, advice: str = "do this") -> FindingEvidence:
    return FindingEvidence("SOME_CODE", severity, text(message), text(advice))


def test_findings_are_told_in_words_and_those_of_the_team_are_not(core: Core) -> None:
    found = (
        finding("block", "the total is wrong"),
        finding("warn", "unusual", "(interne) look into it"),
        finding("warn", "(interne) for us"),
        finding("info", "3 new references"),
    )
    page = partner_page(in_pack(core, found, failed=True), [FILE], link_of=lambda _: None, connection=None)
    (own,) = page.files
    assert own.verdict == "blocked"
    assert [(message.en, advice.en if advice else None) for message, advice in own.findings] == [
        ("the total is wrong", "do this"),
        ("unusual", None),
    ]
    assert page.sent == ()


def test_a_delivered_ofc_is_shown_with_size_and_checksum(core: Core) -> None:
    page = partner_page(in_pack(core, (), failed=False), [], link_of=lambda _: None, connection=None)
    assert page.sent == (OFC,)


def test_where_to_drop_files_is_shown_without_a_password(core: Core) -> None:
    connection = Connection("sftp", "sftp.example.com", 22, lambda partner: f"login-of-{partner}")
    place = partner_page(core.onboardings.view(core.key), [], link_of=lambda _: None, connection=connection).place
    assert place
    assert (place.protocol, place.host, place.port, place.username) == ("SFTP", "sftp.example.com", 22, "login-of-ACME")
    assert place.path == "test/OPERADORA_X/ACME-IBERICA/in"


def test_a_form_link_does_not_open_the_page_nor_the_other_way_round(
    core: Core, web: Web, browser: requests.Session
) -> None:
    form, page = (address.rpartition("/")[2] for address in (web.form(core), web.partner_page(core)))
    assert browser.get(f"{web.url}/partner/{form}").status_code == 404
    assert browser.get(f"{web.url}/form/{page}").status_code == 404
    assert browser.get(f"{web.url}/status/{page}").status_code == 404


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "Votre activation"), ("en", "Your activation"), ("es", "Su activación")]
)
def test_the_page_speaks_three_languages(language: str, said: str, core: Core, web: Web) -> None:
    assert said in requests.get(web.partner_page(core), headers={"Accept-Language": language}).text


def test_the_teams_page_lists_every_activation_behind_its_own_link(
    core: Core, web: Web, browser: requests.Session
) -> None:
    page = browser.get(web.here(web.links.status_page()))
    assert page.status_code == 200
    assert core.key in page.text
    assert "0/6" in page.text
    assert "ACME &lt;script&gt;" in page.text
    closed = browser.get(f"{web.url}/status")
    assert closed.status_code == 403
    assert "onboarding-bot link --status" in closed.text
    core.clock.pass_by(days=61)
    assert browser.get(web.here(web.links.status_page()).replace("/status/", "/status/x")).status_code == 404
