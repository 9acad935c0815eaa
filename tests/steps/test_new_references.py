"""New and vanished references: listed with amounts and suggestions, until a person confirms the assignment."""

import csv
from pathlib import Path

import pytest
from chain_house import ANA, NOVEMBER, OCTOBER, OPERATOR, ROOT, SAMPLES, ChainHouse

from bot.onboarding.outcomes import FileEvidence
from bot.onboarding.ports import Job
from pipeline.client import Inventory

SHOWN = 12


def listed(file: FileEvidence) -> list[dict[str, str]]:
    with Path(file.path).open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines, delimiter=";"))


def files(house: ChainHouse, key: str) -> dict[str, FileEvidence]:
    return {file.kind: file for file in house.step(key, "references").evidence.files}


def test_new_references_are_listed_with_amounts_and_a_suggestion(house: ChainHouse) -> None:
    key = house.play(OCTOBER)
    step = house.step(key, "references")
    assert step.state == "waiting"
    found = listed(files(house, key)["references"])
    assert {(row["kind"], row["ref"]) for row in found} == {
        ("line", "647964877"), ("line", "641647935"), ("line", "716273175"),
    }  # fmt: skip
    assert [row for row in found if not row["net"] or not row["first_seen_invoice"]] == []
    facts = dict(house.facts(key, "references"))
    assert facts["New references"] == "3"
    suggested = [row for row in found if row["suggestion"]]
    assert suggested
    for row in found:
        about = facts[f"Line {row['ref']}"]
        assert row["net"] in about
        assert f"suggestion: {row['suggestion']}" in about if row["suggestion"] else "suggestion" not in about


def test_a_confirmed_assignment_empties_the_list_and_the_next_month_lists_only_what_is_new_then(
    house: ChainHouse,
) -> None:
    key = house.play(OCTOBER)
    house.onboardings.confirm(key, "references", actor=ANA)
    assert house.registry.new_references(house.onboardings.view(key).id) == []
    following = house.play(NOVEMBER)
    assert [row["ref"] for row in listed(files(house, following)["references"])] == ["671533474"]


def test_what_is_no_longer_billed_is_listed_with_what_it_was_billed_last(house: ChainHouse) -> None:
    house.integrate(OCTOBER)
    following = house.play(NOVEMBER)
    [gone] = listed(files(house, following)["vanished"])
    inventory = Inventory.from_csv(SAMPLES / "acme_inventory.csv")
    assert (gone["kind"], gone["ref"], gone["last_period"]) == ("line", "644949927", "202610")
    assert gone["label"] == inventory.refs("line")["644949927"]
    october = [row.lines for row in house.registry.invoices(OPERATOR, ROOT) if row.period == "202610"]
    [billed] = [lines["644949927"] for lines in october if lines and "644949927" in lines]
    assert gone["net"] == billed
    facts = dict(house.facts(following, "references"))
    assert facts["Vanished references"] == "1"
    assert billed in facts["Vanished: line 644949927"]
    assert "202610" in facts["Vanished: line 644949927"]


def test_references_that_an_earlier_onboarding_left_unassigned_are_on_the_next_ones_list(house: ChainHouse) -> None:
    key = house.play(OCTOBER)
    house.onboardings.cancel(key, "wrong partner", actor=ANA)
    following = house.play(NOVEMBER)
    found = {row["ref"]: row for row in listed(files(house, following)["references"])}
    assert set(found) == {"647964877", "641647935", "716273175", "671533474"}
    november = {row.number for row in house.registry.invoices(OPERATOR, ROOT) if row.period == "202611"}
    assert {row["first_seen_invoice"] for row in found.values()} <= november


def test_a_long_list_shows_its_beginning_and_names_the_file_with_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.steps.lists.SHOWN_ENTRIES", SHOWN)
    house = ChainHouse(tmp_path)
    key = house.play(OCTOBER)
    file = files(house, key)["references"]
    rows = listed(file)
    assert file.rows == len(rows) > SHOWN
    facts = house.facts(key, "references")
    assert len(facts) == 1 + SHOWN + 1
    assert facts[-1] == ("The rest", f"… and {len(rows) - SHOWN} more; the whole list: {file.name}")
    house.store.close()


def test_the_same_list_is_the_same_file_however_often_the_step_runs(house: ChainHouse) -> None:
    key = house.play(OCTOBER)
    first = files(house, key)["references"]
    house.worker.run(Job(house.onboardings.view(key).id, "step:references", run=1))
    assert files(house, key)["references"] == first
    assert len(list(house.home.glob("REFS_*.csv"))) == 1
