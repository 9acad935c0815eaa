"""The dossier and its export."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web_side import ANA, MARKUP, OFC, Core

from bot.drawing.figures import duration
from bot.drawing.timeline import MOST_TICKS, tick_seconds
from bot.onboarding.actors import Actor
from bot.onboarding.errors import Refused
from bot.onboarding.models import Event
from bot.onboarding.outcomes import Done, Evidence, Failed, FindingEvidence
from bot.web.dossier import render_dossier
from bot.web.export import export_dossier, first_break
from bot.web.timeline import LABELS, PLOT, WIDTH, courses, draw
from checklists.model import Localized

VOID = {"meta", "link", "br", "input", "img", "hr"}


class Balanced(HTMLParser):
    """Refuses a page whose elements are not closed in order, and notes every id and resource."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.resources: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.resources += [f"{tag} {name}={value}" for name, value in attrs if name in {"src", "srcset", "xlink:href"}]
        if tag in {"link", "script", "img", "iframe", "object", "base", "form"}:
            self.resources.append(tag)
        assert not any(name.startswith("on") for name in named)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()


def parsed(page: str) -> Balanced:
    found = Balanced()
    found.feed(page)
    found.close()
    assert found.open == []
    assert len(set(found.ids)) == len(found.ids)
    return found


@pytest.fixture
def finished(core: Core) -> Core:
    """An activation that failed once, was refused once, and came to its end."""
    partner = Actor("link", "link:ACME", f"=ACME {MARKUP}")
    core.clock.pass_by(minutes=5)
    core.onboardings.confirm(core.key, "portal", actor=ANA)
    core.settle("directory", Done())
    core.onboardings.submit_form(core.key, "form", {"auth": "PASSWORD"}, actor=partner)
    finding = FindingEvidence("BAD_NAME", "block", Localized.same(MARKUP), Localized.same("Rename it."))
    core.clock.pass_by(hours=2)
    second = FindingEvidence("BAD_NIF", "warn", Localized.same("A second finding."), Localized.same("Check it."))
    evidence = Evidence(findings=(finding, second))
    core.settle("delivery", Failed("BAD_NAME", finding.message, finding.advice, evidence))
    core.clock.pass_by(hours=1)
    core.onboardings.retry(core.key, "delivery", actor=ANA)
    core.clock.pass_by(days=3)
    core.deliver()
    with pytest.raises(Refused):
        core.onboardings.confirm(core.key, "portal", actor=ANA)
    core.onboardings.answer(core.key, "received", True, comment=MARKUP, actor=partner)
    core.onboardings.confirm(core.key, "sign_off", actor=ANA)
    return core


def page_of(core: Core, **more: object) -> str:
    view = core.onboardings.view(core.key)
    return render_dossier(view, core.onboardings.trail(core.key), "en", chain_intact=True, **more)  # type: ignore[arg-type]


def test_the_dossier_tells_the_whole_course(finished: Core) -> None:
    view = finished.onboardings.view(finished.key)
    form = view.pack.forms["form.yaml"]
    page = page_of(finished, answers={"auth": "PASSWORD", "details": False, "days": ["MON", "WED"]}, form=form)
    parsed(page)
    assert view.state == "done"
    for text in (
        view.key,
        view.head,
        OFC.name,
        OFC.sha256,
        "BAD_NAME",
        "Rename it.",
        "A second finding.",
        "☑ Logged in",
        "MON, WED",
    ):
        assert text in page
    assert "6 of 6 steps" in page
    assert "The trail is intact" in page
    for line in finished.onboardings.trail(finished.key):
        assert f'title="{line.hash}"' in page
    for kind in ("Failed", "Retried", "Request refused", "Activation closed"):
        assert kind in page


def test_the_dossier_needs_nothing_but_itself_and_escapes_everything(finished: Core) -> None:
    page = page_of(finished)
    assert parsed(page).resources == []
    assert not re.search(r"https?://|url\(|@import|<script", page)
    assert "&lt;script&gt;" in page


def test_a_changed_trail_is_said_in_the_dossier(finished: Core, tmp_path: Path) -> None:
    view, events = finished.onboardings.view(finished.key), finished.onboardings.trail(finished.key)
    page, *_ = export_dossier(tmp_path / "good", view, events, "en")
    assert "The trail is intact" in page.read_text("utf-8")
    for broken in (events[:-1], [*events[:3], events[3].model_copy(update={"actor": "eve"}), *events[4:]]):
        page, *_ = export_dossier(tmp_path / "bad", view, broken, "en")
        assert "The trail has been changed" in page.read_text("utf-8")


def test_a_partners_signed_link_is_not_in_the_page_but_a_tickets_is(core: Core) -> None:
    with core.flow.change(1) as change:
        record = change.step("form")
        record.link = "https://onboarding.example.com/form/secret-token"
        change.session.add(record)
    core.settle("delivery", Done(link="https://jira.example.com/browse/DB-1"))
    page = page_of(core)
    assert "secret-token" not in page
    assert '<a href="https://jira.example.com/browse/DB-1"' in page


def test_an_auditor_can_compute_the_exported_hashes_again(finished: Core, tmp_path: Path) -> None:
    view, events = finished.onboardings.view(finished.key), finished.onboardings.trail(finished.key)
    _, machine, _ = export_dossier(tmp_path / "out", view, events, "fr")
    exported = json.loads(machine.read_text("utf-8"))
    previous = ""
    for line in exported["trail"]:
        # As how_to_verify says, with nothing of ours.
        said = [line[name] for name in ("onboarding_id", "seq", "at", "actor", "kind", "step", "content", "previous")]
        canonical = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(canonical.encode()).hexdigest() == line["hash"]
        assert line["previous"] == previous
        previous = line["hash"]
    assert previous == exported["head"] == view.head
    assert first_break(exported) is None


@pytest.mark.parametrize("name", ["at", "actor", "kind", "step", "content", "previous", "hash", "seq"])
def test_a_changed_field_of_the_export_is_found_at_its_line(name: str, finished: Core, tmp_path: Path) -> None:
    view, events = finished.onboardings.view(finished.key), finished.onboardings.trail(finished.key)
    _, machine, _ = export_dossier(tmp_path, view, events, "fr")
    exported = json.loads(machine.read_text("utf-8"))
    changed = deepcopy(exported)
    new = {"at": "2026-01-01T00:00:00+00:00", "content": {"actor": "eve"}, "seq": 99}
    changed["trail"][4][name] = new.get(name, "other")
    assert first_break(changed) == (99 if name == "seq" else 5)
    missing = {**exported, "trail": exported["trail"][:-1]}
    assert first_break(missing) == len(exported["trail"])
    moved = {**exported, "trail": [*exported["trail"][:2], *exported["trail"][3:]]}
    assert first_break(moved) == 4


def test_the_table_is_whole_and_harmless_in_a_spreadsheet(finished: Core, tmp_path: Path) -> None:
    view, events = finished.onboardings.view(finished.key), finished.onboardings.trail(finished.key)
    *_, table = export_dossier(tmp_path, view, events, "fr")
    rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8-sig"))))
    assert [int(row["seq"]) for row in rows] == [line.seq for line in events]
    assert [json.loads(row["content"]) for row in rows] == [line.content for line in events]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert any(row["actor"] == f"'=ACME {MARKUP}" for row in rows)


# The drawing.


def lines_at(core: Core, gaps: list[float]) -> list[Event]:
    """The trail of the core's onboarding with other times between its lines, in seconds."""
    at = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
    lines = []
    for line, gap in zip(core.onboardings.trail(core.key), gaps, strict=False):
        at += timedelta(seconds=gap)
        lines.append(line.model_copy(update={"at": at}))
    return lines


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gaps=st.lists(st.floats(0, 4_000_000), min_size=1, max_size=40))
def test_the_drawing_stays_within_its_frame_whatever_the_times(finished: Core, gaps: list[float]) -> None:
    view, events = finished.onboardings.view(finished.key), lines_at(finished, gaps)
    drawing = draw(view, events, "en")
    assert len(drawing.rows) == len(view.steps)
    assert len(drawing.ticks) <= MOST_TICKS + 1
    xs = [tick.x for tick in drawing.ticks]
    assert xs == sorted(set(xs))
    for row in drawing.rows:
        assert 0 < row.y < drawing.height
        for bar in row.bars:
            assert bar.x >= LABELS
            assert bar.width > 0
            assert bar.x + bar.width <= LABELS + PLOT + 0.02 < WIDTH
        for first, second in zip(row.bars, row.bars[1:], strict=False):
            assert first.x <= second.x
        for mark in row.marks:
            assert LABELS <= mark.x <= LABELS + PLOT
    for course in courses(view, events).values():
        for earlier, later in zip(course.spans, course.spans[1:], strict=False):
            assert earlier.start <= earlier.end <= later.start
    parsed(render_dossier(view, events, "fr", chain_intact=True))


def test_a_course_shows_the_failure_and_the_retry(finished: Core) -> None:
    view, events = finished.onboardings.view(finished.key), finished.onboardings.trail(finished.key)
    course = courses(view, events)["delivery"]
    assert [span.state for span in course.spans] == ["running", "failed", "running"]
    assert [moment.kind for moment in course.moments] == ["failed", "retried"]
    assert course.ended == events[-1].at
    assert course.seconds == pytest.approx(timedelta(days=3, hours=3, minutes=5).total_seconds())


def test_what_is_still_under_way_is_drawn_to_the_trails_end(core: Core) -> None:
    core.clock.pass_by(hours=1)
    core.onboardings.confirm(core.key, "portal", actor=ANA)
    course = courses(core.onboardings.view(core.key), core.onboardings.trail(core.key))["form"]
    assert course.ended is None
    assert course.spans[-1].is_open
    assert course.seconds == 3600


def ticks_of(core: Core, span: float) -> Iterator[tuple[str, str]]:
    events = lines_at(core, [0, span])
    yield from ((tick.day, tick.clock) for tick in draw(core.onboardings.view(core.key), events, "en").ticks)


def test_the_axis_reads_well_for_seconds_and_for_weeks(core: Core) -> None:
    assert list(ticks_of(core, 20)) == [
        ("28 Mar", "23:00:00"),
        *(("", f"23:00:{second:02}") for second in (5, 10, 15, 20)),
    ]
    # Days begin at midnight in Madrid, also behind the night in which the clock goes forward.
    assert list(ticks_of(core, 21 * 86_400)) == [("4 Apr", ""), ("11 Apr", ""), ("18 Apr", "")]
    assert ZoneInfo(core.onboardings.view(core.key).pack.checklist.time_zone).key == "Europe/Madrid"


@given(span=st.floats(0.001, 1e9))
def test_the_axis_is_never_crowded(span: float) -> None:
    assert span / tick_seconds(span) <= MOST_TICKS


def test_durations_read_as_people_say_them() -> None:
    assert [duration(seconds, "en") for seconds in (0, 0.44, 12, 125, 7200, 273_600)] == [
        "0.0 s",
        "0.4 s",
        "12 s",
        "2 min 5 s",
        "2 h",
        "3 d 4 h",
    ]
    assert duration(273_600, "fr") == "3 j 4 h"
    assert duration(0.44, "es") == "0,4 s"
    assert duration(0.9999, "en") == "1.0 s"
