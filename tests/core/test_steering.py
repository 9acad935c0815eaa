"""What managers decide about a whole onboarding: who answers for it, until when, notes, and opening it again."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import pytest
from core_house import ANA, BOB, PACK, House

from bot.locales import say
from bot.onboarding import trail
from bot.onboarding.actors import Accountable, Actor, Roles
from bot.onboarding.errors import NotAllowed, Refused, Unknown
from bot.onboarding.outcomes import Failed, Waiting
from bot.onboarding.reminders import ReminderWorker
from bot.onboarding.retry import Backoff

CARL = Accountable("UCARL", "carl")
DORA = Accountable("UDORA", "dora")
DBA = Actor("slack", "slack:UDBA", "dba")

REMINDED = PACK.replace(
    "    title: {fr: Portail, en: Portal, es: Portal}\n",
    "    title: {fr: Portail, en: Portal, es: Portal}\n"
    "    remind: {every_working_days: 1, escalate_after: 1}\n"
    "    due: {working_days: 5, after: start}\n",
)


@pytest.fixture
def managed(tmp_path: Path, database: str) -> Iterator[House]:
    """A house in which Ana manages, and one is in the Data Base team; its portal is reminded of."""
    roles = Roles({"manager": ["UANA"], "data_base": ["UDBA"]})
    built = House(tmp_path, database=database, roles=roles, pack=REMINDED)
    built.reminders = ReminderWorker(built.flow, built.effects, roles, built.mailer, Backoff(first=5, tries=3))
    yield built
    built.close()


def last(house: House, key: str) -> tuple[str, str | None, str]:
    line = house.onboardings.trail(key)[-1]
    seen = line.content.get("seen") or line.content.get("text") or {}
    return line.kind, line.step, seen.get("en", "")


# Who answers.


def test_whoever_is_named_is_shown_and_reported_and_naming_them_again_changes_nothing(house: House) -> None:
    key = house.start()
    steering = house.onboardings.steering
    assert steering.assign(key, CARL, actor=ANA)
    assert steering.assign(key, DORA, "portal", actor=ANA)
    view = house.onboardings.view(key)
    assert (view.accountable, view.step("portal").accountable) == (CARL, DORA)
    assert not steering.assign(key, DORA, "portal", actor=ANA)
    house.show()
    told = [(report.kind, report.who) for _, report in house.board.reports if report.kind == "assigned"]
    assert told == [("assigned", ("UCARL",)), ("assigned", ("UDORA",))]
    assert steering.assign(key, None, "portal", actor=ANA)
    assert house.onboardings.view(key).step("portal").accountable is None


def test_reminders_turn_to_whoever_was_named(managed: House) -> None:
    key = managed.start()
    managed.onboardings.steering.assign(key, CARL, actor=ANA)
    managed.at("2026-12-01 09:00")
    managed.onboardings.steering.assign(key, DORA, "portal", actor=ANA)
    managed.at("2026-12-02 09:00")
    lines = [line for line in managed.onboardings.trail(key) if line.kind in {"step_reminded", "step_escalated"}]
    assert [line.content["who"][0] for line in lines if line.step == "portal"] == ["UCARL", "UDORA"]
    assert [line.content["managers"][:1] for line in lines if line.kind == "step_escalated"] == [["UCARL"]]


def test_a_step_that_is_over_takes_nobody_and_no_date(house: House) -> None:
    key = house.start()
    house.onboardings.skip(key, "portal", "done by phone", actor=ANA)
    for act in (
        lambda: house.onboardings.steering.assign(key, CARL, "portal", actor=ANA),
        lambda: house.onboardings.steering.set_due(key, date(2026, 12, 1), "portal", actor=ANA),
    ):
        with pytest.raises(Refused):
            act()
        assert last(house, key)[:2] == ("refused", "portal")


# Until when.


def test_a_new_due_date_is_watched_in_place_of_the_old_one(managed: House) -> None:
    key = managed.start(due=date(2026, 11, 26))
    managed.onboardings.steering.set_due(key, date(2026, 12, 4), actor=ANA)
    assert managed.onboardings.view(key).due == date(2026, 12, 4)
    managed.at("2026-11-30 12:00")
    assert managed.said(key, "deadline_near", "deadline_passed") == []
    managed.at("2026-12-03 09:30")
    assert managed.said(key, "deadline_near", "deadline_passed") == [("deadline_near", "")]
    managed.onboardings.steering.set_due(key, None, actor=ANA)
    managed.at("2026-12-10 12:00")
    assert managed.said(key, "deadline_near", "deadline_passed") == [("deadline_near", "")]


def test_a_due_date_set_to_tomorrow_is_not_told_of_as_near(managed: House) -> None:
    key = managed.start()
    managed.at("2026-11-24 11:00")
    managed.onboardings.steering.set_due(key, date(2026, 11, 25), actor=ANA)
    managed.at("2026-11-25 18:30")
    assert managed.said(key, "deadline_near", "deadline_passed") == []
    managed.at("2026-11-26 09:30")
    assert managed.said(key, "deadline_near", "deadline_passed") == [("deadline_passed", "")]


def test_a_steps_due_date_moves_its_reminders_and_is_kept_when_the_step_begins(managed: House) -> None:
    key = managed.start()
    steering = managed.onboardings.steering
    assert steering.set_due(key, date(2026, 12, 10), "portal", actor=ANA)
    assert steering.set_due(key, date(2026, 12, 11), "status", actor=ANA)
    managed.at("2026-12-09 12:00")
    assert managed.said(key, "step_reminded") == []
    managed.at("2026-12-10 09:30")
    assert managed.said(key, "step_reminded") == [("step_reminded", "portal")]
    managed.onboardings.tick(key, "portal", [], actor=ANA)
    managed.work()
    assert managed.onboardings.view(key).step("status").due_on == date(2026, 12, 11)
    steering.set_due(key, None, "status", actor=ANA)
    assert managed.onboardings.view(key).step("status").due_on is None


@pytest.mark.parametrize("day", [date(2026, 11, 22), date(2206, 12, 1)])
def test_a_day_that_is_past_or_a_mistyped_year_is_refused(house: House, day: date) -> None:
    key = house.start()
    with pytest.raises(Refused) as refused:
        house.onboardings.steering.set_due(key, day, actor=ANA)
    assert day.isoformat() in refused.value.text.en
    assert house.onboardings.view(key).due is None


# Notes.


def test_a_note_is_on_the_trail_and_reported_also_of_a_closed_onboarding(managed: House) -> None:
    key = managed.start()
    managed.onboardings.steering.note(key, "  called <them>\nagain ", "portal", actor=DBA)
    assert last(managed, key) == ("noted", "portal", "called <them>\nagain")
    managed.onboardings.cancel(key, "wrong client", actor=ANA)
    managed.onboardings.steering.note(key, "the contract came", actor=ANA)
    managed.show()
    assert [report.seen.en for _, report in managed.board.reports if report.kind == "noted" and report.seen] == [
        "called <them>\nagain",
        "the contract came",
    ]
    assert trail.first_break(managed.onboardings.trail(key)) is None


@pytest.mark.parametrize("text", ["", " \n ", "x" * 10_000_000])
def test_an_empty_or_endless_note_is_refused_and_the_trail_holds_no_copy_of_it(house: House, text: str) -> None:
    key = house.start()
    with pytest.raises(Refused):
        house.onboardings.steering.note(key, text, actor=ANA)
    assert last(house, key)[0] == "refused"
    assert len(str(house.onboardings.trail(key)[-1].content)) < 1_000


# Opened again.


def test_a_cancelled_onboarding_goes_on_where_it_was(house: House) -> None:
    house.directory.script = [Waiting("partner", say("watch.look"), poll=3600)]
    key = house.start(ofc=False)
    house.work()
    house.onboardings.tick(key, "portal", ["logged_in"], actor=ANA)
    house.onboardings.cancel(key, "wrong client", actor=ANA)
    assert house.onboardings.steering.reopen(key, "it was the right one", actor=ANA)
    house.work()
    view = house.onboardings.view(key)
    assert (view.state, view.closed_at, view.reopened) == ("open", None, 1)
    assert house.states(key)["directory"] == "done"
    assert [seen.by for seen in view.step("portal").ticks] == ["ana", None]
    house.onboardings.tick(key, "portal", ["found"], actor=BOB)
    assert house.states(key)["status"] == "waiting"


def finished(house: House) -> str:
    house.ask.script = [Waiting("partner", say("ask.no"))]
    key = house.start()
    house.onboardings.tick(key, "portal", [], actor=ANA)
    house.work()
    house.onboardings.choose(key, "status", "loaded", actor=ANA)
    house.work()
    house.onboardings.answer(key, "received", True, actor=ANA)
    house.show()
    assert house.onboardings.view(key).state == "done"
    return key


def test_a_finished_onboarding_begins_its_last_step_anew_and_ends_again(house: House) -> None:
    key = finished(house)
    house.ask.script = [Waiting("partner", say("ask.no"))]
    house.onboardings.steering.reopen(key, "the OFC was sent again", actor=ANA)
    house.work()
    assert [step for step, state in house.states(key).items() if state != "done"] == ["received"]
    house.onboardings.answer(key, "received", True, actor=ANA)
    house.show()
    assert house.onboardings.view(key).state == "done"
    assert len(house.board.closed) == 2
    assert [report.kind for _, report in house.board.reports].count("reopened") == 1


def test_from_a_step_on_everything_that_needs_it_begins_anew_with_empty_boxes(house: House) -> None:
    key = finished(house)
    house.onboardings.steering.reopen(key, "another portal", "portal", actor=ANA)
    assert house.states(key) == {
        "portal": "waiting",
        "directory": "done",
        "flow": "done",
        "status": "pending",
        "received": "pending",
    }
    view = house.onboardings.view(key)
    assert [seen.by for seen in view.step("portal").ticks] == [None, None]
    # A click on the picture of now ticks one box, and takes nothing away.
    house.onboardings.select_ticks(
        key, "portal", clicked=view.revision, selected=["found"], actor=BOB, source="slack:again"
    )
    assert [seen.by for seen in house.onboardings.view(key).step("portal").ticks] == [None, "bob"]


def test_a_failed_step_is_tried_again_when_the_onboarding_is_opened_again(house: House) -> None:
    house.directory.script = [Failed("DIR", say("ask.no"), say("ask.no_advice"))]
    key = house.start()
    house.work()
    house.onboardings.cancel(key, "no time", actor=ANA)
    house.onboardings.steering.reopen(key, "time again", actor=ANA)
    house.work()
    assert house.states(key)["directory"] == "done"


def test_opening_again_is_refused_while_open_and_beside_another_one_for_the_client(house: House) -> None:
    key = house.start()
    with pytest.raises(Refused) as refused:
        house.onboardings.steering.reopen(key, "why not", actor=ANA)
    assert "open already" in refused.value.text.en
    house.onboardings.cancel(key, "wrong client", actor=ANA)
    second = house.start(root="ANOTHER")
    with pytest.raises(Refused) as refused:
        house.onboardings.steering.reopen(key, "why not", actor=ANA)
    assert second in refused.value.text.en
    house.onboardings.cancel(second, "no", actor=ANA)
    with pytest.raises(Refused):
        house.onboardings.steering.reopen(key, "  ", actor=ANA)
    with pytest.raises(Unknown):
        house.onboardings.steering.reopen(key, "why", "no_such_step", actor=ANA)
    assert house.onboardings.view(key).state == "cancelled"
    assert [line.kind for line in house.onboardings.trail(key)].count("refused") == 4


def test_the_same_event_again_changes_nothing(house: House) -> None:
    key = house.start()
    steering = house.onboardings.steering
    for again in (False, True):
        assert steering.note(key, "once", actor=ANA, source="slack:n") is not again
        assert steering.assign(key, CARL, actor=ANA, source="slack:a") is not again
        assert steering.set_due(key, date(2026, 12, 1), actor=ANA, source="slack:d") is not again
    assert house.kinds_of_events(key).count("noted") == 1


# Roles.


@dataclass
class Directory:
    """User groups that a test changes."""

    known: dict[str, list[str]] = field(default_factory=dict)
    asked: int = 0

    def refresh(self, groups: Collection[str]) -> None:
        self.asked += 1

    def members(self, group: str) -> Collection[str]:
        return self.known.get(group, [])

    def unanswered(self) -> Mapping[str, datetime | None]:
        return {}


def test_a_user_groups_members_hold_the_role_and_a_refusal_names_the_group(tmp_path: Path, database: str) -> None:
    groups = Directory({"SMANAGERS": ["UANA"]})
    roles = Roles({"manager": ["SMANAGERS"], "data_base": ["UDBA", "712020:jira"]}, groups)
    house = House(tmp_path, database=database, roles=roles)
    key = house.start()
    assert groups.asked > 0
    for act in (
        lambda: house.onboardings.cancel(key, "no", actor=BOB),
        lambda: house.onboardings.steering.assign(key, CARL, actor=BOB),
        lambda: house.onboardings.skip(key, "portal", "no", actor=BOB),
    ):
        with pytest.raises(NotAllowed) as refused:
            act()
        assert "<!subteam^SMANAGERS>" in refused.value.text.en
        assert last(house, key)[0] == "refused"
    groups.known["SMANAGERS"].append("UBOB")
    assert house.onboardings.cancel(key, "wrong client", actor=BOB)
    house.close()


def test_jira_accounts_act_for_the_roles_that_name_them() -> None:
    def jira(account: str) -> Actor:
        return Actor("jira", f"jira:{account}", account)

    open_team = Roles({"manager": ["UANA", "marta"], "data_base": ["UDBA"], "admin": ["root"]})
    assert not open_team.may(jira("anyone"), "data_base")
    assert not open_team.may(jira("anyone"), "manager")
    assert open_team.may(jira("marta"), "manager")
    assert open_team.may(jira("marta"), "partner")
    assert open_team.may(jira("root"), "manager")
    named_team = Roles({"data_base": ["UDBA", "dario"]})
    assert named_team.may(jira("dario"), "data_base")
    assert not named_team.may(jira("anyone"), "data_base")
    assert not named_team.may(jira("anyone"), "admin")


def test_a_link_acts_for_the_partner_alone() -> None:
    link = Actor("link", "link:PARTNER-ONE", "PARTNER-ONE")
    assert [role for role in ("manager", "data_base", "partner", "admin") if Roles().may(link, role)] == ["partner"]


# Mine.


def test_mine_has_my_steps_first_and_nothing_that_another_was_named_for(managed: House) -> None:
    first, second = managed.start(), managed.start(client="Other", root="OTHER")
    managed.work()
    steering = managed.onboardings.steering
    steering.assign(second, Accountable("UANA", "ana"), "portal", actor=ANA)
    mine = managed.onboardings.mine.of(ANA)
    assert [(step.key, step.step_id, step.is_named) for step in mine.steps] == [
        (second, "portal", True),
        (first, "portal", False),
    ]
    assert [(one.key, one.done, one.of) for one in mine.activations] == [(first, 2, 5), (second, 2, 5)]
    steering.assign(first, CARL, "portal", actor=ANA)
    steering.assign(second, CARL, actor=ANA)
    mine = managed.onboardings.mine.of(ANA)
    assert [step.key for step in mine.steps] == [second]
    assert [one.key for one in mine.activations] == [first]
    carl = managed.onboardings.mine.of(Actor("slack", "slack:UCARL", "carl"))
    assert [step.key for step in carl.steps] == [first]
    assert [one.key for one in carl.activations] == [second]
    assert managed.onboardings.mine.of(DBA).steps == ()
