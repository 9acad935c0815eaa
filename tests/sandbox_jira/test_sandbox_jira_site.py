"""The site by the real client: who is who, what may be done, what there is."""

from collections.abc import Callable

import pytest
import requests
from jira import JIRA, JIRAError

from bot.sandbox.jira import JiraServer

Create = Callable[..., str]
Refused = Callable[..., JIRAError]


def test_server_is_a_data_center(client: JIRA, server: JiraServer) -> None:
    info = client.server_info()
    assert (info["deploymentType"], info["baseUrl"]) == ("Server", server.url)
    assert tuple(info["versionNumbers"]) >= (9, 0, 0)
    assert client.myself()["name"] == "onboarding-bot"


def test_another_kind_of_jira_is_not_played() -> None:
    with pytest.raises(ValueError, match="'Datacenter' is neither 'Server'"):
        JiraServer(deployment_type="Datacenter")


@pytest.mark.parametrize("path", ["/rest/api/2/search/jql", "/rest/api/3/search/jql", "/rest/api/3/search"])
def test_data_center_knows_nothing_of_clouds_search(
    client: JIRA, server: JiraServer, refused: Refused, path: str
) -> None:
    refused(404, client._session.get, f"{server.url}{path}?jql=project=ACT")
    refused(404, client._session.post, f"{server.url}{path}", json={"jql": "project = ACT"})
    assert requests.put(f"{server.url}/_sandbox/index", json={"delay_seconds": 1}, timeout=10).status_code == 409


def test_server_info_is_for_everybody_and_nothing_else_is(server: JiraServer) -> None:
    assert requests.get(f"{server.url}/rest/api/2/serverInfo", timeout=10).status_code == 200
    stranger = requests.get(f"{server.url}/rest/api/2/myself", timeout=10)
    assert stranger.status_code == 401
    assert stranger.headers["WWW-Authenticate"].startswith("OAuth")
    assert stranger.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
    assert stranger.json()["status-code"] == 401


def test_wrong_token_is_refused_at_once(connect: Callable[..., JIRA], refused: Refused) -> None:
    assert "authenticated" in refused(401, connect, "wrong").text


def test_password_is_refused(server: JiraServer, refused: Refused) -> None:
    def connect() -> None:
        JIRA(server=server.url, basic_auth=("onboarding-bot", "secret"), max_retries=0, timeout=10)

    assert "Basic Authentication has been disabled" in refused(403, connect).text


def test_browser_without_the_header_against_forgery_is_refused(server: JiraServer, create: Create) -> None:
    url = f"{server.url}/rest/api/2/issue/{create()}/comment"
    headers = {"Authorization": "Bearer sandbox-pat", "User-Agent": "Mozilla/5.0"}
    assert requests.post(url, json={"body": "x"}, headers=headers, timeout=10).text.count("XSRF check failed") == 1


def test_projects_and_their_issue_types(client: JIRA, refused: Refused) -> None:
    assert [each.key for each in client.projects()] == ["ACT", "DB"]
    project = client.project("DB")
    assert (project.name, [each.name for each in project.issueTypes]) == ("Data Base", ["Task", "Service Request"])
    assert client.project(project.id).lead.name == "db-team-member"
    assert "No project could be found with key 'NOPE'" in refused(404, client.project, "NOPE").text
    (kind, _) = client.issue_types_for_project("DB")
    assert [each.name for each in kind.statuses] == ["To Do", "In Progress", "Done", "Rejected"]


def test_create_metadata_by_project_and_type(client: JIRA, server: JiraServer, refused: Refused) -> None:
    kinds = client.project_issue_types("DB")
    assert [each.name for each in kinds] == ["Task", "Service Request"]
    fields = client.project_issue_fields("DB", kinds[1].id)
    by_id = {each.fieldId: each for each in fields}
    assert by_id["summary"].required
    assert not by_id["customfield_10101"].required
    assert [each.value for each in by_id["customfield_10103"].allowedValues] == ["SFTP", "FTPS", "FTP", "EMAIL"]
    assert "customfield_10199" not in by_id
    assert "customfield_10101" not in {each.fieldId for each in client.project_issue_fields("ACT", kinds[0].id)}
    page = client.project_issue_fields("DB", kinds[0].id, startAt=2, maxResults=3)
    assert (len(page), page.total, page.isLast) == (3, len(fields), False)
    refused(404, client.project_issue_types, "NOPE")
    refused(404, client.project_issue_fields, "ACT", "10002")


def test_old_create_metadata_is_gone(client: JIRA, server: JiraServer, refused: Refused) -> None:
    refused(404, client._session.get, f"{server.url}/rest/api/2/issue/createmeta")
    # The client itself knows that Jira 9 has no such thing.
    with pytest.raises(JIRAError, match="Unsupported JIRA version"):
        client.createmeta(projectKeys="ACT")


def test_lists_of_values(client: JIRA, refused: Refused) -> None:
    assert {each["name"]: each["id"] for each in client.fields()}["Client root"] == "customfield_10101"
    assert [each.name for each in client.statuses()] == ["To Do", "In Progress", "Done", "Rejected"]
    assert client.status("3").statusCategory.key == "indeterminate"
    assert [each.name for each in client.priorities()] == ["Highest", "High", "Medium", "Low", "Lowest"]
    assert client.priority("3").name == "Medium"
    assert "Won't Do" in [each.name for each in client.resolutions()]
    assert client.resolution("10000").name == "Done"
    assert [each.name for each in client.issue_types()] == ["Task", "Sub-task", "Service Request"]
    assert client.issue_type_by_name("Task").id == "10001"
    assert [(each.name, each.outward) for each in client.issue_link_types()] == [
        ("Blocks", "blocks"),
        ("Relates", "relates to"),
    ]
    assert client.issue_link_type("10003").name == "Relates"
    refused(404, client.issue_type, "1")
    refused(404, client.issue_link_type, "1")


def test_users_are_found_by_the_beginning_of_their_names(client: JIRA, refused: Refused) -> None:
    assert [each.name for each in client.search_users("db-team")] == ["db-team-member"]
    assert [each.name for each in client.search_users("morgan")] == ["manager"]
    assert len(client.search_users(".")) == 3
    assert client.user("manager").displayName == "Morgan Manager"
    assert "does not exist" in refused(404, client.user, "nobody-here").text
    refused(400, client.search_users, query="manager")
    assert [each.name for each in client.search_assignable_users_for_issues("man", project="DB")] == ["manager"]


def test_permissions_say_what_will_be_refused(client: JIRA, server: JiraServer, create: Create) -> None:
    key = create("DB")
    assert client.my_permissions(projectKey="DB")["permissions"]["CREATE_ISSUES"]["havePermission"]
    assert not client.my_permissions(projectKey="DB")["permissions"]["DELETE_ISSUES"]["havePermission"]
    server.store.make_read_only("DB")
    held = client.my_permissions(issueKey=key)["permissions"]
    assert [name for name, each in held.items() if each["havePermission"]] == ["BROWSE_PROJECTS"]
    assert client.my_permissions(projectKey="ACT")["permissions"]["CREATE_ISSUES"]["havePermission"]


def test_read_only_project_refuses_every_write(
    client: JIRA, server: JiraServer, create: Create, refused: Refused
) -> None:
    key, other = create("DB"), create("ACT")
    server.store.make_read_only("DB")
    issue = client.issue(key)
    refused(403, create, "DB")
    refused(403, issue.update, summary="x")
    refused(403, client.add_comment, key, "x")
    refused(403, client.assign_issue, key, "manager")
    refused(403, client.add_simple_link, key, {"url": "https://example.org", "title": "x"})
    refused(403, client.add_issue_property, key, "k", 1)
    refused(403, client.create_issue_link, "Relates", key, other)
    refused(403, client.add_watcher, key, "manager")
    refused(
        403, client._session.post, f"{server.url}/rest/api/2/issue/{key}/transitions", json={"transition": {"id": 11}}
    )
    with pytest.raises(JIRAError, match="create attachments"):
        client.add_attachment(key, __file__)
    assert client.transitions(key) == []
    server.store.grant("onboarding-bot", "DB", "ADD_COMMENTS")
    client.add_comment(key, "again")


def test_project_that_may_not_be_browsed_is_hidden(
    client: JIRA, server: JiraServer, create: Create, refused: Refused
) -> None:
    key = create("DB")
    server.store.revoke("onboarding-bot", "DB", "BROWSE_PROJECTS")
    assert "permission to see" in refused(403, client.issue, key).text
    assert [each.key for each in client.projects()] == ["ACT"]
    assert client.search_issues("") == []
    refused(404, client.project, "DB")
    assert "does not exist" in refused(400, client.search_issues, "project = DB").text


def test_unknown_permission_is_a_mistake_of_the_test(server: JiraServer) -> None:
    with pytest.raises(ValueError, match="ADD_COMMENT"):
        server.store.revoke("onboarding-bot", "DB", "ADD_COMMENT")


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/rest/api/3/issue/ACT-1", {}, 404),
        ("GET", "/rest/api/2/search/jql", {}, 404),
        ("GET", "/rest/api/2/nonsense", {}, 404),
        ("PATCH", "/rest/api/2/issue/ACT-1", {}, 405),
        ("POST", "/rest/api/2/issue", {"data": "{not json", "headers": {"Content-Type": "application/json"}}, 400),
        ("POST", "/rest/api/2/issue", {"data": "[]", "headers": {"Content-Type": "application/json"}}, 400),
        ("POST", "/rest/api/2/issue", {"data": "NaN", "headers": {"Content-Type": "application/json"}}, 400),
        ("POST", "/rest/api/2/issue", {"data": b"\xff", "headers": {"Content-Type": "application/json"}}, 400),
        ("POST", "/rest/api/2/issue", {"data": "[" * 50_000, "headers": {"Content-Type": "application/json"}}, 400),
        ("POST", "/rest/api/2/issue", {"data": "a=b"}, 415),
        ("POST", "/rest/api/2/issue", {"json": {"fields": {}, "surprise": 1}}, 400),
        ("POST", "/rest/api/2/issue", {"json": {"fields": []}}, 400),
        ("GET", "/rest/api/2/issue/ACT-1/comment?maxResults=many", {}, 404),
        ("GET", "/rest/api/2/issue/ACT-1/comment?orderBy=author", {}, 400),
    ],
)
def test_requests_that_jira_does_not_know_are_refused(
    server: JiraServer, create: Create, method: str, path: str, options: dict[str, object], status: int
) -> None:
    create()
    headers = {"Authorization": "Bearer sandbox-pat"} | options.pop("headers", {})  # type: ignore[operator]
    response = requests.request(method, f"{server.url}{path}", headers=headers, timeout=10, **options)  # type: ignore[arg-type]
    assert response.status_code == status
    assert response.json()["errorMessages"] or response.json()["errors"]


def test_second_start_takes_the_same_port_and_keeps_the_state(create: Create, server: JiraServer) -> None:
    key, url = create(), server.url
    server.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/rest/api/2/serverInfo", timeout=10)
    server.start()
    assert server.url == url
    headers = {"Authorization": "Bearer sandbox-pat"}
    assert requests.get(f"{url}/rest/api/2/issue/{key}", headers=headers, timeout=10).json()["key"] == key
    with pytest.raises(RuntimeError, match="runs already"):
        server.start()
