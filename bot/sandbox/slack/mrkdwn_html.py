"""Slack's mrkdwn as HTML, for the sandbox's page: links, mentions, bold, italic, struck, code, quotes."""

import html
import re
from collections.abc import Mapping

from markupsafe import Markup

_TOKEN = re.compile(r"<([^<>\n]+)>")
_PREFORMATTED = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_STYLES = (
    (re.compile(r"(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])"), r"<b>\1</b>"),
    (re.compile(r"(?<![\w_])_(\S(?:[^_\n]*\S)?)_(?![\w_])"), r"<i>\1</i>"),
    (re.compile(r"(?<![\w~])~(\S(?:[^~\n]*\S)?)~(?![\w~])"), r"<s>\1</s>"),
    (re.compile(r"^&gt; ?(.*)$", re.MULTILINE), r"<q>\1</q>"),
)


def mrkdwn_html(text: str, names: Mapping[str, str]) -> Markup:
    """Render text; nothing in it becomes markup itself. ``names`` maps user and channel ids to what a mention shows."""
    parts: list[str] = []
    position = 0
    for match in _PREFORMATTED.finditer(text):
        parts.append(_lines(text[position : match.start()], names))
        parts.append(f"<pre>{_escaped(match[1])}</pre>")
        position = match.end()
    parts.append(_lines(text[position:], names))
    return Markup("".join(parts))  # noqa: S704 -- every piece of the text was escaped above


def _lines(text: str, names: Mapping[str, str]) -> str:
    pieces = _CODE.split(text)
    # The split puts what stood between backticks at the odd places.
    rendered = [
        f"<code>{_escaped(piece)}</code>" if index % 2 else _prose(piece, names) for index, piece in enumerate(pieces)
    ]
    return "".join(rendered)


def _prose(text: str, names: Mapping[str, str]) -> str:
    tokens: list[str] = []

    def keep(match: re.Match[str]) -> str:
        tokens.append(_token(match[1], names))
        return f"\x00{len(tokens) - 1}\x00"

    prose = _escaped(_TOKEN.sub(keep, text.replace("\x00", "")))
    for pattern, replacement in _STYLES:
        prose = pattern.sub(replacement, prose)
    prose = prose.replace("\n", "<br>")
    return re.sub("\x00(\\d+)\x00", lambda match: tokens[int(match[1])], prose)


def _token(token: str, names: Mapping[str, str]) -> str:
    target, _, label = token.partition("|")
    if target.startswith("!date^"):
        # Slack would show the reader's own time; the fallback says the same in the app's words.
        return _escaped(label)
    if target[:1] in {"@", "#", "!"}:
        sign = "#" if target.startswith("#") else "@"
        return f"<b>{sign}{_escaped(label or names.get(target[1:], target[1:]))}</b>"
    if target.startswith(("https://", "http://", "mailto:")):
        return f'<a href="{_escaped(target)}">{_escaped(label or target)}</a>'
    return _escaped(f"<{token}>")


def _escaped(text: str) -> str:
    # An app sends &amp;, &lt; and &gt; for the three characters that mean something to Slack.
    return html.escape(html.unescape(text))
