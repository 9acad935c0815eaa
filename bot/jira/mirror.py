"""The steps on the onboarding's own issue: one comment that is kept up to date, or a sub-task for each step.

Both are surfaces of the core: pure pictures of the steps, sent when they have changed. What somebody has deleted in
Jira is not written again.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus

from jira import JIRA

from bot.jira import finding, issues, markup
from bot.jira.account import OwnAccount, account_of, actor_of
from bot.jira.connection import JiraConnection, JiraRefused
from bot.jira.surface import Refusing
from bot.locales import say
from bot.onboarding.effects import NothingHappened
from bot.onboarding.errors import ParentGone, TurnedAway
from bot.onboarding.models import MET
from bot.onboarding.outcomes import FileEvidence
from bot.onboarding.subtasks import MIRROR, Closing, Subtasks
from bot.onboarding.view import OnboardingView, Report, StepView

# Jira's own signs, which Data Center and Cloud both show.
SIGNS = {
    "done": "(/)",
    "skipped": "(-)",
    "failed": "(x)",
    "waiting": "(!)",
    "running": "(!)",
    "ready": "(*g)",
    "pending": "(*g)",
}


class _Mirror:
    """What both have in common: no reports, no files, no end of their own."""

    name = MIRROR
    grace_seconds = 0.0

    def __init__(self, connection: JiraConnection) -> None:
        self._connection = connection

    def parent_link(self, parent: str) -> str | None:
        """The own issue has its address; there is no other one to show."""
        del parent
        return None

    def shows(self, report: Report) -> bool:
        """Reports are the own issue's comments."""
        del report
        return False

    def write_report(self, view: OnboardingView, parent: str, report: Report, marker: str) -> str:
        """There are none."""
        raise NotImplementedError

    def find_report(self, view: OnboardingView, parent: str, report: Report, marker: str) -> str | None:
        """There are none."""

    def takes(self, file: FileEvidence) -> bool:
        """Files are the own issue's."""
        del file
        return False

    def send_file(self, view: OnboardingView, file: FileEvidence, content: bytes) -> str:
        """There are none."""
        raise NotImplementedError

    def share_file(self, view: OnboardingView, parent: str, file: FileEvidence, sent: str, content: bytes) -> str:
        """There are none."""
        raise NotImplementedError

    def find_file(self, view: OnboardingView, parent: str, file: FileEvidence, sent: str) -> str | None:
        """There are none."""

    def close_parent(self, view: OnboardingView, parent: str, marker: str) -> str:
        """The last picture is the end."""
        del view, marker
        return parent

    def find_closing(self, view: OnboardingView, parent: str, marker: str) -> str | None:
        """The last picture is the end."""
        del view, marker
        return parent

    def _issue(self, view: OnboardingView) -> str:
        own = view.surfaces.get("jira")
        if own is None:
            raise TurnedAway("Jira", "the onboarding's own issue is not written yet", retry_after=1)
        return own.parent


class CommentMirror(_Mirror):
    """The steps as one comment. A parent's id is ``<issue>:<comment>``."""

    def create_parent(self, view: OnboardingView, marker: str) -> str:
        """Write the comment; return where it is."""
        issue = self._issue(view)
        with _client(self._connection) as client:
            return f"{issue}:{client.add_comment(issue, _signed(self.picture(view), marker)).id}"

    def find_parent(self, view: OnboardingView, marker: str) -> str | None:
        """Look for the comment by its marker."""
        issue = self._issue(view)
        with _client(self._connection) as client:
            found = finding.find_comment(client, issue, marker)
        return f"{issue}:{found}" if found else None

    def picture(self, view: OnboardingView) -> str:
        """Return the steps as a list in wiki markup."""
        language = view.language
        lines = [f"h4. {say('jira.steps').text(language)}"]
        for step in view.steps:
            if step.state == "not_applicable":
                continue
            line = f"* {SIGNS[step.state]} {markup.escaped(step.definition.title.text(language))}"
            if step.state in MET and step.changed_by:
                line += f" — {markup.escaped(step.changed_by)}"
            elif step.state not in MET:
                line += f" — {say(f'state.{step.state}').text(language)}"
            lines.append(line)
        return markup.shortened("\n".join(lines))

    def refresh_parent(self, view: OnboardingView, parent: str, picture: str) -> None:
        """Replace the comment's text. Raises ParentGone when somebody has deleted it."""
        issue, _, comment = parent.partition(":")
        marker = f"{view.key}:start:{self.name}:{view.stamp}"
        with _client(self._connection) as client:
            client.comment(issue, comment).update(body=_signed(picture, marker))


class SubtaskMirror(_Mirror):
    """The steps as sub-tasks; a parent's id is the issue's key. The core draws and reads them."""

    def __init__(self, connection: JiraConnection, subtasks: Subtasks) -> None:
        super().__init__(connection)
        self._subtasks = subtasks

    def create_parent(self, view: OnboardingView, marker: str) -> str:
        """Return the own issue, which the sub-tasks belong to: they are drawn with the first picture."""
        del marker
        return self._issue(view)

    def find_parent(self, view: OnboardingView, marker: str) -> str | None:
        """Return the own issue."""
        del marker
        return self._issue(view)

    def picture(self, view: OnboardingView) -> str:
        """Return which steps are over, as JSON; empty before it is known where they are drawn."""
        if self.name not in view.surfaces:
            return ""
        return json.dumps({step.id: step.state in MET for step in view.steps if step.state != "not_applicable"})

    def refresh_parent(self, view: OnboardingView, parent: str, picture: str) -> None:
        """Draw the sub-tasks."""
        del picture
        self._subtasks.draw(view, parent)


class JiraStepIssues:
    """Makes, reads and moves the sub-tasks (the core's ``StepIssues``)."""

    def __init__(self, connection: JiraConnection, own: OwnAccount) -> None:
        self._connection = connection
        self._settings = connection.settings
        self._own = own
        self.grace_seconds = self._settings.grace_seconds

    def find(self, marker: str) -> str | None:
        """Look for a sub-task by its label."""
        with _client(self._connection) as client:
            return finding.find_by_label(client, self._settings.project, marker)

    def create(self, view: OnboardingView, parent: str, step: StepView, marker: str) -> str:
        """Make a sub-task with the marker as its label; return its key."""
        title = step.definition.title.text(view.language)
        try:
            with _client(self._connection) as client:
                made = client.create_issue(
                    fields={
                        "project": {"key": self._settings.project},
                        "parent": {"key": parent},
                        "issuetype": {"name": self._subtask_type(client)},
                        "summary": markup.one_line(f"{title} · {view.client}"),
                        "description": say("mirror.how", key=view.key).text(view.language),
                        "labels": [finding.OURS, finding.label_of(marker)],
                    },
                    prefetch=False,
                )
                return str(made.key)
        except (Refusing, ParentGone) as refused:
            # There is no sub-task to wait for.
            raise NothingHappened(refused) from refused

    def are_done(self, parent: str) -> Mapping[str, bool]:
        """Read the sub-tasks from their issue: an issue that is read by its key is never late. Raises ParentGone."""
        with _client(self._connection) as client:
            found = getattr(client.issue(parent, fields="subtasks").fields, "subtasks", None) or ()
            return {str(each.key): each.fields.status.statusCategory.key == "done" for each in found}

    def closing(self, key: str) -> Closing | None:
        """Return the last change of a sub-task's status."""
        with _client(self._connection) as client:
            own = self._own.id(client)
            histories = client.issue(key, fields="status", expand="changelog").changelog.histories
            moves = [each for each in histories if any(item.field == "status" for item in each.items)]
            if not moves:
                return None
            last = max(moves, key=lambda each: (str(each.created), int(each.id)))
            by = getattr(last, "author", None)
            return Closing(id=str(last.id), by=actor_of(by), is_own=account_of(by) == own)

    def finish(self, key: str) -> None:
        """Transition a sub-task to a done status."""
        with _client(self._connection) as client:
            issues.finish(client, key, self._settings.done_transition)

    def reopen(self, key: str) -> None:
        """Transition a sub-task back to an open status."""
        with _client(self._connection) as client:
            issues.reopen(client, key)

    def find_comment(self, key: str, marker: str) -> str | None:
        """Look for a comment by its marker."""
        with _client(self._connection) as client:
            return finding.find_comment(client, key, marker)

    def comment(self, key: str, text: str, marker: str) -> str:
        """Comment; a Slack user is named by the id that the settings have, for Jira knows no other name."""
        with _client(self._connection) as client:
            said = markup.escaped(markup.without_mentions(text))
            return str(client.add_comment(key, _signed(said, marker)).id)

    def changed(self, within: timedelta) -> Mapping[str, str]:
        """Return the issues whose sub-tasks changed, each with Jira's word for when that was last."""
        with _client(self._connection) as client:
            late = timedelta(seconds=self.grace_seconds)
            return finding.changed_parents(client, self._settings.project, within + late)

    def _subtask_type(self, client: JIRA) -> str:
        if self._settings.subtask_type:
            return self._settings.subtask_type
        for kind in client.project(self._settings.project).issueTypes:
            if getattr(kind, "subtask", False):
                return str(kind.name)
        raise Refusing(
            f"{self._settings.project} has no issue type of sub-tasks; add one to the project, or set JIRA__MIRROR to "
            "comment or none"
        )


def _signed(text: str, marker: str) -> str:
    return f"{text}\n----\n{marker}"


@contextmanager
def _client(connection: JiraConnection) -> Iterator[JIRA]:
    """A projection goes on trying: a refusal is trouble that an administrator can end, but for what is gone."""
    try:
        with connection.client() as client:
            yield client
    except JiraRefused as refused:
        reason = f"refuses ({refused.status}): {refused.reason}"
        if refused.status == HTTPStatus.NOT_FOUND:
            raise ParentGone("Jira", reason) from refused
        raise Refusing(reason) from refused
