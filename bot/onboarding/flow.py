"""The checklist engine's rules: which step may begin, what an outcome changes, when an onboarding is over.

Everything here works on rows of an open transaction and touches nothing outside; jobs are enqueued in the same
transaction as the change that needs them. ``advance`` is safe to call at any time: it only moves what may move.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from bot.locales import say
from bot.onboarding import due_dates, due_rows
from bot.onboarding.actors import SYSTEM, Actor
from bot.onboarding.change import Change
from bot.onboarding.clock import Clock
from bot.onboarding.errors import UnknownOnboarding
from bot.onboarding.models import MET, Event, EvidenceRecord, Onboarding, StepRecord
from bot.onboarding.outcomes import Back, Done, Evidence, Failed, Outcome, Waiting
from bot.onboarding.packs import Packs
from bot.onboarding.ports import Job, Jobs, StepKind
from bot.onboarding.store import Store
from checklists.model import Pack

# No value that a step could remember.
_NOTHING = object()


class Flow:
    """The rules, and the ports they need."""

    def __init__(
        self,
        store: Store,
        packs: Packs,
        kinds: Mapping[str, StepKind],
        jobs: Jobs,
        clock: Clock,
        surfaces: Sequence[str],
        *,
        longest_pause: float = 3_600.0,
    ) -> None:
        self._store = store
        self._packs = packs
        self._kinds = kinds
        self._jobs = jobs
        self._clock = clock
        self._longest_pause = longest_pause
        self.surfaces = tuple(surfaces)

    def now(self) -> datetime:
        """Return the moment by the one clock."""
        return self._clock.now()

    @contextmanager
    def change(self, onboarding_id: int, actor: Actor = SYSTEM) -> Iterator[Change]:
        """Open one transaction on one onboarding; at its end the surfaces are told if anything changed.

        Raises UnknownOnboarding.
        """
        with self._store.transaction(for_person=actor is not SYSTEM) as session:
            locked = select(Onboarding).where(Onboarding.id == onboarding_id).with_for_update()
            onboarding = session.exec(locked).first()
            if onboarding is None:
                raise UnknownOnboarding(say("refused.no_onboarding", given=f"ONB-{onboarding_id}"))
            change = self.opened(session, onboarding, actor)
            before = onboarding.revision
            yield change
            if onboarding.revision != before:
                self.tell_surfaces(change)

    def opened(self, session: Session, onboarding: Onboarding, actor: Actor) -> Change:
        """Return the change that an open transaction makes to an onboarding."""
        steps = session.exec(
            select(StepRecord).where(StepRecord.onboarding_id == onboarding.id).order_by(col(StepRecord.position))
        ).all()
        pack = self._packs.kept(onboarding.pack, onboarding.pack_digest)
        return Change(session, onboarding, pack, list(steps), actor, self._clock.now())

    def tell_surfaces(self, change: Change) -> None:
        """Enqueue the surfaces' catching up with the onboarding's revision."""
        onboarding = change.onboarding
        assert onboarding.id is not None
        for surface in self.surfaces:
            subject = f"surface:{surface}"
            self._jobs.enqueue(
                change.session, f"onb:{onboarding.key}:{onboarding.revision}:{surface}", Job(onboarding.id, subject)
            )

    def advance(self, change: Change) -> None:
        """Begin every step whose needs are met, set aside what does not apply, and close what is finished."""
        if change.onboarding.state != "open":
            return
        moved = True
        while moved:
            met = {record.step_id for record in change.steps if record.state in MET}
            moved = any(self._move(change, record, met) for record in change.steps if record.state == "pending")
        if all(record.state in MET for record in change.steps):
            change.onboarding.state = "done"
            change.forget_times()
            change.onboarding.closed_at = change.now
            change.note("closed")

    def begin(self, change: Change, record: StepRecord) -> None:
        """Start a new run of a step: it waits for a person, or its job is enqueued."""
        definition = change.definition(record)
        record.run += 1
        _clear(record)
        self._forget(change, record)
        due_dates.count(change, record)
        due_dates.plan_first_reminder(change, record)
        waiting = self._kinds[record.kind].begin(definition, change.onboarding.options)
        if waiting is not None:
            self.settle(change, record, waiting)
            return
        _mark(record, "running", change)
        line = change.note("step_started", step=record, content={"run": record.run})
        self._enqueue(change, record, line)

    def settle(self, change: Change, record: StepRecord, outcome: Outcome) -> None:
        """Carry out what a step's work, or a person's answer to it, came to; then advance."""
        remembers_more = any(record.memory.get(name, _NOTHING) != kept for name, kept in outcome.memory.items())
        if outcome.memory:
            record.memory = {**record.memory, **outcome.memory}
            change.session.add(record)
        match outcome:
            case Done():
                self._finish(change, record, outcome)
            case Waiting():
                self._wait(change, record, outcome, is_news=remembers_more)
            case Failed():
                self._fail(change, record, outcome, remembers_more=remembers_more)
            case Back():
                self._go_back(change, outcome)
        self.advance(change)

    def set_aside(self, change: Change, record: StepRecord, reason: str) -> None:
        """Skip a step, with the person's reason; then advance."""
        self._forget(change, record)
        _clear(record)
        _mark(record, "skipped", change)
        record.reason = reason
        change.note("step_skipped", step=record, content={"reason": reason})
        due_dates.count_what_follows(change, record)
        self.advance(change)

    def start_over(self, change: Change, step_id: str) -> None:
        """Put a step, and what needs it, back as if they had not begun; what was skipped after it stays so."""
        for record in change.steps:
            follows = step_id in _ancestors(change.pack, record.step_id)
            if record.step_id != step_id and (not follows or record.state in {"not_applicable", "skipped"}):
                continue
            self._forget(change, record)
            clear_ticks(change, record)
            if record.state != "pending":
                _clear(record)
                _mark(record, "pending", change)

    def put_off(self, job: Job, seconds: float) -> None:
        """Have a job's subject looked at again after some seconds, without its pack: that may be what is missing."""
        now = self._clock.now()
        due_at = now + timedelta(seconds=seconds)
        with self._store.transaction() as session:
            due_rows.put(session, job.onboarding_id, job.subject, due_at=due_at, now=now, run=job.run)

    def is_due(self, session: Session, job: Job) -> bool:
        """Tell whether a job's subject is to be looked at again, outside any change."""
        return due_rows.find(session, job.onboarding_id, job.subject) is not None

    def _move(self, change: Change, record: StepRecord, met: set[str]) -> bool:
        definition = change.definition(record)
        if not definition.applies(change.onboarding.options):
            _mark(record, "not_applicable", change)
            change.note("step_not_applicable", step=record)
            due_dates.count_what_follows(change, record)
            return True
        if met.issuperset(definition.needs):
            self.begin(change, record)
            return True
        return False

    def _finish(self, change: Change, record: StepRecord, outcome: Done) -> None:
        self._forget(change, record)
        _clear(record)
        _mark(record, "done", change)
        record.link = outcome.link or record.link
        content = {"evidence": outcome.evidence.as_json(), "link": record.link} | _written(outcome)
        line = change.note("step_done", step=record, content=content)
        self._post(change, line)
        _keep(change, record, line, outcome.evidence)
        due_dates.count_what_follows(change, record)

    def _wait(self, change: Change, record: StepRecord, outcome: Waiting, *, is_news: bool) -> None:
        note = outcome.note.model_dump()
        is_other = (record.state, record.note, record.waits_for) != ("waiting", note, outcome.on)
        _clear(record)
        record.note, record.waits_for = note, outcome.on
        record.link = outcome.link or record.link
        if is_other:
            _mark(record, "waiting", change)
        # A text to copy is told once for each run: a job that is run again after a kill finds it told.
        asks = outcome.copy is not None and record.memory.get("asked_in_run") != record.run
        if is_other or asks:
            content = {
                "note": note,
                "waits_for": outcome.on,
                "copy": outcome.copy.model_dump() if outcome.copy and asks else None,
                "evidence": outcome.evidence.as_json(),
                "link": record.link,
            }
            line = change.note("step_asks" if asks else "step_waiting", step=record, content=content)
            _keep(change, record, line, outcome.evidence)
        if asks:
            record.memory = {**record.memory, "asked_in_run": record.run}
        change.session.add(record)
        self._look_again(change, record, outcome, is_news=is_news or is_other or asks)

    def _fail(self, change: Change, record: StepRecord, outcome: Failed, *, remembers_more: bool) -> None:
        seen = outcome.seen.model_dump()
        before = (record.state, record.code, record.seen, record.memory.get("about"))
        is_news = before != ("failed", outcome.code, seen, outcome.about)
        record.memory = {**record.memory, "about": outcome.about}
        if is_news:
            _clear(record)
            _mark(record, "failed", change)
            record.code, record.seen, record.advice = outcome.code, seen, outcome.advice.model_dump()
            record.link = outcome.link or record.link
            content = {
                "code": outcome.code,
                "seen": seen,
                "advice": record.advice,
                "evidence": outcome.evidence.as_json(),
                "link": record.link,
            } | _written(outcome)
            line = change.note("step_failed", step=record, content=content)
            self._post(change, line)
            _keep(change, record, line, outcome.evidence)
        change.session.add(record)
        self._look_again(change, record, outcome, is_news=is_news or remembers_more)

    def _post(self, change: Change, line: Event) -> None:
        """Have the letter that a line of the trail holds sent to the partner, if it holds one."""
        if "letter" in line.content:
            change.set_time(due_rows.letter(line.seq), change.now)

    def _go_back(self, change: Change, outcome: Back) -> None:
        target = change.step(outcome.to)
        for record in change.steps:
            if record is not target and outcome.to in _ancestors(change.pack, record.step_id):
                self._forget(change, record)
                if record.state not in {"pending", "not_applicable", "skipped"}:
                    _clear(record)
                    _mark(record, "pending", change)
        change.note("went_back", step=target)
        self.begin(change, target)

    def _enqueue(self, change: Change, record: StepRecord, line: Event) -> None:
        assert change.onboarding.id is not None
        job = Job(change.onboarding.id, f"step:{record.step_id}", record.run)
        self._jobs.enqueue(change.session, f"onb:{change.onboarding.key}:{line.seq}:{record.step_id}", job)

    def _look_again(self, change: Change, record: StepRecord, outcome: Waiting | Failed, *, is_news: bool) -> None:
        """Set the time of the next look: the longer nothing changes, the later, up to the longest pause."""
        subject = due_rows.step(record.step_id)
        assert change.onboarding.id is not None
        due_rows.follow(change.session, change.onboarding.id, record.step_id, outcome.signal, change.now)
        if outcome.poll is None:
            change.unschedule(subject)
            return
        row = change.row(subject)
        if row is not None and row.due_at <= change.now and row.enqueued_for != row.due_at:
            # A lookout or a person has asked for a look while this one was being made: it still counts.
            return
        since = change.now if is_news or row is None or row.since is None else min(row.since, change.now)
        seconds = due_rows.pause(outcome.poll, change.now - since, self._longest_pause)
        change.schedule(subject, seconds, run=record.run)
        row = change.row(subject)
        assert row is not None
        row.since = since
        row.mark = row.mark if row.signal == outcome.signal else None
        row.signal = outcome.signal

    def _forget(self, change: Change, record: StepRecord) -> None:
        """Forget the next look, reminder and mail of a step's run."""
        assert change.onboarding.id is not None
        subjects = (due_rows.step, due_rows.reminder, due_rows.mail)
        due_rows.drop(change.session, change.onboarding.id, *(subject(record.step_id) for subject in subjects))


def _ancestors(pack: Pack, step_id: str) -> set[str]:
    found: set[str] = set()
    waiting = list(pack.checklist.step(step_id).needs)
    while waiting:
        need = waiting.pop()
        if need not in found:
            found.add(need)
            waiting.extend(pack.checklist.step(need).needs)
    return found


def clear_ticks(change: Change, record: StepRecord) -> None:
    """Untick all boxes of a step that begins anew; the trail must say so, for clicks are read against it."""
    ticked = record.memory.get("ticks")
    if ticked:
        record.memory = {**record.memory, "ticks": {}}
        change.session.add(record)
        change.note("ticked", step=record, content={"added": [], "removed": sorted(ticked), "ticked": []})


def _written(outcome: Done | Failed) -> dict[str, Any]:
    return {"letter": outcome.letter.as_json()} if outcome.letter is not None else {}


def _clear(record: StepRecord) -> None:
    record.waits_for = record.note = record.code = record.seen = record.advice = record.reason = None


def _mark(record: StepRecord, state: str, change: Change) -> None:
    record.state = state
    record.changed_at = change.now
    record.changed_by = change.actor.name
    change.session.add(record)


def _keep(change: Change, record: StepRecord, line: Event, evidence: Evidence) -> None:
    assert change.onboarding.id is not None
    pieces = [
        *(("fact", fact.as_json()) for fact in evidence.facts),
        *(("file", file.as_json()) for file in evidence.files),
        *(("finding", finding.as_json()) for finding in evidence.findings),
    ]
    for position, (kind, content) in enumerate(pieces):
        change.session.add(
            EvidenceRecord(
                onboarding_id=change.onboarding.id,
                step_id=record.step_id,
                seq=line.seq,
                position=position,
                kind=kind,
                content=content,
            )
        )
