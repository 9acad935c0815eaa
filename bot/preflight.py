"""What is looked at before anything starts: is the database sound, do the accounts of the settings work?

A server that does not answer now is no reason not to start: it is tried again. One that answers and refuses the
account is: a bot that runs with a wrong secret looks alive and does nothing.
"""

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Thread
from time import monotonic
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from sqlalchemy.exc import DBAPIError

from bot.jira.connection import JiraConnection, JiraRefused
from bot.locales import say
from bot.onboarding.database_errors import damaged, in_words
from bot.onboarding.errors import SettingsError
from bot.onboarding.store import Store
from bot.onboarding.transfer import HostKeyUnknown, LoginRefused
from bot.settings import Settings
from bot.slack.connection import REMEDIES
from bot.slack.settings import SlackSettings
from bot.transfer.build import build_transfer

log = structlog.stdlib.get_logger()

# A whole file is read within a second or two up to this size; a larger one is read after the start, beside the work.
READ_AT_THE_START = 256 * 1024 * 1024
# Less room than this cannot take a day's work.
LEAST_ROOM = 16 * 1024 * 1024
# How long the servers have to refuse an account, in seconds; the start waits for no slow one.
PATIENCE = 3.0
# What Slack calls a token that will not do.
WRONG_TOKENS = frozenset(
    {"invalid_auth", "not_authed", "not_allowed_token_type", "token_revoked", "token_expired", "account_inactive"}
)


def check_database(settings: Settings) -> None:
    """Look whether the database is whole, of a version that is known, and can be written, and the data directory.

    Raises SettingsError. Nothing is made or changed by a refusal.
    """
    _check_room(settings)
    store = Store(settings.database)
    try:
        file = store.file
        if file is None or not file.exists():
            return
        store.schema_is_current()
        if file.stat().st_size <= READ_AT_THE_START:
            check_pages(store)
        with store.engine.begin() as connection:
            # Takes the lock of a writer and writes a page, which is what a read-only file or a full disk refuses.
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            connection.exec_driver_sql(f"PRAGMA user_version = {int(version)}")
    except DBAPIError as refused:
        raise in_words(settings.database, refused) from refused
    finally:
        store.close()


def check_pages(store: Store) -> None:
    """Read every page of an SQLite file. Raises DatabaseBroken for a damaged one."""
    with store.reading() as session:
        try:
            rows = session.connection().exec_driver_sql("PRAGMA quick_check(1)").scalars().all()
        except DBAPIError as refused:
            raise in_words(store.name, refused) from refused
    if rows != ["ok"]:
        raise damaged(store.name, " ".join(str(rows[0]).split())[:200] if rows else "no answer")


def check_large_file(store: Store, broken: Callable[[SettingsError], None]) -> None:
    """Read a file that was too large for the start in the background; ``broken`` hears of damage."""
    file = store.file
    if file is None or file.stat().st_size <= READ_AT_THE_START:
        return

    def read() -> None:
        try:
            check_pages(store)
        except SettingsError as wrong:
            broken(wrong)

    Thread(target=read, name="database-check", daemon=True).start()


class AccountCheck:
    """Asks every server of the settings whether it takes the bot's account, all at once, while the bot is built."""

    def __init__(self, settings: Settings) -> None:
        self._refusals: dict[str, str] = {}
        self._threads: dict[str, Thread] = {}
        for name, ask in _questions(settings).items():
            thread = Thread(target=self._ask, args=(name, ask), name=f"check-{name}", daemon=True)
            self._threads[name] = thread
            thread.start()

    def require(self, *, patience: float = PATIENCE) -> None:
        """Wait for the answers. Raises SettingsError with every account that was refused and what to do about it."""
        until = monotonic() + patience
        for name, thread in self._threads.items():
            thread.join(max(0.0, until - monotonic()))
            if thread.is_alive():
                log.warning("server_slow", server=name, so="its account is not checked at the start")
        if self._refusals:
            lines = "\n".join(f"  {refusal}" for refusal in self._refusals.values())
            raise SettingsError(
                f"{len(self._refusals)} account(s) are refused; nothing was started. `onboarding-bot doctor` looks at "
                f"everything:\n{lines}"
            )

    def _ask(self, name: str, ask: Callable[[], str | None]) -> None:
        try:
            refusal = ask()
        except Exception as away:  # noqa: BLE001 - whatever it is, it is not a refusal: the work tries again
            log.warning("server_not_there", server=name, reason=type(away).__name__)
        else:
            if refusal is not None:
                self._refusals[name] = refusal


def _questions(settings: Settings) -> Mapping[str, Callable[[], str | None]]:
    asked: dict[str, Callable[[], str | None]] = {}
    slack = settings.slack
    if slack.bot_token is not None:
        asked["slack"] = lambda: _slack(slack)
        if slack.mode == "socket" and slack.app_token is not None:
            asked["slack socket"] = lambda: _slack_socket(slack)
    if settings.jira is not None:
        asked["jira"] = lambda: _jira(settings)
    if settings.transfer is not None:
        asked["file server"] = lambda: _file_server(settings)
    return asked


def _slack(slack: SlackSettings) -> str | None:
    assert slack.bot_token is not None
    return _refused_token("SLACK__BOT_TOKEN", _web_client(slack, slack.bot_token.get_secret_value()).auth_test)


def _slack_socket(slack: SlackSettings) -> str | None:
    assert slack.app_token is not None
    token = slack.app_token.get_secret_value()
    return _refused_token("SLACK__APP_TOKEN", lambda: _web_client(slack, None).apps_connections_open(app_token=token))


def _web_client(slack: SlackSettings, token: str | None) -> WebClient:
    return WebClient(token=token, base_url=slack.api_url, timeout=int(PATIENCE), retry_handlers=[])


def _refused_token(setting: str, call: Callable[[], Any]) -> str | None:
    try:
        call()
    except SlackApiError as refused:
        error = str(refused.response.get("error"))
        if error in WRONG_TOKENS:
            remedy = REMEDIES[error] if setting in REMEDIES[error] else f"renew {setting}"
            return f"{setting}: Slack refuses it ({error}): {remedy}"
    return None


def _jira(settings: Settings) -> str | None:
    assert settings.jira is not None
    try:
        with JiraConnection(settings.jira).client() as client:
            client.myself()
    except JiraRefused as refused:
        if refused.status in {401, 403}:
            advice = (
                say(refused.advice, url=settings.jira.url).en
                if refused.is_wrong_account
                else "renew the token, and unlock the account if Jira asks for a captcha"
            )
            return f"JIRA__TOKEN: {settings.jira.url} refuses it ({refused.status}): {advice}"
    return None


def _file_server(settings: Settings) -> str | None:
    assert settings.transfer is not None
    try:
        with build_transfer(settings.transfer).session():
            return None
    except LoginRefused as refused:
        return (
            f"TRANSFER__USERNAME, TRANSFER__PASSWORD, TRANSFER__KEY_FILE: {settings.transfer.host} refuses the account "
            f"({refused}): correct them"
        )
    except HostKeyUnknown as unknown:
        setting = "TRANSFER__KNOWN_HOSTS" if settings.transfer.protocol == "sftp" else "TRANSFER__CA_FILE"
        return f"{setting}: {unknown}"


def _check_room(settings: Settings) -> None:
    place = settings.data_dir.resolve()
    try:
        place.mkdir(parents=True, exist_ok=True)
        probe = place / f".write-{id(settings):x}"
        try:
            # A few blocks: a full disk still takes an empty file.
            probe.write_bytes(b"\0" * 65_536)
        finally:
            with suppress(OSError):
                probe.unlink()
    except OSError as refused:
        raise SettingsError(
            f"DATA_DIR: {place} cannot be written ({refused.strerror}). The bot keeps received files, kept packs and, "
            "without DATABASE_URL, its database there: make room, give this account the right to write, or set another."
        ) from refused
    room = shutil.disk_usage(place).free
    if room < LEAST_ROOM:
        raise SettingsError(
            f"DATA_DIR: {place} has {room // 1024} KiB left: a file that is being received would be cut. Make room "
            f"({LEAST_ROOM // 1024 // 1024} MiB at least) and start again."
        )
