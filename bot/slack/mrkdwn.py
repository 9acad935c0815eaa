"""Slack's mrkdwn: escaping, shortening, moments, people, and the guides' Markdown."""

import re
from datetime import datetime

SECTION = 3_000


def escaped(text: str) -> str:
    """Keep what people, files and servers say from being read as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shortened(text: str, most: int) -> str:
    """Return a text of at most ``most`` characters, never cut within an escaped sign."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    sign = cut.rfind("&")
    if sign > len(cut) - 6 and ";" not in cut[sign:]:
        cut = cut[:sign]
    return f"{cut}…"


def moment(at: datetime) -> str:
    """Return a moment that each reader sees in their own zone."""
    fallback = at.strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(at.timestamp())}^{{date_num}} {{time}}|{fallback}>"


def person(actor_id: str, name: str) -> str:
    """Return a mention for a Slack user, the plain name for anybody else."""
    kind, _, user = actor_id.partition(":")
    return f"<@{user}>" if kind == "slack" and re.fullmatch(r"[UW][A-Z0-9]+", user) else escaped(name)


def from_markdown(text: str) -> str:
    """Return a guide's Markdown (bold, emphasis, lists, links, headings) as mrkdwn."""
    text = escaped(text)
    text = re.sub(r"\[([^\]\n]+)\]\((https?://[^)\s]+)\)", r"<\2|\1>", text)
    text = re.sub(r"(?<!\*)\*(?!\*|\s)([^*\n]+?)\*(?!\*)", r"_\1_", text)
    text = re.sub(r"\*\*([^*\n]+?)\*\*", r"*\1*", text)
    # Headings last: mrkdwn's bold is Markdown's emphasis.
    text = re.sub(r"(?m)^#{1,6}\s+(.+)$", r"*\1*", text)
    return re.sub(r"(?m)^(\s*)[-*]\s+", r"\1• ", text)


def chunks(lines: list[str], most: int = SECTION) -> list[str]:
    """Join lines into texts of at most ``most`` characters each."""
    joined: list[str] = []
    for line in (shortened(line, most) for line in lines):
        if joined and len(joined[-1]) + 1 + len(line) <= most:
            joined[-1] += f"\n{line}"
        else:
            joined.append(line)
    return joined
