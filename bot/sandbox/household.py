"""The sandbox's servers and the bot, each a process of its own, with the bot's ordinary settings between them."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import requests
from rich.console import Console

from bot.engine.lock import sole_runner
from bot.onboarding.errors import SettingsError

PARTNERS = ("PARTNER-ONE", "PARTNER-TWO")
READY_SECONDS = 60
HOST = "127.0.0.1"

Settings = Mapping[str, str]


@dataclass(frozen=True)
class Household:
    """Everything that runs. ``addresses`` is what sandbox.json says; ``environment`` are the bot's settings."""

    addresses: Mapping[str, Any]
    environment: Settings
    folder: Path
    slack_url: str
    team_token: str

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the bot's command line beside the serving bot."""
        return subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, "-m", "bot", *words],
            env=dict(self.environment),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )


@contextmanager
def household(data_dir: Path, *, name: str, language: str, quick: bool, cloud: bool = False) -> Iterator[Household]:
    """Start everything, write ``DATA_DIR/sandbox.json`` when it answers, and stop everything at the end.

    ``cloud`` makes the Jira one on Cloud. ``quick`` shortens the bot's polls for a demonstration. Raises SettingsError
    when one runs there already.
    """
    folder = (data_dir / name).resolve()
    with sole_runner(folder.parent / f"{name}.lock"), ExitStack() as processes:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        written = data_dir.resolve() / "sandbox.json"
        written.unlink(missing_ok=True)
        accounts = {code: _account(code) for code in PARTNERS}
        sftp_account = {"username": "onboarding-bot", "password": secrets.token_urlsafe(12)}
        tokens = {
            "bot_token": f"xoxb-{secrets.token_hex(8)}",
            "app_token": f"xapp-{secrets.token_hex(8)}",
            "signing_secret": secrets.token_hex(16),
        }
        jira_tokens = {"token": secrets.token_urlsafe(16), "database_token": secrets.token_urlsafe(16)}
        web_url = f"http://{HOST}:{_free_port()}"
        webhook = {"webhook_url": f"{web_url}/jira/webhook", "webhook_secret": secrets.token_urlsafe(32)}
        known_hosts = folder / "known_hosts"
        asked: Mapping[str, Mapping[str, Any]] = {
            "slack": tokens,
            "jira": {**jira_tokens, **webhook, "deployment_type": "Cloud" if cloud else "Server"},
            "sftp": {
                **sftp_account,
                "root": str(folder / "sftp"),
                "known_hosts": str(known_hosts),
                "partners": accounts,
            },
            "mail": {},
        }
        started = {server: processes.enter_context(_server(server, words, folder)) for server, words in asked.items()}
        at = {server: _first_line(server, process) for server, process in started.items()}
        # At the end, once the bot has stopped, they are all told before the first one is waited for.
        processes.callback(_tell_to_end, list(started.values()))
        addresses = {
            "slack": {
                "api_url": at["slack"]["api_url"],
                **tokens,
                "channel": "C0ONBOARD",
                "users": {"manager": "U0MANAGER", "data_base": "U0DATABASE"},
            },
            "jira": {
                "url": at["jira"]["url"],
                "token": jira_tokens["token"],
                **{name: at["jira"][name] for name in ("email", "database_email") if at["jira"][name]},
                "project": "ACT",
                "database_project": "DB",
                "webhook_secret": webhook["webhook_secret"],
            },
            "sftp": {**at["sftp"], **sftp_account, "known_hosts": str(known_hosts), "partners": accounts},
            "smtp": {"host": at["mail"]["host"], "port": at["mail"]["port"]},
            "mail_url": at["mail"]["url"],
            "web_url": web_url,
        }
        environment = _bot_settings(addresses, folder, language, quick=quick)
        processes.enter_context(_bot(environment, folder))
        _wait_until_ready(web_url, folder / "bot.log")
        aside = written.with_suffix(".part")
        aside.write_text(json.dumps(addresses, indent=2), "utf-8")
        aside.chmod(0o600)
        aside.rename(written)
        yield Household(addresses, environment, folder, at["slack"]["url"], jira_tokens["database_token"])


def play_for_a_person(data_dir: Path, language: str, *, cloud: bool = False) -> None:
    """Keep a household up until Ctrl-C, with the addresses for a browser."""
    console = Console()
    with household(data_dir, name="sandbox", language=language, quick=True, cloud=cloud) as home:
        console.print("[bold]Everything is up.[/] Open these in a browser; Ctrl-C ends it all.\n")
        for what, where in (
            ("Slack", home.slack_url),
            ("Jira", home.addresses["jira"]["url"]),
            ("Mail", home.addresses["mail_url"]),
            ("Bot", f"{home.addresses['web_url']}/readyz"),
        ):
            console.print(f"  {what:6} {where}")
        partner = PARTNERS[0]
        sftp = home.addresses["sftp"]
        console.print(f"  SFTP   {sftp['host']} port {sftp['port']}, {partner}: {sftp['partners'][partner]}")
        console.print(f"\nAddresses and accounts: {data_dir / 'sandbox.json'}")
        wait_for_interrupt()


def wait_for_interrupt() -> None:
    """Return at the first SIGINT or SIGTERM, also where a shell has SIGINT ignored for its background jobs."""
    interrupted = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupted.set())
    interrupted.wait()


def _bot_settings(addresses: Mapping[str, Any], folder: Path, language: str, *, quick: bool) -> Settings:
    """Return the bot's environment: its ordinary settings, and nothing of ours from outside."""
    slack, jira, sftp, smtp = (addresses[name] for name in ("slack", "jira", "sftp", "smtp"))
    settings = {
        "DATA_DIR": str(folder / "bot"),
        "LANGUAGE": language,
        "SLACK__MODE": "socket",
        "SLACK__BOT_TOKEN": slack["bot_token"],
        "SLACK__APP_TOKEN": slack["app_token"],
        "SLACK__SIGNING_SECRET": slack["signing_secret"],
        "SLACK__API_URL": slack["api_url"],
        "SLACK__CHANNEL": slack["channel"],
        "JIRA__URL": jira["url"],
        "JIRA__TOKEN": jira["token"],
        "JIRA__PROJECT": jira["project"],
        "JIRA__DATABASE_PROJECT": jira["database_project"],
        "JIRA__WEBHOOK_SECRET": jira["webhook_secret"],
        # By id and by name: both are ways to say which field.
        "JIRA__FIELDS": json.dumps({"client_root": "customfield_10101", "partner_code": "Partner code"}),
        "JIRA__WATCHERS": "manager@sandbox.example",
        "JIRA__COMPONENTS": "Operators",
        "JIRA__DATABASE_COMPONENTS": "OFC",
        "TRANSFER__HOST": sftp["host"],
        "TRANSFER__PORT": str(sftp["port"]),
        "TRANSFER__USERNAME": sftp["username"],
        "TRANSFER__PASSWORD": sftp["password"],
        "TRANSFER__KNOWN_HOSTS": sftp["known_hosts"],
        "TRANSFER__ROOT": "/",
        "SMTP__HOST": smtp["host"],
        "SMTP__PORT": str(smtp["port"]),
        "SMTP__FROM": "Onboarding <onboarding@saaswedo.example>",
        "WEB__PORT": addresses["web_url"].rpartition(":")[2],
        "WEB__PUBLIC_URL": addresses["web_url"],
        "WEB__SECRET_KEY": secrets.token_urlsafe(48),
        "ROLES__MANAGER": slack["users"]["manager"],
        "ROLES__DATA_BASE": slack["users"]["data_base"],
    }
    if jira.get("email"):
        settings["JIRA__EMAIL"] = jira["email"]
    for code, account in sftp["partners"].items():
        settings[f"TRANSFER__PARTNERS__{code.replace('-', '_')}__USERNAME"] = account["username"]
        settings[f"TRANSFER__PARTNERS__{code.replace('-', '_')}__PASSWORD"] = account["password"]
    if quick:
        settings |= {
            "TRANSFER__POLL_SECONDS": "0.4",
            "TRANSFER__STABLE_POLLS": "2",
            "JIRA__POLL_SECONDS": "0.5",
            "JIRA__INDEX_GRACE_SECONDS": "5",
            "ENGINE__POLL_SECONDS": "0.1",
            "RETRY__FIRST_SECONDS": "1",
        }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ONBOARDING_")}
    return inherited | {f"ONBOARDING_{name}": value for name, value in settings.items()}


@contextmanager
def _server(name: str, asked: Mapping[str, Any], folder: Path) -> Iterator[subprocess.Popen[str]]:
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "bot.sandbox.servers", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # A Ctrl-C in the terminal is for us: we stop the others in order.
            start_new_session=True,
        )
    assert process.stdin is not None
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    try:
        yield process
    finally:
        _tell_to_end([process])
        _end(process)


def _first_line(name: str, process: subprocess.Popen[str]) -> Mapping[str, Any]:
    """Wait for a server's addresses."""
    assert process.stdout is not None
    lines: list[str] = []
    reader = Thread(target=lambda: lines.append(process.stdout.readline()), daemon=True)  # type: ignore[union-attr]
    reader.start()
    reader.join(READY_SECONDS)
    if not lines or not lines[0].strip():
        raise SettingsError(f"The sandbox's {name} server did not start; its log is {name}.log.")
    answer: Mapping[str, Any] = json.loads(lines[0])
    return answer


@contextmanager
def _bot(environment: Settings, folder: Path) -> Iterator[None]:
    with (folder / "bot.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve"],
            env=dict(environment),
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        process.terminate()
        _end(process)


def _wait_until_ready(web_url: str, log: Path) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        try:
            if requests.get(f"{web_url}/readyz", timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise SettingsError(f"The bot did not become ready within {READY_SECONDS} seconds; its log is {log}.")


def _tell_to_end(processes: Sequence[subprocess.Popen[str]]) -> None:
    for process in processes:
        if process.stdin is not None:
            process.stdin.close()


def _end(process: subprocess.Popen[Any]) -> None:
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _account(code: str) -> Mapping[str, str]:
    return {"username": code.lower(), "password": secrets.token_urlsafe(12)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
