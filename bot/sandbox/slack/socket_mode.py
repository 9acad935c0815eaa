"""Socket Mode: tickets, up to ten websockets, envelopes and their acknowledgements."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from secrets import token_hex

from fastapi import WebSocket, WebSocketDisconnect

from bot.sandbox.faults import Faults
from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.connection import reset, transport_of
from bot.sandbox.slack.entities import APP_ID, JsonObject
from bot.sandbox.slack.envelopes import ACK_SECONDS, Ack, Envelope
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.workspace import Workspace

SOCKETS_AT_MOST = 10
_LINGER_SECONDS = 1.0


@dataclass(eq=False)
class _Socket:
    websocket: WebSocket
    number: int
    draining: bool = False
    waiting: dict[str, deque["asyncio.Future[Ack]"]] = field(default_factory=dict)

    def answer(self, envelope_id: str, ack: Ack) -> bool:
        """Hand an acknowledgement to the oldest delivery that waits for it."""
        waiting = self.waiting.get(envelope_id, deque())
        while waiting:
            future = waiting.popleft()
            if not future.done():
                future.set_result(ack)
                return True
        return False


class SocketMode:
    """The server's side of Socket Mode; everything but ``connected`` runs on the server's own loop.

    Fault operations: ``socket:connect`` (any kind but delay refuses the handshake), ``socket:deliver`` (drop_before:
    the connection breaks and the envelope is lost; drop_after: it is delivered and answered, then the connection
    breaks and the answer is lost), ``socket:ack`` (any kind but delay: the connection breaks under the
    acknowledgement, whatever it was for).
    """

    def __init__(self, workspace: Workspace, faults: Faults) -> None:
        self._workspace = workspace
        self._faults = faults
        self._tickets: set[str] = set()
        self._sockets: deque[_Socket] = deque()
        self._numbers = count(1)

    @property
    def connected(self) -> int:
        """How many sockets take envelopes now."""
        return sum(not socket.draining for socket in list(self._sockets))

    def open_connection(self, workspace: Workspace, _arguments: Arguments) -> JsonObject:
        """``apps.connections.open``: an address that works once."""
        if not workspace.url:
            raise SlackError("internal_error")
        ticket = token_hex(16)
        self._tickets.add(ticket)
        base = workspace.url.replace("http", "ws", 1)
        return {"url": f"{base}/link/?ticket={ticket}&app_id={APP_ID}"}

    async def serve(self, websocket: WebSocket, ticket: str) -> None:
        """One client's connection, from handshake to its end."""
        fault = self._faults.take("socket:connect")
        if fault is not None and fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        if ticket not in self._tickets or (fault is not None and fault.kind != "delay"):
            await websocket.close(code=1008)
            return
        self._tickets.discard(ticket)
        await websocket.accept()
        if len(self._sockets) >= SOCKETS_AT_MOST:
            await websocket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await websocket.close()
            return
        socket = _Socket(websocket, next(self._numbers))
        await websocket.send_json(
            {
                "type": "hello",
                "num_connections": len(self._sockets) + 1,
                "connection_info": {"app_id": APP_ID},
                "debug_info": {"host": f"sandbox-{socket.number}", "approximate_connection_time": 18060},
            }
        )
        self._sockets.append(socket)
        try:
            await self._listen(socket)
        except WebSocketDisconnect:
            # The ordinary end of a connection, from either side.
            return
        finally:
            self._sockets.remove(socket)
            self._lose(socket)

    async def _listen(self, socket: _Socket) -> None:
        while True:
            message = await _frame(socket.websocket)
            fault = self._faults.take("socket:ack")
            if fault is not None and fault.kind == "delay":
                await asyncio.sleep(fault.seconds)
            elif fault is not None:
                reset(socket.websocket)
                continue
            envelope_id = str(message.get("envelope_id", ""))
            if not socket.answer(envelope_id, Ack(message.get("payload"))):
                self._workspace.warn(f"socket {socket.number}: late or unknown acknowledgement {envelope_id}")

    @staticmethod
    def _lose(socket: _Socket) -> None:
        for envelope_id in list(socket.waiting):
            while socket.answer(envelope_id, Ack(error="operation_timeout")):
                continue

    async def deliver(self, envelope: Envelope) -> Ack:
        """Send to one of the sockets, in turn, and wait for its acknowledgement."""
        fault = self._faults.take("socket:deliver")
        if fault is not None and fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        socket = self._next()
        if socket is None:
            return Ack(error="dispatch_failed")
        if fault is not None and fault.kind not in {"delay", "drop_after"}:
            reset(socket.websocket)
            return Ack(error="operation_timeout")
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        socket.waiting.setdefault(envelope.id, deque()).append(future)
        try:
            await socket.websocket.send_json(_envelope_json(envelope))
            ack = await asyncio.wait_for(future, ACK_SECONDS)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            # RuntimeError is what starlette raises when the socket was closed in the meantime.
            return Ack(error="operation_timeout")
        finally:
            if not socket.waiting.get(envelope.id):
                socket.waiting.pop(envelope.id, None)
        if fault is not None and fault.kind == "drop_after":
            reset(socket.websocket)
            return Ack(error="operation_timeout")
        return ack

    def _next(self) -> _Socket | None:
        for _ in range(len(self._sockets)):
            self._sockets.rotate(-1)
            if not self._sockets[-1].draining:
                return self._sockets[-1]
        return None

    def drop(self) -> None:
        """Cut every connection without a word."""
        for socket in list(self._sockets):
            reset(socket.websocket)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask every client to reconnect, as Slack does now and then, and close a second later."""
        for socket in list(self._sockets):
            socket.draining = True
            await socket.websocket.send_json({"type": "disconnect", "reason": reason})
            asyncio.get_running_loop().call_later(_LINGER_SECONDS, transport_of(socket.websocket).close)


async def _frame(websocket: WebSocket) -> JsonObject:
    """What a client sent; empty when it is no JSON object, and so acknowledges nothing."""
    try:
        message = await websocket.receive_json()
    except (KeyError, ValueError):
        # KeyError is what starlette raises for a binary frame, which has no text.
        return {}
    return message if isinstance(message, dict) else {}


def _envelope_json(envelope: Envelope) -> JsonObject:
    body: JsonObject = {
        "envelope_id": envelope.id,
        "type": envelope.type,
        "payload": envelope.payload,
        "accepts_response_payload": envelope.accepts_response_payload,
    }
    if envelope.type == "events_api":
        body |= {"retry_attempt": envelope.retry_attempt, "retry_reason": envelope.retry_reason}
    return body
