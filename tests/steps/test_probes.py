"""Probes look at a real file server, a real database and a real page, and say which of them does not answer."""

import sqlite3
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from bot.onboarding.errors import Unavailable
from bot.probes.probes import build_probe
from bot.probes.settings import ProbeSettings
from bot.sandbox.sftp import SftpServer
from bot.transfer.build import build_transfer
from bot.transfer.settings import TransferSettings
from bot.unset import UnsetTransfer

NAMES = {"key": "ONB-1", "root": "ACME-IBERICA", "client": "ACME", "partner": "PARTNER-ONE"}


class Page(BaseHTTPRequestHandler):
    answers: ClassVar[dict[str, tuple[int, str]]] = {}

    def do_GET(self) -> None:
        status, body = self.answers.get(self.path, (404, ""))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Keep the test's output to itself."""


@pytest.fixture
def page() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def look(transfer: Any = None, **settings: Any) -> str:
    return build_probe(ProbeSettings(**settings), transfer or UnsetTransfer()).look(NAMES)


def test_a_page_is_read_and_a_missing_one_is_not_there_yet(page: str) -> None:
    Page.answers = {"/ACME-IBERICA": (200, '{"loaded": true}'), "/broken": (500, "")}
    assert look(kind="http", url=f"{page}/{{root}}") == '{"loaded": true}'
    assert look(kind="http", url=f"{page}/{{key}}") == ""
    with pytest.raises(Unavailable, match="500"):
        look(kind="http", url=f"{page}/broken")


def test_a_query_gets_the_onboardings_names_as_parameters(tmp_path: Path) -> None:
    file = tmp_path / "mytem.db"
    with sqlite3.connect(file) as database:
        database.execute("create table invoice (root text, number text)")
        database.execute("insert into invoice values ('ACME-IBERICA', 'TA1'), ('OTHER', 'TA2')")
    database.close()
    query = "select number, 'loaded' from invoice where root = :root"
    assert look(kind="sql", url=f"sqlite:///{file}", query=query) == "TA1\tloaded"
    with pytest.raises(Unavailable):
        look(kind="sql", url=f"sqlite:///{file}", query="select * from nothing")


def test_a_file_on_the_file_server_is_seen_when_it_is_there(tmp_path: Path) -> None:
    with SftpServer(tmp_path / "sftp", partners={"PARTNER-ONE": ("p1", "s1")}) as server:
        transfer = build_transfer(
            TransferSettings.model_validate(
                {
                    "host": server.host,
                    "port": server.port,
                    "username": "onboarding-bot",
                    "password": "secret",
                    "known_hosts": server.known_hosts(tmp_path / "known"),
                }
            )
        )
        asked = {"kind": "path", "path": "/{partner}/done-{root}"}
        assert look(transfer, **asked) == ""
        (tmp_path / "sftp" / "PARTNER-ONE" / "done-ACME-IBERICA").write_bytes(b"yes")
        assert look(transfer, **asked) == "done-ACME-IBERICA 3"


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "http"},
        {"kind": "sql", "url": "sqlite://"},
        {"kind": "path"},
        {"kind": "http", "url": "x", "done": "("},
    ],
)
def test_a_probe_without_what_its_kind_needs_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ProbeSettings(**settings)
