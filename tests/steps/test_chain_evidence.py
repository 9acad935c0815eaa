"""What a run of the chain shows of the second reading, in each language."""

from pathlib import Path

import pytest

from bot.steps.chain_evidence import chain_evidence
from bot.steps.pickup import Picked
from checklists.model import LANGUAGES, Language
from pipeline.result import JSON, ChainResult, StageResult

PICKED = Picked("a.mdb", Path("/a.mdb"), 1, "0" * 64)
COMPARED: dict[str, JSON] = {"tool": "mdbtools v1", "tables": 8, "rows": 1234, "columns": 12, "differences": 0}


def shown(second: dict[str, JSON] | None, language: Language) -> dict[str, str]:
    facts: dict[str, JSON] = {"tables": {}} if second is None else {"tables": {}, "cross_check": second}
    result = ChainResult("a.mdb", "0" * 64, 1, "telefonica_es", (StageResult("read", facts=facts),), "accepted")
    evidence = chain_evidence(result, PICKED, Path("/"), language)
    return {fact.label.text(language): fact.value for fact in evidence.facts}


def test_what_was_compared_and_equal_is_counted() -> None:
    assert shown(COMPARED, "en")["Second reader"] == "8 tables, 1234 rows, 12 money columns, all equal (mdbtools v1)"
    assert "8 tablas, 1234 filas, 12 columnas" in shown(COMPARED, "es")["Segunda lectura"]


def test_differences_are_not_called_equal() -> None:
    assert "2 differences" in shown({**COMPARED, "differences": 2}, "en")["Second reader"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("why", ["damaged", "limits", "tool"])
def test_a_check_that_was_not_made_says_why(why: str, language: Language) -> None:
    label = {"fr": "Seconde lecture", "en": "Second reader", "es": "Segunda lectura"}[language]
    said = shown({"not_made": why, "reason": "signal 9"}, language)[label]
    assert ("signal 9" in said) is (why != "damaged")
    assert shown({"not_made": why, "reason": "signal 9"}, language) != shown(COMPARED, language)


def test_without_a_second_reader_nothing_is_shown_of_it() -> None:
    assert "Second reader" not in shown(None, "en")
