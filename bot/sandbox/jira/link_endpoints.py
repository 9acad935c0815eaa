"""Endpoints of links: between issues, and from an issue to something outside Jira."""

from urllib.parse import urlsplit

from starlette.responses import Response

from bot.sandbox.jira.calls import Call, Endpoint, answer, no_content
from bot.sandbox.jira.changes import read_comment
from bot.sandbox.jira.entities import Issue, JsonObject, Link, LinkType, RemoteLink
from bot.sandbox.jira.issue_endpoints import ISSUE, NO_COMMENT
from bot.sandbox.jira.refusals import Refusal, bad_field
from bot.sandbox.jira.shapes import Shapes
from bot.sandbox.jira.store import JiraStore
from bot.sandbox.jira.values import BadValue

ISSUE_LINK = "/rest/api/2/issueLink"
LONGEST_GLOBAL_ID = 255


class LinkEndpoints:
    """Answers what concerns links."""

    def __init__(self, store: JiraStore, shapes: Shapes, url: str) -> None:
        self._store = store
        self._shapes = shapes
        self._url = url

    def endpoints(self) -> list[Endpoint]:
        """The table of endpoints."""
        remote = f"{ISSUE}/{{key}}/remotelink"
        return [
            Endpoint("POST", ISSUE_LINK, self.create),
            Endpoint("GET", f"{ISSUE_LINK}/{{id}}", self.read),
            Endpoint("DELETE", f"{ISSUE_LINK}/{{id}}", self.delete),
            Endpoint("GET", remote, self.remote_links),
            Endpoint("POST", remote, self.set_remote_link, writes_issue=True),
            Endpoint("DELETE", remote, self.delete_remote_link_by_global_id, writes_issue=True),
            Endpoint("GET", f"{remote}/{{id}}", self.remote_link),
            Endpoint("PUT", f"{remote}/{{id}}", self.edit_remote_link, writes_issue=True),
            Endpoint("DELETE", f"{remote}/{{id}}", self.delete_remote_link, writes_issue=True),
        ]

    def create(self, call: Call) -> Response:
        """Link ``inwardIssue`` (the source) to ``outwardIssue``; 201 without a body."""
        body = call.json_object()
        kind = self._link_type(body.get("type"))
        source, target = self._side(call, body, "inwardIssue"), self._side(call, body, "outwardIssue")
        if source is target:
            raise Refusal(400, "You cannot link an issue to itself.")
        words = f"No Link Issue Permission for issue '{source.key}'"
        self._store.require(call.user, source.project, "LINK_ISSUES", words)
        comment = body.get("comment")
        if comment is not None:
            if not isinstance(comment, dict):
                raise bad_field("comment", "expected an object")
            try:
                text = read_comment(comment.get("body"))
            except BadValue as bad:
                raise bad_field("comment", str(bad)) from bad
            self._store.require(call.user, source.project, "ADD_COMMENTS", NO_COMMENT)
            self._store.comment(call.user, source, text)
        self._store.link(call.user, kind, source, target)
        return Response(status_code=201)

    def read(self, call: Call) -> Response:
        """Show a link with both sides."""
        return answer(self._shapes.link(self._link(call)))

    def delete(self, call: Call) -> Response:
        """Remove a link."""
        link = self._link(call)
        source = self._store.issue(link.source, call.user)
        words = f"No Link Issue Permission for issue '{source.key}'"
        self._store.require(call.user, source.project, "LINK_ISSUES", words)
        del self._store.links[link.id]
        return no_content()

    def remote_links(self, call: Call) -> Response:
        """List remote links, or show the one of a ``globalId``."""
        issue = self._store.issue(call.path["key"], call.user)
        global_id = call.argument("globalId")
        if global_id is not None:
            return answer(self._shapes.remote_link(issue, self._by_global_id(issue, global_id)))
        return answer([self._shapes.remote_link(issue, each) for each in issue.remote_links])

    def remote_link(self, call: Call) -> Response:
        """Show a remote link."""
        issue = self._store.issue(call.path["key"], call.user)
        return answer(self._shapes.remote_link(issue, self._by_id(call, issue)))

    def set_remote_link(self, call: Call) -> Response:
        """Add a remote link (201), or replace the one with the same global id (200)."""
        issue = self._linkable(call)
        global_id, target, application, relationship = _remote_body(call)
        link, is_new = self._store.remote_link(issue, global_id, target, application, relationship)
        self_url = f"{self._url}{ISSUE}/{issue.key}/remotelink/{link.id}"
        return answer({"id": link.id, "self": self_url}, 201 if is_new else 200)

    def edit_remote_link(self, call: Call) -> Response:
        """Replace a remote link."""
        issue = self._linkable(call)
        link = self._by_id(call, issue)
        link.global_id, link.target, link.application, link.relationship = _remote_body(call)
        return no_content()

    def delete_remote_link(self, call: Call) -> Response:
        """Remove a remote link."""
        issue = self._linkable(call)
        issue.remote_links.remove(self._by_id(call, issue))
        return no_content()

    def delete_remote_link_by_global_id(self, call: Call) -> Response:
        """Remove the remote link of a ``globalId``."""
        issue = self._linkable(call)
        global_id = call.argument("globalId")
        if global_id is None:
            raise Refusal(400, "The globalId query parameter was not provided")
        issue.remote_links.remove(self._by_global_id(issue, global_id))
        return no_content()

    def _linkable(self, call: Call) -> Issue:
        issue = self._store.issue(call.path["key"], call.user)
        words = f"No Link Issue Permission for issue '{issue.key}'"
        self._store.require(call.user, issue.project, "LINK_ISSUES", words)
        return issue

    def _link_type(self, given: object) -> LinkType:
        name = given.get("name") if isinstance(given, dict) else None
        type_id = given.get("id") if isinstance(given, dict) else None
        for each in self._store.site.link_types:
            if each.id == type_id or (isinstance(name, str) and each.name.casefold() == name.casefold()):
                return each
        raise Refusal(404, f"No issue link type with name '{name}' found.")

    def _side(self, call: Call, body: JsonObject, side: str) -> Issue:
        given = body.get(side)
        key = given.get("key", given.get("id")) if isinstance(given, dict) else None
        if not isinstance(key, str):
            raise Refusal(400, f"{side} needs a key or an id")
        return self._store.issue(key, call.user)

    def _link(self, call: Call) -> Link:
        link = self._store.links.get(call.path["id"])
        if link is None:
            raise Refusal(404, f"No issue link with id '{call.path['id']}' exists.")
        for key in (link.source, link.target):
            self._store.issue(key, call.user)
        return link

    def _by_id(self, call: Call, issue: Issue) -> RemoteLink:
        for link in issue.remote_links:
            if str(link.id) == call.path["id"]:
                return link
        raise Refusal(404, f"No remote issue link with id '{call.path['id']}' exists.")

    def _by_global_id(self, issue: Issue, global_id: str) -> RemoteLink:
        for link in issue.remote_links:
            if link.global_id == global_id:
                return link
        raise Refusal(404, f"No remote issue link with the global id '{global_id}' exists.")


def _remote_body(call: Call) -> tuple[str | None, JsonObject, JsonObject, str | None]:
    body = call.json_object()
    global_id, target = body.get("globalId"), body.get("object")
    if global_id is not None and (not isinstance(global_id, str) or not 0 < len(global_id) <= LONGEST_GLOBAL_ID):
        raise bad_field("globalId", f"'globalId' must have at most {LONGEST_GLOBAL_ID} characters.")
    given = target if isinstance(target, dict) else {}
    errors = {name: f"'{name}' is required." for name in ("title", "url") if not isinstance(given.get(name), str)}
    errors |= {name: f"'{name}' is required." for name in ("title", "url") if not given.get(name)}
    if not errors and urlsplit(given["url"]).scheme not in {"http", "https"}:
        errors["url"] = f"The URL is not valid: {given['url']}"
    if errors:
        raise Refusal(400, errors=errors)
    application, relationship = body.get("application") or {}, body.get("relationship")
    if not isinstance(application, dict) or not (relationship is None or isinstance(relationship, str)):
        raise Refusal(400, "application is an object and relationship a text")
    return global_id, given, application, relationship
