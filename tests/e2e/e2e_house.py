"""The bot as a process of its own between servers, the sandbox's or real ones; each test looks at what they saw."""

import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest
import requests
from proftpd import PASSWORD, Account, need_proftpd, proftpd

from bot.onboarding.transfer import PathDenied, PathMissing, TransferSession
from bot.sandbox.jira import JiraServer
from bot.sandbox.mailbox import Mailbox
from bot.sandbox.players import DataBaseTeam, Manager, Partner, wait_for
from bot.sandbox.sftp import SftpServer
from bot.sandbox.slack import SlackServer
from bot.transfer.build import build_transfer
from bot.transfer.settings import TransferSettings

PARTNERS = ("PARTNER-ONE", "PARTNER-TWO")
EMAIL = "billing@partner-one.example"
ROOT = "ACME-IBERICA"
SAMPLE = "202610_ACME-IBERICA_SOFIA.mdb"
START = {
    "operator": "telefonica_es",
    "partner": PARTNERS[0],
    "partner_email": EMAIL,
    "client": "ACME Ibérica",
    "root": ROOT,
    "tax_ids": "B00123455",
    "ofc": "true",
    "deposit": "ftp",
}
MANUAL_STEPS = ("portal", "sofia_install", "sofia_login", "download", "load")


@dataclass
class FileServer:
    """Where the files go: addresses and accounts as the bot and the partners know them, and the folder on this disk."""

    host: str
    port: int
    known_hosts: Path
    username: str
    password: str
    root: str
    partners: Mapping[str, Mapping[str, str]]
    disk: Path
    server: SftpServer | None = None
    protocol: str = "sftp"
    ca_file: Path | None = None

    def as_players_see_it(self) -> Mapping[str, Any]:
        return {
            "host": self.host,
            "port": self.port,
            "known_hosts": str(self.known_hosts),
            "protocol": self.protocol,
            "ca_file": self.ca_file,
            "partners": self.partners,
        }


@contextmanager
def sandbox_files(place: Path) -> Iterator[FileServer]:
    partners = {code: {"username": code.lower(), "password": f"secret of {code}"} for code in PARTNERS}
    accounts = {code: (account["username"], account["password"]) for code, account in partners.items()}
    with SftpServer(place / "sftp", partners=accounts) as server:
        known = server.known_hosts(place / "known_hosts")
        yield FileServer(
            server.host, server.port, known, "onboarding-bot", "secret", "/", partners, place / "sftp", server
        )


@contextmanager
def openssh_files(place: Path) -> Iterator[FileServer]:
    """A real sshd with an account for the bot and one for each partner, a group for each partner, one chroot."""
    if os.geteuid() != 0 or not Path("/usr/sbin/sshd").exists():
        reason = "accounts on a real sshd need root and the Debian package openssh-server"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    mark = f"onbe{os.getpid()}"
    jail = Path("/srv") / mark
    names = {"bot": f"{mark}b", **{code: f"{mark}p{number}" for number, code in enumerate(PARTNERS)}}
    Path("/run/sshd").mkdir(exist_ok=True)
    try:
        for name in names.values():
            subprocess.run(["useradd", "--user-group", "--no-create-home", "--home-dir", "/", name], check=True)
            subprocess.run(["chpasswd"], input=f"{name}:correct-horse".encode(), check=True)
        files = jail / "files"
        files.mkdir(parents=True)
        jail.chmod(0o755)
        shutil.chown(files, names["bot"], names["bot"])
        files.chmod(0o755)
        for code in PARTNERS:
            subprocess.run(["usermod", "-a", "-G", names[code], names["bot"]], check=True)
            (files / code).mkdir()
            os.chown(files / code, 0, pwd.getpwnam(names[code]).pw_gid)
            (files / code).chmod(0o2770)
        with _sshd(place, jail) as port:
            kind, key = (place / "host_key.pub").read_text().split()[:2]
            known = place / "known_hosts"
            known.write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
            partners = {code: {"username": names[code], "password": "correct-horse"} for code in PARTNERS}
            yield FileServer("127.0.0.1", port, known, names["bot"], "correct-horse", "/files", partners, files)
    finally:
        for name in names.values():
            subprocess.run(["userdel", name], check=False, capture_output=True)
        shutil.rmtree(jail, ignore_errors=True)


@contextmanager
def proftpd_files(place: Path, protocol: str, lines: Sequence[str] = ()) -> Iterator[FileServer]:
    """A real proftpd with an account for the bot and one for each partner, a group for each partner, one chroot."""
    need_proftpd()
    partners = [Account(code.lower(), 46002 + number) for number, code in enumerate(PARTNERS)]
    bot = Account("onboarding-bot", 46001, groups=tuple(partner.uid for partner in partners))
    files = place / "jail" / "files"
    files.mkdir(parents=True)
    os.chown(files, bot.uid, bot.uid)
    files.chmod(0o755)
    for code, partner in zip(PARTNERS, partners, strict=True):
        (files / code).mkdir()
        os.chown(files / code, 0, partner.uid)
        (files / code).chmod(0o2770)
    with proftpd(place, place / "jail", [bot, *partners], lines=lines) as daemon:
        accounts = {code: {"username": code.lower(), "password": PASSWORD} for code in PARTNERS}
        yield FileServer(
            "127.0.0.1",
            daemon.port,
            place / "known_hosts",
            bot.name,
            PASSWORD,
            "/files",
            accounts,
            files,
            protocol=protocol,
            ca_file=daemon.ca_file,
        )


class FtpPartner(Partner):
    """A partner whose client speaks FTPS or FTP."""

    def drop(self, file: Path, folder: str) -> None:
        with self._logged_in() as session:
            session.put(file, f"{folder}/{file.name}")

    def collect(self, folder: str) -> dict[str, str]:
        with self._logged_in() as session:
            return {entry.name: session.sha256(f"{folder}/{entry.name}") for entry in session.entries(folder)}

    def can_read(self, path: str) -> bool:
        with self._logged_in() as session:
            try:
                session.entries(path)
            except (PathDenied, PathMissing):
                return False
            return True

    def _logged_in(self) -> AbstractContextManager[TransferSession]:
        server = {name: self.sftp[name] for name in ("host", "port", "protocol", "ca_file")}
        return build_transfer(TransferSettings.model_validate(server | self.sftp["partners"][self.code])).session()


@contextmanager
def _sshd(place: Path, jail: Path) -> Iterator[int]:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / "host_key")], check=True)
    port = free_port()
    lines = [
        "ListenAddress 127.0.0.1",
        f"Port {port}",
        f"HostKey {place / 'host_key'}",
        f"PidFile {place / 'pid'}",
        "PasswordAuthentication yes",
        "UsePAM no",
        "UseDNS no",
        f"ChrootDirectory {jail}",
        "Subsystem sftp internal-sftp -u 0007",
        "ForceCommand internal-sftp -u 0007",
    ]
    (place / "sshd_config").write_text("\n".join(lines) + "\n")
    with (place / "sshd.log").open("wb") as log:
        process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", str(place / "sshd_config")], stderr=log)
    try:
        wait_for("sshd", lambda: _answers(port) or None)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@dataclass
class House:
    """Everything, and the people. ``bot`` is the bot's process, which a test may kill and start again."""

    place: Path
    slack: SlackServer
    jira: JiraServer
    mailbox: Mailbox
    files: FileServer
    environment: dict[str, str]
    web_url: str
    program: Sequence[str] = ("bot", "serve")
    bot: subprocess.Popen[bytes] | None = None
    manager: Manager = field(init=False)
    partner: Partner = field(init=False)
    team: DataBaseTeam = field(init=False)

    def __post_init__(self) -> None:
        self.manager = Manager(self.slack.url, "U0MANAGER")
        partner = Partner if self.files.protocol == "sftp" else FtpPartner
        self.partner = partner(PARTNERS[0], EMAIL, self.mailbox.url, self.files.as_players_see_it())
        self.team = DataBaseTeam(self.jira.url, self.jira.database_token, "DB", self.jira.database_email)

    def start_bot(self) -> Self:
        self.launch_bot()
        wait_for("the bot", self._ready, 60)
        return self

    def launch_bot(self, **more: str) -> subprocess.Popen[bytes]:
        """Start the bot's process, with more in its environment, and wait for nothing."""
        with (self.place / "bot.log").open("ab") as log:
            self.bot = subprocess.Popen(
                [sys.executable, "-m", *self.program],
                env=self.environment | more,
                cwd=self.place,
                stdout=log,
                stderr=log,
            )
        return self.bot

    def kill_bot(self) -> None:
        assert self.bot is not None
        self.bot.send_signal(signal.SIGKILL)
        self.bot.wait()

    def stop_bot(self) -> None:
        if self.bot is not None and self.bot.poll() is None:
            self.bot.terminate()
            self.bot.wait(20)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bot", *words],
            env=self.environment,
            cwd=self.place,
            capture_output=True,
            text=True,
            check=False,
        )

    def status(self, key: str) -> dict[str, Any]:
        answered = self.command("status", key, "--json")
        assert answered.returncode == 0, answered.stderr
        return dict(json.loads(answered.stdout))

    def states(self, key: str) -> dict[str, str]:
        return {step["id"]: step["state"] for step in self.status(key)["steps"]}

    def start(self, **changed: str) -> str:
        assert self.manager.start(START | changed) == {}
        return str(self.manager.wait_for_parent()["metadata"]["event_payload"]["key"])

    def restart_from_shell(self) -> str:
        """Start the same client again from the command line, without OFC; return the key."""
        words = ["start", "--operator", START["operator"], "--partner", START["partner"], "--client", START["client"]]
        words += ["--partner-email", START["partner_email"], "--root", START["root"], "--tax-id", START["tax_ids"]]
        started = self.command(*words, "--option", "ofc=false", "--option", "deposit=ftp")
        assert started.returncode == 0, started.stderr
        return started.stdout.strip()

    def files_server_away(self) -> None:
        assert self.files.server is not None
        self.files.server.stop()

    def files_server_back(self) -> None:
        assert self.files.server is not None
        self.files.server.start()

    def log(self) -> str:
        return (self.place / "bot.log").read_text("utf-8")

    def _ready(self) -> bool | None:
        assert self.bot is not None
        assert self.bot.poll() is None, self.log()
        try:
            return requests.get(f"{self.web_url}/readyz", timeout=5).ok or None
        except requests.ConnectionError:
            return None


@contextmanager
def house(
    place: Path,
    *,
    mode: str = "socket",
    real_sshd: bool = False,
    files_of: Callable[[Path], AbstractContextManager[FileServer]] | None = None,
    jira_kind: str = "Server",
    jira_options: Mapping[str, Any] | None = None,
    **settings: str | None,
) -> Iterator[House]:
    port = free_port()
    web_url = f"http://127.0.0.1:{port}"
    with ExitStack() as parts:
        files = parts.enter_context((files_of or (openssh_files if real_sshd else sandbox_files))(place))
        slack = parts.enter_context(SlackServer(request_url=f"{web_url}/slack/events" if mode == "http" else None))
        jira = parts.enter_context(JiraServer(deployment_type=jira_kind, **(jira_options or {})))
        mailbox = parts.enter_context(Mailbox())
        wanted = {
            "DATA_DIR": str(place / "data"),
            "LANGUAGE": "en",
            "SLACK__MODE": mode,
            "SLACK__BOT_TOKEN": slack.bot_token,
            "SLACK__APP_TOKEN": slack.app_token,
            "SLACK__SIGNING_SECRET": slack.signing_secret,
            "SLACK__API_URL": slack.api_url,
            "SLACK__CHANNEL": "C0ONBOARD",
            "JIRA__URL": jira.url,
            "JIRA__TOKEN": jira.token,
            "JIRA__EMAIL": jira.email,
            "JIRA__PROJECT": "ACT",
            "JIRA__DATABASE_PROJECT": "DB",
            "JIRA__POLL_SECONDS": "0.5",
            "JIRA__FIELDS": json.dumps({"client_root": "customfield_10101"}),
            "TRANSFER__PROTOCOL": files.protocol,
            "TRANSFER__CA_FILE": str(files.ca_file) if files.ca_file else None,
            "TRANSFER__HOST": files.host,
            "TRANSFER__PORT": str(files.port),
            "TRANSFER__USERNAME": files.username,
            "TRANSFER__PASSWORD": files.password,
            "TRANSFER__KNOWN_HOSTS": str(files.known_hosts),
            "TRANSFER__ROOT": files.root,
            "TRANSFER__POLL_SECONDS": "0.4",
            "TRANSFER__STABLE_POLLS": "2",
            "TRANSFER__PARTNERS__PARTNER_ONE__USERNAME": files.partners[PARTNERS[0]]["username"],
            "TRANSFER__PARTNERS__PARTNER_ONE__PASSWORD": files.partners[PARTNERS[0]]["password"],
            "SMTP__HOST": mailbox.host,
            "SMTP__PORT": str(mailbox.smtp_port),
            "SMTP__FROM": "Onboarding <onboarding@saaswedo.example>",
            "WEB__PORT": str(port),
            "ROLES__MANAGER": "U0MANAGER,U0SECOND",
            "ROLES__DATA_BASE": "U0DATABASE",
            "ENGINE__POLL_SECONDS": "0.1",
            "RETRY__FIRST_SECONDS": "0.5",
            **settings,
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ONBOARDING_")}
        environment = inherited | {f"ONBOARDING_{name}": value for name, value in wanted.items() if value is not None}
        built = House(place, slack, jira, mailbox, files, environment, web_url)
        parts.callback(built.stop_bot)
        yield built


def play_until_deposit(home: House, *, steps: Sequence[str] = MANUAL_STEPS) -> None:
    """The manual steps, the form, the ticket."""
    from bot.steps.parameters import parameter_models
    from checklists.loader import builtin_packs, load_pack

    pack = load_pack(builtin_packs() / "telefonica_es", parameter_models())
    for step in steps:
        home.manager.tick_all(step)
    home.partner.fill_form(home.partner.wait_for_link("form"), pack.forms["form.yaml"], datetime.now(UTC).date())
    home.team.make_flow(home.team.wait_for_ticket())
    home.partner.wait_for_request()


def incoming(home: House) -> str:
    """The partner's drop folder as its own account sees it."""
    below = f"/test/TELEFONICA_ES/{ROOT}/in"
    return below if home.files.root == "/" else f"{home.files.root}/{PARTNERS[0]}{below}"


def sample(home: House, name: str = SAMPLE, content: bytes | None = None) -> Path:
    from checklists.loader import builtin_packs

    file = home.place / name
    file.write_bytes((builtin_packs() / "telefonica_es" / "sample.mdb").read_bytes() if content is None else content)
    return file


def play_to_the_end(home: House) -> None:
    """References, Mytem, receipt, signature."""
    home.manager.click("references", "assign")
    home.manager.tick_all("mytem")
    home.partner.answer(home.partner.wait_for_link("confirm"), "yes", "Received.")
    home.manager.tick_all("sign_off")


def free_port() -> int:
    """Return a port that stays free while the bot is down: none of those that outgoing connections are given."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(what: str, look: Any, seconds: float = 40) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if look():
            return
        time.sleep(0.2)
    raise AssertionError(f"{what} did not happen within {seconds:g} seconds")
