"""Issues by the real client: create, read, edit, assign, transition, delete."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from jira import JIRA, JIRAError

from bot.sandbox.jira import JiraServer

Create = Callable[..., str]
Refused = Callable[..., JIRAError]

TICKET = {
    "customfield_10101": "ACME-IBERICA",
    "customfield_10103": {"value": "SFTP"},
    "customfield_10106": ["A78923125", "A82018474"],
    "customfield_10108": "2026-12-01",
    "customfield_10109": 420,
    "customfield_10110": "Several\nlines",
}


def test_created_issue_shows_what_was_given(client: JIRA, create: Create) -> None:
    key = create("DB", "Service Request", "OFC flow", description="h4. Form", labels=["onb-1", "bot"], **TICKET)
    issue = client.issue(key)
    fields = issue.fields
    assert key == "DB-1"
    assert (fields.summary, fields.description, fields.labels) == ("OFC flow", "h4. Form", ["bot", "onb-1"])
    assert (fields.issuetype.name, fields.project.key) == ("Service Request", "DB")
    assert (fields.status.name, fields.status.statusCategory.key) == ("To Do", "new")
    assert (fields.reporter.name, fields.creator.name, fields.assignee) == ("onboarding-bot", "onboarding-bot", None)
    assert fields.priority.name == "Medium"
    assert fields.resolution is None
    assert fields.customfield_10101 == "ACME-IBERICA"
    assert fields.customfield_10103.value == "SFTP"
    assert fields.customfield_10106 == ["A78923125", "A82018474"]
    assert fields.customfield_10108 == "2026-12-01"
    assert fields.customfield_10109 == 420.0
    assert fields.customfield_10110 == "Several\nlines"
    assert issue.permalink().endswith("/browse/DB-1")


def test_times_are_written_as_jira_writes_them(client: JIRA, create: Create) -> None:
    created = client.issue(create()).fields.created
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", created)
    at = datetime.strptime(created, "%Y-%m-%dT%H:%M:%S.%f%z")
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


def test_project_and_type_are_taken_by_id_and_by_the_client_s_short_forms(client: JIRA) -> None:
    by_id = {"project": {"id": "10001"}, "issuetype": {"id": 10002}, "summary": "by id"}
    assert client.create_issue(fields=by_id).fields.issuetype.name == "Service Request"
    short = client.create_issue(project="DB", issuetype="Task", summary="short")
    assert (short.key, short.fields.issuetype.name) == ("DB-2", "Task")


def test_only_the_fields_asked_for_are_sent(client: JIRA, create: Create) -> None:
    raw = client.issue(create(), fields="summary,status").raw
    assert raw["fields"].keys() == {"summary", "status"}
    assert "comment" not in client.issue("ACT-1", fields="-comment").raw["fields"]
    assert "comment" in client.issue("ACT-1").raw["fields"]


def test_expand_adds_names_transitions_rendered_text_and_history(client: JIRA, create: Create) -> None:
    key = create(description="<b>one</b>\n\ntwo")
    issue = client.issue(key, expand="names,schema,renderedFields,transitions,changelog,editmeta")
    assert issue.raw["names"]["summary"] == "Summary"
    assert issue.raw["schema"]["labels"] == {"type": "array", "items": "string", "system": "labels"}
    assert issue.raw["renderedFields"]["description"] == "<p>&lt;b&gt;one&lt;/b&gt;</p><p>two</p>"
    assert [each["name"] for each in issue.raw["transitions"]] == ["Start Progress"]
    assert "summary" in issue.raw["editmeta"]["fields"]
    issue.update(summary="renamed")
    entry = client.issue(key, expand="changelog").changelog.histories[0]
    assert (entry.items[0].field, entry.items[0].fromString, entry.items[0].toString) == (
        "summary",
        "Activation",
        "renamed",
    )


def test_edit_sets_fields_and_operates_on_labels_and_comments(client: JIRA, create: Create) -> None:
    issue = client.issue(create(labels=["a"]))
    before = issue.fields.updated
    issue.update(
        fields={"summary": "new", "priority": {"name": "High"}, "description": None},
        update={"labels": [{"add": "b"}, {"remove": "a"}], "comment": [{"add": {"body": "why"}}]},
    )
    assert (issue.fields.summary, issue.fields.priority.name, issue.fields.labels) == ("new", "High", ["b"])
    assert [each.body for each in issue.fields.comment.comments] == ["why"]
    assert issue.fields.updated >= before
    issue.add_field_value("labels", "c")
    assert client.issue(issue.key).fields.labels == ["b", "c"]


def test_one_bad_field_leaves_the_issue_as_it_was(client: JIRA, create: Create, refused: Refused) -> None:
    issue = client.issue(create())
    refused(400, issue.update, fields={"summary": "new", "labels": ["has space"]})
    assert client.issue(issue.key).fields.summary == "Activation"


def test_bulk_create_makes_the_good_ones_and_names_the_bad(client: JIRA) -> None:
    good = {"project": {"key": "ACT"}, "issuetype": {"name": "Task"}, "summary": "good"}
    made = client.create_issues([good, good | {"summary": ""}, good])
    assert [each["status"] for each in made] == ["Success", "Error", "Success"]
    assert made[1]["error"] == {"summary": "You must specify a summary of the issue."}
    all_bad = client.create_issues([good | {"summary": "x\ny"}])
    assert [each["status"] for each in all_bad] == ["Error"]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"summary": None}, "summary", "You must specify a summary"),
        ({"summary": "   "}, "summary", "You must specify a summary"),
        ({"summary": "a\nb"}, "summary", "newline characters"),
        ({"summary": "x" * 256}, "summary", "less than 255"),
        ({"summary": 5}, "summary", "must be a string"),
        ({"description": {"type": "doc", "version": 1, "content": []}}, "description", "must be a string"),
        ({"description": "x" * 32_768}, "description", "32,767"),
        ({"labels": ["two words"]}, "labels", "contains spaces"),
        ({"labels": ["x" * 256]}, "labels", "1 to 255"),
        ({"labels": "one"}, "labels", "not an array"),
        ({"labels": [7]}, "labels", "string expected"),
        ({"priority": {"name": "Urgent"}}, "priority", "not valid"),
        ({"priority": "High"}, "priority", "'id' or 'name'"),
        ({"assignee": {"name": "nobody-here"}}, "assignee", "does not exist"),
        ({"assignee": "manager"}, "assignee", "'name' property"),
        ({"duedate": "24/11/2026"}, "duedate", "yyyy-MM-dd"),
        ({"duedate": "20261124"}, "duedate", "yyyy-MM-dd"),
        ({"duedate": "2026-02-30"}, "duedate", "yyyy-MM-dd"),
        ({"status": {"name": "Done"}}, "status", "not on the appropriate screen"),
        ({"reporter": {"name": "manager"}}, "reporter", "not on the appropriate screen"),
        ({"customfield_10101": ["list"]}, "customfield_10101", "must be a string"),
        ({"customfield_10101": "x" * 256}, "customfield_10101", "255"),
        ({"customfield_10103": "SFTP"}, "customfield_10103", "'id' or 'value'"),
        ({"customfield_10103": {"value": "GOPHER"}}, "customfield_10103", "not valid"),
        ({"customfield_10109": "420"}, "customfield_10109", "must be a number"),
        ({"customfield_10109": True}, "customfield_10109", "must be a number"),
        ({"customfield_10199": "hidden"}, "customfield_10199", "not on the appropriate screen, or unknown"),
        ({"customfield_99999": "unknown"}, "customfield_99999", "not on the appropriate screen, or unknown"),
        ({"project": {"key": "NOPE"}}, "project", "valid project is required"),
        ({"project": "DB-as-text-is-no-object", "issuetype": {"name": "Task"}}, "project", "project is required"),
        ({"issuetype": {"name": "Epic"}}, "issuetype", "valid issue type is required"),
        ({"issuetype": {}}, "issuetype", "issue type is required"),
    ],
)
def test_create_refuses_what_jira_refuses(
    client: JIRA, server: JiraServer, fields: dict[str, object], field: str, words: str
) -> None:
    given = {"project": {"key": "DB"}, "issuetype": {"name": "Task"}, "summary": "ok", **fields}
    # Past the client's own help with short forms: what arrives is what was written.
    response = client._session.post
    with pytest.raises(JIRAError) as caught:
        response(f"{server.url}/rest/api/2/issue", json={"fields": given})
    assert caught.value.status_code == 400
    body = caught.value.response.json()
    assert body["errorMessages"] == []
    assert words in body["errors"][field]
    assert body["errors"].keys() == {field}
    assert server.store.issues == {}


def test_screens_differ_by_project(create: Create, refused: Refused) -> None:
    error = refused(400, create, "ACT", customfield_10101="ACME")
    assert error.response.json() == {
        "errorMessages": [],
        "errors": {
            "customfield_10101": "Field 'customfield_10101' cannot be set. "
            "It is not on the appropriate screen, or unknown."
        },
    }


def test_every_bad_field_is_named_at_once(create: Create, refused: Refused) -> None:
    error = refused(400, create, summary="a\nb", labels=["x y"], customfield_1="z")
    assert error.response.json()["errors"].keys() == {"summary", "labels", "customfield_1"}


def test_limits_are_reached_exactly(client: JIRA, create: Create) -> None:
    key = create(summary="s" * 255, description="d" * 32_767, labels=["l" * 255])
    assert len(client.issue(key).fields.description) == 32_767
    assert len(client.add_comment(key, "c" * 32_767).body) == 32_767


def test_workflow_offers_what_the_status_allows(client: JIRA, create: Create) -> None:
    key = create("DB")
    assert [each["name"] for each in client.transitions(key)] == ["Start Progress", "Reject"]
    client.transition_issue(key, "Start Progress")
    assert [each["name"] for each in client.transitions(key)] == ["Done", "Reject"]
    status = client.issue(key).fields.status
    assert (status.name, status.statusCategory.key) == ("In Progress", "indeterminate")
    screen = client.transitions(key, expand="transitions.fields")[0]["fields"]["resolution"]
    assert screen["required"]
    assert "Done" in [each["name"] for each in screen["allowedValues"]]
    # The client turns the id into a number.
    client.transition_issue(key, "21", fields={"resolution": {"name": "Done"}}, comment="Made.")
    fields = client.issue(key).fields
    assert (fields.status.name, fields.status.statusCategory.key) == ("Done", "done")
    assert (fields.resolution.name, fields.comment.comments[-1].body) == ("Done", "Made.")
    assert fields.resolutiondate is not None
    client.transition_issue(key, "Reopen")
    assert client.issue(key).fields.resolution is None


def test_ticket_can_be_rejected_with_a_resolution(client: JIRA, create: Create) -> None:
    key = create("DB")
    client.transition_issue(key, "Reject", fields={"resolution": {"name": "Won't Do"}})
    fields = client.issue(key).fields
    assert (fields.status.name, fields.status.statusCategory.key, fields.resolution.name) == (
        "Rejected",
        "done",
        "Won't Do",
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "Missing 'transition' identifier"),
        ({"transition": {"id": "99"}}, "not valid for this issue"),
        ({"transition": {"id": 21}}, "not valid for this issue"),
        ({"transition": {"id": "Done"}}, "must be an integer"),
        ({"transition": {"id": True}}, "must be an integer"),
        ({"transition": {"id": "31"}}, "Resolution is required"),
        ({"transition": {"id": "31"}, "fields": {"resolution": {"name": "Magic"}}}, "valid resolution"),
        ({"transition": {"id": "31"}, "fields": {"resolution": {}}}, "valid resolution"),
        ({"transition": {"id": "31"}, "fields": {"resolution": "Done"}}, "valid resolution"),
        ({"transition": {"id": "11"}, "fields": {"resolution": {"name": "Done"}}}, "not on the appropriate screen"),
        ({"transition": {"id": "11"}, "fields": {"summary": "x"}}, "not on the appropriate screen"),
        ({"transition": {"id": "11"}, "update": {"comment": [{"add": {"body": ""}}]}}, "can not be empty"),
    ],
)
def test_bad_transitions_are_refused_and_nothing_moves(
    client: JIRA, server: JiraServer, create: Create, refused: Refused, body: dict[str, object], words: str
) -> None:
    key = create("DB")
    error = refused(400, client._session.post, f"{server.url}/rest/api/2/issue/{key}/transitions", json=body)
    assert words in error.response.text
    assert client.issue(key).fields.status.name == "To Do"


def test_assigning_by_name_to_nobody_and_to_the_lead(client: JIRA, create: Create, refused: Refused) -> None:
    key = create("DB")
    client.assign_issue(key, "manager")
    assert client.issue(key).fields.assignee.displayName == "Morgan Manager"
    client.assign_issue(key, None)
    assert client.issue(key).fields.assignee is None
    client.assign_issue(key, "-1")
    assert client.issue(key).fields.assignee.name == "db-team-member"


def test_assignee_without_the_permission_is_refused(
    client: JIRA, server: JiraServer, create: Create, refused: Refused
) -> None:
    key = create("DB")
    server.store.revoke("manager", "DB", "ASSIGNABLE_USER")
    assert "cannot be assigned issues" in refused(400, client.assign_issue, key, "manager").text


def test_delete_needs_its_own_permission(client: JIRA, manager: JIRA, create: Create, refused: Refused) -> None:
    key = create()
    refused(403, client.issue(key).delete)
    manager.issue(key).delete()
    assert refused(404, client.issue, key).text == "Issue Does Not Exist"
    assert create() == "ACT-2"


def test_key_is_found_without_case_and_by_id(client: JIRA, create: Create) -> None:
    issue = client.issue(create().lower())
    assert issue.key == "ACT-1"
    assert client.issue(issue.id).key == "ACT-1"
