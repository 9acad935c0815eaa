"""What the bot reaches outside: the servers of the settings, what stands in where one is left out, its own address."""

from dataclasses import dataclass

from bot.jira.connection import JiraConnection
from bot.jira.tickets import JiraTickets
from bot.links_key import secret_key
from bot.mail import SmtpMailer
from bot.onboarding.actors import NoGroups, Roles
from bot.onboarding.clock import Clock
from bot.onboarding.group_memory import GroupMemory
from bot.onboarding.peers import Peers
from bot.onboarding.registry import Registry
from bot.onboarding.store import Store
from bot.onboarding.tickets import Tickets
from bot.onboarding.transfer import Transfer
from bot.probes.probes import build_probe
from bot.settings import Settings
from bot.slack.connection import SlackConnection
from bot.slack.groups import SlackGroups
from bot.steps.deposit import Connection
from bot.steps.kinds import Means
from bot.steps.layout import LocalFiles
from bot.steps.watch import Watched
from bot.transfer.build import build_transfer
from bot.transfer.observed import ObservedTransfer
from bot.unset import UnsetTickets, UnsetTransfer
from bot.web.links import SignedLinks


@dataclass(frozen=True)
class Outside:
    """The connections, none of them open yet; ``roles`` tells who may what, by the groups that people are in outside.

    ``slack`` is there without a token too, and then never used. ``means`` are what the kinds of steps work with.
    """

    jira: JiraConnection | None
    slack: SlackConnection
    roles: Roles
    transfer: Transfer
    links: SignedLinks
    means: Means


def build_outside(settings: Settings, store: Store, clock: Clock, peers: Peers) -> Outside:
    """Put it together; ``peers`` hears of each server whether it answers."""
    transfer: Transfer = UnsetTransfer()
    if settings.transfer:
        transfer = ObservedTransfer(build_transfer(settings.transfer), peers, settings.transfer.protocol)
    jira = JiraConnection(settings.jira, peers) if settings.jira else None
    key, days = secret_key(settings, store), settings.web.link_days
    links = SignedLinks(public_url(settings), key, max_age_days=days, clock=clock)
    means = _means(settings, store, clock, transfer, links, JiraTickets(jira) if jira else UnsetTickets())
    slack = SlackConnection(settings.slack, peers)
    in_slack = settings.slack.bot_token is not None
    roles = Roles(settings.roles.by_role(), SlackGroups(slack, GroupMemory(store, clock)) if in_slack else NoGroups())
    return Outside(jira, slack, roles, transfer, links, means)


def public_url(settings: Settings) -> str:
    """Return where people outside reach the web side."""
    return settings.web.public_url or f"http://{settings.web.host}:{settings.web.port}"


def username(settings: Settings, partner: str) -> str | None:
    """Return the account that a partner has on the file server; None where the settings name none."""
    account = settings.transfer.partner_account(partner) if settings.transfer else None
    return account.username if account else None


def _means(
    settings: Settings, store: Store, clock: Clock, transfer: Transfer, links: SignedLinks, tickets: Tickets
) -> Means:
    server = settings.transfer
    probes = {
        name.lower(): Watched(build_probe(probe, transfer), probe.done, probe.timeout_hours, probe.poll_seconds)
        for name, probe in settings.probes.items()
    }
    return Means(
        links=links,
        partner_page=lambda about: links.partner_page(about.key, edition=1 + about.links_renewed),
        mailer=SmtpMailer(settings.smtp) if settings.smtp else None,
        tickets=tickets,
        transfer=transfer,
        registry=Registry(store, clock),
        files=LocalFiles(settings.data_dir.resolve()),
        connection=Connection(
            protocol=server.protocol if server else "sftp",
            host=server.host if server else "",
            port=server.port if server else 22,
            username_of=lambda partner: username(settings, partner),
        ),
        watched=lambda setting: probes.get(setting.lower()),
        transfer_root=server.root if server else "/",
        transfer_poll_seconds=server.poll_seconds if server else 20,
        stable_polls=server.stable_polls if server else 3,
        ticket_poll_seconds=settings.jira.poll_seconds if settings.jira else 60,
    )
