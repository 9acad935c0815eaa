"""The morning digest as a direct message: within Slack's limits, found again, stopped by its button; the late list."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from forms_house import FormsHouse, eventually, forms_house
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.onboarding.actors import Actor
from bot.onboarding.clock import WorkingTime
from bot.onboarding.digests import Digest, Item, NotReachable
from bot.onboarding.effects import NothingHappened
from bot.onboarding.models import DigestRecord
from bot.onboarding.ports import Job
from bot.sandbox.faults import Fault
from bot.sandbox.slack import SlackPerson
from bot.sandbox.slack.blocks import TEXT_OF_ALL_BLOCKS, check_blocks, text_length
from bot.slack.connection import SlackConnection
from bot.slack.digest import SlackLetterbox, digest_blocks, summary
from bot.slack.late import late_text
from checklists.model import LANGUAGES, Localized

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300)
texts = words.filter(str.strip).map(Localized.same)
items = st.builds(
    Item,
    key=st.just("ONB-1234567"),
    client=words,
    partner=words,
    link=st.none() | st.just("https://slack.example/archives/C1/p1?a=b&c=d"),
    step=texts,
    role=st.sampled_from(["manager", "partner", "data_base", "admin"]),
    state=st.sampled_from(["waiting", "failed"]),
    since=st.none() | st.dates(),
    due_on=st.none() | st.dates(),
    days_late=st.integers(0, 400),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(some=st.lists(items, max_size=8), times=st.integers(1, 60), language=st.sampled_from(LANGUAGES))
def test_a_digest_of_any_size_stays_within_the_limits(some: list[Item], times: int, language: Any) -> None:
    digest = Digest(date(2026, 11, 24), tuple(some * times), open=len(some) * times, left=times - 1)
    blocks = digest_blocks(digest, language)
    assert check_blocks(blocks) == []
    assert text_length(blocks) <= TEXT_OF_ALL_BLOCKS
    assert summary(digest, language)


def next_morning(house: FormsHouse) -> datetime:
    """Ten o'clock UTC on the next working day of Spain and France."""
    working = WorkingTime("Europe/Madrid", ["ES", "FR"])
    day = working.day_after(house.clock.now().date(), 1)
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC)


def direct(house: FormsHouse, user: str) -> SlackPerson:
    """The manager's eyes and hands in the conversation with the bot."""
    channel = eventually(lambda: house.slack.workspace.direct(user).id)
    return SlackPerson(house.slack.url, user, channel=channel)


def morning(house: FormsHouse) -> None:
    house.clock.move_to(next_morning(house))
    house.bot.digests.sweep()
    house.bot.run_job(Job(0, "digest:U0ANA"))


def test_a_manager_gets_one_and_stops_it_and_begins_again(house: FormsHouse) -> None:
    key = house.start(client="<ACME> & Co")
    house.bot.digests.enlist()
    morning(house)
    house.bot.run_job(Job(0, "digest:U0ANA"))
    ana = direct(house, "U0ANA")
    [message] = ana.messages()
    assert key in str(message["blocks"])
    assert "&lt;ACME&gt; &amp; Co" in str(message["blocks"])
    ana.click(message["ts"], "digest_stop", "digest_stop")
    eventually(lambda: "You will not get this any more" in str(ana.messages()))
    morning(house)
    assert len(ana.messages()) == 1
    ana.click(message["ts"], "digest_resume", "digest_resume")
    eventually(lambda: "each working morning" in str(ana.messages()))
    morning(house)
    assert len(ana.messages()) == 2
    assert not house.ana.state()["failures"]


def test_each_gets_it_in_their_own_morning_and_language(house: FormsHouse) -> None:
    zones = {"U0ANA": ("fr-FR", "America/Bogota"), "U0BOB": ("es-ES", "Europe/Madrid")}
    for user, (locale, zone) in zones.items():
        old = house.slack.workspace.users[user]
        house.slack.workspace.users[user] = replace(old, locale=locale, tz=zone)
    for user in zones:
        house.start(Actor("slack", f"slack:{user}", user))
    house.bot.digests.enlist()

    def row(user: str) -> DigestRecord:
        with house.bot.store.reading() as session:
            return session.get_one(DigestRecord, user)

    opening = {user: row(user).due_at.astimezone(ZoneInfo(zone)).time() for user, (_, zone) in zones.items()}
    assert opening["U0ANA"] == opening["U0BOB"]
    madrid, bogota = row("U0BOB").due_at, row("U0ANA").due_at
    assert {(bogota - madrid) % timedelta(days=1)} <= {timedelta(hours=6), timedelta(hours=7)}
    first, second = sorted(zones, key=lambda user: row(user).due_at)
    house.clock.move_to(row(first).due_at + timedelta(minutes=1))
    house.bot.digests.sweep()
    assert row(first).enqueued_for is not None
    assert row(second).enqueued_for is None
    words = {"U0ANA": "À suivre", "U0BOB": "Pendiente"}
    for user in (first, second):
        house.clock.move_to(max(row(user).due_at, house.clock.now()) + timedelta(minutes=1))
        house.bot.digests.sweep()
        house.bot.run_job(Job(0, f"digest:{user}"))
        [message] = direct(house, user).messages()
        assert words[user] in str(message["blocks"])


def test_a_digest_whose_answer_was_lost_is_found_in_the_conversation(house: FormsHouse) -> None:
    house.start()
    house.bot.digests.enlist()
    house.slack.faults.add(Fault("chat.postMessage", "drop_after"))
    morning(house)
    ana = direct(house, "U0ANA")
    assert len(ana.messages()) == 1
    house.clock.ahead += timedelta(minutes=10)
    house.bot.digests.sweep()
    house.bot.run_job(Job(0, "digest:U0ANA"))
    assert len(ana.messages()) == 1


def test_without_the_right_to_read_a_lost_one_is_not_sent_twice(tmp_path: Path) -> None:
    scopes = frozenset({"chat:write", "commands", "im:write", "channels:history"})
    with forms_house(tmp_path, scopes=scopes) as house:
        house.start()
        house.bot.digests.enlist()
        house.slack.faults.add(Fault("chat.postMessage", "drop_after"))
        morning(house)
        house.clock.ahead += timedelta(minutes=10)
        house.bot.digests.sweep()
        house.bot.run_job(Job(0, "digest:U0ANA"))
        assert len(direct(house, "U0ANA").messages()) == 1


def test_without_the_right_to_write_to_people_nothing_breaks(tmp_path: Path) -> None:
    with forms_house(tmp_path, scopes=frozenset({"chat:write", "commands", "channels:history"})) as house:
        house.start()
        house.bot.digests.enlist()
        morning(house)
        assert direct(house, "U0ANA").messages() == []


def test_the_late_list_is_one_line_each_with_its_late_steps(house: FormsHouse) -> None:
    assert late_text(house.bot.onboardings.late(), "fr") == "Rien n'est en retard."
    key = house.start(client="<ACME>")
    house.clock.ahead += timedelta(days=30)
    text = late_text(house.bot.onboardings.late(), "en")
    assert key in text
    assert "&lt;ACME&gt;" in text
    assert "working days late" in text


def test_the_letterbox_says_who_cannot_be_written_to(house: FormsHouse) -> None:
    box = SlackLetterbox(SlackConnection(house.bot.settings.slack), lambda _: "en")
    with pytest.raises(NothingHappened) as caught:
        box.post("U0NOBODY", Digest(date(2026, 11, 24), (), open=0), "m")
    assert isinstance(caught.value.cause, NotReachable)
