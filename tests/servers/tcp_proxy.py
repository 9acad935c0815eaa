"""A TCP proxy in front of a real server that cuts a connection in the middle: after so many bytes from the client."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class TcpProxy:
    """Passes bytes on in both directions. ``cut_after``: the next connection that sends more than this is cut there."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._cuts: list[int] = []
        self.cut = 0

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self._listener.getsockname()[1])

    def cut_after(self, *sizes: int) -> None:
        """Cut that many connections, each after so many bytes of what its client sends."""
        with self._lock:
            self._cuts.extend(sizes)

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            # A thread that waits in accept is not woken by close alone.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._server)
            except OSError:
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pass_on, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(server, client, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, from_client: bool) -> None:
        passed = 0
        with suppress(OSError):
            while block := source.recv(4096):
                room = self._room(passed, len(block)) if from_client else len(block)
                target.sendall(block[:room])
                passed += room
                if room < len(block):
                    break
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _room(self, passed: int, size: int) -> int:
        """Return how much of a block may pass; less than all of it uses up a cut."""
        with self._lock:
            if not self._cuts or passed + size <= self._cuts[0]:
                return size
            self.cut += 1
            return max(self._cuts.pop(0) - passed, 0)
