"""A file dropped into an onboarding's thread: checked or given to the step that waits, and answered once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chain_house import OCTOBER
from thread_house import FOREIGN, ZIP, Killed, ThreadHouse, eventually, thread_house

from bot.onboarding.given import safe_name
from bot.onboarding.ports import Job

NAME = OCTOBER.name


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ThreadHouse]:
    with thread_house(tmp_path) as built:
        yield built


def answers(house: ThreadHouse, key: str) -> list[str]:
    kinds = {"file_checked", "file_not_taken", "file_attached"}
    return [kind for kind in house.lines(key) if kind in kinds]


def test_a_file_that_no_step_waits_for_is_checked_and_answered_with_the_findings(house: ThreadHouse) -> None:
    key = house.start("ftp")
    house.drop(house.ana, key, NAME, ZIP.read_bytes())
    assert answers(house, key) == ["file_checked"]
    received, checked = house.thread(key)[-2:]
    assert NAME in received
    assert "ZIP" in checked.upper()
    assert "blocked" in checked
    assert house.step(key, "pickup").state == "pending"
    assert list((house.base / "data" / "passing").rglob("*.mdb")) == []


def test_a_good_file_on_the_ftp_path_is_checked_and_not_taken_the_way_that_is_tested(house: ThreadHouse) -> None:
    key = house.start("ftp")
    house.drop(house.ana, key, NAME, OCTOBER.read_bytes())
    assert answers(house, key) == ["file_checked"]
    assert "partner's directory" in house.thread(key)[-1]
    assert house.step(key, "output").state == "pending"


def test_the_step_that_waits_for_the_file_gets_it_and_the_chain_runs(house: ThreadHouse) -> None:
    key = house.start("console")
    house.drop(house.ana, key, NAME, OCTOBER.read_bytes())
    assert answers(house, key) == ["file_attached"]
    assert {step: house.step(key, step).state for step in ("deposit", "pickup", "processing", "output")} == {
        "deposit": "done",
        "pickup": "done",
        "processing": "done",
        "output": "done",
    }
    assert house.due() == [subject for subject in house.due() if not subject.startswith("given:")]


def test_what_cannot_be_the_file_is_checked_and_the_step_goes_on_waiting(house: ThreadHouse) -> None:
    key = house.start("console")
    house.drop(house.ana, key, "october.zip", ZIP.read_bytes())
    assert answers(house, key) == ["file_checked"]
    assert house.step(key, "deposit").state == "waiting"


def test_a_picture_is_talk_and_nobody_answers_it(house: ThreadHouse) -> None:
    key = house.start("console")
    before = house.lines(key)
    house.ana.say("look", thread_ts=house.parent(key), files={"screen.png": b"\x89PNG"})
    house.ana.say("and", files={NAME: b"not in the thread"})
    eventually(lambda: len(house.slack.workspace.uploads) == 2)
    house.work()
    assert house.lines(key) == before


def test_a_better_file_takes_the_place_of_one_that_the_chain_refused(house: ThreadHouse) -> None:
    key = house.start("console")
    house.drop(house.ana, key, NAME, ZIP.read_bytes())
    assert house.step(key, "pickup").state == "failed"
    house.drop(house.ana, key, NAME, OCTOBER.read_bytes())
    assert answers(house, key) == ["file_attached", "file_attached"]
    assert house.step(key, "output").state == "done"


def test_a_stranger_is_told_who_may_and_the_refusal_is_on_the_trail(house: ThreadHouse) -> None:
    key = house.start("console")
    house.drop(house.guest, key, NAME, OCTOBER.read_bytes())
    told = eventually(lambda: [post for post in house.guest.messages(house.parent(key)) if post["ephemeral"]])
    assert "U0ANA" in told[-1]["text"]
    assert house.lines(key)[-1] == "refused"
    assert house.step(key, "deposit").state == "waiting"


def test_the_data_base_team_may_give_a_file_too(house: ThreadHouse) -> None:
    key = house.start("console")
    house.drop(house.bob, key, NAME, OCTOBER.read_bytes())
    assert house.step(key, "deposit").state == "done"


def test_a_file_of_another_client_is_set_apart_and_nothing_of_it_is_told_or_kept(house: ThreadHouse) -> None:
    key = house.start("ftp")
    house.drop(house.ana, key, NAME, FOREIGN.read_bytes())
    checked = house.thread(key)[-1]
    assert "WRONG_CLIENT" in checked
    assert "Gross" not in checked
    trail = str([line.content for line in house.onboardings.trail(key)])
    assert "B12345674" not in trail
    assert not any(path.is_file() for path in (house.base / "data").rglob("*SOFIA*"))


def test_the_same_event_again_changes_nothing(house: ThreadHouse) -> None:
    key = house.start("ftp")
    house.slack.faults.extend([])
    house.drop(house.ana, key, NAME, OCTOBER.read_bytes())
    message = next(post for post in house.slack.workspace.messages if post.files and post.author == "U0ANA")
    body = {"channel": message.channel, "ts": message.ts, "thread_ts": message.thread_ts, "user": "U0ANA"}
    before = house.lines(key)
    from bot.slack.dropped_files import DroppedFiles

    heard = DroppedFiles(house.front._connection, house.onboardings, house.front._readers)
    context: dict[str, Any] = {}
    assert heard.taken({**body, "files": message.files}, context, lambda: None) is None  # type: ignore[arg-type]
    # The bot's own files come back to it as events.
    assert heard.taken({**body, "files": message.files, "bot_id": "B1", "ts": "1.2"}, context, lambda: None) is None  # type: ignore[arg-type]
    house.work()
    assert house.lines(key) == before


def test_an_event_whose_commit_failed_is_not_acknowledged_and_comes_again(
    house: ThreadHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = house.start("ftp")
    whole, failures = house.onboardings.given.drop, [1]

    def once_broken(*args: Any, **named: Any) -> bool:
        if failures:
            failures.pop()
            raise OSError("disk full")
        return whole(*args, **named)

    monkeypatch.setattr(house.onboardings.given, "drop", once_broken)
    house.drop(house.ana, key, NAME, OCTOBER.read_bytes())
    assert failures == []
    assert answers(house, key) == ["file_checked"]


@pytest.mark.parametrize("where", ["fetched", "checked", "answered"])
def test_a_kill_anywhere_in_the_job_loses_nothing_and_doubles_nothing(
    house: ThreadHouse, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = house.start("ftp")
    place, method = {
        "fetched": (house.given._place, "fetch"),
        "checked": (house.given._check, "run"),
        "answered": (house.given, "_answer"),
    }[where]
    whole = getattr(place, method)
    struck: list[int] = []

    def killed(*args: Any, **named: Any) -> Any:
        done = whole(*args, **named)
        if not struck:
            struck.append(1)
            raise Killed
        return done

    monkeypatch.setattr(place, method, killed)
    with pytest.raises(Killed):
        house.drop(house.ana, key, NAME, OCTOBER.read_bytes())
    # The durable queue runs a job again whose worker died.
    seq = next(line.seq for line in house.onboardings.trail(key) if line.kind == "file_dropped")
    house.given.run(Job(house.onboardings.view(key).id, f"given:{seq}"))
    house.work()
    assert answers(house, key) == ["file_checked"]
    assert sum("checked" in post for post in house.thread(key)) == 1


def test_a_kill_after_the_hand_over_gives_the_file_once(house: ThreadHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    key = house.start("console")
    whole = house.onboardings.handing.give

    def killed(*args: Any, **named: Any) -> str:
        whole(*args, **named)
        raise Killed

    monkeypatch.setattr(house.onboardings.handing, "give", killed)
    with pytest.raises(Killed):
        house.drop(house.ana, key, NAME, OCTOBER.read_bytes())
    monkeypatch.setattr(house.onboardings.handing, "give", whole)
    seq = next(line.seq for line in house.onboardings.trail(key) if line.kind == "file_dropped")
    assert house.given.run(Job(house.onboardings.view(key).id, f"given:{seq}")) == "over"
    house.work()
    assert answers(house, key) == ["file_attached"]
    assert house.step(key, "output").state == "done"


def test_a_file_that_was_deleted_in_the_meantime_is_answered_in_words(house: ThreadHouse) -> None:
    key = house.start("ftp")
    house.ana.say("here", thread_ts=house.parent(key), files={NAME: OCTOBER.read_bytes()})
    [upload] = house.slack.workspace.uploads.values()
    upload.deleted = True
    eventually(lambda: "file_dropped" in house.lines(key))
    house.work()
    assert answers(house, key) == ["file_not_taken"]
    assert "share it again" in house.thread(key)[-1]


def test_a_file_that_is_too_big_is_answered_before_a_byte_of_it_comes(house: ThreadHouse) -> None:
    key = house.start("ftp")
    house.ana.say("here", thread_ts=house.parent(key), files={NAME: b"1234"})
    [upload] = house.slack.workspace.uploads.values()
    upload.length = 3 * 1024**3
    eventually(lambda: "file_dropped" in house.lines(key))
    house.work()
    assert answers(house, key) == ["file_not_taken"]
    assert "3,072 MB" in house.thread(key)[-1]


def test_without_the_scope_to_read_files_the_answer_says_what_to_do(tmp_path: Path) -> None:
    scopes = frozenset({"commands", "chat:write", "channels:history", "files:write"})
    with thread_house(tmp_path, scopes=scopes) as house:
        key = house.start("ftp")
        house.drop(house.ana, key, NAME, OCTOBER.read_bytes())
        house.later(10)
        house.later(20)
        assert answers(house, key) == ["file_not_taken"]
        assert "missing_scope" in house.thread(key)[-1]


def test_a_file_that_lies_elsewhere_is_not_fetched_and_the_token_goes_nowhere(
    house: ThreadHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.sandbox.slack.methods import METHODS

    def elsewhere(workspace: Any, arguments: Any) -> dict[str, Any]:
        return {"file": {"id": "F1", "name": NAME, "size": 4, "url_private": "https://slack.example/files/F1"}}

    monkeypatch.setitem(house.slack._web_api._methods, "files.info", elsewhere)
    assert "files.info" in METHODS
    key = house.start("ftp")
    house.drop(house.ana, key, NAME, b"1234")
    assert answers(house, key) == ["file_not_taken"]
    assert "slack.example" in house.thread(key)[-1]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\a.mdb", "a.mdb"),
        ("a\x00b\n.mdb", "ab.mdb"),
        ("..", "file"),
        ("", "file"),
        ("x" * 300 + ".mdb", "x" * 116 + ".mdb"),
    ],
)
def test_a_name_that_people_choose_leads_nowhere_on_the_disk(given: str, kept: str) -> None:
    assert safe_name(given) == kept
