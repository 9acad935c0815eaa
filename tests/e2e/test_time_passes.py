"""Days pass in a served bot: reminders in the thread and by mail, their button, an escalation in Jira, downtime.

The bot serves in this process, with the real parts and a clock that the test moves.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from e2e_house import EMAIL, House, house, wait_until

from bot.app import Application, build, serve
from bot.onboarding.actors import Actor
from bot.sandbox.slack import SlackPerson
from bot.settings import load_settings

MADRID = ZoneInfo("Europe/Madrid")


@dataclass
class Clock:
    """The real time, moved ahead by a test."""

    ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move_to(self, day: date, hour: int) -> None:
        self.ahead = datetime(day.year, day.month, day.day, hour, tzinfo=MADRID) - datetime.now(UTC)


@contextmanager
def served(home: House, clock: Clock) -> Iterator[Application]:
    application = build(load_settings(), clock=clock)
    stop = Event()
    thread = Thread(target=serve, args=(application, "all"), kwargs={"stop": stop})
    thread.start()
    try:
        wait_until("the bot", lambda: _is_ready(home))
        yield application
    finally:
        stop.set()
        thread.join(30)
        application.close()
        assert not thread.is_alive()


def test_people_are_reminded_by_button_mail_and_comment_and_downtime_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with house(tmp_path) as home:
        for name, value in home.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        clock = Clock()
        clock.move_to(date(2027, 2, 1), 10)  # a Monday, and a week without holidays
        person = SlackPerson(home.slack.url, "U0MANAGER")
        with served(home, clock) as bot:
            key = home.start(due="2027-02-05")
            home.partner.wait_for_link("form")
            assert bot.onboardings.snoozing.reminded_on(key, "form") == date(2027, 2, 4)
            assert reminders(home) == []

            clock.move_to(date(2027, 2, 4), 10)
            wait_until("the form's reminder", lambda: any("OFC form" in post["text"] for post in reminders(home)))
            wait_until("the mail", lambda: len(reminder_mails(home)) == 1)
            [mail] = reminder_mails(home)
            assert EMAIL in str(mail["to"])
            assert "/form/" in str(mail)
            [post] = [post for post in reminders(home) if "OFC form" in post["text"]]
            assert str(post["blocks"]).count("<@U0MANAGER>") == 1
            button = [
                element
                for block in post["blocks"]
                for element in block.get("elements", ())
                if element.get("action_id") == "snooze"
            ]
            assert [each["value"] for each in button] == [f"{key}:form"]
            assert bot.onboardings.snoozing.snooze(
                key, "form", date(2027, 2, 9), actor=Actor("shell", "shell:ana", "ana")
            )
            person.click(post["ts"], "snooze", f"{key}:form")
            wait_until("the snooze", lambda: bot.onboardings.snoozing.reminded_on(key, "form") == date(2027, 2, 5))
            wait_until("the post's edit", lambda: "Put off" in str(home.manager.thread()))
            assert "⏰" in str(home.manager.message()["blocks"])
            status = home.command("snooze", key, "portal", "--stop")
            assert status.returncode == 0, status.stderr
            wait_until(
                "the due date", lambda: any("due date is near" in post["text"] for post in home.manager.thread())
            )
        told = [message["text"] for message in home.manager.thread()]
        assert comments(home) == []  # reminders are not for Jira

        # Down from Thursday until Tuesday: five days, in which the form would have been reminded of twice.
        clock.move_to(date(2027, 2, 9), 11)
        with served(home, clock) as bot:
            wait_until(
                "the escalation", lambda: any("manager is told" in post["text"] for post in home.manager.thread())
            )
            wait_until("the due date", lambda: any("has passed" in post["text"] for post in home.manager.thread()))
            wait_until("the comments", lambda: len(comments(home)) >= 2)
            time.sleep(2)
            new = [message["text"] for message in home.manager.thread()][len(told) :]
            assert len(new) == len(set(new))
            assert sum("OFC form" in text for text in new) == 1
            assert not any("Canal Premium" in text for text in new)
            assert len(reminder_mails(home)) == 2
            assert all("told" in text or "passed" in text for text in comments(home))


def _is_ready(home: House) -> bool:
    try:
        return requests.get(f"{home.web_url}/readyz", timeout=5).ok
    except requests.ConnectionError:
        return False


def reminders(home: House) -> list[Mapping[str, Any]]:
    return [post for post in home.manager.thread() if post["text"].endswith(": reminder")]


def reminder_mails(home: House) -> list[Mapping[str, Any]]:
    mails = requests.get(f"{home.mailbox.url}/messages", timeout=20).json()
    return [mail for mail in mails if str(mail["subject"]).startswith("Reminder")]


def comments(home: House) -> list[str]:
    [found] = home.team.find("project = ACT")
    issue = home.team.issue(found)
    bodies = [str(comment["body"]) for comment in issue["fields"]["comment"]["comments"]]
    return [body for body in bodies if "Deposit directory: done" not in body]
