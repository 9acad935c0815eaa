"""The sandbox's Slack: ``SlackServer`` for the app to talk to, ``SlackPerson`` for those who use it."""

from bot.sandbox.slack2.person import AppSilent, SlackPerson
from bot.sandbox.slack2.server import SlackServer

__all__ = ["AppSilent", "SlackPerson", "SlackServer"]
