"""This machine's clock against those of Slack and Jira."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import requests

from bot.doctor.finding import Finding, good, warn
from bot.settings import Settings

PATIENCE = 10
# A server tells its time to the second, and an answer takes a while.
MOST_APART = timedelta(seconds=5)


def clock(settings: Settings) -> Iterator[Finding]:
    """Ask each server for the time; one that does not tell is left out."""
    asked: Mapping[str, str] = {
        **({"Slack": f"{settings.slack.api_url}api.test"} if settings.slack.bot_token else {}),
        **({"Jira": f"{settings.jira.url.rstrip('/')}/rest/api/2/serverInfo"} if settings.jira else {}),
    }
    for name, address in asked.items():
        ahead = _ahead(address)
        if ahead is None:
            continue
        seconds = f"{ahead.total_seconds():+.0f}"
        if abs(ahead) > MOST_APART:
            yield warn("clock", "clock_wrong", "clock", server=name, seconds=seconds)
        else:
            yield good("clock", "clock", "clock", server=name)


def _ahead(address: str) -> timedelta | None:
    """Return by how much this clock is ahead of a server's; None where the server does not tell."""
    began = datetime.now(UTC)
    try:
        with requests.get(address, timeout=PATIENCE, stream=True) as answered:
            told = answered.headers.get("Date")
    except requests.RequestException:
        return None
    ended = datetime.now(UTC)
    try:
        theirs = parsedate_to_datetime(told) if told else None
    except ValueError:
        return None
    return None if theirs is None else began + (ended - began) / 2 - theirs
