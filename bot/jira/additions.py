"""What an issue gets beside its text: its watchers, a link back to Slack, the dossier before it is closed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from jira import JIRA

from bot.jira import issues, rest
from bot.jira.connection import JiraAccountRefused, JiraConnection, JiraRefused
from bot.jira.people import find_person, watches
from bot.locales import say
from bot.onboarding.additions import Addition, AdditionRefused
from bot.onboarding.errors import TurnedAway
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
        """The settings' watchers, and the way back to Slack once there is one."""
        return additions_of(self._connection, view, parent, self._connection.settings.watchers)

    def before_closing(self, view: OnboardingView, parent: str) -> Sequence[Addition]:
        """The dossier."""
        name = f"{view.key}-dossier.html"

        def look() -> str | None:
            with _client(self._connection) as client:
                return issues.attachment_id(client, parent, name)

        def do() -> str:
            content = self._dossier(view.key)
            with _client(self._connection) as client:
                return issues.attach(client, parent, name, content)

        return [Addition("dossier", name, look, do)]


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
def _client(connection: JiraConnection) -> Iterator[JIRA]:
    """A refusal of this one write leaves it out; a token that Jira no longer takes at all is trouble that passes."""
    try:
        with connection.client() as client:
            yield client
    except JiraAccountRefused as refused:
        if refused.status == 401 or refused.is_wrong_account:
            raise TurnedAway("Jira", f"refuses ({refused.status}): {refused.reason}") from refused
        raise AdditionRefused(f"Jira refuses ({refused.status}): {refused.reason}") from refused
    except JiraRefused as refused:
        raise AdditionRefused(f"Jira refuses ({refused.status}): {refused.reason}") from refused
