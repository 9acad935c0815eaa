"""A ticket's text and fields after a correction: what the bot wrote follows, what a person has written since is theirs.

The issue's own history tells who wrote a field last. Texts are not compared: Cloud keeps them as a document and gives
them back with its own whitespace and escapes.
"""

from collections.abc import Collection, Iterator

from jira import JIRA, JIRAError

from bot.jira import rest
from bot.jira.account import account_of
from bot.jira.filling import Wanted, fields_of
from bot.jira.screen import Screen, read_screen
from bot.locales import say
from checklists.model import Localized

LONGEST_REASON = 200
DESCRIPTION = "description"


def rewrite(client: JIRA, ticket: str, wanted: Wanted, changed: Collection[str], own: str) -> list[Localized]:
    """Set the description, and the fields of the answers ``changed``; return what was left or refused, with why.

    ``own`` is the bot's account. Raises ScreenRefuses and JIRAError, where the ticket is gone or Jira is not there.
    """
    filled = fields_of(client, wanted)
    screen = read_screen(client, wanted.project, wanted.issue_type)
    persons = _written_by_persons(client, ticket, own)
    left: list[Localized] = []
    for field, title in _to_set(screen, wanted, changed):
        if {field.casefold(), title.casefold()} & persons:
            left.append(say("corrected.persons_own", field=title))
            continue
        try:
            rest.put(client, f"issue/{ticket}", {"fields": {field: filled.get(field)}})
        except JIRAError as refused:
            if refused.status_code not in {400, 403, 409}:
                raise
            reason = " ".join((refused.text or "").split())[:LONGEST_REASON]
            left.append(say("corrected.refused", field=title, reason=reason))
    return left


def _to_set(screen: Screen, wanted: Wanted, changed: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give each field's id and name, the text first."""
    ids = [DESCRIPTION, *(name for asked, name in wanted.mapped.items() if asked in changed)]
    for name in dict.fromkeys(ids):
        for field in screen.named(name)[:1]:
            yield field.id, field.name


def _written_by_persons(client: JIRA, ticket: str, own: str) -> set[str]:
    """Return the fields, by id and by name, whose last change was another account's than the bot's."""
    histories = client.issue(ticket, fields="status", expand="changelog").changelog.histories
    last: dict[str, str] = {}
    for history in sorted(histories, key=lambda each: (str(each.created), int(each.id))):
        by = account_of(getattr(history, "author", None))
        for item in history.items:
            for name in (item.field, getattr(item, "fieldId", None)):
                if name:
                    last[str(name).casefold()] = by
    return {name for name, by in last.items() if by != own}
