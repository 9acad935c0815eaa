"""What people can do, one method each: every method is one transaction that also enqueues the jobs it causes.

``source`` names the outside event (a Slack action, a mail link's POST): the same one again changes nothing, and the
method answers False. Everything a person may not or cannot do raises Refused; the refusal is on the trail.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from bot.locales import say
from bot.onboarding import due_dates
from bot.onboarding.actors import Actor, Roles
from bot.onboarding.asking import Asking, require_no_other
from bot.onboarding.change import Change
from bot.onboarding.choosing import chosen
from bot.onboarding.clock import Clock
from bot.onboarding.confirming import confirmed, void_confirmations
from bot.onboarding.correcting import Correcting
from bot.onboarding.drafts import Drafts, forget_draft
from bot.onboarding.errors import Refused, Unknown
from bot.onboarding.flow import Flow
from bot.onboarding.given import Given
from bot.onboarding.handing import HandOver
from bot.onboarding.linking import Linking
from bot.onboarding.mine import Mine
from bot.onboarding.models import Event, Onboarding, StepRecord
from bot.onboarding.noting import Noting, explain, unexplained
from bot.onboarding.outcomes import Done, Evidence, Fact, Failed, Outcome
from bot.onboarding.packs import Packs
from bot.onboarding.readings import Readings
from bot.onboarding.registry import assign_references
from bot.onboarding.replacing import Decision, Offer
from bot.onboarding.restoration import first_free_id
from bot.onboarding.snoozing import Snoozing
from bot.onboarding.start import StartRequest, checked
from bot.onboarding.steering import Steering
from bot.onboarding.store import Store, tried_again
from bot.onboarding.ticking import tick, ticks_at
from bot.onboarding.view import offered_ticks
from checklists.model import Choice, Language, Localized

log = structlog.stdlib.get_logger()

# None: it is on the trail, and the step is where it was.
Decide = Callable[[Change, StepRecord], Outcome | None]


@dataclass(frozen=True)
class Started:
    """A new onboarding. ``is_new`` is False when the same request came again and had been carried out."""

    key: str
    is_new: bool


class Onboardings(Readings):
    """All that a person can ask for, and read. Adapters call one method per event and render what comes back."""

    def __init__(self, store: Store, packs: Packs, flow: Flow, clock: Clock, roles: Roles, language: Language) -> None:
        super().__init__(store, packs, clock)
        self._flow = flow
        self._roles = roles
        self._asking = Asking(store, flow, clock, roles)
        self._language = language
        self.steering = Steering(flow, self._asking)
        self.mine = Mine(store, packs, roles, clock)
        self.noting = Noting(self._asking)
        self.given = Given(self._asking)
        self.snoozing = Snoozing(store, packs, self._asking)
        self.handing = HandOver(store, packs, flow, self._asking)
        self.drafts = Drafts(store, clock)
        self.correcting = Correcting(store, self._asking, flow)
        self.linking = Linking(self._asking, flow, roles)

    # Starting.

    def start(self, request: StartRequest, actor: Actor, *, source: str | None = None) -> Started:
        """Begin an onboarding. Raises Invalid (a text per field), or Refused with a link when one is open already."""
        try:
            return self._start(request, actor, source)
        except IntegrityError:
            # Another start for the same client was faster by a moment: now its onboarding can be seen and named.
            return self._start(request, actor, source)

    @tried_again
    def _start(self, request: StartRequest, actor: Actor, source: str | None) -> Started:
        self._roles.refresh()
        self._roles.require(actor, "manager")
        pack = self._packs.get(request.pack)
        now = self._clock.now()
        good = checked(request, pack, now.date())
        self._packs.keep(pack)
        with self._store.transaction(for_person=True) as session:
            if source is not None and not self._asking.is_first(session, source):
                return Started(self._key_started_by(session, source), is_new=False)
            require_no_other(
                session,
                pack=good.pack,
                partner=good.partner,
                root=good.root,
                client=good.client,
                surfaces=self._flow.surfaces,
            )
            onboarding = Onboarding(
                id=first_free_id(session),
                pack=pack.id,
                pack_version=pack.checklist.version,
                pack_digest=pack.digest,
                operator=pack.checklist.operator.name,
                partner=good.partner,
                partner_email=good.partner_email,
                client=good.client,
                client_key=good.client.casefold(),
                root=good.root,
                root_key=good.root.upper(),
                tax_ids=list(good.tax_ids),
                options=dict(good.options),
                language=self._language,
                due=good.due,
                started_by=actor.name,
                starter=actor.id,
                started_at=now,
            )
            self._packs.archive(session, pack)
            session.add(onboarding)
            session.flush()
            assert onboarding.id is not None
            for position, step in enumerate(pack.checklist.steps):
                session.add(
                    StepRecord(
                        onboarding_id=onboarding.id,
                        step_id=step.id,
                        position=position,
                        kind=step.kind,
                        role=step.role,
                    )
                )
            session.flush()
            change = self._flow.opened(session, onboarding, actor)
            change.note("started", content=_start_content(good, source))
            due_dates.watch(change)
            self._flow.advance(change)
            self._flow.tell_surfaces(change)
        log.info("started", onboarding=onboarding.key, pack=pack.id, version=pack.checklist.version, actor=actor.id)
        return Started(onboarding.key, is_new=True)

    # Acting on a step.

    def select_ticks(
        self, key: str, step_id: str, *, clicked: int, selected: Collection[str], actor: Actor, source: str
    ) -> bool:
        """Carry out what a click on a step's checkboxes changed.

        ``selected`` is the whole selection that the click sent, ``clicked`` the revision that was on the screen: only
        the difference between the two is applied, so two people who tick at once both count.
        """

        def decide(change: Change, record: StepRecord) -> Outcome | None:
            shown = ticks_at(change, record, clicked)
            added, removed = set(selected) - shown, shown - set(selected)
            return tick(change, record, added, removed)

        return self._act(key, step_id, actor, source, decide)

    def tick(self, key: str, step_id: str, ticks: Sequence[str], *, actor: Actor, source: str | None = None) -> bool:
        """Tick checkboxes by id; no ids: all of them."""

        def decide(change: Change, record: StepRecord) -> Outcome | None:
            offered = [tick.id for tick in offered_ticks(record, change.definition(record))]
            if not offered:
                raise Refused(say("refused.no_ticks", step=step_id))
            return tick(change, record, set(ticks or offered), set())

        return self._act(key, step_id, actor, source, decide)

    def untick(
        self, key: str, step_id: str, ticks: Sequence[str], reason: str, *, actor: Actor, source: str | None = None
    ) -> bool:
        """Untick checkboxes by id, with the reason that stays on the trail."""

        def decide(change: Change, record: StepRecord) -> Outcome | None:
            if not reason.strip():
                raise Refused(say("refused.no_reason"))
            outcome = tick(change, record, set(), set(ticks))
            for seq in unexplained(record)[-1:]:
                explain(change, record, seq, reason)
            return outcome

        return self._act(key, step_id, actor, source, decide)

    def choose(self, key: str, step_id: str, choice_id: str, *, actor: Actor, source: str | None = None) -> bool:
        """Answer a manual step that offers choices."""

        def decide(change: Change, record: StepRecord) -> Outcome | None:
            definition = change.definition(record)
            choices: Sequence[Choice] = getattr(definition.parameters, "choices", ())
            for choice in choices:
                if choice.id == choice_id:
                    outcome = chosen(change, record, choice)
                    if isinstance(outcome, Done):
                        return confirmed(change, record, outcome, choice.id)
                    void_confirmations(change, record)
                    return outcome
            raise Refused(say("refused.no_choice", choice=choice_id, choices=", ".join(c.id for c in choices) or "—"))

        return self._act(key, step_id, actor, source, decide)

    def confirm(self, key: str, step_id: str, *, actor: Actor, source: str | None = None) -> bool:
        """Confirm a step with one click: the assignment of references, or all ticks of a manual step."""

        def decide(change: Change, record: StepRecord) -> Outcome | None:
            if record.memory.get("confirmable"):
                done = confirmed(change, record, Done(Evidence(facts=(Fact(say("fact.confirmed_by"), actor.name),))))
                if done is not None:
                    assign_references(change.session, record.onboarding_id, change.actor.name, change.now)
                return done
            offered = [tick.id for tick in offered_ticks(record, change.definition(record))]
            if not offered:
                raise Refused(say("refused.not_confirmable", step=change.definition(record).title))
            return tick(change, record, set(offered), set())

        return self._act(key, step_id, actor, source, decide)

    def answer(
        self, key: str, step_id: str, yes: bool, *, comment: str = "", actor: Actor, source: str | None = None
    ) -> bool:
        """Answer the yes-or-no question of a step."""

        def decide(change: Change, record: StepRecord) -> Outcome | None:
            if record.kind != "ask":
                raise Refused(say("refused.no_question", step=change.definition(record).title))
            facts = [Fact(say("fact.answered_by"), actor.name)]
            if comment.strip():
                facts.append(Fact(say("fact.comment"), comment.strip()))
            evidence = Evidence(facts=tuple(facts))
            if yes:
                return confirmed(change, record, Done(evidence))
            seen = say("ask.no_with_comment", comment=comment.strip()) if comment.strip() else say("ask.no")
            return Failed("ANSWERED_NO", seen, say("ask.no_advice"), evidence)

        return self._act(key, step_id, actor, source, decide)

    def submit_form(
        self,
        key: str,
        step_id: str,
        answers: Mapping[str, Any],
        *,
        warnings: Sequence[Fact] = (),
        actor: Actor,
        source: str | None = None,
    ) -> bool:
        """Take a form's checked answers; the step is done with them."""

        def decide(change: Change, record: StepRecord) -> Outcome:
            if record.kind != "form":
                raise Refused(say("refused.no_form", step=change.definition(record).title))
            facts = (
                Fact(say("fact.filled_by"), actor.name),
                Fact(say("fact.answers"), str(sum(value not in (None, "", []) for value in answers.values()))),
                *warnings,
            )
            forget_draft(change.session, record.onboarding_id, step_id)
            return Done(Evidence(facts=facts), memory={"answers": dict(answers)})

        return self._act(key, step_id, actor, source, decide)

    @tried_again
    def retry(self, key: str, step_id: str, *, actor: Actor, source: str | None = None) -> bool:
        """Begin a failed step again, or have a waiting one look at once."""
        with self._asking.step(key, step_id, actor, source) as asked:
            if asked is None:
                return False
            change, record = asked
            if record.state == "failed":
                change.note("step_retried", step=record)
                self._flow.begin(change, record)
            elif record.state == "waiting" and change.is_scheduled(f"step:{record.step_id}"):
                change.note("step_retried", step=record)
                change.look_now(record)
            else:
                raise Refused(say("refused.retry", step=change.definition(record).title, state=_state(record)))
            self._flow.advance(change)
            return True

    @tried_again
    def skip(self, key: str, step_id: str, reason: str, *, actor: Actor, source: str | None = None) -> bool:
        """Set a step aside, with a reason that stays on the trail."""
        with self._asking.step(key, step_id, actor, source) as asked:
            if asked is None:
                return False
            change, record = asked
            if not reason.strip():
                raise Refused(say("refused.no_reason"))
            if record.state in {"done", "skipped", "not_applicable"}:
                raise Refused(say("refused.over", step=change.definition(record).title, state=_state(record)))
            self._flow.set_aside(change, record, reason.strip())
            return True

    @tried_again
    def replace(self, key: str, step_id: str, reason: str, *, actor: Actor, source: str | None = None) -> bool:
        """Decide that the invoices of the file that a step failed on replace the integrated ones; the step runs again.

        A manager decides, whoever may act on the step: it changes what was integrated.
        """
        with self._asking.step(key, step_id, actor, source, role="manager") as asked:
            if asked is None:
                return False
            change, record = asked
            offer = Offer.of(record)
            if offer is None:
                raise Refused(say("refused.no_replacement", step=change.definition(record).title, state=_state(record)))
            if not reason.strip():
                raise Refused(say("refused.no_reason"))
            decision = Decision(offer=offer, by=actor.name, at=change.now, reason=reason.strip())
            record.memory = decision.kept_beside(record.memory)
            content = {
                "file": {"name": offer.file, "sha256": offer.sha256},
                "invoices": [invoice.model_dump() for invoice in offer.invoices],
                "reason": decision.reason,
                "evidence": decision.evidence.as_json(),
            }
            change.note("replacement_decided", step=record, content=content)
            self._flow.begin(change, record)
            self._flow.advance(change)
            return True

    def hand_over(self, key: str, memory: Mapping[str, Any], *, actor: Actor, source: str | None = None) -> str:
        """Give a file to the step that waits for one (My Console, ``attach``); return that step's id."""
        return self.handing.give(key, memory, actor=actor, source=source)

    @tried_again
    def cancel(self, key: str, reason: str, *, actor: Actor, source: str | None = None) -> bool:
        """End an onboarding before its time; nothing that exists outside is removed."""
        with self._asking.whole(key, actor, source) as asked:
            if asked is None:
                return False
            change, _ = asked
            if not reason.strip():
                raise Refused(say("refused.no_reason"))
            change.onboarding.state = "cancelled"
            change.onboarding.closed_at = change.now
            change.forget_times()
            change.note("cancelled", content={"reason": reason.strip()})
        log.info("cancelled", onboarding=change.onboarding.key, actor=actor.id)
        return True

    # The common course of an action.

    @tried_again
    def _act(self, key: str, step_id: str, actor: Actor, source: str | None, decide: Decide) -> bool:
        with self._asking.step(key, step_id, actor, source) as asked:
            if asked is None:
                return False
            change, record = asked
            if record.state != "waiting":
                raise Refused(say("refused.not_waiting", step=change.definition(record).title, state=_state(record)))
            outcome = decide(change, record)
            if outcome is not None:
                self._flow.settle(change, record, outcome)
            return True

    def _key_started_by(self, session: Session, source: str) -> str:
        newest_first = select(Event).where(Event.kind == "started").order_by(col(Event.id).desc())
        for line in session.exec(newest_first.execution_options(yield_per=50)):
            if line.content.get("source") == source:
                return f"ONB-{line.onboarding_id}"
        raise Unknown(say("refused.repeated"))


def _state(record: StepRecord) -> Localized:
    return say(f"state.{record.state}")


def _start_content(request: StartRequest, source: str | None) -> dict[str, Any]:
    return {
        "pack": request.pack,
        "partner": request.partner,
        "client": request.client,
        "root": request.root,
        "options": dict(request.options),
        "source": source,
    }
