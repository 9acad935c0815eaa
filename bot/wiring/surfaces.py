"""Where an onboarding is shown: one message in Slack, one issue in Jira."""

from functools import partial

from bot.jira.connection import JiraConnection
from bot.jira.surface import JiraSurface
from bot.onboarding.accountable import who_must_act
from bot.onboarding.actors import Roles
from bot.onboarding.clock import SystemClock
from bot.onboarding.peers import Peers
from bot.onboarding.ports import Surface
from bot.settings import Settings
from bot.slack.connection import SlackConnection
from bot.slack.surface import SlackSurface
from bot.wiring.jira import mirror_names


def surface_names(settings: Settings) -> list[str]:
    """Return the surfaces that the settings configure."""
    peers = Peers(SystemClock())
    surfaces = build_surfaces(settings, JiraConnection(settings.jira, peers) if settings.jira else None, peers, Roles())
    return [*surfaces, *mirror_names(settings.jira)]


def build_surfaces(settings: Settings, jira: JiraConnection | None, peers: Peers, roles: Roles) -> dict[str, Surface]:
    """Return the surfaces by name; Slack's names whoever must act, as ``roles`` has them."""
    surfaces: dict[str, Surface] = {}
    if settings.slack.bot_token is not None:
        accountable = partial(who_must_act, roles=roles)
        surfaces["slack"] = SlackSurface(SlackConnection(settings.slack, peers), accountable)
    if jira is not None:
        surfaces["jira"] = JiraSurface(jira)
    return surfaces
