"""The short description of REST v2: it is one, it agrees with Atlassian's, and it finds what departs from it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import requests
import yaml
from jira import JIRA
from jira_openapi import OURS, Description, Exchange, Recorder, broken, ours, whole
from openapi_spec_validator import validate

from bot.sandbox.jira import JiraServer

PERMISSIONS = "BROWSE_PROJECTS,CREATE_ISSUES,SCHEDULE_ISSUES"


@pytest.fixture(params=["Server", "Cloud"])
def heard(request: pytest.FixtureRequest) -> list[Exchange]:
    """What passes between the real client and the sandbox, refusals too."""
    seen = Recorder()
    with JiraServer(deployment_type=request.param, around=seen) as server:
        is_cloud = server.email is not None
        account: dict[str, Any] = {"basic_auth": (server.email, server.token)} if is_cloud else {}
        client = JIRA(server.url, max_retries=0, timeout=10, **(account or {"token_auth": server.token}))
        plain = {"project": {"key": "DB"}, "issuetype": {"name": "Task"}, "labels": ["x"]}
        key = client.create_issue(fields={**plain, "summary": "One", "components": [{"name": "OFC"}]}, prefetch=False)
        client.project("ACT")
        client.my_permissions(projectKey="ACT", permissions=PERMISSIONS)
        client.issue(key)
        client.comments(key, order_by="-created")
        client.watchers(key)
        rest = f"{server.url}/rest/api/2"
        asked = (
            ("GET", "project/ACT/statuses", None),
            ("GET", "project/NOWHERE", None),
            ("GET", "issue/DB-99", None),
            ("POST", "issue", {"fields": {**plain, "summary": "Two", "components": [{"name": "Elsewhere"}]}}),
            ("POST", f"issue/{key}/comment", {"body": " "}),
        )
        for method, path, body in asked:
            requests.request(method, f"{rest}/{path}", json=body, timeout=10, **_credential(server))
        client.close()
    return seen.exchanges


def _credential(server: JiraServer) -> dict[str, Any]:
    if server.email is not None:
        return {"auth": (server.email, server.token)}
    return {"headers": {"Authorization": f"Bearer {server.token}"}}


def test_answers_and_refusals_of_both_deployments_are_as_described(heard: list[Exchange]) -> None:
    assert {400, 404} < {exchange.status for exchange in heard}
    for description in (ours(), whole()):
        if description is not None:
            assert broken(description, heard, least=10) == []


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("body", {"fields": {"summary": "x" * 256, "project": {}, "issuetype": {}, "labels": []}}),
        ("body", {"fields": {"summary": "x", "project": {}, "issuetype": {}, "labels": ["two words"]}}),
        ("body", {"fields": {}, "unknown": 1}),
        ("answer", {"id": 10000, "key": "DB-1", "self": "…"}),
        ("answer", {"id": "10000"}),
        ("status", 418),
        ("path", "/rest/api/2/nowhere"),
    ],
)
def test_what_departs_is_found(heard: list[Exchange], part: str, change: Any) -> None:
    [made] = [exchange for exchange in heard if exchange.operation == "POST issue" and exchange.status == 201]
    assert ours().faults(made) == []
    changed = json.dumps(change).encode() if isinstance(change, dict) else change
    assert ours().faults(replace(made, **{part: changed})) != []


def test_a_check_of_nothing_is_no_check() -> None:
    with pytest.raises(AssertionError, match="only 0"):
        broken(ours(), [])


def test_the_short_description_is_one_and_agrees_with_atlassians() -> None:
    validate(yaml.safe_load(OURS.read_text("utf-8")))
    known = whole()
    if known is None:
        return
    theirs = known.operations()
    for name, operation in ours().operations().items():
        assert name in theirs, name
        assert operation["responses"].keys() <= theirs[name]["responses"].keys(), name
        wanted = {each["name"] for each in operation.get("parameters", ())}
        assert wanted <= {each["name"] for each in theirs[name].get("parameters", ())} | {"key"}, name
        for ours_at, theirs_at in _bodies(ours(), operation, known, theirs[name]):
            _agree(name, ours_at, theirs_at)


# Data Center's own names, which Cloud's description does not have.
DATA_CENTERS = frozenset({"values", "name", "key"})


def _bodies(
    ours: Description, mine: Mapping[str, Any], known: Description, theirs: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    pairs = [(mine.get("requestBody"), theirs.get("requestBody"))]
    pairs += [(said, theirs["responses"][status]) for status, said in mine["responses"].items() if status < "300"]
    for a, b in pairs:
        schemas = [_schema(description, each) for description, each in ((ours, a), (known, b))]
        if None not in schemas:
            yield schemas[0], schemas[1]  # type: ignore[misc]


def _schema(description: Description, held: Mapping[str, Any] | None) -> dict[str, Any] | None:
    content = (_resolved(description, held or {}).get("content") or {}).get("application/json")
    return _resolved(description, content["schema"]) if content and content["schema"] else None


def _resolved(description: Description, node: Mapping[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = description.content
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return dict(node)


def _agree(name: str, ours_at: dict[str, Any], theirs_at: dict[str, Any]) -> None:
    """The same kind of thing, and no property that they do not know of another type."""
    if "type" in theirs_at:
        assert ours_at["type"] == theirs_at["type"], name
    known = whole()
    assert known is not None
    for field, said in ours_at.get("properties", {}).items():
        if field in DATA_CENTERS or "properties" not in theirs_at:
            continue
        assert field in theirs_at["properties"], f"{name}: {field}"
        mine, other = _resolved(ours(), said), _resolved(known, theirs_at["properties"][field])
        if "type" in mine and "type" in other:
            assert mine["type"] == other["type"], f"{name}: {field}"
