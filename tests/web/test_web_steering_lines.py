"""The lines of steering in the dossier and in the table: words in three languages, and no formula."""

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest
from web_side import ANA, Core

from bot.onboarding.actors import Accountable
from bot.web.dossier import trail_lines
from bot.web.export import export_dossier
from checklists.model import LANGUAGES, Language

WORDS = {"fr": "Activation rouverte", "en": "Opened again", "es": "Activación reabierta"}


@pytest.fixture
def steered(core: Core) -> tuple[Core, str]:
    key = core.key
    steering = core.onboardings.steering
    steering.assign(key, Accountable("U0BOB", "bob"), actor=ANA)
    steering.set_due(key, core.clock.now().date() + timedelta(days=30), actor=ANA)
    steering.note(key, "=HYPERLINK(1)", actor=ANA)
    core.onboardings.cancel(key, "wrong client", actor=ANA)
    steering.reopen(key, "+it was right", actor=ANA)
    steering.taken_along(key, actor=ANA)
    return core, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_reads_as_words_in_each_language(steered: tuple[Core, str], language: Language) -> None:
    core, key = steered
    view, events = core.onboardings.view(key), core.onboardings.trail(key)
    lines = {line.event.kind: line for line in trail_lines(view, events, language)}
    assert [kind for kind, line in lines.items() if line.what == kind] == []
    assert lines["reopened"].what == WORDS[language]
    assert (lines["reopened"].detail, lines["noted"].detail) == ("+it was right", "=HYPERLINK(1)")
    assert "bob" in lines["assigned"].detail


def test_the_table_has_the_words_and_no_cell_that_a_spreadsheet_runs(steered: tuple[Core, str], tmp_path: Path) -> None:
    core, key = steered
    _, _, table = export_dossier(tmp_path, core.onboardings.view(key), core.onboardings.trail(key), "fr")
    rows = {row["kind"]: row for row in csv.DictReader(io.StringIO(table.read_text("utf-8-sig")))}
    assert (rows["noted"]["what"], rows["noted"]["detail"]) == ("Note", "'=HYPERLINK(1)")
    assert rows["reopened"]["detail"] == "'+it was right"
