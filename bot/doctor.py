"""``onboarding-bot doctor``: every connection, right and pack, each with what to do about it."""

import smtplib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.app import packs_of, public_url
from bot.jira.connection import JiraConnection, JiraRefused
from bot.locales import say
from bot.onboarding.errors import OnboardingError, SettingsError, Unavailable
from bot.onboarding.installation import FOLDER_ID, Installation, require_not_moved
from bot.onboarding.store import Store
from bot.settings import Settings
from bot.transfer.build import build_transfer

PATIENCE = 10


@dataclass(frozen=True)
class Finding:
    """What was seen of one part. A part that is not ``needed`` is left out by the settings, or works with a warning."""

    part: str
    ok: bool
    seen: str
    advice: str = ""
    needed: bool = True


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; one part that fails keeps no other from being looked at."""
    parts: list[Callable[[Settings], Iterator[Finding]]] = [
        _database,
        _packs,
        _slack,
        _jira,
        _file_server,
        _mail,
        _links,
    ]
    return [finding for part in parts for finding in part(settings)]


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        store = Store(settings.database)
    except SettingsError as wrong:
        yield Finding("database", False, str(wrong), "correct DATABASE_URL")
        return
    try:
        current = store.schema_is_current()
        schema = "the schema is this version's" if current else "the schema is made at the first start"
        kind = "SQLite, one process" if store.on_sqlite else "Postgres, any number of workers"
        yield Finding("database", True, f"{kind}; {schema}")
        if current:
            require_not_moved(store)
        if store.on_sqlite:
            advice = "for production move to Postgres: onboarding-bot move-database (docs/postgres.md)"
            yield Finding("production", False, "SQLite is for small teams on one machine", advice, needed=False)
        elif current:
            yield from _shared_folder(settings, Installation(store))
    except SettingsError as wrong:
        yield Finding("database", False, str(wrong), "see docs/postgres.md")
    except Exception as wrong:  # noqa: BLE001 - a driver's own errors have no common base
        yield Finding("database", False, type(wrong).__name__, "check DATABASE_URL and that the server runs")
    finally:
        store.close()


def _shared_folder(settings: Settings, installation: Installation) -> Iterator[Finding]:
    if installation.get(FOLDER_ID) is None:
        yield Finding("shared folder", True, "the first worker's DATA_DIR will be the one that all workers share")
        return
    try:
        installation.require_folder(settings.data_dir)
        yield Finding("shared folder", True, f"{settings.data_dir.resolve()} is the one that the workers share")
    except SettingsError as wrong:
        yield Finding("shared folder", False, str(wrong), "only where no worker runs may it be so", needed=False)


def _packs(settings: Settings) -> Iterator[Finding]:
    packs = packs_of(settings)
    try:
        for pack_id in packs.ids():
            pack = packs.get(pack_id)
            yield Finding(
                f"pack {pack_id}", True, f"version {pack.checklist.version}, {len(pack.checklist.steps)} steps"
            )
    except OnboardingError as wrong:
        yield Finding("packs", False, str(wrong), "onboarding-bot pack validate lists every error")


def _slack(settings: Settings) -> Iterator[Finding]:
    slack = settings.slack
    if slack.bot_token is None:
        yield Finding(
            "slack", False, "SLACK__BOT_TOKEN is not set", "create the app from `onboarding-bot manifest`", False
        )
        return
    client = WebClient(token=slack.bot_token.get_secret_value(), base_url=slack.api_url, timeout=PATIENCE)
    try:
        who = client.auth_test()
        yield Finding("slack", True, f"{who.get('user')} in {who.get('team')}")
    except SlackApiError as refused:
        error = refused.response.get("error")
        yield Finding("slack", False, str(error), "install the app again and renew SLACK__BOT_TOKEN")
        return
    except (SlackClientError, OSError) as lost:
        yield Finding("slack", False, f"no answer ({type(lost).__name__})", f"check the way to {slack.api_url}")
        return
    if slack.mode == "socket" and slack.app_token is None:
        yield Finding("slack socket", False, "SLACK__APP_TOKEN is not set", "make one with the scope connections:write")
    if slack.mode == "http" and slack.signing_secret is None:
        yield Finding("slack http", False, "SLACK__SIGNING_SECRET is not set", "copy it from the app's page")
    if not slack.channel:
        yield Finding("slack channel", False, "SLACK__CHANNEL is not set", "set the channel's id and invite the bot")


def _jira(settings: Settings) -> Iterator[Finding]:
    if settings.jira is None:
        yield Finding(
            "jira", False, "JIRA__URL is not set", "set JIRA__URL, JIRA__TOKEN and the two projects", needed=False
        )
        return
    connection = JiraConnection(settings.jira)
    try:
        with connection.client() as client:
            yield Finding("jira", True, f"as {client.myself().get('displayName')}")
            for project in (settings.jira.project, settings.jira.database_project):
                client.project(project)
                yield Finding(f"jira {project}", True, "the project is there")
            known = {field["id"] for field in client.fields()} if settings.jira.fields else set()
        for asked, field in settings.jira.fields.items():
            advice = "" if field in known else f"correct JIRA__FIELDS for {asked}"
            yield Finding(f"jira {field}", field in known, "known" if field in known else "no such field", advice)
    except JiraRefused as refused:
        advice = "check the token, the projects and the bot's permissions in them"
        if refused.is_wrong_account:
            advice = say(refused.advice, url=settings.jira.url).en
        yield Finding("jira", False, str(refused), advice)
    except Unavailable as lost:
        yield Finding("jira", False, lost.reason, f"check the way to {settings.jira.url}")


def _file_server(settings: Settings) -> Iterator[Finding]:
    if settings.transfer is None:
        yield Finding("sftp", False, "TRANSFER__HOST is not set", "set TRANSFER__HOST, __USERNAME and a key", False)
        return
    protocol, root = settings.transfer.protocol, settings.transfer.root
    if protocol == "ftp":
        seen = f"warning: the passwords and invoices cross the network to {settings.transfer.host} readable by others"
        advice = "set TRANSFER__PROTOCOL=ftps, or sftp, once the server's administrator offers it"
        yield Finding("ftp without encryption", False, seen, advice, needed=False)
    try:
        with build_transfer(settings.transfer).session() as session:
            entry = session.entry(root)
        if protocol == "ftps":
            by = settings.transfer.ca_file or "an authority that the system trusts"
            yield Finding("ftps certificate", True, f"{settings.transfer.host} is vouched for by {by}")
        advice = "" if entry else "set TRANSFER__ROOT to the folder above the partners' own"
        yield Finding(protocol, entry is not None, f"{root} {'is there' if entry else 'is not there'}", advice)
        if entry is not None and None in {entry.mode, entry.gid}:
            seen = "the server shows no modes or no groups: the step `directory` cannot verify them"
            yield Finding(f"{protocol} rights", False, seen, "have a login as a partner prove them", needed=False)
    except OnboardingError as wrong:
        look_at = {"sftp": "key and TRANSFER__KNOWN_HOSTS", "ftps": "password and TRANSFER__CA_FILE", "ftp": "password"}
        yield Finding(protocol, False, str(wrong), f"check the account, its {look_at[protocol]}")


def _mail(settings: Settings) -> Iterator[Finding]:
    if settings.smtp is None:
        yield Finding("mail", False, "SMTP__HOST is not set", "without it, texts are copied from Slack by hand", False)
        return
    try:
        with smtplib.SMTP(settings.smtp.host, settings.smtp.port, timeout=PATIENCE) as server:
            code, _ = server.noop()
        yield Finding("mail", code == 250, f"answers {code}")
    except (OSError, smtplib.SMTPException, socket.gaierror) as lost:
        yield Finding("mail", False, f"no answer ({type(lost).__name__})", "check SMTP__HOST and SMTP__PORT")


def _links(settings: Settings) -> Iterator[Finding]:
    url = public_url(settings)
    reachable = settings.web.public_url is not None
    advice = "" if reachable else "set WEB__PUBLIC_URL to the address that partners reach"
    yield Finding("links", reachable, url, advice, needed=False)
