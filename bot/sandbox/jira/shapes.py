"""The JSON of the site's things, in the shapes of REST v2 on Data Center 9, or on Cloud."""

from collections.abc import Collection
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import quote

from bot.sandbox.jira.entities import (
    Account,
    Attachment,
    Change,
    Comment,
    Field,
    Issue,
    JsonObject,
    Link,
    LinkType,
    Named,
    Project,
    RemoteLink,
    Status,
    Transition,
)
from bot.sandbox.jira.store import JiraStore

# Without ``fields`` a search leaves these out; the issue itself shows them.
NOT_NAVIGABLE = frozenset({"attachment", "comment"})


def timestamp(at: datetime) -> str:
    """Write a time as Jira does: ``2026-11-24T09:12:03.123+0000``."""
    return f"{at.strftime('%Y-%m-%dT%H:%M:%S')}.{at.microsecond // 1000:03d}{at.strftime('%z')}"


class Shapes:
    """Renders things for one base address."""

    def __init__(self, store: JiraStore, url: str) -> None:
        self._store = store
        self._url = url
        self._rest = f"{url}/rest/api/2"

    def account(self, name: str) -> JsonObject:
        """A user."""
        account = self._store.site.account(name)
        if account is None:
            raise LookupError(f"no user {name}")
        if self._store.site.is_cloud:
            return {
                "self": f"{self._rest}/user?accountId={quote(account.account_id)}",
                "accountId": account.account_id,
                "accountType": "atlassian",
                "emailAddress": account.email,
                "displayName": account.display_name,
                "active": account.active,
                "timeZone": "Etc/UTC",
                "avatarUrls": {},
            }
        return {
            "self": f"{self._rest}/user?username={quote(account.name)}",
            "name": account.name,
            "key": account.key,
            "emailAddress": account.email,
            "displayName": account.display_name,
            "active": account.active,
            "timeZone": "Etc/UTC",
            "avatarUrls": {},
        }

    def named(self, resource: str, value: Named) -> JsonObject:
        """An issue type, a resolution, a priority."""
        return {
            "self": f"{self._rest}/{resource}/{value.id}",
            "id": value.id,
            "name": value.name,
            "description": value.description,
            "iconUrl": f"{self._url}/images/icons/{resource}.svg",
        } | ({"subtask": value.is_subtask} if resource == "issuetype" else {})

    def status(self, status: Status) -> JsonObject:
        """A status with its category."""
        category = status.category
        return {
            "self": f"{self._rest}/status/{status.id}",
            "id": status.id,
            "name": status.name,
            "description": "",
            "iconUrl": f"{self._url}/images/icons/status.svg",
            "statusCategory": {
                "self": f"{self._rest}/statuscategory/{category.id}",
                "id": category.id,
                "key": category.key,
                "name": category.name,
                "colorName": category.color,
            },
        }

    def project(self, project: Project, *, whole: bool = False) -> JsonObject:
        """A project; ``whole`` adds its lead and issue types."""
        shape = {
            "expand": "description,lead,url,projectKeys",
            "self": f"{self._rest}/project/{project.id}",
            "id": project.id,
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "business",
            "archived": False,
            "avatarUrls": {},
        }
        if whole:
            shape |= {
                "description": "",
                "lead": self.account(project.lead),
                "issueTypes": [self.named("issuetype", each) for each in project.issue_types],
                "components": [self.component(each) for each in project.components],
                "versions": [],
                "roles": {},
            }
        return shape

    def link_type(self, kind: LinkType) -> JsonObject:
        """A type of link."""
        self_url = f"{self._rest}/issueLinkType/{kind.id}"
        return {"id": kind.id, "name": kind.name, "inward": kind.inward, "outward": kind.outward, "self": self_url}

    def schema(self, field: Field) -> JsonObject:
        """A field's type."""
        shape: JsonObject = {"type": field.schema_type}
        if field.schema_items:
            shape["items"] = field.schema_items
        if field.custom_type:
            return shape | {"custom": field.custom_type, "customId": int(field.id.rpartition("_")[2])}
        return shape | {"system": field.id}

    def field(self, field: Field) -> JsonObject:
        """A field of the site."""
        return {
            "id": field.id,
            "name": field.name,
            "custom": field.is_custom,
            "orderable": field.kind != "fixed",
            "navigable": field.id not in NOT_NAVIGABLE,
            "searchable": True,
            "clauseNames": list(field.clauses),
            "schema": self.schema(field),
        }

    def field_meta(self, field: Field, project: Project) -> JsonObject:
        """A field of a screen, as the create and edit metadata show it."""
        operations = ["add", "set", "remove"] if field.kind in {"labels", "components"} else ["set"]
        shape: JsonObject = {
            "required": field.id in {"summary", "issuetype", *project.required_fields},
            "schema": self.schema(field),
            "name": field.name,
            "fieldId": field.id,
            "hasDefaultValue": field.id == "priority",
            "operations": operations,
        } | self._field_key(field.id)
        allowed = {
            "issuetype": [self.named("issuetype", each) for each in project.issue_types],
            "priority": [self.named("priority", each) for each in self._store.site.priorities],
            "components": [self.component(each) for each in project.components],
        }.get(field.id, [self.option(each) for each in field.options])
        return shape | ({"allowedValues": allowed} if allowed else {})

    def _field_key(self, field_id: str) -> JsonObject:
        return {"key": field_id} if self._store.site.is_cloud else {}

    def component(self, component: Named) -> JsonObject:
        """A component of a project."""
        self_url = f"{self._rest}/component/{component.id}"
        return {"self": self_url, "id": component.id, "name": component.name}

    def option(self, option: Named) -> JsonObject:
        """A value of a select list."""
        self_url = f"{self._rest}/customFieldOption/{option.id}"
        return {"self": self_url, "value": option.name, "id": option.id, "disabled": False}

    def transition(self, step: Transition, *, with_fields: bool = False) -> JsonObject:
        """A transition that is offered; ``with_fields`` adds its screen."""
        shape: JsonObject = {"id": step.id, "name": step.name, "to": self.status(self._store.site.status(step.target))}
        if not with_fields:
            return shape
        if not step.asks_resolution:
            return shape | {"fields": {}}
        resolution = {
            "required": True,
            "schema": {"type": "resolution", "system": "resolution"},
            "name": "Resolution",
            "fieldId": "resolution",
            "operations": ["set"],
            "allowedValues": [self.named("resolution", each) for each in self._store.site.resolutions],
        } | self._field_key("resolution")
        return shape | {"fields": {"resolution": resolution}}

    def comment(self, issue: Issue, comment: Comment, *, rendered: bool = False) -> JsonObject:
        """A comment."""
        shape: JsonObject = {
            "self": f"{self._rest}/issue/{issue.id}/comment/{comment.id}",
            "id": comment.id,
            "author": self.account(comment.author),
            "body": comment.body,
            "updateAuthor": self.account(comment.update_author),
            "created": timestamp(comment.created),
            "updated": timestamp(comment.updated),
        }
        if comment.visibility:
            shape["visibility"] = comment.visibility
        if comment.properties:
            shape["properties"] = comment.properties
        return shape | ({"renderedBody": rendered_text(comment.body)} if rendered else {})

    def attachment(self, attachment: Attachment) -> JsonObject:
        """A file, with the address of its content."""
        content = self.download_address(attachment)
        if self._store.site.is_cloud:
            content = f"{self._rest}/attachment/content/{attachment.id}"
        return {
            "self": f"{self._rest}/attachment/{attachment.id}",
            "id": attachment.id,
            "filename": attachment.filename,
            "author": self.account(attachment.author),
            "created": timestamp(attachment.created),
            "size": len(attachment.content),
            "mimeType": attachment.media_type,
            "content": content,
        }

    def download_address(self, attachment: Attachment) -> str:
        """Where a file's content lies."""
        return f"{self._url}/secure/attachment/{attachment.id}/{quote(attachment.filename)}"

    def link(self, link: Link, seen_from: Issue | None = None) -> JsonObject:
        """A link; seen from an issue only the other side is shown."""
        shape = {
            "id": link.id,
            "self": f"{self._rest}/issueLink/{link.id}",
            "type": self.link_type(link.type),
        }
        # The source stands on the inward side of the request and sees its target as the outward issue.
        if seen_from is None or seen_from.key != link.source:
            shape["inwardIssue"] = self._linked(link.source)
        if seen_from is None or seen_from.key == link.source:
            shape["outwardIssue"] = self._linked(link.target)
        return shape

    def _linked(self, key: str) -> JsonObject:
        issue = self._store.issues[key]
        shown = ("summary", "status", "priority", "issuetype")
        fields = {each: self.value(issue, each) for each in shown}
        return {"id": issue.id, "key": issue.key, "self": f"{self._rest}/issue/{issue.id}", "fields": fields}

    def remote_link(self, issue: Issue, link: RemoteLink) -> JsonObject:
        """A remote link."""
        shape: JsonObject = {
            "id": link.id,
            "self": f"{self._rest}/issue/{issue.key}/remotelink/{link.id}",
            "application": link.application,
            "object": link.target,
        }
        if link.global_id is not None:
            shape["globalId"] = link.global_id
        if link.relationship is not None:
            shape["relationship"] = link.relationship
        return shape

    def change(self, change: Change) -> JsonObject:
        """An entry of the history.

        A side that was empty is left out: the description of the answers knows no null there. The real one sends it,
        so whoever reads a history takes both.
        """
        return {
            "id": change.id,
            "author": self.account(change.author),
            "created": timestamp(change.created),
            "items": [
                {"field": field, "fieldtype": "jira"}
                | ({} if before is None else {"fromString": before})
                | ({} if after is None else {"toString": after})
                for field, before, after in change.items
            ],
        }

    def watches(self, issue: Issue, user: Account) -> JsonObject:
        """How many watch an issue, and whether the user does."""
        return {
            "self": f"{self._rest}/issue/{issue.key}/watchers",
            "watchCount": len(issue.watchers),
            "isWatching": user.name in issue.watchers,
        }

    def issue(self, issue: Issue, user: Account, fields: Collection[str], expand: Collection[str]) -> JsonObject:
        """An issue with the fields asked for; ``expand`` takes names, schema, renderedFields, transitions, changelog,
        editmeta."""
        site = self._store.site
        shown = [each for each in site.fields if each.id in fields]
        shape: JsonObject = {
            "expand": "renderedFields,names,schema,transitions,editmeta,changelog",
            "id": issue.id,
            "self": f"{self._rest}/issue/{issue.id}",
            "key": issue.key,
            "fields": {
                each.id: self.watches(issue, user) if each.id == "watches" else self.value(issue, each.id)
                for each in shown
            },
        }
        if "names" in expand:
            shape["names"] = {each.id: each.name for each in shown}
        if "schema" in expand:
            shape["schema"] = {each.id: self.schema(each) for each in shown}
        if "renderedFields" in expand:
            shape["renderedFields"] = {
                each.id: rendered_text(issue.values.get(each.id) or "") for each in shown if each.kind == "textarea"
            }
        if "transitions" in expand:
            offered = self._store.transitions(issue)
            shape["transitions"] = [self.transition(each) for each in offered]
        if "editmeta" in expand:
            shape["editmeta"] = self.edit_meta(issue)
        if "changelog" in expand:
            entries = [self.change(each) for each in issue.history]
            shape["changelog"] = {
                "startAt": 0,
                "maxResults": len(entries),
                "total": len(entries),
                "histories": entries,
            }
        return shape

    def edit_meta(self, issue: Issue) -> JsonObject:
        """The fields that may be edited."""
        screen = [each for each in self._store.site.fields if each.id in issue.project.edit_screen]
        return {"fields": {each.id: self.field_meta(each, issue.project) for each in screen}}

    def comments(self, issue: Issue) -> JsonObject:
        """All comments, as the field ``comment`` shows them."""
        shown = [self.comment(issue, each) for each in issue.comments]
        return {"comments": shown, "maxResults": len(shown), "total": len(shown), "startAt": 0}

    def value(self, issue: Issue, field_id: str) -> Any:
        """The JSON of one field."""
        match field_id:
            case "project":
                return self.project(issue.project)
            case "issuetype":
                return self.named("issuetype", issue.type)
            case "status":
                return self.status(issue.status)
            case "resolution":
                return self.named("resolution", issue.resolution) if issue.resolution else None
            case "resolutiondate":
                return timestamp(issue.resolved) if issue.resolved else None
            case "created" | "updated":
                return timestamp(issue.created if field_id == "created" else issue.updated)
            case "creator":
                return self.account(issue.creator)
            case "attachment":
                return [self.attachment(each) for each in issue.attachments]
            case "comment":
                return self.comments(issue)
            case "issuelinks":
                return [self.link(each, issue) for each in self._store.links_of(issue)]
            case "parent" | "subtasks":
                return self._family(issue, field_id)
            case _:
                return self._stored(issue, field_id)

    def _family(self, issue: Issue, field_id: str) -> Any:
        if field_id == "parent":
            return self._linked(issue.parent) if issue.parent else None
        return [self._linked(each.key) for each in self._store.subtasks_of(issue)]

    def _stored(self, issue: Issue, field_id: str) -> Any:
        value = issue.values.get(field_id)
        if isinstance(value, Named):
            return self.named("priority", value) if field_id == "priority" else self.option(value)
        field = self._store.site.field(field_id)
        if value is not None and field is not None and field.kind == "user":
            return self.account(value)
        if field is not None and field.kind == "components":
            return [self.component(each) for each in value or ()]
        return value


def rendered_text(text: str) -> str:
    """Show wiki markup as HTML, unread: paragraphs and line breaks alone."""
    paragraphs = [escape(each).replace("\n", "<br/>") for each in text.split("\n\n") if each.strip()]
    return "".join(f"<p>{each}</p>" for each in paragraphs)
