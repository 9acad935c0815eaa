"""One connection tells which folders something has come into, whatever the protocol."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.onboarding.errors import Unavailable
from bot.steps.lookouts import FolderLookout
from bot.transfer.build import build_transfer

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import FileServer


def test_a_file_that_comes_changes_its_folders_mark_and_no_other(server: FileServer, tmp_path: Path) -> None:
    transfer = build_transfer(server.settings)
    with transfer.session() as session:
        for name in ("one", "two"):
            session.make_directory(f"{server.base}/{name}", 0o770)
        lookout = FolderLookout(transfer, poll_seconds=20)
        names = [f"{server.base}/{name}" for name in ("one", "two", "gone")]
        before = lookout.look(names, timedelta(0))
        assert lookout.look(names, timedelta(0)) == before
        assert before[names[2]] == "—"
        # A folder's time is told in whole seconds.
        time.sleep(1.1)
        file = tmp_path / "202610_ACME_SOFIA.mdb"
        file.write_bytes(b"x")
        session.put(file, f"{names[0]}/{file.name}")
    after = lookout.look(names, timedelta(0))
    assert {name for name in names if after[name] != before[name]} == {names[0]}


def test_a_server_that_is_away_is_told(server: FileServer) -> None:
    settings = server.settings.model_copy(update={"port": 1})
    with pytest.raises(Unavailable):
        FolderLookout(build_transfer(settings), poll_seconds=20).look(["/in"], timedelta(0))
