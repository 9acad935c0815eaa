"""The verbs over a real socket: what they change, whom they answer, and what the channel hears of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_house import PACK, Run, SlackHouse, eventually, slack_house

from bot.onboarding.outcomes import Failed
from bot.sandbox.faults import Fault
from bot.sandbox.slack import SlackPerson
from checklists.model import Localized

TWO = PACK.replace("    kind: references\n", "    kind: references\n    confirmations: 2\n")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackHouse]:
    members: Any = {"manager": ["S0LEADS"], "data_base": ["U0BOB"]}
    usergroups = {"S0LEADS": ["U0ANA", "U0BOB"]}
    base = tmp_path_factory.mktemp("desk")
    with slack_house(base, "socket", members=members, usergroups=usergroups, pack_text=TWO) as built:
        yield built


@pytest.fixture
def run(desk: SlackHouse) -> Run:
    key = desk.begin()
    desk.settle()
    return desk.run(key)


def thread(house: SlackHouse, run: Run) -> str:
    house.settle()
    return "\n".join(json.dumps(message["blocks"], ensure_ascii=False) for message in house.ana.messages(run.ts)[1:])


def parent(house: SlackHouse, run: Run) -> str:
    house.settle()
    return json.dumps(house.parent(run)["blocks"], ensure_ascii=False)


def test_a_step_is_confirmed_by_its_boxes_its_choice_or_a_yes(desk: SlackHouse, run: Run) -> None:
    assert "confirmed" in desk.ana.command(f"confirm {run.key} portal logged_in").text
    assert desk.ticked(run, "portal") == {"logged_in": "ana", "found": None}
    desk.bob.command(f"confirmer {run.key} portal")
    assert desk.state(run, "portal") == "done"
    assert "`loaded` (Loaded)" in desk.ana.command(f"confirm {run.key} status").text
    desk.ana.command(f"confirm {run.key} status loaded")
    assert desk.state(run, "status") == "done"
    assert "answer `yes` or `no`" in desk.ana.command(f"confirm {run.key} received perhaps").text
    desk.ana.command(f"confirm {run.key} received no")
    assert desk.state(run, "received") == "failed"


def test_the_one_step_that_failed_is_retried_without_being_named(desk: SlackHouse, run: Run) -> None:
    assert "no step that failed" in desk.ana.command(f"retry {run.key}").text
    desk.ana.command(f"confirm {run.key} received no")
    assert "begun again" in desk.ana.command(f"retry {run.key}").text
    assert desk.state(run, "received") == "waiting"


def test_a_step_is_skipped_with_its_reason(desk: SlackHouse, run: Run) -> None:
    answer = desk.ana.command(f'skip {run.key} portal "done by phone & <mail>"')
    assert "set aside" in answer.text
    assert desk.onboardings.view(run.key).step("portal").reason == "done by phone & <mail>"
    assert "done by phone &amp; &lt;mail&gt;" in thread(desk, run)


def test_whoever_is_named_stands_in_the_parent_and_the_thread(desk: SlackHouse, run: Run) -> None:
    assert "accountable <@U0GUEST>" in desk.ana.command(f"assign {run.key} @guest").text
    assert "accountable <@U0GUEST>" in parent(desk, run)
    desk.ana.command(f"assign {run.key} portal @s0leads")
    assert "<!subteam^S0LEADS>" in parent(desk, run)
    told = thread(desk, run)
    assert "👤" in told
    assert "<@U0GUEST>" in told
    assert "already" in desk.ana.command(f"assign {run.key} @guest").text
    assert "nobody in particular" in desk.ana.command(f"assign {run.key} none").text
    assert run.key in desk.ana.command("mine").text


def test_the_due_date_moves_and_the_thread_tells_both_days(desk: SlackHouse, run: Run) -> None:
    day = (desk.clock.now().date()).replace(year=desk.clock.now().year + 1).isoformat()
    assert day in desk.ana.command(f"due {run.key} {day}").text
    assert f"due {day}" in parent(desk, run)
    assert f"Due: {day} (before: none)" in thread(desk, run)
    assert "has passed" in desk.ana.command(f"due {run.key} portal 2020-01-01").text


def test_a_note_is_told_in_the_thread_as_it_was_typed(desk: SlackHouse, run: Run) -> None:
    desk.ana.command(f"note {run.key} portal: *bold* <!channel> from @guest")
    desk.bob.command(f"nota {run.key} quoted: no step of this name")
    notes = [line for line in desk.onboardings.trail(run.key) if line.kind == "noted"]
    assert [(line.step, line.content["seen"]["en"]) for line in notes] == [
        ("portal", "*bold* <!channel> from @guest"),
        (None, "quoted: no step of this name"),
    ]
    assert "&lt;!channel&gt;" in thread(desk, run)


def test_an_onboarding_is_cancelled_and_opened_again(desk: SlackHouse, run: Run) -> None:
    desk.ana.command(f"cancel {run.key} wrong client")
    assert desk.onboardings.view(run.key).state == "cancelled"
    desk.settle()
    assert "open again" in desk.ana.command(f"rouvrir {run.key} portal: it was the right one").text
    assert desk.onboardings.view(run.key).state == "open"
    assert "it was the right one" in thread(desk, run)
    assert desk.block(run, "portal", "ticks")
    assert "open already" in desk.ana.command(f"reopen {run.key} again").text


def test_a_person_without_the_role_changes_nothing_and_hears_who_may(desk: SlackHouse, run: Run) -> None:
    for text in (
        f"confirm {run.key} portal",
        f"skip {run.key} portal no",
        f"assign {run.key} me",
        f"due {run.key} none",
        f"note {run.key} hello",
        f"cancel {run.key} no",
        f"export {run.key}",
    ):
        before = len(desk.onboardings.trail(run.key))
        answer = desk.guest.command(text).text
        assert "<!subteam^S0LEADS>" in answer, text
        assert [line.kind for line in desk.onboardings.trail(run.key)[before:]] == ["refused"], text
    assert desk.state(run, "portal") == "waiting"


def test_whoever_joins_or_leaves_the_group_gains_or_loses_the_role_and_an_absent_slack_changes_nothing(
    desk: SlackHouse, run: Run
) -> None:
    group = desk.slack.workspace.usergroups["S0LEADS"]
    group.append("U0GUEST")
    try:
        assert "kept" in desk.guest.command(f"note {run.key} I am one now").text
        desk.slack.faults.add(Fault("usergroups.users.list", "server_error", times=1))
        group.remove("U0GUEST")
        assert "kept" in desk.guest.command(f"note {run.key} Slack is away").text
        desk.groups._due.clear()
        assert "may do this" in desk.guest.command(f"note {run.key} no more").text
    finally:
        desk.slack.faults.clear()
        desk.groups._due.clear()


def test_two_people_confirm_in_slack_and_the_first_may_take_it_back(desk: SlackHouse, run: Run) -> None:
    block = desk.block(run, "references", "actions")
    desk.ana.click(run.ts, "assign", block_id=block)
    assert "1 of 2, by ana" in parent(desk, run)
    assert "another person must confirm" in thread(desk, run)
    told = len(desk.told(desk.ana))
    desk.ana.click(run.ts, "assign", block_id=desk.block(run, "references", "actions"))
    desk.settle()
    assert "1 of 2, by ana" in eventually(lambda: desk.told(desk.ana)[told:])[0]
    desk.ana.click(run.ts, "withdraw", block_id=desk.block(run, "references", "actions"))
    assert "1 of 2" not in parent(desk, run)
    for person in (desk.bob, desk.ana):
        person.click(run.ts, "assign", block_id=desk.block(run, "references", "actions"))
        desk.settle()
    assert desk.state(run, "references") == "done"


def test_the_dossier_comes_to_the_person_alone(desk: SlackHouse, run: Run) -> None:
    before = len(desk.ana.messages())
    assert "on its way" in desk.ana.command(f"dossier {run.key}").text
    direct = SlackPerson(desk.slack.url, "U0ANA", channel="U0ANA")
    [message] = eventually(direct.messages)
    assert [file["name"] for file in message["files"]] == ["dossier.html", "trail.json", "trail.csv"]
    assert len([m for m in desk.ana.messages()[before:] if not m["ephemeral"]]) == 0
    assert desk.events(run)[-1] == "dossier_taken"


def test_a_dossier_that_cannot_be_sent_is_told_of_with_what_to_do(tmp_path: Path) -> None:
    scopes = frozenset({"chat:write", "commands", "files:write", "channels:history"})
    with slack_house(tmp_path, "http", scopes=scopes) as house:
        key = house.begin()
        assert "on its way" in house.ana.command(f"export {key}").text
        assert "missing_scope" in eventually(lambda: house.told(house.ana)[1:])[0]


def test_what_this_house_has_not_is_said(desk: SlackHouse, run: Run) -> None:
    assert "has no form" in desk.ana.command(f"form {run.key}").text
    assert "checks no file" in desk.ana.command(f"check {run.key}").text
    assert "ONB-999" in desk.ana.command("form ONB-999").text
    assert "is no command" in desk.ana.command("help nonsense").text
    assert "no step “nowhere”" in desk.ana.command(f"confirm {run.key} nowhere").text
    assert desk.events(run)[-1] == "refused"


def test_mine_has_my_steps_before_my_activations(desk: SlackHouse) -> None:
    desk.folder.failures.append(Failed("DIR", Localized.same("gone"), Localized.same("make it")))
    run = desk.run(_begun(desk))
    desk.ana.command(f"assign {run.key} folder me")
    lines = desk.ana.command("mine").text.split("\n")
    assert lines[0] == "*My steps*"
    assert run.key in lines[1]
    assert "Directory" in lines[1]
    assert "👤" in lines[1]
    assert lines.index("*My onboardings*") > 1
    assert "Nothing waits" in desk.guest.command("mine").text or "My" in desk.guest.command("mine").text


def _begun(house: SlackHouse) -> str:
    key = house.begin()
    house.settle()
    return key


def test_the_same_command_delivered_twice_notes_once(desk: SlackHouse, run: Run) -> None:
    desk.ana.command(f"note {run.key} only once", repeat=True)
    assert desk.events(run).count("noted") == 1
