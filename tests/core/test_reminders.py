"""Reminders, escalations and due dates: each once, in working hours, also when the bot was down for days."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from core_house import ANA, BOB, House
from sqlmodel import select

from bot.locales import say
from bot.onboarding import trail
from bot.onboarding.actors import Actor, Roles
from bot.onboarding.errors import NotAllowed, Refused, Unavailable
from bot.onboarding.mail import MailOutcomeUnknown, MailRefused
from bot.onboarding.models import DueRecord
from bot.onboarding.outcomes import Failed, Waiting
from bot.onboarding.store import MIGRATIONS

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
    remind: {every_working_days: 1, escalate_after: 2}
    ticks:
      - {id: logged_in, label: {fr: Connecté, en: Logged in, es: Conectado}}
  - id: directory
    kind: directory
    role: data_base
    title: {fr: Dossier, en: Directory, es: Carpeta}
    due: {working_days: 1, after: portal}
    remind: {every_working_days: 2, escalate_after: 1}
  - id: follow_up
    kind: confirm
    needs: [portal]
    title: {fr: Suivi, en: Follow-up, es: Seguimiento}
    due: {working_days: 1, after: portal}
    remind: {every_working_days: 1, escalate_after: 3}
    with:
      choices:
        - {id: going, label: {fr: En cours, en: In process, es: En curso}, outcome: wait}
        - {id: loaded, label: {fr: Chargé, en: Loaded, es: Cargado}, outcome: done}
  - id: received
    kind: ask
    when: {ofc: true}
    title: {fr: Reçu, en: Received, es: Recibido}
    remind: {every_working_days: 2, escalate_after: 2}
    with: {of: partner, question: {fr: Reçu ?, en: Received?, es: ¿Recibido?}}
"""

SAID = ("step_reminded", "step_escalated", "deadline_near", "deadline_passed")
LATER = Waiting(on="data_base", note=say("watch.look"))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    """It is Monday 23 November 2026, 10:00 in Madrid; `directory` waits for a person, `received` for the partner."""
    built = House(tmp_path, pack=PACK, roles=Roles({"manager": ["UANA", "UBOB"], "data_base": ["UDBA"]}))
    built.directory.script = [LATER]
    built.ask.script = [Waiting(on="partner", note=say("form.waiting"), copy=say("ask.no"))]
    yield built
    built.store.close()


def begin(home: House, *, ofc: bool = False, due: date | None = None) -> str:
    key = home.start(ofc=ofc, due=due)
    home.catch_up()
    home.work()
    home.show()
    return key


def rows(home: House) -> list[str]:
    with home.store.reading() as session:
        return sorted(row.subject for row in session.exec(select(DueRecord)))


def test_a_step_is_reminded_of_on_its_due_day_then_escalated_once_and_reminded_on(home: House) -> None:
    key = begin(home)
    for moment in ("2026-11-24 12:00", "2026-11-25 08:59"):
        home.at(moment)
        assert home.said(key, *SAID) == []
    for day in ("2026-11-25", "2026-11-26", "2026-11-27", "2026-11-30"):
        home.at(f"{day} 09:00")
        home.at(f"{day} 15:00")
    assert [kind for kind, step in home.said(key, *SAID) if step == "portal"] == [
        "step_reminded", "step_reminded", "step_escalated", "step_reminded",
    ]  # fmt: skip


def test_a_reminder_names_who_answers_and_an_escalation_the_managers_too(home: House) -> None:
    begin(home)
    home.at("2026-11-26 09:00")
    home.at("2026-11-27 09:00")
    told = {(report.kind, report.step.id): report for _, report in home.board.reports if report.step}
    reminded = told["step_reminded", "portal"]
    assert (reminded.who, reminded.managers) == (("UANA", "UBOB"), ())
    assert reminded.seen is not None
    assert "1 working day late" in reminded.seen.en
    escalated = told["step_escalated", "portal"]
    assert (escalated.who, escalated.managers) == (("UANA", "UBOB"), ("UANA", "UBOB"))
    assert told["step_reminded", "directory"].who == ("UDBA",)


def test_three_days_of_downtime_end_in_one_post_for_each_step(home: House) -> None:
    key = begin(home, ofc=True, due=date(2026, 11, 27))
    # Down since Monday evening: the due dates of Wednesday and Friday, reminders and escalations came due meanwhile.
    home.at("2026-11-30 11:00")
    assert sorted(home.said(key, *SAID)) == [
        ("deadline_passed", ""),
        ("step_escalated", "directory"),
        ("step_escalated", "portal"),
        ("step_reminded", "received"),
    ]
    told = len(home.said(key, *SAID))
    assert len(home.mailer.sent) == 1
    home.catch_up()
    home.at("2026-11-30 17:00")
    assert len(home.said(key, *SAID)) == told
    home.at("2026-12-01 09:00")
    assert home.said(key, *SAID)[told:] == [("step_reminded", "portal")]


@pytest.mark.parametrize(
    ("back", "opening"),
    [
        ("2026-11-26 22:00", "2026-11-27 09:00"),
        ("2026-11-28 11:00", "2026-11-30 09:00"),  # a Saturday
        ("2026-12-08 11:00", "2026-12-09 09:00"),  # a holiday in Spain
    ],
)
def test_a_bot_that_comes_back_outside_working_hours_waits_for_the_opening(
    home: House, back: str, opening: str
) -> None:
    key = begin(home)
    home.at(back)
    assert home.said(key, *SAID) == []
    home.at(opening)
    assert [kind for kind, step in home.said(key, *SAID) if step == "portal"] == ["step_escalated"]


def test_the_follow_up_is_due_the_next_working_day_after_the_deposit(home: House) -> None:
    key = begin(home)
    home.at("2026-11-27 16:00")
    home.onboardings.tick(key, "portal", [], actor=ANA)
    assert home.onboardings.view(key).step("follow_up").due_on == date(2026, 11, 30)
    before = len(home.said(key, *SAID))
    home.at("2026-11-28 12:00")
    assert len(home.said(key, *SAID)) == before
    home.at("2026-11-30 09:00")
    assert ("step_reminded", "follow_up") in home.said(key, *SAID)[before:]


def test_days_are_counted_from_a_step_that_ends_after_this_one_has_begun(home: House) -> None:
    key = begin(home)
    assert home.onboardings.view(key).step("directory").due_on is None
    home.onboardings.tick(key, "portal", [], actor=ANA)
    assert home.onboardings.view(key).step("directory").due_on == date(2026, 11, 24)


def test_what_is_done_skipped_or_cancelled_is_not_reminded_of(home: House) -> None:
    key = begin(home, ofc=True)
    home.onboardings.tick(key, "portal", [], actor=ANA)
    home.onboardings.skip(key, "directory", "not needed", actor=Actor("shell", "shell:ana", "ana"))
    assert [row for row in rows(home) if row.startswith("remind:")] == ["remind:follow_up", "remind:received"]
    home.onboardings.cancel(key, "wrong client", actor=ANA)
    assert [row for row in rows(home) if not row.startswith("surface:")] == []
    home.at("2026-12-10 10:00")
    assert home.said(key, *SAID) == []


def test_a_step_that_fails_is_reminded_of_and_begun_anew_it_counts_from_one(home: House) -> None:
    home.directory.script = [Failed("DIR", say("ask.no"), say("ask.no_advice")), LATER]
    key = begin(home)
    home.at("2026-11-25 09:00")
    assert ("step_reminded", "directory") in home.said(key, *SAID)
    home.at("2026-11-27 09:00")
    assert ("step_escalated", "directory") in home.said(key, *SAID)
    home.onboardings.retry(key, "directory", actor=Actor("shell", "shell:ana", "ana"))
    home.catch_up()
    home.work()
    home.at("2026-11-30 09:00")
    home.at("2026-12-01 09:00")
    assert [kind for kind, step in home.said(key, *SAID) if step == "directory"] == [
        "step_reminded", "step_escalated", "step_reminded",
    ]  # fmt: skip


def test_a_job_that_is_run_again_says_nothing_twice(home: House) -> None:
    key = begin(home)
    home.clock.move(3 * 86_400)
    home.sweep.run()
    jobs = home.queue.take("remind:")
    for job in [*jobs, *jobs]:
        home.reminders.run(job)
    assert len(home.said(key, *SAID)) == len({step for _, step in home.said(key, *SAID)})


# The partner's mail.


def test_the_partner_is_mailed_what_was_asked_once_a_reminder(home: House) -> None:
    key = begin(home, ofc=True)
    home.at("2026-11-25 09:00")
    [mail] = home.mailer.sent
    assert (mail.to, key in mail.subject) == ("ops@partner.example", True)
    assert say("ask.no").en in mail.text
    home.at("2026-11-25 12:00")
    assert len(home.mailer.sent) == 1
    assert ("reminder_mailed", "received") in home.said(key, "reminder_mailed")


def test_a_mail_server_that_is_away_is_tried_again_and_then_told_of(home: House) -> None:
    key = begin(home, ofc=True)
    home.mailer.trouble = [Unavailable("mail", "no answer")]
    home.at("2026-11-25 09:00")
    home.let_pass(seconds=6)
    assert len(home.mailer.sent) == 1
    home.mailer.trouble = [Unavailable("mail", "no answer")] * 3
    home.at("2026-11-27 09:00")
    for _ in range(3):
        home.let_pass(seconds=60)
    assert len(home.mailer.sent) == 1
    assert home.said(key, "reminder_unsent") == [("reminder_unsent", "received")]


@pytest.mark.parametrize(
    "trouble", [MailRefused("ops@partner.example", "no such user"), MailOutcomeUnknown("<1>", "?")]
)
def test_a_mail_that_did_not_go_is_told_and_not_sent_again(home: House, trouble: Exception) -> None:
    key = begin(home, ofc=True)
    home.mailer.trouble = [trouble]
    home.at("2026-11-25 09:00")
    home.let_pass(hours=1)
    assert home.mailer.sent == []
    assert home.said(key, "reminder_unsent") == [("reminder_unsent", "received")]


def test_whoever_has_answered_in_the_meantime_gets_no_mail(home: House) -> None:
    key = begin(home, ofc=True)
    home.clock.move(2 * 86_400)
    home.sweep.run()
    for job in home.queue.take("remind:"):
        home.reminders.run(job)
    home.sweep.run()
    [job] = home.queue.take("mail:")
    home.onboardings.answer(key, "received", True, actor=Actor("link", "link:partner", "ops"))
    home.reminders.run(job)
    assert home.mailer.sent == []


# Later, or no more.


def test_a_reminder_is_put_off_until_the_next_working_day_and_comes_then(home: House) -> None:
    key = begin(home)
    home.at("2026-11-26 09:00")
    assert home.onboardings.snoozing.reminded_on(key, "directory") == date(2026, 11, 30)  # every two working days
    assert home.onboardings.snoozing.snooze(key, "directory", date(2026, 12, 5), actor=BOB)
    assert home.onboardings.snoozing.reminded_on(key, "directory") == date(2026, 12, 7)  # the fifth is a Saturday
    assert home.onboardings.snoozing.snooze(key, "directory", actor=BOB)
    assert home.onboardings.snoozing.reminded_on(key, "directory") == date(2026, 11, 27)
    assert not home.onboardings.snoozing.snooze(key, "directory", actor=ANA)
    assert home.said(key, "reminder_snoozed") == [("reminder_snoozed", "directory")] * 2


def test_stopped_reminders_stay_stopped_until_the_step_begins_anew(home: House) -> None:
    home.directory.script = [Failed("DIR", say("ask.no"), say("ask.no_advice")), LATER]
    key = begin(home)
    assert home.onboardings.snoozing.mute(key, "directory", actor=BOB, source="click-1")
    assert not home.onboardings.snoozing.mute(key, "directory", actor=BOB, source="click-1")
    assert not home.onboardings.snoozing.mute(key, "directory", actor=BOB)
    home.at("2026-12-10 10:00")
    assert "directory" not in [step for _, step in home.said(key, *SAID)]
    home.onboardings.retry(key, "directory", actor=Actor("shell", "shell:ana", "ana"))
    home.catch_up()
    home.work()
    home.at("2026-12-14 09:00")
    assert ("step_reminded", "directory") in home.said(key, *SAID)


def test_who_may_not_act_may_not_silence_and_a_manager_may(home: House) -> None:
    key = begin(home)
    stranger = Actor("slack", "slack:UEVE", "eve")
    with pytest.raises(NotAllowed):
        home.onboardings.snoozing.snooze(key, "portal", actor=stranger)
    with pytest.raises(NotAllowed):
        home.onboardings.snoozing.mute(key, "directory", actor=Actor("link", "link:partner", "ops"))
    assert home.onboardings.snoozing.mute(key, "directory", actor=Actor("slack", "slack:UDBA", "dba"))
    assert home.onboardings.snoozing.snooze(key, "directory", actor=ANA)


@pytest.mark.parametrize("until", [date(2026, 11, 23), date(2026, 11, 1), date(2206, 11, 25)])
def test_a_day_that_cannot_be_meant_is_refused(home: House, until: date) -> None:
    key = begin(home)
    with pytest.raises(Refused):
        home.onboardings.snoozing.snooze(key, "portal", until, actor=ANA)
    home.onboardings.tick(key, "portal", [], actor=ANA)
    with pytest.raises(Refused):
        home.onboardings.snoozing.snooze(key, "portal", actor=ANA)


# The onboarding's own due date, and what is late.


def test_the_due_date_of_the_whole_is_near_a_working_day_before_and_then_passed(home: House) -> None:
    key = begin(home, due=date(2026, 12, 9))
    home.at("2026-12-04 12:00")
    assert home.said(key, "deadline_near", "deadline_passed") == []
    home.at("2026-12-07 09:00")  # the eighth is a holiday
    home.at("2026-12-09 12:00")
    assert home.said(key, "deadline_near", "deadline_passed") == [("deadline_near", "")]
    home.at("2026-12-10 09:00")
    home.at("2026-12-20 09:00")
    assert home.said(key, "deadline_near", "deadline_passed") == [("deadline_near", ""), ("deadline_passed", "")]


def test_a_due_date_of_tomorrow_needs_no_reminder_today(home: House) -> None:
    key = begin(home, due=date(2026, 11, 24))
    home.at("2026-11-24 17:00")
    assert home.said(key, "deadline_near", "deadline_passed") == []
    home.at("2026-11-25 09:00")
    assert home.said(key, "deadline_near", "deadline_passed") == [("deadline_passed", "")]


def test_days_late_are_counted_and_the_messages_that_show_them_drawn_anew(home: House) -> None:
    key = begin(home, due=date(2026, 11, 24))
    assert home.onboardings.view(key).most_days_late == 0
    home.onboardings.snoozing.mute(key, "portal", actor=ANA)
    home.catch_up()
    home.at("2026-11-25 09:30")
    drawn = len(home.board.pictures)
    home.board.picture = lambda view: f"{view.revision}: {view.most_days_late} late"  # type: ignore[method-assign]
    home.at("2026-11-27 09:30")
    view = home.onboardings.view(key)
    assert (view.days_late, view.step("portal").days_late, view.most_days_late) == (3, 2, 3)
    assert home.board.pictures[drawn:][-1].endswith("3 late")
    home.onboardings.tick(key, "portal", [], actor=ANA)
    assert home.onboardings.view(key).step("portal").days_late == 0


# Clocks that jump, and an older version's database.


def test_a_clock_that_goes_back_silences_nobody_and_repeats_nothing(home: House) -> None:
    key = begin(home)
    home.at("2027-11-25 10:00")  # a year ahead by mistake
    told = len(home.said(key, *SAID))
    assert told == len({step for _, step in home.said(key, *SAID)})
    home.at("2026-11-25 10:00")
    home.at("2026-11-25 12:00")
    assert len(home.said(key, *SAID)) == told
    home.at("2026-11-26 09:00")
    home.at("2026-11-27 09:00")
    assert ("step_reminded", "portal") in home.said(key, *SAID)[told:]
    assert trail.first_break(home.onboardings.trail(key)) is None


def test_open_steps_of_the_version_before_get_their_reminders(tmp_path: Path) -> None:
    home = House(tmp_path, pack=PACK)
    key = begin(home)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with home.store.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
    home.store.migrate()
    # The migration's rows are due by the machine's clock.
    with home.store.transaction() as session:
        for row in session.exec(select(DueRecord)).all():
            row.due_at = home.clock.now() - timedelta(seconds=1)
            session.add(row)
    home.catch_up()
    assert home.said(key, *SAID) == []
    home.at("2026-11-25 09:00")
    assert ("step_reminded", "portal") in home.said(key, *SAID)
    home.store.close()
