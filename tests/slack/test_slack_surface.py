"""The parent message and its thread when Slack is slow, silent, away or says no: nothing twice, nothing lost."""

from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from slack_house import ANA, CHANNEL, Run, SlackHouse, slack_house

from bot.onboarding.errors import Unavailable
from bot.onboarding.outcomes import SHOWN_ENTRIES, Done, Evidence, FileEvidence
from bot.sandbox.faults import Fault
from bot.slack.connection import SlackConnection, SlackRefused
from bot.slack.manifest import BOT_SCOPES
from bot.slack.settings import SlackSettings
from bot.slack.surface import SlackSurface


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[SlackHouse]:
    """A house of its own, for tests that break things; people act through the core."""
    with slack_house(tmp_path, "http", command="/onboard-dev") as built:
        yield built
        built.slack.faults.clear()


def parents(house: SlackHouse) -> list[dict[str, Any]]:
    return [message for message in house.ana.messages() if message.get("metadata")]


def test_the_parent_names_its_onboarding_in_its_metadata_and_has_a_text(quiet: SlackHouse) -> None:
    key = quiet.begin()
    quiet.settle()
    (parent,) = parents(quiet)
    assert parent["metadata"]["event_payload"]["key"] == key
    assert parent["text"].startswith(f"{key} · OPERADORA X · ACME 1 (PARTNER-ONE)")
    assert quiet.onboardings.view(key).surfaces["slack"].link


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update", "chat.getPermalink"])
@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "server_error"])
def test_a_lost_answer_doubles_nothing(quiet: SlackHouse, method: str, kind: Any) -> None:
    quiet.slack.faults.add(Fault(method, kind))
    key = quiet.begin()
    quiet.settle()
    quiet.later()
    run = quiet.run(key)
    assert len(parents(quiet)) == 1
    assert quiet.onboardings.view(key).surfaces["slack"].link is not None
    assert quiet.onboardings.view(key).troubles == {}
    assert "2/5" not in quiet.parent(run)["text"]
    assert len(quiet.ana.messages(run.ts)) == 2  # the parent and the one report, on the directory


def test_a_report_whose_answer_was_lost_is_posted_once(quiet: SlackHouse) -> None:
    key = quiet.begin()
    quiet.settle()
    run = quiet.run(key)
    before = len(quiet.ana.messages(run.ts))
    quiet.slack.faults.add(Fault("chat.postMessage", "drop_after"))
    quiet.onboardings.confirm(key, "portal", actor=ANA)
    quiet.settle()
    quiet.later()
    assert len(quiet.ana.messages(run.ts)) == before + 1


def test_a_rate_limit_is_waited_out(quiet: SlackHouse) -> None:
    quiet.slack.faults.add(Fault("chat.postMessage", "rate_limited", seconds=1))
    key = quiet.begin()
    quiet.settle()
    assert len(parents(quiet)) == 1
    assert quiet.onboardings.view(key).troubles == {}


def test_a_long_rate_limit_is_told_with_the_time_to_come_back(quiet: SlackHouse) -> None:
    quiet.slack.faults.add(Fault("chat.postMessage", "rate_limited", times=3, seconds=1))
    with pytest.raises(Unavailable) as away:
        quiet.surface.create_parent(quiet.onboardings.view(quiet.begin()), "marker")
    assert away.value.retry_after == 1
    assert not isinstance(away.value, SlackRefused)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"channel": "C0NOWHERE"}, "invite the bot"),
        ({"bot_token": "xoxb-secret-and-wrong"}, "renew SLACK__BOT_TOKEN"),
        ({"api_url": "http://127.0.0.1:9/api/"}, "no answer"),
    ],
)
def test_what_slack_refuses_is_told_with_what_to_do_and_without_a_secret(
    quiet: SlackHouse, changed: dict[str, str], reason: str
) -> None:
    settings = {
        "bot_token": quiet.slack.bot_token,
        "app_token": quiet.slack.app_token,
        "api_url": quiet.slack.api_url,
        "channel": CHANNEL,
    }
    surface = SlackSurface(SlackConnection(SlackSettings.model_validate(settings | changed)))
    with pytest.raises(Unavailable) as away:
        surface.create_parent(quiet.onboardings.view(quiet.begin()), "marker")
    assert reason in away.value.reason
    assert "xoxb" not in str(away.value)


def test_a_message_of_somebody_else_is_not_taken_for_ours(quiet: SlackHouse) -> None:
    view = quiet.onboardings.view(quiet.begin())
    quiet.ana.say(f"marker {view.key}")
    assert quiet.surface.find_parent(view, "marker") is None
    parent = quiet.surface.create_parent(view, "marker")
    assert quiet.surface.find_parent(view, "marker") == parent
    assert quiet.surface.find_parent(view, "another") is None


def test_the_command_that_people_are_told_is_the_configured_one(quiet: SlackHouse) -> None:
    assert "/onboard-dev start" in quiet.ana.command("list").text
    assert "/onboard-dev status" in quiet.ana.command("help").text


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"bot_token": "x", "channel": "C1"}, "SLACK__APP_TOKEN"),
        ({"bot_token": "x", "channel": "C1", "mode": "http"}, "SLACK__SIGNING_SECRET"),
        ({"bot_token": "x", "app_token": "y"}, "SLACK__CHANNEL"),
        ({"api_url": "https://slack.com/api"}, "must end in /"),
    ],
)
def test_settings_that_cannot_work_name_what_is_missing(given: dict[str, str], missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        SlackSettings.model_validate(given)


def with_a_list(house: SlackHouse, rows: int = 40) -> FileEvidence:
    """The folder step brings a list as a file."""
    content = b"kind;ref\r\n" + b"line;600000001\r\n" * rows
    path = house.base / "REFS_ACME_1a2b3c4d.csv"
    path.write_bytes(content)
    file = FileEvidence(path.name, "references", str(path), len(content), sha256(content).hexdigest(), rows)
    house.folder.outcome = Done(Evidence(files=(file,)))
    return file


def shared(house: SlackHouse, key: str) -> list[dict[str, Any]]:
    thread = house.ana.messages(house.run(key).ts)
    return [file for message in thread for file in message.get("files") or ()]


def test_a_list_that_is_too_long_for_a_post_is_in_the_thread_as_a_file(quiet: SlackHouse) -> None:
    file = with_a_list(quiet)
    key = quiet.begin()
    quiet.settle()
    quiet.later()
    [found] = shared(quiet, key)
    assert (found["name"], found["size"]) == (file.name, file.size)
    assert quiet.slack.workspace.uploads[found["id"]].content == Path(file.path).read_bytes()
    [told] = [message["text"] for message in quiet.ana.messages(quiet.run(key).ts) if message.get("files")]
    assert told == f"The whole list: {file.name}, 40 rows"


def test_a_list_that_the_post_holds_is_no_file(quiet: SlackHouse) -> None:
    with_a_list(quiet, rows=SHOWN_ENTRIES)
    key = quiet.begin()
    quiet.settle()
    assert shared(quiet, key) == []


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "server_error", "rate_limited"])
def test_a_file_whose_answer_was_lost_is_shared_once(quiet: SlackHouse, method: str, kind: Any) -> None:
    with_a_list(quiet)
    quiet.slack.faults.add(Fault(method, kind, seconds=1))
    key = quiet.begin()
    quiet.settle()
    quiet.later()
    quiet.later()
    assert len(shared(quiet, key)) == 1
    assert quiet.onboardings.view(key).troubles == {}


def test_a_slack_without_the_scope_for_files_keeps_no_report_back(tmp_path: Path) -> None:
    scopes = frozenset(BOT_SCOPES) - {"files:write"}
    with slack_house(tmp_path, "http", scopes=scopes) as house:
        with_a_list(house)
        key = house.begin()
        house.settle()
        assert shared(house, key) == []
        house.onboardings.tick(key, "portal", [], actor=ANA)
        house.settle()
        posts = [message["text"] for message in house.ana.messages(house.run(key).ts)]
        assert any("Portal: done" in post for post in posts)
        assert house.onboardings.view(key).troubles == {}


def test_a_file_that_never_gets_through_keeps_no_later_report_back(quiet: SlackHouse) -> None:
    with_a_list(quiet)
    quiet.slack.faults.add(Fault("files.getUploadURLExternal", "server_error", times=20))
    key = quiet.begin()
    quiet.onboardings.tick(key, "portal", [], actor=ANA)
    for _ in range(4):
        quiet.settle()
        quiet.later()
    assert shared(quiet, key) == []
    posts = [message["text"] for message in quiet.ana.messages(quiet.run(key).ts)]
    assert any("Portal: done" in post for post in posts)
    assert any("Directory: done" in post for post in posts)


def test_a_list_that_is_no_longer_what_the_report_is_about_is_left_out(quiet: SlackHouse) -> None:
    file = with_a_list(quiet)
    Path(file.path).write_bytes(b"something else")
    key = quiet.begin()
    quiet.settle()
    assert shared(quiet, key) == []
    assert quiet.onboardings.view(key).troubles == {}


def lines(house: SlackHouse, run: Run, kind: str) -> list[Any]:
    return [line for line in house.onboardings.trail(run.key) if line.kind == kind]


def test_a_parent_that_somebody_deleted_is_a_line_of_the_trail_and_the_onboarding_goes_on(tmp_path: Path) -> None:
    with slack_house(tmp_path, "http") as house:
        run = house.start()
        message = house.slack.workspace.find(CHANNEL, run.ts)
        assert message is not None
        message.deleted = True
        for day in (1, 2):
            house.onboardings.steering.set_due(run.key, date(2027, 3, day), actor=ANA)
            house.settle()
            house.later(3_600)
        [gone] = lines(house, run, "surface_gone")
        assert "Slack finds" in gone.content["seen"]["en"]
        assert house.onboardings.confirm(run.key, "portal", actor=ANA)
        house.settle()
        assert house.state(run, "portal") == "done"
        assert len(lines(house, run, "surface_gone")) == 1


@pytest.mark.parametrize("trouble", ["is_archived", "not_in_channel"])
def test_a_channel_that_refuses_is_a_line_of_the_trail_and_told_everything_in_order_once_it_takes_it(
    tmp_path: Path, trouble: str
) -> None:
    with slack_house(tmp_path, "http") as house:
        run = house.start()
        before = len(house.ana.messages(run.ts))
        channel = house.slack.workspace.channels[CHANNEL]
        members = list(channel.members)
        if trouble == "is_archived":
            channel.is_archived = True
        else:
            channel.members.remove(house.slack.workspace.bot.id)
        house.onboardings.confirm(run.key, "portal", actor=ANA)
        house.settle()
        for _ in range(5):
            house.later(600)
        [refused] = lines(house, run, "surface_refused")
        assert trouble in refused.content["seen"]["en"]
        assert house.state(run, "portal") == "done"
        channel.is_archived = False
        channel.members[:] = members
        house.later(3_600)
        told = [str(message["text"]) for message in house.ana.messages(run.ts)[before:]]
        assert sum("what shows it is refused" in text for text in told) == 1
        assert len(told) == len(set(told))
        assert house.parent(run)["blocks"]
