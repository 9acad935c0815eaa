"""A reply in the thread that is marked for the ticket reaches the core once; everything else is left alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from slack_house import ANA, SlackHouse, eventually, slack_house

from bot.onboarding import due_rows
from bot.onboarding.ticket_talk import TicketReplies
from bot.slack.mrkdwn import SECTION
from bot.slack.replies import is_for_ticket, plain
from bot.slack.ticket_posts import said

EVENT = {"type": "message", "user": "U1", "text": "ticket: hello", "ts": "2.1", "thread_ts": "1.1", "channel": "C1"}


@pytest.fixture(scope="module", params=["socket", "http"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackHouse]:
    with slack_house(tmp_path_factory.mktemp(request.param), request.param) as built:
        yield built


def replies(house: SlackHouse, key: str) -> list[Mapping[str, Any]]:
    return [line.content | {"who": line.actor} for line in house.onboardings.trail(key) if line.kind == "ticket_reply"]


def follow(house: SlackHouse, key: str) -> None:
    with house.store.transaction() as session:
        number = house.onboardings.view(key).id
        due_rows.follow(session, number, "folder", "ticket:DB-7", house.clock.now())


@pytest.mark.parametrize(
    "text", ["ticket: which host?", "Jira : which host?", "DB-7: which host?", " TICKET:which host?"]
)
def test_a_marked_reply_is_taken_in_its_authors_name(house: SlackHouse, text: str) -> None:
    run = house.start()
    follow(house, run.key)
    house.ana.say(text, thread_ts=run.ts)
    [reply] = eventually(lambda: replies(house, run.key))
    assert (reply["text"], reply["ticket"], reply["who"]) == ("which host?", "DB-7", "Ana")
    assert reply["actor"] == "slack:U0ANA"


def test_what_is_no_marked_reply_is_acknowledged_and_left_alone(house: SlackHouse) -> None:
    run = house.start()
    follow(house, run.key)
    house.ana.say("ticket: in the channel")
    house.ana.say("not marked", thread_ts=run.ts)
    house.ana.say("COVID-19: is over", thread_ts=run.ts)
    house.ana.say("not marked, with a file", thread_ts=run.ts, files={"a.txt": b"a"})
    house.ana.say("ticket: in the channel, with a file", files={"a.txt": b"a"})
    stranger = house.ana.say("ticket or not")
    house.ana.say("ticket: in a strange thread", thread_ts=stranger)
    house.ana.say("ticket: the last one", thread_ts=run.ts)
    assert [reply["text"] for reply in eventually(lambda: replies(house, run.key))] == ["the last one"]
    assert not [warning for warning in house.slack.workspace.warnings if "never acknowledged" in warning]


def test_a_reply_without_a_ticket_is_answered_to_its_author_alone(house: SlackHouse) -> None:
    run = house.start()
    house.bob.say("ticket: anybody?", thread_ts=run.ts)
    [answer] = eventually(lambda: [str(post["text"]) for post in house.bob.messages(run.ts) if post["ephemeral"]])
    assert "no ticket to reply to yet" in answer
    assert house.events(run)[-1] == "refused"


@pytest.mark.parametrize("name", ["01012026_12345_202601_SOFIA.mdb", "seen.png"])
def test_words_that_come_with_a_file_go_to_the_ticket_and_the_file_stays(house: SlackHouse, name: str) -> None:
    run = house.start()
    follow(house, run.key)
    house.bob.say("ticket: is this the month that you mean?", thread_ts=run.ts, files={name: b"x"})
    [reply] = eventually(lambda: replies(house, run.key))
    assert (reply["text"], reply["ticket"], reply["who"]) == ("is this the month that you mean?", "DB-7", "Bob")
    told = eventually(lambda: [str(post["text"]) for post in house.bob.messages(run.ts) if post["ephemeral"]])
    assert "not attached" in told[0]
    # This operator checks no files: what the file is told for itself is told as well.
    if name.endswith(".mdb"):
        eventually(lambda: house.events(run).count("refused") == 1)


def test_words_that_cannot_go_to_the_ticket_keep_no_file_from_being_heard(house: SlackHouse) -> None:
    run = house.start()
    house.bob.say("ticket: anybody?", thread_ts=run.ts, files={"a.mdb": b"x"})
    told = eventually(lambda: house.events(run).count("refused") == 2 and house.bob.messages(run.ts))
    assert "no ticket to reply to yet" in str([post["text"] for post in told if post["ephemeral"]])


def test_an_app_without_the_right_to_read_hears_nothing(tmp_path: Path) -> None:
    scopes = frozenset({"chat:write", "commands"})
    with slack_house(tmp_path, "socket", scopes=scopes) as house:
        run = house.start()
        follow(house, run.key)
        house.ana.say("ticket: hello", thread_ts=run.ts)
        house.ana.command("list")
        assert replies(house, run.key) == []


def test_the_same_message_again_is_one_reply(house: SlackHouse) -> None:
    run = house.start()
    follow(house, run.key)
    taker = TicketReplies(house.store, house.flow)
    answers = [
        taker.reply("slack", f"C0ONBOARD:{run.ts}", "once", actor=ANA, source="slack:message:C0ONBOARD:9.9")
        for _ in range(2)
    ]
    assert answers == [True, False]
    assert len(replies(house, run.key)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"subtype": "message_changed"},
        {"subtype": "message_deleted"},
        {"bot_id": "B1"},
        {"thread_ts": None},
        {"thread_ts": "2.1"},
        {"files": [{"id": "F1"}]},
        {"text": "a ticket: no"},
        {"user": None},
    ],
)
def test_edits_machines_files_and_the_channel_are_no_replies(change: dict[str, Any]) -> None:
    assert is_for_ticket(EVENT)
    assert is_for_ticket(EVENT | {"subtype": "thread_broadcast"})
    assert not is_for_ticket(EVENT | change)


def test_slacks_signs_become_words() -> None:
    text = (
        "<@U1|ana> &amp; <!here> in <#C1|ops>: <https://a.example|the page> <mailto:a@b.example|a@b.example> &lt;b&gt;"
    )
    assert plain(text) == "@ana & @here in #ops: the page (https://a.example) a@b.example <b>"


@pytest.mark.parametrize("text", ["&" * 5_000, "<!channel> **b** [x](https://e.example/a) " * 200, "`a` " * 2_000, ""])
def test_a_comment_fits_its_place_and_calls_nobody(text: str) -> None:
    shown = said(text, SECTION // 2)
    assert len(shown) <= SECTION // 2
    assert "<!" not in shown
