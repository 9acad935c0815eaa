"""Kill points put around the bot's own code from outside: the ledger, every commit, and writes in the middle.

Nothing of the product knows of this. A point's name tells where it is, so that the same place is told again after a
restart: an effect's key, the rows of a commit, a request with the effect that it belongs to.
"""

import os
import re
import smtplib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from slack_sdk.socket_mode.client import BaseSocketModeClient
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.orm import Session

from bot.jira.mirror import JiraStepIssues
from bot.onboarding.effects import Effects
from bot.slack.home import SlackHome
from bot.transfer import sftp_stream
from bot.transfer.sftp import SftpSession
from bot.web import jira_webhook

from .kill_points import KillPoints

# The jobs' own table names what they are about; a poll's name holds the moment, and polls are without number.
JOB = re.compile(r"onb:[\w:.-]+")
WRITES = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM)\s+\"?(?:\w+\"?\.\"?)?(\w+)", re.IGNORECASE)
# Parts of a name that are other ones in every run.
CHANCE = re.compile(r"[0-9a-f]{8,}|\d{6,}|\.\d+$")


class Thread(threading.local):
    """What this thread is about: the effect that it makes, and the rows that it has written and not committed."""

    def __init__(self) -> None:
        self.effect = ""
        self.rows: list[str] = []
        self.request = ""


def arm(points: KillPoints, data_dir: Path) -> None:
    """Put points around everything that a kill may fall into."""
    thread = Thread()
    _around_the_ledger(points, thread)
    _around_commits(points, thread)
    _inside_requests(points, thread)
    _inside_transfers(points, thread)
    _inside_mails(points, thread)
    _around_files(points, data_dir)
    _after_acknowledgements(points)
    _around_projections(points)
    _around_webhooks(points)


def _around_the_ledger(points: KillPoints, thread: Thread) -> None:
    once, at_most_once = Effects.once, Effects.at_most_once
    claim, complete = Effects._claim, Effects._complete

    @contextmanager
    def within(key: str) -> Iterator[None]:
        before, thread.effect = thread.effect, key
        try:
            yield
        finally:
            thread.effect = before

    def around(name: str, key: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def worked(*given: Any, **named: Any) -> Any:
            points.reach(f"before {name} {key}")
            with within(key):
                came = work(*given, **named)
            points.reach(f"after {name} {key}")
            return came

        return worked

    def once_with_points(self: Effects, onboarding_id: int, key: str, *, look: Any, do: Any, **more: Any) -> str:
        return once(self, onboarding_id, key, look=around("look", key, look), do=around("do", key, do), **more)

    def at_most_once_with_points(self: Effects, onboarding_id: int, key: str, do: Any, **more: Any) -> str:
        return at_most_once(self, onboarding_id, key, around("do", key, do), **more)

    def claim_with_points(self: Effects, onboarding_id: int, key: str) -> Any:
        return around("claim", key, claim)(self, onboarding_id, key)

    def complete_with_points(self: Effects, key: str, external_id: str) -> None:
        around("complete", key, complete)(self, key, external_id)

    Effects.once = once_with_points  # type: ignore[method-assign]
    Effects.at_most_once = at_most_once_with_points  # type: ignore[method-assign]
    Effects._claim = claim_with_points  # type: ignore[method-assign]
    Effects._complete = complete_with_points  # type: ignore[method-assign]


def _around_commits(points: KillPoints, thread: Thread) -> None:
    """Every commit of every engine, the queue's own ones too, by the rows that it makes lasting."""
    commit, rollback = DefaultDialect.do_commit, DefaultDialect.do_rollback

    @event.listens_for(Session, "after_flush")
    def _note_rows(session: Session, _context: object) -> None:
        changed = [*session.new, *session.deleted, *(row for row in session.dirty if session.is_modified(row))]
        thread.rows += [_row(row) for row in changed]

    @event.listens_for(Engine, "before_cursor_execute")
    def _note_statement(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        found = WRITES.match(statement)
        if found and found[2] in {"workflow_status", "operation_outputs", "queues"}:
            job = JOB.search(str(parameters))
            thread.rows.append(f"{found[1].split()[0].lower()} {found[2]} {job[0] if job else 'of a poll'}")

    def commit_with_points(self: DefaultDialect, connection: Any) -> None:
        rows, thread.rows = sorted(set(thread.rows)), []
        name = f"commit of {', '.join(rows)}"[:400]
        if rows:
            points.reach(f"before {name}")
        commit(self, connection)
        if rows:
            points.reach(f"after {name}")

    def rollback_and_forget(self: DefaultDialect, connection: Any) -> None:
        thread.rows = []
        rollback(self, connection)

    DefaultDialect.do_commit = commit_with_points  # type: ignore[method-assign]
    DefaultDialect.do_rollback = rollback_and_forget  # type: ignore[method-assign]


def _row(row: Any) -> str:
    match type(row).__name__:
        case "Event":
            return f"line {row.seq} {row.kind}"
        case "StepRecord":
            return f"step {row.step_id} {row.state}"
        case "EffectRecord":
            return f"effect {row.key} {row.state}"
        case "DueRecord":
            return f"due {row.subject}"
        case "SurfaceRecord":
            return f"surface {row.name} to {row.reported}"
        case "HomeRecord":
            return f"home of {row.person} at {row.shown} of {row.wanted}"
        case name:
            return name.lower()


def _inside_requests(points: KillPoints, thread: Thread) -> None:
    """Between a write's last byte and the first of its answer."""
    put_request, get_response = HTTPConnection.putrequest, HTTPConnection.getresponse

    def put_request_and_note(self: HTTPConnection, method: str, url: str, *given: Any, **named: Any) -> None:
        thread.request = f"{method} {CHANCE.sub('…', url.partition('?')[0])}"
        put_request(self, method, url, *given, **named)

    def get_response_with_point(self: HTTPConnection, *given: Any, **named: Any) -> Any:
        if not thread.request.startswith("GET"):
            points.reach(f"unanswered {thread.request} {thread.effect}")
        return get_response(self, *given, **named)

    HTTPConnection.putrequest = put_request_and_note  # type: ignore[method-assign]
    HTTPConnection.getresponse = get_response_with_point  # type: ignore[method-assign]


def _inside_transfers(points: KillPoints, thread: Thread) -> None:
    """Between the parts of an upload, a directory or a move."""

    def around(name: str) -> None:
        work = getattr(SftpSession, name)

        def worked(self: SftpSession, *given: Any, **named: Any) -> Any:
            about = f"{name} {CHANCE.sub('…', ' '.join(str(each) for each in given))} {thread.effect}"
            points.reach(f"before {about}")
            came = work(self, *given, **named)
            points.reach(f"after {about}")
            return came

        setattr(SftpSession, name, worked)

    for name in ("make_directory", "set_mode", "move", "fetch"):
        around(name)
    ask = sftp_stream._Requests.ask

    def ask_with_point(self: Any, command: int, offset: int, what: int | bytes) -> None:
        ask(self, command, offset, what)
        if isinstance(what, bytes):
            points.reach(f"uploading at {offset} {thread.effect}")

    sftp_stream._Requests.ask = ask_with_point  # type: ignore[method-assign]


def _inside_mails(points: KillPoints, thread: Thread) -> None:
    """When the dot that ends a mail has gone, and no word has come back."""
    send = smtplib.SMTP.send

    def send_with_point(self: smtplib.SMTP, said: Any) -> None:
        send(self, said)
        if said == b".\r\n":
            points.reach(f"unanswered mail {thread.effect}")

    smtplib.SMTP.send = send_with_point  # type: ignore[method-assign]


def _around_files(points: KillPoints, data_dir: Path) -> None:
    """Before and after a file of the bot's own disk gets its name."""
    replace = os.replace

    def replace_with_points(source: Any, target: Any, **more: Any) -> None:
        place = os.fspath(target)
        name = CHANCE.sub("…", os.path.relpath(place, data_dir)) if str(place).startswith(str(data_dir)) else ""
        if name:
            points.reach(f"before file {name}")
        replace(source, target, **more)
        if name:
            points.reach(f"after file {name}")

    os.replace = replace_with_points


def _after_acknowledgements(points: KillPoints) -> None:
    """When a person's click has just been acknowledged."""
    respond = BaseSocketModeClient.send_socket_mode_response

    def respond_with_point(self: BaseSocketModeClient, response: Any) -> None:
        respond(self, response)
        points.reach(points.next_of("acknowledged"))

    BaseSocketModeClient.send_socket_mode_response = respond_with_point  # type: ignore[method-assign]


def _around_projections(points: KillPoints) -> None:
    """Before and after a sub-task is moved, and a Home is shown, each time anew: what they show has no end."""

    def around(kind: type[Any], name: str) -> None:
        work = getattr(kind, name)

        def worked(self: Any, about: str, *given: Any) -> Any:
            points.reach(points.next_of(f"before {name} {about}"))
            came = work(self, about, *given)
            points.reach(points.next_of(f"after {name} {about}"))
            return came

        setattr(kind, name, worked)

    around(JiraStepIssues, "finish")
    around(JiraStepIssues, "reopen")
    around(SlackHome, "publish")


def _around_webhooks(points: KillPoints) -> None:
    """When Jira has told something that nobody has looked at, and when that has just been answered."""
    heard = jira_webhook._heard

    def heard_with_points(*given: Any) -> Any:
        points.reach(points.next_of("told by Jira"))
        came = heard(*given)
        points.reach(points.next_of("answered Jira"))
        return came

    jira_webhook._heard = heard_with_points
