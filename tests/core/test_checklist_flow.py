"""Which steps begin when, what an outcome changes, and when an onboarding is over."""

from datetime import date
from typing import Any

import pytest
from core_house import ANA, House

from bot.locales import say
from bot.onboarding.errors import StepFailed, Unavailable
from bot.onboarding.outcomes import Back, Done, Evidence, Failed, Waiting, fact


def finish(house: House, key: str) -> None:
    house.onboardings.tick(key, "portal", [], actor=ANA)
    house.work()
    house.onboardings.choose(key, "status", "loaded", actor=ANA)
    house.work()


def test_steps_whose_needs_are_met_begin_side_by_side(house: House) -> None:
    key = house.start()
    assert house.states(key) == {
        "portal": "waiting",
        "directory": "running",
        "flow": "pending",
        "status": "pending",
        "received": "pending",
    }
    assert [job_id for job_id, _ in house.queue.waiting if "directory" in job_id] == [f"onb:{key}:3:directory"]


def test_a_step_that_does_not_apply_meets_the_needs_of_others(house: House) -> None:
    key = house.start(ofc=False)
    assert house.states(key)["flow"] == "not_applicable"
    finish(house, key)
    assert house.states(key)["status"] == "done"


def test_an_onboarding_closes_when_every_step_is_over(house: House) -> None:
    key = house.start()
    finish(house, key)
    view = house.onboardings.view(key)
    assert view.state == "done"
    assert view.progress == (5, 5)
    assert house.kinds_of_events(key)[-1] == "closed"


def test_advancing_again_changes_nothing(house: House) -> None:
    key = house.start()
    before = house.onboardings.view(key).revision
    with house.flow.change(1) as change:
        house.flow.advance(change)
        house.flow.advance(change)
    assert house.onboardings.view(key).revision == before


def test_evidence_of_the_latest_outcome_is_shown(house: House) -> None:
    house.directory.script = [
        Failed("DIR", say("ask.no"), say("ask.no_advice"), Evidence(facts=(fact("incoming", "/old"),))),
        Done(Evidence(facts=(fact("incoming", "/new"),))),
    ]
    key = house.start(ofc=False)
    house.work()
    assert house.onboardings.view(key).step("directory").code == "DIR"
    house.onboardings.retry(key, "directory", actor=ANA)
    house.work()
    step = house.onboardings.view(key).step("directory")
    assert (step.state, step.code) == ("done", None)
    assert [each.value for each in step.evidence.facts] == ["/new"]


def test_a_due_date_counts_the_working_days_of_the_calendars(house: House) -> None:
    # 23 November 2026 is a Monday; 8 December is a holiday in Spain alone.
    key = house.start()
    assert house.onboardings.view(key).step("directory").due_on == date(2026, 11, 25)


def test_a_failure_that_watches_looks_again_and_says_nothing_new(house: House) -> None:
    failure = Failed("BAD_NAME", say("ask.no"), say("ask.no_advice"), poll=10, about="file-1")
    house.directory.script = [failure, failure, Done()]
    key = house.start(ofc=False)
    house.work()
    revision = house.onboardings.view(key).revision
    house.clock.move(11)
    assert house.sweep.run() == 1
    house.work()
    assert house.onboardings.view(key).revision == revision
    house.clock.move(11)
    house.sweep.run()
    house.work()
    assert house.states(key)["directory"] == "done"


def test_the_same_verdict_on_another_file_is_news(house: House) -> None:
    def failure(about: str) -> Failed:
        return Failed("BAD_NAME", say("ask.no"), say("ask.no_advice"), poll=10, about=about)

    house.directory.script = [failure("file-1"), failure("file-2")]
    key = house.start(ofc=False)
    house.work()
    house.clock.move(11)
    house.sweep.run()
    house.work()
    assert house.kinds_of_events(key).count("step_failed") == 2


def test_going_back_starts_the_earlier_step_and_what_builds_on_it_anew(house: House) -> None:
    house.directory.script = [Done(), Back("directory"), Done(), Done()]
    key = house.start()
    house.work()
    assert house.states(key)["directory"] == "done"
    assert house.states(key)["flow"] == "done"
    assert [work.definition.id for work in house.directory.runs] == ["directory", "flow", "directory", "flow"]


def test_a_server_that_does_not_answer_is_asked_again_then_fails_in_words(house: House) -> None:
    house.directory.script = [Unavailable("SFTP", "no answer")] * 3
    key = house.start(ofc=False)
    house.work()
    step = house.onboardings.view(key).step("directory")
    assert (step.state, step.waits_for) == ("waiting", "admin")
    assert step.note is not None
    assert "SFTP" in step.note.en
    for seconds in (6, 11):
        house.clock.move(seconds)
        assert house.sweep.run() == 1
        house.work()
    step = house.onboardings.view(key).step("directory")
    assert (step.state, step.code) == ("failed", "UNREACHABLE")
    house.onboardings.retry(key, "directory", actor=ANA)
    house.work()
    assert house.states(key)["directory"] == "done"


def test_retry_after_is_respected(house: House) -> None:
    house.directory.script = [Unavailable("Jira", "answers 429", retry_after=60)]
    house.start(ofc=False)
    house.work()
    house.clock.move(30)
    assert house.sweep.run() == 0
    house.clock.move(31)
    assert house.sweep.run() == 1


def test_a_due_row_is_enqueued_once_for_each_time_it_is_due(house: House) -> None:
    waiting = Waiting(on="partner", note=say("watch.look"), poll=10)
    house.directory.script = [waiting, waiting]
    house.start(ofc=False)
    house.work()
    house.clock.move(11)
    assert [house.sweep.run(), house.sweep.run()] == [1, 0]
    house.work()
    house.clock.move(11)
    assert house.sweep.run() == 1


def test_an_error_nobody_expected_fails_the_step_and_names_it(house: House) -> None:
    house.directory.script = [ZeroDivisionError("secret detail")]
    key = house.start(ofc=False)
    house.work()
    step = house.onboardings.view(key).step("directory")
    assert (step.state, step.code) == ("failed", "UNEXPECTED")
    assert step.seen is not None
    assert "secret detail" not in step.seen.en


@pytest.mark.parametrize(
    "outcome", [StepFailed("DIR", say("ask.no"), say("ask.no_advice")), Done(), Waiting("admin", say("ask.no"))]
)
def test_the_outcome_of_a_run_that_no_longer_counts_is_dropped(house: House, outcome: Any) -> None:
    key = house.start(ofc=False)
    [job] = house.queue.take("step:")

    def skipped_meanwhile(_work: object) -> Any:
        house.onboardings.skip(key, "directory", "made by hand", actor=ANA)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    house.directory.script = [skipped_meanwhile]
    house.steps.run(job)
    assert house.states(key)["directory"] == "skipped"


def test_a_job_of_an_earlier_run_does_nothing(house: House) -> None:
    house.directory.script = [StepFailed("DIR", say("ask.no"), say("ask.no_advice"))]
    key = house.start(ofc=False)
    [old] = house.queue.take("step:")
    house.steps.run(old)
    house.onboardings.retry(key, "directory", actor=ANA)
    house.steps.run(old)
    assert len(house.directory.runs) == 1


def test_a_text_to_copy_is_told_once_a_run_however_often_the_work_looks(house: House) -> None:
    asking = Waiting(on="partner", note=say("watch.look"), copy=say("ask.no"), poll=10)
    house.directory.script = [asking, asking, StepFailed("DIR", say("ask.no"), say("ask.no_advice")), asking]
    key = house.start(ofc=False)
    house.work()
    house.clock.move(11)
    house.sweep.run()
    house.work()
    assert house.kinds_of_events(key).count("step_asks") == 1
    house.clock.move(11)
    house.sweep.run()
    house.work()
    house.onboardings.retry(key, "directory", actor=ANA)
    house.work()
    assert house.kinds_of_events(key).count("step_asks") == 2
