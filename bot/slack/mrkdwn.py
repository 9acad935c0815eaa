"""Slack's mrkdwn: escaping, shortening, moments, people, links, and the guides' Markdown."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import quote

SECTION = 3_000

_MEMBER = re.compile(r"[UWS][A-Z0-9]{3,}")
_MENTION = re.compile(r"&lt;(@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+)&gt;")
_CODE = re.compile(r"(`[^`\n]+`)")


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


def quoted(text: str, most: int) -> str:
    """Return what somebody wrote, escaped, in at most ``most`` characters: escaping makes a text longer."""
    return shortened(escaped(text), most)


def inline(text: str, most: int) -> str:
    """Return a name or another short text, escaped and on one line: it cannot pass for a line of ours."""
    return quoted(" ".join(text.split()), most)


def code(text: str, most: int) -> str:
    """Return a name in code signs, which it cannot leave."""
    return f"`{inline(text.replace('`', chr(39)), most - 2) or '—'}`"


def link(url: str, text: str, most: int = 120) -> str:
    """Return a link; ``text`` is shown instead of the address."""
    # A bar, a space or a pointed bracket would end the address early.
    address = quote(url, safe=":/?#[]@!$&()*+,;=%-._~").replace("&", "&amp;")
    return f"<{address}|{inline(text.replace('|', '/'), most) or '→'}>"


def moment(at: datetime) -> str:
    """Return a moment that each reader sees in their own zone."""
    fallback = at.strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(at.timestamp())}^{{date_num}} {{time}}|{fallback}>"


def person(actor_id: str, name: str) -> str:
    """Return a mention for a Slack user, the plain name for anybody else."""
    kind, _, user = actor_id.partition(":")
    return f"<@{user}>" if kind == "slack" and re.fullmatch(r"[UW][A-Z0-9]+", user) else inline(name, 80)


def mention(member: str) -> str | None:
    """Return a mention of a member of a role, a person or a group; None for one that is no id of Slack's."""
    if not _MEMBER.fullmatch(member):
        return None
    return f"<!subteam^{member}>" if member.startswith("S") else f"<@{member}>"


def with_mentions(text: str) -> str:
    """Escape a sentence of ours but for the mentions in it of those who may act."""
    return _MENTION.sub(r"<\1>", escaped(text))


def from_markdown(text: str) -> str:
    """Return a guide's Markdown (bold, emphasis, lists, links, headings, code) as mrkdwn."""
    return "".join(part if position % 2 else _prose(part) for position, part in enumerate(_CODE.split(escaped(text))))


def _prose(text: str) -> str:
    text = re.sub(r"\[([^\]\n]+)\]\((https?://[^)\s|]+)\)", r"<\2|\1>", text)
    text = re.sub(r"(?<!\*)\*(?!\*|\s)([^*\n]+?)\*(?!\*)", r"_\1_", text)
    text = re.sub(r"\*\*([^*\n]+?)\*\*", r"*\1*", text)
    # Headings last: mrkdwn's bold is Markdown's emphasis.
    text = re.sub(r"(?m)^#{1,6}\s+(.+)$", r"*\1*", text)
    return re.sub(r"(?m)^(\s*)[-*]\s+", r"\1• ", text)


def whole_lines(lines: Sequence[str], most: int, left_out: Callable[[int], str] = lambda _: "…") -> list[str]:
    """Return the first lines that fit into ``most`` characters, whole, so that no markup is left open.

    ``left_out`` makes the line that stands for those that do not fit, from their number.
    """
    if sum(len(line) + 1 for line in lines) <= most:
        return list(lines)
    kept: list[str] = []
    room = most - len(left_out(len(lines))) - 1
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return [*kept, left_out(len(lines) - len(kept))]


def chunks(lines: Sequence[str], most: int = SECTION) -> list[str]:
    """Join lines into texts of at most ``most`` characters each."""
    joined: list[str] = []
    for line in lines:
        if joined and len(joined[-1]) + 1 + len(line) <= most:
            joined[-1] += f"\n{line}"
        else:
            joined.append(line)
    return joined
