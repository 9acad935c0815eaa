"""What is said about a ticket, both ways: its changes and comments are told, and what people reply becomes comments.

A ticket is followed from its step's first look to the end of the onboarding, whatever becomes of the step: a due row
``talk:<step>`` with the ticket's signal, woken by the lookout, a webhook or a reply. Everything that is told is kept by
its id in the step's memory, so a look may be made at any time and any number of times.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import structlog
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from bot.locales import say
from bot.onboarding import due_rows
from bot.onboarding.actors import Actor
from bot.onboarding.change import Change
from bot.onboarding.effects import Effects
from bot.onboarding.errors import OnboardingError, Refused, Unavailable, Unsettled
from bot.onboarding.flow import Flow
from bot.onboarding.models import UNDER_WAY, DueRecord, Event, Onboarding, Received, StepRecord, SurfaceRecord
from bot.onboarding.outcomes import Evidence, fact
from bot.onboarding.packs import Packs
from bot.onboarding.ports import Job
from bot.onboarding.retry import Backoff
from bot.onboarding.store import Store, insert_once, tried_again
from bot.onboarding.tickets import TicketMissing
from bot.onboarding.turns import ThreadTurns, Turns
from bot.onboarding.view import OnboardingView, read_view
from checklists.model import Localized

log = structlog.stdlib.get_logger()

# The step's memory of what was told.
MEMORY = "talk"
# More news than that of one ticket are told in several goes.
IN_ONE_GO = 40
# A ticket that the server refuses to show is looked at so much later, in seconds: its step tells people why.
AFTER_REFUSAL = 3_600.0

TICKET_FOLLOWED, TICKET_MOVED, TICKET_COMMENT = "ticket_followed", "ticket_moved", "ticket_comment"
REPLY, REPLY_SENT, REPLY_UNSENT = "ticket_reply", "ticket_reply_sent", "ticket_reply_unsent"
TICKET_GONE = "ticket_gone"

# A longer reply would not fit into a comment with its first line and its marker.
LONGEST_REPLY = 30_000


@dataclass(frozen=True)
class Moved:
    """A change of a ticket: what of it changed (``status``, ``assignee``, ``resolution``), from what to what."""

    id: str
    at: datetime
    by: Actor
    items: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Commented:
    """A comment on a ticket; ``text`` is Markdown. ``limited_to`` names who alone may read it; then it has no text."""

    id: str
    at: datetime
    by: Actor
    text: str
    link: str
    limited_to: str | None = None


@dataclass(frozen=True)
class TicketNews:
    """Where a ticket stands, and what of it was not told yet, in the order in which it happened."""

    status: str
    news: tuple[Moved | Commented, ...]


class ReplyRefused(OnboardingError):
    """The server does not take a comment: no right, or no such ticket any more."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TicketTalk(Protocol):
    """The port to a ticket's history and comments. Every method raises Unavailable when the server does not answer."""

    def news(self, ticket: str, told: Collection[str]) -> TicketNews:
        """Look at a ticket. ``told`` are the ids of what was told before; the bot's own comments are no news.

        Raises TicketMissing, and StepFailed when the server refuses.
        """

    def find_comment(self, ticket: str, marker: str) -> str | None:
        """Return the id of the comment that ends with the marker; None when there is none."""

    def add_comment(self, ticket: str, first_line: str, text: str, marker: str) -> str:
        """Comment in plain text; return the comment's id. Raises NothingHappened around a ReplyRefused."""

    def comment_address(self, ticket: str, comment: str) -> str:
        """Return the address at which people see a comment."""

    def address(self, ticket: str) -> str:
        """Return the address at which people open the ticket."""


class TicketReplies:
    """What a person replies to a ticket."""

    def __init__(self, store: Store, flow: Flow) -> None:
        self._store = store
        self._flow = flow

    @tried_again
    def reply(
        self, surface: str, parent: str, text: str, *, ticket: str | None = None, actor: Actor, source: str
    ) -> bool:
        """Have a text written as a comment on the ticket of the onboarding whose parent on a surface this is.

        ``ticket`` is its key where a person named it. Anybody who sees the parent may reply: it is a word, no deed.
        False for a repeat, for another parent, and for a key that is no ticket of the onboarding: then it was no
        reply. Raises Refused, which is on the trail: there is no ticket, or nothing to say.
        """
        with self._store.reading() as session:
            shown = select(SurfaceRecord).where(SurfaceRecord.name == surface, SurfaceRecord.parent == parent)
            record = session.exec(shown).first()
        if record is None:
            return False
        try:
            with self._flow.change(record.onboarding_id, actor) as change:
                row = _row_of(change, ticket)
                if (ticket is not None and row is None) or not _is_first(change, source):
                    return False
                self._take(change, row, text)
                return True
        except Refused as refused:
            with self._flow.change(record.onboarding_id, actor) as change:
                if _is_first(change, source):
                    change.note("refused", content={"text": refused.text.model_dump()})
            raise

    def _take(self, change: Change, row: DueRecord | None, text: str) -> None:
        if change.onboarding.state != "open":
            raise Refused(say("refused.closed", key=change.onboarding.key))
        if row is None:
            raise Refused(say("talk.no_ticket", key=change.onboarding.key))
        if not text.strip():
            raise Refused(say("talk.nothing_said"))
        if len(text) > LONGEST_REPLY:
            raise Refused(say("talk.too_long", most=LONGEST_REPLY))
        record = change.step(row.subject.partition(":")[2])
        change.note(REPLY, step=record, content={"ticket": _ticket_of(row), "text": text.strip()})
        due_rows.set_time(row, change.now, change.now)
        row.since = change.now
        change.session.add(row)


class TicketTalkWorker:
    """Runs the jobs of ``talk:``."""

    def __init__(
        self,
        store: Store,
        packs: Packs,
        flow: Flow,
        effects: Effects,
        talk: TicketTalk,
        backoff: Backoff,
        *,
        poll_seconds: float,
        longest_pause: float = 3_600.0,
        turns: Turns | None = None,
        take_corrections: Callable[[OnboardingView, str, str, TicketNews], None] | None = None,
    ) -> None:
        """``take_corrections`` hears of the news before they are told: what was told is not looked at again."""
        self._take_corrections = take_corrections
        self._store = store
        self._packs = packs
        self._flow = flow
        self._effects = effects
        self._talk = talk
        self._backoff = backoff
        self._poll_seconds = poll_seconds
        self._longest_pause = longest_pause
        self._turns = turns or ThreadTurns()

    def run(self, job: Job) -> str:
        """Write what people have replied, tell what is new, set the time of the next look. May be run again."""
        step_id = job.subject.partition(":")[2]
        with self._turns.of(due_rows.TALK, job.onboarding_id, step_id):
            read = self._read(job)
            if read is None:
                return "over"
            view, ticket, replies, told = read
            with structlog.contextvars.bound_contextvars(onboarding=view.key, ticket=ticket):
                try:
                    self._send(view, step_id, replies)
                    found = self._talk.news(ticket, told)
                    if self._take_corrections is not None:
                        self._take_corrections(view, step_id, ticket, found)
                    self._tell(job, step_id, ticket, found)
                except Unavailable as away:
                    self._later(job, away)
                    return "later"
                except TicketMissing:
                    self._gone(job, step_id, ticket)
                    return "gone"
                except OperationalError:
                    raise
                except Exception as refused:  # noqa: BLE001 - whatever it is, the ticket is looked at again
                    log.warning("ticket_talk_refused", reason=str(refused)[:300], kind=type(refused).__name__)
                    self._later(job, Unavailable("Jira", str(refused)[:200], retry_after=AFTER_REFUSAL))
                    return "refused"
            return "told"

    def _read(self, job: Job) -> tuple[OnboardingView, str, list[Mapping[str, Any]], frozenset[str]] | None:
        step_id = job.subject.partition(":")[2]
        with self._store.reading() as session:
            row = due_rows.find(session, job.onboarding_id, job.subject)
            if row is None or row.signal is None:
                return None
            onboarding = session.get_one(Onboarding, job.onboarding_id)
            pack = self._packs.kept(onboarding.pack, onboarding.pack_digest)
            view = read_view(session, onboarding, pack, now=self._flow.now())
            rows = select(StepRecord).where(
                StepRecord.onboarding_id == job.onboarding_id, StepRecord.step_id == step_id
            )
            memory = session.exec(rows).one().memory.get(MEMORY) or {}
            return (
                view,
                _ticket_of(row),
                _unsent(session, job.onboarding_id, step_id),
                frozenset(memory.get("told", ())),
            )

    # Replies.

    def _send(self, view: OnboardingView, step_id: str, replies: list[Mapping[str, Any]]) -> None:
        for reply in replies:
            ticket, seq = str(reply["ticket"]), reply["seq"]
            key = f"{view.key}:{seq}:{REPLY}"
            marker = f"{key}:{view.stamp}"
            first_line = say("talk.first_line", who=reply["who"]).text(view.language)
            try:
                comment = self._effects.once(
                    view.id,
                    key,
                    look=partial(self._talk.find_comment, ticket, marker),
                    do=partial(self._talk.add_comment, ticket, first_line, str(reply["text"]), marker),
                )
            except ReplyRefused as refused:
                seen = say("talk.unsent", ticket=ticket, reason=refused.reason)
                content = {"of": seq, "seen": seen.model_dump(), "advice": say("talk.unsent_advice").model_dump()}
                self._note_once(view, step_id, seq, REPLY_UNSENT, content)
            else:
                link = self._talk.comment_address(ticket, comment)
                seen = say("talk.sent", ticket=ticket, who=reply["who"])
                content = {"of": seq, "comment": comment, "seen": seen.model_dump(), "link": link}
                self._note_once(view, step_id, seq, REPLY_SENT, content)

    def _note_once(self, view: OnboardingView, step_id: str, seq: int, kind: str, content: Mapping[str, Any]) -> None:
        with self._flow.change(view.id) as change:
            if any(reply["seq"] == seq for reply in _unsent(change.session, view.id, step_id)):
                change.note(kind, step=change.step(step_id), content=content)

    # News.

    def _tell(self, job: Job, step_id: str, ticket: str, found: TicketNews) -> None:
        with self._flow.change(job.onboarding_id) as change:
            row = change.row(job.subject)
            if row is None:
                return
            if change.onboarding.state != "open":
                change.unschedule(job.subject)
                return
            record = change.step(step_id)
            memory = record.memory.get(MEMORY)
            told = set(memory["told"]) if memory else set()
            if memory is None:
                self._note_followed(change, record, ticket, found.status)
            fresh = [one for one in found.news if one.id not in told]
            for one in fresh[:IN_ONE_GO]:
                self._note(change, record, ticket, one)
                told.add(one.id)
            record.memory = {**record.memory, MEMORY: {"ticket": ticket, "told": sorted(told)}}
            change.session.add(record)
            self._next(change, row, is_news=bool(fresh) or memory is None, has_more=len(fresh) > IN_ONE_GO)

    def _note_followed(self, change: Change, record: StepRecord, ticket: str, status: str) -> None:
        content = {
            "ticket": ticket,
            "seen": say("talk.followed", ticket=ticket, status=status).model_dump(),
            "advice": say("talk.how_to_reply", ticket=ticket).model_dump(),
            "link": self._talk.address(ticket),
        }
        change.note(TICKET_FOLLOWED, step=record, content=content)

    def _note(self, change: Change, record: StepRecord, ticket: str, one: Moved | Commented) -> None:
        by = replace(change, actor=one.by)
        if isinstance(one, Moved):
            facts = tuple(fact(what, f"{before or '—'} → {after or '—'}") for what, before, after in one.items)
            content = {"ticket": ticket, "id": one.id, "evidence": Evidence(facts=facts).as_json()}
            by.note(TICKET_MOVED, step=record, content=content | {"link": self._talk.address(ticket)})
            return
        text = say("talk.limited", group=one.limited_to) if one.limited_to else Localized.same(one.text or "—")
        content = {"ticket": ticket, "id": one.id, "seen": text.model_dump(), "link": one.link}
        by.note(TICKET_COMMENT, step=record, content=content)

    def _next(self, change: Change, row: DueRecord, *, is_news: bool, has_more: bool) -> None:
        """Set the time of the next look, as a step's own looks: the longer nothing is said, the later."""
        if row.due_at <= change.now and row.enqueued_for != row.due_at:
            # Somebody has asked for a look while this one was being made: it still counts.
            return
        since = change.now if is_news or row.since is None else min(row.since, change.now)
        quiet = change.now - since
        pause = 0 if has_more else due_rows.pause(self._poll_seconds, quiet, self._longest_pause)
        change.schedule(row.subject, pause)
        row.since = since
        change.session.add(row)

    def _gone(self, job: Job, step_id: str, ticket: str) -> None:
        """Follow a ticket no more that is no longer there; its step says so where it still looks, else the trail."""
        with self._flow.change(job.onboarding_id) as change:
            record = change.step(step_id)
            for reply in _unsent(change.session, job.onboarding_id, step_id):
                seen = say("ticket.gone", ticket=ticket)
                content = {"of": reply["seq"], "seen": seen.model_dump(), "advice": None}
                change.note(REPLY_UNSENT, step=record, content=content)
            change.unschedule(job.subject)
            if record.state in UNDER_WAY and change.is_scheduled(due_rows.step(step_id)):
                change.look_now(record)
            elif change.onboarding.state == "open" and record.code != "TICKET_GONE":
                seen = say("ticket.gone", ticket=ticket)
                change.note(TICKET_GONE, step=record, content={"ticket": ticket, "seen": seen.model_dump()})

    def _later(self, job: Job, away: Unavailable) -> None:
        if not isinstance(away, Unsettled):
            log.warning("ticket_talk_away", service=away.service, reason=away.reason)
        with self._flow.change(job.onboarding_id) as change:
            row = change.row(job.subject)
            if row is None:
                return
            seconds = max(self._backoff.seconds(row.attempts + 1), away.retry_after or 0)
            change.schedule(job.subject, seconds, attempts=row.attempts + 1)


def _row_of(change: Change, ticket: str | None) -> DueRecord | None:
    """Return the row of the ticket of this key, without a key of the one that was followed last."""
    rows = select(DueRecord).where(DueRecord.onboarding_id == change.onboarding.id)
    followed = [
        row for row in change.session.exec(rows).all() if row.subject.startswith(f"{due_rows.TALK}:") and row.signal
    ]
    named = [row for row in followed if ticket is None or _ticket_of(row).casefold() == ticket.casefold()]
    return max(named, key=lambda row: row.id or 0, default=None)


def _is_first(change: Change, source: str) -> bool:
    return insert_once(change.session, Received, source=source, at=change.now)


def _ticket_of(row: DueRecord) -> str:
    return (row.signal or "").partition(":")[2]


def _unsent(session: Session, onboarding_id: int, step_id: str) -> list[Mapping[str, Any]]:
    """Return the replies to a step's ticket that were neither written nor given up, the oldest first."""
    said = select(Event).where(Event.onboarding_id == onboarding_id, Event.step == step_id)
    kinds = col(Event.kind).in_((REPLY, REPLY_SENT, REPLY_UNSENT))
    lines = session.exec(said.where(kinds).order_by(col(Event.seq))).all()
    over = {line.content["of"] for line in lines if line.kind in {REPLY_SENT, REPLY_UNSENT}}
    return [
        {"seq": line.seq, "who": line.actor, **line.content}
        for line in lines
        if line.kind == REPLY and line.seq not in over
    ]
