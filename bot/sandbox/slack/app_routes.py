"""The addresses an app talks to: Web API, sockets, response URLs, uploads and downloads."""

import json

from fastapi import APIRouter, Request, WebSocket
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from bot.sandbox.slack.answers import post_answer
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.socket_mode import SocketMode
from bot.sandbox.slack.web_api import WebApi
from bot.sandbox.slack.workspace import Workspace

_EXPIRED = frozenset({"invalid_url", "expired_url", "used_url"})


def app_routes(workspace: Workspace, web_api: WebApi, sockets: SocketMode) -> APIRouter:
    """Return the router."""
    router = APIRouter()
    router.include_router(_files(workspace, web_api))

    @router.api_route("/api/{method}", methods=["GET", "POST"], response_model=None)
    async def api(request: Request, method: str) -> Response:
        return await web_api.answer(request, method)

    @router.websocket("/link/")
    async def link(websocket: WebSocket, ticket: str = "") -> None:
        await sockets.serve(websocket, ticket)

    @router.post("/response/{link_id}", response_model=None)
    async def respond(request: Request, link_id: str) -> Response:
        try:
            body = json.loads(await request.body())
        except ValueError:
            return PlainTextResponse("invalid_payload", 400)
        if not isinstance(body, dict):
            return PlainTextResponse("invalid_payload", 400)
        try:
            with workspace.locked():
                post_answer(workspace, workspace.use_response_url(link_id), body)
        except SlackError as refusal:
            return JSONResponse(refusal.as_json(), 404 if refusal.code in _EXPIRED else 400)
        return PlainTextResponse("ok")

    return router


def _files(workspace: Workspace, web_api: WebApi) -> APIRouter:
    router = APIRouter()

    @router.post("/upload/v1/{file_id}", response_model=None)
    async def upload(request: Request, file_id: str) -> Response:
        announced = workspace.uploads.get(file_id)
        if announced is None or announced.content is not None:
            return PlainTextResponse("no such upload", 404)
        content = await _content(request)
        if len(content) != announced.length:
            return PlainTextResponse(f"announced {announced.length} bytes, got {len(content)}", 400)
        announced.content = content
        return PlainTextResponse(f"OK - {len(content)}")

    @router.get("/files/{file_id}/{name}", response_model=None)
    async def download(request: Request, file_id: str, name: str) -> Response:
        file = workspace.uploads.get(file_id)
        if not web_api.may_download(request.headers.get("authorization", "")):
            # Without a token or the scope real Slack shows its sign-in page, which apps mistake for the file.
            return Response("<!doctype html><title>Sign in | Slack</title>", media_type="text/html")
        if file is None or file.content is None or file.name != name or not workspace.app_sees(file) or file.deleted:
            return PlainTextResponse("not found", 404)
        return Response(file.content, media_type="application/octet-stream")

    return router


async def _content(request: Request) -> bytes:
    """The bytes of an upload, sent raw or as the one file of a multipart form."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body()
    async with request.form() as form:
        for part in form.values():
            if not isinstance(part, str):
                return await part.read()
    return b""
