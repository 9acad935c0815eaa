"""Endpoints of issues: create, read, edit, delete, assign, transition."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from bot.sandbox.jira.calls import Call, Endpoint, answer, no_content, split_listed
from bot.sandbox.jira.changes import Changes, read_changes
from bot.sandbox.jira.entities import Issue, JsonObject, Named, Project, Transition
from bot.sandbox.jira.properties import read_properties
from bot.sandbox.jira.refusals import Refusal, bad_field, not_on_screen
from bot.sandbox.jira.shapes import NOT_NAVIGABLE, Shapes
from bot.sandbox.jira.site import Site
from bot.sandbox.jira.store import JiraStore

ISSUE = "/rest/api/2/issue"
NO_COMMENT = "You do not have the permission to comment on this issue."


class IssueEndpoints:
    """Answers what concerns an issue as a whole."""

    def __init__(self, store: JiraStore, shapes: Shapes, url: str) -> None:
        self._store = store
        self._shapes = shapes
        self._url = url

    def endpoints(self) -> list[Endpoint]:
        """The table of endpoints."""
        one = f"{ISSUE}/{{key}}"
        return [
            Endpoint("POST", ISSUE, self.create),
            Endpoint("POST", f"{ISSUE}/bulk", self.create_many),
            Endpoint("GET", one, self.read),
            Endpoint("PUT", one, self.edit, writes_issue=True),
            Endpoint("DELETE", one, self.delete, writes_issue=True),
            Endpoint("GET", f"{one}/editmeta", self.edit_meta),
            Endpoint("PUT", f"{one}/assignee", self.assign, writes_issue=True),
            Endpoint("GET", f"{one}/transitions", self.transitions),
            Endpoint("POST", f"{one}/transitions", self.transition, writes_issue=True),
        ]

    def create(self, call: Call) -> Response:
        """Create an issue; 201 with its id and key."""
        return answer(self._created(call, call.json_object()), 201)

    def create_many(self, call: Call) -> Response:
        """Create issues; each one that is wrong is named by its place, the others are created."""
        updates = call.json_object().get("issueUpdates")
        if not isinstance(updates, list) or not all(isinstance(each, dict) for each in updates):
            raise Refusal(400, "issueUpdates must be an array of issues")
        created: list[JsonObject] = []
        failed: list[JsonObject] = []
        for place, body in enumerate(updates):
            try:
                created.append(self._created(call, body))
            except Refusal as refused:
                failed.append(
                    {"status": refused.status, "elementErrors": refused.as_json(), "failedElementNumber": place}
                )
        return answer({"issues": created, "errors": failed}, 201 if created or not failed else 400)

    def read(self, call: Call) -> Response:
        """Show an issue, all fields unless ``fields`` says otherwise."""
        issue = self._store.issue(call.path["key"], call.user)
        fields = chosen_fields(self._store.site, call.listed("fields"), default="*all")
        shape = self._shapes.issue(issue, call.user, fields, call.listed("expand"))
        wanted = call.listed("properties")
        if wanted:
            shape["properties"] = {
                key: value for key, value in issue.properties.items() if key in wanted or "*all" in wanted
            }
        return answer(shape)

    def edit(self, call: Call) -> Response:
        """Change fields of the edit screen."""
        issue = self._store.issue(call.path["key"], call.user)
        body = call.json_object()
        words = "You do not have permission to edit issues in this project."
        self._store.require(call.user, issue.project, "EDIT_ISSUES", words)
        # Another issue type may want another workflow: Jira's edit screen refuses it the same way.
        screen = self._store.screen(call.user, issue.project, issue.project.edit_screen) - {"issuetype"}
        changes = read_changes(body, self._store.site, screen, issue.values)
        properties = read_properties(body)
        self._check(call, issue.project, changes)
        self._store.edit(call.user, issue, changes.values)
        self._add_comments(call, issue, changes)
        issue.properties |= properties
        return no_content()

    def delete(self, call: Call) -> Response:
        """Delete an issue."""
        issue = self._store.issue(call.path["key"], call.user)
        words = "You do not have permission to delete issues in this project."
        self._store.require(call.user, issue.project, "DELETE_ISSUES", words)
        if self._store.subtasks_of(issue) and call.argument("deleteSubtasks") != "true":
            raise Refusal(
                400,
                f"The issue '{issue.key}' has subtasks. You must specify the 'deleteSubtasks' parameter to delete "
                "this issue and all its subtasks.",
            )
        self._store.delete(issue, call.user)
        return no_content()

    def edit_meta(self, call: Call) -> Response:
        """Show which fields may be edited; none without the permission."""
        issue = self._store.issue(call.path["key"], call.user)
        may_edit = self._store.may(call.user, issue.project, "EDIT_ISSUES")
        return answer(self._shapes.edit_meta(issue) if may_edit else {"fields": {}})

    def assign(self, call: Call) -> Response:
        """Assign an issue: ``{"name": user}``, null for nobody, "-1" for the project's lead; on Cloud ``accountId``."""
        issue = self._store.issue(call.path["key"], call.user)
        body = call.json_object()
        site = self._store.site
        named = "accountId" if site.is_cloud else "name"
        unknown = body.keys() - ({named} if site.is_cloud else {named, "key"})
        if unknown:
            raise Refusal(400, f'Unrecognized field "{min(unknown)}" (Class UserBean)')
        words = "You do not have permission to assign issues."
        self._store.require(call.user, issue.project, "ASSIGN_ISSUES", words)
        who = body.get(named)
        if who == "-1":
            lead = site.account(issue.project.lead)
            who = lead.account_id if lead is not None and site.is_cloud else issue.project.lead
        changes = read_changes({"fields": {"assignee": {named: who}}}, site, {"assignee"}, issue.values)
        self._check(call, issue.project, changes)
        self._store.edit(call.user, issue, changes.values)
        return no_content()

    def transitions(self, call: Call) -> Response:
        """Show the transitions that the issue's status offers to the user."""
        issue = self._store.issue(call.path["key"], call.user)
        may_move = self._store.may(call.user, issue.project, "TRANSITION_ISSUES")
        offered = self._store.transitions(issue) if may_move else []
        wanted = call.argument("transitionId")
        with_fields = "transitions.fields" in call.listed("expand")
        shown = [
            self._shapes.transition(each, with_fields=with_fields) for each in offered if wanted in {None, each.id}
        ]
        return answer({"expand": "transitions", "transitions": shown})

    def transition(self, call: Call) -> Response:
        """Move an issue: ``{"transition": {"id": …}, "fields": {"resolution": {"name": …}}, "update": {…}}``."""
        issue = self._store.issue(call.path["key"], call.user)
        body = call.json_object()
        words = "You do not have permission to transition this issue."
        self._store.require(call.user, issue.project, "TRANSITION_ISSUES", words)
        step = self._step(issue, body)
        changes = read_changes(body, self._store.site, (), issue.values, apart={"resolution"})
        resolution = self._resolution(step, body.get("fields") or {})
        self._check(call, issue.project, changes)
        self._store.transition(call.user, issue, step, resolution)
        self._add_comments(call, issue, changes)
        return no_content()

    def _created(self, call: Call, body: JsonObject) -> JsonObject:
        fields = body.get("fields")
        given = fields if isinstance(fields, dict) else {}
        project = self._project(call, given.get("project"))
        kind = _issue_type(project, given.get("issuetype"))
        if "summary" not in given and "summary" not in (body.get("update") or {}):
            body = body | {"fields": given | {"summary": None}}
        screen = self._store.screen(call.user, project, project.create_screen)
        changes = read_changes(body, self._store.site, screen, {}, apart={"project", "issuetype", "parent"})
        properties = read_properties(body)
        self._check(call, project, changes)
        self._check_required(project, changes)
        parent = self._parent(call, project, kind, given.get("parent"))
        issue = self._store.create(call.user, project, kind, changes.values, parent)
        issue.properties |= properties
        self._add_comments(call, issue, changes)
        return {"id": issue.id, "key": issue.key, "self": f"{self._url}{ISSUE}/{issue.id}"}

    def _project(self, call: Call, given: object) -> Project:
        if not isinstance(given, dict) or not ({"key", "id"} & given.keys()):
            raise bad_field("project", "project is required")
        project = self._store.site.project(str(given.get("id", given.get("key"))))
        if project is None or not self._store.may(call.user, project, "BROWSE_PROJECTS"):
            raise bad_field("project", "valid project is required")
        words = "You do not have permission to create issues in this project."
        self._store.require(call.user, project, "CREATE_ISSUES", words)
        return project

    def _parent(self, call: Call, project: Project, kind: Named, given: object) -> str | None:
        """Read the issue that a sub-task belongs to; no other type has one here."""
        if not kind.is_subtask:
            if given is not None:
                raise bad_field("parentId", f"Issue type '{kind.name}' is not a sub-task type and has no parent.")
            return None
        if not isinstance(given, dict) or not ({"key", "id"} & given.keys()):
            raise bad_field("parent", "Issue type is a sub-task but parent issue key or id not specified.")
        try:
            parent = self._store.issue(str(given.get("key", given.get("id"))), call.user)
        except Refusal as unseen:
            raise bad_field("parentId", "Could not find issue by id or key.") from unseen
        if parent.type.is_subtask or parent.project is not project:
            raise bad_field("parentId", f"Issue '{parent.key}' cannot be the parent of a sub-task in this project.")
        return parent.key

    def _step(self, issue: Issue, body: JsonObject) -> Transition:
        given = body.get("transition")
        if not isinstance(given, dict) or given.get("id") is None:
            raise Refusal(400, "Missing 'transition' identifier")
        # The client sends the id as a number, the documentation shows a string: Jira takes both.
        wanted = given["id"]
        if isinstance(wanted, bool) or not str(wanted).isdecimal():
            raise Refusal(400, "'transition' identifier must be an integer")
        for step in self._store.transitions(issue):
            if step.id == str(wanted):
                return step
        raise Refusal(400, f"Transition id '{wanted}' is not valid for this issue.")

    def _resolution(self, step: Transition, fields: Mapping[str, Any]) -> Named | None:
        if not step.asks_resolution:
            if "resolution" in fields:
                raise bad_field("resolution", not_on_screen("resolution"))
            return None
        given = fields.get("resolution")
        if given is None:
            raise bad_field("resolution", "Resolution is required.")
        if isinstance(given, dict):
            for each in self._store.site.resolutions:
                if given.get("id", each.id) == each.id and given.get("name", each.name) == each.name and given:
                    return each
        raise bad_field("resolution", "Could not find a valid resolution by this 'id' or 'name'.")

    def _check(self, call: Call, project: Project, changes: Changes) -> None:
        """Refuse what the values alone do not show: permissions of the user, or of the assignee."""
        assignee = changes.values.get("assignee")
        if assignee is not None:
            account = self._store.site.account(assignee)
            if account is None or not self._store.may(account, project, "ASSIGNABLE_USER"):
                raise bad_field("assignee", f"User '{assignee}' cannot be assigned issues.")
        for component in changes.values.get("components") or ():
            if component not in project.components:
                raise bad_field("components", f"Component name '{component.name}' is not valid")
        if changes.comments:
            self._store.require(call.user, project, "ADD_COMMENTS", NO_COMMENT)

    def _check_required(self, project: Project, changes: Changes) -> None:
        site = self._store.site
        names = {each.id: each.name for each in site.fields if each.id in project.required_fields}
        missing = {each: f"{name} is required." for each, name in names.items() if not changes.values.get(each)}
        if missing:
            raise Refusal(400, errors=missing)

    def _add_comments(self, call: Call, issue: Issue, changes: Changes) -> None:
        for body in changes.comments:
            self._store.comment(call.user, issue, body)


def chosen_fields(site: Site, asked: list[str], *, default: str) -> set[str]:
    """Read ``fields``: ids, ``*all``, ``*navigable``, ``-id`` to leave one out. Unknown ids are ignored."""
    every = {each.id for each in site.fields}
    asked = split_listed(asked) or [default]
    chosen: set[str] = set()
    if all(each.startswith("-") for each in asked):
        asked = [default, *asked]
    for each in asked:
        match each:
            case "*all":
                chosen |= every
            case "*navigable":
                chosen |= every - NOT_NAVIGABLE
            case _ if each.startswith("-"):
                chosen.discard(each[1:])
            case _:
                chosen.add(each)
    return chosen & every


def _issue_type(project: Project, given: object) -> Named:
    if not isinstance(given, dict) or not ({"name", "id"} & given.keys()):
        raise bad_field("issuetype", "issue type is required")
    for each in project.issue_types:
        # The client sends a numeric id as it was given.
        if each.id == str(given["id"]) if "id" in given else each.name == given["name"]:
            return each
    raise bad_field("issuetype", "valid issue type is required")
