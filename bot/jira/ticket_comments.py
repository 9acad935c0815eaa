"""What is said about a ticket (the core's ``TicketTalk``): its history and comments, and replies as comments."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from jira import JIRA

from bot.jira import finding, issues, markup, wiki
from bot.jira.account import OwnAccount, account_of, actor_of
from bot.jira.connection import JiraConnection, JiraRefused
from bot.onboarding.effects import NothingHappened
from bot.onboarding.ticket_talk import Commented, Moved, ReplyRefused, TicketNews
from bot.onboarding.tickets import TicketMissing

# What of a ticket's history people are told.
TOLD = ("status", "assignee", "resolution")
# A comment is cut where it is read: a chat shows the beginning, and a link to the whole.
LONGEST_COMMENT = 4_000
MOST_PAGES = 20


class JiraTicketTalk:
    """Reads and writes the tickets' comments."""

    def __init__(self, connection: JiraConnection, own: OwnAccount) -> None:
        self._connection = connection
        self._own = own

    def news(self, ticket: str, told: Collection[str]) -> TicketNews:
        """Look at a ticket: its changes and comments that were not told yet. Raises TicketMissing."""
        with self._client() as client:
            issue = client.issue(ticket, fields="status", expand="changelog")
            own = self._own.id(client)
            moves = [move for history in issue.changelog.histories if (move := _moved(history, told)) is not None]
            comments = self._comments(client, ticket, told, own)
            return TicketNews(
                status=str(issue.fields.status.name), news=tuple(sorted([*moves, *comments], key=lambda one: one.at))
            )

    def find_comment(self, ticket: str, marker: str) -> str | None:
        """Look for a comment of the bot's by its marker. Raises TicketMissing."""
        with self._client() as client:
            return finding.find_comment(client, ticket, marker)

    def add_comment(self, ticket: str, first_line: str, text: str, marker: str) -> str:
        """Comment; what was said is not read as markup. Raises NothingHappened around a ReplyRefused."""
        lines = markup.without_mentions(text).splitlines()
        said = "\n".join(markup.escaped(line) if line.strip() else "" for line in lines)
        body = markup.shortened(f"{markup.escaped(first_line)}\n\n{said}")
        try:
            with self._connection.client() as client:
                return str(client.add_comment(ticket, f"{body}\n----\n{marker}").id)
        except JiraRefused as refused:
            raise NothingHappened(ReplyRefused(f"{refused.status}: {refused.reason}")) from refused

    def comment_address(self, ticket: str, comment: str) -> str:
        """Return where people see a comment."""
        return f"{self._connection.address(ticket)}?focusedCommentId={comment}"

    def address(self, ticket: str) -> str:
        """Return where people open the ticket."""
        return self._connection.address(ticket)

    def _comments(self, client: JIRA, ticket: str, told: Collection[str], own: str) -> list[Commented]:
        """Read comments from the newest on, a page at a time, until a page holds nothing that is new."""
        found: list[Commented] = []
        for page_number in range(MOST_PAGES):
            start = page_number * finding.COMMENTS_PAGE
            page = client.comments(ticket, start_at=start, max_results=finding.COMMENTS_PAGE, order_by="-created")
            fresh = [comment for comment in page if _comment_id(comment) not in told]
            found += [self._commented(ticket, comment) for comment in fresh if not _is_own(comment, own)]
            if len(page) < finding.COMMENTS_PAGE or not fresh:
                break
        return found

    def _commented(self, ticket: str, comment: Any) -> Commented:
        limited = _limited_to(comment)
        return Commented(
            id=_comment_id(comment),
            at=_moment(comment.created),
            by=actor_of(getattr(comment, "author", None)),
            text="" if limited else _text(comment),
            link=self.comment_address(ticket, str(comment.id)),
            limited_to=limited,
        )

    @contextmanager
    def _client(self) -> Iterator[JIRA]:
        try:
            with self._connection.client() as client:
                yield client
        except JiraRefused as refused:
            if refused.status == 404:
                raise TicketMissing(str(refused)) from refused
            raise issues.refused_step(self._connection, refused) from refused


def _moved(history: Any, told: Collection[str]) -> Moved | None:
    items = tuple(
        (str(item.field), str(getattr(item, "fromString", None) or ""), str(getattr(item, "toString", None) or ""))
        for item in history.items
        if item.field in TOLD
    )
    name = f"h{history.id}"
    if not items or name in told:
        return None
    return Moved(id=name, at=_moment(history.created), by=actor_of(getattr(history, "author", None)), items=items)


def _comment_id(comment: Any) -> str:
    return f"c{comment.id}"


def _is_own(comment: Any, own: str) -> bool:
    """Tell a comment of the bot's from one that a person wrote, with the same account or with a marker copied in it."""
    return finding.is_marked(str(comment.raw.get("body") or "")) and account_of(comment.raw.get("author")) == own


def _limited_to(comment: Any) -> str | None:
    """Return who alone may read a comment: a role, a group, or a service desk's own people."""
    visibility = comment.raw.get("visibility")
    if visibility:
        return str(visibility.get("value") or visibility.get("identifier") or visibility.get("type"))
    return "Jira Service Management" if comment.raw.get("jsdPublic") is False else None


def _text(comment: Any) -> str:
    body = comment.raw.get("body")
    text = wiki.from_document(body) if isinstance(body, dict) else wiki.markdown(str(body or "")[: 2 * LONGEST_COMMENT])
    return text if len(text) <= LONGEST_COMMENT else f"{text[:LONGEST_COMMENT]}…"


def _moment(said: str) -> datetime:
    """Read a moment as Jira writes it: ``2026-11-24T09:12:03.123+0000``."""
    return datetime.fromisoformat(said).astimezone(UTC)
