"""``onboarding-bot doctor``: every connection, right and setting, each with why it matters and what to do about it.

One module for each thing that is looked at; one that breaks keeps no other from being looked at.
"""

from collections.abc import Callable, Iterator

from bot.doctor.clock import clock
from bot.doctor.database import database
from bot.doctor.files import file_server
from bot.doctor.finding import Finding, bad
from bot.doctor.jira import jira
from bot.doctor.links import links
from bot.doctor.mail import mail
from bot.doctor.packs import packs
from bot.doctor.slack import slack
from bot.settings import Settings

__all__ = ["Finding", "examine"]

Part = Callable[[Settings], Iterator[Finding]]

PARTS: tuple[Part, ...] = (database, packs, slack, jira, file_server, mail, links, clock)


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; nothing is changed but a small file in TRANSFER__ROOT, which is removed again."""
    return [finding for part in PARTS for finding in _safely(part, settings)]


def _safely(part: Part, settings: Settings) -> Iterator[Finding]:
    name = part.__name__.replace("_", " ")
    try:
        yield from part(settings)
    except Exception as broken:  # noqa: BLE001 - a look that breaks is told as well, and the others go on
        yield bad(name, "broke", "any", what=type(broken).__name__)
