"""What every answer and every request goes through: headers that keep a page to itself, and a limit on bodies."""

from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex, nofollow",
}

PAGE_BODY = 1024 * 1024
# Slack's and Jira's own payloads are larger than anything that a person types.
WEBHOOK_BODY = 8 * 1024 * 1024
WEBHOOKS = ("/slack/", "/jira/")

# A browser shows an early answer only once its upload is over: an oversized body is read to here and thrown away.
THROWN_AWAY = 64 * 1024 * 1024


class ProtectiveHeaders:
    """Adds the headers to every answer; an answer that says nothing about caching is not to be stored."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add to what comes back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)


class BodyLimit:
    """Reads each request's body up to its limit before anything else sees it; ``refuse`` answers a larger one."""

    def __init__(self, app: ASGIApp, refuse: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body in memory, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = WEBHOOK_BODY if scope["path"].startswith(WEBHOOKS) else PAGE_BODY
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > THROWN_AWAY:
            await self._refuse(scope, receive, send)
            return
        body = await _read(receive, limit)
        if body is None:
            await self._refuse(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)


async def _read(receive: Receive, limit: int) -> bytes | None:
    """Return the body, None when it is over the limit."""
    body, seen, more = bytearray(), 0, True
    while more and seen <= THROWN_AWAY:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        piece = message.get("body", b"")
        seen += len(piece)
        if seen <= limit:
            body += piece
        more = message.get("more_body", False)
    return bytes(body) if seen <= limit else None


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a source that gives the body once, then what the connection itself says."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
