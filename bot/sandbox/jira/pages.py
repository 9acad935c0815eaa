"""The site for a person in a browser: the list of issues, an issue with its comments, buttons for the workflow."""

from collections.abc import Callable
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.sandbox.jira.changes import read_comment
from bot.sandbox.jira.entities import Account, Field, Issue, Named
from bot.sandbox.jira.refusals import Refusal, bad_field
from bot.sandbox.jira.shapes import Shapes
from bot.sandbox.jira.site import DATABASE_MEMBER
from bot.sandbox.jira.store import JiraStore
from bot.sandbox.jira.values import BadValue

Action = Callable[[Account, Issue, FormData], None]


class Pages:
    """Answers ``/`` and ``/browse/<KEY>``. There is no login: the form says who acts."""

    def __init__(self, store: JiraStore, shapes: Shapes) -> None:
        self._store = store
        self._shapes = shapes
        self._templates = Environment(
            loader=PackageLoader("bot.sandbox.jira"), autoescape=True, undefined=StrictUndefined
        )

    def routes(self) -> list[Route]:
        """The table of addresses."""
        return [
            Route("/", self.list_issues),
            Route("/browse/{key}", self.show_issue),
            Route("/browse/{key}/attachment/{id}", self.download),
            self._form("comment", self._comment),
            self._form("transition", self._transition),
            self._form("assign", self._assign),
        ]

    async def list_issues(self, request: Request) -> Response:
        """Show all issues, by project."""
        del request
        with self._store.lock:
            page = self._templates.get_template("issues.html").render(
                projects=[
                    (project, [each for each in reversed(self._store.issues.values()) if each.project is project])
                    for project in self._store.site.projects
                ],
                name_of=self._name_of,
            )
        return HTMLResponse(page)

    async def show_issue(self, request: Request) -> Response:
        """Show one issue."""
        with self._store.lock:
            issue = self._store.issues.get(request.path_params["key"].upper())
            if issue is None:
                return self._page_of_error(Refusal(404, "There is no such issue."), "/")
            page = self._templates.get_template("issue.html").render(
                issue=issue,
                fields=[
                    (each.name, self._text_of(issue, each))
                    for each in self._store.site.fields
                    if each.id in issue.project.create_screen and each.id not in {"summary", "issuetype", "description"}
                ],
                transitions=self._store.transitions(issue),
                resolutions=self._store.site.resolutions,
                family=[
                    *([self._store.issues[issue.parent]] if issue.parent else []),
                    *self._store.subtasks_of(issue),
                ],
                links=[self._shapes.link(each, issue) for each in self._store.links_of(issue)],
                accounts=self._store.site.accounts,
                acting=DATABASE_MEMBER.name,
                name_of=self._name_of,
            )
        return HTMLResponse(page)

    async def download(self, request: Request) -> Response:
        """Send an attached file, always to be saved and never shown as a page of this site."""
        with self._store.lock:
            issue = self._store.issues.get(request.path_params["key"].upper())
            for attachment in issue.attachments if issue else ():
                if attachment.id == request.path_params["id"]:
                    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
                    return Response(attachment.content, media_type="application/octet-stream", headers=headers)
        return self._page_of_error(Refusal(404, "There is no such file."), "/")

    def _form(self, name: str, action: Action) -> Route:
        async def submit(request: Request) -> Response:
            key = request.path_params["key"].upper()
            if not _is_from_here(request):
                return self._page_of_error(Refusal(403, "This form was sent by another site."), f"/browse/{key}")
            form = await request.form()
            try:
                with self._store.lock:
                    account = self._acting(form)
                    action(account, self._store.issue(key, account), form)
                    self._store.index_changes()
            except Refusal as refused:
                return self._page_of_error(refused, f"/browse/{key}")
            # 303 makes a reload show the issue instead of sending the form again.
            return RedirectResponse(f"/browse/{key}", 303)

        return Route(f"/browse/{{key}}/{name}", submit, methods=["POST"])

    def _acting(self, form: FormData) -> Account:
        account = self._store.site.account(str(form.get("user", "")))
        if account is None:
            raise Refusal(400, "Say who you are.")
        return account

    def _comment(self, account: Account, issue: Issue, form: FormData) -> None:
        self._store.require(account, issue.project, "ADD_COMMENTS", "You may not comment on this issue.")
        self._store.comment(account, issue, _comment_text(form))

    def _assign(self, account: Account, issue: Issue, form: FormData) -> None:
        del form
        self._store.require(account, issue.project, "ASSIGN_ISSUES", "You may not assign this issue.")
        self._store.edit(account, issue, {"assignee": account.name})

    def _transition(self, account: Account, issue: Issue, form: FormData) -> None:
        self._store.require(account, issue.project, "TRANSITION_ISSUES", "You may not move this issue.")
        step = next((each for each in self._store.transitions(issue) if each.id == form.get("transition")), None)
        if step is None:
            raise Refusal(409, "Somebody moved this issue meanwhile: that is no longer possible.")
        chosen = next((each for each in self._store.site.resolutions if each.id == form.get("resolution")), None)
        if step.asks_resolution and chosen is None:
            raise bad_field("resolution", "Choose a resolution.")
        text = _comment_text(form) if str(form.get("comment", "")).strip() else None
        self._store.transition(account, issue, step, chosen if step.asks_resolution else None)
        if text is not None:
            self._store.comment(account, issue, text)

    def _page_of_error(self, refused: Refusal, back: str) -> Response:
        reasons = [*refused.messages, *refused.errors.values()]
        page = self._templates.get_template("refused.html").render(reasons=reasons, back=back)
        return HTMLResponse(page, refused.status)

    def _name_of(self, name: str | None) -> str:
        account = self._store.site.account(name) if name else None
        return account.display_name if account else "Nobody"

    def _text_of(self, issue: Issue, field: Field) -> str:
        value = issue.values.get(field.id)
        if field.kind == "user":
            return self._name_of(value)
        listed = value if isinstance(value, list) else [] if value is None else [value]
        return ", ".join(each.name if isinstance(each, Named) else str(each) for each in listed)


def _comment_text(form: FormData) -> str:
    try:
        # A browser sends line ends as CR LF.
        return read_comment(str(form.get("comment", "")).replace("\r\n", "\n"))
    except BadValue as bad:
        raise bad_field("comment", str(bad)) from bad


def _is_from_here(request: Request) -> bool:
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
