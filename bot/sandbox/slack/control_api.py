"""The control API under ``/_sandbox``: what a person's Slack client does, for another process; and a view inside.

Bodies and answers are JSON. Acts answer ``{error, messages, errors, closed, view}``: ``error`` is what the client
shows when the app did not acknowledge (``operation_timeout``, ``dispatch_failed``, ``invalid_command_response``,
``invalid_response``), ``messages`` are new messages that answer the act, ``errors`` maps block ids of a submitted
view to complaints, ``closed`` says whether the view is gone, ``view`` is the modal now on top. Acting on what is not
shown answers 404 ``{"lookup": "why"}``.

==========================================  =====================================================================
``GET  /_sandbox/state``                    messages (all versions' number, metadata), views, homes, warnings,
                                            failures, calls, sockets
``POST /_sandbox/faults``                   ``[{operation, kind, times, seconds, status}]``; an empty list clears
``POST /_sandbox/sockets``                  ``{"action": "drop" | "disconnect"}``
``GET  /_sandbox/people/U/messages``        ``?channel=C``: the channel as U sees it, oldest first
``GET  /_sandbox/people/U/thread``          ``?channel=C&ts=T``: a thread, parent first
``GET  /_sandbox/people/U/view``            the topmost modal or null
``GET  /_sandbox/people/U/home``            the Home tab or null
``POST /_sandbox/people/U/command``         ``{command, text, channel, repeat}``
``POST /_sandbox/people/U/say``             ``{channel, text, thread_ts, files: [{name, base64}]}``
``POST /_sandbox/people/U/home``            open the Home tab (``app_home_opened``)
``POST /_sandbox/people/U/shortcut``        ``{callback_id, repeat}``, and ``{channel, ts}`` on a message
``POST /_sandbox/people/U/act``             ``{deed: click | tick | untick | choose, action_id, block_id, value,
                                            files: [{name, base64}], repeat}`` and ``{channel,
                                            ts, version}`` for a message or ``{view_id}``
                                            for a view (null: the topmost modal)
``POST /_sandbox/people/U/submit``          ``{view_id, repeat}``
``POST /_sandbox/people/U/close``           ``{view_id}``
==========================================  =====================================================================
"""

from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import Base64Bytes, BaseModel, ConfigDict

from bot.sandbox.faults import Fault, FaultKind, Faults
from bot.sandbox.slack.entities import JsonObject
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.methods.modals import view_json
from bot.sandbox.slack.people import People, visible
from bot.sandbox.slack.socket_mode import SocketMode
from bot.sandbox.slack.workspace import Workspace


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FaultBody(_Body):
    """A fault to inject, as in ``bot.sandbox.faults``."""

    operation: str
    kind: FaultKind
    times: int = 1
    seconds: float = 1.0
    status: int = 503


class SocketsBody(_Body):
    """What to do with the open sockets."""

    action: Literal["drop", "disconnect"]


class CommandBody(_Body):
    """A slash command."""

    command: str
    channel: str
    text: str = ""
    repeat: bool = False


class FileBody(_Body):
    """A file dropped into a conversation."""

    name: str
    base64: Base64Bytes


class SayBody(_Body):
    """A message by a person."""

    channel: str
    text: str = ""
    thread_ts: str | None = None
    files: list[FileBody] = []


class ActBody(_Body):
    """A click or choice, in a message (``channel`` and ``ts``) or a view."""

    deed: Literal["click", "tick", "untick", "choose"]
    action_id: str | None = None
    block_id: str | None = None
    value: Any = None
    files: list[FileBody] = []
    repeat: bool = False
    channel: str | None = None
    ts: str | None = None
    version: int = -1
    view_id: str | None = None


class ShortcutBody(_Body):
    """A shortcut, used on a message where one is named."""

    callback_id: str
    channel: str | None = None
    ts: str | None = None
    repeat: bool = False


class ViewBody(_Body):
    """Which view to submit or close; the topmost modal without an id."""

    view_id: str | None = None
    repeat: bool = False


def add_control_api(app: FastAPI, workspace: Workspace, people: People, faults: Faults, sockets: SocketMode) -> None:
    """Register the routes."""
    app.include_router(_inside(workspace, faults, sockets))
    app.include_router(_reading(workspace, people))
    app.include_router(_acting(people))

    async def not_shown(_request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"lookup": str(error.args[0]) if error.args else ""}, 404)

    app.add_exception_handler(LookupError, not_shown)
    app.add_exception_handler(SlackError, not_shown)


def _inside(workspace: Workspace, faults: Faults, sockets: SocketMode) -> APIRouter:
    router = APIRouter(prefix="/_sandbox")

    @router.get("/state")
    async def state() -> JsonObject:
        return workspace_state(workspace) | {"sockets": sockets.connected}

    @router.post("/faults")
    async def inject(wanted: list[FaultBody]) -> JsonObject:
        if not wanted:
            faults.clear()
        faults.extend(Fault(**fault.model_dump()) for fault in wanted)
        return {"ok": True}

    @router.post("/sockets")
    async def cut(body: SocketsBody) -> JsonObject:
        if body.action == "drop":
            sockets.drop()
        else:
            await sockets.disconnect()
        return {"ok": True}

    return router


def _reading(workspace: Workspace, people: People) -> APIRouter:
    router = APIRouter(prefix="/_sandbox/people/{user}")

    @router.get("/messages")
    async def messages(user: str, channel: str) -> list[JsonObject]:
        with workspace.locked():
            id_ = people.conversation(user, channel).id
            return visible(workspace, user, workspace.root_messages(id_, user))

    @router.get("/thread")
    async def thread(user: str, channel: str, ts: str) -> list[JsonObject]:
        with workspace.locked():
            id_ = people.conversation(user, channel).id
            return visible(workspace, user, workspace.thread(id_, ts, user))

    @router.get("/view")
    async def view(user: str) -> JsonObject | None:
        with workspace.locked():
            stack = workspace.modals.get(people.person(user).id)
            return view_json(stack[-1]) | {"errors": stack[-1].errors} if stack else None

    @router.get("/home")
    async def home(user: str) -> JsonObject | None:
        with workspace.locked():
            shown = workspace.homes.get(people.person(user).id)
            return view_json(shown) if shown else None

    @router.post("/home")
    async def open_home(user: str) -> JsonObject:
        return await people.open_home(user)

    return router


def _acting(people: People) -> APIRouter:
    router = APIRouter(prefix="/_sandbox/people/{user}")

    @router.post("/command")
    async def command(user: str, body: CommandBody) -> JsonObject:
        return await people.command(user, body.channel, body.command, body.text, repeat=body.repeat)

    @router.post("/say")
    async def say(user: str, body: SayBody) -> JsonObject:
        files = [(file.name, file.base64) for file in body.files]
        return await people.say(user, body.channel, body.text, body.thread_ts, files)

    @router.post("/act")
    async def act(user: str, body: ActBody) -> JsonObject:
        what: dict[str, Any] = body.model_dump(include={"action_id", "block_id", "value", "repeat"})
        if body.files:
            what["value"] = [(file.name, file.base64) for file in body.files]
        if body.channel is not None and body.ts is not None:
            return await people.act_on_message(user, body.channel, body.ts, body.deed, version=body.version, **what)
        return await people.act_on_view(user, body.deed, view_id=body.view_id, **what)

    @router.post("/shortcut")
    async def shortcut(user: str, body: ShortcutBody) -> JsonObject:
        return await people.shortcut(user, body.callback_id, channel=body.channel, ts=body.ts, repeat=body.repeat)

    @router.post("/submit")
    async def submit(user: str, body: ViewBody) -> JsonObject:
        return await people.submit(user, body.view_id, repeat=body.repeat)

    @router.post("/close")
    async def close(user: str, body: ViewBody) -> JsonObject:
        return await people.close(user, body.view_id)

    return router


def workspace_state(workspace: Workspace) -> JsonObject:
    """Everything in the workspace, as JSON."""
    with workspace.locked():
        return {
            "channels": [channel.as_json() for channel in workspace.channels.values()],
            "users": [user.as_json() for user in workspace.users.values()],
            "messages": [
                message.as_json(metadata=True)
                | {
                    "channel": message.channel,
                    "versions": len(message.versions),
                    "ephemeral_to": message.ephemeral_to,
                    "deleted": message.deleted,
                }
                for message in workspace.messages
            ],
            "views": [view_json(view) for view in workspace.views.values() if view.is_open],
            "warnings": list(workspace.warnings),
            "failures": [asdict(failure) for failure in workspace.failures],
            "calls": [asdict(call) for call in workspace.calls],
        }
