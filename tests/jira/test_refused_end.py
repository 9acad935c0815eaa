"""An issue that Jira will not let the bot close: said once, tried again, and closed when the right is there."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from both_ways_house import ANA, BothWays, both_ways

from bot.jira.surface import JiraSurface, Refusing
from bot.sandbox.jira.site import BOT


@pytest.fixture(params=["Server", "Cloud"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BothWays]:
    with both_ways(tmp_path, request.param) as built:
        built.start()
        yield built


def test_an_end_that_jira_refuses_is_said_once_however_often_it_is_tried(home: BothWays) -> None:
    home.jira.store.revoke(BOT.name, "ACT", "TRANSITION_ISSUES")
    home.onboardings.cancel(home.key, "the wrong client", actor=ANA)
    home.settle()
    for _ in range(5):
        home.later(7_200)
    [line] = home.events("surface_refused")
    assert "Jira refuses" in line.content["seen"]["en"]
    assert len(home.told("surface_refused")) == 1
    home.jira.store.grant(BOT.name, "ACT", "TRANSITION_ISSUES")
    home.later(7_200)
    assert home.jira.store.issues["ACT-1"].status.name == "Done"
    assert len(home.events("surface_refused")) == 1


def test_a_refusal_that_is_worded_anew_at_each_try_is_said_once_an_hour(
    home: BothWays, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = itertools.count()

    def refused(*_given: object) -> str:
        raise Refusing(f"refuses: request {next(numbers)}")

    monkeypatch.setattr(JiraSurface, "close_parent", refused)
    home.onboardings.cancel(home.key, "the wrong client", actor=ANA)
    home.settle()
    assert len(home.events("surface_refused")) == 1
    home.later(7_200)
    assert len(home.events("surface_refused")) == 2
    assert next(numbers) < 10
