"""Steps that the pack has two people confirm."""

import pytest
from core_house import ANA, BOB, PACK, House

from bot.locales import say
from bot.onboarding.actors import Actor
from bot.onboarding.errors import Refused
from bot.onboarding.outcomes import Waiting

CARL = Actor("slack", "slack:UCARL", "carl")

TWO = PACK
for _kind in ("confirm", "ask"):
    TWO = TWO.replace(f"    kind: {_kind}\n", f"    kind: {_kind}\n    confirmations: 2\n")


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("two"), pack=TWO)


def by(house: House, key: str, step: str) -> list[str]:
    return [each.name for each in house.onboardings.view(key).step(step).confirmations]


def test_the_step_is_done_with_the_second_person_and_shows_both(house: House) -> None:
    key = house.start()
    assert house.onboardings.confirm(key, "portal", actor=ANA)
    assert (house.states(key)["portal"], by(house, key, "portal")) == ("waiting", ["ana"])
    line = house.onboardings.trail(key)[-1]
    assert (line.kind, line.content["seen"]["en"]) == ("confirmed", "1 of 2, by ana")
    house.onboardings.confirm(key, "portal", actor=BOB)
    step = house.onboardings.view(key).step("portal")
    assert (step.state, step.confirmations) == ("done", ())
    shown = [fact.value.split(",")[0] for fact in step.evidence.facts if fact.label == say("fact.confirmed_by")]
    assert shown == ["ana", "bob"]


@pytest.mark.parametrize("again", [ANA, Actor("shell", "shell:ana", "Ana")])
def test_the_same_person_twice_does_not_count_whatever_way_they_come_in(house: House, again: Actor) -> None:
    key = house.start()
    house.onboardings.confirm(key, "portal", actor=ANA)
    with pytest.raises(Refused) as refused:
        house.onboardings.confirm(key, "portal", actor=again)
    assert "1 of 2, by ana" in refused.value.text.en
    assert house.states(key)["portal"] == "waiting"
    assert house.kinds_of_events(key)[-1] == "refused"


def test_whoever_ticks_the_last_box_has_confirmed_and_a_stale_click_has_not(house: House) -> None:
    key = house.start()
    shown = house.onboardings.view(key).revision
    for person, box in ((ANA, "logged_in"), (BOB, "found")):
        house.onboardings.select_ticks(
            key, "portal", clicked=shown, selected=[box], actor=person, source=f"slack:{box}"
        )
    assert by(house, key, "portal") == ["bob"]
    house.onboardings.select_ticks(key, "portal", clicked=shown, selected=["found"], actor=CARL, source="slack:late")
    assert by(house, key, "portal") == ["bob"]
    house.onboardings.tick(key, "portal", [], actor=CARL)
    assert house.states(key)["portal"] == "done"


def test_a_box_that_is_unticked_makes_the_confirmations_void(house: House) -> None:
    key = house.start()
    house.onboardings.confirm(key, "portal", actor=ANA)
    shown = house.onboardings.view(key).revision
    house.onboardings.select_ticks(key, "portal", clicked=shown, selected=["found"], actor=BOB, source="slack:u")
    assert by(house, key, "portal") == []
    assert house.kinds_of_events(key)[-1] == "confirmation_withdrawn"
    house.onboardings.tick(key, "portal", ["logged_in"], actor=BOB)
    assert by(house, key, "portal") == ["bob"]


def test_a_person_takes_their_own_confirmation_back_and_nobody_elses(house: House) -> None:
    key = house.start()
    house.onboardings.confirm(key, "portal", actor=ANA)
    with pytest.raises(Refused):
        house.onboardings.steering.withdraw(key, "portal", actor=BOB)
    house.onboardings.steering.withdraw(key, "portal", actor=ANA)
    assert by(house, key, "portal") == []
    house.onboardings.confirm(key, "portal", actor=BOB)
    assert house.states(key)["portal"] == "waiting"
    house.onboardings.confirm(key, "portal", actor=ANA)
    assert house.states(key)["portal"] == "done"


def begun_choice(house: House) -> str:
    key = house.start()
    house.work()
    for person in (ANA, BOB):
        house.onboardings.confirm(key, "portal", actor=person)
    return key


def test_two_must_choose_the_same_and_what_ends_nothing_counts_at_once(house: House) -> None:
    key = begun_choice(house)
    house.onboardings.choose(key, "status", "loaded", actor=ANA)
    assert by(house, key, "status") == ["ana"]
    house.onboardings.choose(key, "status", "going", actor=BOB)
    assert (house.states(key)["status"], by(house, key, "status")) == ("waiting", [])
    house.onboardings.choose(key, "status", "loaded", actor=BOB)
    house.onboardings.choose(key, "status", "broken", actor=ANA)
    assert house.states(key)["status"] == "failed"
    house.onboardings.retry(key, "status", actor=ANA)
    assert by(house, key, "status") == []
    for person in (ANA, BOB):
        house.onboardings.choose(key, "status", "loaded", actor=person)
    assert house.states(key)["status"] == "done"


def test_a_question_takes_two_who_say_yes_and_one_who_says_no(house: House) -> None:
    house.ask.script = [Waiting("partner", say("ask.no"))] * 2
    key = begun_choice(house)
    for person in (ANA, BOB):
        house.onboardings.choose(key, "status", "loaded", actor=person)
    house.work()
    partner = Actor("link", "link:PARTNER-ONE", "PARTNER-ONE")
    house.onboardings.answer(key, "received", True, actor=partner)
    with pytest.raises(Refused):
        house.onboardings.answer(key, "received", True, actor=partner)
    house.onboardings.answer(key, "received", False, comment="not here", actor=ANA)
    assert house.states(key)["received"] == "failed"
    house.onboardings.retry(key, "received", actor=ANA)
    house.work()
    house.onboardings.answer(key, "received", True, actor=partner)
    house.onboardings.answer(key, "received", True, actor=ANA)
    assert house.onboardings.view(key).state == "done"
