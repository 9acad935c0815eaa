"""The question behind a link, on its page."""

import re
from typing import Any

import pytest
import requests
from web_side import ANA, MARKUP, OFC, Core, Web


def token_of(page: requests.Response) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found
    return found[1]


def test_the_question_stands_with_the_file_it_is_about(core: Core, web: Web, browser: requests.Session) -> None:
    core.deliver()
    before = core.revision()
    page = browser.get(web.question(core))
    assert page.status_code == 200
    for text in ("Have you received the OFC?", OFC.name, OFC.sha256, "1.5 KiB", "1536 B"):
        assert text in page.text
    assert core.revision() == before


def test_yes_ends_the_step_and_a_repeat_changes_nothing(core: Core, web: Web, browser: requests.Session) -> None:
    core.deliver()
    data = {"answer": "yes", "comment": "all there", "csrf_token": token_of(browser.get(web.question(core)))}
    assert "Thank you" in browser.post(web.question(core), data=data).text
    step = core.onboardings.view(core.key).step("received")
    assert (step.state, step.changed_by) == ("done", "ACME")
    assert "all there" in [fact.value for fact in step.evidence.facts]
    before = core.revision()
    for answer in ("yes", "no"):
        again = browser.post(web.question(core), data={**data, "answer": answer})
        assert again.status_code == 200
        assert "Received before" in again.text
    assert "Received before" in browser.get(web.question(core)).text
    assert core.revision() == before


def test_no_fails_the_step_with_the_comment_and_can_be_said_again_when_asked_again(
    core: Core, web: Web, browser: requests.Session
) -> None:
    core.deliver()
    for time in (1, 2):
        address = web.question(core)
        data = {"answer": "no", "comment": MARKUP, "csrf_token": token_of(browser.get(address))}
        assert browser.post(address, data=data).status_code == 200
        step = core.onboardings.view(core.key).step("received")
        assert step.state == "failed", time
        assert step.seen
        assert MARKUP in step.seen.en
        waiting = browser.get(address)
        assert waiting.status_code == 409
        assert "The team is on it" in waiting.text
        core.clock.pass_by(minutes=1)
        core.onboardings.retry(core.key, "received", actor=ANA)


def test_neither_yes_nor_no_is_no_answer(core: Core, web: Web, browser: requests.Session) -> None:
    core.deliver()
    before = core.revision()
    token = token_of(browser.get(web.question(core)))
    for answer in ("", "maybe", None):
        page = browser.post(web.question(core), data={"answer": answer, "comment": "kept", "csrf_token": token})
        assert page.status_code == 400
        assert "kept</textarea>" in page.text
    long = browser.post(web.question(core), data={"answer": "yes", "comment": "x" * 1001, "csrf_token": token})
    assert long.status_code == 400
    assert "1001" in long.text
    assert core.revision() == before


def test_a_post_without_the_pages_token_is_refused_by_the_question(
    core: Core, web: Web, browser: requests.Session
) -> None:
    core.deliver()
    before = core.revision()
    assert browser.post(web.question(core), data={"answer": "yes"}).status_code == 403
    form_token = token_of(browser.get(web.form(core)))
    page = browser.post(web.question(core), data={"answer": "yes", "csrf_token": form_token})
    assert page.status_code == 403
    assert core.revision() == before


def test_a_question_that_is_not_asked_yet_takes_no_answer(core: Core, web: Web, browser: requests.Session) -> None:
    before = core.revision()
    page = browser.get(web.question(core))
    assert page.status_code == 409
    assert "Not open yet" in page.text
    assert core.revision() == before


def test_an_expired_page_of_the_question_keeps_the_comment(core: Core, web: Web, browser: requests.Session) -> None:
    core.deliver()
    address = web.question(core)
    token = token_of(browser.get(address))
    core.clock.pass_by(days=3)
    page = browser.post(address, data={"answer": "yes", "comment": "kept", "csrf_token": token})
    assert page.status_code == 403
    assert "kept</textarea>" in page.text
    assert core.onboardings.view(core.key).step("received").state == "waiting"


def test_an_answer_that_came_in_between_is_not_overwritten(
    core: Core, web: Web, browser: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    core.deliver()
    answer = core.onboardings.answer

    def overtaken(key: str, step_id: str, yes: bool, **more: Any) -> bool:
        answer(key, step_id, True, actor=ANA)
        return answer(key, step_id, yes, **more)

    monkeypatch.setattr(core.onboardings, "answer", overtaken)
    token = token_of(browser.get(web.question(core)))
    page = browser.post(web.question(core), data={"answer": "no", "csrf_token": token})
    assert "Received before" in page.text
    step = core.onboardings.view(core.key).step("received")
    assert (step.state, step.changed_by) == ("done", "ana")
