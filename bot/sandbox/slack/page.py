"""The workspace as a web page, for a person in a browser: a channel, its threads, modals and the Home tab.

Every control is a plain form; a script only submits a changed one at once and reloads when something new came.
"""

import hashlib
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from starlette.datastructures import FormData, UploadFile

from bot.sandbox.slack.controls import Control, controls, options_of, shown_state
from bot.sandbox.slack.entities import JsonObject, Message, View
from bot.sandbox.slack.mrkdwn_html import mrkdwn_html
from bot.sandbox.slack.people import People
from bot.sandbox.slack.workspace import Workspace

_FAILURES_SHOWN = 3


class Page:
    """Renders the page of one user and turns its forms into acts."""

    def __init__(self, workspace: Workspace, people: People, command: str) -> None:
        self._workspace = workspace
        self._people = people
        self._command = command
        templates = Environment(loader=PackageLoader("bot.sandbox.slack"), autoescape=True)
        self._template = templates.get_template("page.html")

    def version(self, user: str, channel: str) -> str:
        """A digest that changes with what the page shows."""
        return hashlib.sha256(self._rendered(user, channel, "", "").encode()).hexdigest()

    def render(self, user: str, channel: str, trouble: str = "") -> str:
        """The whole page."""
        return self._rendered(user, channel, trouble, self.version(user, channel))

    def reader_of(self, channel: str, visitor: str) -> str:
        """Who to look at a conversation as: the visitor where they are in it, else its first human member."""
        with self._workspace.locked():
            members = self._workspace.channels[channel].members
            return visitor if visitor in members else next(m for m in members if not self._workspace.users[m].is_bot)

    def _rendered(self, user: str, channel: str, trouble: str, version: str) -> str:
        workspace = self._workspace
        with workspace.locked():
            shown = self._people.conversation(user, channel)
            roots = [m for m in workspace.root_messages(shown.id, user) if not m.broadcast]
            stack = workspace.modals.get(user, [])
            home = workspace.homes.get(user)
            failures = [f for f in workspace.failures if f.user == user][-_FAILURES_SHOWN:]
            return self._template.render(
                user=workspace.users[user],
                people=[person for person in workspace.users.values() if not person.is_bot],
                channel=shown,
                channels=[c for c in workspace.channels.values() if user in c.members],
                conversations=[self._conversation(message, user) for message in roots],
                modal=stack[-1] if stack else None,
                modal_blocks=self._drawn(stack[-1].blocks, stack[-1].selections) if stack else [],
                home=home,
                home_blocks=self._drawn(home.blocks, home.selections) if home else [],
                command=self._command,
                failures=failures,
                trouble=trouble,
                version=version,
                text=self._text,
            )

    def _conversation(self, message: Message, user: str) -> JsonObject:
        replies = self._workspace.thread(message.channel, message.ts, user)
        return {
            "root": self._message(message, user),
            "replies": [self._message(reply, user) for reply in replies if reply.ts != message.ts],
        }

    def _message(self, message: Message, user: str) -> JsonObject:
        author = self._workspace.users[message.author]
        selections = self._workspace.selections.get((message.ts, user), {})
        return {
            "ts": message.ts,
            "author": author.real_name,
            "by_app": message.by_app,
            "at": message.versions[0].at,
            "edited": len(message.versions) > 1,
            "ephemeral": message.ephemeral_to is not None,
            "content": message.current.text,
            "blocks": self._drawn(message.current.blocks, selections),
            "files": message.files,
            "reactions": message.reactions,
        }

    @staticmethod
    def _drawn(blocks: list[JsonObject], selections: dict[str, dict[str, JsonObject]]) -> list[JsonObject]:
        """Blocks with their controls worked out: what each offers and what is chosen."""
        drawn = []
        for block in blocks:
            found = [
                {
                    "control": control,
                    "options": options_of(control.element),
                    "chosen": _chosen(shown_state(control, selections)),
                }
                for control in controls([block])
            ]
            drawn.append({"block": block, "controls": found})
        return drawn

    def _text(self, value: JsonObject | str | None) -> Markup:
        """A text object or message text as HTML."""
        if not value:
            return Markup("")
        if isinstance(value, dict) and value["type"] == "plain_text":
            return Markup("{}").format(value["text"])
        names = {user.id: user.real_name for user in self._workspace.users.values()}
        names |= {channel.id: channel.name for channel in self._workspace.channels.values()}
        return mrkdwn_html(value["text"] if isinstance(value, dict) else value, names)

    async def use(self, deed: str, user: str, channel: str, form: FormData) -> str:
        """Do what a submitted form says; return what to tell the user, nothing when it went well."""
        given = {name: value for name, value in form.items() if isinstance(value, str)}
        try:
            outcome = await self._done(deed, user, channel, given, form)
        except LookupError as absent:
            return f"That is no longer shown: {absent.args[0] if absent.args else ''}"
        return str(outcome["error"] or "")

    async def _done(self, deed: str, user: str, channel: str, given: dict[str, str], form: FormData) -> JsonObject:
        if deed == "say":
            text = given.get("text", "").strip()
            word, _, rest = text.partition(" ")
            if word == self._command and not given.get("thread_ts"):
                return await self._people.command(user, channel, word, rest.strip())
            dropped = [file for file in form.getlist("file") if isinstance(file, UploadFile) and file.filename]
            files = [(file.filename or "", await file.read()) for file in dropped]
            if not text and not files:
                raise LookupError("nothing was written")
            return await self._people.say(user, channel, text, given.get("thread_ts") or None, files)
        if deed == "home":
            return await self._people.open_home(user)
        if deed == "close":
            return await self._people.close(user)
        if deed in {"enter", "submit"}:
            return await self._modal(deed, user, form)
        return await self._clicked(user, channel, given, form)

    async def _clicked(self, user: str, channel: str, given: dict[str, str], form: FormData) -> JsonObject:
        kind = given["kind"]
        element: dict[str, Any] = {"action_id": given["action_id"], "block_id": given["block_id"]}
        value: Any = given.get("value")
        if kind == "checkboxes" or kind.startswith("multi_"):
            value = [str(each) for each in form.getlist("value")]
        elif kind == "button":
            value = value or None
        deed = "click" if kind == "button" else "choose"
        if "view_id" in given:
            return await self._people.act_on_view(user, deed, view_id=given["view_id"], value=value, **element)
        return await self._people.act_on_message(user, channel, given["ts"], deed, value=value, **element)

    async def _modal(self, deed: str, user: str, form: FormData) -> JsonObject:
        """Enter what changed, as a person would have field by field; then submit if that was asked."""
        view = self._people.view_of(user, str(form.get("view_id", "")))
        outcome: JsonObject = {"error": None}
        for control in list(controls(view.blocks)):
            name = f"{control.block_id}/{control.action_id}"
            if control.type == "file_input":
                outcome = await self._entered_files(control, user, view, form.getlist(name)) or outcome
                continue
            if control.type == "button" or (name not in form and not _may_be_empty(control)):
                continue
            values = [str(value) for value in form.getlist(name)]
            before = _chosen(shown_state(control, view.selections))
            if sorted(filter(None, values)) == sorted(before):
                continue
            many = control.type == "checkboxes" or control.type.startswith("multi_")
            entry: Any = [value for value in values if value] if many else (values[0] if values else "")
            if not many and entry == "" and options_of(control.element):
                entry = None
            outcome = await self._people.act_on_view(
                user,
                "choose",
                view_id=view.id,
                block_id=control.block_id,
                action_id=control.action_id,
                value=entry,
            )
            if outcome["error"]:
                return outcome
        return await self._people.submit(user, view.id) if deed == "submit" else outcome

    async def _entered_files(
        self, control: Control, user: str, view: View, given: list[UploadFile | str]
    ) -> JsonObject | None:
        picked = [file for file in given if isinstance(file, UploadFile) and file.filename]
        if not picked:
            return None
        files = [(file.filename or "", await file.read()) for file in picked]
        return await self._people.act_on_view(
            user, "choose", view_id=view.id, block_id=control.block_id, action_id=control.action_id, value=files
        )


def _may_be_empty(control: Control) -> bool:
    """A form sends nothing for boxes and lists with nothing chosen."""
    return control.type == "checkboxes" or control.type.startswith("multi_")


def _chosen(state: JsonObject | None) -> list[str]:
    """The values that a state holds, as a form would send them."""
    if state is None:
        return []
    held = next((value for name, value in state.items() if name != "type"), None)
    many = held if isinstance(held, list) else [held]
    return [
        str(each.get("value", each.get("name")) if isinstance(each, dict) else each)
        for each in many
        if each is not None
    ]


def page_routes(page: Page, *, user: str, channel: str) -> APIRouter:
    """The page's routes; ``user`` and ``channel`` are those of a visitor who names none."""
    router = APIRouter()

    def where(request: Request) -> dict[str, str]:
        query = request.query_params
        return {"user": query.get("user") or user, "channel": query.get("channel") or channel}

    @router.get("/", response_model=None)
    async def show(request: Request) -> Response:
        return HTMLResponse(page.render(**where(request), trouble=request.query_params.get("trouble", "")))

    @router.get("/page/version")
    async def version(request: Request) -> JSONResponse:
        return JSONResponse(page.version(**where(request)))

    @router.post("/page/{deed}", response_model=None)
    async def use(request: Request, deed: str) -> Response:
        place = where(request)
        async with request.form() as form:
            trouble = await page.use(deed, place["user"], place["channel"], form)
        query = place | ({"trouble": trouble} if trouble else {})
        return RedirectResponse(f"/?{urlencode(query)}", status_code=303)

    @router.get("/archives/{where_posted}/{message}", response_model=None)
    async def permalink(where_posted: str, message: str) -> Response:
        digits = message.removeprefix("p")
        place = {"user": page.reader_of(where_posted, user), "channel": where_posted}
        return RedirectResponse(f"/?{urlencode(place)}#{digits[:-6]}.{digits[-6:]}", 303)

    return router
