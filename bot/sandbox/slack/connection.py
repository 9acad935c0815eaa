"""Cutting a client's connection, which no ASGI server offers: the lost answer must look lost on the wire."""

import asyncio
import socket
import struct
from typing import Any

from fastapi import Request, WebSocket
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol


class CuttableProtocol(H11Protocol):
    """Puts the connection's transport into ``request.state``; a websocket inherits it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as its parent does
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def transport_of(connection: Request | WebSocket) -> asyncio.Transport:
    """The TCP connection under a request or websocket."""
    transport: asyncio.Transport = connection.state.transport
    return transport


def reset(connection: WebSocket) -> None:
    """Break a websocket's connection with a TCP reset; what the client has not read yet is lost.

    An orderly end without a closing frame would leave slack_sdk's client reading nothing for five of its ping
    intervals before it reconnects.
    """
    transport = transport_of(connection)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class CutConnection(Response):
    """An answer that never comes: the connection is closed before a byte is written."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state: dict[str, Any] = scope["state"]
        state["transport"].abort()
        while (await receive())["type"] != "http.disconnect":
            continue
