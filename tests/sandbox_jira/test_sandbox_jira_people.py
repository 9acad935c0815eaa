"""People: over HTTP with a token, and in a browser with forms."""

import io
import re
from collections.abc import Callable

import pytest
import requests
from jira import JIRA

from bot.sandbox.jira import JiraPerson, JiraServer

Create = Callable[..., str]


def test_person_of_the_team_works_on_a_ticket(client: JIRA, person: JiraPerson, create: Create) -> None:
    key = create("DB", "Service Request", labels=["onb-1"])
    assert person.name() == "db-team-member"
    assert person.find("project = DB AND resolution = Unresolved") == [key]
    person.take(key)
    assert person.transition(key, "start progress") == "In Progress"
    comment = person.comment(key, "Flow 4711 was created.")
    assert person.transition(key, "Done", "Done") == "Done"
    seen = person.issue(key)["fields"]
    assert (seen["status"]["name"], seen["resolution"]["name"]) == ("Done", "Done")
    issue = client.issue(key)
    assert issue.fields.assignee.name == "db-team-member"
    assert [(each.id, each.author.name) for each in issue.fields.comment.comments] == [(comment, "db-team-member")]


def test_person_hears_what_is_refused(person: JiraPerson, create: Create) -> None:
    key = create("DB")
    with pytest.raises(LookupError, match="offers no transition 'Done'; offered: Start Progress, Reject"):
        person.transition(key, "Done")
    with pytest.raises(requests.HTTPError, match="400"):
        person.transition(key, "Reject")
    with pytest.raises(requests.HTTPError, match="404"):
        person.issue("DB-99")
    with pytest.raises(requests.HTTPError, match="404"):
        person.comment("../../evil", "x")


def test_pages_show_issues_and_take_a_comment(client: JIRA, server: JiraServer, create: Create) -> None:
    key = create("DB", summary="<b>OFC</b> & more", description="h4. Form", customfield_10101="ACME")
    other = create("ACT", summary="The activation")
    client.create_issue_link("Relates", inwardIssue=key, outwardIssue=other)
    client.add_simple_link(key, {"url": "https://example.org/thread", "title": "Thread"})
    client.add_attachment(key, io.BytesIO(b"content"), filename="form.json")
    assert "&lt;b&gt;OFC&lt;/b&gt; &amp; more" in requests.get(server.url, timeout=10).text
    page = requests.get(f"{server.url}/browse/{key}", timeout=10).text
    for shown in ("h4. Form", "ACME", "The activation", "https://example.org/thread", "form.json", "Nobody"):
        assert shown in page
    assert "<b>OFC" not in page
    form = {"user": "db-team-member", "comment": "line one\r\nline two"}
    answer = requests.post(f"{server.url}/browse/{key}/comment", data=form, timeout=10)
    assert answer.url == f"{server.url}/browse/{key}"
    assert "line one\nline two" in answer.text
    assert client.comments(key)[0].author.name == "db-team-member"
    (path,) = re.findall(rf'"(/browse/{key}/attachment/\d+)"', page)
    download = requests.get(server.url + path, timeout=10)
    assert (download.content, download.headers["Content-Disposition"]) == (b"content", "attachment")


def test_forms_move_and_assign_an_issue(client: JIRA, server: JiraServer, create: Create) -> None:
    key = create("DB")
    page = f"{server.url}/browse/{key}"

    def post(action: str, **form: str) -> int:
        return requests.post(f"{page}/{action}", data={"user": "db-team-member", **form}, timeout=10).status_code

    assert post("assign") == 200
    assert post("transition", transition="11") == 200
    assert post("transition", transition="21") == 400
    assert post("transition", transition="21", resolution="10000", comment="Made.") == 200
    # Somebody else's page still shows the old button.
    assert post("transition", transition="11") == 409
    fields = client.issue(key).fields
    assert (fields.status.name, fields.resolution.name, fields.assignee.name) == ("Done", "Done", "db-team-member")
    assert [each.body for each in fields.comment.comments] == ["Made."]


def test_forms_refuse_strangers_other_sites_and_missing_permissions(server: JiraServer, create: Create) -> None:
    url = f"{server.url}/browse/{create('DB')}/comment"
    form = {"user": "db-team-member", "comment": "x"}

    def post(data: dict[str, str], **headers: str) -> int:
        return requests.post(url, data=data, headers=headers, timeout=10).status_code

    assert post(form | {"user": "stranger"}) == 400
    assert post(form | {"comment": " "}) == 400
    assert post(form, Origin="https://evil.example") == 403
    server.store.make_read_only("DB", "db-team-member")
    assert post(form) == 403
    server.store.grant("db-team-member", "DB", "ADD_COMMENTS")
    assert post(form, Origin=server.url) == 200
    assert requests.get(f"{server.url}/browse/DB-99", timeout=10).status_code == 404
