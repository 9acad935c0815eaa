"""Endpoints of what hangs on an issue: comments, files, watchers, properties."""

from starlette.responses import Response

from bot.sandbox.jira.calls import Call, Endpoint, answer, no_content
from bot.sandbox.jira.changes import read_comment
from bot.sandbox.jira.entities import Account, Comment, Issue, JsonObject
from bot.sandbox.jira.issue_endpoints import ISSUE, NO_COMMENT
from bot.sandbox.jira.properties import check_property
from bot.sandbox.jira.refusals import Refusal, bad_field
from bot.sandbox.jira.shapes import Shapes
from bot.sandbox.jira.store import JiraStore
from bot.sandbox.jira.values import BadValue

# What Data Center shows as maxResults when all comments were asked for; Cloud gives pages of this size instead.
ALL_COMMENTS = 1_048_576
CLOUD_PAGE = 100
# Characters that Jira does not take in the name of a file.
BAD_IN_FILENAME = '\\/"%:$?*<|>'
LONGEST_FILENAME = 255


class AttachedEndpoints:
    """Answers what concerns comments, files, watchers and properties of an issue."""

    def __init__(self, store: JiraStore, shapes: Shapes, url: str, upload_limit: int) -> None:
        self._store = store
        self._shapes = shapes
        self._url = url
        self._upload_limit = upload_limit
        self._is_cloud = store.site.is_cloud

    def endpoints(self) -> list[Endpoint]:
        """The table of endpoints."""
        one = f"{ISSUE}/{{key}}"
        file = "/rest/api/2/attachment/{id}"
        return [
            Endpoint("GET", f"{one}/comment", self.comments),
            Endpoint("POST", f"{one}/comment", self.add_comment, writes_issue=True),
            Endpoint("GET", f"{one}/comment/{{id}}", self.comment),
            Endpoint("PUT", f"{one}/comment/{{id}}", self.edit_comment, writes_issue=True),
            Endpoint("DELETE", f"{one}/comment/{{id}}", self.delete_comment, writes_issue=True),
            Endpoint("POST", f"{one}/attachments", self.attach, writes_issue=True),
            Endpoint("GET", file, self.attachment),
            Endpoint("DELETE", file, self.delete_attachment),
            Endpoint("GET", "/secure/attachment/{id}/{filename}", self.download),
            *([Endpoint("GET", "/rest/api/2/attachment/content/{id}", self.content)] if self._is_cloud else []),
            Endpoint("GET", f"{one}/watchers", self.watchers),
            Endpoint("POST", f"{one}/watchers", self.watch, writes_issue=True),
            Endpoint("DELETE", f"{one}/watchers", self.unwatch, writes_issue=True),
            Endpoint("GET", f"{one}/properties", self.property_keys),
            Endpoint("GET", f"{one}/properties/{{property}}", self.property),
            Endpoint("PUT", f"{one}/properties/{{property}}", self.set_property, writes_issue=True),
            Endpoint("DELETE", f"{one}/properties/{{property}}", self.delete_property, writes_issue=True),
        ]

    # Comments

    def comments(self, call: Call) -> Response:
        """List comments, oldest first unless ``orderBy`` is ``-created``."""
        issue = self._issue(call)
        order = call.argument("orderBy") or "created"
        if order not in {"created", "+created", "-created"}:
            raise Refusal(400, f"Comments cannot be ordered by '{order}'.")
        found = list(reversed(issue.comments)) if order == "-created" else list(issue.comments)
        page = CLOUD_PAGE if self._is_cloud else ALL_COMMENTS
        start, most = max(call.number("startAt", 0), 0), max(call.number("maxResults", page), 0)
        rendered = "renderedBody" in call.listed("expand")
        shown = [self._shapes.comment(issue, each, rendered=rendered) for each in found[start : start + most]]
        return answer({"startAt": start, "maxResults": most, "total": len(found), "comments": shown})

    def comment(self, call: Call) -> Response:
        """Show one comment."""
        issue = self._issue(call)
        rendered = "renderedBody" in call.listed("expand")
        return answer(self._shapes.comment(issue, self._comment(call, issue), rendered=rendered))

    def add_comment(self, call: Call) -> Response:
        """Add a comment; 201."""
        issue = self._issue(call)
        text, visibility, properties = _comment_body(call)
        self._store.require(call.user, issue.project, "ADD_COMMENTS", NO_COMMENT)
        comment = self._store.comment(call.user, issue, text, visibility)
        comment.properties = properties
        return answer(self._shapes.comment(issue, comment), 201)

    def edit_comment(self, call: Call) -> Response:
        """Replace a comment's text."""
        issue = self._issue(call)
        comment = self._comment(call, issue)
        text, visibility, properties = _comment_body(call)
        words = f"You do not have the permission to edit the comment with id: {comment.id}"
        self._require_own(call.user, issue, comment.author, "EDIT", "COMMENTS", words)
        self._store.edit_comment(call.user, issue, comment, text)
        comment.visibility = visibility or comment.visibility
        comment.properties = properties or comment.properties
        return answer(self._shapes.comment(issue, comment))

    def delete_comment(self, call: Call) -> Response:
        """Delete a comment."""
        issue = self._issue(call)
        comment = self._comment(call, issue)
        words = f"You do not have the permission to delete the comment with id: {comment.id}"
        self._require_own(call.user, issue, comment.author, "DELETE", "COMMENTS", words)
        self._store.delete_comment(issue, comment)
        return no_content()

    # Files

    def attach(self, call: Call) -> Response:
        """Add the parts named ``file``; 200 with all that were added, also when that is none."""
        issue = self._issue(call)
        if call.headers.get("x-atlassian-token", "").lower() not in {"no-check", "nocheck"}:
            raise Refusal(403, "XSRF check failed")
        if not call.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            raise Refusal(415, "Unsupported Media Type")
        words = "You do not have permission to create attachments for this issue."
        self._store.require(call.user, issue.project, "CREATE_ATTACHMENTS", words)
        for file in call.files:
            self._check_file(file.filename, len(file.content))
        added = [
            self._store.attach(call.user, issue, each.filename, each.media_type, each.content) for each in call.files
        ]
        return answer([self._shapes.attachment(each) for each in added])

    def attachment(self, call: Call) -> Response:
        """Describe a file."""
        _, attachment = self._store.attachment(call.path["id"], call.user)
        shape = self._shapes.attachment(attachment)
        # A text everywhere else, a number here, says Cloud's own description.
        return answer(shape | ({"id": int(attachment.id)} if self._is_cloud else {}))

    def delete_attachment(self, call: Call) -> Response:
        """Delete a file."""
        issue, attachment = self._store.attachment(call.path["id"], call.user)
        words = f"You do not have permission to delete attachment with id: {attachment.id}"
        self._require_own(call.user, issue, attachment.author, "DELETE", "ATTACHMENTS", words)
        self._store.delete_attachment(call.user, issue, attachment)
        return no_content()

    def content(self, call: Call) -> Response:
        """Send whoever wants a file's content to where it lies (Cloud)."""
        _, attachment = self._store.attachment(call.path["id"], call.user)
        return Response(status_code=303, headers={"Location": self._shapes.download_address(attachment)})

    def download(self, call: Call) -> Response:
        """Send a file's content."""
        _, attachment = self._store.attachment(call.path["id"], call.user)
        if attachment.filename != call.path["filename"]:
            raise Refusal(404, "The attachment has another name")
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return Response(attachment.content, media_type=attachment.media_type, headers=headers)

    # Watchers

    def watchers(self, call: Call) -> Response:
        """List who watches an issue."""
        issue = self._issue(call)
        shown = [self._shapes.account(each) for each in issue.watchers]
        return answer(self._shapes.watches(issue, call.user) | {"watchers": shown})

    def watch(self, call: Call) -> Response:
        """Add a watcher: the body is a user as a JSON string (name, or account id on Cloud), or empty for oneself."""
        issue = self._issue(call)
        if not call.body.strip():
            account: Account | None = call.user
        else:
            given = call.json()
            account = self._store.site.person(given) if isinstance(given, str) else None
        if account is None or not self._store.may(account, issue.project, "BROWSE_PROJECTS"):
            raise Refusal(400, f'The user "{given}" does not have permission to view this issue.')
        self._require_managing(call, issue, account)
        if account.name not in issue.watchers:
            issue.watchers.append(account.name)
        return no_content()

    def unwatch(self, call: Call) -> Response:
        """Remove the watcher named by ``username``, on Cloud by ``accountId``."""
        issue = self._issue(call)
        name = call.argument("accountId" if self._is_cloud else "username")
        account = self._store.site.person(name) if name else None
        if account is None:
            raise Refusal(404, f"The user named '{name}' does not exist")
        self._require_managing(call, issue, account)
        if account.name in issue.watchers:
            issue.watchers.remove(account.name)
        return no_content()

    # Properties

    def property_keys(self, call: Call) -> Response:
        """List the keys of an issue's properties."""
        issue = self._issue(call)
        base = f"{self._url}{ISSUE}/{issue.id}/properties"
        return answer({"keys": [{"self": f"{base}/{key}", "key": key} for key in issue.properties]})

    def property(self, call: Call) -> Response:
        """Show a property."""
        issue, key = self._issue(call), call.path["property"]
        if key not in issue.properties:
            raise Refusal(404, f"The property with key '{key}' does not exist.")
        return answer({"key": key, "value": issue.properties[key]})

    def set_property(self, call: Call) -> Response:
        """Set a property: 201 when it is new, 200 when it replaces one."""
        issue, key = self._issue(call), call.path["property"]
        value = call.json()
        self._require_edit(call, issue)
        check_property(key, value)
        is_new = key not in issue.properties
        issue.properties[key] = value
        return Response(status_code=201 if is_new else 200)

    def delete_property(self, call: Call) -> Response:
        """Remove a property."""
        issue, key = self._issue(call), call.path["property"]
        self._require_edit(call, issue)
        if key not in issue.properties:
            raise Refusal(404, f"The property with key '{key}' does not exist.")
        del issue.properties[key]
        return no_content()

    def _issue(self, call: Call) -> Issue:
        return self._store.issue(call.path["key"], call.user)

    def _comment(self, call: Call, issue: Issue) -> Comment:
        for comment in issue.comments:
            if comment.id == call.path["id"]:
                return comment
        raise Refusal(404, f"Can not find a comment for the id: {call.path['id']}.")

    def _require_edit(self, call: Call, issue: Issue) -> None:
        words = "You do not have permission to edit issues in this project."
        self._store.require(call.user, issue.project, "EDIT_ISSUES", words)

    def _require_own(self, user: Account, issue: Issue, author: str, verb: str, things: str, words: str) -> None:
        """A thing of one's own needs the OWN permission, another's the ALL one."""
        own = user.name == author and self._store.may(user, issue.project, f"{verb}_OWN_{things}")
        if not own and not self._store.may(user, issue.project, f"{verb}_ALL_{things}"):
            raise Refusal(403, words)

    def _require_managing(self, call: Call, issue: Issue, account: Account) -> None:
        if account.name != call.user.name:
            words = "You do not have permission to manage the watcher list."
            self._store.require(call.user, issue.project, "MANAGE_WATCHERS", words)

    def _check_file(self, name: str, size: int) -> None:
        for character in name:
            if character in BAD_IN_FILENAME or not character.isprintable():
                raise Refusal(400, f"The filename contains the invalid character {character!r}.")
        if not 0 < len(name) <= LONGEST_FILENAME:
            raise Refusal(400, f"A filename must have 1 to {LONGEST_FILENAME} characters.")
        if size > self._upload_limit:
            raise Refusal(413, f"The file '{name}' exceeds its maximum permitted size of {self._upload_limit} bytes.")


def _comment_body(call: Call) -> tuple[str, JsonObject | None, list[JsonObject]]:
    body = call.json_object()
    unknown = body.keys() - {"body", "visibility", "properties"}
    if unknown:
        raise Refusal(400, f'Unrecognized field "{min(unknown)}" (Class CommentJsonBean), not marked as ignorable')
    visibility, properties = body.get("visibility"), body.get("properties") or []
    if visibility is not None and (not isinstance(visibility, dict) or visibility.get("type") not in {"role", "group"}):
        raise bad_field("commentLevel", "A visibility has the type role or group, and a value.")
    if not isinstance(properties, list) or not all(isinstance(each, dict) for each in properties):
        raise Refusal(400, "properties must be an array of objects")
    try:
        return read_comment(body.get("body")), visibility, properties
    except BadValue as bad:
        raise bad_field("comment", str(bad)) from bad
