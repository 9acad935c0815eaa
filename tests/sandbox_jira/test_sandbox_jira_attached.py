"""What hangs on an issue, by the real client: comments, files, links, properties, watchers."""

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest
import requests
from jira import JIRA, JIRAError

from bot.sandbox.jira import JiraServer

Create = Callable[..., str]
Refused = Callable[..., JIRAError]
BEARER = {"Authorization": "Bearer sandbox-pat"}


def test_comments_are_added_read_edited_and_deleted(client: JIRA, create: Create, refused: Refused) -> None:
    key = create()
    comment = client.add_comment(key, "h4. first\nline two")
    client.add_comment(key, "second", visibility={"type": "role", "value": "Administrators"})
    assert [each.body for each in client.comments(key)] == ["h4. first\nline two", "second"]
    assert [each.body for each in client.comments(key, order_by="-created", max_results=1)] == ["second"]
    assert [each.body for each in client.comments(key, start_at=1)] == ["second"]
    read = client.comment(key, comment.id, expand="renderedBody")
    assert (read.author.name, read.renderedBody) == ("onboarding-bot", "<p>h4. first<br/>line two</p>")
    assert client.comments(key)[1].visibility.value == "Administrators"
    comment.update(body="changed")
    assert client.comment(key, comment.id).body == "changed"
    comment.delete()
    assert [each.body for each in client.comments(key)] == ["second"]
    refused(404, client.comment, key, comment.id)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "can not be empty"),
        (" \n ", "can not be empty"),
        (None, "can not be empty"),
        ("x" * 32_768, "32,767"),
        ({"type": "doc", "version": 1, "content": []}, "must be a string"),
    ],
)
def test_bad_comments_are_refused(client: JIRA, create: Create, refused: Refused, body: Any, words: str) -> None:
    key = create()
    error = refused(400, client.add_comment, key, body)
    assert words in error.response.json()["errors"]["comment"]
    assert client.comments(key) == []


def test_another_s_comment_may_not_be_edited(
    client: JIRA, server: JiraServer, connect: Callable[..., JIRA], create: Create, refused: Refused
) -> None:
    key = create()
    comment = client.add_comment(key, "the bot's")
    others = connect(server.database_token).comment(key, comment.id)
    refused(403, others.update, body="changed")
    refused(403, others.delete)


@pytest.mark.parametrize("name", ["OUTPUT_ACME_202611.csv", "factura nº 7 (ñ).pdf", "请求.txt"])
def test_attached_file_comes_back_as_it_was(client: JIRA, create: Create, name: str) -> None:
    key, content = create(), bytes(range(256)) * 40
    added = client.add_attachment(key, io.BytesIO(content), filename=name)
    assert (added.filename, added.size, added.author.name) == (name, len(content), "onboarding-bot")
    found = client.issue(key).fields.attachment[0]
    assert (found.id, found.filename) == (added.id, name)
    assert found.get() == content
    assert client.attachment(added.id).filename == name


def test_deleted_file_is_gone(client: JIRA, create: Create, refused: Refused) -> None:
    key = create()
    added = client.add_attachment(key, io.BytesIO(b"x"), filename="a.txt")
    assert client.delete_attachment(added.id).status_code == 204
    assert client.issue(key).fields.attachment == []
    refused(404, client.attachment, added.id)


@pytest.mark.parametrize(
    "name", ["a/b.txt", "a\\b.txt", 'a"b.txt', "a:b.txt", "what?.txt", "a*.txt", "a%20b.txt", "<a>.txt"]
)
def test_characters_that_no_filename_may_hold_are_refused(
    client: JIRA, create: Create, refused: Refused, name: str
) -> None:
    key = create()
    assert "invalid character" in refused(400, client.add_attachment, key, io.BytesIO(b"x"), filename=name).text
    assert client.issue(key).fields.attachment == []


def test_file_over_the_limit_is_refused(create: Create, server: JiraServer, refused: Refused) -> None:
    with JiraServer(upload_limit=100) as small:
        client = JIRA(server=small.url, token_auth=small.token, max_retries=0, timeout=10)
        issue = client.create_issue(project="ACT", issuetype="Task", summary="x")
        assert client.attachment_meta() == {"enabled": True, "uploadLimit": 100}
        client.add_attachment(issue.key, io.BytesIO(b"x" * 100), filename="fits.bin")
        refused(413, client.add_attachment, issue.key, io.BytesIO(b"x" * 101), filename="large.bin")
        client.close()


def test_attaching_needs_the_header_against_forgery(server: JiraServer, create: Create) -> None:
    url = f"{server.url}/rest/api/2/issue/{create()}/attachments"
    refused = requests.post(url, headers=BEARER, files={"file": ("a.txt", b"x")}, timeout=10)
    assert (refused.status_code, refused.json()["errorMessages"]) == (403, ["XSRF check failed"])
    checked = BEARER | {"X-Atlassian-Token": "no-check"}
    assert requests.post(url, headers=checked, files={"file": ("a.txt", b"x")}, timeout=10).status_code == 200
    # As Jira does: another part's name is no error, and nothing is attached.
    other = requests.post(url, headers=checked, files={"upload": ("b.txt", b"x")}, timeout=10)
    assert (other.status_code, other.json()) == (200, [])
    assert requests.post(url, headers=checked, json={}, timeout=10).status_code == 415
    broken = checked | {"Content-Type": "multipart/form-data; boundary=x"}
    assert requests.post(url, headers=broken, data=b"nonsense", timeout=10).status_code == 400
    assert [each.filename for each in server.store.issues["ACT-1"].attachments] == ["a.txt"]


def test_file_is_not_given_to_a_stranger(client: JIRA, create: Create) -> None:
    added = client.add_attachment(create(), io.BytesIO(b"x"), filename="a.txt")
    assert requests.get(added.content, timeout=10).status_code == 401
    assert requests.get(added.content, headers=BEARER, timeout=10).content == b"x"


def test_issues_are_linked_and_read_from_both_sides(client: JIRA, create: Create, refused: Refused) -> None:
    ticket, parent = create("DB"), create("ACT")
    client.create_issue_link("Blocks", inwardIssue=ticket, outwardIssue=parent, comment={"body": "linked"})
    from_source = client.issue(ticket).fields.issuelinks[0]
    from_target = client.issue(parent).fields.issuelinks[0]
    assert (from_source.type.outward, from_source.outwardIssue.key) == ("blocks", parent)
    assert not hasattr(from_source, "inwardIssue")
    assert (from_target.type.inward, from_target.inwardIssue.key) == ("is blocked by", ticket)
    assert from_target.inwardIssue.fields.status.statusCategory.key == "new"
    assert [each.body for each in client.comments(ticket)] == ["linked"]
    link = client.issue_link(from_source.id)
    assert (link.inwardIssue.key, link.outwardIssue.key) == (ticket, parent)
    client.create_issue_link("Blocks", inwardIssue=ticket, outwardIssue=parent)
    assert len(client.issue(ticket).fields.issuelinks) == 1
    client.delete_issue_link(link.id)
    assert client.issue(parent).fields.issuelinks == []
    refused(404, client.issue_link, link.id)


def test_links_that_cannot_be_are_refused(client: JIRA, create: Create, refused: Refused) -> None:
    key = create()
    assert "No issue link type" in refused(404, client.create_issue_link, "Marries", key, create()).text
    refused(404, client.create_issue_link, "Relates", key, "ACT-99")
    refused(400, client.create_issue_link, "Relates", key, key)


def test_deleted_issue_takes_its_links_along(client: JIRA, manager: JIRA, create: Create) -> None:
    ticket, parent = create("DB"), create("ACT")
    client.create_issue_link("Relates", inwardIssue=ticket, outwardIssue=parent)
    manager.issue(parent).delete()
    assert client.issue(ticket).fields.issuelinks == []


def test_remote_link_with_the_same_global_id_is_replaced(client: JIRA, create: Create, server: JiraServer) -> None:
    key = create()
    target = {"url": "https://slack.example/thread", "title": "Thread"}
    with pytest.warns(Warning, match="applicationlinks"):
        first = client.add_remote_link(key, target, globalId="onb&1", relationship="discussed in")
    body = {"globalId": "onb&1", "object": target | {"title": "The thread"}}
    again = client._session.post(f"{server.url}/rest/api/2/issue/{key}/remotelink", json=body)
    assert (again.status_code, again.json()["id"]) == (200, first.id)
    simple = client.add_simple_link(key, {"url": "https://example.org", "title": "Elsewhere"})
    links = client.remote_links(key)
    assert [(each.id, each.object.title) for each in links] == [(first.id, "The thread"), (simple.id, "Elsewhere")]
    assert client.remote_link(key, first.id).globalId == "onb&1"
    client.delete_remote_link(key, global_id="onb&1")
    client.delete_remote_link(key, internal_id=simple.id)
    assert client.remote_links(key) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"object": {"url": "https://example.org"}}, "title"),
        ({"object": {"title": "no url"}}, "url"),
        ({"object": {"url": "javascript:alert(1)", "title": "x"}}, "url"),
        ({"globalId": "g" * 256, "object": {"url": "https://example.org", "title": "x"}}, "globalId"),
        ({}, "url"),
    ],
)
def test_bad_remote_links_are_refused(
    client: JIRA, server: JiraServer, create: Create, refused: Refused, body: dict[str, object], field: str
) -> None:
    error = refused(400, client._session.post, f"{server.url}/rest/api/2/issue/{create()}/remotelink", json=body)
    assert field in error.response.json()["errors"]


def test_properties_are_set_replaced_and_deleted(client: JIRA, create: Create, refused: Refused) -> None:
    key = create()
    assert client.add_issue_property(key, "onboarding", {"key": "ONB-1"}).status_code == 201
    assert client.add_issue_property(key, "onboarding", {"key": "ONB-2"}).status_code == 200
    (found,) = client.issue_properties(key)
    assert (found.key, found.value.key) == ("onboarding", "ONB-2")
    assert client.issue(key, properties="onboarding").raw["properties"] == {"onboarding": {"key": "ONB-2"}}
    found.delete()
    assert client.issue_properties(key) == []
    refused(404, client.issue_property, key, "onboarding")


def test_property_limits(client: JIRA, create: Create, refused: Refused) -> None:
    key = create()
    client.add_issue_property(key, "k" * 255, "v" * 32_766)
    refused(400, client.add_issue_property, key, "k" * 256, 1)
    refused(400, client.add_issue_property, key, "long", "v" * 32_767)


def test_watchers_come_and_go(client: JIRA, create: Create, refused: Refused) -> None:
    key = create()
    assert [each.name for each in client.watchers(key).watchers] == ["onboarding-bot"]
    client.add_watcher(key, "manager")
    assert client.issue(key).fields.watches.watchCount == 2
    client.remove_watcher(key, "onboarding-bot")
    watchers = client.watchers(key)
    assert ([each.name for each in watchers.watchers], watchers.isWatching) == (["manager"], False)


def test_state_shows_everything_with_checksums(client: JIRA, server: JiraServer, create: Create) -> None:
    key, other = create("DB", labels=["onb"]), create("ACT")
    client.add_comment(key, "hello")
    client.add_attachment(key, io.BytesIO(b"content"), filename="form.json")
    client.create_issue_link("Relates", inwardIssue=key, outwardIssue=other)
    client.add_simple_link(key, {"url": "https://example.org", "title": "Elsewhere"})
    state = requests.get(f"{server.url}/_sandbox/state", timeout=10).json()
    issue = next(each for each in state["issues"] if each["key"] == key)
    assert issue["fields"]["labels"] == ["onb"]
    assert (issue["status"], issue["status_category"], issue["resolution"]) == ("To Do", "new", None)
    assert [each["body"] for each in issue["comments"]] == ["hello"]
    assert issue["attachments"][0]["sha256"] == hashlib.sha256(b"content").hexdigest()
    assert issue["links"][0]["outwardIssue"]["key"] == other
    assert issue["remote_links"][0]["object"]["title"] == "Elsewhere"
    posted = [each for each in state["calls"] if each["operation"] == "POST /rest/api/2/issue/{key}/comment"]
    assert [(each["path"], each["status"], each["user"]) for each in posted] == [
        (f"/rest/api/2/issue/{key}/comment", 201, "onboarding-bot")
    ]
