"""What somebody wrote on a ticket, in the thread: its Markdown as mrkdwn, never longer than its place."""

from bot.slack.mrkdwn import from_markdown


def said(text: str, most: int) -> str:
    """Return a person's Markdown as mrkdwn of at most ``most`` characters; a cut is made before the conversion.

    Escaping makes a text longer, and a cut afterwards could leave a link or a sign open.
    """
    room = most
    while True:
        cut = text if len(text) <= room else f"{text[: max(room - 1, 0)].rstrip()}…"
        shown = from_markdown(cut)
        if len(shown) <= most:
            return shown
        room = min(room, len(cut)) - max(1, (len(shown) - most) // 6)
