"""Jira Cloud by the real client: accounts, people, the search and its late index, and what Cloud has removed."""

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from jira import JIRA, JIRAError

from bot.sandbox.jira import JiraPerson, JiraServer
from bot.sandbox.jira.site import BOT, DATABASE_MEMBER, MANAGER

Create = Callable[..., str]
Refused = Callable[..., JIRAError]

DELAY = 30.0


class Clock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def catch_up(self) -> None:
        """Let the index see all that there is now."""
        self.moment += timedelta(seconds=DELAY)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[JiraServer]:
    with JiraServer(deployment_type="Cloud", index_delay_seconds=DELAY, clock=clock.now) as running:
        yield running


@pytest.fixture
def connect(server: JiraServer) -> Iterator[Callable[..., JIRA]]:
    clients: list[JIRA] = []

    def make(token: str = server.token, email: str = BOT.email) -> JIRA:
        client = JIRA(server=server.url, basic_auth=(email, token), max_retries=0, timeout=10)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def person(server: JiraServer) -> Iterator[JiraPerson]:
    with JiraPerson(server.url, server.database_token, server.database_email) as someone:
        yield someone


def keys_of(client: JIRA, jql: str, **options: Any) -> list[str]:
    return [str(issue.key) for issue in client.enhanced_search_issues(jql, fields="key", **options)]


def post(client: JIRA, server: JiraServer, path: str, body: object) -> Any:
    return client._session.post(f"{server.url}{path}", json=body)


def test_server_is_a_cloud(client: JIRA, server: JiraServer) -> None:
    info = client.server_info()
    assert (info["deploymentType"], info["versionNumbers"]) == ("Cloud", [1001, 0, 0])
    me = client.myself()
    assert (me["accountId"], me["displayName"]) == (BOT.account_id, "Onboarding Bot")
    assert not {"name", "key"} & me.keys()
    assert requests.get(f"{server.url}/rest/api/2/serverInfo", timeout=10).status_code == 200


def test_personal_access_tokens_are_refused_before_anything_is_looked_for(server: JiraServer) -> None:
    for path in ("/rest/api/2/serverInfo", "/rest/api/2/myself", "/rest/api/2/search"):
        response = requests.get(f"{server.url}{path}", headers={"Authorization": "Bearer sandbox-pat"}, timeout=10)
        assert response.status_code == 403
        assert response.json() == {"error": "Failed to parse Connect Session Auth Token"}


@pytest.mark.parametrize(
    "pair",
    [
        (BOT.email, "wrong"),
        (DATABASE_MEMBER.email, "sandbox-pat"),
        ("onboarding-bot", "sandbox-pat"),
        ("", "sandbox-pat"),
    ],
)
def test_a_token_counts_only_with_its_owners_address(server: JiraServer, pair: tuple[str, str]) -> None:
    response = requests.get(f"{server.url}/rest/api/2/myself", auth=pair, timeout=10)
    assert response.status_code == 401
    assert response.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
    # A failed pair counts as none: what is open to everybody still answers.
    assert requests.get(f"{server.url}/rest/api/2/serverInfo", auth=pair, timeout=10).status_code == 200


@pytest.mark.parametrize("header", ["Basic", "Basic %%%", "Basic " + base64.b64encode(b"\xff").decode(), "Token x"])
def test_what_is_no_credential_is_nobody(server: JiraServer, header: str) -> None:
    response = requests.get(f"{server.url}/rest/api/2/myself", headers={"Authorization": header}, timeout=10)
    assert response.status_code == 401


@pytest.mark.parametrize("version", ["2", "3", "latest"])
def test_the_old_search_is_gone(client: JIRA, server: JiraServer, refused: Refused, version: str) -> None:
    path = f"/rest/api/{version}/search"
    assert "/search/jql" in refused(410, client._session.get, f"{server.url}{path}?jql=project=ACT").text
    refused(410, post, client, server, path, {"jql": "project = ACT"})


def test_a_new_issue_is_read_by_its_key_at_once_and_searched_for_later(
    client: JIRA, create: Create, clock: Clock
) -> None:
    key = create(labels=["onb-1"])
    assert client.issue(key).fields.labels == ["onb-1"]
    assert keys_of(client, "labels = onb-1") == []
    clock.moment += timedelta(seconds=DELAY - 1)
    assert keys_of(client, "labels = onb-1") == []
    clock.moment += timedelta(seconds=1)
    assert keys_of(client, "labels = onb-1") == [key]


def test_a_change_is_searched_for_as_late_as_a_new_issue(client: JIRA, create: Create, clock: Clock) -> None:
    key = create()
    clock.catch_up()
    client.issue(key).update(summary="Renamed", update={"labels": [{"add": "late"}]})
    client.transition_issue(key, "Start Progress")
    assert keys_of(client, "labels = late") == []
    assert keys_of(client, "status = 'To Do'") == [key]
    (seen,) = client.enhanced_search_issues(f"key = {key}", fields="summary,status")
    assert (seen.fields.summary, seen.fields.status.name) == ("Activation", "To Do")
    assert client.issue(key).fields.summary == "Renamed"
    clock.catch_up()
    assert keys_of(client, "labels = late AND status = 'In Progress'") == [key]


def test_reconciled_issues_are_searched_as_they_are(
    client: JIRA, server: JiraServer, create: Create, refused: Refused
) -> None:
    number = int(client.issue(create(labels=["onb-1"])).id)
    assert keys_of(client, "labels = onb-1", reconcileIssues=[number]) == ["ACT-1"]
    assert keys_of(client, "labels = onb-1", reconcileIssues=[number], use_post=True) == ["ACT-1"]
    assert keys_of(client, "labels = onb-2", reconcileIssues=[number]) == []
    many = [*range(51)]
    refused(400, keys_of, client, "labels = onb-1", reconcileIssues=many)
    refused(400, post, client, server, "/rest/api/2/search/jql", {"jql": "project = ACT", "reconcileIssues": ["x"]})


def test_the_index_may_be_made_less_late_over_http(client: JIRA, server: JiraServer, create: Create) -> None:
    create()
    url = f"{server.url}/_sandbox/index"
    assert keys_of(client, "project = ACT") == []
    assert requests.put(url, json={"delay_seconds": 0}, timeout=10).status_code == 204
    assert keys_of(client, "project = ACT") == ["ACT-1"]
    for wrong in ({"delay_seconds": -1}, {}, {"delay_seconds": 1, "more": 1}, []):
        assert requests.put(url, json=wrong, timeout=10).status_code == 400
    assert requests.put(url, data="{", timeout=10).status_code == 400


def test_pages_follow_by_token_and_nothing_counts_them(
    client: JIRA, server: JiraServer, create: Create, clock: Clock, refused: Refused
) -> None:
    for _ in range(5):
        create()
    clock.catch_up()
    path = "/rest/api/2/search/jql"
    asked = {"jql": "project = ACT ORDER BY key ASC", "maxResults": 2, "fields": ["summary"]}
    seen, tokens = [], [""]
    while tokens[-1] is not None:
        token = tokens[-1]
        page = post(client, server, path, asked | ({"nextPageToken": token} if token else {})).json()
        assert page.keys() <= {"issues", "isLast", "nextPageToken"}
        assert page["isLast"] == ("nextPageToken" not in page)
        seen += [issue["key"] for issue in page["issues"]]
        tokens.append(page.get("nextPageToken"))
    assert (seen, len(tokens)) == ([f"ACT-{number}" for number in range(1, 6)], 4)
    assert len(client.enhanced_search_issues("project = ACT", maxResults=False, fields="summary")) == 5
    refused(400, post, client, server, path, asked | {"nextPageToken": "nonsense"})
    refused(400, post, client, server, path, asked | {"nextPageToken": tokens[1], "jql": "project = DB"})
    # By GET the old argument is not known, and changes nothing.
    by_get = client._session.get(f"{server.url}{path}", params={"jql": "project = ACT", "startAt": 3}).json()
    assert len(by_get["issues"]) == 5


def test_without_fields_an_issue_is_its_id(client: JIRA, server: JiraServer, create: Create, clock: Clock) -> None:
    create()
    clock.catch_up()
    path = "/rest/api/2/search/jql"
    assert [each.keys() for each in post(client, server, path, {"jql": "project = ACT"}).json()["issues"]] == [{"id"}]
    [issue] = post(client, server, path, {"jql": "project = ACT", "fields": ["*navigable"]}).json()["issues"]
    assert (issue["key"], issue["fields"]["summary"]) == ("ACT-1", "Activation")
    assert client.approximate_issue_count("project = ACT") == 1


def test_version_3_shows_long_texts_as_documents(
    client: JIRA, server: JiraServer, create: Create, clock: Clock
) -> None:
    client.add_comment(create(description="One\n\nTwo"), "Three")
    clock.catch_up()
    asked = {"jql": "project = ACT", "fields": ["description", "comment"]}
    [issue] = post(client, server, "/rest/api/3/search/jql", asked).json()["issues"]
    assert issue["fields"]["description"]["type"] == "doc"
    assert [each["content"][0]["text"] for each in issue["fields"]["description"]["content"]] == ["One", "Two"]
    assert issue["fields"]["comment"]["comments"][0]["body"]["content"][0]["content"][0]["text"] == "Three"


@pytest.mark.parametrize(
    "body",
    [
        {"jql": "project = ACT", "startAt": 0},
        {"jql": "project = ACT", "validateQuery": "strict"},
        {"jql": 5},
        {"jql": "project = ACT", "maxResults": "50"},
        {"jql": "project = ACT", "maxResults": 0},
        {"jql": "project = ACT", "fields": "summary"},
        {"jql": "project = ACT", "nextPageToken": 7},
        {"jql": "project = ACT", "properties": ["a", "b", "c", "d", "e", "f"]},
        {"jql": "project = NOPE"},
        {"jql": "project ="},
        {"jql": "assignee = manager"},
        {"jql": "order by key"},
        {"jql": ""},
        {},
        [],
    ],
)
def test_bad_search_bodies_are_refused(client: JIRA, server: JiraServer, refused: Refused, body: object) -> None:
    refused(400, post, client, server, "/rest/api/2/search/jql", body)


def test_people_are_found_by_what_they_show_and_named_by_account(
    client: JIRA, server: JiraServer, create: Create, clock: Clock, refused: Refused
) -> None:
    assert [each.accountId for each in client.search_users(query="morgan")] == [MANAGER.account_id]
    assert client.user(MANAGER.account_id).displayName == "Morgan Manager"
    for path in ("user?username=manager", "user?key=manager", "user/search?username=man", "user/search", "user"):
        refused(400, client._session.get, f"{server.url}/rest/api/2/{path}")
    refused(404, client.user, "nobody")
    key = create(assignee={"accountId": MANAGER.account_id})
    client.assign_issue(key, "dana")
    assert client.issue(key).fields.assignee.accountId == DATABASE_MEMBER.account_id
    clock.catch_up()
    assert keys_of(client, f"assignee = {DATABASE_MEMBER.account_id}") == [key]
    client.assign_issue(key, "-1")
    assert client.issue(key).fields.assignee.accountId == MANAGER.account_id
    client.add_watcher(key, "dana")
    assert client.watchers(key).watchCount == 2
    client.remove_watcher(key, "dana")
    assert client.watchers(key).watchCount == 1


def test_user_names_are_refused(client: JIRA, server: JiraServer, create: Create, refused: Refused) -> None:
    key = create()
    assert "accountId" in refused(400, create, assignee={"name": "manager"}).text
    refused(400, create, assignee={"accountId": "manager"})
    url = f"{server.url}/rest/api/2/issue/{key}"
    refused(400, client._session.put, f"{url}/assignee", json={"name": "manager"})
    refused(400, client._session.post, f"{url}/watchers", json="manager")
    refused(404, client._session.delete, f"{url}/watchers?username=manager")


def test_issues_are_as_strictly_made_as_on_data_center(client: JIRA, create: Create, refused: Refused) -> None:
    assert "not on the appropriate screen" in refused(400, create, customfield_10199="x").text
    assert "valid issue type" in refused(400, create, kind="Bug").text
    assert "summary" in refused(400, create, summary="").text
    assert "must be a string" in refused(400, create, description={"type": "doc", "version": 1, "content": []}).text
    refused(400, create, labels=["two words"])


def test_permissions_are_asked_for_by_name(client: JIRA, refused: Refused) -> None:
    held = client.my_permissions(projectKey="DB", permissions="CREATE_ISSUES,DELETE_ISSUES")["permissions"]
    assert {name: each["havePermission"] for name, each in held.items()} == {
        "CREATE_ISSUES": True,
        "DELETE_ISSUES": False,
    }
    refused(400, client.my_permissions, projectKey="DB")
    refused(400, client.my_permissions, projectKey="DB", permissions="DO_ANYTHING")


def test_create_metadata_has_names_of_its_own(client: JIRA, server: JiraServer) -> None:
    base = f"{server.url}/rest/api/2/issue/createmeta/DB/issuetypes"
    kinds = client._session.get(base).json()
    assert [each["name"] for each in kinds["issueTypes"]] == ["Task", "Service Request"]
    fields = client._session.get(f"{base}/10001?maxResults=3").json()
    assert (len(fields["fields"]), fields["maxResults"], "isLast" in fields) == (3, 3, False)
    # The client knows no such thing on Cloud.
    with pytest.raises(JIRAError, match="Unsupported JIRA deployment type"):
        client.project_issue_types("DB")


def test_comments_come_a_page_at_a_time_and_with_cloud_s_own_whitespace(client: JIRA, create: Create) -> None:
    key = create(description="A  \r\n\r\n\r\n\r\nB")
    assert client.issue(key).fields.description == "A\n\nB"
    client.add_comment(key, "h4. Done\n----\nmarker  ")
    assert client.comments(key)[0].body == "h4. Done\n\n----\n\nmarker"
    for number in range(110):
        client.add_comment(key, f"Word {number}")
    assert len(client.comments(key)) == 100
    assert [each.body for each in client.comments(key, max_results=1, order_by="-created")] == ["Word 109"]
    assert client.comments(key, start_at=110)[0].body == "Word 109"


def test_a_file_lies_somewhere_else_than_its_address(client: JIRA, server: JiraServer, create: Create) -> None:
    key = create()
    added = client.add_attachment(key, __file__)
    assert "/attachment/content/" in client.attachment(added.id).raw["content"]
    answered = client._session.get(added.content, allow_redirects=False)
    assert (answered.status_code, answered.headers["Location"].rpartition("/")[2]) == (303, added.filename)
    assert added.get() == client._session.get(answered.headers["Location"]).content


def test_a_person_of_the_team_works_on_cloud_too(
    client: JIRA, server: JiraServer, person: JiraPerson, create: Create, clock: Clock
) -> None:
    keys = [create("DB") for _ in range(3)]
    assert person.find("project = DB") == []
    clock.catch_up()
    assert person.find("project = DB ORDER BY key ASC") == keys
    assert person.name() == DATABASE_MEMBER.account_id
    person.take(keys[0])
    person.transition(keys[0], "Start Progress")
    person.comment(keys[0], "The flow is there.")
    assert person.transition(keys[0], "Done", resolution="Done") == "Done"
    assert client.issue(keys[0]).fields.assignee.displayName == "Dana Base"
    assert person.find("statusCategory = Done") == []
    clock.catch_up()
    assert person.find("statusCategory = Done") == [keys[0]]


def test_what_a_person_does_in_a_browser_is_indexed_too(
    client: JIRA, server: JiraServer, create: Create, clock: Clock
) -> None:
    key = create("DB")
    form = {"user": DATABASE_MEMBER.name, "transition": "11"}
    assert requests.post(f"{server.url}/browse/{key}/transition", data=form, timeout=10).status_code == 200
    clock.catch_up()
    assert keys_of(client, "status = 'In Progress'") == [key]
