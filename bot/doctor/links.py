"""The public address: is it there, encrypted, and does this installation answer behind it?"""

from collections.abc import Iterator
from urllib.parse import urlsplit

import requests

from bot.app import public_url
from bot.doctor.finding import Finding, bad, good, warn
from bot.links_key import kept_key
from bot.settings import Settings
from bot.web.instance import PATH, fingerprint

PATIENCE = 10


def links(settings: Settings) -> Iterator[Finding]:
    """Look at WEB__PUBLIC_URL."""
    url = public_url(settings).rstrip("/")
    if settings.web.public_url is None:
        yield warn("links", "links_unset", "links", url=url)
        return
    if urlsplit(url).scheme != "https":
        yield warn("links encryption", "links_readable", "links", url=url)
    try:
        health = requests.get(f"{url}/healthz", timeout=PATIENCE)
        answered = requests.get(f"{url}{PATH}", timeout=PATIENCE)
    except requests.RequestException as lost:
        yield warn("links", "links_away", "links", url=url, what=type(lost).__name__)
        return
    if not health.ok or not answered.ok:
        yield bad("links", "links_other", "links", url=url, status=health.status_code)
        return
    key = kept_key(settings)
    if key is None:
        yield warn("links", "links_not_begun", "links", url=url)
    elif _said(answered) != fingerprint(key):
        yield bad("links", "links_foreign", "links", url=url)
    else:
        yield good("links", "links", "links", url=url)


def _said(answered: requests.Response) -> object:
    try:
        content = answered.json()
    except ValueError:
        return None
    return content.get("instance") if isinstance(content, dict) else None
