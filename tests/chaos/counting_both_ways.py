"""What Slack and Jira show of an activation that both take part in, counted: sub-tasks, what was said, Homes."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from e2e_house import House
from sqlmodel import Session

from bot.jira.ticket_comments import TOLD
from bot.onboarding.actors import Roles
from bot.onboarding.home_page import HomeReader
from bot.onboarding.homes import actor_of, filters_of
from bot.onboarding.models import MET, HomeRecord
from bot.onboarding.pack_archive import PackArchive
from bot.onboarding.packs import Packs
from bot.onboarding.store import Store
from bot.onboarding.ticket_talk import REPLY, TICKET_COMMENT, TICKET_MOVED
from bot.sandbox.jira.entities import Issue
from bot.sandbox.jira.site import BOT, DATABASE_MEMBER, MANAGER
from bot.slack.home import home_view
from bot.steps.parameters import parameter_models

from .both_ways import ASKED, HOMES, IN_JIRA, LATER, NOT_THEIRS, REPLIES, BothSides, place_of, sub_tasks
from .counting import Told, once, session_of, told


def wrongs_of_both_ways(home: House, people: BothSides) -> list[str]:
    """Return everything that is not as it should be when all has been said and done but for the signature."""
    own = told(home)
    return [
        *_sub_tasks(home, own),
        *_confirmations(own),
        *_ticket(home, own),
        *_thread(home, own),
        *_homes(home, people),
    ]


def _sub_tasks(home: House, own: Told) -> Iterator[str]:
    there = sub_tasks(home)
    applying = [step for step, state in own.steps.items() if state != "not_applicable"]
    yield from once("Jira", [step for step, issues in there.items() for _ in issues], applying, what="the sub-task of")
    for step, issues in there.items():
        for issue in issues:
            if (issue.status.category.key == "done") != (own.steps[step] in MET):
                yield f"the sub-task of {step} is {issue.status.name}, and the step is {own.steps[step]}"
            refused = [issue.key] if step == NOT_THEIRS else []
            answers = [issue.key for _ in issue.comments]
            yield from once(f"the sub-task of {step}", answers, refused, what="an answer on")


def _confirmations(own: Told) -> Iterator[str]:
    """Every step is done once; what was confirmed in Jira in the name of who closed the sub-task there."""
    done = [line for line in own.lines if line.kind == "step_done"]
    yield from (
        f"the trail has {step} done {count} times"
        for step, count in Counter(line.step for line in done).items()
        if count > 1
    )
    yield from (
        f"{line.step} was confirmed in Jira, and the trail says by {line.actor}"
        for line in done
        if line.step in IN_JIRA and line.actor != MANAGER.display_name
    )
    refused = [line.step for line in own.lines if line.kind == "refused" and line.actor == DATABASE_MEMBER.display_name]
    if refused != [NOT_THEIRS]:
        yield f"the trail has refusals of {DATABASE_MEMBER.display_name} at {refused}"


def _ticket(home: House, own: Told) -> Iterator[str]:
    """Each reply that was taken is one comment, and so is what the Data Base team has said itself."""
    ticket = _only_ticket(home)
    if ticket is None:
        yield "there is no ticket to talk on"
        return
    theirs = [comment.body for comment in ticket.comments if comment.author == DATABASE_MEMBER.name]
    yield from once("the ticket", theirs, [ASKED, "The OFC flow is there and has been tested.", LATER])
    ours = [comment.body for comment in ticket.comments if comment.author == BOT.name]
    taken = [line for line in own.lines if line.kind == REPLY]
    marked = [f"{own.key}:{line.seq}" for line in taken]
    yield from once("the ticket", [":".join(body.splitlines()[-1].split(":")[:2]) for body in ours], marked)
    texts = Counter(str(line.content["text"]) for line in taken)
    yield from (f"the reply {text!r} was taken {count} times" for text, count in texts.items() if count > 1)
    said = "\n".join(ours)
    yield from (f"the ticket lacks the reply {text!r}" for text in REPLIES if text not in said)


def _thread(home: House, own: Told) -> Iterator[str]:
    """Each change of the ticket and each comment of the team's is on the trail once; the thread is as the trail."""
    ticket = _only_ticket(home)
    if ticket is None:
        return
    changes = [f"h{each.id}" for each in ticket.history if any(item[0] in TOLD for item in each.items)]
    comments = [f"c{each.id}" for each in ticket.comments if each.author != BOT.name]
    seen = [str(line.content["id"]) for line in own.lines if line.kind in {TICKET_MOVED, TICKET_COMMENT}]
    yield from once("the trail", seen, [*changes, *comments])


def _homes(home: House, people: BothSides) -> Iterator[str]:
    with session_of(home) as (store, session):
        for user, person in zip(HOMES, people.readers, strict=True):
            record = session.get(HomeRecord, f"slack:{user}")
            shown = person.home()
            if record is None or shown is None:
                yield f"the Home of {user} is not shown"
                continue
            if (record.wanted, record.due_at) != (record.shown, None):
                yield f"the Home of {user} is at {record.shown} of {record.wanted}, due at {record.due_at}"
            wanted = _home(home, store, session, record)
            if (now := _comparable(shown["blocks"])) != (due := _comparable(wanted["blocks"])):
                different = next((pair for pair in zip(now, due, strict=False) if pair[0] != pair[1]), (now, due))
                yield f"the Home of {user} shows {different[0]}, and should show {different[1]}"


def _home(home: House, store: Store, session: Session, record: HomeRecord) -> dict[str, Any]:
    """Draw a Home from what the database holds now."""
    packs = Packs([], place_of(home) / "packs", parameter_models(), archive=PackArchive(store))
    managers, data_base = (home.environment[f"ONBOARDING_ROLES__{role}"] for role in ("MANAGER", "DATA_BASE"))
    roles = Roles({"manager": managers.split(","), "data_base": data_base.split(",")})
    page = HomeReader(packs, roles).read(
        session,
        actor_of(record.person),
        "en",
        filters_of(record),
        (record.steps_page, record.page),
        revision=record.shown,
        now=datetime.now(UTC),
    )
    return home_view(page, "/onboard")


def _comparable(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what is no content: what Slack adds by itself, and a Home's own revision."""
    named = [re.sub(r"^home:\d+:", "home:", str(block.get("block_id", ""))) for block in blocks]
    return [
        {**_as_sent(block), "block_id": name if ":" in name else ""} for block, name in zip(blocks, named, strict=True)
    ]


def _as_sent(shown: Any) -> Any:
    if isinstance(shown, list):
        return [_as_sent(each) for each in shown]
    if isinstance(shown, dict):
        return {name: _as_sent(value) for name, value in shown.items() if name not in {"verbatim", "emoji"}}
    return shown


def _only_ticket(home: House) -> Issue | None:
    with home.jira.store.lock:
        tickets = [issue.snapshot() for issue in home.jira.store.issues.values() if issue.project.key == "DB"]
    return tickets[0] if len(tickets) == 1 else None
