"""The sandbox's SFTP server: Unix rules between the bot and the partners, asked with paramiko."""

import errno
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import paramiko
import pytest

from bot.onboarding.errors import Unavailable
from bot.onboarding.transfer import (
    LoginRefused,
    PathDenied,
    PathMissing,
    ServerUnreachable,
    TransferError,
    TransferSession,
)
from bot.sandbox.faults import Fault
from bot.sandbox.sftp import SftpServer
from bot.transfer.build import build_transfer
from bot.transfer.settings import TransferSettings

ACME, BETA = ("acme", "acme-secret"), ("beta", "beta-secret")
BOT = ("onboarding-bot", "secret")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    with SftpServer(tmp_path / "root", partners={"ACME": ACME, "BETA": BETA}) as server:
        yield server


Connect = Callable[[tuple[str, str]], paramiko.SFTPClient]


def ssh(server: SftpServer, account: tuple[str, str], known_hosts: Path) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.load_host_keys(str(server.known_hosts(known_hosts)))
    client.connect(
        server.host, server.port, *account, look_for_keys=False, allow_agent=False, timeout=10, auth_timeout=10
    )
    return client


@pytest.fixture
def connect(server: SftpServer, tmp_path: Path) -> Iterator[Connect]:
    with ExitStack() as closing:

        def connect(account: tuple[str, str]) -> paramiko.SFTPClient:
            client = closing.enter_context(ssh(server, account, tmp_path / "known_hosts"))
            return client.open_sftp()

        yield connect


@pytest.fixture
def bot(connect: Connect) -> paramiko.SFTPClient:
    """The bot, with a layout made as the directory step makes it."""
    bot = connect(BOT)
    for path, mode in (("/ACME/in", 0o2770), ("/ACME/out", 0o2750), ("/.onboarding", 0o700)):
        bot.mkdir(path)
        bot.chmod(path, mode)
    return bot


@pytest.fixture
def acme(connect: Connect) -> paramiko.SFTPClient:
    return connect(ACME)


def write(client: paramiko.SFTPClient, path: str, content: bytes = b"x") -> None:
    with client.open(path, "wb") as file:
        file.write(content)


def refused(code: int | None, act: Callable[..., object], *args: object) -> None:
    """SFTP version 3 has three answers that matter: no such file, permission denied, and failure for all the rest."""
    with pytest.raises(OSError) as answer:  # noqa: PT011 - the code below is what tells them apart
        act(*args)
    assert answer.value.errno == code, answer.value


class TestLogins:
    def test_the_bot_sees_everything_and_a_partner_its_own_folder_as_root(
        self, bot: paramiko.SFTPClient, acme: paramiko.SFTPClient
    ) -> None:
        assert sorted(bot.listdir("/")) == [".onboarding", "ACME", "BETA"]
        assert sorted(acme.listdir("/")) == ["in", "out"]
        assert acme.normalize(".") == "/"
        assert acme.normalize("../../x/..//in") == "/in"
        for outside in ("/BETA", "/../BETA", "/ACME/in", "/.onboarding", "../../../etc/passwd"):
            refused(errno.ENOENT, acme.stat, outside)

    def test_only_the_right_password_logs_in(self, server: SftpServer, tmp_path: Path) -> None:
        for account in (("acme", "beta-secret"), ("acme", ""), ("nobody", "secret"), ("", "secret")):
            with pytest.raises(paramiko.AuthenticationException):
                ssh(server, account, tmp_path / "known_hosts")

    def test_there_is_no_shell_no_command_and_no_tunnel(self, server: SftpServer, tmp_path: Path) -> None:
        with ssh(server, BOT, tmp_path / "known_hosts") as client:
            with pytest.raises(paramiko.SSHException):
                client.exec_command("id")
            with pytest.raises(paramiko.SSHException):
                client.invoke_shell()
            transport = client.get_transport()
            assert transport is not None
            with pytest.raises(paramiko.ChannelException):
                transport.open_channel("direct-tcpip", ("127.0.0.1", server.port), ("127.0.0.1", 1))
            with pytest.raises(paramiko.SSHException):
                transport.request_port_forward("127.0.0.1", 0)

    def test_an_account_added_later_logs_in_and_a_name_is_taken_once(
        self, server: SftpServer, connect: Connect, tmp_path: Path
    ) -> None:
        server.add_partner("GAMMA", "gamma", "g-secret")
        assert connect(("gamma", "g-secret")).listdir("/") == []
        assert stat.S_IMODE((tmp_path / "root/GAMMA").stat().st_mode) == 0o2770
        assert connect(BOT).listdir("/GAMMA") == []
        with pytest.raises(ValueError, match="gamma"):
            server.add_partner("DELTA", "gamma", "other")


class TestPermissions:
    def test_owners_and_groups_are_those_of_a_unix_server(
        self, bot: paramiko.SFTPClient, acme: paramiko.SFTPClient, connect: Connect
    ) -> None:
        write(acme, "/in/file")
        folder, incoming, file = (bot.stat(path) for path in ("/ACME", "/ACME/in", "/ACME/in/file"))
        assert (folder.st_uid, folder.st_gid, stat.S_IMODE(folder.st_mode or 0)) == (0, 2001, 0o2770)
        assert (incoming.st_uid, incoming.st_gid) == (1000, 2001)
        assert (file.st_uid, file.st_gid, stat.S_IMODE(file.st_mode or 0)) == (2001, 2001, 0o660)
        assert bot.stat("/BETA").st_gid == 2002
        assert bot.stat("/.onboarding").st_gid == 1000
        (listed,) = bot.listdir_attr("/ACME/in")
        assert str(listed.longname).split()[2:4] == ["acme", "acme"]

    def test_a_partner_drops_renames_and_deletes_in_in(
        self, bot: paramiko.SFTPClient, acme: paramiko.SFTPClient
    ) -> None:
        write(acme, "/in/file.part")
        acme.rename("/in/file.part", "/in/file")
        acme.mkdir("/in/sub")
        sub = bot.stat("/ACME/in/sub")
        assert (stat.S_IMODE(sub.st_mode or 0), sub.st_uid, sub.st_gid) == (0o2770, 2001, 2001)
        acme.rmdir("/in/sub")
        acme.remove("/in/file")
        assert bot.listdir("/ACME/in") == []

    def test_a_partner_reads_out_and_changes_nothing_there(
        self, bot: paramiko.SFTPClient, acme: paramiko.SFTPClient
    ) -> None:
        write(bot, "/ACME/out/ofc.csv", b"ofc")
        bot.chmod("/ACME/out/ofc.csv", 0o640)
        write(acme, "/in/file")
        assert acme.listdir("/out") == ["ofc.csv"]
        with acme.open("/out/ofc.csv") as file:
            assert file.read() == b"ofc"
        for act, args in (
            (acme.open, ("/out/new", "wb")),
            (acme.open, ("/out/ofc.csv", "r+b")),
            (acme.open, ("/out/ofc.csv", "ab")),
            (acme.truncate, ("/out/ofc.csv", 0)),
            (acme.remove, ("/out/ofc.csv",)),
            (acme.mkdir, ("/out/sub",)),
            (acme.rename, ("/out/ofc.csv", "/in/ofc.csv")),
            (acme.posix_rename, ("/in/file", "/out/file")),
            (acme.chmod, ("/out", 0o2770)),
            (acme.chmod, ("/out/ofc.csv", 0o660)),
            (acme.chown, ("/out/ofc.csv", 2001, 2001)),
            (acme.utime, ("/out/ofc.csv", (1, 1))),
        ):
            refused(errno.EACCES, act, *args)
        assert bot.listdir("/ACME/out") == ["ofc.csv"]

    def test_what_the_group_may_not_read_or_enter_is_denied(
        self, bot: paramiko.SFTPClient, acme: paramiko.SFTPClient
    ) -> None:
        write(bot, "/ACME/in/file")
        bot.chmod("/ACME/in/file", 0o600)
        refused(errno.EACCES, acme.open, "/in/file")
        bot.chmod("/ACME/in", 0o2700)
        for act in (acme.listdir, lambda path: acme.stat(f"{path}/file"), lambda path: acme.mkdir(f"{path}/a")):
            refused(errno.EACCES, act, "/in")
        assert acme.stat("/in").st_uid == 1000

    def test_the_bot_is_held_to_the_same_rules(self, bot: paramiko.SFTPClient, acme: paramiko.SFTPClient) -> None:
        write(acme, "/in/file", b"mine")
        with bot.open("/ACME/in/file") as file:
            assert file.read() == b"mine"
        refused(errno.EACCES, bot.chmod, "/ACME/in/file", 0o600)
        refused(errno.EACCES, bot.chmod, "/ACME", 0o2700)
        acme.chmod("/in/file", 0o600)
        refused(errno.EACCES, bot.open, "/ACME/in/file")
        bot.rename("/ACME/in/file", "/.onboarding/file")
        moved = bot.stat("/.onboarding/file")
        assert (moved.st_uid, moved.st_gid) == (2001, 2001)

    def test_setgid_goes_in_silence_where_the_group_is_not_ones_own(
        self, acme: paramiko.SFTPClient, bot: paramiko.SFTPClient, tmp_path: Path
    ) -> None:
        incoming = tmp_path / "root/ACME/in"
        incoming.chmod(0o777)
        bot.mkdir("/ACME/in/bots")
        bot.chmod("/ACME/in/bots", 0o2777)
        acme.mkdir("/in/bots/sub")
        made = acme.stat("/in/bots/sub")
        assert (made.st_uid, made.st_gid, stat.S_IMODE(made.st_mode or 0)) == (2001, 1000, 0o2770)
        acme.chmod("/in/bots/sub", 0o2770)
        assert stat.S_IMODE(acme.stat("/in/bots/sub").st_mode or 0) == 0o770


class TestAnswersOfVersion3:
    def test_an_existing_directory_or_target_is_only_a_failure(self, bot: paramiko.SFTPClient) -> None:
        refused(None, bot.mkdir, "/ACME/in")
        write(bot, "/ACME/in/a", b"a")
        write(bot, "/ACME/in/b", b"b")
        refused(None, bot.rename, "/ACME/in/a", "/ACME/in/b")
        refused(None, bot.open, "/ACME/in/a", "xb")
        refused(None, bot.remove, "/ACME/in")
        refused(None, bot.rmdir, "/ACME")
        bot.posix_rename("/ACME/in/a", "/ACME/in/b")
        with bot.open("/ACME/in/b") as file:
            assert file.read() == b"a"

    def test_what_is_missing_is_missing(self, bot: paramiko.SFTPClient) -> None:
        write(bot, "/ACME/in/file")
        for act, args in (
            (bot.stat, ("/no",)),
            (bot.lstat, ("/no/no",)),
            (bot.listdir, ("/no",)),
            (bot.open, ("/no",)),
            (bot.open, ("/no/file", "wb")),
            (bot.mkdir, ("/no/sub",)),
            (bot.remove, ("/no",)),
            (bot.rename, ("/no", "/other")),
            (bot.posix_rename, ("/ACME/in/file", "/no/file")),
            (bot.stat, ("/ACME/in/file/below",)),
            (bot.listdir, ("/ACME/in/file",)),
            (bot.chmod, ("/no", 0o700)),
        ):
            refused(errno.ENOENT, act, *args)

    def test_writing_at_places_and_appending_and_truncating(self, bot: paramiko.SFTPClient, tmp_path: Path) -> None:
        write(bot, "/ACME/in/file", b"0123456789")
        with bot.open("/ACME/in/file", "r+b") as file:
            file.seek(4)
            file.write(b"xx")
        with bot.open("/ACME/in/file", "ab") as file:
            file.write(b"!")
            file.truncate(9)
            assert file.stat().st_size == 9
            file.chmod(0o600)
        assert (tmp_path / "root/ACME/in/file").read_bytes() == b"0123xx678"
        assert stat.S_IMODE(bot.stat("/ACME/in/file").st_mode or 0) == 0o600
        write(bot, "/ACME/in/file", b"new")
        assert bot.stat("/ACME/in/file").st_size == 3


class TestLinks:
    def test_no_link_leads_out(self, bot: paramiko.SFTPClient, acme: paramiko.SFTPClient, tmp_path: Path) -> None:
        incoming = tmp_path / "root/ACME/in"
        (tmp_path / "root/BETA/secret").write_text("beta's")
        write(acme, "/in/file", b"inside")
        (incoming / "inside").symlink_to("file")
        (incoming / "outside").symlink_to("../../BETA/secret")
        (incoming / "folder").symlink_to("../../BETA")
        (incoming / "absolute").symlink_to(tmp_path / "root/BETA/secret")
        (incoming / "loop").symlink_to("loop")
        with acme.open("/in/inside") as file:
            assert file.read() == b"inside"
        for path in ("/in/outside", "/in/absolute", "/in/folder/secret", "/in/loop"):
            refused(errno.ENOENT, acme.stat, path)
            refused(errno.ENOENT, acme.open, path)
        refused(errno.ENOENT, acme.open, "/in/outside", "wb")
        refused(errno.ENOENT, acme.listdir, "/in/folder")
        refused(errno.ENOENT, acme.chmod, "/in/outside", 0o777)
        assert stat.S_ISLNK(acme.lstat("/in/outside").st_mode or 0)
        acme.remove("/in/outside")
        assert (tmp_path / "root/BETA/secret").read_text() == "beta's"
        assert "inside" in bot.listdir("/ACME/in")

    def test_nobody_makes_links(self, acme: paramiko.SFTPClient, bot: paramiko.SFTPClient) -> None:
        write(acme, "/in/file")
        refused(errno.EACCES, acme.symlink, "/in/file", "/in/link")
        refused(errno.EACCES, bot.symlink, "/etc/passwd", "/ACME/in/link")
        assert bot.listdir("/ACME/in") == ["file"]


def transfer_to(server: SftpServer, tmp_path: Path) -> TransferSettings:
    return TransferSettings.model_validate(
        {
            "host": server.host,
            "port": server.port,
            "username": BOT[0],
            "password": BOT[1],
            "known_hosts": server.known_hosts(tmp_path / "known_hosts"),
            "partners": {"ACME": {"username": ACME[0], "password": ACME[1]}},
        }
    )


class TestWithTheBotsAdapter:
    def test_the_partners_session_is_the_partners(self, server: SftpServer, tmp_path: Path) -> None:
        transfer = build_transfer(transfer_to(server, tmp_path))
        probe = tmp_path / "probe"
        probe.write_bytes(b"probe")
        with transfer.session() as session:
            session.make_directory("/ACME/in", 0o2770)
            session.make_directory("/ACME/out", 0o2750)
        entering = transfer.partner_session("acme")
        assert entering is not None
        with entering as partner:
            partner.put(probe, "/in/connection-test.txt")
            with pytest.raises(PathDenied):
                partner.put(probe, "/out/connection-test.txt")
            with pytest.raises(PathMissing):
                partner.entries("/BETA")
        with transfer.session() as session:
            (dropped,) = session.entries("/ACME/in")
            assert transfer.owner_name(dropped) == "acme"
        assert transfer.partner_session("BETA") is None

    @pytest.mark.parametrize(
        "operation", ["open", "write", "stat", "rename", "setstat", "mkdir", "read", "list", "remove"]
    )
    @pytest.mark.parametrize("kind", ["drop_before", "drop_after", "server_error"])
    def test_every_operation_can_fail(self, server: SftpServer, tmp_path: Path, operation: str, kind: str) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"content")
        with build_transfer(transfer_to(server, tmp_path)).session() as session:
            session.put(source, "/ACME/file")
            server.faults.add(Fault(operation, kind))  # type: ignore[arg-type]
            expected = TransferError if kind == "server_error" else ServerUnreachable
            with pytest.raises(expected):
                use_everything(session, source)
        assert server.faults.take(operation) is None
        with build_transfer(transfer_to(server, tmp_path)).session() as session:
            for path in ("/ACME/other", "/ACME/other.part"):
                session.remove(path)

    def test_a_rename_whose_answer_is_lost_has_happened(self, server: SftpServer, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"content")
        server.faults.add(Fault("rename", "drop_after"))
        transfer = build_transfer(transfer_to(server, tmp_path))
        with transfer.session() as session, pytest.raises(ServerUnreachable):
            session.put(source, "/ACME/file")
        with transfer.session() as session:
            assert [entry.name for entry in session.entries("/ACME")] == ["file"]

    @pytest.mark.parametrize("kind", ["drop_before", "drop_after", "server_error", "rate_limited"])
    def test_a_login_can_fail_without_being_refused(self, server: SftpServer, tmp_path: Path, kind: str) -> None:
        server.faults.add(Fault("login", kind))  # type: ignore[arg-type]
        transfer = build_transfer(transfer_to(server, tmp_path))
        with pytest.raises(Unavailable), transfer.session():
            pytest.fail("it logged in")
        with transfer.session() as session:
            assert session.entry("/ACME") is not None

    @pytest.mark.parametrize("operation", ["login", "list"])
    def test_a_delay_delays(self, server: SftpServer, tmp_path: Path, operation: str) -> None:
        server.faults.add(Fault(operation, "delay", seconds=0.3))
        begun = time.monotonic()
        with build_transfer(transfer_to(server, tmp_path)).session() as session:
            assert session.entries("/ACME") == []
        assert time.monotonic() - begun >= 0.3


def use_everything(session: TransferSession, source: Path) -> None:
    """Touch every operation of the server once."""
    session.put(source, "/ACME/other")
    session.make_directory("/ACME/folder", 0o2770)
    session.sha256("/ACME/file")
    session.entries("/ACME")
    session.remove("/ACME/file")


class TestStartingAndStopping:
    def test_a_restart_keeps_port_key_and_owners(self, tmp_path: Path) -> None:
        server = SftpServer(tmp_path / "root", partners={"ACME": ACME})
        with server:
            settings = transfer_to(server, tmp_path)
            with ssh(server, ACME, tmp_path / "hosts") as client:
                write(client.open_sftp(), "/file")
        transfer = build_transfer(settings)
        with pytest.raises(ServerUnreachable), transfer.session():
            pytest.fail("it logged in")
        server.stop()
        with server.start(), transfer.session() as session:
            entry = session.entry("/ACME/file")
            assert entry is not None
            assert entry.uid == 2001

    def test_a_key_file_keeps_the_key_over_processes(self, tmp_path: Path) -> None:
        key = tmp_path / "host_key"
        written = []
        for _process in range(2):
            with SftpServer(tmp_path / "root", host_key=key) as server:
                written.append(server.known_hosts(tmp_path / "hosts").read_text().split()[1:])
        assert written[0] == written[1]
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        with SftpServer(tmp_path / "root") as server:
            assert server.known_hosts(tmp_path / "hosts").read_text().split()[1:] != written[0]

    def test_a_new_process_on_an_old_root_takes_its_files_for_the_bots(self, tmp_path: Path) -> None:
        for expected in (2001, 1000):
            with (
                SftpServer(tmp_path / "root", partners={"ACME": ACME}) as server,
                ssh(server, ACME, tmp_path / "hosts") as client,
            ):
                sftp = client.open_sftp()
                if expected == 2001:
                    write(sftp, "/file")
                found = sftp.stat("/file")
                assert (found.st_uid, found.st_gid) == (expected, 2001)
                write(sftp, "/file")

    def test_stopping_ends_sessions_and_threads(self, tmp_path: Path) -> None:
        server = SftpServer(tmp_path / "root").start()
        with ssh(server, BOT, tmp_path / "hosts") as client:
            sftp = client.open_sftp()
            server.stop()
            with pytest.raises((OSError, EOFError, paramiko.SSHException)):
                sftp.listdir("/")
        assert not [thread for thread in threading.enumerate() if thread.name == "sandbox-sftp"]

    def test_a_port_that_is_taken_is_told(self, server: SftpServer, tmp_path: Path) -> None:
        other = SftpServer(tmp_path / "other", port=server.port)
        with pytest.raises(OSError, match="in use"):
            other.start()
        other.stop()

    def test_a_wrong_password_is_a_refusal_for_the_adapter(self, server: SftpServer, tmp_path: Path) -> None:
        settings = transfer_to(server, tmp_path).model_dump() | {"password": "wrong"}
        with pytest.raises(LoginRefused), build_transfer(TransferSettings.model_validate(settings)).session():
            pytest.fail("it logged in")


def test_what_changed_the_tree_is_in_the_log_and_what_failed_is_not(server: SftpServer, connect: Connect) -> None:
    sftp = connect(BOT)
    sftp.mkdir("/ACME/one")
    with pytest.raises(OSError, match="Failure"):
        sftp.mkdir("/ACME/one")
    sftp.posix_rename("/ACME/one", "/ACME/two")
    done = [(each.operation, each.account, each.path.name, each.to and each.to.name) for each in server.done]
    assert done == [("mkdir", BOT[0], "one", None), ("rename", BOT[0], "one", "two")]


def test_a_fault_may_meet_one_account_alone(server: SftpServer, connect: Connect) -> None:
    server.faults.add(Fault("mkdir", "server_error", account=ACME[0]))
    connect(BOT).mkdir("/ACME/one")
    with pytest.raises(OSError, match="Failure"):
        connect(ACME).mkdir("/two")
