"""Drafts of the form: saved unchecked, by a button or by the page's script, and shown to all who hold the link."""

import io

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from test_web_form import token_of
from web_side import GOOD, MARKUP, Core, Web

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def post(browser: requests.Session, address: str, data: dict[str, object], **more: object) -> requests.Response:
    token = token_of(browser.get(address))
    return browser.post(address, data={**data, "csrf_token": token}, **more)  # type: ignore[arg-type]


def save(browser: requests.Session, address: str, seen: int = 0, **typed: object) -> requests.Response:
    return post(browser, address, {**typed, "page.do": "save", "page.draft": seen})


def test_a_saved_draft_is_there_for_everybody_with_the_link_and_sends_nothing(
    core: Core, web: Web, browser: requests.Session
) -> None:
    before = core.revision()
    page = save(browser, web.form(core), contact="half an addr", remarks=f"a {MARKUP} =1+1 🙂")
    assert page.status_code == 200
    assert "Draft saved 24 Nov 2026" in page.text
    core.clock.pass_by(hours=1)
    other = requests.get(web.form(core), headers={"Accept-Language": "en"})
    assert "You are continuing the draft saved 24 Nov 2026, 10:00 CET" in other.text
    assert 'value="half an addr"' in other.text
    assert "a &lt;script&gt;" in other.text
    assert "=1+1 🙂" in other.text
    assert core.onboardings.view(core.key).step("form").state == "waiting"
    assert core.revision() == before


def test_a_draft_is_shown_its_doubts_but_not_what_is_still_missing(
    core: Core, web: Web, browser: requests.Session
) -> None:
    page = save(browser, web.form(core), contact="half an addr")
    assert "is no e-mail address" in page.text
    assert 'id="contact-doubt" hidden' not in page.text
    assert 'id="details-doubt" hidden' in page.text
    assert 'id="errors"' not in page.text
    assert 'aria-invalid="true"' not in page.text


def test_the_script_saves_what_has_changed_so_that_two_people_both_count(
    core: Core, web: Web, browser: requests.Session
) -> None:
    address = web.form(core)
    token = token_of(browser.get(address))
    for name, value in (("contact", "ana@acme.es"), ("remarks", "from Luis")):
        data = {**GOOD, "contact": "", name: value, "page.do": "autosave", "page.changed": name, "csrf_token": token}
        answer = browser.post(address, data=data)
        assert answer.status_code == 200
        assert "Draft saved" in answer.json()["text"]
    draft = core.onboardings.drafts.find(core.key, "form")
    assert draft
    assert draft.typed == {"contact": "ana@acme.es", "remarks": "from Luis"}
    assert answer.json()["draft"] == draft.saves == 2


def test_the_button_does_not_save_over_what_somebody_else_has_saved(
    core: Core, web: Web, browser: requests.Session
) -> None:
    save(browser, web.form(core), contact="first@acme.es")
    page = save(browser, web.form(core), seen=0, contact="second@acme.es")
    assert page.status_code == 409
    assert "Somebody else has saved this draft meanwhile" in page.text
    assert 'value="second@acme.es"' in page.text
    draft = core.onboardings.drafts.find(core.key, "form")
    assert draft
    assert draft.typed["contact"] == "first@acme.es"
    assert save(browser, web.form(core), seen=1, contact="second@acme.es").status_code == 200


def test_what_is_sent_ends_the_draft(core: Core, web: Web, browser: requests.Session) -> None:
    save(browser, web.form(core), contact="draft@acme.es")
    assert post(browser, web.form(core), {**GOOD}).status_code == 200
    assert core.onboardings.drafts.find(core.key, "form") is None
    late = browser.post(web.form(core), data={"page.do": "autosave", "csrf_token": "x"})
    assert late.status_code == 403


def test_a_draft_of_a_form_that_was_sent_is_not_saved(core: Core, web: Web, browser: requests.Session) -> None:
    token = token_of(browser.get(web.form(core)))
    assert browser.post(web.form(core), data={**GOOD, "csrf_token": token}).status_code == 200
    data = {**GOOD, "page.do": "autosave", "page.changed": "contact", "csrf_token": token}
    answer = browser.post(web.form(core), data=data)
    assert answer.status_code == 409
    assert "received before" in answer.json()["text"]
    assert core.onboardings.drafts.find(core.key, "form") is None


def test_a_draft_never_keeps_a_private_key(core: Core, web: Web, browser: requests.Session) -> None:
    page = save(browser, web.form(core), auth="PUBLIC_KEY", key=PRIVATE)
    assert "holds a private key" in page.text
    assert PRIVATE.splitlines()[1] not in page.text
    draft = core.onboardings.drafts.find(core.key, "form")
    assert draft
    assert draft.typed["key"] == ""


@pytest.mark.parametrize("action", ["save", "autosave", ""])
def test_ten_megabytes_of_text_are_refused_in_words(
    action: str, core: Core, web: Web, browser: requests.Session
) -> None:
    page = post(browser, web.form(core), {**GOOD, "remarks": "x" * 10_000_000, "page.do": action})
    assert page.status_code == 413
    assert "Shorten your answers" in page.text
    assert core.onboardings.drafts.find(core.key, "form") is None


def upload(browser: requests.Session, address: str, content: bytes, **typed: object) -> requests.Response:
    data = {**GOOD, "auth": "PUBLIC_KEY", "key": "", **typed}
    return post(browser, address, data, files={"key.file": ("id.pub", io.BytesIO(content))})


def test_a_public_key_is_taken_from_its_file(core: Core, web: Web, browser: requests.Session) -> None:
    assert upload(browser, web.form(core), f"{PUBLIC} ana@acme\r\n".encode()).status_code == 200
    assert core.answers()["key"] == f"{PUBLIC} ana@acme"


def test_a_public_key_as_puttygen_saves_it_is_taken(core: Core, web: Web, browser: requests.Session) -> None:
    blob = PUBLIC.split()[1]
    lines = "\r\n".join([blob[:64], blob[64:]])
    ssh2 = f'---- BEGIN SSH2 PUBLIC KEY ----\r\nComment: "ana"\r\n{lines}\r\n---- END SSH2 PUBLIC KEY ----\r\n'
    assert upload(browser, web.form(core), ssh2.encode()).status_code == 200
    assert core.answers()["key"] == PUBLIC


@pytest.mark.parametrize(
    "content",
    [
        PRIVATE.encode(),
        PRIVATE.encode("utf-16"),
        KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        b"PuTTY-User-Key-File-3: ssh-ed25519\r\nPrivate-Lines: 1\r\nc2VjcmV0\r\n",
    ],
)
@pytest.mark.parametrize("action", ["", "save"])
def test_a_private_keys_file_is_refused_and_nowhere_kept_or_logged(
    content: bytes, action: str, core: Core, web: Web, browser: requests.Session, capfd: pytest.CaptureFixture[str]
) -> None:
    page = upload(browser, web.form(core), content, **{"page.do": action})
    assert "It must never leave your computer" in page.text
    secret = next(line for line in PRIVATE.splitlines() if "KEY" not in line)
    assert secret not in page.text
    assert secret not in "".join(capfd.readouterr())
    assert core.onboardings.view(core.key).step("form").state == "waiting"
    draft = core.onboardings.drafts.find(core.key, "form")
    assert not draft or secret not in str(draft.typed)


@pytest.mark.parametrize(
    ("content", "said"), [(b"\x00\x01\x02", "choose the .pub file"), (b"x" * 20_000, "20000 bytes")]
)
def test_what_is_no_key_file_is_refused_in_words(
    content: bytes, said: str, core: Core, web: Web, browser: requests.Session
) -> None:
    page = upload(browser, web.form(core), content)
    assert page.status_code == 400
    assert said in page.text
