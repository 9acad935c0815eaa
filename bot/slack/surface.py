"""An onboarding in a Slack channel: the parent message edited in place, the reports in its thread."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.locales import say
from bot.onboarding.errors import FileRefused, ParentGone
from bot.onboarding.outcomes import SHEET, SHOWN_ENTRIES, FileEvidence, number
from bot.onboarding.view import OnboardingView, Report, StepView
from bot.slack.connection import SlackConnection, SlackRefused
from bot.slack.mrkdwn import escaped
from bot.slack.pacing import Paces
from bot.slack.parent import picture as parent_picture
from bot.slack.reports import report_blocks, report_text

# By these types a message of ours is told from others when it is looked for.
PARENT_EVENT = "onboarding_parent"
REPORT_EVENT = "onboarding_report"

PAGE = 200
MOST_PAGES = 20
# The search for a lost parent begins a day before the onboarding: two machines' clocks never agree, and one of them may
# have been set to the wrong zone when it began.
CLOCKS_APART = 86_400


# Slack's words for a message, or a thread, that somebody has deleted.
PARENT_GONE = frozenset({"message_not_found", "thread_not_found"})

# After these a person must act; a reminder names its own.
CALLS_FOR_SOMEBODY = frozenset({"step_failed", "step_asks"})

Accountable = Callable[[OnboardingView, StepView], Sequence[str]]


def _nobody(_view: OnboardingView, _step: StepView) -> Sequence[str]:
    return ()


class SlackSurface:
    """Implements the core's ``Surface`` on one channel. A parent's id is ``<channel>:<ts>``."""

    name = "slack"
    grace_seconds = 0.0

    def __init__(self, connection: SlackConnection, accountable: Accountable = _nobody) -> None:
        """``accountable`` tells who answers for a step, the one to turn to first."""
        self._connection = connection
        self._accountable = accountable
        self._paces = Paces(connection.settings.edits_per_minute, connection.settings.posts_per_minute)
        self._channel = connection.settings.channel
        self._command = connection.settings.command

    def create_parent(self, view: OnboardingView, marker: str) -> str:
        """Post the parent message with the marker in its metadata; return its id."""
        self._paces.post(self._channel, marker)
        with self._connection.client() as client:
            posted = client.chat_postMessage(
                channel=self._channel,
                **json.loads(self.picture(view)),
                metadata=_metadata(PARENT_EVENT, view.key, marker),
                unfurl_links=False,
            )
            return f"{posted['channel']}:{posted['ts']}"

    def find_parent(self, view: OnboardingView, marker: str) -> str | None:
        """Look for the parent message by the marker in its metadata."""
        oldest = str(view.started_at.timestamp() - CLOCKS_APART)
        with self._connection.client() as client:
            for message in _pages(client.conversations_history, channel=self._channel, oldest=oldest):
                if _marker(message) == marker:
                    return f"{self._channel}:{message['ts']}"
        return None

    def parent_link(self, parent: str) -> str | None:
        """Return the message's address; None where Slack refuses to give one."""
        channel, _, ts = parent.partition(":")
        try:
            with self._connection.client() as client:
                link = client.chat_getPermalink(channel=channel, message_ts=ts).get("permalink")
        except SlackRefused:
            # The address is a convenience: the message is there without it. A Slack that is away is asked again.
            return None
        return str(link) if link else None

    def shows(self, report: Report) -> bool:
        """Everything that happened is told in the thread."""
        del report
        return True

    def write_report(self, view: OnboardingView, parent: str, report: Report, marker: str) -> str:
        """Post a report in the thread; return its ts."""
        channel, _, ts = parent.partition(":")
        self._paces.post(channel, marker)
        report = self._addressed(view, report)
        with self._on(parent) as client:
            posted = client.chat_postMessage(
                channel=channel,
                thread_ts=ts,
                text=report_text(view, report),
                blocks=report_blocks(view, report),
                metadata=_metadata(REPORT_EVENT, view.key, marker),
                unfurl_links=False,
            )
            return str(posted["ts"])

    def find_report(self, view: OnboardingView, parent: str, report: Report, marker: str) -> str | None:
        """Look for a report in the thread by the end of the marker in its metadata."""
        del view, report
        channel, _, ts = parent.partition(":")
        with self._on(parent) as client:
            for message in _pages(client.conversations_replies, channel=channel, ts=ts):
                if (_marker(message) or "").endswith(marker):
                    return str(message["ts"])
        return None

    def takes(self, file: FileEvidence) -> bool:
        """A list that the post does not hold as a whole is offered as a file."""
        return file.kind == SHEET or (file.rows or 0) > SHOWN_ENTRIES

    def send_file(self, view: OnboardingView, file: FileEvidence, content: bytes) -> str:
        """Upload a file; return its id. It is nobody's to see until it is shared."""
        del view
        try:
            with self._connection.client() as client:
                place = client.files_getUploadURLExternal(filename=file.name, length=len(content))
                self._connection.upload(str(place["upload_url"]), content)
                return str(place["file_id"])
        except SlackRefused as refused:
            raise _without_file(refused) from refused

    def share_file(self, view: OnboardingView, parent: str, file: FileEvidence, sent: str, content: bytes) -> str:
        """Share an uploaded file in the thread; return its id."""
        del content
        channel, _, ts = parent.partition(":")
        attached = say("list.attached", file=file.name, rows=number(file.rows or 0))
        told = (say("slack.sheet_attached", file=file.name) if file.kind == SHEET else attached).text(view.language)
        try:
            with self._connection.client() as client:
                client.files_completeUploadExternal(
                    files=[{"id": sent, "title": file.name}],
                    channel_id=channel,
                    thread_ts=ts,
                    initial_comment=escaped(told),
                )
        except SlackRefused as refused:
            raise _without_file(refused) from refused
        return sent

    def find_file(self, view: OnboardingView, parent: str, file: FileEvidence, sent: str) -> str | None:
        """Look in the thread for the uploaded file, or the same file uploaded before: its name holds its checksum."""
        del view
        channel, _, ts = parent.partition(":")
        with self._connection.client() as client:
            for message in _pages(client.conversations_replies, channel=channel, ts=ts):
                for shared in message.get("files") or ():
                    if shared.get("id") == sent or shared.get("name") == file.name:
                        return str(shared["id"])
        return None

    def picture(self, view: OnboardingView) -> str:
        """Return the parent message as JSON."""
        return parent_picture(view, self._command)

    def refresh_parent(self, view: OnboardingView, parent: str, picture: str) -> None:
        """Edit the parent message in place."""
        self._paces.edit(parent)
        del view
        channel, _, ts = parent.partition(":")
        with self._on(parent) as client:
            client.chat_update(channel=channel, ts=ts, **json.loads(picture))

    def close_parent(self, view: OnboardingView, parent: str, marker: str) -> str:
        """Nothing is left to do: the last picture has no controls."""
        del view, marker
        return parent

    def find_closing(self, view: OnboardingView, parent: str, marker: str) -> str | None:
        """The last picture is the end."""
        del view, marker
        return parent

    @contextmanager
    def _on(self, parent: str) -> Iterator[WebClient]:
        """Give the client for the parent message or its thread. Raises ParentGone once somebody has deleted it."""
        try:
            with self._connection.client() as client:
                yield client
        except SlackRefused as refused:
            if refused.error in PARENT_GONE:
                raise ParentGone("Slack", f"{parent}: {refused.error}") from refused
            raise

    def _addressed(self, view: OnboardingView, report: Report) -> Report:
        """Turn to the one who must act now. Slack tells them of a new post alone: no edit calls them again."""
        if report.kind not in CALLS_FOR_SOMEBODY or report.step is None or report.who:
            return report
        return replace(report, who=tuple(self._accountable(view, view.step(report.step.id))))


def _without_file(refused: SlackRefused) -> FileRefused:
    """A file that Slack refuses (no scope, shared before) keeps no report back: the post tells its beginning."""
    return FileRefused("Slack", refused.reason)


def _metadata(event_type: str, key: str, marker: str) -> dict[str, Any]:
    return {"event_type": event_type, "event_payload": {"key": key, "marker": marker}}


def _marker(message: dict[str, Any]) -> str | None:
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    marker = payload.get("marker")
    return str(marker) if marker else None


def _pages(call: Callable[..., SlackResponse], **arguments: Any) -> Iterator[dict[str, Any]]:
    """Yield the messages of a paged method."""
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = call(limit=PAGE, cursor=cursor, include_all_metadata=True, **arguments)
        yield from page.get("messages") or ()
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
        if cursor is None:
            return
