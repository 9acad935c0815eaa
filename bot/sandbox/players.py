"""The people of an activation, each acting through the same sockets as people do: Slack, Jira, mail, web, SFTP."""

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import paramiko
import requests

from bot.sandbox.jira import JiraPerson
from bot.sandbox.slack import SlackPerson
from checklists.model import Form, FormField

T = TypeVar("T")

PATIENCE = 30.0
GLANCE = 0.1


class NothingHappened(Exception):
    """A person waited for something that did not come; the message names it."""


def wait_for(what: str, look: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """Look until there is something; raise NothingHappened after ``patience`` seconds."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        found = look()
        if found is not None:
            return found
        time.sleep(GLANCE)
    raise NothingHappened(f"{what} did not come within {patience:g} seconds")


class Manager:
    """The activation manager, in Slack."""

    def __init__(self, slack_url: str, user: str) -> None:
        self._slack = SlackPerson(slack_url, user)
        self.parent = ""

    def start(self, values: Mapping[str, str]) -> dict[str, str]:
        """Fill in and submit the start modal; return the errors at its fields, none when it was taken."""
        view = self._slack.command("start").view or self._slack.wait_for_view()
        return dict(self._slack.submit(view["id"], dict(values)))

    def start_with_choice(self, operator: str, values: Mapping[str, str]) -> str:
        """Choose an operator, which changes what the modal asks, fill it in and submit it; return the new key."""
        view = self._slack.command("start").view or self._slack.wait_for_view()
        self._slack.choose(view["id"], "operator", operator)
        errors = self._slack.submit(view["id"], dict(values))
        if errors:
            raise NothingHappened(f"the start was refused: {dict(errors)}")
        return str(self.wait_for_parent()["metadata"]["event_payload"]["key"])

    def wait_for_parent(self) -> Mapping[str, Any]:
        """Wait for the onboarding's message and remember it."""

        def look() -> Mapping[str, Any] | None:
            posted = [message for message in self._slack.messages() if message.get("metadata")]
            return posted[-1] if posted else None

        message = wait_for("the onboarding's message", look)
        self.parent = message["ts"]
        return message

    def messages(self) -> list[Mapping[str, Any]]:
        """Return the channel's messages, oldest first."""
        return list(self._slack.messages())

    def message(self) -> Mapping[str, Any]:
        """Return the onboarding's message as it is now."""
        return next(message for message in self._slack.messages() if message["ts"] == self.parent)

    def thread(self) -> list[Mapping[str, Any]]:
        """Return the posts in its thread, in order."""
        return [message for message in self._slack.messages(self.parent) if message["ts"] != self.parent]

    def tick_all(self, step: str) -> int:
        """Tick the step's boxes one after the other; return how many there were."""
        values = [option["value"] for option in self._element(step, "ticks")["options"]]
        for value in values:
            self._slack.tick(self.parent, f"{step}:", value)
            self._wait_until_ticked(step, value)
        return len(values)

    def click(self, step: str, action_id: str) -> None:
        """Click a step's button."""
        button = self._element(step, action_id)
        self._slack.click(self.parent, action_id, button["value"])

    def pick(self, step: str, action_id: str, value: str) -> None:
        """Choose an option of a step."""
        self._element(step, action_id)
        self._slack.pick(self.parent, action_id, value)

    def has_control(self, step: str, action_id: str) -> bool:
        """Tell whether the message offers this control of a step now."""
        return self._find(step, action_id) is not None

    def _element(self, step: str, action_id: str) -> Mapping[str, Any]:
        return wait_for(f"{action_id} of {step}", lambda: self._find(step, action_id))

    def _find(self, step: str, action_id: str) -> Mapping[str, Any] | None:
        for block in self.message()["blocks"]:
            if str(block.get("block_id", "")).startswith(f"{step}:"):
                for element in block.get("elements", ()):
                    if element.get("action_id") == action_id:
                        return dict(element)
        return None

    def _wait_until_ticked(self, step: str, value: str) -> None:
        def look() -> bool | None:
            element = self._find(step, "ticks")
            if element is None:
                return True
            ticked = {option["value"] for option in element.get("initial_options", ())}
            return True if value in ticked else None

        wait_for(f"the tick {value} of {step}", look)


@dataclass
class Partner:
    """The partner: it has a mail address, a browser and an SFTP account, nothing else."""

    code: str
    email: str
    mail_url: str
    sftp: Mapping[str, Any]

    def wait_for_link(self, kind: str) -> str:
        """Wait for a mail with a link of a kind (``form`` or ``confirm``); return the link."""

        def look() -> str | None:
            for mail in reversed(self._mails()):
                for link in mail["links"]:
                    if f"/{kind}/" in link:
                        return str(link)
            return None

        return wait_for(f"the mail with the {kind} link", look)

    def wait_for_request(self) -> str:
        """Wait for the mail that asks for test files; return its text."""

        def look() -> str | None:
            # Every mail leads to the partner's page; the others lead to a form or a question as well.
            asking = ("/form/", "/confirm/")
            texts = [
                str(mail["text"]) for mail in self._mails() if not any(way in str(mail["links"]) for way in asking)
            ]
            return texts[-1] if texts else None

        return wait_for("the mail that asks for test files", look)

    def fill_form(self, link: str, form: Form, today: date) -> int:
        """Fill in every question of the form that is open; return how many were answered."""
        browser = requests.Session()
        page = browser.get(link, timeout=PATIENCE)
        page.raise_for_status()
        answers = {asked.id: _answer(asked, today) for asked in form.fields if asked.fill is None}
        typed = {name: answer for name, answer in answers.items() if answer}
        answered = browser.post(page.url, data={**typed, "csrf_token": _csrf(page.text)}, timeout=PATIENCE)
        answered.raise_for_status()
        return len(typed)

    def answer(self, link: str, answer: str, comment: str = "") -> None:
        """Answer a question."""
        browser = requests.Session()
        page = browser.get(link, timeout=PATIENCE)
        page.raise_for_status()
        said = {"answer": answer, "comment": comment, "csrf_token": _csrf(page.text)}
        browser.post(page.url, data=said, timeout=PATIENCE).raise_for_status()

    def drop(self, file: Path, folder: str) -> None:
        """Upload a file under a temporary name and rename it, as a careful client does."""
        with self._session() as session:
            session.put(str(file), f"{folder}/{file.name}.part")
            session.rename(f"{folder}/{file.name}.part", f"{folder}/{file.name}")

    def collect(self, folder: str) -> dict[str, str]:
        """Download everything in a folder; return the sha256 of each file by its name."""
        with self._session() as session:
            found = {}
            for name in sorted(session.listdir(folder)):
                with session.open(f"{folder}/{name}") as file:
                    found[name] = hashlib.sha256(file.read()).hexdigest()
            return found

    def can_read(self, path: str) -> bool:
        """Tell whether the partner can list a folder."""
        with self._session() as session:
            try:
                session.listdir(path)
            except OSError:
                return False
            return True

    def _mails(self) -> list[dict[str, Any]]:
        mails = requests.get(f"{self.mail_url}/messages", timeout=PATIENCE).json()
        return [mail for mail in mails if self.email in mail["to"]]

    def _session(self) -> "_Sftp":
        return _Sftp(self.sftp, self.code)


class DataBaseTeam:
    """The Data Base team, in Jira alone."""

    def __init__(self, url: str, token: str, project: str, email: str | None = None) -> None:
        self._jira = JiraPerson(url, token, email)
        self._project = project

    def wait_for_ticket(self) -> str:
        """Wait for a ticket in the team's project; return its key."""

        def look() -> str | None:
            found = self._jira.find(f"project = {self._project} AND statusCategory != Done")
            return found[0] if found else None

        return wait_for("the Data Base team's ticket", look)

    def find(self, query: str) -> list[str]:
        """Return the keys of the issues that a query finds."""
        return self._jira.find(query)

    def issue(self, key: str) -> dict[str, Any]:
        """Return an issue as Jira shows it."""
        return self._jira.issue(key)

    def make_flow(self, ticket: str) -> None:
        """Take the ticket, say what was done, and resolve it."""
        self._jira.take(ticket)
        self._jira.transition(ticket, "Start Progress")
        self._jira.comment(ticket, "The OFC flow is there and has been tested.")
        self._jira.transition(ticket, "Done", resolution="Done")


class _Sftp:
    """A partner's SFTP session with the host key that the household wrote down."""

    def __init__(self, sftp: Mapping[str, Any], code: str) -> None:
        self._client = paramiko.SSHClient()
        self._client.load_host_keys(str(sftp["known_hosts"]))
        account = sftp["partners"][code]
        self._client.connect(
            str(sftp["host"]),
            int(sftp["port"]),
            username=account["username"],
            password=account["password"],
            look_for_keys=False,
            allow_agent=False,
            timeout=PATIENCE,
        )

    def __enter__(self) -> paramiko.SFTPClient:
        return self._client.open_sftp()

    def __exit__(self, *_: object) -> None:
        self._client.close()


def _csrf(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    if found is None:
        raise NothingHappened("the page has no form to send")
    return found[1]


def _answer(asked: FormField, today: date) -> str:
    """Answer as the form's own examples do; what depends on today is worked out."""
    if asked.type == "date":
        day = today + timedelta(days=35)
        return (day - timedelta(days=day.weekday())).isoformat()
    if asked.type == "period":
        return datetime.now(UTC).strftime("%Y%m")
    return asked.example or ""
