"""User groups as roles: looked up rarely, never waited for long, and kept while Slack is away."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.onboarding.clock import SystemClock
from bot.onboarding.group_memory import GroupMemory
from bot.onboarding.peers import Peers
from bot.onboarding.store import Store
from bot.readiness import Heartbeat, Readiness
from bot.sandbox.faults import Fault
from bot.sandbox.slack import SlackServer, Workspace
from bot.slack.connection import SlackConnection
from bot.slack.groups import PATIENCE_SECONDS, SlackGroups
from bot.slack.settings import SlackSettings


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer(workspace=Workspace(usergroups={"S0LEADS": ["U0MANAGER"], "S0TEAM": []})) as server:
        yield server


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[GroupMemory]:
    store = Store(f"sqlite:///{tmp_path / 'groups.db'}")
    store.migrate()
    yield GroupMemory(store, SystemClock())
    store.close()


def groups_of(slack: SlackServer, clock: Clock, memory: GroupMemory) -> SlackGroups:
    settings = SlackSettings.model_validate(
        {
            "mode": "http",
            "bot_token": slack.bot_token,
            "signing_secret": "x",
            "api_url": slack.api_url,
            "channel": "C0ONBOARD",
        }
    )
    return SlackGroups(SlackConnection(settings), memory, clock=clock)


def lookups(slack: SlackServer) -> int:
    return sum(call.method == "usergroups.users.list" for call in slack.workspace.calls)


def test_a_group_is_asked_for_once_in_some_minutes(slack: SlackServer, memory: GroupMemory) -> None:
    clock = Clock()
    groups = groups_of(slack, clock, memory)
    for _ in range(3):
        groups.refresh(["S0LEADS", "S0TEAM"])
    assert (set(groups.members("S0LEADS")), set(groups.members("S0TEAM"))) == ({"U0MANAGER"}, set())
    assert lookups(slack) == 2
    slack.workspace.usergroups["S0LEADS"].append("U0GUEST")
    clock.seconds += 299
    groups.refresh(["S0LEADS"])
    assert "U0GUEST" not in groups.members("S0LEADS")
    clock.seconds += 2
    groups.refresh(["S0LEADS"])
    assert "U0GUEST" in groups.members("S0LEADS")


def test_the_last_known_list_counts_while_slack_is_away_and_it_is_left_alone_for_a_while(
    slack: SlackServer, memory: GroupMemory
) -> None:
    clock = Clock()
    groups = groups_of(slack, clock, memory)
    groups.refresh(["S0LEADS"])
    slack.faults.add(Fault("usergroups.users.list", "server_error", times=9))
    clock.seconds += 400
    for _ in range(3):
        groups.refresh(["S0LEADS"])
    assert set(groups.members("S0LEADS")) == {"U0MANAGER"}
    assert lookups(slack) == 2


def test_nobody_waits_long_for_a_slow_slack(slack: SlackServer, memory: GroupMemory) -> None:
    clock = Clock()
    groups = groups_of(slack, clock, memory)
    groups.refresh(["S0LEADS"])
    slack.faults.add(Fault("usergroups.users.list", "delay", times=1, seconds=4))
    clock.seconds += 400
    begun = time.monotonic()
    groups.refresh(["S0LEADS"])
    groups.refresh(["S0LEADS"])
    assert time.monotonic() - begun < 2 * PATIENCE_SECONDS
    assert set(groups.members("S0LEADS")) == {"U0MANAGER"}


def test_a_group_that_slack_does_not_know_has_nobody(slack: SlackServer, memory: GroupMemory) -> None:
    groups = groups_of(slack, Clock(), memory)
    groups.refresh(["S0NONE"])
    assert set(groups.members("S0NONE")) == set()


def test_a_restart_while_slack_is_away_leaves_people_their_roles_and_says_how_old_they_are(
    slack: SlackServer, memory: GroupMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    before = groups_of(slack, Clock(), memory)
    before.refresh(["S0LEADS"])
    assert before.unanswered() == {}
    known = memory.recall("S0LEADS")
    assert known is not None
    slack.faults.add(Fault("usergroups.users.list", "server_error", times=1))
    slack.workspace.usergroups["S0LEADS"].append("U0GUEST")
    clock = Clock()
    after = groups_of(slack, clock, memory)
    after.refresh(["S0LEADS"])
    assert known.seen_at.isoformat() in capsys.readouterr().out
    assert set(after.members("S0LEADS")) == {"U0MANAGER"}
    assert after.unanswered() == {"S0LEADS": known.seen_at}
    # As soon as Slack answers, what it says counts, here and after the next restart.
    clock.seconds += 30
    after.refresh(["S0LEADS"])
    assert set(after.members("S0LEADS")) == {"U0MANAGER", "U0GUEST"}
    assert after.unanswered() == {}
    again = memory.recall("S0LEADS")
    assert again is not None
    assert again.members == {"U0MANAGER", "U0GUEST"}


def test_a_slow_slack_after_a_restart_costs_a_moment_and_no_role(slack: SlackServer, memory: GroupMemory) -> None:
    groups_of(slack, Clock(), memory).refresh(["S0LEADS"])
    slack.faults.add(Fault("usergroups.users.list", "delay", times=1, seconds=4))
    after = groups_of(slack, Clock(), memory)
    after.refresh(["S0LEADS"])
    assert set(after.members("S0LEADS")) == {"U0MANAGER"}


def test_a_group_that_slack_refuses_is_not_recalled(slack: SlackServer, memory: GroupMemory) -> None:
    groups_of(slack, Clock(), memory).refresh(["S0LEADS"])
    del slack.workspace.usergroups["S0LEADS"]
    after = groups_of(slack, Clock(), memory)
    after.refresh(["S0LEADS"])
    assert set(after.members("S0LEADS")) == set()


def test_readyz_says_how_old_the_groups_are(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'ready.db'}")
    store.migrate()
    seen: dict[str, datetime | None] = {}
    ready = Readiness(store, Peers(SystemClock()), Heartbeat(), lambda: 0, runs_jobs=False, groups=lambda: dict(seen))
    assert "user groups" not in ready()
    seen |= {"S0LEADS": datetime(2026, 11, 24, 9, 30, tzinfo=UTC), "S0NONE": None}
    part = ready()["user groups"]
    assert (part.ok, part.needed) == (False, False)
    assert "S0LEADS as of 2026-11-24 09:30 UTC, S0NONE never told" in part.seen
    store.close()


def test_the_sandbox_lists_its_groups_to_those_with_the_scope(slack: SlackServer) -> None:
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError

    client = WebClient(token=slack.bot_token, base_url=slack.api_url)
    listed = client.usergroups_list(include_users=True)["usergroups"]
    assert [(group["id"], group["handle"], group["users"], group["user_count"]) for group in listed] == [
        ("S0LEADS", "s0leads", ["U0MANAGER"], 1),
        ("S0TEAM", "s0team", [], 0),
    ]
    with SlackServer(scopes={"commands"}) as other:
        with pytest.raises(SlackApiError) as refused:
            WebClient(token=other.bot_token, base_url=other.api_url).usergroups_list()
        assert refused.value.response["needed"] == "usergroups:read"
