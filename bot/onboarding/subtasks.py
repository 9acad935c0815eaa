"""The steps as sub-tasks of the onboarding's own issue: drawn from the steps, and read for what people did to them.

Drawing is a projection: whatever was lost, each run makes the sub-tasks that are missing (once, through the ledger) and
moves those that say something else than their steps. Reading is the other way: a sub-task that a person has closed is
that person's confirmation of the step, if the person may; else it is opened again, with a comment that says who can.
A sub-task that somebody has deleted is not made again: the trail says so, and the step goes on without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog
from sqlalchemy import or_
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from bot.locales import say
from bot.onboarding import due_rows
from bot.onboarding.actors import Actor
from bot.onboarding.effects import Effects
from bot.onboarding.errors import ParentGone, Refused, Unavailable
from bot.onboarding.flow import Flow
from bot.onboarding.models import MET, DueRecord, EffectRecord, Event, Onboarding, StepRecord
from bot.onboarding.packs import Packs
from bot.onboarding.ports import Job
from bot.onboarding.retry import Backoff
from bot.onboarding.service import Onboardings
from bot.onboarding.store import Store
from bot.onboarding.turns import ThreadTurns, Turns
from bot.onboarding.view import OnboardingView, StepView, localized, read_view
from checklists.model import Localized

log = structlog.stdlib.get_logger()

MIRROR = "mirror"
SUBJECT = f"{MIRROR}:subtasks"
EFFECT = "subtask"
GONE = "subtask_gone"
# What the ledger keeps of a closing that was taken; anything else is the refusal in words.
CONFIRMED = "confirmed"
# The effects of answering a closing: the decision, and what is said about it.
CLOSED, TOLD = "closed", "told"


@dataclass(frozen=True)
class Closing:
    """How a sub-task came to be closed: the change's id, who did it, and whether that is the bot itself."""

    id: str
    by: Actor
    is_own: bool


class StepIssues(Protocol):
    """The port to the sub-tasks. Every method raises Unavailable when the server does not do it now."""

    @property
    def grace_seconds(self) -> float:
        """How long a search may miss a sub-task that was just made, in seconds."""

    def find(self, marker: str) -> str | None:
        """Return the key of the sub-task that carries the marker; None when there is none."""

    def create(self, view: OnboardingView, parent: str, step: StepView, marker: str) -> str:
        """Make a step's sub-task with the marker on it; return its key."""

    def are_done(self, parent: str) -> Mapping[str, bool]:
        """Return whether each of an issue's sub-tasks is done, by its key. Raises ParentGone."""

    def closing(self, key: str) -> Closing | None:
        """Return how a sub-task was closed; None when its history does not tell."""

    def finish(self, key: str) -> None:
        """Have a sub-task be done."""

    def reopen(self, key: str) -> None:
        """Have a sub-task be open."""

    def find_comment(self, key: str, marker: str) -> str | None:
        """Return the id of the comment that ends with the marker; None when there is none."""

    def comment(self, key: str, text: str, marker: str) -> str:
        """Comment on a sub-task in plain text; return the comment's id."""

    def changed(self, within: timedelta) -> Mapping[str, str]:
        """Return the issues whose sub-tasks changed within the time until now, each with when, as a mark."""


class SubtaskLookout:
    """One search for all sub-tasks that people have changed (``bot.onboarding.lookouts``)."""

    kind = MIRROR

    def __init__(self, issues: StepIssues, *, poll_seconds: float) -> None:
        self._issues = issues
        self.poll_seconds = poll_seconds

    def look(self, names: Sequence[str], within: timedelta) -> Mapping[str, str]:
        """Return when a sub-task of each issue was changed last."""
        del names
        return self._issues.changed(within)


class Subtasks:
    """Draws the sub-tasks, and reads them (the jobs of ``mirror:``)."""

    def __init__(
        self,
        store: Store,
        packs: Packs,
        flow: Flow,
        effects: Effects,
        onboardings: Onboardings,
        issues: StepIssues,
        backoff: Backoff,
        *,
        poll_seconds: float,
        longest_pause: float = 3_600.0,
        turns: Turns | None = None,
    ) -> None:
        self._store = store
        self._packs = packs
        self._flow = flow
        self._effects = effects
        self._onboardings = onboardings
        self._issues = issues
        self._backoff = backoff
        self._poll_seconds = poll_seconds
        self._longest_pause = longest_pause
        self._turns = turns or ThreadTurns()

    def draw(self, view: OnboardingView, parent: str) -> None:
        """Have each step's sub-task there and in its step's state. Raises Unavailable, ParentGone."""
        with self._turns.of(MIRROR, view.id):
            self._watch(view, parent)
            drawn = [step for step in view.steps if step.state != "not_applicable"]
            keys = {step.id: self._made(view, parent, step) for step in drawn}
            done = self._issues.are_done(parent)
            persons = [step for step in drawn if not self._moved(view, step, keys[step.id], done)]
        if persons:
            self._look_now(view)

    def run(self, job: Job) -> str:
        """Read what people did to the sub-tasks of an onboarding, and act on it. May be run again."""
        with (
            self._turns.of(MIRROR, job.onboarding_id),
            structlog.contextvars.bound_contextvars(onboarding=f"ONB-{job.onboarding_id}"),
        ):
            self._forget_unneeded(job.onboarding_id)
            read = self._read(job)
            if read is None:
                return "over"
            view, parent, keys = read
            try:
                has_news = self._look(view, parent, keys)
            except ParentGone:
                # The surface says so, as it is drawn again.
                self._forget(job)
                return "gone"
            except Unavailable as away:
                self._later(job, away)
                return "later"
            except OperationalError:
                raise
            except Exception as unexpected:
                log.exception("subtasks_broke", parent=parent)
                self._later(job, Unavailable("Jira", type(unexpected).__name__))
                return "broke"
            self._next(job, is_news=has_news)
            return "read"

    # Drawing.

    def _made(self, view: OnboardingView, parent: str, step: StepView) -> str:
        key = f"{view.key}:{step.id}:{EFFECT}"
        marker = f"{key}:{view.stamp}"
        known = self._known(view.id).get(step.id)
        return known or self._effects.once(
            view.id,
            key,
            look=partial(self._issues.find, marker),
            do=partial(self._issues.create, view, parent, step, marker),
            grace_seconds=self._issues.grace_seconds,
        )

    def _moved(self, view: OnboardingView, step: StepView, key: str, done: Mapping[str, bool]) -> bool:
        """Move a sub-task to its step's state; False for one that a person has closed, which is to be read first."""
        if key not in done:
            self._note_gone(view, step, key)
        elif step.state in MET and not done[key]:
            self._issues.finish(key)
        elif step.state not in MET and done[key]:
            closing = self._issues.closing(key)
            if closing is not None and not closing.is_own:
                return False
            self._issues.reopen(key)
        return True

    # Reading.

    def _look(self, view: OnboardingView, parent: str, keys: Mapping[str, str]) -> bool:
        done = self._issues.are_done(parent)
        has_news = False
        for step in view.steps:
            key = keys.get(step.id)
            if key is not None and not self._moved(view, step, key, done):
                has_news = True
                self._closed_by_person(view, step, key)
        return has_news

    def _closed_by_person(self, view: OnboardingView, step: StepView, key: str) -> None:
        closing = self._issues.closing(key)
        if closing is None:
            return
        verdict = self._effects.once(
            view.id,
            f"{view.key}:{step.id}:{CLOSED}:{key}:{closing.id}",
            look=lambda: None,
            do=partial(self._decide, view, step, key, closing),
        )
        if self._is_over(view, step):
            return
        if verdict != CONFIRMED:
            told = f"{view.key}:{step.id}:{TOLD}:{key}:{closing.id}"
            marker = f"{told}:{view.stamp}"
            self._effects.once(
                view.id,
                told,
                look=partial(self._issues.find_comment, key, marker),
                do=partial(self._issues.comment, key, verdict, marker),
            )
        self._issues.reopen(key)

    def _decide(self, view: OnboardingView, step: StepView, key: str, closing: Closing) -> str:
        """Confirm the step in the person's name; return the word for that, or why not, in words."""
        source = f"jira:subtask:{key}:{closing.id}"
        try:
            is_first = self._onboardings.confirm(view.key, step.id, actor=closing.by, source=source)
        except Refused as refused:
            reason: Localized | None = refused.text
        else:
            # A process that was killed before it could keep the verdict has left it on the trail.
            reason = None if is_first else self._refusal(view, step, closing)
        if reason is None:
            return CONFIRMED
        return say("mirror.reopened", who=closing.by.name, reason=reason).text(view.language)

    def _refusal(self, view: OnboardingView, step: StepView, closing: Closing) -> Localized | None:
        """Return the last refusal that somebody met with at a step, as the trail tells; None when there is none."""
        if self._is_over(view, step):
            return None
        with self._store.reading() as session:
            said = select(Event).where(Event.onboarding_id == view.id, Event.step == step.id, Event.kind == "refused")
            lines = session.exec(said.order_by(col(Event.seq).desc())).all()
            theirs = [line for line in lines if line.content.get("actor") == closing.by.id]
            return localized(theirs[0].content["text"]) if theirs else None

    def _is_over(self, view: OnboardingView, step: StepView) -> bool:
        return self._onboardings.view(view.key).step(step.id).state in MET

    # What is kept of it.

    def _known(self, onboarding_id: int) -> dict[str, str]:
        """Return the keys of the sub-tasks that were made, by step."""
        with self._store.reading() as session:
            return _known(session, onboarding_id)

    def _forget_unneeded(self, onboarding_id: int) -> None:
        """Give back the claims on answers to closings of steps that are over: whose process was killed in between.

        What was decided is on the trail; nobody looks at the closing of a step that is over any more.
        """
        ours = or_(*(col(EffectRecord.key).contains(f":{word}:") for word in (CLOSED, TOLD)))
        open_claims = select(EffectRecord.key).where(
            EffectRecord.onboarding_id == onboarding_id, ours, EffectRecord.state == "claimed"
        )
        with self._store.reading() as session:
            claimed = session.exec(open_claims).all()
            if not claimed:
                return
            steps = select(StepRecord.step_id, StepRecord.state).where(StepRecord.onboarding_id == onboarding_id)
            states = dict(session.exec(steps).all())
        for key in claimed:
            if states.get(key.split(":")[1]) in MET:
                self._effects.release(key)

    def _read(self, job: Job) -> tuple[OnboardingView, str, dict[str, str]] | None:
        with self._store.reading() as session:
            row = due_rows.find(session, job.onboarding_id, job.subject)
            onboarding = session.get_one(Onboarding, job.onboarding_id)
            if row is None or row.signal is None or onboarding.state != "open":
                return None
            pack = self._packs.kept(onboarding.pack, onboarding.pack_digest)
            view = read_view(session, onboarding, pack, now=self._flow.now())
            return view, row.signal.partition(":")[2], _known(session, job.onboarding_id)

    def _note_gone(self, view: OnboardingView, step: StepView, key: str) -> None:
        with self._flow.change(view.id) as change:
            noted = select(Event).where(Event.onboarding_id == view.id, Event.kind == GONE, Event.step == step.id)
            if change.session.exec(noted).first() is None:
                seen = say("mirror.subtask_gone", subtask=key, step=step.definition.title)
                content = {"subtask": key, "seen": seen.model_dump()}
                change.note(GONE, step=change.step(step.id), content=content)

    def _watch(self, view: OnboardingView, parent: str) -> None:
        """Have what people do to the sub-tasks read from now on."""
        if view.state != "open":
            return
        with self._flow.change(view.id) as change:
            if change.onboarding.state == "open" and change.row(SUBJECT) is None:
                change.schedule(SUBJECT, self._poll_seconds)
                row = change.row(SUBJECT)
                assert row is not None
                row.signal, row.since = f"{MIRROR}:{parent}", change.now
                change.session.add(row)

    def _look_now(self, view: OnboardingView) -> None:
        with self._flow.change(view.id) as change:
            row = change.row(SUBJECT)
            if row is not None:
                due_rows.set_time(row, change.now, change.now)
                row.since = change.now
                change.session.add(row)

    def _next(self, job: Job, *, is_news: bool) -> None:
        with self._flow.change(job.onboarding_id) as change:
            row = change.row(job.subject)
            if row is None or _is_asked_for(row, change.now):
                return
            since = change.now if is_news or row.since is None else min(row.since, change.now)
            pause = due_rows.pause(self._poll_seconds, change.now - since, self._longest_pause)
            change.schedule(job.subject, pause)
            row.since = since
            change.session.add(row)

    def _later(self, job: Job, away: Unavailable) -> None:
        log.warning("subtasks_away", service=away.service, reason=away.reason)
        with self._flow.change(job.onboarding_id) as change:
            row = change.row(job.subject)
            if row is not None:
                seconds = max(self._backoff.seconds(row.attempts + 1), away.retry_after or 0)
                change.schedule(job.subject, seconds, attempts=row.attempts + 1)

    def _forget(self, job: Job) -> None:
        with self._flow.change(job.onboarding_id) as change:
            change.unschedule(job.subject)


def _known(session: Session, onboarding_id: int) -> dict[str, str]:
    made = select(EffectRecord).where(
        EffectRecord.onboarding_id == onboarding_id, col(EffectRecord.key).endswith(f":{EFFECT}")
    )
    return {record.key.split(":")[1]: record.external_id for record in session.exec(made).all() if record.external_id}


def _is_asked_for(row: DueRecord, now: datetime) -> bool:
    """Tell whether somebody has asked for a look while this one was being made: it still counts."""
    return row.due_at <= now and row.enqueued_for != row.due_at
