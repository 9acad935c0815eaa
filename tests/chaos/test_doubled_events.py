"""What is told twice, or in another order than it happened: Slack's events and a ticket's change."""

import re
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from e2e_house import START, wait_until

from bot.sandbox.faults import Fault
from bot.sandbox.jira.site import BOT
from bot.sandbox.slack import AppSilent, SlackPerson
from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack

from .activation import fire
from .counting import as_lines, settled, told, wrongs
from .people import People


def test_slacks_events_delivered_twice_count_once(tmp_path: Path) -> None:
    with fire(tmp_path) as home:
        home.start_bot()
        person = SlackPerson(home.slack.url, "U0MANAGER")
        view = person.command("start").view or person.wait_for_view()
        for block, value in START.items():
            person.choose(view["id"], block, value)
        assert person.submit(view["id"], repeat=True) == {}
        people = People(home)
        wait_until("the parent", people.parent)
        clicks = sum(_tick_everything_twice(people, person, step) for step in ("portal", "sofia_install"))
        wrong = settled(lambda: wrongs(home, people, ended=False), 20)
        assert not wrong, as_lines(wrong)
        own = told(home)
        assert [line.kind for line in own.lines].count("started") == 1
        assert [line.kind for line in own.lines if line.kind in {"ticked", "refused"}] == ["ticked"] * clicks
        assert {own.steps[step] for step in ("portal", "sofia_install")} == {"done"}


def test_clicks_that_arrive_in_another_order_than_they_were_made_both_count(tmp_path: Path) -> None:
    with fire(tmp_path) as home:
        home.start_bot()
        people = People(home)
        people.start()
        wait_until("the parent", people.parent)
        parent = people.parent()
        assert parent is not None
        boxes = next(block for block in parent["blocks"] if str(block.get("block_id")).endswith(":ticks"))
        values = [option["value"] for option in boxes["elements"][0]["options"]]
        # The first click is held up on its way; the second one overtakes it, from a screen that does not know of it.
        home.slack.faults.add(Fault("socket:deliver", "delay", seconds=1.5))
        version = parent["versions"] - 1

        def click(value: str) -> None:
            SlackPerson(home.slack.url, "U0MANAGER").tick(parent["ts"], boxes["block_id"], value, version=version)

        first = threading.Thread(target=click, args=(values[0],))
        first.start()
        wait_until("the first click on its way", lambda: home.slack.faults.left == 0)
        click(values[-1])
        first.join()
        ticks = [line for line in told(home).lines if line.kind == "ticked"]
        assert {values[0], values[-1]} <= set(ticks[-1].content["ticked"])
        wrong = settled(lambda: wrongs(home, people, ended=False), 20)
        assert not wrong, as_lines(wrong)


def test_a_tickets_end_that_two_looks_see_at_once_ends_the_step_once(tmp_path: Path) -> None:
    with fire(tmp_path, JIRA__POLL_SECONDS="1") as home:
        home.start_bot()
        key = home.start()
        form = load_pack(builtin_packs() / START["operator"], parameter_models()).forms["form.yaml"]
        home.partner.fill_form(home.partner.wait_for_link("form"), form, datetime.now(UTC).date())
        ticket = home.team.wait_for_ticket()
        wait_until("the first look", lambda: home.states(key)["ticket"] == "waiting")
        slow = Fault("GET /rest/api/2/issue/{key}", "delay", times=4, seconds=2, account=BOT.name)
        home.jira.faults.add(slow)
        home.team.make_flow(ticket)
        # One look is under way, a person asks for another one, from the shell.
        wait_until("a look under way", lambda: home.jira.faults.left < 4)
        home.command("retry", key, "ticket")
        wait_until("the end of the ticket", lambda: home.states(key)["ticket"] == "done")
        wrong = settled(lambda: wrongs(home, People(home), ended=False), 20)
        assert not wrong, as_lines(wrong)
        ended = [line for line in told(home).lines if line.step == "ticket" and line.kind == "step_done"]
        assert len(ended) == 1


def _tick_everything_twice(people: People, person: SlackPerson, step: str) -> int:
    """Tick the boxes of a step, each click delivered twice; return the number of clicks."""
    until = time.monotonic() + 30
    clicks = 0
    while time.monotonic() < until:
        parent = people.parent()
        assert parent is not None
        boxes = [b for b in parent["blocks"] if re.fullmatch(rf"{step}:\d+:ticks", str(b.get("block_id")))]
        if not boxes and clicks:
            return clicks
        if boxes:
            value = _open_boxes(people, step)[0]
            try:
                person.tick(parent["ts"], boxes[0]["block_id"], value, repeat=True)
            except (LookupError, AppSilent):
                continue
            clicks += 1
            wait_until("the tick to be shown", lambda value=value: value not in _open_boxes(people, step))
    raise AssertionError(f"{step} was not ticked")


def _open_boxes(people: People, step: str) -> list[str]:
    """Return the boxes of a step that are shown and not ticked."""
    parent = people.parent()
    assert parent is not None
    elements = [
        block["elements"][0]
        for block in parent["blocks"]
        if re.fullmatch(rf"{step}:\d+:ticks", str(block.get("block_id")))
    ]
    return [
        option["value"]
        for element in elements
        for option in element["options"]
        if option not in element.get("initial_options", ())
    ]
