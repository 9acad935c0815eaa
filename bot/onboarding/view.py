"""What the surfaces show: an onboarding at one revision, and the reports that its trail holds.

Both are read from the database once and are then plain values: rendering them is pure.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from bot.onboarding.actors import Accountable
from bot.onboarding.clock import WorkingTime
from bot.onboarding.confirmations import Confirmation, confirmations_of
from bot.onboarding.models import (
    MET,
    Event,
    EvidenceRecord,
    Onboarding,
    OnboardingState,
    StepRecord,
    StepState,
    SurfaceRecord,
)
from bot.onboarding.notes import Note, Withdrawn, notes_of, withdrawn_of
from bot.onboarding.outcomes import Evidence, Fact, FileEvidence, FindingEvidence
from bot.onboarding.reminding import days_late
from bot.onboarding.replacing import Offer
from bot.onboarding.restoration import times_restored
from checklists.model import Language, Localized, OptionValue, Pack, Role, Tick
from checklists.model import Step as StepDefinition


@dataclass(frozen=True)
class TickView:
    """A checkbox of a manual step; ``by`` and ``at`` tell who ticked it and when, None while it is empty."""

    tick: Tick
    by: str | None
    at: datetime | None
    withdrawn: Withdrawn | None = None


@dataclass(frozen=True)
class StepView:
    """One step as people see it.

    ``offer``: invoices that a manager may decide to replace. ``days_late``: the working days since its due date.
    ``confirmations``: who has confirmed it, while it needs more people to. ``accountable``: who was named for it.
    """

    definition: StepDefinition
    state: StepState
    role: Role
    waits_for: Role | None
    note: Localized | None
    code: str | None
    seen: Localized | None
    advice: Localized | None
    reason: str | None
    link: str | None
    ticks: tuple[TickView, ...]
    evidence: Evidence
    due_on: date | None
    changed_at: datetime | None
    changed_by: str | None
    offer: Offer | None = None
    notes: tuple[Note, ...] = ()
    days_late: int = 0
    confirmations: tuple[Confirmation, ...] = ()
    accountable: Accountable | None = None
    run: int = 1

    @property
    def id(self) -> str:
        """The step's id in the pack."""
        return self.definition.id


@dataclass(frozen=True)
class SurfaceView:
    """Where an onboarding stands on one surface: the parent's id there, and its address for people."""

    parent: str
    link: str | None


@dataclass(frozen=True)
class OnboardingView:
    """An onboarding at one revision and on one day.

    ``troubles`` tells which surface cannot be written now, and why; ``days_late`` counts the working days since its own
    due date, as each step's does since the step's. ``restored`` counts the times that the database was put back from a
    backup that held it: outside there may be pictures of the same revision from before. ``accountable`` is whom a
    manager has named; ``reopened`` counts the times that it was opened again.
    """

    id: int
    key: str
    revision: int
    head: str
    state: OnboardingState
    pack: Pack
    operator: str
    partner: str
    partner_email: str
    client: str
    root: str
    tax_ids: tuple[str, ...]
    options: Mapping[str, OptionValue]
    language: Language
    due: date | None
    started_by: str
    started_at: datetime
    closed_at: datetime | None
    steps: tuple[StepView, ...]
    surfaces: Mapping[str, SurfaceView]
    troubles: Mapping[str, str] = field(default_factory=dict)
    restored: int = 0
    days_late: int = 0
    accountable: Accountable | None = None
    reopened: int = 0
    links_renewed: int = 0
    starter: str = ""

    def link_edition(self, run: int) -> int:
        """Return which edition of a step's link is valid: a new run or a renewal makes the earlier ones void."""
        return run + self.links_renewed

    @property
    def page_edition(self) -> int:
        """Which edition of the link to the partner's page is the valid one."""
        return 1 + self.links_renewed

    @property
    def most_days_late(self) -> int:
        """The working days by which the onboarding, or the worst of its steps, is late."""
        return max([self.days_late, *(step.days_late for step in self.steps)])

    @property
    def stamp(self) -> str:
        """Eight hex digits that tell this onboarding from one of the same key in another database."""
        return stamp_of(self.key, self.started_at, self.partner, self.root)

    @property
    def progress(self) -> tuple[int, int]:
        """How many steps are over, of how many that apply."""
        applying = [step for step in self.steps if step.state != "not_applicable"]
        return sum(step.state in MET for step in applying), len(applying)

    def step(self, step_id: str) -> StepView:
        """Return one step. Raises KeyError."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)


@dataclass(frozen=True)
class Report:
    """Something that happened and that people must be able to read later: one line of the trail with its evidence.

    ``kind``: step_done, step_failed, step_skipped, step_asks (a text to copy and send), replacement_decided,
    step_reminded, step_escalated, deadline_near, deadline_passed, reminder_unsent, assigned, due_changed, noted,
    confirmed (more people must), confirmation_withdrawn, reopened, ticket_followed, ticket_moved,
    ticket_comment, correction_asked, ticket_reply_sent, ticket_reply_unsent, ticket_gone, surface_gone,
    surface_refused, subtask_gone,
    addition_missed, sheet_offered, letter_unsent, closed, cancelled; what people said or gave: tick_noted,
    tick_explained, file_dropped, file_checked, file_not_taken. ``what`` names
    what is told, eight hex digits: the same thing told again after the database was put back from a backup has another
    number and the same name. ``who`` answers for what a reminder is about, the one to turn to first, and ``managers``
    hear of an escalation: members of the settings' roles.
    """

    seq: int
    at: datetime
    kind: str
    actor: str
    actor_id: str
    step: StepDefinition | None
    evidence: Evidence
    code: str | None
    seen: Localized | None
    advice: Localized | None
    reason: str | None
    copy: Localized | None
    link: str | None
    hash: str
    what: str = ""
    who: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()


REPORTED = frozenset(
    {
        "step_done",
        "step_failed",
        "step_skipped",
        "step_asks",
        "step_reminded",
        "step_escalated",
        "reminder_unsent",
        "deadline_near",
        "deadline_passed",
        "replacement_decided",
        "assigned",
        "due_changed",
        "noted",
        "confirmed",
        "confirmation_withdrawn",
        "reopened",
        "ticket_followed",
        "ticket_moved",
        "ticket_comment",
        "correction_asked",
        "ticket_reply_sent",
        "ticket_reply_unsent",
        "ticket_gone",
        "surface_gone",
        "surface_refused",
        "subtask_gone",
        "addition_missed",
        "tick_noted",
        "tick_explained",
        "file_dropped",
        "file_checked",
        "file_not_taken",
        "sheet_offered",
        "letter_unsent",
        "closed",
        "cancelled",
    }
)


def read_view(session: Session, onboarding: Onboarding, pack: Pack, *, now: datetime | None = None) -> OnboardingView:
    """Read an onboarding with its steps, evidence and surfaces, and what is late ``now`` (None: nothing is)."""
    assert onboarding.id is not None
    working = WorkingTime.of(pack.checklist)
    today = working.day(now) if now is not None and onboarding.state == "open" else date.min

    def late(due_on: date | None) -> int:
        return days_late(working, due_on, today)

    records = session.exec(
        select(StepRecord).where(StepRecord.onboarding_id == onboarding.id).order_by(col(StepRecord.position))
    ).all()
    evidence = _evidence_by_step(session, onboarding.id)
    surfaces = session.exec(select(SurfaceRecord).where(SurfaceRecord.onboarding_id == onboarding.id)).all()
    return OnboardingView(
        id=onboarding.id,
        key=onboarding.key,
        revision=onboarding.revision,
        head=onboarding.head,
        state=onboarding.state,  # type: ignore[arg-type]
        pack=pack,
        operator=onboarding.operator,
        partner=onboarding.partner,
        partner_email=onboarding.partner_email,
        client=onboarding.client,
        root=onboarding.root,
        tax_ids=tuple(onboarding.tax_ids),
        options=onboarding.options,
        language=onboarding.language,  # type: ignore[arg-type]
        due=onboarding.due,
        started_by=onboarding.started_by,
        started_at=onboarding.started_at,
        closed_at=onboarding.closed_at,
        steps=tuple(_step_view(record, pack, evidence.get(record.step_id, Evidence()), late) for record in records),
        surfaces={
            surface.name: SurfaceView(surface.parent, surface.parent_link) for surface in surfaces if surface.parent
        },
        troubles={surface.name: surface.trouble for surface in surfaces if surface.trouble},
        restored=times_restored(session, onboarding),
        days_late=late(onboarding.due),
        accountable=Accountable.of(onboarding.accountable, onboarding.accountable_name),
        reopened=onboarding.reopened,
        links_renewed=onboarding.links_renewed,
        starter=onboarding.starter,
    )


def stamp_of(key: str, started_at: datetime, partner: str, root: str) -> str:
    """Return the stamp of an onboarding (``OnboardingView.stamp``)."""
    said = f"{key} {started_at.isoformat()} {partner} {root}"
    return hashlib.sha256(said.encode()).hexdigest()[:8]


def read_reports(session: Session, onboarding_id: int, pack: Pack, *, after: int) -> list[Report]:
    """Return the reports behind trail line ``after``, in order."""
    # Read once: a line that is written between two readings would be in one of them alone.
    reported = select(Event).where(Event.onboarding_id == onboarding_id, col(Event.kind).in_(REPORTED))
    lines = session.exec(reported.order_by(col(Event.seq))).all()
    if not lines or lines[-1].seq <= after:
        return []
    steps = {step.id: step for step in pack.checklist.steps}
    names = _names(lines)
    return [
        Report(
            seq=line.seq,
            at=line.at,
            kind=line.kind,
            actor=line.actor,
            actor_id=str(line.content.get("actor", "")),
            step=steps.get(line.step) if line.step else None,
            evidence=evidence_from_json(line.content.get("evidence") or {}),
            code=line.content.get("code"),
            seen=localized(line.content.get("seen")),
            advice=localized(line.content.get("advice")),
            reason=line.content.get("reason"),
            copy=localized(line.content.get("copy")),
            link=line.content.get("link"),
            hash=line.hash,
            what=names[line.seq],
            who=tuple(line.content.get("who", ())),
            managers=tuple(line.content.get("managers", ())),
        )
        for line in lines
        if line.seq > after
    ]


def _names(lines: Sequence[Event]) -> dict[int, str]:
    """Name reports by what they tell, and the how manieth of the same they are."""
    names: dict[int, str] = {}
    told: Counter[str] = Counter()
    for line in lines:
        content = line.content
        files = [file["sha256"] for file in (content.get("evidence") or {}).get("files", ())]
        same = json.dumps(
            [line.kind, line.step, content.get("code"), content.get("seen"), content.get("reason"), files],
            sort_keys=True,
        )
        told[same] += 1
        names[line.seq] = hashlib.sha256(f"{same} {told[same]}".encode()).hexdigest()[:8]
    return names


def localized(texts: Mapping[str, Any] | None) -> Localized | None:
    """Read a text in three languages as the database keeps it."""
    return Localized.model_validate(texts) if texts else None


def evidence_from_json(kept: Mapping[str, Sequence[Mapping[str, Any]]]) -> Evidence:
    """Read evidence as the trail keeps it."""
    return Evidence(
        facts=tuple(_fact(item) for item in kept.get("facts", ())),
        files=tuple(FileEvidence(**item) for item in kept.get("files", ())),
        findings=tuple(_finding(item) for item in kept.get("findings", ())),
    )


def _fact(item: Mapping[str, Any]) -> Fact:
    return Fact(Localized.model_validate(item["label"]), item["value"])


def _finding(item: Mapping[str, Any]) -> FindingEvidence:
    return FindingEvidence(
        item["code"],
        item["severity"],
        Localized.model_validate(item["message"]),
        Localized.model_validate(item["advice"]),
    )


def _evidence_by_step(session: Session, onboarding_id: int) -> dict[str, Evidence]:
    rows = session.exec(
        select(EvidenceRecord)
        .where(EvidenceRecord.onboarding_id == onboarding_id)
        .order_by(col(EvidenceRecord.seq), col(EvidenceRecord.position))
    ).all()
    # Only what the step's latest outcome brought: an earlier failure's evidence stays in the trail.
    latest = {row.step_id: row.seq for row in rows}
    kept: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for row in rows:
        if row.seq == latest[row.step_id]:
            kept.setdefault(row.step_id, {}).setdefault(f"{row.kind}s", []).append(row.content)
    return {step_id: evidence_from_json(pieces) for step_id, pieces in kept.items()}


def _step_view(record: StepRecord, pack: Pack, evidence: Evidence, late: Callable[[date | None], int]) -> StepView:
    definition = pack.checklist.step(record.step_id)
    ticked: Mapping[str, Mapping[str, str]] = record.memory.get("ticks", {})
    withdrawn = withdrawn_of(record.memory)
    return StepView(
        definition=definition,
        state=record.state,  # type: ignore[arg-type]
        role=definition.role,
        waits_for=record.waits_for,  # type: ignore[arg-type]
        note=localized(record.note),
        code=record.code,
        seen=localized(record.seen),
        advice=localized(record.advice),
        reason=record.reason,
        link=record.link,
        ticks=tuple(
            TickView(
                tick,
                by=ticked[tick.id]["by"] if tick.id in ticked else None,
                at=datetime.fromisoformat(ticked[tick.id]["at"]) if tick.id in ticked else None,
                withdrawn=withdrawn.get(tick.id),
            )
            for tick in offered_ticks(record, definition)
        ),
        evidence=evidence,
        due_on=record.due_on,
        changed_at=record.changed_at,
        changed_by=record.changed_by,
        offer=Offer.of(record),
        notes=notes_of(record.memory),
        days_late=late(record.due_on) if record.state in {"running", "waiting", "failed"} else 0,
        confirmations=confirmations_of(record.memory, record.run),
        accountable=Accountable.of(record.accountable, record.accountable_name),
        run=record.run,
    )


def offered_ticks(record: StepRecord, definition: StepDefinition) -> tuple[Tick, ...]:
    """Return the checkboxes of a step: the pack's own, or those that its kind offers while it waits."""
    offered = record.memory.get("offered_ticks")
    return tuple(Tick.model_validate(tick) for tick in offered) if offered else definition.ticks
