"""The Home tab, over real sockets: what a person sees there, what they do there, and that it is always the latest."""

import asyncio
import json
import logging
from typing import Any

import pytest
from slack_house import ANA, Run, SlackHouse, eventually, slack_house
from sqlalchemy import event
from sqlmodel import select

from bot.onboarding.actors import Accountable, Actor
from bot.onboarding.home_page import ACTIVATIONS, STEPS
from bot.onboarding.models import HomeRecord, Onboarding, StepRecord
from bot.onboarding.ports import Job
from bot.onboarding.start import StartRequest
from bot.sandbox.faults import Fault
from bot.sandbox.slack import payloads

HOME = Job(0, "home:slack:U0ANA")


@pytest.fixture(name="home")
def home_of_ana(tmp_path: Any) -> Any:
    """A house of its own: a Home shows everything that there is."""
    with slack_house(tmp_path, "socket") as built:
        yield built


def open_home(house: SlackHouse, person: Any = None) -> dict[str, Any]:
    """Open the Home tab and return it as it is shown then."""
    person = person or house.ana
    user = "slack:U0ANA" if person is house.ana else "slack:U0BOB" if person is house.bob else "slack:U0GUEST"
    before = record(house, user).wanted if record(house, user) else 0
    person.open_home()
    eventually(lambda: record(house, user) and record(house, user).wanted > before)
    house.settle()
    shown = person.home()
    assert shown is not None
    return shown


def record(house: SlackHouse, user: str = "slack:U0ANA") -> Any:
    with house.store.reading() as session:
        return session.get(HomeRecord, user)


def texts(view: dict[str, Any]) -> str:
    return json.dumps(view["blocks"], ensure_ascii=False)


def published(house: SlackHouse) -> list[dict[str, Any]]:
    return [call for call in house.ana.state()["calls"] if call["method"] == "views.publish"]


def test_my_steps_come_first_then_my_activations_then_the_start(home: SlackHouse) -> None:
    run = home.start()
    shown = open_home(home)
    headers = [block["text"]["text"] for block in shown["blocks"] if block["type"] == "header"]
    assert headers == ["My steps (2)", "My activations (1)"]
    assert shown["blocks"][-2]["elements"][0]["action_id"] == "home_start"
    # With their controls, and a link to the thread.
    assert f"portal:{home.onboardings.view(run.key).revision}:ticks:{run.key}" in [
        block["block_id"] for block in shown["blocks"]
    ]
    link = home.onboardings.view(run.key).surfaces["slack"].link
    assert f"<{link}|{run.key}>" in texts(shown)


def test_what_is_ticked_on_the_home_counts_and_shows_everywhere(home: SlackHouse) -> None:
    run = home.start()
    shown = open_home(home)
    boxes = next(block["block_id"] for block in shown["blocks"] if block["block_id"].startswith("portal:"))
    assert boxes
    ticks = f"portal:{home.onboardings.view(run.key).revision}:ticks:{run.key}"
    home.ana.choose(shown["id"], ticks, ["logged_in"])
    home.settle()
    assert home.ticked(run, "portal") == {"logged_in": "ana", "found": None}
    home.later(5)
    assert "Logged in: ana" in texts(home.ana.home() or {})
    blocks = (home.ana.home() or {})["blocks"]
    now = next(block["block_id"] for block in blocks if block["block_id"].endswith(f"ticks:{run.key}"))
    assert now != ticks


def test_two_activations_at_one_revision_have_block_ids_of_their_own(home: SlackHouse) -> None:
    first, second = home.start(), home.start()
    shown = open_home(home)
    ids = [block["block_id"] for block in shown["blocks"]]
    assert len(ids) == len(set(ids))
    boxes = next(id_ for id_ in ids if id_.startswith("portal:") and id_.endswith(f"ticks:{second.key}"))
    home.ana.choose(shown["id"], boxes, ["found"])
    assert home.ticked(second, "portal")["found"] == "ana"
    assert home.ticked(first, "portal")["found"] is None


def test_a_refusal_on_the_home_is_told_in_a_modal(home: SlackHouse) -> None:
    run = home.start()
    shown = open_home(home)
    home.onboardings.confirm(run.key, "portal", actor=ANA)
    home.ana.press(shown["id"], "confirm", f"{run.key}:portal")
    notice = home.ana.wait_for_view(callback_id="notice")
    assert "Portal" in texts(notice)
    assert home.failures() == []


def test_a_change_redraws_the_home_of_whoever_has_opened_it_and_nobody_elses(home: SlackHouse) -> None:
    run = home.start()
    open_home(home)
    home.onboardings.tick(run.key, "portal", ["found"], actor=Actor("slack", "slack:U0BOB", "bob"))
    home.settle()
    home.later(5)
    assert "Found: bob" in texts(home.ana.home() or {})
    assert home.bob.home() is None


def test_many_changes_in_a_row_are_one_redraw(home: SlackHouse) -> None:
    run = home.start()
    open_home(home)
    before = len(published(home))
    for tick in ("logged_in", "found"):
        home.onboardings.tick(run.key, "portal", [tick], actor=ANA)
        home.settle()
    home.onboardings.skip(run.key, "received", "why", actor=ANA)
    home.settle()
    assert len(published(home)) == before
    home.later(5)
    assert len(published(home)) == before + 1
    assert record(home).shown == record(home).wanted


def test_what_looks_the_same_is_not_sent_again(home: SlackHouse) -> None:
    home.start()
    open_home(home)
    before = len(published(home))
    open_home(home)
    assert len(published(home)) == before


def test_filters_and_pages_are_kept_and_a_filter_begins_at_the_first_page(home: SlackHouse) -> None:
    for _ in range(ACTIVATIONS + 1):
        home.begin()
    home.onboardings.start(
        StartRequest("operadora_y", "PARTNER-TWO", "b@two.example", "Two", "TWO", ["A78923125"], {"way": "ftp"}), ANA
    )
    shown = open_home(home)
    assert "page 1 of 2" in texts(shown)
    home.ana.press(shown["id"], "home_page_next")
    home.settle()
    assert record(home).page == 1
    shown = home.ana.home() or {}
    assert "page 2 of 2" in texts(shown)
    home.ana.choose(shown["id"], f"home:{record(home).shown}:filters", "PARTNER-TWO", action_id="home_partner")
    home.settle()
    shown = home.ana.home() or {}
    assert "My activations (1)" in texts(shown)
    assert "OPERADORA Y" in texts(shown)
    assert (record(home).page, record(home).filters["partner"]) == (0, "PARTNER-TWO")
    # They are kept: the next time it is opened the same is shown.
    assert "My activations (1)" in texts(open_home(home))
    home.ana.press(shown["id"], "home_late", "yes")
    home.settle()
    assert "No activation is under way." in texts(home.ana.home() or {})


def test_late_ones_are_found(home: SlackHouse) -> None:
    home.start()
    shown = open_home(home)
    home.ana.press(shown["id"], "home_late", "yes")
    home.settle()
    assert "Nothing waits for you." in texts(home.ana.home() or {})
    home.later(15 * 86_400)
    open_home(home)
    assert "⏰" in texts(home.ana.home() or {})
    assert "My activations (1)" in texts(home.ana.home() or {})


def test_another_managers_activation_is_not_mine_and_one_that_a_machine_began_is_everybodys(home: SlackHouse) -> None:
    home.start()
    assert "My activations (0)" in texts(open_home(home, home.bob))
    with home.store.transaction() as session:
        session.exec(select(Onboarding)).one().starter = "shell:root"
    assert "My activations (1)" in texts(open_home(home, home.bob))
    guest = open_home(home, home.guest)
    assert "My steps (0)" in texts(guest)
    assert "home_start" not in texts(guest)


def test_an_answer_that_was_lost_and_a_kill_before_the_record_end_with_the_latest(home: SlackHouse) -> None:
    run = home.start()
    open_home(home)
    home.onboardings.tick(run.key, "portal", ["found"], actor=ANA)
    home.slack.faults.add(Fault("views.publish", "drop_after"))
    home.clock.ahead += 5
    home.settle()
    # Slack has it, and the bot does not know: its hash is another one now.
    assert "Found: ana" in texts(home.ana.home() or {})
    assert record(home).attempts == 1
    home.onboardings.tick(run.key, "portal", ["logged_in"], actor=ANA)
    home.settle()
    home.later(30)
    assert record(home).shown == record(home).wanted
    assert home.state(run, "portal") == "done"
    assert "Found: ana" not in texts(home.ana.home() or {})
    assert home.slack.faults.left == 0


def test_a_killed_worker_leaves_a_home_that_the_next_run_brings_up_to_date(
    home: SlackHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = home.start()
    open_home(home)

    class Killed(BaseException):
        pass

    def die(*_given: object, **_named: object) -> None:
        raise Killed

    home.onboardings.tick(run.key, "portal", ["found"], actor=ANA)
    home.clock.ahead += 5
    with monkeypatch.context() as patched:
        patched.setattr(home.home, "_keep", die)
        with pytest.raises(Killed):
            home.settle()
    assert record(home).shown < record(home).wanted
    # The queue runs a job again whose worker died.
    assert home.home.run(HOME) == "shown"
    assert "Found: ana" in texts(home.ana.home() or {})
    assert record(home).shown == record(home).wanted


def test_a_lost_job_is_made_up_for(home: SlackHouse) -> None:
    run = home.start()
    open_home(home)
    home.clock.ahead += 5
    home.onboardings.tick(run.key, "portal", ["found"], actor=ANA)
    for job in home.queue.take():
        if not job.subject.startswith("home"):
            home.homes.touch(job.onboarding_id)
    assert [job.subject for job in home.queue.take()] == ["home:slack:U0ANA"]
    assert home.homes.sweep() == 0
    home.later(11 * 60)
    assert "Found: ana" in texts(home.ana.home() or {})


def test_an_older_worker_does_not_overwrite_what_a_newer_one_has_shown(home: SlackHouse) -> None:
    run = home.start()
    open_home(home)
    home.onboardings.tick(run.key, "portal", ["found"], actor=ANA)
    home.homes.touch(home.onboardings.view(run.key).id)
    stale = record(home)
    publish = home.home._surface.publish

    def overtaken(person: str, picture: str, mark: str | None) -> str:
        # Between this worker's look and its call another has shown something, and kept it.
        newer = publish(person, picture, None)
        with home.store.transaction() as session:
            session.get_one(HomeRecord, person).mark = newer
        return publish(person, picture, mark)

    home.home._surface.publish = overtaken  # type: ignore[method-assign]
    assert home.home.run(HOME) == "later"
    home.home._surface.publish = publish  # type: ignore[method-assign]
    home.later(30)
    assert record(home).shown == record(home).wanted
    assert record(home).mark != stale.mark


def test_somebody_who_left_ends_their_home_with_one_line_and_no_loop(
    home: SlackHouse, caplog: pytest.LogCaptureFixture
) -> None:
    run = home.start()
    open_home(home)
    home.slack.workspace.deactivate("U0ANA")
    home.onboardings.tick(run.key, "portal", ["found"], actor=ANA)
    home.settle()
    before = len(published(home))
    with caplog.at_level(logging.WARNING):
        home.later(5)
    assert record(home).is_over
    assert len(published(home)) == before + 1
    home.onboardings.tick(run.key, "portal", ["logged_in"], actor=ANA)
    home.settle()
    home.later(3_600)
    assert len(published(home)) == before + 1


def test_a_slack_that_is_away_is_asked_again_ever_more_rarely(home: SlackHouse) -> None:
    home.start()
    home.slack.faults.extend(Fault("views.publish", "rate_limited", seconds=1) for _ in range(3))
    home.ana.open_home()
    eventually(lambda: record(home))
    home.settle()
    assert record(home).attempts == 1
    assert home.ana.home() is None
    home.later(30)
    assert home.ana.home() is not None
    assert record(home).attempts == 0


def test_ten_thousand_open_activations_cost_one_page(home: SlackHouse) -> None:
    home.start()
    with home.store.transaction() as session:
        [first] = session.exec(select(Onboarding)).all()
        steps = session.exec(select(StepRecord)).all()
        rows, records = [], []
        for number in range(2, 10_001):
            copy = first.model_dump() | {"id": number, "client_key": f"c{number}", "root_key": f"R{number}"}
            rows.append(copy)
            for position, step in enumerate(steps):
                records.append(step.model_dump() | {"id": number * 10 + position, "onboarding_id": number})
        session.connection().execute(Onboarding.__table__.insert(), rows)  # type: ignore[attr-defined]
        session.connection().execute(StepRecord.__table__.insert(), records)  # type: ignore[attr-defined]
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        statements.append(statement)

    event.listen(home.store.engine, "before_cursor_execute", note)
    shown = open_home(home)
    event.remove(home.store.engine, "before_cursor_execute", note)
    assert "My activations (10000)" in texts(shown)
    assert "page 1 of 1000" in texts(shown)
    assert len(shown["blocks"]) <= 100
    # The counts, the choices to filter by, and some statements for each view of the page.
    assert len(statements) < 25 + 8 * (STEPS + ACTIVATIONS)


def test_the_message_tab_is_no_opening_of_the_home(home: SlackHouse) -> None:
    run: Run = home.start()
    assert run.key
    payload = {"type": "app_home_opened", "user": "U0BOB", "channel": "D0BOB", "tab": "messages"}

    async def announce() -> None:
        home.slack.people.announce(payloads.event(home.slack.workspace, payload))

    assert home.slack._loop is not None
    asyncio.run_coroutine_threadsafe(announce(), home.slack._loop).result()
    home.ana.open_home()
    eventually(lambda: record(home))
    assert record(home, "slack:U0BOB") is None
    assert not [error for error in home.slack.workspace.warnings if "never acknowledged" in error]


def noted(house: SlackHouse, run: Run) -> list[tuple[str, str | None, str, Any]]:
    lines = [line for line in house.onboardings.trail(run.key) if line.kind == "noted"]
    return [(line.actor, line.step, line.content["seen"]["en"], line.content.get("link")) for line in lines]


def test_a_note_goes_to_the_trail_of_an_activation_or_of_a_step(home: SlackHouse) -> None:
    run = home.start()
    shown = open_home(home)
    home.ana.press(shown["id"], "home_note", run.key)
    modal = home.ana.wait_for_view(callback_id="note")
    assert [block["block_id"] for block in modal["blocks"] if block["type"] == "input"] == ["text"]
    assert "link to the message" not in texts(modal)
    assert home.ana.submit(modal["id"], {"text": "They call back on <b>Monday</b>"}, repeat=True) == {}
    home.ana.press(shown["id"], "home_note", f"{run.key}:references")
    modal = home.ana.wait_for_view(callback_id="note")
    assert f"*{run.key}* · References" in texts(modal)
    assert home.ana.submit(modal["id"], {"text": "Two of them are old"}) == {}
    assert noted(home, run) == [
        ("ana", None, "They call back on <b>Monday</b>", None),
        ("ana", "references", "Two of them are old", None),
    ]
    home.settle()
    assert "They call back on &lt;b&gt;Monday&lt;/b&gt;" in str(home.ana.messages(run.ts))


def test_a_step_whose_boxes_take_notes_has_one_button_for_them(home: SlackHouse) -> None:
    run = home.start()
    names = {
        block["block_id"].partition(":")[0]: [element["action_id"] for element in block["elements"]]
        for block in open_home(home)["blocks"]
        if block["block_id"].endswith(f":actions:{run.key}")
    }
    assert "box_note" in names["portal"]
    assert "home_note" not in names["portal"]
    assert "home_note" in names["references"]


def test_a_note_from_the_home_is_refused_at_the_field(home: SlackHouse) -> None:
    run = home.start()
    home.onboardings.steering.assign(run.key, Accountable("U0GUEST", "Gwen"), actor=ANA)
    shown = open_home(home, home.guest)
    home.guest.press(shown["id"], "home_note", run.key)
    modal = home.guest.wait_for_view(callback_id="note")
    # Whoever is named for it sees it on their Home, and has no right by that which they had not.
    assert "manager" in home.guest.submit(modal["id"], {"text": "Me too"})["text"]
    assert noted(home, run) == []
    assert home.events(run)[-1] == "refused"
    home.onboardings.steering.assign(run.key, None, actor=ANA)
    home.ana.press(open_home(home)["id"], "home_note", run.key)
    modal = home.ana.wait_for_view(callback_id="note")
    assert "text" in home.ana.submit(modal["id"], {"text": "  "})
    assert home.ana.submit(modal["id"], {"text": "After that refusal"}) == {}
    assert [text for _, _, text, _ in noted(home, run)] == ["After that refusal"]
