"""What the jobs do: run one step, or bring one surface up to date. Both may be run again at any time.

A job reads where things stand, works outside any transaction, and records the outcome in one. A server that does not
answer (Unavailable) is tried again with backoff: a step then fails in words, a surface goes on trying.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import structlog
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from bot.locales import say
from bot.onboarding.additions import Addition, Additions, add
from bot.onboarding.clock import Clock
from bot.onboarding.effects import Effects
from bot.onboarding.errors import FileRefused, NotYet, PackGone, ParentGone, RefusedThere, StepFailed, Unavailable
from bot.onboarding.flow import Flow
from bot.onboarding.models import DueRecord, LookRecord, Onboarding, Received, StepRecord, SurfaceRecord
from bot.onboarding.outcomes import LISTS, PROOF, Failed, FileEvidence, Outcome, Waiting
from bot.onboarding.packs import Packs
from bot.onboarding.ports import Job, Jobs, StepKind, Surface
from bot.onboarding.refusals import note_refusal
from bot.onboarding.retry import Backoff
from bot.onboarding.store import Store
from bot.onboarding.turns import ThreadTurns, Turns
from bot.onboarding.view import OnboardingView, Report, read_reports, read_view
from bot.onboarding.watchdog import look_id
from bot.onboarding.work import Work

log = structlog.stdlib.get_logger()

# Two workers' clocks never agree; one that is ahead by more than this has been set back since.
CLOCKS_APART = timedelta(minutes=2)
# A look for all that was enqueued so long ago and has not set its next time is made again: looks change nothing.
LOST_AFTER = timedelta(minutes=10)

# States in which a step's job has something to do: begun, waiting with a look due, or failed but still watching.
AT_WORK = frozenset({"running", "waiting", "failed"})


class StepWorker:
    """Runs steps."""

    def __init__(
        self,
        store: Store,
        packs: Packs,
        kinds: Mapping[str, StepKind],
        flow: Flow,
        effects: Effects,
        clock: Clock,
        backoff: Backoff,
        turns: Turns | None = None,
    ) -> None:
        self._store = store
        self._packs = packs
        self._kinds = kinds
        self._flow = flow
        self._effects = effects
        self._clock = clock
        self._backoff = backoff
        self._turns = turns or ThreadTurns()

    def run(self, job: Job) -> str:
        """Run one step once and record what it came to; return that in a word. A job of an earlier run does nothing.

        Raises PackGone.
        """
        step_id = job.subject.partition(":")[2]
        # A worker that was taken for dead may still be at it: the one that took over waits for its end.
        with self._turns.of("step", job.onboarding_id, step_id):
            work = self._work(job, step_id)
            return "over" if work is None else self._run(job, step_id, work)

    def _run(self, job: Job, step_id: str, work: Work) -> str:
        with structlog.contextvars.bound_contextvars(onboarding=work.view.key, step=step_id):
            try:
                outcome: Outcome = self._kinds[work.definition.kind].run(work)
            except StepFailed as failed:
                outcome = Failed(failed.code, failed.seen, failed.advice)
            except Unavailable as away:
                self._try_later(job, step_id, away)
                return "later"
            except OperationalError:
                # The database is locked, busy or away: that says nothing about the step, so the job is tried again.
                raise
            except Exception as unexpected:
                log.exception("step_broke")
                outcome = Failed(
                    "UNEXPECTED",
                    say("failed.unexpected", what=type(unexpected).__name__),
                    say("failed.unexpected_advice", key=work.view.key, step=step_id),
                )
            self._record(job, step_id, outcome)
            return type(outcome).__name__.lower()

    def _work(self, job: Job, step_id: str) -> Work | None:
        with self._store.reading() as session:
            onboarding = session.get_one(Onboarding, job.onboarding_id)
            records = session.exec(select(StepRecord).where(StepRecord.onboarding_id == job.onboarding_id)).all()
            record = next(record for record in records if record.step_id == step_id)
            if not _is_current(onboarding, record, job):
                return None
            pack = self._packs.kept(onboarding.pack, onboarding.pack_digest)
            view = read_view(session, onboarding, pack, now=self._clock.now())
            return Work(
                view=view,
                step=view.step(step_id),
                memory=record.memory,
                memories={each.step_id: each.memory for each in records},
                run=record.run,
                now=self._clock.now(),
                effects=self._effects,
            )

    def _record(self, job: Job, step_id: str, outcome: Outcome) -> None:
        with self._flow.change(job.onboarding_id) as change:
            record = change.step(step_id)
            # A person may have skipped or retried the step while the work went on: then this run no longer counts.
            if _is_current(change.onboarding, record, job):
                self._flow.settle(change, record, outcome)

    def _try_later(self, job: Job, step_id: str, away: Unavailable) -> None:
        log.warning("server_away", service=away.service, reason=away.reason)
        with self._flow.change(job.onboarding_id) as change:
            record = change.step(step_id)
            if not _is_current(change.onboarding, record, job):
                return
            subject = f"step:{step_id}"
            tries = change.attempts(subject) + 1
            seconds = max(self._backoff.seconds(tries), away.retry_after or 0)
            if record.state != "failed":
                if self._backoff.is_exhausted(tries):
                    self._flow.settle(change, record, _gave_up(away, tries))
                    return
                note = say("waiting.server", service=away.service, reason=away.reason)
                self._flow.settle(change, record, Waiting(on="admin", note=note, poll=seconds))
            change.schedule(subject, seconds, run=record.run, attempts=tries)


class SurfaceWorker:
    """Brings surfaces up to date: parent, reports in the trail's order, the picture of now, the end."""

    def __init__(
        self,
        store: Store,
        packs: Packs,
        surfaces: Mapping[str, Surface],
        flow: Flow,
        effects: Effects,
        backoff: Backoff,
        turns: Turns | None = None,
        additions: Mapping[str, Additions] | None = None,
    ) -> None:
        self._store = store
        self._packs = packs
        self._surfaces = surfaces
        self._additions = additions or {}
        self._flow = flow
        self._effects = effects
        self._backoff = backoff
        self._turns = turns or ThreadTurns()

    def run(self, job: Job) -> str:
        """Bring one surface up to date with one onboarding; return how that went in a word. Raises PackGone."""
        name = job.subject.partition(":")[2]
        with self._turns.of("surface", job.onboarding_id, name), structlog.contextvars.bound_contextvars(surface=name):
            try:
                self._catch_up(job.onboarding_id, self._surfaces[name])
            except ParentGone as gone:
                self._tell_gone(job, gone)
                return "gone"
            except NotYet as early:
                with self._flow.change(job.onboarding_id) as change:
                    tries = change.attempts(job.subject)
                    change.schedule(job.subject, early.seconds, attempts=tries)
                return "paced"
            except Unavailable as away:
                self._try_later(job, away)
                return "later"
            except (PackGone, OperationalError):
                raise
            except Exception as unexpected:
                log.exception("surface_broke")
                self._try_later(job, Unavailable(name, type(unexpected).__name__))
                return "broke"
            self._settled(job)
            return "shown"

    def _catch_up(self, onboarding_id: int, surface: Surface) -> None:
        view, record = self._read(onboarding_id, surface.name)
        picture = surface.picture(view)
        if record.parent is None:
            record.parent = self._open(view, surface, record)
            record.digest = _digest(picture)
        additions = self._additions.get(surface.name)
        if additions is not None:
            self._add(view, surface, additions.after_opening(view, record.parent))
        for report in self._reports_after(view, record.reported):
            if surface.shows(report):
                self._write(view, surface, record.parent, report)
            for file in report.evidence.files:
                if file.kind in {*LISTS, PROOF} and surface.takes(file):
                    self._share_if_it_can_be(view, surface, record.parent, report, file)
            record.reported = report.seq
            self._save(record)
        if _digest(picture) != record.digest:
            surface.refresh_parent(view, record.parent, picture)
        record.digest = _digest(picture)
        record.revision = view.revision
        self._save(record)
        if view.state != "open":
            if additions is not None:
                self._add(view, surface, additions.before_closing(view, record.parent))
            self._close(view, surface, record.parent)
        if record.trouble is not None:
            # Not before the end: what is refused there would be news each time, and each news a reason to try again.
            record.trouble = None
            self._save(record)

    def _add(self, view: OnboardingView, surface: Surface, additions: Sequence[Addition]) -> None:
        """Add what is not there yet; what is refused for good is noted on the trail and left out."""
        by_key = {f"{view.key}:{surface.name}:{addition.name}": addition for addition in additions}
        unmade = self._effects.unmade(by_key)
        for key, addition in by_key.items():
            reason = add(self._effects, view.id, key, addition) if key in unmade else None
            if reason is not None:
                log.warning("addition_left_out", addition=addition.title, reason=reason)
                content: dict[str, object] = {"surface": surface.name, "file": addition.title, "reason": reason}
                kind = "addition_left_out"
                if addition.missed is not None and addition.advice is not None:
                    kind = "addition_missed"
                    content |= {"seen": addition.missed.model_dump(), "advice": addition.advice.model_dump()}
                self._note_once(view.id, f"{key}:left_out:{view.stamp}", kind, content)

    def _note_once(self, onboarding_id: int, source: str, kind: str, content: Mapping[str, object]) -> None:
        with self._flow.change(onboarding_id) as change:
            if change.session.get(Received, source) is None:
                change.session.add(Received(source=source, at=change.now))
                change.note(kind, content=content)

    def _open(self, view: OnboardingView, surface: Surface, record: SurfaceRecord) -> str:
        key = f"{view.key}:start:{surface.name}"
        marker = f"{key}:{view.stamp}"
        parent = self._effects.once(
            view.id,
            key,
            look=lambda: surface.find_parent(view, marker),
            do=lambda: surface.create_parent(view, marker),
            grace_seconds=surface.grace_seconds,
        )
        # Asked before the transaction: no lock is held while a server answers.
        link = surface.parent_link(parent)
        with self._flow.change(view.id) as change:
            # The other surfaces show this one's address, so its opening is a line of the trail like any other.
            record.parent, record.parent_link = parent, link
            change.session.merge(record)
            change.note(
                "surface_opened", content={"surface": surface.name, "parent": parent, "link": record.parent_link}
            )
        return parent

    def _write(self, view: OnboardingView, surface: Surface, parent: str, report: Report) -> None:
        key = f"{view.key}:{report.seq}:{surface.name}"
        # Looked for without its number, which is another one after a restore of the database.
        ending = f":{surface.name}:{view.stamp}:{report.what}"
        marker = f"{view.key}:{report.seq}{ending}"
        self._effects.once(
            view.id,
            key,
            look=lambda: surface.find_report(view, parent, report, ending),
            do=lambda: surface.write_report(view, parent, report, marker),
        )

    def _share_if_it_can_be(
        self, view: OnboardingView, surface: Surface, parent: str, report: Report, file: FileEvidence
    ) -> None:
        """Show a list as a file; one that does not get through in the end keeps no later report from coming."""
        try:
            self._share(view, surface, parent, report, file)
        except FileRefused as refused:
            self._leave_out(view, surface, report, file, refused.reason)
        except Unavailable as away:
            with self._flow.change(view.id) as change:
                tries = change.attempts(f"surface:{surface.name}") + 1
            if not self._backoff.is_exhausted(tries):
                raise
            self._leave_out(view, surface, report, file, away.reason)

    def _leave_out(
        self, view: OnboardingView, surface: Surface, report: Report, file: FileEvidence, reason: str
    ) -> None:
        """Note on the trail, once, that a surface shows a report without its list."""
        log.warning("list_left_out", file=file.name, reason=reason)
        source = f"{view.key}:{report.seq}:{surface.name}:{file.name}:{view.stamp}"
        with self._flow.change(view.id) as change:
            if change.session.get(Received, source) is None:
                change.session.add(Received(source=source, at=change.now))
                content = {"surface": surface.name, "file": file.name, "report": report.seq, "reason": reason}
                change.note("list_left_out", content=content)

    def _share(self, view: OnboardingView, surface: Surface, parent: str, report: Report, file: FileEvidence) -> None:
        """Show a report's list as a file, once: sent first, then shared under the id that came back."""
        content = _content(file)
        if content is None:
            # A list is told in the report as well; one that is no longer there keeps no later report from coming.
            self._leave_out(view, surface, report, file, "the file is no longer on the bot's disk")
            return
        key = f"{view.key}:{report.seq}:{surface.name}"
        sent = self._effects.once(
            view.id,
            f"{key}:sent:{file.name}",
            look=lambda: None,
            do=lambda: surface.send_file(view, file, content),
        )
        self._effects.once(
            view.id,
            f"{key}:file:{file.name}",
            look=lambda: surface.find_file(view, parent, file, sent),
            do=lambda: surface.share_file(view, parent, file, sent, content),
        )

    def _close(self, view: OnboardingView, surface: Surface, parent: str) -> None:
        # Once for each end: one that was opened again ends again.
        key = f"{view.key}:end{view.reopened or ''}:{surface.name}"
        marker = f"{key}:{view.stamp}"
        self._effects.once(
            view.id,
            key,
            look=lambda: surface.find_closing(view, parent, marker),
            do=lambda: surface.close_parent(view, parent, marker),
        )

    def _read(self, onboarding_id: int, name: str) -> tuple[OnboardingView, SurfaceRecord]:
        with self._store.reading() as session:
            onboarding = session.get_one(Onboarding, onboarding_id)
            pack = self._packs.kept(onboarding.pack, onboarding.pack_digest)
            view = read_view(session, onboarding, pack, now=self._flow.now())
            record = session.get(SurfaceRecord, (onboarding_id, name))
            return view, record or SurfaceRecord(onboarding_id=onboarding_id, name=name)

    def _reports_after(self, view: OnboardingView, seq: int) -> list[Report]:
        with self._store.reading() as session:
            return read_reports(session, view.id, view.pack, after=seq)

    def _save(self, record: SurfaceRecord) -> None:
        with self._store.transaction() as session:
            session.merge(record)

    def _try_later(self, job: Job, away: Unavailable) -> None:
        log.warning("surface_away", service=away.service, reason=away.reason)
        with self._flow.change(job.onboarding_id) as change:
            tries = change.attempts(job.subject) + 1
            seconds = max(self._backoff.seconds(tries), away.retry_after or 0)
            change.schedule(job.subject, seconds, attempts=tries)
            name = job.subject.partition(":")[2]
            record = change.session.get(SurfaceRecord, (job.onboarding_id, name))
            record = record or SurfaceRecord(onboarding_id=job.onboarding_id, name=name)
            if record.trouble == away.reason:
                return
            record.trouble = away.reason
            change.session.add(record)
            if isinstance(away, RefusedThere):
                note_refusal(change, name, away)

    def _tell_gone(self, job: Job, gone: ParentGone) -> None:
        """Note on the trail, once, that a surface was deleted; it is tried again when something else happens."""
        name = job.subject.partition(":")[2]
        log.warning("surface_gone", service=gone.service, reason=gone.reason)
        with self._flow.change(job.onboarding_id) as change:
            change.unschedule(job.subject)
            record = change.session.get(SurfaceRecord, (job.onboarding_id, name))
            if record is None or record.trouble == gone.reason:
                return
            shown = record.parent_link or record.parent or "—"
            seen = say("surface.gone", service=gone.service, parent=shown)
            advice = say("surface.gone_advice", parent=shown)
            content = {
                "surface": name,
                "parent": record.parent,
                "seen": seen.model_dump(),
                "advice": advice.model_dump(),
            }
            change.note("surface_gone", content=content)
            # As far as this surface can be brought: nobody takes it for one that was forgotten.
            record.trouble, record.revision = gone.reason, change.onboarding.revision
            change.session.add(record)

    def _settled(self, job: Job) -> None:
        with self._store.reading() as session:
            if not self._flow.is_due(session, job):
                return
        with self._flow.change(job.onboarding_id) as change:
            row = change.row(job.subject)
            # One that has come due in the meantime is for something that this run may not have seen.
            if row is not None and (row.due_at > change.now or row.enqueued_for == row.due_at):
                change.unschedule(job.subject)


class Sweep:
    """Turns due rows into jobs: those of onboardings, and those of ``lookouts``, which are names."""

    def __init__(self, store: Store, jobs: Jobs, clock: Clock, lookouts: Sequence[str] = ()) -> None:
        self._store = store
        self._jobs = jobs
        self._clock = clock
        self._lookouts = tuple(lookouts)

    def run(self, *, limit: int = 200) -> int:
        """Enqueue what is due, each row once for each time that it is due; return how many were enqueued.

        A row that was set later than now is due as well: the clock that set it has gone back, and by its time nothing
        might be looked at for days. Its job decides anew.
        """
        now = self._clock.now()
        not_enqueued = (col(DueRecord.enqueued_for).is_(None)) | (DueRecord.enqueued_for != DueRecord.due_at)
        # Two questions with an index each: asked as one they would read every row that is not due yet.
        due = select(DueRecord).where(DueRecord.due_at <= now, not_enqueued).order_by(col(DueRecord.due_at))
        ahead = select(DueRecord).where(col(DueRecord.set_at) > now + CLOCKS_APART, not_enqueued)
        with self._store.reading() as session:
            asked = [rows for rows in (due, ahead) if session.exec(rows.limit(1)).first() is not None]
            looks = _looks_due(session, self._lookouts, now)
        if not asked and not looks:
            return 0
        with self._store.transaction() as session:
            found = [session.exec(rows.limit(limit).with_for_update(skip_locked=True)).all() for rows in asked]
            rows = {row.id: row for part in found for row in part}.values()
            for row in rows:
                job = Job(row.onboarding_id, row.subject, row.run)
                self._jobs.enqueue(session, look_id(row), job)
                row.enqueued_for = row.due_at
                session.add(row)
            return len(rows) + sum(self._enqueue_look(session, name, now) for name in looks)

    def _enqueue_look(self, session: Session, name: str, now: datetime) -> bool:
        """Enqueue the next look of a lookout, at a time of its own: a lost one is made up for."""
        found = select(LookRecord).where(LookRecord.name == name).with_for_update(skip_locked=True)
        record = session.exec(found).first()
        if record is None:
            record = session.get(LookRecord, name) or LookRecord(name=name, due_at=now, set_at=now)
        elif not _is_look_due(record, now):
            return False
        record.due_at = record.set_at = record.enqueued_for = now
        session.add(record)
        self._jobs.enqueue(session, f"look:{name}:{now.isoformat()}", Job(0, f"look:{name}"))
        return True


def _looks_due(session: Session, names: Sequence[str], now: datetime) -> list[str]:
    if not names:
        return []
    known = {record.name: record for record in session.exec(select(LookRecord)).all()}
    return [name for name in names if name not in known or _is_look_due(known[name], now)]


def _is_look_due(record: LookRecord, now: datetime) -> bool:
    if record.set_at > now + CLOCKS_APART:
        return True
    if record.enqueued_for == record.due_at:
        return record.due_at < now - LOST_AFTER
    return record.due_at <= now


def _is_current(onboarding: Onboarding, record: StepRecord, job: Job) -> bool:
    return onboarding.state == "open" and record.state in AT_WORK and record.run == job.run


def _gave_up(away: Unavailable, tries: int) -> Failed:
    return Failed(
        "UNREACHABLE",
        say("failed.unreachable", service=away.service, reason=away.reason, tries=tries),
        say("failed.unreachable_advice", service=away.service),
    )


def _content(file: FileEvidence) -> bytes | None:
    """Return a list's bytes, if they are still those that the report is about."""
    try:
        content = Path(file.path).read_bytes()
    except OSError:
        return None
    return content if sha256(content).hexdigest() == file.sha256 else None


def _digest(picture: str) -> str:
    return sha256(picture.encode()).hexdigest()
