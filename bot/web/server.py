"""The web side on its socket: uvicorn in a thread of its own."""

import socket
import time
from threading import Thread

import uvicorn
from fastapi import FastAPI

from bot.onboarding.errors import SettingsError

# How long open requests may take to end when the server stops, in seconds.
PATIENCE = 5


class WebServer:
    """Serves an application until it is stopped. Nothing is opened before ``start``."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        """``port`` 0 takes any free one; ``self.port`` tells which, once started."""
        self._host = host
        self._port = port
        self._socket: socket.socket | None = None
        self._thread: Thread | None = None
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                # A link is a secret: no line of an access log may hold one.
                access_log=False,
                log_config=None,
                lifespan="off",
                server_header=False,
                date_header=True,
                proxy_headers=False,
                timeout_graceful_shutdown=PATIENCE,
                ws="none",
            )
        )

    @property
    def port(self) -> int:
        """The port that is listened on. Raises RuntimeError before ``start``."""
        if self._socket is None:
            raise RuntimeError("The web server has not been started.")
        number: int = self._socket.getsockname()[1]
        return number

    def listen(self) -> None:
        """Take the address; nothing is answered yet. Raises SettingsError when it cannot be had."""
        if self._socket is None:
            self._socket = _listen(self._host, self._port)

    def start(self) -> None:
        """Listen, and return once requests are answered. Raises SettingsError when the address cannot be had."""
        self.listen()
        assert self._socket is not None
        self._thread = Thread(target=self._server.run, args=([self._socket],), name="web", daemon=True)
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("The web server ended while it was starting; the log says why.")
            time.sleep(0.01)

    def stop(self) -> None:
        """Answer what is being asked, then stop listening. Does nothing when it is not running."""
        if self._socket is None:
            return
        if self._thread is not None:
            self._server.should_exit = True
            self._thread.join(PATIENCE * 2)
        self._socket.close()
        self._thread = self._socket = None


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError:
            listener.close()
            raise
    except OSError as refused:
        raise SettingsError(
            f"WEB__HOST, WEB__PORT: cannot listen on {host}:{port} ({refused.strerror}). Give a free port, or stop "
            "what listens there."
        ) from refused
    return listener
