"""What the servers saw of an activation, counted: what is doubled, lost, or not as the bot's own trail has it."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e_house import PARTNERS, ROOT, House
from sqlalchemy import text
from sqlmodel import Session, col, select

from bot.jira.surface import COMMENTED
from bot.onboarding import trail
from bot.onboarding.models import DueRecord, EffectRecord, Event, Onboarding, StepRecord
from bot.onboarding.outcomes import LISTS, SHOWN_ENTRIES
from bot.onboarding.store import Store
from bot.onboarding.view import REPORTED

from .people import People

ENDED_WELL = {"done", "not_applicable"}
# Lines of the log that no kill and no dead server explains.
OUR_FAULTS = ("step_broke", "surface_broke", "listener_broke", "sweep_failed", "page_broke")
MAIL_UNKNOWN = "MAIL_UNKNOWN"


@dataclass(frozen=True)
class Told:
    """The bot's own account of the first onboarding."""

    key: str
    state: str
    steps: dict[str, str]
    lines: list[Event]
    effects: list[EffectRecord]
    due: list[str]
    jobs: dict[str, str]

    @property
    def reports(self) -> list[Event]:
        return [line for line in self.lines if line.kind in REPORTED]

    def lists(self, least_rows: int) -> list[str]:
        """Name every list that a report brings and that has more rows than this."""
        return [
            file["name"]
            for line in self.reports
            for file in (line.content.get("evidence") or {}).get("files", ())
            if file["kind"] in LISTS and (file["rows"] or 0) > least_rows
        ]


def told(home: House) -> Told:
    """Read what the bot has in its database. Raises LookupError where it has no onboarding."""
    with session_of(home) as (_, session):
        onboarding = session.exec(select(Onboarding).order_by(col(Onboarding.id))).first()
        if onboarding is None or onboarding.id is None:
            raise LookupError("there is no onboarding")
        steps = session.exec(select(StepRecord).where(StepRecord.onboarding_id == onboarding.id)).all()
        table = "workflow_status" if session.get_bind().dialect.name == "sqlite" else "dbos.workflow_status"
        jobs = session.connection().execute(text(f"SELECT workflow_uuid, status FROM {table}")).all()
        return Told(
            key=onboarding.key,
            state=onboarding.state,
            steps={step.step_id: step.state for step in steps},
            lines=trail.lines(session, onboarding.id),
            effects=list(session.exec(select(EffectRecord)).all()),
            due=list(session.exec(select(DueRecord.subject)).all()),
            jobs={str(job): str(status) for job, status in jobs},
        )


def wrongs(home: House, people: People, *, ended: bool = True, log: bool = True) -> list[str]:
    """Return everything that is not as it should be, nothing when all is well.

    ``ended``: the activation was played to its end. Otherwise only what there is so far is counted. Without ``log``
    the bot's log may tell of trouble.
    """
    try:
        own = told(home)
    except LookupError as nothing:
        return [str(nothing)]
    checks: list[Callable[[House, Told, People], Iterable[str]]] = [_trail, _jobs, _slack, _jira, _mails]
    if log:
        checks.append(_log)
    if ended:
        checks += [_end, _files]
    return [wrong for check in checks for wrong in check(home, own, people)]


def _trail(home: House, own: Told, people: People) -> Iterator[str]:
    del home
    broken = trail.first_break(own.lines)
    if broken is not None:
        yield f"the trail's chain is broken at line {broken}"
    ticked = {(line.step, tick) for line in own.lines if line.kind == "ticked" for tick in line.content["added"]}
    yield from (
        f"the tick {tick} of {step} was acknowledged and is lost"
        for step, tick in people.ticked
        if (step, tick) not in ticked
    )
    done = {line.step for line in own.lines if line.kind == "step_done"}
    names = {"assign": "references"}
    for taken in people.taken:
        if taken not in {"start", "ticket"} and names.get(taken, taken) not in done:
            yield f"what was taken for {taken} is lost"
    codes = [line.content.get("code") for line in own.lines if line.kind == "step_failed"]
    yield from (f"a step failed with {code}" for code in codes if code != MAIL_UNKNOWN)


def _jobs(home: House, own: Told, people: People) -> Iterator[str]:
    del home, people
    yield from (f"the job {job} is {status}" for job, status in own.jobs.items() if status != "SUCCESS")


def _end(home: House, own: Told, people: People) -> Iterator[str]:
    del home, people
    if own.state != "done":
        yield f"the onboarding is {own.state}"
    yield from (f"the step {step} is {state}" for step, state in own.steps.items() if state not in ENDED_WELL)
    yield from (f"{subject} is still due" for subject in own.due)
    for effect in own.effects:
        if effect.external_id is None and ":mail-" not in effect.key:
            yield f"the effect {effect.key} was begun and never completed"


def _slack(home: House, own: Told, people: People) -> Iterator[str]:
    ours = [message for message in home.slack.workspace.messages if message.by_app and not message.ephemeral_to]
    parents = [message for message in ours if message.thread_ts is None]
    if len(parents) != 1:
        yield f"Slack has {len(parents)} parent messages"
        return
    markers = [
        message.current.metadata["event_payload"]["marker"]
        for message in ours
        if message.thread_ts is not None and message.current.metadata
    ]
    yield from once(
        "Slack's thread",
        [":".join(marker.split(":")[:2]) for marker in markers],
        [f"{own.key}:{line.seq}" for line in own.reports],
    )
    numbers = [int(marker.split(":")[1]) for marker in markers]
    if numbers != sorted(numbers):
        yield f"Slack's thread is out of order: {numbers}"
    shared = [file["name"] for message in ours for file in message.files]
    yield from once("Slack's thread", shared, own.lists(SHOWN_ENTRIES))
    parent = people.parent()
    if own.state != "open" and parent is not None and any(block["type"] == "actions" for block in parent["blocks"]):
        yield "Slack's message still asks for something"


def _jira(home: House, own: Told, people: People) -> Iterator[str]:
    del people
    store = home.jira.store
    with store.lock:
        issues = [issue.snapshot() for issue in store.issues.values()]
        links = list(store.links.values())
    parents = [issue for issue in issues if issue.project.key == "ACT" and issue.parent is None]
    tickets = [issue for issue in issues if issue.project.key == "DB"]
    has_ticket = own.steps.get("ticket") in ENDED_WELL
    if len(parents) != 1:
        yield f"Jira has {len(parents)} issues of the onboarding"
        return
    if len(tickets) > 1 or (has_ticket and not tickets):
        yield f"the Data Base team has {len(tickets)} tickets"
    bodies = [comment.body.rstrip().splitlines()[-1] for comment in parents[0].comments]
    yield from once(
        "Jira's issue",
        [":".join(body.split(":")[:2]) for body in bodies],
        [f"{own.key}:{line.seq}" for line in own.reports if line.kind in COMMENTED],
    )
    dossier = [f"{own.key}-dossier.html"] if own.state == "done" else []
    yield from once("Jira's issue", [file.filename for file in parents[0].attachments], [*own.lists(0), *dossier])
    moves = [item[2] for change in parents[0].history for item in change.items if item[0] == "status"]
    yield from (f"Jira's issue went to {status} {count} times" for status, count in Counter(moves).items() if count > 1)
    if own.state == "done" and parents[0].status.category.key != "done":
        yield f"Jira's issue is {parents[0].status.name}"
    for ticket in tickets if has_ticket else ():
        yield from once("the ticket", [file.filename for file in ticket.attachments], [f"{own.key}-ofc_flux.json"])
        between = [link for link in links if {link.source, link.target} & {ticket.id, ticket.key}]
        if len(between) != 1:
            yield f"the ticket has {len(between)} links"


def _mails(home: House, own: Told, people: People) -> Iterator[str]:
    del people
    ids = Counter(mail.headers["Message-ID"] for mail in home.mailbox.messages)
    yield from (f"the mail {id_} was sent {count} times" for id_, count in ids.items() if count > 1)
    unknown = Counter(line.step for line in own.lines if line.kind == "step_failed")
    for step in ("form", "deposit", "ofc_received"):
        sent = sum(f".{step}." in id_ for id_ in ids)
        if sent > 1 + unknown[step]:
            yield f"{step}: {sent} mails, of which at most {unknown[step]} were sent again by a person"


def _files(home: House, own: Told, people: People) -> Iterator[str]:
    below = home.files.disk / PARTNERS[0] / "test" / "TELEFONICA_ES" / ROOT
    yield from (f"{file.name} is still in the partner's folder" for file in (below / "in").iterdir())
    delivered = sorted(file.name for file in (below / "out").iterdir())
    if [name.endswith(".csv") for name in delivered].count(True) != 1 or any(n.endswith(".part") for n in delivered):
        yield f"the partner finds {delivered}"
    archive = list((home.files.disk / ".onboarding" / "archive" / own.key).iterdir())
    if len(archive) != 1 or (people.dropped and archive[0].read_bytes() != people.dropped.read_bytes()):
        yield f"the archive holds {[file.name for file in archive]}"
    if home.files.server is None:
        return
    done = [each for each in home.files.server.done if each.account == home.files.username]
    made = Counter(each.path for each in done if each.operation == "mkdir")
    yield from (f"the directory {path} was made {count} times" for path, count in made.items() if count > 1)
    named = Counter(each.to for each in done if each.operation == "rename" and each.to is not None)
    yield from (f"{path} was put in its place {count} times" for path, count in named.items() if count > 1)


def _log(home: House, own: Told, people: People) -> Iterator[str]:
    del own, people
    lines = home.log().splitlines()
    for number, line in enumerate(lines):
        if any(fault in line for fault in OUR_FAULTS):
            yield "the log says: " + " | ".join(lines[number : number + 40])


def once(place: str, seen: Sequence[str], wanted: Sequence[str], *, what: str = "") -> Iterator[str]:
    """Compare what is there with what should be there once each; ``what`` these names are of, in words."""
    there, due, of = Counter(seen), Counter(wanted), f"{what} " if what else ""
    yield from (f"{place} shows {of}{name} {count} times" for name, count in there.items() if count > due[name] > 0)
    yield from (f"{place} shows {of}{name}, which was never reported" for name in there.keys() - due.keys())
    yield from (f"{place} lacks {of}{name}" for name in due.keys() - there.keys())


@contextmanager
def session_of(home: House) -> Iterator[tuple[Store, Session]]:
    """Give the bot's database to be read."""
    url = home.environment.get("ONBOARDING_DATABASE_URL") or f"sqlite:///{database_file(home)}"
    store = Store(url)
    try:
        with store.reading() as session:
            yield store, session
    finally:
        store.close()


def database_file(home: House) -> Path:
    """Return where the bot keeps its SQLite database."""
    return Path(home.environment["ONBOARDING_DATA_DIR"]) / "onboarding.db"


def settled(look: Callable[[], list[str]], seconds: float) -> list[str]:
    """Look until nothing is wrong any more; return what still is after some seconds."""
    until = time.monotonic() + seconds
    while (found := look()) and time.monotonic() < until:
        time.sleep(0.5)
    return found


def as_lines(found: Any) -> str:
    """Return a list for a failure's text."""
    return "\n".join(f"  - {line}" for line in found)
