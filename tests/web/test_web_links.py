"""Links that are void, and what becomes of a form that is to be corrected."""

import pytest
import requests
from test_web_form import send, token_of
from web_side import ANA, GOOD, MARKUP, Core, Web

from bot.onboarding.actors import Actor
from bot.onboarding.errors import NotAllowed, Refused


def refusals(core: Core) -> list[str]:
    return [line.content["text"]["en"] for line in core.onboardings.trail(core.key) if line.kind == "refused"]


def test_a_manager_makes_every_link_void_and_renews_them(core: Core, web: Web, browser: requests.Session) -> None:
    core.deliver()
    old = [web.form(core), web.question(core), web.partner_page(core)]
    core.onboardings.linking.make_void(core.key, web.links, actor=ANA)
    for address in old:
        page = browser.get(address)
        assert page.status_code == 410
        assert "Link withdrawn" in page.text
        assert "Use the link of the latest message" in page.text
        assert core.key not in page.text
    for address in (web.form(core), web.question(core), web.partner_page(core)):
        assert browser.get(address).status_code == 200


def test_the_links_that_steps_keep_are_renewed_or_forgotten(core: Core, web: Web) -> None:
    with core.flow.change(1) as change:
        change.step("form").link = web.links.form(core.key, "form")
    core.onboardings.linking.make_void(core.key, web.links, actor=ANA)
    link = core.onboardings.view(core.key).step("form").link
    assert link
    assert web.links.read_form(link.rpartition("/")[2]).edition == 2
    core.onboardings.linking.make_void(core.key, actor=ANA)
    assert core.onboardings.view(core.key).step("form").link is None


def test_only_a_manager_makes_links_void(core: Core) -> None:
    with pytest.raises(NotAllowed):
        core.onboardings.linking.make_void(core.key, actor=Actor("link", "link:ACME", "ACME"))


def test_who_comes_with_a_void_link_is_on_the_trail_once(core: Core, web: Web, browser: requests.Session) -> None:
    address = web.form(core)
    core.onboardings.linking.make_void(core.key, web.links, actor=ANA)
    for _ in range(3):
        browser.get(address)
    browser.post(address, data=GOOD)
    assert len(refusals(core)) == 1
    assert "replaced by a newer one" in refusals(core)[0]
    core.clock.pass_by(days=61)
    browser.get(address)
    assert len(refusals(core)) == 2
    assert "60 days" in refusals(core)[1]


def test_a_void_link_of_an_ended_onboarding_adds_no_line(core: Core, web: Web, browser: requests.Session) -> None:
    address = web.form(core)
    core.onboardings.cancel(core.key, "over", actor=ANA)
    before = core.revision()
    core.clock.pass_by(days=61)
    assert browser.get(address).status_code == 410
    assert core.revision() == before


def test_a_link_does_not_tell_which_onboardings_there_are(core: Core, web: Web, browser: requests.Session) -> None:
    gone = browser.get(web.here(web.links.form("ONB-99", "form")))
    altered = browser.get(web.form(core)[:-2] + "xx")
    assert (gone.status_code, gone.text) == (altered.status_code, altered.text) == (404, altered.text)


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "Lien retiré"), ("en", "Link withdrawn"), ("es", "Enlace retirado")]
)
def test_a_void_link_speaks_the_readers_language(
    language: str, said: str, core: Core, web: Web, browser: requests.Session
) -> None:
    address = web.form(core)
    core.onboardings.linking.make_void(core.key, actor=ANA)
    assert said in browser.get(address, headers={"Accept-Language": language}).text
    assert said in browser.get(f"{address}?lang={language}").text
    # A browser that speaks none of ours reads the onboarding's language.
    assert "Lien retiré" in browser.get(address, headers={"Accept-Language": "de"}).text


COMMENT = f"The port is wrong {MARKUP}\nPlease look again 🙂"


def test_a_correction_opens_the_form_again_with_its_answers_and_the_comment(
    core: Core, web: Web, browser: requests.Session
) -> None:
    old = web.form(core)
    assert send(browser, old, remarks="kept", days=["TUE"]).status_code == 200
    core.onboardings.correcting.ask_correction(core.key, "form", COMMENT, actor=ANA)
    assert browser.get(old).status_code == 410
    page = browser.get(web.form(core))
    assert page.status_code == 200
    assert "A correction is asked for" in page.text
    assert "The port is wrong &lt;script&gt;" in page.text
    assert "🙂" in page.text
    assert "kept</textarea>" in page.text
    assert 'value="TUE" checked' in page.text
    assert 'value="ana@acme.es"' in page.text
    assert core.answers()["remarks"] == "kept"
    assert send(browser, web.form(core), remarks="corrected").status_code == 200
    assert core.answers()["remarks"] == "corrected"
    assert core.onboardings.view(core.key).step("form").state == "done"
    kinds = [line.kind for line in core.onboardings.trail(core.key)]
    assert "correction_asked" in kinds


def test_what_was_built_on_the_answers_starts_anew(core: Core, web: Web, browser: requests.Session) -> None:
    core.onboardings.tick(core.key, "portal", [], actor=ANA)
    core.deliver()
    core.onboardings.answer(core.key, "received", True, actor=ANA)
    send(browser, web.form(core))
    assert core.onboardings.view(core.key).step("sign_off").state == "waiting"
    core.onboardings.correcting.ask_correction(core.key, "form", "look again", actor=ANA)
    states = {step.id: step.state for step in core.onboardings.view(core.key).steps}
    assert (states["form"], states["sign_off"], states["portal"]) == ("waiting", "pending", "done")


def test_a_correction_that_makes_no_sense_is_refused_and_on_the_trail(
    core: Core, web: Web, browser: requests.Session
) -> None:
    ask = core.onboardings.correcting.ask_correction
    with pytest.raises(Refused, match="no answers to correct yet"):
        ask(core.key, "form", "look again", actor=ANA)
    with pytest.raises(Refused, match="is no form"):
        ask(core.key, "portal", "look again", actor=ANA)
    send(browser, web.form(core))
    with pytest.raises(Refused, match="Say what is to be corrected"):
        ask(core.key, "form", " \n", actor=ANA)
    with pytest.raises(Refused, match="2001 characters"):
        ask(core.key, "form", "x" * 2001, actor=ANA)
    with pytest.raises(NotAllowed):
        ask(core.key, "form", "look again", actor=Actor("link", "link:ACME", "ACME"))
    assert len(refusals(core)) == 5
    assert core.onboardings.view(core.key).step("form").state == "done"


def test_the_same_request_for_a_correction_counts_once(core: Core, web: Web, browser: requests.Session) -> None:
    send(browser, web.form(core))
    ask = core.onboardings.correcting.ask_correction
    assert ask(core.key, "form", "look again", actor=ANA, source="slack:1")
    assert not ask(core.key, "form", "look again", actor=ANA, source="slack:1")
    assert [line.kind for line in core.onboardings.trail(core.key)].count("correction_asked") == 1


def test_an_answer_to_an_earlier_asking_is_refused_by_its_link(core: Core, web: Web, browser: requests.Session) -> None:
    old = web.form(core)
    token = token_of(browser.get(old))
    send(browser, old)
    core.onboardings.correcting.ask_correction(core.key, "form", "look again", actor=ANA)
    for action in ("", "save", "autosave"):
        page = browser.post(old, data={**GOOD, "page.do": action, "csrf_token": token})
        assert page.status_code == 410
    assert core.onboardings.view(core.key).step("form").state == "waiting"
