"""The parts of a drafted pack that come from the file's name and the folder's."""

import re
from pathlib import Path

import pytest

from checklists.drafting import DraftError, check_folder, gaps, naming_rule, proposed_id
from checklists.model import PACK_ID


@pytest.mark.parametrize(
    ("name", "example", "root"),
    [
        ("202610_ACME-IBERICA_SOFIA.mdb", "202610_CLIENT_SOFIA.mdb", "ACME-IBERICA"),
        ("FACTURAS 202610 ACME.MDB", "FACTURAS 202610 CLIENT.mdb", "ACME"),
        ("acme_202610.mdb", "CLIENT_202610.mdb", "acme"),
        ("202610-ACME-x.mdb", "202610-CLIENT-x.mdb", "ACME"),
        ("B00123455_202610_ACME.mdb", "0_202610_CLIENT.mdb", "ACME"),
        ("it's (1)_202610_ACME.accdb", "it's (1)_202610_CLIENT.accdb", "ACME"),
    ],
)
def test_a_name_with_a_month_gives_its_own_rule(name: str, example: str, root: str) -> None:
    rule, shown, _ = naming_rule(name)
    assert shown == example
    for each in (name, example):
        match = re.fullmatch(rule, each, re.IGNORECASE | re.ASCII)
        assert match, each
        assert match["period"] == "202610"
    match = re.fullmatch(rule, name, re.IGNORECASE | re.ASCII)
    assert match
    assert match["root"] == root
    assert root not in example


@pytest.mark.parametrize(
    "name", ["x.mdb", "202610.mdb", "20261001_ACME.mdb", "202613_ACME.mdb", "202610_202611_A1.mdb", "a\n_202610_b1.mdb"]
)
def test_any_other_name_gives_the_plain_rule_and_says_so(name: str) -> None:
    rule, example, gap = naming_rule(name)
    assert example == "202601_CLIENT.mdb"
    assert re.fullmatch(rule, example)
    assert "not recognised" in gap


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("Acmé Tel", "acme_tel"),
        ("9 lives", "operator_9_lives"),
        ("", "operator"),
        ("X", "operator_x"),
        ("é", "operator_e"),
    ],
)
def test_the_id_that_is_proposed_is_like_the_name(name: str, proposed: str) -> None:
    assert proposed_id(name) == proposed
    assert re.fullmatch(PACK_ID, proposed_id(name * 50))


def test_a_new_or_empty_folder_takes_a_draft_and_no_other_one(tmp_path: Path) -> None:
    check_folder(tmp_path / "new_x")
    (tmp_path / "empty_x").mkdir()
    check_folder(tmp_path / "empty_x")
    (tmp_path / "file_x").write_text("mine", "utf-8")
    for folder in (tmp_path / "file_x", tmp_path / "No-Id"):
        with pytest.raises(DraftError):
            check_folder(folder)


def test_gaps_are_lines_with_the_word_in_texts_alone(tmp_path: Path) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "a.sql").write_text("-- GAP: one GAP\nSELECT 1\n-- PERIOD_GAP is no gap\n", "utf-8")
    (tmp_path / "sample.mdb").write_bytes(b"\0GAP\n")
    (tmp_path / "files.yaml").write_text("status: assumed  # GAP: two", "utf-8")
    assert gaps(tmp_path) == 2
