"""The partner's form on its page."""

import html
import re
from collections.abc import Mapping
from typing import Any

import pytest
import requests
from pydantic import BaseModel
from web_side import ANA, GOOD, MARKUP, Core, Web

from bot.onboarding.answers import asked_fields, required_fields
from bot.web.form_marks import required_rules
from checklists.loader import builtin_packs, load_pack
from checklists.model import (
    AskParameters,
    ChainParameters,
    ConfirmParameters,
    DepositParameters,
    DirectoryParameters,
    FormParameters,
    ReferencesParameters,
    TicketParameters,
    WatchParameters,
)

PARAMETERS: dict[str, type[BaseModel]] = {
    "ask": AskParameters,
    "chain": ChainParameters,
    "confirm": ConfirmParameters,
    "deposit": DepositParameters,
    "directory": DirectoryParameters,
    "form": FormParameters,
    "references": ReferencesParameters,
    "ticket": TicketParameters,
    "watch": WatchParameters,
}

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def token_of(page: requests.Response) -> str:
    found = TOKEN.search(page.text)
    assert found, page.text[:2000]
    return found[1]


def send(browser: requests.Session, address: str, **changes: object) -> requests.Response:
    token = token_of(browser.get(address))
    return browser.post(address, data={**GOOD, **changes, "csrf_token": token})


def test_get_shows_the_form_and_changes_nothing(core: Core, web: Web, browser: requests.Session) -> None:
    before, jobs = core.revision(), list(core.jobs.ids)
    address = web.form(core)
    assert browser.head(address).status_code == 200
    page = browser.get(address)
    assert page.status_code == 200
    assert "Flow request" in page.text
    assert "OPERADORA X" in page.text
    assert "/srv/onboarding/ACME/test/OPERADORA_X/ACME-IBERICA/in" in page.text
    assert (core.revision(), core.jobs.ids) == (before, jobs)


def test_good_answers_end_the_step_with_the_partner_on_the_trail(
    core: Core, web: Web, browser: requests.Session
) -> None:
    page = send(browser, web.form(core))
    assert page.status_code == 200
    assert "Thank you" in page.text
    step = core.onboardings.view(core.key).step("form")
    assert (step.state, step.changed_by) == ("done", "ACME")
    answers = core.answers()
    assert answers["contact"] == "ana@acme.es"
    assert answers["days"] == ["MON", "WED"]
    assert answers["details"] is False
    assert answers["client_tax_ids"] == ["B58378431"]


def test_what_the_bot_fills_in_cannot_be_changed_by_the_partner(
    core: Core, web: Web, browser: requests.Session
) -> None:
    send(browser, web.form(core), client_tax_ids="A28015865", in_directory="/etc")
    assert core.answers()["client_tax_ids"] == ["B58378431"]
    assert core.answers()["in_directory"] == "/srv/onboarding/ACME/test/OPERADORA_X/ACME-IBERICA/in"


def test_all_errors_come_at_once_beside_what_was_typed(core: Core, web: Web, browser: requests.Session) -> None:
    before = core.revision()
    page = send(
        browser,
        web.form(core),
        contact="no address",
        remarks=f"two\nlines {MARKUP}",
        auth="PUBLIC_KEY",
        details="true",
        retention="900",
    )
    assert page.status_code == 400
    for name in ("contact", "key", "retention"):
        assert f'id="{name}-error"' in page.text
        assert f'<a href="#{name}">' in page.text
        control = re.search(rf'<(?:input|textarea)[^>]* name="{name}"[^>]*>', page.text)
        assert control
        assert 'aria-invalid="true"' in control[0]
        described = re.search(r'aria-describedby="([^"]+)"', control[0])
        assert described
        for part in described[1].split():
            assert f'id="{part}"' in page.text
    assert 'value="no address"' in page.text
    assert 'value="900"' in page.text
    assert "two\nlines &lt;script&gt;" in page.text
    assert re.search(r'value="WED" checked', page.text)
    assert re.search(r'value="PUBLIC_KEY" selected', page.text)
    assert core.revision() == before


def test_markup_from_people_is_never_markup_on_the_page(core: Core, web: Web, browser: requests.Session) -> None:
    page = send(browser, web.form(core), contact=MARKUP, remarks="</textarea>" + MARKUP, auth='"><img src=x>')
    assert page.status_code == 400
    assert MARKUP not in page.text
    assert "<img" not in page.text
    assert "&lt;/textarea&gt;" in page.text


def test_a_private_key_is_refused_and_not_shown_again(core: Core, web: Web, browser: requests.Session) -> None:
    page = send(browser, web.form(core), auth="PUBLIC_KEY", key="-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0")
    assert page.status_code == 400
    assert "c2VjcmV0" not in page.text
    assert 'id="key-error"' in page.text


@pytest.mark.parametrize("token", [None, "", "x" * 20, "other"])
def test_a_post_without_the_pages_token_is_refused(
    token: str | None, core: Core, web: Web, browser: requests.Session
) -> None:
    core.deliver()
    before = core.revision()
    if token == "other":
        token = token_of(browser.get(web.question(core)))
    data = {**GOOD} if token is None else {**GOOD, "csrf_token": token}
    page = browser.post(web.form(core), data=data)
    assert page.status_code == 403
    assert "Answer refused" in page.text
    assert core.revision() == before


def test_a_page_that_was_open_too_long_comes_again_with_what_was_typed(
    core: Core, web: Web, browser: requests.Session
) -> None:
    address = web.form(core)
    token = token_of(browser.get(address))
    core.clock.pass_by(days=3)
    page = browser.post(address, data={**GOOD, "remarks": "kept", "csrf_token": token})
    assert page.status_code == 403
    assert "kept</textarea>" in page.text
    assert core.onboardings.view(core.key).step("form").state == "waiting"
    again = browser.post(address, data={**GOOD, "csrf_token": token_of(page)})
    assert again.status_code == 200


def test_the_same_post_again_says_so_and_changes_nothing(core: Core, web: Web, browser: requests.Session) -> None:
    address = web.form(core)
    token = token_of(browser.get(address))
    assert "Thank you" in browser.post(address, data={**GOOD, "csrf_token": token}).text
    before = core.revision()
    for remarks in ("", "other answers"):
        again = browser.post(address, data={**GOOD, "remarks": remarks, "csrf_token": token})
        assert again.status_code == 200
        assert "Received before" in again.text
    assert "Received before" in browser.get(address).text
    assert core.revision() == before
    assert "remarks" not in core.answers()


def test_a_closed_onboarding_takes_no_answer(core: Core, web: Web, browser: requests.Session) -> None:
    address = web.form(core)
    token = token_of(browser.get(address))
    core.onboardings.cancel(core.key, "no longer a client", actor=ANA)
    assert browser.get(address).status_code == 410
    page = browser.post(address, data={**GOOD, "csrf_token": token})
    assert page.status_code == 410
    assert core.onboardings.view(core.key).step("form").state == "waiting"


def test_links_that_are_altered_foreign_or_old_say_what_to_do(core: Core, web: Web, browser: requests.Session) -> None:
    good = web.form(core)
    question_token = web.question(core).rpartition("/")[2]
    for wrong in (good[:-1], good[:-3] + "abc", f"{web.url}/form/{question_token}", f"{web.url}/form/x"):
        for answer in (browser.get(wrong), browser.post(wrong, data=GOOD)):
            assert answer.status_code == 404
            assert "ask your contact for a new one" in answer.text
    assert browser.get(f"{web.url}/form/{web.links.form('ONB-99', 'form').rpartition('/')[2]}").status_code == 404
    assert browser.get(f"{web.url}/form/{web.links.form(core.key, 'portal').rpartition('/')[2]}").status_code == 404
    core.clock.pass_by(days=61)
    old = browser.get(good)
    assert old.status_code == 410
    assert "60 days" in old.text


def test_the_page_speaks_the_language_asked_for(core: Core, web: Web) -> None:
    address = web.form(core)
    said = {
        "Envoyer les réponses": requests.get(address, headers={"Accept-Language": "de"}),
        "Send the answers": requests.get(address, headers={"Accept-Language": "de, en;q=0.8, es;q=0.5"}),
        "Enviar las respuestas": requests.get(f"{address}?lang=es", headers={"Accept-Language": "en"}),
    }
    for text, page in said.items():
        assert text in page.text
        assert f'lang="{page.headers["Content-Language"]}"' in page.text


def test_a_switch_of_language_keeps_what_was_typed(core: Core, web: Web, browser: requests.Session) -> None:
    before = core.revision()
    token = token_of(browser.get(web.form(core)))
    data = {**GOOD, "remarks": "kept", "csrf_token": token, "show_in": "es"}
    page = browser.post(f"{web.form(core)}?lang=es", data=data)
    assert page.status_code == 200
    assert "Enviar las respuestas" in page.text
    assert "kept</textarea>" in page.text
    assert core.revision() == before


def test_ten_megabytes_are_refused_in_words(core: Core, web: Web, browser: requests.Session) -> None:
    before = core.revision()
    page = browser.post(web.form(core), data={**GOOD, "remarks": "x" * 10_000_000})
    assert page.status_code == 413
    assert "more than the page takes" in page.text
    pieces = (b"x" * 100_000 for _ in range(20))
    assert browser.post(web.form(core), data=pieces).status_code == 413
    assert core.revision() == before


def test_a_file_or_another_kind_of_body_is_no_answer(core: Core, web: Web, browser: requests.Session) -> None:
    token = token_of(browser.get(web.form(core)))
    files = {"remarks": ("x.txt", b"x")}
    assert browser.post(web.form(core), data={**GOOD, "csrf_token": token}, files=files).status_code == 400
    assert browser.post(web.form(core), json={**GOOD, "csrf_token": token}).status_code == 403
    assert core.onboardings.view(core.key).step("form").state == "waiting"


def test_answers_that_came_in_between_are_not_overwritten(
    core: Core, web: Web, browser: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = core.onboardings.submit_form

    def overtaken(*args: Any, **more: Any) -> bool:
        submit(core.key, "form", {"contact": "first@acme.es"}, actor=more["actor"])
        return submit(*args, **more)

    monkeypatch.setattr(core.onboardings, "submit_form", overtaken)
    page = send(browser, web.form(core))
    assert "Received before" in page.text
    assert core.answers() == {"contact": "first@acme.es"}


@pytest.mark.parametrize(
    ("language", "text"), [("fr", "l'équipe a poursuivi"), ("en", "gone on another way"), ("es", "ha continuado")]
)
def test_a_skipped_form_is_no_longer_asked_for(
    language: str, text: str, core: Core, web: Web, browser: requests.Session
) -> None:
    core.onboardings.skip(core.key, "form", "filled in on the phone", actor=ANA)
    page = browser.get(f"{web.form(core)}?lang={language}")
    assert page.status_code == 410
    assert text in html.unescape(page.text)


def test_the_page_marks_as_required_what_the_check_requires() -> None:
    form = load_pack(builtin_packs() / "telefonica_es", PARAMETERS).forms["form.yaml"]
    rules = required_rules(form)
    choices = [
        {"ofc_required": wanted, "ofc_protocol": protocol, "ofc_auth": auth, "cdr_included": details}
        for wanted in ("true", "false")
        for protocol in ("SFTP", "FTP", "EMAIL")
        for auth in ("PASSWORD", "PUBLIC_KEY")
        for details in ("true", "false")
    ]

    def holds(condition: Mapping[str, str], given: Mapping[str, str]) -> bool:
        return all(given.get(name) == value for name, value in condition.items())

    for given in choices:
        marked = {
            name
            for name, rule in rules.items()
            if (rule.always or any(holds(each, given) for each in rule.on))
            and not any(holds(each, given) for each in rule.off)
        }
        # A question that is not asked is hidden with its mark.
        assert marked & asked_fields(form, given, {}) == required_fields(form, given), given
