"""Bringing what people do to the app: over its websockets, or by signed HTTP; each wants an answer within 3 seconds."""

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Literal
from urllib.parse import urlencode

import requests
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.sandbox.faults import Faults
from bot.sandbox.slack2.entities import JsonObject

Kind = Literal["slash_commands", "interactive", "events_api"]

ACK_SECONDS = 3.0
SOCKETS_AT_MOST = 10


class NotAnswered(Exception):
    """The app did not answer in time, or not at all; the text is what Slack's client shows."""


@dataclass
class Sockets:
    """The app's open websockets; each envelope goes to one of them, in turn."""

    faults: Faults
    tickets: set[str] = field(default_factory=set)
    _open: list[WebSocket] = field(default_factory=list)
    _waiting: dict[str, asyncio.Future[JsonObject]] = field(default_factory=dict)
    _turn: int = 0

    def new_ticket(self) -> str:
        """A ticket for one connection."""
        ticket = token_hex(16)
        self.tickets.add(ticket)
        return ticket

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    async def serve(self, socket: WebSocket) -> None:
        """Keep one websocket until it is closed."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self.tickets or self.count >= SOCKETS_AT_MOST:
            await socket.close(code=4000)
            return
        self.tickets.discard(ticket)
        await socket.accept()
        self._open.append(socket)
        hello = {"type": "hello", "num_connections": self.count, "connection_info": {"app_id": "A0SANDBOX"}}
        try:
            await socket.send_text(json.dumps(hello))
            while True:
                self._answered(json.loads(await socket.receive_text()))
        except (WebSocketDisconnect, ValueError, RuntimeError):
            return
        finally:
            if socket in self._open:
                self._open.remove(socket)

    async def deliver(self, kind: Kind, payload: JsonObject) -> JsonObject:
        """Send an envelope and return the payload of its acknowledgement. Raises NotAnswered."""
        if not self._open:
            raise NotAnswered("the app has no open websocket")
        self._turn += 1
        socket = self._open[self._turn % len(self._open)]
        fault = self.faults.take("socket:deliver")
        if fault is not None and fault.kind == "drop_before":
            await socket.close()
            raise NotAnswered("the connection was cut")
        envelope_id = token_hex(16)
        envelope = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        answer: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = answer
        try:
            await socket.send_text(json.dumps(envelope))
            if fault is not None and fault.kind == "drop_after":
                await socket.close()
            return await asyncio.wait_for(answer, ACK_SECONDS)
        except (TimeoutError, WebSocketDisconnect, RuntimeError) as lost:
            raise NotAnswered("the app did not answer in time") from lost
        finally:
            del self._waiting[envelope_id]

    async def close_all(self) -> None:
        """Close every websocket."""
        for socket in list(self._open):
            await socket.close()

    def _answered(self, message: JsonObject) -> None:
        answer = self._waiting.get(str(message.get("envelope_id", "")))
        if answer is not None and not answer.done():
            answer.set_result(message.get("payload") or {})


@dataclass(frozen=True)
class SignedHttp:
    """Delivery by POST to the app's request URL, signed as Slack signs."""

    url: str
    signing_secret: str

    async def deliver(self, kind: Kind, payload: JsonObject) -> JsonObject:
        """POST it and return the answer's content as an acknowledgement's payload. Raises NotAnswered."""
        return await asyncio.to_thread(self._post, kind, payload)

    def _post(self, kind: Kind, payload: JsonObject) -> JsonObject:
        content_type = "application/x-www-form-urlencoded"
        match kind:
            case "slash_commands":
                body = urlencode(payload)
            case "interactive":
                body = urlencode({"payload": json.dumps(payload)})
            case "events_api":
                body, content_type = json.dumps(payload), "application/json"
        try:
            answer = requests.post(
                self.url, data=body.encode(), headers=self._headers(body, content_type), timeout=ACK_SECONDS
            )
        except requests.RequestException as lost:
            raise NotAnswered(f"the app did not answer ({type(lost).__name__})") from lost
        if answer.status_code != 200:
            raise NotAnswered(f"the app answered {answer.status_code}")
        if not answer.text.strip():
            return {}
        try:
            found: Any = answer.json()
        except ValueError:
            return {"text": answer.text}
        return found if isinstance(found, dict) else {}

    def _headers(self, body: str, content_type: str) -> dict[str, str]:
        stamp = str(int(time.time()))
        signed = hmac.new(self.signing_secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256)
        return {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={signed.hexdigest()}",
        }
