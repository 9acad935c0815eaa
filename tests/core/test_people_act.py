"""What people do with a step, and what is refused."""

from datetime import date
from typing import Any

import pytest
from core_house import ANA, BOB, House

from bot.locales import say
from bot.onboarding import trail
from bot.onboarding.actors import Actor, Roles
from bot.onboarding.errors import Invalid, NotAllowed, Refused, Unknown
from bot.onboarding.models import Event
from bot.onboarding.outcomes import Failed, Waiting
from checklists.model import LANGUAGES


def ticked(house: House, key: str) -> dict[str, str]:
    return {view.tick.id: view.by for view in house.onboardings.view(key).step("portal").ticks if view.by}


def select(house: House, key: str, clicked: int, *selected: str, actor: Actor = ANA, source: str = "") -> bool:
    source = source or f"test:{clicked}:{selected}:{actor.id}"
    return house.onboardings.select_ticks(key, "portal", clicked=clicked, selected=selected, actor=actor, source=source)


def test_two_people_who_tick_at_once_both_count(house: House) -> None:
    key = house.start()
    shown = house.onboardings.view(key).revision
    select(house, key, shown, "logged_in")
    select(house, key, shown, "found", actor=BOB)
    assert ticked(house, key) == {"logged_in": "ana", "found": "bob"}
    assert house.states(key)["portal"] == "done"


def test_unticking_takes_back_only_what_the_click_unticked(house: House) -> None:
    key = house.start()
    first = house.onboardings.view(key).revision
    select(house, key, first, "logged_in")
    second = house.onboardings.view(key).revision
    select(house, key, second)
    assert ticked(house, key) == {}
    select(house, key, second, "logged_in", "found", source="late")
    assert ticked(house, key) == {"found": "ana"}


def test_the_same_event_again_changes_nothing(house: House) -> None:
    key = house.start()
    shown = house.onboardings.view(key).revision
    assert select(house, key, shown, "logged_in", source="slack:1")
    revision = house.onboardings.view(key).revision
    assert not select(house, key, shown, "logged_in", source="slack:1")
    assert house.onboardings.view(key).revision == revision


def test_a_second_click_is_refused_and_redraws(house: House) -> None:
    key = house.start()
    house.onboardings.tick(key, "portal", [], actor=ANA)
    revision = house.onboardings.view(key).revision
    with pytest.raises(Refused) as refused:
        house.onboardings.confirm(key, "portal", actor=BOB, source="slack:2")
    assert "done" in refused.value.text.en
    assert house.onboardings.view(key).revision == revision + 1
    assert house.kinds_of_events(key)[-1] == "refused"
    assert not house.onboardings.confirm(key, "portal", actor=BOB, source="slack:2")
    assert house.onboardings.view(key).revision == revision + 1


def test_a_choice_waits_fails_or_ends_the_step(house: House) -> None:
    key = house.start()
    house.onboardings.tick(key, "portal", [], actor=ANA)
    house.work()
    house.onboardings.choose(key, "status", "going", actor=ANA)
    assert house.states(key)["status"] == "waiting"
    house.onboardings.choose(key, "status", "broken", actor=ANA)
    assert house.states(key)["status"] == "failed"
    house.onboardings.retry(key, "status", actor=ANA)
    house.onboardings.choose(key, "status", "loaded", actor=ANA)
    assert house.states(key)["status"] == "done"


def test_an_answer_of_no_fails_with_the_persons_words_and_can_be_asked_again(house: House) -> None:
    house.ask.script = [Waiting("partner", say("ask.no")), Waiting("partner", say("ask.no"))]
    key = house.start()
    house.onboardings.tick(key, "portal", [], actor=ANA)
    house.work()
    house.onboardings.choose(key, "status", "loaded", actor=ANA)
    house.work()
    partner = Actor("link", "link:PARTNER-ONE", "PARTNER-ONE")
    house.onboardings.answer(key, "received", False, comment="nothing came", actor=partner)
    step = house.onboardings.view(key).step("received")
    assert step.state == "failed"
    assert step.seen is not None
    assert "nothing came" in step.seen.fr
    house.onboardings.retry(key, "received", actor=ANA)
    house.work()
    house.onboardings.answer(key, "received", True, actor=partner)
    assert house.onboardings.view(key).state == "done"


def test_skipping_needs_a_reason_and_keeps_it(house: House) -> None:
    key = house.start()
    with pytest.raises(Refused):
        house.onboardings.skip(key, "portal", "  ", actor=ANA)
    house.onboardings.skip(key, "portal", "done by phone", actor=ANA)
    step = house.onboardings.view(key).step("portal")
    assert (step.state, step.reason, step.changed_by) == ("skipped", "done by phone", "ana")


def test_what_is_over_or_running_cannot_be_retried(house: House) -> None:
    key = house.start()
    for step in ("portal", "directory"):
        with pytest.raises(Refused):
            house.onboardings.retry(key, step, actor=ANA)


def test_a_waiting_step_with_a_look_due_looks_at_once_when_retried(house: House) -> None:
    house.directory.script = [Waiting("partner", say("watch.look"), poll=3600)]
    key = house.start(ofc=False)
    house.work()
    house.onboardings.retry(key, "directory", actor=ANA)
    assert house.sweep.run() == 1
    house.work()
    assert house.states(key)["directory"] == "done"


def test_a_second_start_for_the_same_client_is_refused_with_a_link(house: House) -> None:
    key = house.start()
    house.show()
    for changed in ({"root": "acme-iberica"}, {"client": "acme ibérica"}, {}):
        with pytest.raises(Refused) as refused:
            house.start(**{"client": "Other", "root": "OTHER"} | changed if changed else {})
        assert key in refused.value.text.en
        assert refused.value.link == "https://board.example/parent-0"
    assert house.start(client="Another", root="ANOTHER") != key


def test_a_client_can_be_started_again_once_the_first_is_cancelled(house: House) -> None:
    key = house.start()
    house.onboardings.cancel(key, "wrong client", actor=ANA)
    assert house.start() != key


def test_the_same_start_request_again_gives_the_same_onboarding(house: House) -> None:
    assert house.start(source="slack:view:1") == house.start(source="slack:view:1")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("partner", "p"),
        ("partner_email", "nobody"),
        ("client", "  "),
        ("root", "a b"),
        ("tax_ids", ["A78923126"]),
        ("tax_ids", []),
        ("options", {}),
        ("options", {"ofc": "yes"}),
        ("options", {"ofc": True, "other": True}),
        ("due", date(2026, 11, 1)),
    ],
)
def test_each_wrong_field_of_a_start_has_its_own_text(house: House, field: str, value: Any) -> None:
    with pytest.raises(Invalid) as invalid:
        house.start(**{field: value})
    texts = invalid.value.fields
    name = {"options": "other" if isinstance(value, dict) and "other" in value else "ofc"}.get(field, field)
    assert name in texts
    assert all(texts[name].text(language) for language in LANGUAGES)


def test_tax_numbers_are_kept_in_their_normal_form(house: House) -> None:
    key = house.start(tax_ids=["es-a78.923.125", "A78923125"])
    assert house.onboardings.view(key).tax_ids == ("A78923125",)


def test_only_the_role_may_act_once_managers_are_named(tmp_path: Any, database: str) -> None:
    house = House(tmp_path, database=database, roles=Roles({"manager": ["UANA"], "admin": ["UROOT"]}))
    key = house.start()
    with pytest.raises(NotAllowed) as refused:
        house.onboardings.tick(key, "portal", ["found"], actor=BOB)
    assert "<@UANA>" in refused.value.text.en
    assert house.kinds_of_events(key)[-1] == "refused"
    house.onboardings.tick(key, "portal", ["found"], actor=Actor("slack", "slack:UROOT", "root"))
    assert ticked(house, key) == {"found": "root"}
    house.close()


def test_a_link_may_answer_for_the_partner_and_nothing_else(house: House) -> None:
    key = house.start()
    with pytest.raises(NotAllowed):
        house.onboardings.tick(key, "portal", [], actor=Actor("link", "link:PARTNER-ONE", "PARTNER-ONE"))


@pytest.mark.parametrize("key", ["ONB-9", "ONB-", "nonsense", "ONB-9999999999", "ONB-99999999999999999999"])
def test_an_unknown_onboarding_is_named(house: House, key: str) -> None:
    with pytest.raises(Unknown):
        house.onboardings.view(key)
    with pytest.raises(Unknown):
        house.onboardings.tick(key, "portal", [], actor=ANA)


def test_a_closed_onboarding_changes_no_more(house: House) -> None:
    key = house.start()
    house.onboardings.cancel(key, "wrong client", actor=ANA)
    with pytest.raises(Refused):
        house.onboardings.tick(key, "portal", [], actor=ANA)
    with pytest.raises(Refused):
        house.onboardings.cancel(key, "again", actor=ANA)


def test_the_trail_is_chained_and_tells_where_it_was_changed(house: House) -> None:
    house.directory.script = [Failed("DIR", say("ask.no"), say("ask.no_advice"))]
    key = house.start()
    house.work()
    lines = house.onboardings.trail(key)
    assert trail.first_break(lines) is None
    assert lines[-1].hash == house.onboardings.view(key).head
    with house.store.transaction() as session:
        line = session.get_one(Event, lines[2].id)
        line.content = {**line.content, "run": 99}
        session.add(line)
    assert trail.first_break(house.onboardings.trail(key)) == 3
    assert trail.first_break(lines[:1] + lines[2:]) == 3


def test_a_running_onboarding_keeps_the_pack_it_began_with(house: House) -> None:
    key = house.start()
    pack = house.base / "packs" / "operadora_x" / "checklist.yaml"
    pack.write_text(pack.read_text("utf-8").replace("OPERADORA X", "OPERADORA Y"), "utf-8")
    assert house.onboardings.view(key).pack.checklist.operator.name == "OPERADORA X"
    assert house.onboardings.view(house.start(client="B", root="BB")).operator == "OPERADORA Y"
