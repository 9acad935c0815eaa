"""What an issue gets beside its text: its watchers, a link back to Slack, the dossier before it is closed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus

from jira import JIRA

from bot.jira import issues, rest
from bot.jira.connection import JiraAccountRefused, JiraConnection, JiraRefused
from bot.jira.people import find_person, watches
from bot.locales import say
from bot.onboarding.additions import Addition, AdditionRefused
from bot.onboarding.errors import ParentGone, TurnedAway
from bot.onboarding.view import OnboardingView

# Jira's limits, in characters: a remote link's global id and title.
LONGEST = 255


class JiraAdditions:
    """Implements the core's ``Additions`` for the activation project, and gives the ticket its own.

    ``dossier`` renders an onboarding's dossier as it is now, by key.
    """

    def __init__(self, connection: JiraConnection, dossier: Callable[[str], bytes]) -> None:
        self._connection = connection
        self._dossier = dossier

    def after_opening(self, view: OnboardingView, parent: str) -> Sequence[Addition]:
        """The settings' watchers, the way back to Slack once there is one, and open again what is open again."""
        added = additions_of(self._connection, view, parent, self._connection.settings.watchers)
        return [*added, *self._opened_again(view, parent)]

    def before_closing(self, view: OnboardingView, parent: str) -> Sequence[Addition]:
        """The dossier as it is now: a new one at each end of an onboarding that was opened again."""
        end = f"-{view.reopened + 1}" if view.reopened else ""
        name = f"{view.key}-dossier{end}.html"

        def look() -> str | None:
            with _client(self._connection) as client:
                return issues.attachment_id(client, parent, name)

        def do() -> str:
            content = self._dossier(view.key)
            with _client(self._connection) as client:
                return issues.attach(client, parent, name, content)

        return [Addition(f"dossier{end}", name, look, do)]

    def _opened_again(self, view: OnboardingView, parent: str) -> Iterator[Addition]:
        """The transition back of an issue that was closed at an earlier end, once for each time."""
        if view.state != "open" or not view.reopened:
            return

        def look() -> str | None:
            with _client(self._connection, gone=parent) as client:
                return None if issues.is_done(client, parent) else "open"

        def do() -> str:
            with _client(self._connection, gone=parent) as client:
                return issues.reopen(client, parent)

        yield Addition(
            f"reopened{view.reopened}",
            parent,
            look,
            do,
            missed=say("jira.still_closed", issue=parent),
            advice=say("jira.still_closed_advice", issue=parent),
        )


def additions_of(
    connection: JiraConnection, view: OnboardingView, issue: str, watchers: Sequence[str]
) -> Sequence[Addition]:
    """Return the watchers of an issue, and its link to the onboarding's message in Slack."""
    added = [_watcher(connection, issue, named) for named in watchers]
    slack = view.surfaces.get("slack")
    if slack is not None and slack.link is not None:
        added.append(_slack_link(connection, view, issue, slack.link))
    return added


def global_id(view: OnboardingView) -> str:
    """Return the remote link's own id: stable, so that Jira replaces the link where it is sent again."""
    return f"onboarding-bot:{view.key}:{view.stamp}:slack"[:LONGEST]


def _watcher(connection: JiraConnection, issue: str, named: str) -> Addition:
    def look() -> str | None:
        with _client(connection) as client:
            person = find_person(client, named)
            return person if person is not None and watches(client, issue, person) else None

    def do() -> str:
        with _client(connection) as client:
            person = find_person(client, named)
            if person is None:
                raise AdditionRefused(f"nobody in Jira answers to {named!r}, or more than one person does")
            rest.post(client, f"issue/{issue}/watchers", person)
            return person

    return Addition(f"watcher-{named}", named, look, do)


def _slack_link(connection: JiraConnection, view: OnboardingView, issue: str, address: str) -> Addition:
    title = say("jira.slack_link", key=view.key, client=view.client).text(view.language)
    link = {
        "globalId": global_id(view),
        "application": {"type": "com.slack", "name": "Slack"},
        "relationship": say("jira.slack_link_relationship").text(view.language),
        "object": {"url": address, "title": title[:LONGEST]},
    }

    def do() -> str:
        with _client(connection) as client:
            # The same global id again replaces the link: looking for it first would gain nothing.
            return str(rest.post(client, f"issue/{issue}/remotelink", link)["id"])

    return Addition("slack_link", "Slack", lambda: None, do)


@contextmanager
def _client(connection: JiraConnection, *, gone: str | None = None) -> Iterator[JIRA]:
    """A refusal of this one write leaves it out; a token that Jira no longer takes at all is trouble that passes.

    ``gone`` is the parent that the surface tells of where it is no longer there.
    """
    try:
        with connection.client() as client:
            yield client
    except JiraAccountRefused as refused:
        if refused.status == 401 or refused.is_wrong_account:
            raise TurnedAway("Jira", f"refuses ({refused.status}): {refused.reason}") from refused
        raise AdditionRefused(f"Jira refuses ({refused.status}): {refused.reason}") from refused
    except JiraRefused as refused:
        if gone is not None and refused.status == HTTPStatus.NOT_FOUND:
            raise ParentGone("Jira", f"{gone} is no longer there") from refused
        raise AdditionRefused(f"Jira refuses ({refused.status}): {refused.reason}") from refused
