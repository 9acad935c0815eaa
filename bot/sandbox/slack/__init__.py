"""The sandbox's Slack: ``SlackServer`` for the app to talk to, ``SlackPerson`` for those who use it."""

from bot.sandbox.slack.person import AppSilent, SlackPerson
from bot.sandbox.slack.rate_limits import RateLimits
from bot.sandbox.slack.server import SlackServer
from bot.sandbox.slack.workspace import Workspace

__all__ = ["AppSilent", "RateLimits", "SlackPerson", "SlackServer", "Workspace"]
