"""The sandbox's Jira: ``JiraServer`` for the bot to talk to, ``JiraPerson`` for the team that answers it."""

from bot.sandbox.jira.person import JiraPerson
from bot.sandbox.jira.server import JiraServer

__all__ = ["JiraPerson", "JiraServer"]
