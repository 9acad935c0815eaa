"""JQL never fails otherwise than with an error that a person can read."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.jira.jql_parser import JqlError
from bot.sandbox.jira.jql_search import search
from bot.sandbox.jira.site import BOT, TASK, default_site
from bot.sandbox.jira.store import JiraStore

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

PARTS = st.sampled_from(
    [
        "project",
        "key",
        "labels",
        "status",
        "statusCategory",
        "resolution",
        "summary",
        "text",
        "comment",
        "created",
        "due",
        "updated",
        "Lines",
        "cf[10109]",
        "'OFC",
        "protocol'",
        "assignee",
        "watcher",
        "priority",
        "attachments",
        "issue",
        "type",
        "=",
        "!=",
        "~",
        "!~",
        "<",
        "<=",
        ">",
        ">=",
        "in",
        "not",
        "is",
        "NOT",
        "AND",
        "OR",
        "&&",
        "||",
        "!",
        "(",
        ")",
        ",",
        "EMPTY",
        "null",
        "ACT",
        "ACT-1",
        "DB",
        "'x",
        "y'",
        '"a\\"b"',
        "-5d",
        "'4w",
        "2d'",
        "2026-11-24",
        "now()",
        "startOfDay(-1)",
        "currentUser()",
        "linkedIssues(ACT-1)",
        "ORDER",
        "BY",
        "ASC",
        "DESC",
        "was",
        "changed",
        "420",
        "1e999",
        "nan",
        "99999999w",
        "done",
        "'*'",
        "\\",
        ";",
        "ñ",
        "1",
    ]
)


def store() -> JiraStore:
    filled = JiraStore(default_site(), lambda: NOW)
    for key, values in (
        ("ACT", {"summary": "one", "labels": ["a"]}),
        ("DB", {"summary": "two", "duedate": "2026-12-01", "customfield_10109": 5.0}),
    ):
        project = filled.site.project(key)
        assert project is not None
        filled.create(BOT, project, TASK, values)
    return filled


def readable(jql: str) -> None:
    try:
        found = search(jql, store(), BOT, NOW)
    except JqlError as refused:
        assert str(refused).strip()
    else:
        assert {each.key for each in found} <= {"ACT-1", "DB-1"}


@given(st.text(max_size=60))
def test_any_text_is_answered_or_refused(jql: str) -> None:
    readable(jql)


@given(st.lists(PARTS, max_size=14))
def test_any_sentence_of_known_words_is_answered_or_refused(parts: list[str]) -> None:
    readable(" ".join(parts))


@given(st.text(min_size=1, max_size=20).filter(lambda text: not any(character.isspace() for character in text)))
def test_a_quoted_label_is_found_as_it_was_written(label: str) -> None:
    filled = store()
    filled.issues["ACT-1"].values["labels"] = [label]
    quoted = label.replace("\\", "\\\\").replace('"', '\\"')
    assert [each.key for each in search(f'labels = "{quoted}"', filled, BOT, NOW)] == ["ACT-1"]
