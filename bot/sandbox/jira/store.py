"""The site's state: issues and what hangs on them. Knows what may be done by whom, nothing of HTTP."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from threading import RLock
from typing import Any

from bot.sandbox.jira.documents import through_document
from bot.sandbox.jira.entities import (
    Account,
    Attachment,
    Change,
    Comment,
    Issue,
    JsonObject,
    Link,
    LinkType,
    Named,
    Project,
    RemoteLink,
    Transition,
)
from bot.sandbox.jira.index import SearchIndex
from bot.sandbox.jira.refusals import Refusal, no_such_issue
from bot.sandbox.jira.site import ADMINISTRATOR, BOT, MANAGER, MEMBER, NEEDS_PERMISSION, PERMISSIONS, Site


def now_utc() -> datetime:
    """Return the time of day, which Jira keeps to the millisecond."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


# Hears of an event: its name, who did it, on which issue, and the comment or the change that it is about.
Tell = Callable[[str, Account, Issue, Comment | Change | None], None]


def _tell_nobody(event: str, user: Account, issue: Issue, about: Comment | Change | None) -> None:
    """Nobody has asked to be told."""


class JiraStore:
    """Everything that the site remembers. ``lock`` guards it: the server holds it for a request's whole work.

    ``tell`` hears of what happens while it happens.
    """

    def __init__(self, site: Site, clock: Callable[[], datetime] = now_utc) -> None:
        self.site = site
        self.lock = RLock()
        self.issues: dict[str, Issue] = {}
        self.links: dict[str, Link] = {}
        self.index = SearchIndex()
        self.tell: Tell = _tell_nobody
        self._clock = clock
        self._ids = count(10000)
        self._numbers = {project.key: count(1) for project in site.projects}
        self._granted: dict[tuple[str, str], frozenset[str]] = {}
        for account in site.accounts:
            for project in site.projects:
                is_lead = account.name in {project.lead, MANAGER.name}
                self._granted[account.name, project.key] = ADMINISTRATOR if is_lead else MEMBER

    def now(self) -> datetime:
        """Return the site's time."""
        return self._clock()

    # Permissions

    def grant(self, user: str, project: str, *permissions: str) -> None:
        """Give a user more permissions in a project, by Jira's keys such as ``ADD_COMMENTS``."""
        self._change_permissions(user, project, permissions, lambda held, named: held | named)

    def revoke(self, user: str, project: str, *permissions: str) -> None:
        """Take permissions from a user in a project."""
        self._change_permissions(user, project, permissions, lambda held, named: held - named)

    def make_read_only(self, project: str, user: str = BOT.name) -> None:
        """Leave a user nothing but browsing in a project."""
        self.revoke(user, project, *(PERMISSIONS.keys() - {"BROWSE_PROJECTS"}))

    def may(self, user: Account, project: Project, permission: str) -> bool:
        """Tell whether a user has a permission in a project."""
        return permission in self._granted[user.name, project.key]

    def require(self, user: Account, project: Project, permission: str, words: str) -> None:
        """Raise Refusal 403 with these words when the user lacks the permission."""
        if not self.may(user, project, permission):
            raise Refusal(403, words)

    def _change_permissions(
        self,
        user: str,
        project: str,
        permissions: Iterable[str],
        combine: Callable[[frozenset[str], frozenset[str]], frozenset[str]],
    ) -> None:
        named = frozenset(permissions)
        if not named <= PERMISSIONS.keys():
            raise ValueError(f"no such permission: {', '.join(sorted(named - PERMISSIONS.keys()))}")
        with self.lock:
            self._granted[user, project] = combine(self._granted[user, project], named)

    def screen(self, user: Account, project: Project, fields: Iterable[str]) -> set[str]:
        """Return those fields of a screen that the user may set, of those that the site still has."""
        known = {each.id for each in self.site.fields}
        return {
            name
            for name in fields
            if name in known and (name not in NEEDS_PERMISSION or self.may(user, project, NEEDS_PERMISSION[name]))
        }

    # What an administrator does

    def change_project(self, key: str, **changes: Any) -> None:
        """Change a project's set-up, such as ``required_fields``, while the server runs."""
        with self.lock:
            before = next(each for each in self.site.projects if each.key == key)
            after = replace(before, **changes)
            projects = tuple(after if each is before else each for each in self.site.projects)
            self.site = replace(self.site, projects=projects)
            for issue in self.issues.values():
                if issue.project.key == key:
                    issue.project = after

    def delete_project(self, key: str) -> None:
        """Delete a project with its issues."""
        with self.lock:
            for issue in [each for each in self.issues.values() if each.project.key == key]:
                self.delete(issue)
            self.site = replace(self.site, projects=tuple(each for each in self.site.projects if each.key != key))

    def delete_field(self, field_id: str) -> None:
        """Delete a custom field; the values that issues had in it are gone."""
        with self.lock:
            self.site = replace(self.site, fields=tuple(each for each in self.site.fields if each.id != field_id))

    # Issues

    def issue(self, key_or_id: str, user: Account) -> Issue:
        """Find an issue by key (without case) or id. Raises Refusal 404, or 403 where the user may not browse."""
        issue = self.issues.get(key_or_id.upper())
        if issue is None:
            issue = next((each for each in self.issues.values() if each.id == key_or_id), None)
        if issue is None:
            raise no_such_issue()
        words = "You do not have the permission to see the specified issue."
        self.require(user, issue.project, "BROWSE_PROJECTS", words)
        return issue

    def visible(self, user: Account) -> list[Issue]:
        """Return the issues that a user may browse, oldest first."""
        return [each for each in self.issues.values() if self.may(user, each.project, "BROWSE_PROJECTS")]

    def indexed(self, user: Account, reconciled: Collection[str] = ()) -> list[Issue]:
        """Return what a search looks through: the visible issues as the index knows them (see SearchIndex)."""
        return self.index.read(self.visible(user), self._clock(), reconciled)

    def index_changes(self) -> None:
        """Tell the index that a request has ended, which may have changed any issue."""
        if self.site.is_cloud:
            self.index.write(self.issues.values(), self._clock())

    def create(
        self, user: Account, project: Project, kind: Named, values: dict[str, Any], parent: str | None = None
    ) -> Issue:
        """Create an issue in the project's first status, reported and watched by its creator."""
        now = self._clock()
        issue = Issue(
            id=self._next_id(),
            key=f"{project.key}-{next(self._numbers[project.key])}",
            project=project,
            type=kind,
            creator=user.name,
            status=self.site.status(project.first_status),
            created=now,
            updated=now,
            watchers=[user.name],
            parent=parent,
        )
        priority = next(each for each in self.site.priorities if each.name == self.site.default_priority)
        issue.values = {"reporter": user.name, "priority": priority, "labels": [], **self._kept(values)}
        self.issues[issue.key] = issue
        self.tell("jira:issue_created", user, issue, None)
        return issue

    def edit(self, user: Account, issue: Issue, values: dict[str, Any]) -> None:
        """Store values and write the history of what really changed."""
        values = self._kept(values)
        items = [
            (field_id, self._shown(field_id, issue.values.get(field_id)), self._shown(field_id, value))
            for field_id, value in values.items()
            if issue.values.get(field_id) != value
        ]
        issue.values |= values
        self._record(user, issue, items)

    def subtasks_of(self, issue: Issue) -> list[Issue]:
        """Return an issue's sub-tasks, oldest first."""
        return [each for each in self.issues.values() if each.parent == issue.key]

    def delete(self, issue: Issue, user: Account = MANAGER) -> None:
        """Delete an issue with its links and sub-tasks; their numbers are not given again."""
        for each in self.subtasks_of(issue):
            self.delete(each, user)
        self.tell("jira:issue_deleted", user, issue, None)
        del self.issues[issue.key]
        self.links = {key: link for key, link in self.links.items() if issue.key not in {link.source, link.target}}

    def transitions(self, issue: Issue) -> list[Transition]:
        """Return what the workflow offers in the issue's status."""
        return [each for each in issue.project.workflow if issue.status.name in each.origins]

    def transition(self, user: Account, issue: Issue, step: Transition, resolution: Named | None) -> None:
        """Move an issue along a transition that is offered."""
        target = self.site.status(step.target)
        items: list[tuple[str, str | None, str | None]] = [("status", issue.status.name, target.name)]
        after = None if step.clears_resolution else (resolution or issue.resolution)
        if after != issue.resolution:
            items.append(("resolution", _shown(issue.resolution), _shown(after)))
            issue.resolution = after
            issue.resolved = self._clock() if after else None
        issue.status = target
        self._record(user, issue, items)

    # What hangs on an issue

    def comment(self, user: Account, issue: Issue, body: str, visibility: JsonObject | None = None) -> Comment:
        """Add a comment."""
        now = self._touch(issue)
        comment = Comment(self._next_id(), user.name, self._kept_text(body), now, now, user.name, visibility)
        issue.comments.append(comment)
        self.tell("comment_created", user, issue, comment)
        return comment

    def edit_comment(self, user: Account, issue: Issue, comment: Comment, body: str) -> None:
        """Replace a comment's text."""
        comment.body, comment.updated, comment.update_author = self._kept_text(body), self._touch(issue), user.name
        self.tell("comment_updated", user, issue, comment)

    def delete_comment(self, issue: Issue, comment: Comment) -> None:
        """Remove a comment."""
        issue.comments.remove(comment)
        self._touch(issue)

    def attach(self, user: Account, issue: Issue, filename: str, media_type: str, content: bytes) -> Attachment:
        """Add a file; two of the same name stand side by side."""
        attachment = Attachment(self._next_id(), user.name, filename, media_type, content, self._clock())
        issue.attachments.append(attachment)
        self._record(user, issue, [("Attachment", None, filename)])
        return attachment

    def attachment(self, attachment_id: str, user: Account) -> tuple[Issue, Attachment]:
        """Find a file and its issue. Raises Refusal 404, or 403."""
        for issue in self.issues.values():
            for attachment in issue.attachments:
                if attachment.id == attachment_id:
                    return self.issue(issue.key, user), attachment
        raise Refusal(404, f"The attachment with id '{attachment_id}' does not exist")

    def delete_attachment(self, user: Account, issue: Issue, attachment: Attachment) -> None:
        """Remove a file."""
        issue.attachments.remove(attachment)
        self._record(user, issue, [("Attachment", attachment.filename, None)])

    def link(self, user: Account, kind: LinkType, source: Issue, target: Issue) -> Link:
        """Link two issues; the same link a second time is the first."""
        for link in self.links.values():
            if (link.type, link.source, link.target) == (kind, source.key, target.key):
                return link
        link = Link(self._next_id(), kind, source.key, target.key)
        self.links[link.id] = link
        self._record(user, source, [("Link", None, f"This issue {kind.outward} {target.key}")])
        self._record(user, target, [("Link", None, f"This issue {kind.inward} {source.key}")])
        return link

    def links_of(self, issue: Issue) -> list[Link]:
        """Return an issue's links, in either direction."""
        return [link for link in self.links.values() if issue.key in {link.source, link.target}]

    def remote_link(
        self, issue: Issue, global_id: str | None, target: JsonObject, application: JsonObject, relationship: str | None
    ) -> tuple[RemoteLink, bool]:
        """Add a remote link, or replace the one with the same global id; tell whether it is new."""
        self._touch(issue)
        for link in issue.remote_links:
            if global_id is not None and link.global_id == global_id:
                link.target, link.application, link.relationship = target, application, relationship
                return link, False
        link = RemoteLink(int(self._next_id()), global_id, target, application, relationship)
        issue.remote_links.append(link)
        return link, True

    def _shown(self, field_id: str, value: object) -> str | None:
        """Write a value as the history does: a person by the name that people read."""
        field = self.site.field(field_id)
        account = self.site.account(str(value)) if value and field is not None and field.kind == "user" else None
        return account.display_name if account is not None else _shown(value)

    def _kept(self, values: dict[str, Any]) -> dict[str, Any]:
        long_texts = {each.id for each in self.site.fields if each.kind == "textarea"}
        return {
            name: self._kept_text(value) if name in long_texts and isinstance(value, str) else value
            for name, value in values.items()
        }

    def _kept_text(self, text: str) -> str:
        return through_document(text) if self.site.is_cloud else text

    def _record(self, user: Account, issue: Issue, items: list[tuple[str, str | None, str | None]]) -> None:
        if items:
            change = Change(self._next_id(), user.name, self._touch(issue), tuple(items))
            issue.history.append(change)
            self.tell("jira:issue_updated", user, issue, change)

    def _touch(self, issue: Issue) -> datetime:
        issue.updated = self._clock()
        return issue.updated

    def _next_id(self) -> str:
        return str(next(self._ids))


def _shown(value: object) -> str | None:
    match value:
        case None | [] | "":
            return None
        case Named():
            return value.name
        case list():
            return " ".join(str(each) for each in value)
        case _:
            return str(value)
