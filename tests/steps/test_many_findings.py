"""A file with thousands of findings: a readable post and comment, and the whole list as a file."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from chain_house import ANA, OCTOBER, ChainHouse

from bot.jira import markup
from bot.onboarding.outcomes import FileEvidence
from bot.onboarding.view import Report, read_reports
from bot.sandbox.slack.blocks import check_blocks
from bot.slack.parent import message_blocks
from bot.slack.reports import report_blocks
from bot.steps.chain_findings import SHOWN
from checklists.model import LANGUAGES

ROWS = 1_600
MANY = f"""-- code: TOO_ODD
-- severity: block
SELECT usage.id || '-' || copy.copy AS id, '=1+1' AS remark
FROM usage, range({ROWS // 400}) AS copy(copy)
"""
TEXTS = """
TOO_ODD:
  message:
    fr: "L'appel {id} est étrange ({remark}) & <à voir>."
    en: "Call {id} is odd ({remark}) & <to be seen>."
    es: "La llamada {id} es rara ({remark})."
  advice: {fr: Rechargez., en: Load it again., es: Vuelva a cargarlo.}
"""


@pytest.fixture
def many(tmp_path: Path) -> Iterator[ChainHouse]:
    house = ChainHouse(tmp_path, checks=[("odd.sql", MANY)])
    (tmp_path / "packs" / "telefonica_es" / "findings.yaml").write_text(TEXTS, "utf-8")
    yield house
    house.store.close()


def the_list(house: ChainHouse, key: str) -> FileEvidence:
    [file] = [file for file in house.step(key, "processing").evidence.files if file.kind == "findings"]
    return file


def failure(house: ChainHouse, key: str) -> Report:
    view = house.onboardings.view(key)
    with house.store.reading() as session:
        return [one for one in read_reports(session, view.id, view.pack, after=0) if one.kind == "step_failed"][-1]


def test_the_whole_list_is_a_file_and_the_message_counts_what_it_leaves_out(many: ChainHouse) -> None:
    key = many.play(OCTOBER)
    step = many.step(key, "processing")
    assert (step.state, step.code) == ("failed", "TOO_ODD")
    file = the_list(many, key)
    with Path(file.path).open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter=";"))
    odd = [row for row in rows if row["code"] == "TOO_ODD"]
    assert len({row["message"] for row in odd}) == ROWS
    assert rows[0]["severity"] == "block"
    assert file.rows == len(rows)
    assert len(step.evidence.findings) == SHOWN
    assert step.seen is not None
    told = sum("is odd" in line for line in step.seen.en.splitlines())
    assert step.seen.en.splitlines()[0] == f"File {OCTOBER.name}"
    assert step.seen.en.splitlines()[-1] == f"… and {ROWS - told:,} more; the whole list: {file.name}"
    assert f"… et {ROWS - told:,} de plus".replace(",", "\N{NO-BREAK SPACE}") in step.seen.fr
    assert (
        "Findings", f"{file.rows:,}; {SHOWN} shown here, all of them in {file.name}"
    ) in many.facts(key, "processing")  # fmt: skip


def test_the_post_the_parent_and_the_comment_stay_readable(many: ChainHouse) -> None:
    key = many.play(OCTOBER)
    report, file = failure(many, key), the_list(many, key)
    for language in LANGUAGES:
        view = replace(many.onboardings.view(key), language=language)
        post = report_blocks(view, report)
        assert check_blocks(post) == []
        said = "\n".join(block["text"]["text"] for block in post if block["type"] == "section")
        assert file.name in said
        assert check_blocks(message_blocks(view)) == []
        comment = markup.comment(view, report, "ONB-1:9:jira:marker")
        assert len(comment) < 20_000
        assert comment.endswith("\n----\nONB-1:9:jira:marker")
        assert comment.count(file.name) >= 2


def test_a_file_with_few_findings_has_no_list(house: ChainHouse) -> None:
    key = house.play(OCTOBER)
    assert [file.kind for file in house.step(key, "processing").evidence.files] == ["source"]
    assert not list(house.home.glob("FINDINGS*"))


def test_the_same_findings_are_the_same_file(many: ChainHouse) -> None:
    key = many.play(OCTOBER)
    first = the_list(many, key)
    many.onboardings.retry(key, "processing", actor=ANA)
    many.work()
    assert the_list(many, key) == first
    assert len(list(many.home.glob("FINDINGS*"))) == 1
