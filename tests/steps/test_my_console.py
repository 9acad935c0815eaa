"""The deposit in My Console (procedure, section 2): guided fields, the boxes of the upload, and the days after."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from chain_house import OCTOBER
from thread_house import ANA, ThreadHouse, thread_house

NAME = OCTOBER.name
BOXES = ["menu", "chosen", "dropped", "listed"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ThreadHouse]:
    with thread_house(tmp_path) as built:
        yield built


def facts(house: ThreadHouse, key: str, step: str) -> dict[str, str]:
    return {fact.label.en: fact.value for fact in house.step(key, step).evidence.facts}


def test_the_fields_are_those_of_this_client_and_the_menus_stand_word_for_word(house: ThreadHouse) -> None:
    key = house.start()
    shown = facts(house, key, "deposit")
    assert shown["Menu of Myconsole360"] == "Client / Dépôt / Dépôt de fichiers"
    assert shown["Client"] == "ACME Ibérica (ACME-IBERICA)"
    assert shown["Import type"] == "Invoicing (with or without CDR)"
    assert shown["Operator"] == shown["Flux (the flow, in the follow-up)"] == "TELEFONICA"
    assert "Client / Dépôt / Suivi des dépôts" in shown["The next day"]
    assert [box.tick.id for box in house.step(key, "deposit").ticks] == BOXES
    assert "Fichier(s) téléchargé(s)" in house.parent_text(key)
    asked = house.thread(key)[-1]
    assert "ACME Ibérica (ACME-IBERICA)" in asked
    assert "Client / Dépôt / Suivi des dépôts" in asked


def test_the_boxes_confirm_the_upload_and_the_file_ends_the_deposit(house: ThreadHouse) -> None:
    key = house.start()
    house.ana.tick(house.parent(key), house.block(key, "deposit", "ticks"), *BOXES)
    house.work()
    step = house.step(key, "deposit")
    assert step.state == "waiting"
    assert step.note is not None
    assert "confirmed" in step.note.en
    house.drop(house.ana, key, NAME, OCTOBER.read_bytes())
    assert house.step(key, "deposit").state == "done"
    assert facts(house, key, "deposit")["Shown under “Fichier(s) téléchargé(s)”"].startswith("ana, ")


def test_the_follow_up_is_due_the_next_working_day_and_every_status_stays(house: ThreadHouse) -> None:
    key = house.start()
    house.drop(house.ana, key, NAME, OCTOBER.read_bytes())
    follow_up = house.step(key, "follow_up")
    assert follow_up.state == "waiting"
    assert follow_up.due_on is not None
    assert follow_up.due_on > house.clock.now().date()
    assert "remind:follow_up" in house.due()
    house.onboardings.choose(key, "follow_up", "submitted", actor=ANA)
    house.clock.ahead += timedelta(days=1).total_seconds()
    house.onboardings.choose(key, "follow_up", "in_process", actor=ANA)
    again = house.step(key, "follow_up")
    assert again.due_on is not None
    assert again.due_on > house.clock.now().date()
    house.onboardings.choose(key, "follow_up", "in_process", actor=ANA)
    assert [line.content["choice"] for line in house.onboardings.trail(key) if line.kind == "status_chosen"] == [
        "submitted",
        "in_process",
        "in_process",
    ]
    house.work()
    assert "Submitted" in house.parent_text(key)
    house.onboardings.choose(key, "follow_up", "loaded", actor=ANA)
    before = [fact.value for fact in house.step(key, "follow_up").evidence.facts if fact.label.en == "Status before"]
    assert [value.partition(" (")[0] for value in before] == ["Submitted", "In process", "In process"]


def test_a_file_error_fails_with_advice_and_the_mended_file_begins_the_deposit_again(house: ThreadHouse) -> None:
    key = house.start()
    house.drop(house.ana, key, NAME, OCTOBER.read_bytes())
    house.onboardings.choose(key, "follow_up", "file_error", actor=ANA)
    house.work()
    failed = house.step(key, "follow_up")
    assert failed.state == "failed"
    assert failed.advice is not None
    assert "Client / Dépôt / Suivi des dépôts" in failed.advice.en
    mended = (OCTOBER.parent / "202611_ACME-IBERICA_SOFIA.mdb").read_bytes()
    house.drop(house.ana, key, "202611_ACME-IBERICA_SOFIA.mdb", mended)
    assert facts(house, key, "deposit")["File"] == "202611_ACME-IBERICA_SOFIA.mdb"
    assert house.step(key, "follow_up").state == "waiting"
    assert house.step(key, "output").state == "done"


def test_the_status_was_a_slip_and_the_step_is_retried(house: ThreadHouse) -> None:
    key = house.start()
    house.drop(house.ana, key, NAME, OCTOBER.read_bytes())
    house.onboardings.choose(key, "follow_up", "file_error", actor=ANA)
    house.onboardings.retry(key, "follow_up", actor=ANA)
    house.onboardings.choose(key, "follow_up", "loaded", actor=ANA)
    assert house.step(key, "follow_up").state == "done"
