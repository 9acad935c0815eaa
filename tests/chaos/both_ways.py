"""An activation that Slack and Jira both show and both take part in: sub-tasks, webhook, Homes, words on the ticket.

Some steps are confirmed by closing their sub-tasks, one sub-task is closed by who may not, the Data Base team and the
people in Slack talk on the ticket, and three people have their Homes open. Jira tells of all of it by its webhook,
whose deliveries come late, out of order, twice, or never.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
from e2e_house import House

from bot.sandbox.faults import Fault
from bot.sandbox.jira import JiraPerson
from bot.sandbox.jira.entities import Issue
from bot.sandbox.jira.site import MANAGER
from bot.sandbox.jira.webhooks import DELIVERY
from bot.sandbox.slack import AppSilent, SlackPerson
from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack

from .people import People, controls

SECRET = "the webhook's own"
# Some 130 events are told of in a clean activation; behind these there is no trouble any more.
TROUBLED_DELIVERIES = 90

# Confirmed by a manager who closes the sub-task, and closed by somebody who may not.
IN_JIRA = frozenset({"sofia_install", "load"})
NOT_THEIRS = "sign_off"

HOMES = ("U0MANAGER", "U0GUEST", "U0DATABASE")
# Said on the ticket: by the Data Base team before and after its work, and from the thread to it in between.
ASKED, LATER = "Which of the two clients is it?", "The flow has been watched for a day."
REPLIES = ("It is the one in the form.", "Thank you, all is well here.")


def settings_of(seed: int) -> dict[str, Any]:
    """Return how the house is built: a Data Center or a Cloud with a late index, as the seed has it."""
    is_cloud = random.Random(f"jira {seed}").random() < 0.5
    manager = MANAGER.account_id if is_cloud else MANAGER.name
    on_cloud = {
        "jira_kind": "Cloud",
        "jira_options": {"index_delay_seconds": 0.5},
        "JIRA__INDEX_GRACE_SECONDS": "2",
    }
    return {
        "JIRA__MIRROR": "subtasks",
        "JIRA__WEBHOOK_SECRET": SECRET,
        # Rare enough for the webhook to be what is heard first, often enough for what it loses to be seen.
        "JIRA__POLL_SECONDS": "2",
        "ROLES__MANAGER": f"U0MANAGER,U0GUEST,{manager}",
        **(on_cloud if is_cloud else {}),
    }


def trouble_deliveries(home: House, seed: int) -> None:
    """Have Jira tell the bot of what happens, in the weather that the seed has."""
    hook = home.jira.webhooks
    hook.url, hook.secret = f"{home.web_url}/jira/webhook", SECRET
    hook.repeat_seconds = (0.3,)
    chance = random.Random(f"webhook {seed}")
    for _ in range(TROUBLED_DELIVERIES):
        # A delay of nothing is a delivery as it should be.
        held_up = Fault(DELIVERY, "delay", seconds=chance.choice([0, 0, 0.2, 1.0, 2.5]))
        lost, unheard = Fault(DELIVERY, "drop_before"), Fault(DELIVERY, "drop_after")
        home.jira.faults.add(chance.choices([held_up, lost, unheard], weights=[6, 1, 1])[0])


def sub_tasks(home: House) -> dict[str, list[Issue]]:
    """Return the sub-tasks that there are of each step."""
    pack = load_pack(builtin_packs() / "telefonica_es", parameter_models())
    steps = {step.title.en: step.id for step in pack.checklist.steps}
    found: dict[str, list[Issue]] = {}
    with home.jira.store.lock:
        for issue in home.jira.store.issues.values():
            if issue.parent is not None:
                title = str(issue.values["summary"]).rpartition(" · ")[0]
                found.setdefault(steps[title], []).append(issue.snapshot())
    return found


@dataclass
class BothSides(People):
    """The people in Slack, and those in Jira: a manager who works there, and the Data Base team."""

    elsewhere: frozenset[str] = IN_JIRA
    _said: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        jira, on_cloud = self.home.jira, self.home.jira.email is not None
        self._morgan = JiraPerson(jira.url, "sandbox-manager-pat", MANAGER.email if on_cloud else None)
        self._dana = JiraPerson(jira.url, jira.database_token, jira.database_email)
        self.readers = [SlackPerson(self.home.slack.url, user) for user in HOMES]
        self._ticket = ""
        self._dropped_in = ""

    def close(self) -> None:
        """Close the connections to Jira."""
        self._morgan.close()
        self._dana.close()

    def _do_more(self, parent: dict[str, Any]) -> None:
        self._open_homes()
        self._close_sub_tasks({step for step, _, _ in controls(parent)})
        if self._ticket and "ticket" in self.taken:
            self._reply(parent["ts"], REPLIES[1])
            self._comment(LATER)

    def _have_ended(self) -> bool:
        said = all(self._is_on_ticket(text) for text in (ASKED, *REPLIES, LATER))
        return said and NOT_THEIRS in self.taken_back and all(person.home() for person in self.readers)

    @property
    def taken_back(self) -> list[str]:
        """The steps whose sub-tasks somebody has closed who may not."""
        return [self._dropped_in] if self._dropped_in else []

    def _open_homes(self) -> None:
        for number, person in enumerate(self.readers):
            if person.home() is None and self.may_try(f"home {number}"):
                person.open_home()

    def _close_sub_tasks(self, asked: set[str]) -> None:
        """A manager confirms in Jira what is asked for; the Data Base team closes what is none of its business."""
        there = sub_tasks(self.home)
        for step in IN_JIRA & asked - set(self.taken):
            if step in there:
                _finish(self._morgan, there[step][0].key)
                self.taken.append(step)
        if NOT_THEIRS in there and not self._dropped_in:
            _finish(self._dana, there[NOT_THEIRS][0].key)
            self._dropped_in = NOT_THEIRS

    def _make_flow(self) -> None:
        """Ask, wait for the answer from the thread, and do the work."""
        if "ticket" in self.taken:
            return
        parent = self.parent()
        for ticket in self.home.team.find("project = DB AND statusCategory != Done"):
            self._ticket = ticket
            self._comment(ASKED)
            if parent is not None and self._reply(parent["ts"], REPLIES[0]):
                self.home.team.make_flow(ticket)
                self.taken.append("ticket")

    def _comment(self, text: str) -> None:
        if not self._is_on_ticket(text):
            self._dana.comment(self._ticket, text)

    def _reply(self, ts: str, text: str) -> bool:
        """Tell whether a reply is on the ticket; say it, and again when it does not come.

        A message that nobody acknowledged is lost in the end, in Slack as well: then a person says it once more.
        """
        if self._is_on_ticket(text):
            return True
        if self.may_try(f"reply {text}"):
            self._said[text] = self._said.get(text, 0) + 1
            try:
                self.slack.say(f"ticket: {text} ({self._said[text]})", thread_ts=ts)
            except (AppSilent, LookupError, requests.RequestException):
                return False
        return False

    def _is_on_ticket(self, text: str) -> bool:
        with self.home.jira.store.lock:
            ticket = self.home.jira.store.issues.get(self._ticket)
            return ticket is not None and any(text in comment.body for comment in ticket.comments)


def _finish(person: JiraPerson, key: str) -> None:
    person.transition(key, "Start Progress")
    person.transition(key, "Done", resolution="Done")


@contextmanager
def both_sides(home: House) -> Iterator[BothSides]:
    """The people of such an activation."""
    people = BothSides(home)
    try:
        yield people
    finally:
        people.close()


@dataclass(frozen=True)
class Heard:
    """How the webhook's deliveries went: events that were taken, deliveries of them once more, tries that were lost."""

    events: int
    repeated: int
    lost: int

    def __str__(self) -> str:
        return f"{self.events} events heard, {self.repeated} once more, {self.lost} tries lost"


def heard_of(home: House) -> Heard:
    """Count the webhook's deliveries."""
    deliveries = list(home.jira.webhooks.deliveries)
    taken = [each.identifier for each in deliveries if each.status == HTTPStatus.OK]
    lost = sum(each.status is None for each in deliveries)
    return Heard(len(set(taken)), len(taken) - len(set(taken)), lost)


def place_of(home: House) -> Path:
    """Return where the bot keeps its files."""
    return Path(home.environment["ONBOARDING_DATA_DIR"])
