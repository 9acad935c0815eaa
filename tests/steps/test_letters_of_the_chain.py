"""What the partner is mailed of its file: findings once for each file, in plain words, nothing of other clients."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from chain_house import ANA, CHANGED, NOVEMBER, OCTOBER, SAMPLES, ChainHouse
from sqlmodel import select

from bot.locales import say
from bot.onboarding.models import Invoice
from bot.onboarding.outcomes import Evidence, FileEvidence
from bot.steps.chain_letters import ofc_letter
from checklists.model import AskParameters


def letters(house: ChainHouse, key: str) -> list[dict[str, dict[str, str]]]:
    return [line.content["letter"] for line in house.onboardings.trail(key) if "letter" in line.content]


@pytest.fixture
def house(tmp_path: Path) -> ChainHouse:
    return ChainHouse(tmp_path)


def test_a_blocked_file_is_told_to_the_partner_with_its_name_and_advice(house: ChainHouse) -> None:
    house.integrate(OCTOBER)
    key = house.play(CHANGED)
    [letter] = letters(house, key)
    assert CHANGED.name in letter["subject"]["fr"]
    assert key in letter["subject"]["en"]
    # The invoice is this client's own: both amounts are told.
    assert "loaded" in letter["text"]["en"]
    assert "→" in letter["text"]["es"]


def test_a_good_file_writes_no_letter(house: ChainHouse) -> None:
    assert letters(house, house.play(NOVEMBER)) == []


def test_a_file_that_is_judged_again_has_the_same_letter(house: ChainHouse) -> None:
    house.integrate(OCTOBER)
    key = house.play(CHANGED)
    failed = next(step.id for step in house.onboardings.view(key).steps if step.state == "failed")
    house.onboardings.retry(key, failed, actor=ANA)
    house.work()
    names = [letter["name"] for letter in letters(house, key)]
    assert len(names) == 2
    assert len(set(names)) == 1


def test_the_invoice_of_another_client_is_named_without_its_amounts(house: ChainHouse) -> None:
    house.integrate(OCTOBER)
    with house.store.transaction() as session:
        for row in session.exec(select(Invoice)).all():
            row.root = "SOMEBODY-ELSE"
            row.gross = "77777.77"
            session.add(row)
    key = house.play(CHANGED)
    [letter] = letters(house, key)
    for text in letter["text"].values():
        assert "77777" not in text.replace(" ", "").replace(",", "").replace("\u00a0", "")
        assert "SOMEBODY" not in text
    assert "already exists with another amount." in letter["text"]["en"]


def test_every_broken_sample_is_told_in_words_or_is_for_the_team_alone(tmp_path: Path) -> None:
    told = 0
    for number, folder in enumerate(sorted((SAMPLES / "broken").iterdir())[::6]):
        files = sorted(folder.glob("*.mdb")) if folder.is_dir() else []
        for file in files[:1]:
            house = ChainHouse(tmp_path / str(number))
            for letter in letters(house, house.play(file)):
                told += 1
                for text in letter["text"].values():
                    assert "(intern" not in text
                    assert "{" not in text
    assert told > 0


def test_a_delivered_ofc_is_told_where_no_question_tells_it() -> None:
    ofc = FileEvidence("OFC.csv", "ofc", "/x/OFC.csv", 1234, "ab" * 32, 7)
    question = AskParameters(of="partner", question=say("ask.no"))
    asks = SimpleNamespace(definition=SimpleNamespace(parameters=question, needs=("ofc_sent",)), state="pending")

    def work(*steps: Any) -> Any:
        view = SimpleNamespace(key="ONB-1", operator="X", client="ACME", steps=steps)
        return SimpleNamespace(view=view, definition=SimpleNamespace(id="ofc_sent"))

    letter = ofc_letter(work(), Evidence(files=(ofc,)))
    assert letter is not None
    assert "1234 B, SHA-256 abab" in letter.text.fr
    assert ofc_letter(work(asks), Evidence(files=(ofc,))) is None
    assert ofc_letter(work(), Evidence()) is None
