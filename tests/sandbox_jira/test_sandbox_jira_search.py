"""JQL by the real client."""

from collections.abc import Callable

import pytest
from jira import JIRA, JIRAError

from bot.sandbox.jira import JiraServer

Create = Callable[..., str]
Refused = Callable[..., JIRAError]


@pytest.fixture
def filled(client: JIRA, create: Create) -> JIRA:
    """ACT-1 done, ACT-2 to do, DB-1 in progress and linked to ACT-1, DB-2 rejected without labels."""
    create("ACT", summary="Activation of ACME", labels=["onb-1", "bot"], priority={"name": "High"})
    create("ACT", summary="Activation of Globex", labels=["onb-2"], description="Root GLOBEX-ES, see DB")
    ofc = {"customfield_10101": "ACME-IBERICA", "customfield_10103": {"value": "SFTP"}, "customfield_10109": 420}
    create("DB", "Service Request", "OFC flow for ACME", labels=["onb-1", "team=dba"], **ofc)
    create("DB", summary="Clean up", assignee={"name": "manager"}, duedate="2026-12-01", customfield_10109=7)
    for key, transition in (("ACT-1", "Start Progress"), ("DB-1", "Start Progress")):
        client.transition_issue(key, transition)
    client.transition_issue("ACT-1", "Done", fields={"resolution": {"name": "Done"}})
    client.transition_issue("DB-2", "Reject", fields={"resolution": {"name": "Won't Do"}})
    client.add_comment("ACT-2", "The partner's file arrived: 202611_GLOBEX.mdb")
    client.create_issue_link("Blocks", inwardIssue="DB-1", outwardIssue="ACT-1")
    return client


@pytest.mark.parametrize(
    ("jql", "keys"),
    [
        ("", "ACT-1 ACT-2 DB-1 DB-2"),
        ("project = ACT", "ACT-1 ACT-2"),
        ('project in ("Data Base", 10000)', "ACT-1 ACT-2 DB-1 DB-2"),
        ("project != ACT", "DB-1 DB-2"),
        ('project = "ACT" AND labels = "onb-1" ORDER BY created ASC', "ACT-1"),
        ("labels in (onb-2, 'team=dba')", "ACT-2 DB-1"),
        ("labels not in (onb-2)", "ACT-1 DB-1"),
        ("labels != onb-1", "ACT-2"),
        ("NOT labels = onb-1", "ACT-2"),
        ("labels is EMPTY", "DB-2"),
        ("labels is not null and project = DB", "DB-1"),
        ("labels = ONB-1", ""),
        (r"labels = 'onb\u002d2'", "ACT-2"),
        ("key = act-2", "ACT-2"),
        ("issue in (DB-1, 'DB-2')", "DB-1 DB-2"),
        ("key = ACT-1 or key = DB-1", "ACT-1 DB-1"),
        ("(key = ACT-1 || key = DB-1) && project = DB", "DB-1"),
        ("not (project = ACT or labels is empty)", "DB-1"),
        ("! project = ACT", "DB-1 DB-2"),
        ("status = 'In Progress'", "DB-1"),
        ("status not in (Done, rejected)", "ACT-2 DB-1"),
        ("statusCategory = Done", "ACT-1 DB-2"),
        ("statusCategory != done", "ACT-2 DB-1"),
        ('statusCategory in ("To Do", indeterminate)', "ACT-2 DB-1"),
        ("resolution = Unresolved", "ACT-2 DB-1"),
        ("resolution != unresolved", "ACT-1 DB-2"),
        ('resolution = "Won\'t Do"', "DB-2"),
        ("type = 'Service Request'", "DB-1"),
        ("priority = High", "ACT-1"),
        ("assignee = manager", "DB-2"),
        ("assignee is EMPTY and project = DB", "DB-1"),
        ("reporter = currentUser() and creator = onboarding-bot and key = DB-1", "DB-1"),
        ("watcher = currentUser() and key = DB-1", "DB-1"),
        ("summary ~ acme", "ACT-1 DB-1"),
        ("summary ~ 'flow OFC'", "DB-1"),
        (r'summary ~ "\"OFC flow\""', "DB-1"),
        (r'summary ~ "\"flow OFC\""', ""),
        ('summary ~ "activ*"', "ACT-1 ACT-2"),
        ("summary ~ activ", ""),
        ("summary !~ acme", "ACT-2 DB-2"),
        ("description ~ globex", "ACT-2"),
        ("description is not empty", "ACT-2"),
        ("comment ~ '202611_GLOBEX.mdb'", "ACT-2"),
        ("text ~ globex", "ACT-2"),
        ("text ~ iberica", "DB-1"),
        ("cf[10101] ~ iberica", "DB-1"),
        ("'Client root' ~ acme", "DB-1"),
        ("'OFC protocol' = SFTP", "DB-1"),
        ("Lines > 7", "DB-1"),
        ("Lines >= 7 and Lines < 420.5", "DB-1 DB-2"),
        ("cf[10109] = 7", "DB-2"),
        ("created >= -5m", "ACT-1 ACT-2 DB-1 DB-2"),
        ("created > now()", ""),
        ("updated >= startOfDay() and updated <= endOfDay()", "ACT-1 ACT-2 DB-1 DB-2"),
        ("created < '2020/01/01 10:00'", ""),
        ("created >= 2020-01-01 and key = ACT-1", "ACT-1"),
        ("created < '-1w 2d 3h'", ""),
        ("resolved is not EMPTY", "ACT-1 DB-2"),
        ("due = 2026-12-01", "DB-2"),
        ("due < startOfDay('-3650d')", ""),
        ("issue in linkedIssues(ACT-1)", "DB-1"),
        ("issue in linkedIssues(DB-1, blocks)", "ACT-1"),
        ("issue in linkedIssues(DB-1, 'is blocked by')", ""),
        ("attachments is EMPTY and key = ACT-1", "ACT-1"),
    ],
)
def test_query_finds(filled: JIRA, jql: str, keys: str) -> None:
    found = filled.search_issues(jql)
    assert sorted(each.key for each in found) == keys.split()
    assert found.total == len(keys.split())
    by_post = filled.search_issues(jql, use_post=True, fields="summary")
    assert {each.key for each in by_post} == set(keys.split())


@pytest.mark.parametrize(
    ("order", "keys"),
    [
        ("", "DB-2 DB-1 ACT-2 ACT-1"),
        ("ORDER BY key", "ACT-1 ACT-2 DB-1 DB-2"),
        ("ORDER BY created ASC, key DESC", "ACT-1 ACT-2 DB-1 DB-2"),
        ("order by created", "DB-2 DB-1 ACT-2 ACT-1"),
        ("ORDER BY project DESC, key ASC", "DB-1 DB-2 ACT-1 ACT-2"),
        ("ORDER BY Lines, key", "DB-2 DB-1 ACT-1 ACT-2"),
        ("ORDER BY priority DESC, key ASC", "ACT-1 ACT-2 DB-1 DB-2"),
        ("ORDER BY assignee ASC, key ASC", "DB-2 ACT-1 ACT-2 DB-1"),
    ],
)
def test_order(filled: JIRA, order: str, keys: str) -> None:
    assert [each.key for each in filled.search_issues(order)] == keys.split()


@pytest.mark.parametrize(
    ("jql", "words"),
    [
        ("nonsense = 1", "Field 'nonsense' does not exist or you do not have permission to view it."),
        ("cf[1] = 1", "Field 'cf[1]' does not exist"),
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("status = Closed", "does not exist for the field 'status'"),
        ("key = ACT-99", "An issue with key 'ACT-99' does not exist for field 'key'."),
        ("key = nonsense", "is invalid"),
        ("assignee = nobody-here", "does not exist"),
        ("project", "Expecting an operator but got the end of the query"),
        ("project = ", "Expecting a value, list or function"),
        ("project = ACT labels = x", "Expecting either 'OR' or 'AND' but got 'labels'"),
        ("project = ACT AND", "Expecting a field name"),
        ("(project = ACT", "Expecting ')'"),
        ("project in ACT", "Expecting '('"),
        ("project in ()", "Expecting a value"),
        ("project is ACT", "only takes EMPTY or NULL"),
        ("labels = 'open", "has not been completed"),
        (r"labels = 'a\qb'", "illegal JQL escape"),
        ("labels = a;b", "reserved JQL character"),
        ("labels = a+b", "reserved JQL character"),
        ("labels = select", "reserved JQL word"),
        ("order = 1", "Expecting 'BY'"),
        ("summary = x", "operator '=' is not supported by the 'summary' field"),
        ("labels ~ x", "operator '~' is not supported by the 'labels' field"),
        ("labels > x", "operator '>' is not supported"),
        ("Lines ~ x", "operator '~' is not supported by the 'Lines' field"),
        ("created ~ x", "operator '~' is not supported"),
        ("summary ~ '*x'", "not allowed to start with"),
        ("summary ~ '...'", "holds no word"),
        ("status was Done", "History searches do not support"),
        ("status changed", "History searches do not support"),
        ("created > yesterday", "Valid formats include"),
        ("created > '2026-13-01'", "Valid formats include"),
        ("created > startOfYear()", "Unable to find JQL function"),
        ("created > startOfDay(often)", "duration 'often'"),
        ("project = currentUser()", "Unable to find JQL function"),
        ("Lines > many", "compared with a number"),
        ("ORDER BY nonsense", "Not able to sort using field 'nonsense'."),
        ("ORDER BY comment", "Not able to sort"),
        ("ORDER key", "Expecting 'BY'"),
        ("NOT " * 60 + "key = ACT-1", "nested too deeply"),
        ("issueLink = 1", "cannot be searched"),
    ],
)
@pytest.mark.parametrize("use_post", [False, True])
def test_bad_query_is_refused(client: JIRA, refused: Refused, jql: str, words: str, use_post: bool) -> None:
    error = refused(400, client.search_issues, jql, use_post=use_post)
    assert words in error.response.json()["errorMessages"][0]


def test_unvalidated_query_finds_nothing_for_values_that_do_not_exist(client: JIRA, refused: Refused) -> None:
    assert client.search_issues("key = ACT-99", validate_query=False) == []
    refused(400, client.search_issues, "key = ", validate_query=False)


def test_pages_are_cut_and_followed(client: JIRA, create: Create) -> None:
    for number in range(7):
        create(summary=f"issue {number}")
    page = client.search_issues("ORDER BY key ASC", startAt=2, maxResults=3)
    assert ([each.key for each in page], page.total) == (["ACT-3", "ACT-4", "ACT-5"], 7)
    assert len(client.search_issues("", maxResults=False)) == 7
    counted = client.search_issues("", maxResults=1, json_result=True)
    assert (counted["total"], counted["maxResults"], len(counted["issues"])) == (7, 1, 1)


def test_fields_are_chosen_and_named_as_people_name_them(filled: JIRA) -> None:
    (issue,) = filled.search_issues("key = DB-1", fields="summary,Client root")
    assert issue.raw["fields"].keys() == {"summary", "customfield_10101", "Client root"}
    (issue,) = filled.search_issues("key = ACT-2", fields="*all")
    assert issue.fields.comment.comments[0].body.startswith("The partner's file")
    (issue,) = filled.search_issues("key = ACT-2", fields="*navigable", expand="changelog")
    assert "comment" not in issue.raw["fields"]
    assert issue.raw["changelog"]["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"jql": "", "properties": []},
        {"jql": 5},
        {"maxResults": "50"},
        {"startAt": -1},
        {"fields": "summary"},
        {"fields": [1]},
        [],
    ],
)
def test_bad_search_bodies_are_refused(client: JIRA, server: JiraServer, refused: Refused, body: object) -> None:
    refused(400, client._session.post, f"{server.url}/rest/api/2/search", json=body)
