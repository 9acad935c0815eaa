"""An onboarding's own issue: written once, a comment for each outcome, transitioned at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from jira import JIRA

from bot.jira import finding, issues, markup
from bot.jira.connection import JiraConnection, JiraRefused
from bot.jira.filling import Wanted, fields_of, parent_of
from bot.jira.screen import ScreenRefuses
from bot.locales import say
from bot.onboarding.errors import FileRefused, ParentGone, RefusedThere
from bot.onboarding.outcomes import SHEET, FileEvidence
from bot.onboarding.view import OnboardingView, Report

# Jira hears of outcomes and of what a manager must know, one comment each: what is merely asked of somebody, and every
# reminder of it, stays in Slack.
COMMENTED = frozenset(
    {
        "step_done",
        "step_failed",
        "step_skipped",
        "step_escalated",
        "deadline_passed",
        "replacement_decided",
        "assigned",
        "due_changed",
        "noted",
        "reopened",
        "tick_noted",
        "tick_explained",
        "closed",
        "cancelled",
    }
)


class Refusing(RefusedThere):
    """Jira answers, and says no."""

    def __init__(self, reason: str) -> None:
        super().__init__("Jira", reason)


class JiraSurface:
    """Implements the core's ``Surface`` on the activation project."""

    name = "jira"

    def __init__(self, connection: JiraConnection) -> None:
        self._connection = connection
        self._settings = connection.settings

    @property
    def grace_seconds(self) -> float:
        """How long Jira's search may miss a new issue."""
        return self._settings.grace_seconds

    def create_parent(self, view: OnboardingView, marker: str) -> str:
        """Write the issue with the marker as its label; return its key."""
        with self._client() as client:
            try:
                fields = fields_of(client, self.wanted(view, marker))
            except ScreenRefuses as refused:
                raise Refusing(refused.text(view.language)) from refused
            return str(client.create_issue(fields=fields, prefetch=False).key)

    def wanted(self, view: OnboardingView, marker: str) -> Wanted:
        """Return what the issue shall hold."""
        own = {
            "summary": markup.issue_summary(view),
            "description": markup.issue_description(view),
            "labels": [finding.OURS, finding.label_of(marker)],
        }
        return parent_of(self._settings, own, view.due)

    def find_parent(self, view: OnboardingView, marker: str) -> str | None:
        """Look for the issue by its label."""
        del view
        with self._client() as client:
            return finding.find_by_label(client, self._settings.project, marker)

    def parent_link(self, parent: str) -> str | None:
        """Return where people open the issue."""
        return self._connection.address(parent)

    def shows(self, report: Report) -> bool:
        """Jira hears of outcomes alone."""
        return report.kind in COMMENTED

    def write_report(self, view: OnboardingView, parent: str, report: Report, marker: str) -> str:
        """Add a comment; return its id."""
        with self._client(view, parent) as client:
            return str(client.add_comment(parent, markup.comment(view, report, marker)).id)

    def find_report(self, view: OnboardingView, parent: str, report: Report, marker: str) -> str | None:
        """Look for a comment that ends with this; an issue's comments are read from the issue, never late."""
        del report
        with self._client(view, parent) as client:
            return finding.find_comment(client, parent, marker)

    def takes(self, file: FileEvidence) -> bool:
        """Every list is attached to the issue; a form to be filled in is none."""
        return file.kind != SHEET

    def send_file(self, view: OnboardingView, file: FileEvidence, content: bytes) -> str:
        """Jira takes a file and shows it in one call: nothing is sent before."""
        del view, content
        return file.name

    def share_file(self, view: OnboardingView, parent: str, file: FileEvidence, sent: str, content: bytes) -> str:
        """Attach a file to the issue; return the attachment's id."""
        del view, sent
        try:
            with self._connection.client() as client:
                return issues.attach(client, parent, file.name, content)
        except JiraRefused as refused:
            # Too big, or no right to attach: the comment tells the list's beginning, and the comments must go on.
            raise FileRefused("Jira", f"refuses ({refused.status}): {refused.reason}") from refused

    def find_file(self, view: OnboardingView, parent: str, file: FileEvidence, sent: str) -> str | None:
        """Look for an attachment of that name: it ends with the content's checksum."""
        del sent
        with self._client(view, parent) as client:
            return issues.attachment_id(client, parent, file.name)

    def picture(self, view: OnboardingView) -> str:
        """The issue is not edited: its comments tell the story."""
        del view
        return ""

    def refresh_parent(self, view: OnboardingView, parent: str, picture: str) -> None:
        """Nothing to edit."""

    def close_parent(self, view: OnboardingView, parent: str, marker: str) -> str:
        """Transition the issue to a done status; return that status."""
        del marker
        with self._client(view, parent) as client:
            return issues.finish(client, parent, self._settings.done_transition)

    def find_closing(self, view: OnboardingView, parent: str, marker: str) -> str | None:
        """Look whether the issue is done already."""
        del marker
        with self._client(view, parent) as client:
            return "done" if issues.is_done(client, parent) else None

    @contextmanager
    def _client(self, view: OnboardingView | None = None, parent: str = "") -> Iterator[JIRA]:
        """A surface goes on trying: a refusal is trouble that an administrator can end. An issue that is gone is not:
        Jira deletes for good."""
        try:
            with self._connection.client() as client:
                yield client
        except JiraRefused as refused:
            if view is not None and refused.status == HTTPStatus.NOT_FOUND:
                raise ParentGone("Jira", say("jira.parent_gone", issue=parent).text(view.language)) from refused
            raise Refusing(f"refuses ({refused.status}): {refused.reason}") from refused
