"""The people of an activation when the bot may be dead at any moment: each looks at what is shown and does the next
thing, and again when it failed. What they were told was taken is kept, to be compared with the trail.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from e2e_house import START, House, incoming, sample

from bot.sandbox.players import NothingHappened
from bot.sandbox.slack import AppSilent, SlackPerson
from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack

GLANCE = 0.1
# How long a person looks at a message that does not change before the next try, in seconds.
PATIENCE = 3.0


@dataclass
class People:
    """The manager, the partner and the Data Base team at one activation."""

    home: House
    ticked: list[tuple[str, str]] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    dropped: Path | None = None
    # Steps that nobody confirms in Slack.
    elsewhere: frozenset[str] = frozenset()
    _tries: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.slack = SlackPerson(self.home.slack.url, "U0MANAGER")
        self._form = load_pack(builtin_packs() / START["operator"], parameter_models()).forms["form.yaml"]

    def start(self, seconds: float = 120, **changed: str) -> None:
        """Start the activation with Slack's modal, as often as it takes."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                view = self.slack.view() or self.slack.command("start").view or self.slack.wait_for_view(3)
                errors = self.slack.submit(view["id"], START | changed)
            except (AppSilent, LookupError):
                time.sleep(GLANCE)
                continue
            assert errors == {}, f"the start was refused: {errors}"
            self.taken.append("start")
            return
        raise NothingHappened(f"the start was not taken within {seconds:g} seconds")

    def play(self, seconds: float, *, until: str | None = None) -> None:
        """Act until nothing is left to do and Jira's issue is done, or until everything but the step ``until`` is.

        Raises NothingHappened when that takes longer.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            parent = self.parent()
            if parent is not None:
                if until is not None and {step for step, _, _ in controls(parent)} == {until} and self._have_ended():
                    return
                if not controls(parent) and self._is_closed_in_jira():
                    return
                self._manage(parent, but=until)
                self._do_more(parent)
            self._fill_form()
            self._make_flow()
            self._drop()
            self._answer()
            time.sleep(GLANCE)
        raise NothingHappened(f"the activation did not end within {seconds:g} seconds; {self._shown()}")

    def _do_more(self, parent: dict[str, Any]) -> None:
        """Nobody does anything else."""

    def _have_ended(self) -> bool:
        """Tell whether there is nothing else that anybody wants to do."""
        return True

    def parent(self) -> dict[str, Any] | None:
        """Return the onboarding's message as it is now."""
        posted = [message for message in self.slack.messages() if message.get("metadata")]
        return posted[0] if posted else None

    def tick_until(self, step: str, seconds: float = 60) -> None:
        """Tick the boxes of the steps up to this one, and return when the message no longer asks for any of them."""
        until = time.monotonic() + seconds
        asked = False
        while time.monotonic() < until:
            parent = self.parent()
            shown = {one for one, _, _ in controls(parent)} if parent is not None else set()
            if asked and step not in shown:
                return
            asked = asked or step in shown
            if parent is not None:
                self._manage(parent)
            time.sleep(GLANCE)
        raise NothingHappened(f"{step} was not over within {seconds:g} seconds; {self._shown()}")

    def _manage(self, parent: dict[str, Any], *, but: str | None = None) -> None:
        for step, block_id, element in controls(parent):
            if step == but or step in self.elsewhere:
                continue
            match element["action_id"]:
                case "ticks":
                    ticked = {option["value"] for option in element.get("initial_options", ())}
                    value = next(option["value"] for option in element["options"] if option["value"] not in ticked)
                    if self.may_try(f"{block_id} {value}"):
                        self._tick(parent["ts"], step, block_id, value)
                        return
                case "assign" | "retry" as action:
                    if self.may_try(f"{block_id} {action}"):
                        self._click(parent["ts"], step, action, element["value"])
                        return

    def _tick(self, ts: str, step: str, block_id: str, value: str) -> None:
        try:
            self.slack.tick(ts, block_id, value)
        except (AppSilent, LookupError):
            # Nothing was acknowledged, or the message has changed on the way: the person looks again.
            self._tries.clear()
            return
        self.ticked.append((step, value))

    def _click(self, ts: str, step: str, action: str, value: str) -> None:
        try:
            self.slack.click(ts, action, value)
        except (AppSilent, LookupError):
            self._tries.clear()
            return
        (self.retried if action == "retry" else self.taken).append(step)

    def _fill_form(self) -> None:
        link = self._link("form")
        if link is None or "form" in self.taken or not self.may_try("form"):
            return
        try:
            self.home.partner.fill_form(link, self._form, datetime.now(UTC).date())
        except (requests.RequestException, NothingHappened):
            return
        self.taken.append("form")

    def _answer(self) -> None:
        link = self._link("confirm")
        if link is None or "ofc_received" in self.taken or not self.may_try("confirm"):
            return
        try:
            self.home.partner.answer(link, "yes", "Received, checksum compared.")
        except (requests.RequestException, NothingHappened):
            return
        self.taken.append("ofc_received")

    def _make_flow(self) -> None:
        if "ticket" in self.taken:
            return
        for ticket in self.home.team.find("project = DB AND statusCategory != Done"):
            self.home.team.make_flow(ticket)
            self.taken.append("ticket")

    def _drop(self) -> None:
        if self.dropped is None and any(_asks_for_files(mail.links) for mail in self.home.mailbox.messages):
            self.dropped = sample(self.home)
            self.home.partner.drop(self.dropped, incoming(self.home))

    def _is_closed_in_jira(self) -> bool:
        return bool(self.home.team.find("project = ACT AND issuetype = Task AND statusCategory = Done"))

    def _link(self, kind: str) -> str | None:
        links = [link for mail in self.home.mailbox.messages for link in mail.links if f"/{kind}/" in link]
        return links[-1] if links else None

    def may_try(self, what: str) -> bool:
        """Tell whether it is time for another try of the same thing, and note the try."""
        now = time.monotonic()
        if now - self._tries.get(what, -PATIENCE) < PATIENCE:
            return False
        self._tries[what] = now
        return True

    def _shown(self) -> str:
        parent = self.parent()
        if parent is None:
            return "Slack shows no message of it"
        return "Slack shows " + "; ".join(f"{step} {element['action_id']}" for step, _, element in controls(parent))


def controls(parent: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the controls of a message: step, block id, element."""
    return [
        (str(block["block_id"]).partition(":")[0], str(block["block_id"]), element)
        for block in parent.get("blocks", ())
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def _asks_for_files(links: Sequence[str]) -> bool:
    """Every mail leads to the partner's page; the others lead to a form or a question as well."""
    return not any("/form/" in link or "/confirm/" in link for link in links)
