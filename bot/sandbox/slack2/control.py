"""The people's own door, for a player in another process, and a page for a person in a browser.

``/_sandbox/command|act|choose|submit`` take JSON and do what the person would in Slack's client (``Deeds``);
``/_sandbox/messages|view|state`` show what there is; ``/_sandbox/faults`` asks for trouble.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.sandbox.faults import Fault, Faults
from bot.sandbox.slack2.deeds import Deeds
from bot.sandbox.slack2.delivery import NotAnswered
from bot.sandbox.slack2.entities import JsonObject
from bot.sandbox.slack2.methods import shown_view
from bot.sandbox.slack2.page import PAGE
from bot.sandbox.slack2.workspace import Workspace

Handler = Callable[[Request], Awaitable[Response]]


def control_routes(workspace: Workspace, deeds: Deeds, faults: Faults, channel: str) -> list[Route]:
    """Return the routes of the people's door."""
    page = Environment(autoescape=True).from_string(PAGE)

    async def command(request: Request) -> Response:
        given = await request.json()
        return JSONResponse(
            await deeds.command(given["user"], given["text"], channel=channel, repeat=given.get("repeat", False))
        )

    async def act(request: Request) -> Response:
        given = await request.json()
        user = given.pop("user")
        return JSONResponse(await deeds.act(user, channel=channel, **given))

    async def choose(request: Request) -> Response:
        given = await request.json()
        return JSONResponse(await deeds.choose(given["user"], given["view_id"], given["block_id"], given["value"]))

    async def submit(request: Request) -> Response:
        given = await request.json()
        return JSONResponse(
            await deeds.submit(given["user"], given["view_id"], given["values"], repeat=given.get("repeat", False))
        )

    async def messages(request: Request) -> Response:
        user, ts = request.query_params["user"], request.query_params.get("thread_ts")
        with workspace.locked():
            found = workspace.thread(channel, ts, user) if ts else workspace.root_messages(channel, user)
            shown = [
                message.as_json(metadata=True)
                | {"ephemeral": message.ephemeral_to is not None, "versions": len(message.versions)}
                for message in found
            ]
        return JSONResponse(shown)

    async def view(request: Request) -> Response:
        stack = [each for each in workspace.modals.get(request.query_params["user"], []) if each.is_open]
        return JSONResponse(shown_view(workspace, stack[-1]) if stack else None)

    async def state(request: Request) -> Response:
        del request
        with workspace.locked():
            return JSONResponse(_state(workspace))

    async def add_faults(request: Request) -> Response:
        faults.extend(Fault(**given) for given in await request.json())
        return JSONResponse({"ok": True})

    async def show(request: Request) -> Response:
        user = request.query_params.get("user", "U0MANAGER")
        with workspace.locked():
            roots = workspace.root_messages(channel, user)
            threads = [(message, workspace.thread(channel, message.ts, user)[1:]) for message in roots]
            stack = [each for each in workspace.modals.get(user, []) if each.is_open]
        content = page.render(user=user, people=workspace.users.values(), threads=threads, modal=stack[-1:])
        return HTMLResponse(content)

    async def use(request: Request) -> Response:
        """A form of the page: a button, a selection, a modal, the command."""
        form = await request.form()
        given = {name: str(form[name]) for name in form if isinstance(form[name], str)}
        user, deed = given.pop("_user"), given.pop("_deed")
        match deed:
            case "command":
                await deeds.command(user, given["text"].removeprefix("/onboard").strip(), channel=channel)
            case "act":
                kind, value = given.get("kind"), form.getlist("value")
                chosen: Any = [str(each) for each in value] if kind == "checkboxes" else str(form.get("value", ""))
                await deeds.act(
                    user,
                    channel=channel,
                    ts=given["ts"],
                    block_id=given["block_id"],
                    action_id=given["action_id"],
                    value=chosen,
                )
            case _:
                view_id = given.pop("_view")
                await deeds.submit(user, view_id, given)
        return RedirectResponse(f"/?user={user}", status_code=303)

    routes: list[tuple[str, Handler, str]] = [
        ("/_sandbox/command", command, "POST"),
        ("/_sandbox/act", act, "POST"),
        ("/_sandbox/choose", choose, "POST"),
        ("/_sandbox/submit", submit, "POST"),
        ("/_sandbox/messages", messages, "GET"),
        ("/_sandbox/view", view, "GET"),
        ("/_sandbox/state", state, "GET"),
        ("/_sandbox/faults", add_faults, "POST"),
        ("/", show, "GET"),
        ("/", use, "POST"),
    ]
    return [Route(path, _in_words(handler), methods=[method]) for path, handler, method in routes]


def _in_words(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except LookupError as absent:
            return JSONResponse({"error": "lookup", "text": str(absent)}, status_code=404)
        except NotAnswered as silence:
            return JSONResponse({"error": "not_answered", "text": str(silence)}, status_code=504)

    return answer


def _state(workspace: Workspace) -> JsonObject:
    return {
        "messages": [
            message.as_json(metadata=True)
            | {
                "channel": message.channel,
                "ephemeral_to": message.ephemeral_to,
                "deleted": message.deleted,
                "versions": len(message.versions),
            }
            for message in workspace.messages
        ],
        "views": [shown_view(workspace, view) | {"is_open": view.is_open} for view in workspace.views.values()],
        "warnings": list(workspace.warnings),
        "failures": [asdict(failure) for failure in workspace.failures],
        "calls": [
            {"method": call.method, "arguments": call.arguments, "status": call.status, "error": call.body.get("error")}
            for call in workspace.calls
        ],
    }
