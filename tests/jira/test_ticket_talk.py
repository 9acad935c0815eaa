"""A ticket's changes and comments are told in the thread, and replies there become comments: each once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from both_ways_house import ANA, BothWays, both_ways, names

from bot.onboarding.errors import Refused
from bot.onboarding.ticket_talk import TicketTalkWorker
from bot.sandbox.faults import Fault
from bot.sandbox.jira.site import BOT, DATABASE_MEMBER

COMMENT = "POST /rest/api/2/issue/{key}/comment"
COMMENTS = "GET /rest/api/2/issue/{key}/comment"


@pytest.fixture(params=["Server", "Cloud"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BothWays]:
    with both_ways(tmp_path, request.param) as built:
        built.start()
        yield built


def test_the_thread_hears_of_the_ticket_and_how_to_reply(home: BothWays) -> None:
    [followed] = home.told("ticket_followed")
    assert followed.seen
    assert followed.advice
    assert "DB-1" in followed.seen.en
    assert "`ticket:`" in followed.advice.fr
    assert followed.link == f"{home.jira.url}/browse/DB-1"


def test_changes_and_comments_are_told_once_with_who_did_it(home: BothWays) -> None:
    home.dana.take("DB-1")
    home.dana.transition("DB-1", "Start Progress")
    home.dana.comment("DB-1", "Which *host*? See [the page|https://example.com/a] and {{ofc}}")
    home.later()
    home.later()
    moves = home.told("ticket_moved")
    assert names(moves) == ["Dana Base"] * 2
    facts = [(fact.label.en, fact.value) for move in moves for fact in move.evidence.facts]
    assert [value for _, value in facts] == ["— → Dana Base", "To Do → In Progress"]
    [comment] = home.told("ticket_comment")
    assert comment.actor == "Dana Base"
    assert comment.seen
    assert comment.seen.en == "Which **host**? See [the page](https://example.com/a) and `ofc`"
    assert comment.link
    assert comment.link.startswith(f"{home.jira.url}/browse/DB-1?focusedCommentId=")


def test_what_happens_after_the_step_is_over_is_told_as_well(home: BothWays) -> None:
    home.dana.transition("DB-1", "Start Progress")
    home.dana.transition("DB-1", "Done", resolution="Done")
    home.later()
    assert home.state("ticket") == "done"
    home.dana.comment("DB-1", "The host will change on Monday.")
    home.later()
    assert home.said("ticket_comment") == ["The host will change on Monday."]


def test_a_comment_for_some_alone_is_told_without_its_text(home: BothWays) -> None:
    issue = home.jira.store.issues["DB-1"]
    home.jira.store.comment(DATABASE_MEMBER, issue, "secret", {"type": "role", "value": "Developers"})
    home.later()
    [said] = home.said("ticket_comment")
    assert "Developers" in said
    assert "secret" not in said


def test_a_reply_becomes_a_comment_once_in_its_authors_name(home: BothWays) -> None:
    assert home.reply("The host is [sftp.example.com]\n{code}not markup{code}")
    assert not home.reply("The host is [sftp.example.com]\n{code}not markup{code}")
    home.settle()
    home.later()
    [body] = home.comments("DB-1")
    assert "Ana (from Slack):" in body
    assert "\\{code\\}not markup" in body
    assert body.rstrip().splitlines()[-1].startswith("ONB-1:")
    [sent] = home.told("ticket_reply_sent")
    assert sent.link
    assert home.jira.store.issues["DB-1"].comments[0].id in sent.link
    # It is the bot's own: the thread does not hear of it as news.
    assert home.told("ticket_comment") == []


def test_a_comment_that_the_bots_account_made_by_hand_is_told(home: BothWays) -> None:
    home.bot.comment("DB-1", "Somebody uses the bot's account.")
    home.dana.comment("DB-1", "A copied marker\n----\nONB-1:7:ticket_reply:abcdef01")
    home.later()
    assert len(home.told("ticket_comment")) == 2


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "server_error"])
def test_a_reply_whose_answer_is_lost_is_one_comment(home: BothWays, kind: str) -> None:
    home.jira.faults.add(Fault(COMMENT, kind, account=BOT.name))  # type: ignore[arg-type] # a parameter
    assert home.reply("Once, please.")
    home.settle()
    home.later(30)
    home.later(600)
    assert len(home.comments("DB-1")) == 1
    assert len(home.told("ticket_reply_sent")) == 1


def test_a_kill_between_the_comment_and_its_record_makes_no_second_one(
    home: BothWays, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The process is gone."""

    def die(*_: object) -> None:
        raise Killed

    assert home.reply("Once, please.")
    for method in ("_complete", "_claim"):
        with monkeypatch.context() as patched:
            patched.setattr(home.effects, method, die)
            with pytest.raises(Killed):
                home.settle()
        home.queue.seen.clear()
        home.wakeups.wake(f"test:{method}", ["ticket:DB-1"])
    with monkeypatch.context() as patched:
        patched.setattr(TicketTalkWorker, "_note_once", die)
        with pytest.raises(Killed):
            home.settle()
    home.wakeups.wake("test:after", ["ticket:DB-1"])
    home.settle()
    assert len(home.comments("DB-1")) == 1
    assert len(home.told("ticket_reply_sent")) == 1


def test_a_reply_that_jira_refuses_is_said_so_and_never_tried_again(home: BothWays) -> None:
    home.jira.store.revoke(BOT.name, "DB", "ADD_COMMENTS")
    assert home.reply("May I?")
    home.settle()
    home.later()
    [unsent] = home.told("ticket_reply_unsent")
    assert unsent.seen
    assert "403" in unsent.seen.en
    assert unsent.advice
    home.jira.store.grant(BOT.name, "DB", "ADD_COMMENTS")
    home.later(7_200)
    assert home.comments("DB-1") == []


def test_a_reply_without_words_or_to_a_stranger_is_refused_or_ignored(home: BothWays) -> None:
    with pytest.raises(Refused, match="Nothing follows"):
        home.reply("   ")
    assert len(home.events("refused")) == 1
    assert not home.reply("hello", ts="2.2", ticket="COVID-19")
    assert home.reply("hello", ts="3.3", ticket="DB-1")


def test_a_deleted_ticket_is_said_once_and_nothing_looks_for_it_any_more(home: BothWays) -> None:
    assert home.reply("Are you there?")
    home.jira.store.delete(home.jira.store.issues["DB-1"])
    home.settle()
    home.later(7_200)
    assert [report.code for report in home.told("step_failed")] == ["TICKET_GONE"]
    assert len(home.told("ticket_reply_unsent")) == 1
    assert not [subject for subject in home.due() if subject in {"step:ticket", "talk:ticket"}]


def test_a_ticket_deleted_after_its_step_was_done_is_a_line_of_the_trail(home: BothWays) -> None:
    home.dana.transition("DB-1", "Start Progress")
    home.dana.transition("DB-1", "Done", resolution="Done")
    home.later()
    home.jira.store.delete(home.jira.store.issues["DB-1"])
    home.later(7_200)
    home.later(7_200)
    assert len(home.told("ticket_gone")) == 1
    assert "talk:ticket" not in home.due()


def test_a_reply_made_just_before_the_end_is_still_written(home: BothWays) -> None:
    assert home.reply("Thank you.")
    home.onboardings.cancel(home.key, "enough", actor=ANA)
    home.settle()
    assert len(home.comments("DB-1")) == 1
    home.later()
    assert "talk:ticket" not in home.due()


def test_jira_away_delays_and_loses_nothing(home: BothWays) -> None:
    home.dana.comment("DB-1", "While you were out")
    home.jira.faults.add(Fault(COMMENTS, "server_error", times=3, account=BOT.name))
    home.later()
    assert home.told("ticket_comment") == []
    home.later(300)
    home.later(300)
    assert home.said("ticket_comment") == ["While you were out"]
