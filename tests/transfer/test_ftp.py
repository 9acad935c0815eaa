"""What is FTP's own: TLS, what a server need not have, transfers that are cut, and the doctor's word on it."""

from __future__ import annotations

import ftplib
import os
import socket
import ssl
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from conftest import proftpd_serving
from proftpd import PASSWORD

from bot.doctor import Finding, examine
from bot.onboarding.errors import StepFailed
from bot.onboarding.transfer import (
    CertificateUnknown,
    LoginRefused,
    NotOffered,
    PathDenied,
    ServerUnreachable,
    Transfer,
    TransferError,
    TransferSession,
)
from bot.settings import load_settings
from bot.steps.directory import DirectoryStep, translated
from bot.steps.layout import Layout
from bot.transfer.build import build_transfer
from bot.transfer.settings import TransferSettings

if TYPE_CHECKING:
    from conftest import FileServer, ProftpdFiles

over_ftp = pytest.mark.parametrize("server", ["ftps", "ftp"], indirect=True)
over_ftps = pytest.mark.parametrize("server", ["ftps"], indirect=True)
over_plain_ftp = pytest.mark.parametrize("server", ["ftp"], indirect=True)


@pytest.fixture
def session(server: FileServer) -> Iterator[TransferSession]:
    with build_transfer(server.settings).session() as session:
        yield session


def enter(transfer: Transfer) -> None:
    with transfer.session():
        pytest.fail("it logged in")


class TestCertificate:
    @over_ftps
    def test_an_authority_that_is_not_known_is_never_accepted(self, server: FileServer) -> None:
        with pytest.raises(CertificateUnknown, match="TRANSFER__CA_FILE") as unknown:
            enter(build_transfer(server.settings_with(ca_file=None)))
        assert PASSWORD not in str(unknown.value)

    @over_ftps
    def test_a_certificate_for_another_name_is_never_accepted(self, server: FileServer) -> None:
        with pytest.raises(CertificateUnknown, match=r"localhost.*TRANSFER__HOST"):
            enter(build_transfer(server.settings_with(host="localhost")))

    @over_ftps
    @pytest.mark.parametrize("content", [None, "no certificate at all"])
    def test_a_file_of_authorities_that_cannot_be_used_is_named(
        self, server: FileServer, tmp_path: Path, content: str | None
    ) -> None:
        file = tmp_path / "ca.pem"
        if content is not None:
            file.write_text(content)
        with pytest.raises(CertificateUnknown, match=str(file)):
            enter(build_transfer(server.settings_with(ca_file=file)))

    @over_ftps
    def test_this_server_refuses_data_connections_that_do_not_resume_the_session(self, server: FileServer) -> None:
        # The library's own client does not: were it served, the tests would not show that the bot's does.
        settings = server.settings
        stock = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=settings.ca_file), timeout=10)
        try:
            stock.connect(settings.host, settings.port)
            stock.login(settings.username, PASSWORD)
            stock.prot_p()
            with pytest.raises((ftplib.Error, OSError)):
                stock.nlst("/")
        finally:
            stock.close()

    def test_an_older_tls_resumes_its_session_as_well(self, tmp_path: Path) -> None:
        with proftpd_serving(tmp_path, "TLSProtocol TLSv1.2") as files:
            server = files.served("ftps")
            (server.disk / "file").write_bytes(b"x" * 100_000)
            (server.disk / "file").chmod(0o666)
            with build_transfer(server.settings).session() as session:
                for _ in range(3):
                    session.fetch("/files/file", tmp_path / "back")
            assert (tmp_path / "back").stat().st_size == 100_000


class TestPlainFtp:
    def test_a_server_that_wants_tls_gets_no_password_and_the_setting_is_named(self, tmp_path: Path) -> None:
        with proftpd_serving(tmp_path, "TLSRequired on", f"ExtendedLog {tmp_path}/commands ALL") as files:
            server = files.served("ftp")
            with pytest.raises(LoginRefused, match="TRANSFER__PROTOCOL=ftps"):
                enter(build_transfer(server.settings))
            with build_transfer(files.served("ftps").settings).session() as session:
                assert session.entry("/files") is not None
        commands = (tmp_path / "commands").read_text()
        assert commands.count("PASS") == 1

    def test_a_server_without_tls_is_not_offered_and_never_spoken_to_in_the_clear(self, tmp_path: Path) -> None:
        with proftpd_serving(tmp_path, "TLSEngine off", f"ExtendedLog {tmp_path}/commands ALL") as files:
            with pytest.raises(NotOffered, match="no explicit TLS"):
                enter(build_transfer(files.served("ftps").settings))
            with build_transfer(files.served("ftp").settings).session() as session:
                assert session.entry("/files") is not None
        assert (tmp_path / "commands").read_text().count("USER") == 1


class TestWhatAServerNeedNotHave:
    def test_without_machine_listings_the_server_is_named_with_what_to_do(self, tmp_path: Path) -> None:
        with (
            proftpd_serving(tmp_path, "FactsAdvertise off") as files,
            pytest.raises(NotOffered, match=r"RFC 3659.*TRANSFER__PROTOCOL=sftp"),
        ):
            enter(build_transfer(files.served("ftps").settings))

    def test_a_forbidden_site_chmod_is_told_and_changes_nothing(self, tmp_path: Path) -> None:
        with proftpd_serving(tmp_path, "<Limit SITE_CHMOD>", "DenyAll", "</Limit>") as files:
            with build_transfer(files.served("ftps").settings).session() as session:
                assert session.make_directory("/files/in", 0o2750) is False
                assert session.set_mode("/files/in", 0o2750) is False
            assert stat.S_IMODE((files.disk / "in").stat().st_mode) == 0o2770

    @over_plain_ftp
    @pytest.mark.parametrize("answer", ["500 'SITE CHMOD' not understood", "502 No", "504 No", "202 Superfluous"])
    def test_a_site_chmod_that_is_unknown_is_told(self, server: FileServer, answer: str) -> None:
        with without(server, {"SITE CHMOD": answer}) as settings, build_transfer(settings).session() as session:
            assert session.make_directory("/files/in", 0o2750) is False
        assert stat.S_IMODE((server.disk / "in").stat().st_mode) == 0o2770

    @over_ftp
    def test_a_mode_that_the_account_may_not_set_is_denied(self, server: FileServer, session: TransferSession) -> None:
        (server.disk / "foreign").mkdir()
        with pytest.raises(PathDenied):
            session.set_mode("/files/foreign", 0o2770)

    @over_ftp
    def test_setgid_that_did_not_hold_is_told(self, server: FileServer, session: TransferSession) -> None:
        foreign = server.disk / "foreign"
        foreign.mkdir()
        os.chown(foreign, server.disk.stat().st_uid, 0)
        with pytest.raises(TransferError, match="0770 although 2770"):
            session.set_mode("/files/foreign", 0o2770)

    @over_plain_ftp
    def test_rights_that_the_server_does_not_show_are_none_and_not_guessed(self, server: FileServer) -> None:
        features = "211-Features:\r\n MLST type*;size*;modify*;\r\n UTF8\r\n211 End"
        (server.disk / "file").write_bytes(b"x")
        with without(server, {"FEAT": features}) as settings:
            transfer = build_transfer(settings)
            with transfer.session() as session:
                assert session.make_directory("/files/in", 0o2750) is True
                [file, _] = session.entries("/files")
                assert session.entry("/files/file") == file
        assert (file.mode, file.uid, file.gid, file.size) == (None, None, None, 1)
        assert abs(file.modified - time.time()) < 60
        assert transfer.owner_name(file) == "—"

    @over_ftp
    def test_an_owner_is_a_number_and_never_the_name_that_the_server_makes_up(
        self, server: FileServer, session: TransferSession
    ) -> None:
        (server.disk / "dropped").write_bytes(b"x")
        os.chown(server.disk / "dropped", 46002, 46002)
        entry = session.entry("/files/dropped")
        assert entry is not None
        assert build_transfer(server.settings).owner_name(entry) == "uid 46002"


class TestDirectoryStep:
    @over_plain_ftp
    def test_what_is_not_set_and_not_shown_is_evidence(self, server: FileServer) -> None:
        (server.disk / "ACME").mkdir()
        os.chown(server.disk / "ACME", 46001, 46001)
        (server.disk / "ACME").chmod(0o2770)
        layout = Layout("/files", "ACME", "TELEFONICA_ES", "ROOT", "ONB-1")
        features = "211-Features:\r\n MLST type*;size*;modify*;\r\n211 End"
        work: Any = SimpleNamespace(once=lambda _key, look, do: look() or do())
        with without(server, {"FEAT": features, "SITE CHMOD": "500 not understood"}) as settings:
            transfer = build_transfer(settings)
            step = DirectoryStep(transfer, root="/files", poll_seconds=1)
            with transfer.session() as session:
                unset, unseen = step._make(work, session, layout)
        assert "no SITE CHMOD" in unset.label.en
        assert "2750 /files/ACME/test/TELEFONICA_ES/ROOT/out" in unset.value
        assert "0700 /files/.onboarding" in unset.value
        assert "not verified" in unseen.label.en
        assert unseen.value == "mode, group"
        assert (server.disk / "ACME/prod/TELEFONICA_ES/ROOT/in").is_dir()

    @pytest.mark.parametrize(
        ("refusal", "code", "said"),
        [
            (CertificateUnknown("files:21", "self-signed"), "CERTIFICATE", "TRANSFER__CA_FILE"),
            (NotOffered("files:21", "no MLSD"), "SERVER", "TRANSFER__PROTOCOL"),
        ],
    )
    def test_what_a_server_is_not_trusted_for_or_lacks_fails_the_step_with_what_to_do(
        self, refusal: TransferError, code: str, said: str
    ) -> None:
        with (
            pytest.raises(StepFailed) as failed,
            translated(Layout("/files", "ACME", "TELEFONICA_ES", "ROOT", "ONB-1")),
        ):
            raise refusal
        assert failed.value.code == code
        assert refusal.reason in failed.value.seen.en
        assert said in failed.value.advice.en


class TestNames:
    @over_ftp
    @pytest.mark.parametrize("name", ["permission denied", "not found"])
    def test_the_words_of_a_name_are_not_taken_for_the_servers(
        self, server: FileServer, session: TransferSession, name: str
    ) -> None:
        session.make_directory(f"/files/{name}", 0o2770)
        with pytest.raises(TransferError, match="exists already"):
            session.make_directory(f"/files/{name}", 0o2770)
        (server.disk / "closed").mkdir(0o700)
        (server.disk / "closed").chmod(0)
        with pytest.raises(PathDenied):
            session.make_directory(f"/files/closed/{name}", 0o2770)

    @over_ftp
    @pytest.mark.parametrize(
        "name", ["Facturación móvil €.mdb", " begins and ends with spaces ", "semi;colon=a", "*?[x]"]
    )
    def test_a_name_is_itself(self, server: FileServer, session: TransferSession, tmp_path: Path, name: str) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"content")
        session.put(source, f"/files/{name}")
        assert [file.name for file in server.disk.iterdir()] == [name]
        assert [entry.name for entry in session.entries("/files")] == [name]
        session.fetch(f"/files/{name}", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == b"content"

    @over_ftp
    def test_a_name_in_another_encoding_is_told_and_not_garbled(
        self, server: FileServer, session: TransferSession
    ) -> None:
        Path(os.fsdecode(os.fsencode(server.disk) + b"/m\xf3vil.mdb")).write_bytes(b"x")
        with pytest.raises(TransferError, match=r"not UTF-8.*m.vil"):
            session.entries("/files")

    @over_ftp
    def test_a_line_break_in_a_name_begins_no_command(self, server: FileServer, session: TransferSession) -> None:
        (server.disk / "kept").write_bytes(b"x")
        with pytest.raises(TransferError, match="line break"):
            session.remove("/files/none\r\nDELE /files/kept")
        assert (server.disk / "kept").exists()

    @over_ftp
    def test_a_line_break_in_a_password_is_refused_without_repeating_it(self, server: FileServer) -> None:
        with pytest.raises(LoginRefused, match="line break") as refused:
            enter(build_transfer(server.settings_with(password="open\r\nsesame")))
        assert "sesame" not in str(refused.value)


class TestCut:
    @over_ftp
    def test_an_upload_cut_in_the_middle_leaves_no_final_file(
        self, server: FileServer, proftpd_files: ProftpdFiles, tmp_path: Path
    ) -> None:
        content = os.urandom(4_000_000)
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)

        def write() -> None:
            # The reader goes away in the middle of the second half.
            with suppress(BrokenPipeError), pipe.open("wb", buffering=0) as end:
                end.write(content)
                wait_until((server.disk / "big.mdb.part").exists)
                assert proftpd_files.daemon.kill_sessions() >= 1
                end.write(content)

        with build_transfer(server.settings).session() as session, beside(write), pytest.raises(ServerUnreachable):
            session.put(pipe, "/files/big.mdb")
        assert [file.name for file in server.disk.iterdir()] == ["big.mdb.part"]
        source = tmp_path / "source"
        source.write_bytes(content)
        with build_transfer(server.settings).session() as session:
            session.put(source, "/files/big.mdb")
        assert [file.name for file in server.disk.iterdir()] == ["big.mdb"]
        assert (server.disk / "big.mdb").read_bytes() == content

    @over_ftp
    def test_a_download_cut_in_the_middle_leaves_no_final_file(
        self, server: FileServer, proftpd_files: ProftpdFiles, tmp_path: Path
    ) -> None:
        sparse(server.disk / "big.mdb", 50_000_000)
        # The bot's own side of the transfer is a pipe, so that the cut comes in the middle however fast the machine is.
        os.mkfifo(tmp_path / "back.part")

        def cut() -> None:
            with (tmp_path / "back.part").open("rb") as end:
                end.read(1_000_000)
                assert proftpd_files.daemon.kill_sessions() >= 1
                end.read()

        with build_transfer(server.settings).session() as session, beside(cut), pytest.raises(ServerUnreachable):
            session.fetch("/files/big.mdb", tmp_path / "back")
        assert not (tmp_path / "back").exists()

    @over_ftp
    def test_a_connection_lost_between_two_calls_is_unavailable(
        self, server: FileServer, proftpd_files: ProftpdFiles
    ) -> None:
        with build_transfer(server.settings).session() as session:
            session.entries("/files")
            proftpd_files.daemon.kill_sessions()
            with pytest.raises(ServerUnreachable):
                session.entries("/files")

    @over_ftp
    @pytest.mark.parametrize("size", [10_000_000, 50_000_001])
    def test_a_file_that_changes_while_it_is_read_is_not_taken(
        self, server: FileServer, session: TransferSession, size: int
    ) -> None:
        sparse(server.disk / "growing.mdb", 50_000_000)
        blocks = session._blocks("/files/growing.mdb")  # type: ignore[attr-defined]
        next(blocks)
        os.truncate(server.disk / "growing.mdb", size)
        with pytest.raises(TransferError, match="50000000 bytes when reading began"):
            list(blocks)
        assert session.entry("/files/growing.mdb") is not None

    @over_ftp
    def test_a_full_local_disk_ends_the_transfer_and_not_the_session(
        self, server: FileServer, session: TransferSession
    ) -> None:
        sparse(server.disk / "big.mdb", 20_000_000)
        full = Path("/dev/shm") / f"onbtest-{os.getpid()}"
        full.mkdir()
        try:
            (full / "back.part").symlink_to("/dev/full")
            with pytest.raises(TransferError, match="on this machine: No space left"):
                session.fetch("/files/big.mdb", full / "back")
        finally:
            (full / "back.part").unlink(missing_ok=True)
            full.rmdir()
        assert [entry.name for entry in session.entries("/files")] == ["big.mdb"]
        entry = session.entry("/files/big.mdb")
        assert entry is not None
        assert entry.size == 20_000_000

    @over_plain_ftp
    def test_a_shorter_file_than_was_sent_is_never_put_in_place(self, server: FileServer, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"twelve bytes")
        short = "250-Start\r\n type=file;size=11;modify=20261124083200; /files/a.part\r\n250 End"
        with (
            without(server, {"MLST": short}) as settings,
            build_transfer(settings).session() as session,
            pytest.raises(TransferError, match="12 bytes were sent and 11 arrived"),
        ):
            session.put(source, "/files/a")
        assert not (server.disk / "a").exists()

    @over_plain_ftp
    def test_a_full_server_is_told_in_its_own_words(self, server: FileServer, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"x")
        with (
            without(server, {"STOR": "452 No space left on device"}) as settings,
            build_transfer(settings).session() as session,
            pytest.raises(TransferError, match="No space left on device") as full,
        ):
            session.put(source, "/files/a")
        assert not isinstance(full.value, PathDenied)

    @over_plain_ftp
    @pytest.mark.parametrize("command", ["USER", "PASS", "MLST"])
    def test_a_server_that_asks_to_come_back_later_is_unavailable(self, server: FileServer, command: str) -> None:
        with (
            without(server, {command: "421 Too many connections"}) as settings,
            pytest.raises(ServerUnreachable),
            build_transfer(settings).session() as session,
        ):
            session.entry("/files")


class TestDoctor:
    @over_ftps
    def test_it_says_who_vouches_for_the_certificate(
        self, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = doctor(server.settings, tmp_path, monkeypatch)
        assert [(one.part, one.ok) for one in found] == [("ftps certificate", True), ("ftps", True)]
        assert str(server.settings.ca_file) in found[0].seen.en
        found = doctor(server.settings_with(ca_file=None), tmp_path, monkeypatch)
        assert [(one.part, one.ok, one.needed) for one in found] == [("ftps", False, True)]
        assert "TRANSFER__CA_FILE" in found[0].advice.en

    @over_plain_ftp
    def test_it_warns_of_plain_ftp_and_says_what_to_set(
        self, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        warning, works = doctor(server.settings, tmp_path, monkeypatch)
        assert (warning.ok, warning.needed, works.ok) == (False, False, True)
        assert "readable" in warning.seen.en
        assert "TRANSFER__PROTOCOL=ftps" in warning.advice.en

    @over_plain_ftp
    def test_it_says_that_rights_are_not_shown(
        self, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        features = "211-Features:\r\n MLST type*;size*;modify*;\r\n211 End"
        with without(server, {"FEAT": features}) as settings:
            rights = doctor(settings, tmp_path, monkeypatch)[-1]
        assert (rights.part, rights.ok, rights.needed) == ("ftp rights", False, False)

    @over_ftps
    def test_a_wrong_password_is_a_finding_and_is_not_repeated(
        self, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        [finding] = doctor(server.settings_with(password="not-this-one"), tmp_path, monkeypatch)
        assert not finding.ok
        assert "refuses this account" in finding.seen.en
        assert "not-this-one" not in finding.seen.en


def doctor(settings: TransferSettings, place: Path, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    monkeypatch.chdir(place)
    found = examine(load_settings(data_dir=place / "data", transfer=settings.model_dump()))
    return [finding for finding in found if finding.part.startswith(settings.protocol)]


@contextmanager
def without(server: FileServer, answers: dict[str, str]) -> Iterator[TransferSettings]:
    """Stand between the bot and a plain FTP server, and answer some commands in its place."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ends: list[socket.socket] = []

        def serve() -> None:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, socket.create_connection((server.settings.host, server.settings.port)) as upstream:
                ends.extend([client, upstream])
                Thread(target=replies, args=(upstream, client), daemon=True).start()
                for line in client.makefile("rb"):
                    known = [answer for name, answer in answers.items() if line.decode().upper().startswith(name)]
                    if known:
                        client.sendall(f"{known[0]}\r\n".encode())
                    else:
                        upstream.sendall(line)

        def replies(upstream: socket.socket, client: socket.socket) -> None:
            try:
                while block := upstream.recv(8192):
                    client.sendall(block)
            except OSError:
                return

        serving = Thread(target=serve, daemon=True)
        serving.start()
        yield server.settings_with(port=listener.getsockname()[1])
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        serving.join(5)


@contextmanager
def beside(act: Callable[[], None]) -> Iterator[None]:
    """Run something in a thread meanwhile."""
    thread = Thread(target=act, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(10)


def wait_until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not look() and time.monotonic() < deadline:
        time.sleep(0.001)


def sparse(file: Path, size: int) -> None:
    file.touch()
    os.truncate(file, size)
    file.chmod(0o666)
