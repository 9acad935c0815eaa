"""What the port promises, against OpenSSH, the sandbox and proftpd alike, and what only SFTP does."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from asyncssh import SFTPFailure

from bot.onboarding.errors import Unavailable
from bot.onboarding.transfer import (
    HostKeyUnknown,
    LoginRefused,
    PathDenied,
    PathMissing,
    ServerUnreachable,
    Transfer,
    TransferError,
    TransferSession,
)
from bot.sandbox.sftp import SftpServer
from bot.sandbox.sftp_files import FileSession
from bot.transfer.build import build_transfer
from bot.transfer.settings import TransferSettings
from bot.transfer.sftp_stream import remote_blocks

if TYPE_CHECKING:
    from conftest import CuttingProxy, FileServer, Sshd


over_sftp = pytest.mark.parametrize("server", ["openssh", "sandbox"], indirect=True)


@pytest.fixture
def session(server: FileServer) -> Iterator[TransferSession]:
    with build_transfer(server.settings).session() as session:
        yield session


def enter(transfer: Transfer) -> None:
    with transfer.session():
        pytest.fail("it logged in")


class TestLogin:
    @over_sftp
    def test_a_host_key_that_differs_is_never_accepted(self, server: FileServer, tmp_path: Path) -> None:
        other = (
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"  # GitHub's, published
        )
        wrong = tmp_path / "wrong_hosts"
        wrong.write_text(f"[127.0.0.1]:{server.settings.port} {other}\n")
        with pytest.raises(HostKeyUnknown, match="SHA256:"):
            enter(build_transfer(server.settings_with(known_hosts=wrong)))

    @over_sftp
    def test_a_host_that_is_not_named_is_never_accepted(self, server: FileServer, tmp_path: Path) -> None:
        known = server.settings.known_hosts
        assert known is not None
        # The key is right, the name is that of port 22: another port is another host.
        bare = tmp_path / "bare_hosts"
        bare.write_text(known.read_text().replace(f"[127.0.0.1]:{server.settings.port}", "127.0.0.1"))
        with pytest.raises(HostKeyUnknown, match=rf"\[127.0.0.1\]:{server.settings.port}.*SHA256:"):
            enter(build_transfer(server.settings_with(known_hosts=bare)))

    @over_sftp
    def test_without_a_known_hosts_file_nothing_connects(self, server: FileServer, tmp_path: Path) -> None:
        with pytest.raises(HostKeyUnknown, match="TRANSFER__KNOWN_HOSTS"):
            enter(build_transfer(server.settings_with(known_hosts=tmp_path / "none")))

    def test_a_wrong_password_is_refused_and_not_repeated(self, server: FileServer) -> None:
        with pytest.raises(LoginRefused) as refused:
            enter(build_transfer(server.settings_with(password="not-this-one", key_file=None)))
        assert refused.value.path == server.settings.username
        assert "not-this-one" not in str(refused.value)

    def test_an_unknown_account_is_refused(self, server: FileServer) -> None:
        with pytest.raises(LoginRefused):
            enter(build_transfer(server.settings_with(username="nobody-of-that-name")))

    def test_nobody_at_the_port_is_unavailable(self, server: FileServer, unused_port: int) -> None:
        with pytest.raises(ServerUnreachable) as unreachable:
            enter(build_transfer(server.settings_with(port=unused_port)))
        assert isinstance(unreachable.value, Unavailable)
        assert unreachable.value.service == server.settings.protocol.upper()

    @over_sftp
    def test_a_connection_cut_during_login_is_no_refusal(
        self, server: FileServer, cutting_proxy: type[CuttingProxy]
    ) -> None:
        with cutting_proxy(server) as proxy, build_transfer(proxy.settings).session():
            needed = proxy.sent
        # From the end of the key exchange to the last packet: the login, the channel, the subsystem.
        for sent in (100, *range(needed - 420, needed, 60), needed - 1):
            with cutting_proxy(server, sent=sent) as proxy, pytest.raises(ServerUnreachable):
                enter(build_transfer(proxy.settings))

    def test_a_server_that_speaks_something_else_is_unavailable(self, server: FileServer) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]

            def answer() -> None:
                client, _ = silent.accept()
                with client:
                    client.sendall(b"220 this is a mail server\r\n")

            speaker = Thread(target=answer)
            speaker.start()
            with pytest.raises(ServerUnreachable):
                enter(build_transfer(server.settings_with(port=port)))
            speaker.join()


class TestKeys:
    def test_a_key_logs_in_and_a_password_beside_it_does_no_harm(self, sshd: Sshd) -> None:
        for password in (None, "anything"):
            settings = sshd.settings.model_dump() | {"key_file": sshd.key_file, "password": password}
            with build_transfer(TransferSettings.model_validate(settings)).session() as session:
                assert session.entry(sshd.base) is not None

    def test_a_key_of_another_account_is_refused(self, sshd: Sshd, tmp_path: Path) -> None:

        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
        settings = sshd.settings.model_dump() | {"key_file": tmp_path / "other", "password": None}
        with pytest.raises(LoginRefused, match="refuses this account"):
            enter(build_transfer(TransferSettings.model_validate(settings)))

    @pytest.mark.parametrize("content", [None, "no key at all", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
    def test_a_key_file_that_cannot_be_used_is_named(self, sshd: Sshd, tmp_path: Path, content: str | None) -> None:
        file = tmp_path / "key"
        if content is not None:
            file.write_text(content)
        settings = sshd.settings.model_dump() | {"key_file": file, "password": None}
        with pytest.raises(LoginRefused, match=str(file)):
            enter(build_transfer(TransferSettings.model_validate(settings)))

    def test_an_encrypted_key_is_opened_by_the_password(self, sshd: Sshd, tmp_path: Path) -> None:
        import subprocess

        locked = tmp_path / "locked"
        shutil.copy(sshd.key_file, locked)
        locked.chmod(0o600)
        subprocess.run(["ssh-keygen", "-q", "-p", "-N", "sesame", "-f", str(locked)], check=True, capture_output=True)
        settings = sshd.settings.model_dump() | {"key_file": locked, "password": "sesame"}
        with build_transfer(TransferSettings.model_validate(settings)).session() as session:
            assert session.entry(sshd.base) is not None
        with pytest.raises(LoginRefused, match="PASSWORD") as refused:
            enter(build_transfer(TransferSettings.model_validate(settings | {"password": "wrong-one"})))
        assert "wrong-one" not in str(refused.value)


class TestPaths:
    def test_nothing_is_none_and_a_listing_of_nothing_is_missing(
        self, server: FileServer, session: TransferSession
    ) -> None:
        assert session.entry(f"{server.base}/absent") is None
        with pytest.raises(PathMissing) as missing:
            session.entries(f"{server.base}/absent")
        assert missing.value.path == f"{server.base}/absent"
        with pytest.raises(PathMissing):
            session.sha256(f"{server.base}/absent")
        with pytest.raises(PathMissing):
            session.move(f"{server.base}/absent", f"{server.base}/there")

    def test_what_is_closed_to_the_account_is_denied(
        self, server: FileServer, session: TransferSession, tmp_path: Path
    ) -> None:
        closed = server.disk / "closed"
        closed.mkdir()
        (closed / "inner").write_text("secret")
        closed.chmod(0)
        with pytest.raises(PathDenied) as denied:
            session.entries(f"{server.base}/closed")
        assert denied.value.path == f"{server.base}/closed"
        with pytest.raises(PathDenied):
            session.entry(f"{server.base}/closed/inner")
        source = tmp_path / "source"
        source.write_bytes(b"x")
        with pytest.raises(PathDenied):
            session.put(source, f"{server.base}/closed/new")
        closed.chmod(0o700)

    def test_entries_are_sorted_and_complete(
        self, server: FileServer, session: TransferSession, tmp_path: Path
    ) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"twelve bytes")
        session.make_directory(f"{server.base}/b", 0o2750)
        session.put(source, f"{server.base}/a.mdb")
        first, second = session.entries(server.base)
        assert (first.name, first.is_directory, first.size, first.mode) == ("a.mdb", False, 12, 0o660)
        assert (second.name, second.is_directory, second.mode) == ("b", True, 0o2750)
        assert first.gid == second.gid
        assert session.entry(f"{server.base}/a.mdb") == first
        assert session.entry(f"{server.base}/b/") == second

    def test_a_directory_keeps_setgid_and_the_group(self, server: FileServer, session: TransferSession) -> None:
        session.make_directory(f"{server.base}/in", 0o2770)
        session.make_directory(f"{server.base}/in/out", 0o2750)
        base, outer, inner = (session.entry(server.base + below) for below in ("", "/in", "/in/out"))
        assert base is not None
        assert outer is not None
        assert inner is not None
        assert (outer.mode, inner.mode) == (0o2770, 0o2750)
        assert base.gid == outer.gid == inner.gid
        assert stat.S_IMODE((server.disk / "in").stat().st_mode) == 0o2770

    def test_a_directory_is_not_made_twice(self, server: FileServer, session: TransferSession) -> None:
        session.make_directory(f"{server.base}/in", 0o2770)
        with pytest.raises(TransferError, match="exists already"):
            session.make_directory(f"{server.base}/in", 0o2750)
        entry = session.entry(f"{server.base}/in")
        assert entry is not None
        assert entry.mode == 0o2770

    def test_a_directory_below_nothing_is_missing(self, server: FileServer, session: TransferSession) -> None:
        with pytest.raises(PathMissing):
            session.make_directory(f"{server.base}/no/in", 0o2770)

    def test_a_mode_can_be_corrected(self, server: FileServer, session: TransferSession) -> None:
        session.make_directory(f"{server.base}/in", 0o750)
        session.set_mode(f"{server.base}/in", 0o2770)
        assert stat.S_IMODE((server.disk / "in").stat().st_mode) == 0o2770

    def test_removing_twice_is_removing_once(self, server: FileServer, session: TransferSession) -> None:
        (server.disk / "file").write_bytes(b"x")
        session.remove(f"{server.base}/file")
        session.remove(f"{server.base}/file")
        assert not (server.disk / "file").exists()

    def test_a_move_replaces_what_is_there(self, server: FileServer, session: TransferSession, tmp_path: Path) -> None:
        for name in ("old", "new"):
            source = tmp_path / name
            source.write_text(name)
            session.put(source, f"{server.base}/{name}")
        session.move(f"{server.base}/new", f"{server.base}/old")
        assert (server.disk / "old").read_text() == "new"
        assert session.entry(f"{server.base}/new") is None

    def test_the_owner_is_named_after_a_listing(self, server: FileServer, tmp_path: Path) -> None:
        transfer = build_transfer(server.settings)
        source = tmp_path / "source"
        source.write_bytes(b"x")
        with transfer.session() as session:
            session.put(source, f"{server.base}/file")
            entry = session.entry(f"{server.base}/file")
            assert entry is not None
            assert transfer.owner_name(entry) == f"uid {entry.uid}"
            session.entries(server.base)
        # In OpenSSH's chroot there is no list of users, so the number is all it knows.
        names = {f"uid {entry.uid}", server.settings.username}
        assert transfer.owner_name(entry) in names


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a directory to another group")
def test_setgid_that_did_not_hold_is_told(sshd: Sshd) -> None:
    foreign = sshd.disk / "foreign"
    foreign.mkdir()
    os.chown(foreign, sshd.disk.stat().st_uid, 0)
    with build_transfer(sshd.settings).session() as session, pytest.raises(TransferError, match="0770 although 2770"):
        session.set_mode(f"{sshd.base}/foreign", 0o2770)


class TestTransfer:
    def test_thirty_megabytes_there_and_back(
        self, server: FileServer, session: TransferSession, tmp_path: Path
    ) -> None:
        source = tmp_path / "source"
        source.write_bytes(os.urandom(30_000_001))
        expected = hashlib.sha256(source.read_bytes()).hexdigest()
        session.put(source, f"{server.base}/big.mdb")
        assert session.sha256(f"{server.base}/big.mdb") == expected
        assert session.fetch(f"{server.base}/big.mdb", tmp_path / "back") == expected
        assert hashlib.sha256((tmp_path / "back").read_bytes()).hexdigest() == expected
        assert [entry.name for entry in session.entries(server.base)] == ["big.mdb"]
        assert not (tmp_path / "back.part").exists()

    @pytest.mark.parametrize("size", [0, 1, 32_768, 2_097_152, 2_097_153])
    def test_sizes_at_the_edges_of_blocks_and_windows(
        self, server: FileServer, session: TransferSession, tmp_path: Path, size: int
    ) -> None:
        source = tmp_path / "source"
        source.write_bytes(os.urandom(size))
        session.put(source, f"{server.base}/file")
        session.fetch(f"{server.base}/file", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == source.read_bytes()

    def test_a_put_replaces_what_is_there_and_what_an_earlier_try_left(
        self, server: FileServer, session: TransferSession, tmp_path: Path
    ) -> None:
        source = tmp_path / "source"
        source.write_text("short")
        for left in ("file", "file.part"):
            earlier = tmp_path / left
            earlier.write_text("something longer from before")
            session.put(earlier, f"{server.base}/{left}")
        session.put(source, f"{server.base}/file")
        assert (server.disk / "file").read_text() == "short"
        assert [entry.name for entry in session.entries(server.base)] == ["file"]

    @over_sftp
    def test_an_upload_cut_in_the_middle_leaves_no_final_file(
        self, server: FileServer, cutting_proxy: type[CuttingProxy], tmp_path: Path
    ) -> None:
        source = tmp_path / "source"
        source.write_bytes(os.urandom(8_000_000))
        with (
            cutting_proxy(server, sent=4_000_000) as proxy,
            build_transfer(proxy.settings).session() as session,
            pytest.raises(ServerUnreachable),
        ):
            session.put(source, f"{server.base}/big.mdb")
        with build_transfer(server.settings).session() as session:
            assert [entry.name for entry in session.entries(server.base)] in (["big.mdb.part"], [])
            session.put(source, f"{server.base}/big.mdb")
            assert [entry.name for entry in session.entries(server.base)] == ["big.mdb"]
        assert (server.disk / "big.mdb").read_bytes() == source.read_bytes()

    @over_sftp
    def test_a_download_cut_in_the_middle_leaves_no_final_file(
        self, server: FileServer, cutting_proxy: type[CuttingProxy], tmp_path: Path
    ) -> None:
        (server.disk / "big.mdb").write_bytes(os.urandom(8_000_000))
        (server.disk / "big.mdb").chmod(0o666)
        with (
            cutting_proxy(server, received=4_000_000) as proxy,
            build_transfer(proxy.settings).session() as session,
            pytest.raises(ServerUnreachable),
        ):
            session.fetch(f"{server.base}/big.mdb", tmp_path / "back")
        assert not (tmp_path / "back").exists()

    @over_sftp
    def test_a_connection_lost_between_two_calls_is_unavailable(
        self, server: FileServer, cutting_proxy: type[CuttingProxy]
    ) -> None:
        with cutting_proxy(server) as proxy, build_transfer(proxy.settings).session() as session:
            session.entries(server.base)
            proxy.cut()
            with pytest.raises(ServerUnreachable):
                session.entries(server.base)

    @over_sftp
    @pytest.mark.parametrize("size", [1_000_000, 9_000_000])
    def test_a_file_that_changes_while_it_is_read_is_not_taken(
        self, server: FileServer, session: TransferSession, size: int
    ) -> None:
        file = server.disk / "growing.mdb"
        file.write_bytes(bytes(5_000_000))
        file.chmod(0o666)
        blocks = remote_blocks(session._sftp, f"{server.base}/growing.mdb")  # type: ignore[attr-defined]
        next(blocks)
        os.truncate(file, size)
        with pytest.raises(TransferError, match="5000000 bytes"):
            list(blocks)
        assert session.entry(f"{server.base}/growing.mdb") is not None

    @over_sftp
    def test_at_most_two_mebibytes_are_asked_for_ahead(self, server: FileServer, session: TransferSession) -> None:
        (server.disk / "big.mdb").write_bytes(bytes(8_000_000))
        (server.disk / "big.mdb").chmod(0o666)
        sftp = session._sftp  # type: ignore[attr-defined]
        under_way = [len(sftp._expecting) for _ in remote_blocks(sftp, f"{server.base}/big.mdb")]
        # One block is being handed over; the file ends with none under way.
        assert (max(under_way), under_way[-1]) == (63, 0)

    @over_sftp
    def test_answers_in_another_order_are_put_in_their_place(
        self, server: FileServer, session: TransferSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sftp = session._sftp  # type: ignore[attr-defined]
        ahead: list[object] = []
        receive = sftp._read_packet

        def receive_swapped() -> object:
            """Give the second of two answers that are there, then the first."""
            if ahead:
                return ahead.pop()
            first = receive()
            if not sftp.get_channel().recv_ready():
                return first
            ahead.append(first)
            swapped.append(first)
            return receive()

        swapped: list[object] = []
        monkeypatch.setattr(sftp, "_read_packet", receive_swapped)
        source = tmp_path / "source"
        source.write_bytes(os.urandom(5_000_000))
        session.put(source, f"{server.base}/file")
        session.fetch(f"{server.base}/file", tmp_path / "back")
        assert swapped
        assert (tmp_path / "back").read_bytes() == source.read_bytes()

    def test_a_link_is_not_followed_when_a_file_is_read(self, server: FileServer, session: TransferSession) -> None:
        (server.disk / "target").write_text("another partner's file")
        (server.disk / "link").symlink_to("target")
        with pytest.raises(TransferError, match="not a regular file"):
            session.sha256(f"{server.base}/link")
        with pytest.raises(TransferError, match="not a regular file"):
            session.sha256(server.base)

    def test_trouble_with_the_local_disk_is_not_the_servers(
        self, server: FileServer, session: TransferSession, tmp_path: Path
    ) -> None:
        (server.disk / "file").write_bytes(b"x")
        (server.disk / "file").chmod(0o666)
        with pytest.raises(TransferError, match="on this machine") as failed:
            session.fetch(f"{server.base}/file", tmp_path / "absent" / "back")
        assert type(failed.value) is TransferError
        with pytest.raises(TransferError, match="on this machine"):
            session.put(tmp_path / "absent", f"{server.base}/new")


class TestServersOfAnotherKind:
    """What OpenSSH does not do, and the protocol allows."""

    @pytest.fixture
    def settings(self, tmp_path: Path) -> Iterator[TransferSettings]:
        with SftpServer(tmp_path / "root", partners={"ACME": ("acme", "acme-secret")}) as sandbox:
            account = {"username": "onboarding-bot", "password": "secret"}
            known = sandbox.known_hosts(tmp_path / "known_hosts")
            at = {"host": sandbox.host, "port": sandbox.port, "known_hosts": known}
            yield TransferSettings.model_validate(account | at)

    def test_answers_shorter_than_asked_for_are_completed(
        self, settings: TransferSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = FileSession.read

        async def read_less(session: FileSession, file_obj: object, offset: int, size: int) -> bytes:
            return await read(session, file_obj, offset, min(size, 15_000))

        monkeypatch.setattr(FileSession, "read", read_less)
        content = os.urandom(300_000)
        (tmp_path / "root" / "ACME" / "file").write_bytes(content)
        with build_transfer(settings).session() as session:
            assert session.fetch("/ACME/file", tmp_path / "back") == hashlib.sha256(content).hexdigest()
        assert (tmp_path / "back").read_bytes() == content

    def test_a_write_refused_in_the_middle_leaves_no_final_file_and_a_session_that_works(
        self, settings: TransferSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = FileSession.write

        async def write_until_full(session: FileSession, file_obj: object, offset: int, data: bytes) -> int:
            if offset > 4_000_000:
                raise SFTPFailure("no space left")
            return await write(session, file_obj, offset, data)

        monkeypatch.setattr(FileSession, "write", write_until_full)
        source = tmp_path / "source"
        source.write_bytes(os.urandom(9_000_000))
        with build_transfer(settings).session() as session:
            with pytest.raises(TransferError, match="no space left"):
                session.put(source, "/ACME/big.mdb")
            assert [entry.name for entry in session.entries("/ACME")] == ["big.mdb.part"]
            source.write_bytes(b"small")
            session.put(source, "/ACME/small.mdb")
            assert session.sha256("/ACME/small.mdb") == hashlib.sha256(b"small").hexdigest()
