"""A correction of the form asked for in Slack: by the button in the parent message, or by the verb."""

from typing import Any

import pytest
from forms_house import ANA, FormsHouse, forms_house

from bot.locales import say
from bot.onboarding.correcting import LONGEST_COMMENT
from bot.sandbox.slack import SlackPerson


@pytest.fixture(name="key")
def one_whose_form_was_sent(house: FormsHouse) -> str:
    key = house.start()
    send(house, key)
    return key


def send(house: FormsHouse, key: str) -> None:
    opened = house.bot.forms.open(key, "form", ANA)
    assert house.bot.forms.take(opened, house.good(key), way=say("forms.way.slack"), actor=ANA)
    house.show(key)


def buttons(house: FormsHouse, key: str) -> list[dict[str, Any]]:
    [parent] = [message for message in house.ana.messages() if message["ts"] == house.parent(key)]
    rows = [block for block in parent["blocks"] if block.get("accessory", {}).get("action_id") == "correct"]
    return [block["accessory"] | {"block_id": block["block_id"]} for block in rows]


def ask(house: FormsHouse, key: str, person: SlackPerson) -> dict[str, Any]:
    person.click(house.parent(key), "correct", f"{key}:form")
    return person.wait_for_view(callback_id="correct")


def corrections(house: FormsHouse, key: str) -> list[tuple[str, str]]:
    lines = house.bot.onboardings.trail(key)
    return [(line.actor, line.content["reason"]) for line in lines if line.kind == "correction_asked"]


def test_the_button_opens_the_form_again_with_the_comment(house: FormsHouse, key: str) -> None:
    first = house.bot.onboardings.answers(key, "form")
    view = ask(house, key, house.bob)
    assert "What is to be corrected" in str(view["blocks"])
    assert house.bob.submit(view["id"], {"comment": "The port is <b>wrong</b> & so is the host"}, repeat=True) == {}
    assert house.step(key).state in {"running", "waiting"}
    assert corrections(house, key) == [("bob", "The port is <b>wrong</b> & so is the host")]
    asked = house.bot.onboardings.correcting.asked_of(key, "form")
    assert asked is not None
    assert asked.comment == "The port is <b>wrong</b> & so is the host"
    # What was answered stays: the form shows it as its draft.
    assert house.bot.onboardings.answers(key, "form") == first
    assert house.ana.state()["failures"] == []


def test_the_button_is_there_only_while_a_correction_is_possible(house: FormsHouse) -> None:
    key = house.start()
    assert buttons(house, key) == []
    send(house, key)
    [first] = buttons(house, key)
    assert (first["value"], first["text"]["text"]) == (f"{key}:form", "Have it corrected")
    house.bot.onboardings.correcting.ask_correction(key, "form", "the port", actor=ANA)
    house.show(key)
    assert buttons(house, key) == []
    send(house, key)
    [again] = buttons(house, key)
    assert again["block_id"] != first["block_id"]
    house.bot.onboardings.cancel(key, "why", actor=ANA)
    house.show(key)
    assert buttons(house, key) == []


def test_who_may_not_is_told_who_may_and_types_nothing(house: FormsHouse, key: str) -> None:
    house.guest.click(house.parent(key), "correct", f"{key}:form")
    assert "<@U0ANA>" in house.told(house.guest)[-1]
    assert house.guest.view() is None
    assert house.events(key)[-1] == "refused"
    assert house.step(key).state == "done"


def test_a_stale_button_opens_no_modal(house: FormsHouse, key: str) -> None:
    house.bot.onboardings.correcting.ask_correction(key, "form", "the port", actor=ANA)
    house.ana.click(house.parent(key), "correct", f"{key}:form")
    assert "no answers to correct yet" in house.told(house.ana)[-1]
    assert house.ana.view() is None
    assert len(corrections(house, key)) == 1


def test_a_comment_that_says_nothing_or_comes_second_is_refused_at_the_field(house: FormsHouse, key: str) -> None:
    view = ask(house, key, house.ana)
    assert "Say what is to be corrected" in house.ana.submit(view["id"], {"comment": " \n "})["comment"]
    other = ask(house, key, house.bob)
    assert house.bob.submit(other["id"], {"comment": "x" * LONGEST_COMMENT}) == {}
    assert "no answers to correct yet" in house.ana.submit(view["id"], {"comment": "me too"})["comment"]
    assert [who for who, _ in corrections(house, key)] == ["bob"]


def test_the_verb_opens_the_form_again_once_with_its_words(house: FormsHouse, key: str) -> None:
    answer = house.ana.command(f"correct {key} the FTP port is wrong & so on", repeat=True)
    assert f"{key}: the form is open again for the partner." in answer.text
    assert corrections(house, key) == [("ana", "the FTP port is wrong & so on")]
    assert house.step(key).state in {"running", "waiting"}
    house.show(key)
    told = str([post.get("blocks") for post in house.ana.messages(house.parent(key))])
    assert "the FTP port is wrong &amp; so on" in told


def test_the_verb_takes_as_many_words_as_the_button_and_asks_for_them(house: FormsHouse, key: str) -> None:
    assert "Say what is to be corrected" in house.ana.command(f"correct {key}").text
    assert "2000 at most" in house.ana.command(f"correct {key} {'x' * (LONGEST_COMMENT + 1)}").text
    house.ana.command(f"correct {key} {'x' * LONGEST_COMMENT}")
    assert [len(said) for _, said in corrections(house, key)] == [LONGEST_COMMENT]


def test_the_data_base_team_may_by_the_button_too(tmp_path: Any) -> None:
    with forms_house(tmp_path, roles={"manager": ["U0ANA"], "data_base": ["U0BOB"]}) as house:
        key = house.start()
        send(house, key)
        view = ask(house, key, house.bob)
        assert house.bob.submit(view["id"], {"comment": "which host?"}) == {}
        assert corrections(house, key) == [("bob", "which host?")]
