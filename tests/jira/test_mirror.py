"""The steps on the own issue, as a comment or as sub-tasks: drawn whatever was lost, read for what people did."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from both_ways_house import ANA, BothWays, both_ways
from jira_openapi import ALLOWED, Recorder, broken, ours, whole
from sqlmodel import select

from bot.jira.mirror import JiraStepIssues
from bot.onboarding.actors import Roles
from bot.onboarding.models import EffectRecord
from bot.onboarding.ports import Job
from bot.sandbox.faults import Fault
from bot.sandbox.jira.entities import Issue
from bot.sandbox.jira.site import BOT, MANAGER

CREATE = "POST /rest/api/2/issue"
MOVE = "POST /rest/api/2/issue/{key}/transitions"
COMMENT = "POST /rest/api/2/issue/{key}/comment"
KINDS = ("Server", "Cloud")


@pytest.fixture(params=KINDS)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BothWays]:
    account = MANAGER.account_id if request.param == "Cloud" else MANAGER.name
    roles = Roles({"manager": ["UANA", account]})
    with both_ways(tmp_path, request.param, roles=roles, mirror="subtasks") as built:
        built.start()
        yield built


def subtasks(home: BothWays) -> dict[str, Issue]:
    found = [issue for issue in home.jira.store.issues.values() if issue.parent == "ACT-1"]
    steps = {"Portal": "portal", "Ticket": "ticket", "Received": "received"}
    return {steps[str(issue.values["summary"]).partition(" · ")[0]]: issue for issue in found}


def states(home: BothWays) -> dict[str, str]:
    return {step: issue.status.name for step, issue in subtasks(home).items()}


def close(person: object, key: str) -> None:
    person.transition(key, "Start Progress")  # type: ignore[attr-defined] # a JiraPerson
    person.transition(key, "Done", resolution="Done")  # type: ignore[attr-defined] # as above


def test_each_step_has_a_sub_task_that_follows_its_state(home: BothWays) -> None:
    assert states(home) == dict.fromkeys(["portal", "ticket", "received"], "To Do")
    home.onboardings.tick(home.key, "portal", [], actor=ANA)
    home.settle()
    assert states(home)["portal"] == "Done"
    close(home.dana, "DB-1")
    home.later()
    assert states(home)["ticket"] == "Done"
    assert len(home.jira.store.issues) == 5


def test_a_sub_task_closed_by_who_may_confirms_its_step_in_their_name(home: BothWays) -> None:
    close(home.morgan, subtasks(home)["portal"].key)
    home.later()
    step = home.onboardings.view(home.key).step("portal")
    assert (step.state, step.changed_by) == ("done", "Morgan Manager")
    assert states(home)["portal"] == "Done"
    assert any("Morgan Manager" in body for body in home.comments("ACT-1"))
    assert subtasks(home)["portal"].comments == []


def test_a_sub_task_closed_by_who_may_not_is_opened_again_and_told_who_can(home: BothWays) -> None:
    portal = subtasks(home)["portal"].key
    close(home.dana, portal)
    for _ in range(3):
        home.later()
    assert home.state("portal") == "waiting"
    assert states(home)["portal"] == "To Do"
    [comment] = home.comments(portal)
    assert "Dana Base" in comment
    assert "UANA (Slack)" in comment
    assert [line.content["actor"].partition(":")[0] for line in home.events("refused")] == ["jira"]
    # Once more is another closing, and another answer.
    close(home.dana, portal)
    home.later()
    assert len(home.comments(portal)) == 2


def test_a_step_that_cannot_be_confirmed_says_so(home: BothWays) -> None:
    close(home.morgan, subtasks(home)["received"].key)
    home.later()
    assert home.state("received") == "pending"
    assert states(home)["received"] == "To Do"
    assert len(home.comments(subtasks(home)["received"].key)) == 1


def test_a_sub_task_opened_by_hand_is_closed_again(home: BothWays) -> None:
    home.onboardings.tick(home.key, "portal", [], actor=ANA)
    home.settle()
    home.morgan.transition(subtasks(home)["portal"].key, "Reopen")
    home.later()
    assert states(home)["portal"] == "Done"


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "server_error"])
@pytest.mark.parametrize("operation", [CREATE, MOVE])
def test_whatever_answer_is_lost_the_sub_tasks_converge(tmp_path: Path, kind: str, operation: str) -> None:
    with both_ways(tmp_path, "Cloud", mirror="subtasks") as home:
        if operation == MOVE:
            home.start()
        home.jira.faults.add(Fault(operation, kind, times=3, account=BOT.name))  # type: ignore[arg-type] # a parameter
        if operation == CREATE:
            home.start()
        home.onboardings.tick(home.key, "portal", [], actor=ANA)
        for _ in range(8):
            home.later(120)
        assert states(home) == {"portal": "Done", "ticket": "To Do", "received": "To Do"}
        assert len([issue for issue in home.jira.store.issues.values() if issue.parent]) == 3


def test_a_kill_between_any_two_writes_of_the_ledger_makes_no_second_sub_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The process is gone."""

    with both_ways(tmp_path, "Server", mirror="subtasks") as home:
        passed = 0
        # Each life ends at its second claim, or at its second record of what was done; so each gets a little further.
        for method in ("_claim", "_complete") * 5:
            plain, calls = getattr(home.effects, method), iter(range(1, 1_000))

            def dying(*given: object, plain: object = plain, calls: object = calls) -> object:
                if next(calls) == 2:  # type: ignore[call-overload] # an iterator
                    raise Killed
                return plain(*given)  # type: ignore[operator] # a method

            with monkeypatch.context() as patched:
                patched.setattr(home.effects, method, dying)
                try:
                    home.settle() if home.key else home.start()
                except Killed:
                    passed += 1
                    home.queue.seen.clear()
                    with home.flow.change(1) as change:
                        home.flow.tell_surfaces(change)
        home.settle()
        home.later(600)
        assert passed > 4
        assert states(home) == dict.fromkeys(["portal", "ticket", "received"], "To Do")
        assert len(home.jira.store.issues) == 5


def test_a_kill_while_a_closing_is_answered_answers_it_once(home: BothWays, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """The process is gone."""

    def die(*_: object) -> None:
        raise Killed

    portal = subtasks(home)["portal"].key
    close(home.dana, portal)
    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(home.effects, "_complete", die)
            with pytest.raises(Killed):
                home.later()
        home.wakeups.wake(f"again {len(home.queue.seen)}", ["mirror:ACT-1"])
    home.later(600)
    assert states(home)["portal"] == "To Do"
    assert len(home.events("refused")) == 1
    assert len(home.comments(portal)) == 1


@pytest.mark.parametrize("is_last", [False, True], ids=["in_the_middle", "at_the_end"])
def test_a_kill_behind_a_confirmation_leaves_nothing_begun(
    home: BothWays, monkeypatch: pytest.MonkeyPatch, is_last: bool
) -> None:
    """The step is over then: nobody asks how its sub-task came to be closed."""

    class Killed(BaseException):
        """The process is gone."""

    def die(*_: object) -> None:
        raise Killed

    close(home.morgan, subtasks(home)["portal"].key)
    with monkeypatch.context() as patched:
        patched.setattr(home.effects, "_complete", die)
        with pytest.raises(Killed):
            home.later()
    assert home.state("portal") == "done"
    assert any(":closed:" in key for key in begun(home))
    if is_last:
        home.onboardings.cancel(home.key, "it was the last", actor=ANA)
    # The queue runs again what died with its process.
    home.queue.waiting.append(Job(1, "mirror:subtasks"))
    home.settle()
    home.later()
    assert begun(home) == []
    assert len(home.events("step_done")) == 1
    assert subtasks(home)["portal"].comments == []


def test_a_kill_before_a_word_to_who_closed_leaves_nothing_begun_when_the_step_is_over(
    home: BothWays, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The process is gone."""

    def die(*_: object) -> None:
        raise Killed

    close(home.dana, subtasks(home)["portal"].key)
    with monkeypatch.context() as patched:
        patched.setattr(JiraStepIssues, "comment", die)
        with pytest.raises(Killed):
            home.later()
    assert [key.split(":")[2] for key in begun(home)] == ["told"]
    home.onboardings.tick(home.key, "portal", [], actor=ANA)
    home.queue.waiting.append(Job(1, "mirror:subtasks"))
    home.settle()
    assert begun(home) == []
    assert states(home)["portal"] == "Done"


def begun(home: BothWays) -> list[str]:
    """Return the effects that were claimed and not completed."""
    with home.store.reading() as session:
        return list(session.exec(select(EffectRecord.key).where(EffectRecord.state == "claimed")).all())


def test_a_deleted_sub_task_is_said_once_and_not_made_again(home: BothWays) -> None:
    home.jira.store.delete(subtasks(home)["received"])
    home.later()
    home.onboardings.tick(home.key, "portal", [], actor=ANA)
    home.later()
    home.later(7_200)
    assert set(states(home)) == {"portal", "ticket"}
    [gone] = home.told("subtask_gone")
    assert gone.seen
    assert "ACT-" in gone.seen.en
    assert states(home)["portal"] == "Done"


def test_a_deleted_own_issue_is_said_in_the_thread_and_nothing_loops(home: BothWays) -> None:
    home.jira.store.delete(home.jira.store.issues["ACT-1"])
    home.onboardings.tick(home.key, "portal", [], actor=ANA)
    for _ in range(4):
        home.later(3_600)
    gone = home.told("surface_gone")
    assert sorted(str(line.content["surface"]) for line in home.events("surface_gone")) == ["jira", "mirror"]
    assert all(report.seen and "ACT-1" in report.seen.en and report.advice for report in gone)
    assert home.state("portal") == "done"
    home.jira.calls.clear()
    home.later(60)
    assert not [call for call in home.jira.calls if "ACT-1" in call.path]


def test_a_project_without_sub_tasks_is_trouble_with_what_to_do(tmp_path: Path) -> None:
    with both_ways(tmp_path, "Server", mirror="subtasks", project="DB") as home:
        home.start()
        trouble = home.onboardings.view(home.key).troubles["mirror"]
        assert "JIRA__MIRROR" in trouble


def test_a_webhook_about_a_sub_task_has_its_issue_looked_at(home: BothWays) -> None:
    close(home.morgan, subtasks(home)["portal"].key)
    home.wakeups.wake("hook", ["mirror:ACT-1"])
    home.settle()
    assert home.state("portal") == "done"


@pytest.mark.parametrize("kind", KINDS)
def test_one_comment_shows_the_steps_and_is_kept_up_to_date(tmp_path: Path, kind: str) -> None:
    with both_ways(tmp_path, kind, mirror="comment") as home:
        home.jira.faults.add(Fault(COMMENT, "drop_after", account=BOT.name))
        home.start()
        home.later(60)
        home.later(600)
        [body] = [body for body in home.comments("ACT-1") if "Steps" in body]
        assert "(!) Portal" in body
        home.jira.faults.add(Fault("PUT /rest/api/2/issue/{key}/comment/{id}", "drop_after", account=BOT.name))
        home.onboardings.tick(home.key, "portal", [], actor=ANA)
        home.settle()
        home.later(60)
        [body] = [body for body in home.comments("ACT-1") if "Steps" in body]
        assert "(/) Portal — Ana" in body
        assert [issue.key for issue in home.jira.store.issues.values()] == ["ACT-1", "DB-1"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_comment_with_the_steps_is_written_and_edited_as_jira_describes_it(tmp_path: Path, kind: str) -> None:
    seen = Recorder()
    with both_ways(tmp_path, kind, mirror="comment", around=seen) as home:
        home.start()
        home.onboardings.tick(home.key, "portal", [], actor=ANA)
        home.settle()
    assert {"GET issue/{}/comment/{}", "PUT issue/{}/comment/{}"} <= {each.operation for each in seen.exchanges}
    for description in (ours(), whole()):
        if description is not None:
            assert broken(description, seen.exchanges, ALLOWED[kind], least=15) == []


def test_a_deleted_checklist_is_said_once_and_not_written_again(tmp_path: Path) -> None:
    with both_ways(tmp_path, "Server", mirror="comment") as home:
        home.start()
        home.later(60)
        issue = home.jira.store.issues["ACT-1"]
        [checklist] = [comment for comment in issue.comments if "Steps" in comment.body]
        home.jira.store.delete_comment(issue, checklist)
        home.onboardings.tick(home.key, "portal", [], actor=ANA)
        home.later()
        home.later(7_200)
        assert len(home.events("surface_gone")) == 1
        assert not [body for body in home.comments("ACT-1") if "Steps" in body]


def test_no_mirror_writes_nothing_more(tmp_path: Path) -> None:
    with both_ways(tmp_path, "Server") as home:
        home.start()
        assert list(home.jira.store.issues) == ["ACT-1", "DB-1"]
        assert home.comments("ACT-1") == []
