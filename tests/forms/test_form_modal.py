"""The partner's form in Slack: page by page, kept between them, errors at the inputs, sent at the end."""

from collections.abc import Mapping
from typing import Any

import pytest
from forms_house import ANA, SHELL, FormsHouse, eventually, forms_house
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.onboarding.answers import unwanted_fields
from bot.onboarding.forms import OpenForm
from bot.onboarding.models import FormDraft
from bot.sandbox.slack import SlackPerson
from bot.sandbox.slack.blocks import check_view
from bot.slack import blocks as b
from bot.slack import form_modal as m
from checklists.model import LANGUAGES, Form, FormField, FormSection, Localized


def open_form(house: FormsHouse, key: str, person: SlackPerson | None = None) -> dict[str, Any]:
    who = person or house.ana
    who.click(house.parent(key), "form_fill", f"{key}:form")
    return who.wait_for_view(callback_id=m.PAGE)


def shown(view: Mapping[str, Any]) -> list[str]:
    return [block["block_id"] for block in view["blocks"] if block["type"] == "input"]


def answer_page(person: SlackPerson, answers: Mapping[str, Any]) -> dict[str, str]:
    """Answer the questions of the page on top, and go on."""
    view = person.view()
    assert view is not None
    steering = [block["block_id"] for block in view["blocks"] if block.get("dispatch_action")]
    for name in steering:
        if answers.get(name):
            person.choose(None, name, answers[name])
            eventually(lambda name=name: name in shown(person.view() or {"blocks": []}))
    page = person.view()
    assert page is not None
    rest = {name: answers[name] for name in shown(page) if name not in steering and answers.get(name)}
    return person.submit(None, rest)


def title(person: SlackPerson) -> str:
    view = person.view()
    return view["title"]["text"] if view else ""


def answer_all(house: FormsHouse, key: str, person: SlackPerson, answers: Mapping[str, Any]) -> None:
    opened = open_form(house, key, person)
    last = int(opened["title"]["text"].rpartition("/")[2])
    for number in range(1, last):
        eventually(lambda number=number: title(person) == f"Form {number}/{last}")
        assert answer_page(person, answers) == {}
    eventually(lambda: (person.view() or {}).get("callback_id") == m.REVIEW)


def test_a_manager_fills_the_form_in_for_the_partner_and_the_trail_says_who(house: FormsHouse) -> None:
    key = house.start()
    answers = house.good(key)
    answer_all(house, key, house.ana, answers)
    review = str(house.ana.view())
    assert house.good(key)["ofc_host"] in review
    assert "PARTNER-ONE" in review
    assert house.step(key).state == "waiting"
    assert house.ana.submit() == {}
    assert house.step(key).state == "done"
    kept = house.bot.onboardings.answers(key, "form")
    assert kept["client_tax_ids"] == ["B00123455"]
    assert kept["client_root"] == house.bot.onboardings.view(key).root
    [line] = [line for line in house.bot.onboardings.trail(key) if line.kind == "step_done" and line.step == "form"]
    assert line.actor == "ana"
    facts = {fact["label"]["en"]: fact["value"] for fact in line.content["evidence"]["facts"]}
    assert facts["For the partner"] == "PARTNER-ONE"
    assert facts["How it was filled in"] == "in Slack"


def test_errors_stand_at_the_inputs_and_the_page_stays(house: FormsHouse) -> None:
    key = house.start()
    open_form(house, key)
    errors = answer_page(house.ana, house.good(key) | {"client_tax_ids": "B00123456"})
    assert list(errors) == ["client_tax_ids"]
    assert title(house.ana).startswith("Form 1/")


def test_what_was_entered_is_there_after_closing_also_for_somebody_else(house: FormsHouse) -> None:
    key = house.start()
    open_form(house, key)
    answers = house.good(key) | {"partner_name": "Partner <One> & Co"}
    assert answer_page(house.ana, answers) == {}
    house.ana.close()
    again = open_form(house, key, house.bob)
    [name] = [block for block in again["blocks"] if block.get("block_id") == "partner_name"]
    assert name["element"]["initial_value"] == "Partner <One> & Co"


def test_back_keeps_the_page_that_is_left_unfinished(house: FormsHouse) -> None:
    key = house.start()
    open_form(house, key)
    answer_page(house.ana, house.good(key))
    eventually(lambda: title(house.ana).startswith("Form 2/"))
    second = shown(house.ana.view() or {})
    house.ana.choose(None, "ofc_port", "no number")
    house.ana.press(None, m.BACK)
    eventually(lambda: title(house.ana).startswith("Form 1/"))
    answer_page(house.ana, house.good(key))
    eventually(lambda: title(house.ana).startswith("Form 2/"))
    view = house.ana.view() or {}
    assert shown(view) == second
    [block] = [block for block in view["blocks"] if block.get("block_id") == "ofc_port"]
    assert block["element"]["initial_value"] == "no number"


def test_a_choice_takes_away_what_it_makes_pointless(house: FormsHouse) -> None:
    key = house.start()
    last = int(open_form(house, key)["title"]["text"].rpartition("/")[2])
    answers = house.good(key)
    for number in range(1, last):
        eventually(lambda number=number: title(house.ana) == f"Form {number}/{last}")
        view = house.ana.view() or {}
        if "ofc_required" in shown(view):
            assert "ofc_host" in shown(view)
            house.ana.choose(None, "ofc_required", "false")
            eventually(lambda: "ofc_host" not in shown(house.ana.view() or {}))
        answer_page(house.ana, answers | {"ofc_required": "false"})
    assert house.ana.submit() == {}
    kept = house.bot.onboardings.answers(key, "form")
    assert kept["ofc_required"] is False
    assert not {name for name in kept if name in unwanted_fields(house.form(key), {"ofc_required": "false"})}


def test_the_same_submission_twice_is_one(house: FormsHouse) -> None:
    key = house.start()
    answer_all(house, key, house.ana, house.good(key))
    house.ana.submit(repeat=True)
    assert house.events(key).count("step_done") == 1


def test_who_may_not_answer_for_the_partner_sees_nothing_and_the_trail_knows(house: FormsHouse) -> None:
    key = house.start()
    house.guest.click(house.parent(key), "form_fill", f"{key}:form")
    assert "<@U0ANA>" in eventually(lambda: house.told(house.guest))[-1]
    assert house.guest.view() is None
    assert "refused" in house.events(key)


def test_answers_that_came_in_between_are_said_and_nothing_is_overwritten(house: FormsHouse) -> None:
    key = house.start()
    answer_all(house, key, house.ana, house.good(key))
    opened = house.bot.forms.open(key, "form", SHELL)
    house.bot.onboardings.submit_form(key, "form", {"partner_name": "Another"}, actor=SHELL)
    house.ana.submit()
    view = eventually(lambda: (seen := house.ana.view()) and seen["callback_id"] == m.OVER and seen)
    assert "Nothing has changed" in str(view)
    assert house.bot.onboardings.answers(key, "form") == {"partner_name": "Another"}
    assert opened.given  # it was a draft, and went with the answers
    with house.bot.store.reading() as session:
        assert session.get(FormDraft, (opened.view.id, "form")) is None


def test_a_private_key_is_refused_and_kept_nowhere(house: FormsHouse) -> None:
    key = house.start()
    secret = "-----BEGIN OPENSSH PRIVATE KEY----- c2VjcmV0"
    open_form(house, key)
    errors = answer_page(house.ana, house.good(key) | {"partner_name": secret})
    assert list(errors) == ["partner_name"]
    assert "c2VjcmV0" not in str(house.bot.forms.open(key, "form", ANA).given)


def test_the_button_puts_the_spreadsheet_into_the_thread_once(house: FormsHouse) -> None:
    key = house.start()
    house.ana.click(house.parent(key), "form_sheet", f"{key}:form", repeat=True)
    eventually(lambda: "sheet_offered" in house.events(key))
    house.show(key)
    house.show(key)
    files = [file for post in house.ana.messages(house.parent(key)) for file in post.get("files") or ()]
    assert [file["name"] for file in files] == [f"{key}_form.xlsx"]


def test_a_choice_of_more_than_a_menu_holds_that_is_too_long_to_type_stays_as_it_is(a_view: Any) -> None:
    many = tuple(f"choice {number}" for number in range(b.MOST_OPTIONS + 1))
    field = FormField(id="many", type="choice", label=Localized.same("Many"), choices=many)
    section = FormSection(id="s", title=field.label, fields=(field,))
    opened = OpenForm(
        a_view, "form", Form(form="any", title=field.label, sections=(section,)), {}, {"many": "x" * 5_000}
    )
    page = m.form_page(opened, opened.given, 0, "en")
    assert check_view(page) == []
    assert "stays as it is" in str(page["blocks"])
    assert m.read_page(opened, page, 0) == {}


# Any form whatever.

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=200)
texts = st.one_of(words, words.map(lambda text: (text + " & <x> ") * 30)).filter(str.strip).map(Localized.same)
TYPES = ["text", "long_text", "choice", "choices", "boolean", "date", "integer", "tax_ids", "public_key", "emails"]


@st.composite
def forms(draw: st.DrawFn) -> Form:
    # A few texts that repeat: with a text of its own for each of hundreds of fields most examples are thrown away.
    some = draw(st.lists(words, min_size=3, max_size=3))
    words_ = st.sampled_from(some)
    texts_ = st.sampled_from(draw(st.lists(texts, min_size=3, max_size=3)))
    sections, number = [], 0
    for position in range(draw(st.integers(1, 6))):
        fields = []
        for _ in range(draw(st.integers(1, 45))):
            number += 1
            kind = draw(st.sampled_from(TYPES))
            many = draw(st.sampled_from([1, 3, 100, 130]))
            called = draw(words_)[:40]
            choices = tuple(f"{called} {n}".strip() for n in range(many)) if "choice" in kind else ()
            fill = draw(st.sampled_from([None, None, None, "partner"]))
            fields.append(
                FormField(
                    id=f"f{number}",
                    type=kind,
                    label=draw(texts_),
                    help=draw(st.none() | texts_),
                    example=draw(st.none() | words_),
                    choices=choices,
                    required=draw(st.booleans()),
                    fill=fill,
                )
            )
        sections.append(FormSection(id=f"s{position}", title=draw(texts_), fields=tuple(fields)))
    return Form(form="any", title=Localized.same("Any"), sections=tuple(sections))


@pytest.fixture(scope="module")
def a_view(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with forms_house(tmp_path_factory.mktemp("view")) as house:
        return house.bot.onboardings.view(house.start())


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_page_of_any_form_stays_within_slacks_limits(a_view: Any, data: st.DataObject) -> None:
    form = data.draw(forms())
    values = st.one_of(words, st.just("x" * 5_000), st.lists(words, max_size=3), st.just(""))
    given_ = {field.id: data.draw(values) for field in form.fields if data.draw(st.booleans())}
    filled = {field.id: data.draw(values) for field in form.fields if field.fill}
    opened = OpenForm(a_view, "form", form, filled, given_)
    language = data.draw(st.sampled_from(LANGUAGES))
    divided = m.pages(form.sections)
    asked = [field.id for page in divided for field in m.fields_of(page)]
    assert asked == [field.id for field in form.fields if field.fill is None]
    notice = data.draw(st.lists(words, max_size=4))
    for number in range(len(divided) + 1):
        view = m.form_page(opened, given_, number, language, notice=notice)
        assert check_view(view) == []
        assert sum(block["type"] == "input" for block in view["blocks"]) <= m.MOST_INPUTS
        assert m.Place.of(view).page == number
