"""The morning digest: once a working morning for each manager, also after days of downtime; and the late list."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from core_house import ANA, BOB, House

from bot.locales import say
from bot.onboarding.actors import Actor, Roles
from bot.onboarding.digests import Digest, DigestSchedule, DigestWorker, NotReachable
from bot.onboarding.effects import NothingHappened
from bot.onboarding.errors import Unavailable
from bot.onboarding.outcomes import Failed
from bot.onboarding.retry import Backoff
from bot.onboarding.start import StartRequest

PACK = """
pack: operadora_x
version: 1
operator: {name: OPERADORA X, country: ES}
calendar: [ES, FR]
title: {fr: Activation, en: Activation, es: Activación}
options:
  - {id: ofc, type: boolean, label: {fr: OFC, en: OFC, es: OFC}}
steps:
  - id: portal
    kind: confirm
    title: {fr: Portail, en: Portal, es: Portal}
    due: {working_days: 2, after: start}
    ticks:
      - {id: logged_in, label: {fr: Connecté, en: Logged in, es: Conectado}}
  - id: directory
    kind: directory
    role: data_base
    title: {fr: Dossier, en: Directory, es: Carpeta}
"""


class Box:
    """Where digests are read, in memory; it loses answers, and refuses, as a test says."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str, Digest]] = []
        self.trouble: list[Exception] = []
        self.lost: list[Exception] = []

    def post(self, person: str, digest: Digest, marker: str) -> str:
        if self.trouble:
            raise self.trouble.pop(0)
        self.shown.append((person, marker, digest))
        if self.lost:
            raise self.lost.pop(0)
        return f"m{len(self.shown)}"

    def find(self, person: str, marker: str, since: datetime) -> str | None:
        return next(
            (f"m{n}" for n, (who, mark, _) in enumerate(self.shown, 1) if (who, mark) == (person, marker)), None
        )

    def to(self, person: str) -> list[date]:
        return [digest.day for who, _, digest in self.shown if who == person]


class Mornings:
    """A core, whose digests a test has sent."""

    def __init__(self, base: Path, roles: Roles | None = None, database: str | None = None) -> None:
        roles = roles or Roles({"manager": ["UANA", "UBOB"]})
        self.house = House(base, pack=PACK, roles=roles, database=database)
        self.house.directory.script = [Failed("DIR", say("ask.no"), say("ask.no_advice"))] * 20
        self.box = Box()
        self.zones: dict[str, str] = {}
        store, packs, clock = self.house.store, self.house.packs, self.house.clock
        self.schedule = DigestSchedule(store, packs, self.house.queue, clock, roles, self.zones.get)
        self.worker = DigestWorker(
            store, packs, self.schedule, self.house.effects, self.box, clock, roles, Backoff(first=5, tries=3)
        )

    def begin(self, actor: Actor = ANA, **changed: str) -> str:
        request = {
            "pack": "operadora_x",
            "partner": "PARTNER-ONE",
            "partner_email": "ops@partner.example",
            "client": "ACME",
            "root": "ACME",
        }
        key = self.house.onboardings.start(
            StartRequest(**(request | changed), tax_ids=["A78923125"], options={"ofc": False}), actor
        ).key
        self.house.work()
        self.schedule.enlist()
        return key

    def at(self, moment: str) -> None:
        madrid = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Europe/Madrid"))
        self.house.clock.moment = madrid.astimezone(UTC)
        self.send()

    def send(self) -> None:
        while self.schedule.sweep():
            for job in self.house.queue.take("digest:"):
                self.worker.run(job)


@pytest.fixture
def home(tmp_path: Path, database: str) -> Iterator[Mornings]:
    """It is Monday 23 November 2026, 10:00 in Madrid."""
    built = Mornings(tmp_path, database=database)
    yield built
    built.house.close()


def test_each_manager_hears_once_each_working_morning_of_their_own(home: Mornings) -> None:
    mine, theirs = home.begin(), home.begin(BOB, client="Beta", root="BETA")
    home.at("2026-11-23 12:00")
    home.at("2026-11-24 08:59")
    assert home.box.shown == []
    for moment in ("2026-11-24 09:00", "2026-11-24 09:01", "2026-11-24 17:00", "2026-11-25 09:00"):
        home.at(moment)
    assert home.box.to("UANA") == home.box.to("UBOB") == [date(2026, 11, 24), date(2026, 11, 25)]
    keys = {person: {item.key for item in digest.items} for person, _, digest in home.box.shown}
    assert keys == {"UANA": {mine}, "UBOB": {theirs}}


def test_three_days_of_downtime_and_a_weekend_end_in_one_digest(home: Mornings) -> None:
    home.begin()
    # Down from Monday to the next Monday; the digest comes when the bot is back, in working hours.
    home.at("2026-11-30 15:00")
    home.at("2026-11-30 16:00")
    assert home.box.to("UANA") == [date(2026, 11, 30)]
    home.at("2026-12-01 09:00")
    assert home.box.to("UANA") == [date(2026, 11, 30), date(2026, 12, 1)]


def test_back_in_the_evening_or_on_a_holiday_it_waits_for_the_next_opening(home: Mornings) -> None:
    home.begin()
    home.at("2026-11-24 22:00")
    assert home.box.shown == []
    home.at("2026-11-25 09:00")
    assert home.box.to("UANA") == [date(2026, 11, 25)]
    # Saturday, Sunday, and 8 December, a holiday in Spain.
    for moment in ("2026-11-28 10:00", "2026-11-29 10:00"):
        home.at(moment)
    assert len(home.box.shown) == 1
    home.at("2026-12-07 09:00")
    home.at("2026-12-08 10:00")
    home.at("2026-12-09 09:00")
    assert home.box.to("UANA")[1:] == [date(2026, 12, 7), date(2026, 12, 9)]


def test_nothing_to_say_sends_nothing_and_goes_on_when_there_is(home: Mornings) -> None:
    key = home.begin()
    home.house.onboardings.cancel(key, "over", actor=ANA)
    home.at("2026-11-24 09:00")
    home.at("2026-11-25 12:00")
    assert home.box.shown == []
    home.begin(client="Beta", root="BETA")
    home.at("2026-11-25 17:00")
    assert home.box.shown == []
    home.at("2026-11-26 09:00")
    assert home.box.to("UANA") == [date(2026, 11, 26)]


def test_late_comes_first_the_latest_before_all_and_the_rest_by_whose_turn(home: Mornings) -> None:
    old = home.begin()
    home.at("2026-11-26 12:00")
    new = home.begin(client="Beta", root="BETA")
    home.at("2026-11-30 09:00")
    digest = home.box.shown[-1][2]
    assert [(item.key, item.step.en, item.days_late) for item in digest.late] == [(old, "Portal", 3)]
    assert digest.items[0] == digest.late[0]
    by_role = {role: [(item.key, item.step.en) for item in items] for role, items in digest.by_role().items()}
    assert by_role == {"manager": [(new, "Portal")], "data_base": [(old, "Directory"), (new, "Directory")]}
    assert (digest.open, digest.left) == (2, 0)


def test_a_post_whose_answer_was_lost_is_found_and_not_made_again(home: Mornings) -> None:
    home.begin()
    home.box.lost = [Unavailable("Slack", "cut")]
    home.at("2026-11-24 09:00")
    assert len(home.box.shown) == 1
    home.house.clock.move(30)
    home.send()
    home.house.clock.move(3_600)
    home.send()
    assert home.box.to("UANA") == [date(2026, 11, 24)]


def test_a_slack_that_is_away_all_morning_gets_it_when_it_is_back(home: Mornings) -> None:
    home.begin()
    home.box.trouble = [Unavailable("Slack", "away")] * 5
    home.at("2026-11-24 09:00")
    for _ in range(20):
        home.house.clock.move(120)
        home.send()
    assert home.box.to("UANA") == [date(2026, 11, 24)]


def test_who_cannot_be_written_to_is_left_until_the_next_morning(home: Mornings) -> None:
    home.begin()
    home.box.trouble = [NothingHappened(NotReachable("UANA", "user_not_found"))]
    home.at("2026-11-24 09:00")
    home.at("2026-11-24 12:00")
    assert home.box.shown == []
    home.at("2026-11-25 09:00")
    assert home.box.to("UANA") == [date(2026, 11, 25)]


def test_a_job_run_again_after_a_kill_says_nothing_more(home: Mornings) -> None:
    home.begin()
    home.house.clock.moment = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    home.schedule.sweep()
    jobs = home.house.queue.take("digest:")
    for _ in range(2):
        for job in jobs:
            home.worker.run(job)
    assert home.box.to("UANA") == [date(2026, 11, 24)]


def test_a_job_that_was_lost_is_made_again(home: Mornings) -> None:
    home.begin()
    home.house.clock.moment = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    home.schedule.sweep()
    home.house.queue.take("digest:")
    home.house.clock.move(300)
    home.send()
    assert home.box.shown == []
    home.house.clock.move(400)
    home.send()
    assert home.box.to("UANA") == [date(2026, 11, 24)]


def test_who_has_stopped_it_hears_nothing_until_it_begins_again(home: Mornings) -> None:
    home.begin()
    assert home.schedule.stop("UANA")
    assert not home.schedule.stop("UANA")
    home.at("2026-11-24 09:00")
    assert home.box.shown == []
    assert home.schedule.resume("UANA")
    home.at("2026-11-24 10:00")
    assert home.box.shown == []
    home.at("2026-11-25 09:00")
    assert home.box.to("UANA") == [date(2026, 11, 25)]


def test_the_morning_is_that_of_the_manager_where_their_zone_is_known(home: Mornings) -> None:
    home.zones["UANA"] = "America/New_York"
    home.begin()
    home.at("2026-11-24 09:00")
    assert home.box.shown == []
    home.at("2026-11-24 15:00")
    assert home.box.to("UANA") == [date(2026, 11, 24)]


def test_a_clock_that_was_set_back_sends_no_second_one(home: Mornings) -> None:
    home.begin()
    home.at("2026-11-24 11:00")
    home.at("2026-11-24 09:30")
    assert home.box.to("UANA") == [date(2026, 11, 24)]
    home.at("2026-11-25 09:00")
    assert home.box.to("UANA") == [date(2026, 11, 24), date(2026, 11, 25)]


@pytest.mark.parametrize("roles", [Roles(), Roles({"manager": ["S0GROUP"]})])
def test_where_no_person_is_named_whoever_started_hears(tmp_path: Path, roles: Roles) -> None:
    home = Mornings(tmp_path, roles)
    home.begin(Actor("shell", "shell:root", "root"))
    home.begin(BOB if not roles.members else Actor("system", "slack:UBOB", "bob"), client="Beta", root="BETA")
    home.at("2026-11-24 09:00")
    assert {person for person, _, _ in home.box.shown} == {"UBOB"}
    home.house.close()


def test_the_late_list_has_the_latest_first_and_nothing_else(home: Mornings) -> None:
    old = home.begin()
    home.at("2026-11-25 12:00")
    newer = home.begin(client="Beta", root="BETA")
    assert home.house.onboardings.late() == []
    home.at("2026-11-30 12:00")
    home.begin(client="Gamma", root="GAMMA")
    assert [(view.key, view.most_days_late) for view in home.house.onboardings.late()] == [(old, 3), (newer, 1)]
    assert [view.key for view in home.house.onboardings.late(limit=1)] == [old]
    home.house.onboardings.tick(old, "portal", [], actor=ANA)
    assert [view.key for view in home.house.onboardings.late()] == [newer]
