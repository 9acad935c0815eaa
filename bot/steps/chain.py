"""The test-file chain as steps of a checklist: each runs some of its stages and shows what they found.

Procedure, section 4: pick-up, processing, Output, OFC. The stages and their findings are ``pipeline``'s; here a
blocked file becomes a failed step with the findings' own words, and the next good file lets it pass.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bot.locales import say
from bot.onboarding.outcomes import (
    SHOWN_ENTRIES,
    Back,
    Done,
    Evidence,
    Fact,
    Failed,
    Outcome,
    Waiting,
    fact,
)
from bot.onboarding.outcomes import number as count_of
from bot.onboarding.registry import InvoiceTaken, Registry
from bot.onboarding.replacing import CHANGED, NO_OFFER, Offer
from bot.onboarding.work import Work
from bot.steps.chain_evidence import chain_evidence
from bot.steps.chain_findings import FindingList
from bot.steps.chain_letters import blocked_letter, ofc_letter
from bot.steps.layout import LocalFiles, Shelf
from bot.steps.loaded import invoice_entries, month_entry, superseded_note
from bot.steps.pickup import Picked, Pickup
from bot.steps.test_file import TestFile, picked_before, pickup_step
from checklists.model import ChainParameters, Language, OptionValue
from checklists.model import Step as StepDefinition
from pipeline.integrate import note_superseded
from pipeline.result import JSON, ChainResult


class ChainStep:
    """Runs the stages that the pack names for the step."""

    parameters: type[BaseModel] = ChainParameters

    def __init__(
        self,
        pickup: Pickup,
        file: TestFile,
        registry: Registry,
        files: LocalFiles,
        *,
        poll_seconds: float,
    ) -> None:
        self._pickup = pickup
        self._file = file
        self._registry = registry
        self._files = files
        self._poll_seconds = poll_seconds

    def begin(self, definition: StepDefinition, options: Mapping[str, OptionValue]) -> None:
        """There are stages to run."""
        del definition, options

    def run(self, work: Work) -> Outcome:
        """Find the file, run the stages, and say what came of it."""
        if work.step.state == "failed":
            return self._look_for_better(work)
        if "arrival" in work.parameters(ChainParameters).stages:
            return self._first_stages(work)
        picked = picked_before(work)
        return self._run(work, picked)

    def _first_stages(self, work: Work) -> Outcome:
        look = self._pickup.look(work)
        picked = look.picked or _remembered(work)
        if picked is None:
            note = say("deposit.arriving", files=", ".join(sorted(look.seen))) if look.seen else say("pickup.waiting")
            return Waiting(
                on="partner",
                note=note,
                poll=self._poll_seconds,
                memory={"seen": dict(look.seen)},
                signal=self._pickup.signal(work),
            )
        return self._run(work, picked)

    def _look_for_better(self, work: Work) -> Outcome:
        """A failed step keeps watching the folder: the next good file passes without anybody's click."""
        picks_up = "arrival" in work.parameters(ChainParameters).stages
        if picks_up:
            look = self._pickup.look(work)
            if look.picked is not None:
                return self._judge(
                    work, look.picked, self._file.run(work, look.picked, work.parameters(ChainParameters).stages)
                )
            return self._as_before(work, {"seen": dict(look.seen)})
        arrived, seen = self._pickup.is_waiting(work)
        return Back(pickup_step(work)) if arrived else self._as_before(work, {"seen": dict(seen)})

    def _as_before(self, work: Work, memory: Mapping[str, Any]) -> Failed:
        step = work.step
        assert step.code is not None
        assert step.seen is not None
        assert step.advice is not None
        return Failed(
            step.code,
            step.seen,
            step.advice,
            memory=memory,
            poll=self._poll_seconds,
            about=work.memory.get("about", ""),
            signal=self._pickup.signal(work),
        )

    def _run(self, work: Work, picked: Picked) -> Outcome:
        return self._judge(work, picked, self._file.run(work, picked, work.parameters(ChainParameters).stages))

    def _judge(self, work: Work, picked: Picked, result: ChainResult, *, is_second_look: bool = False) -> Outcome:
        home = self._files.client_root(work.pack.operator_code, work.view.root)
        found = FindingList.of(result, work, home)
        evidence = self._evidence(work, picked, result, found, home)
        memory: dict[str, Any] = {"picked": picked.as_json(), "seen": {}, "announced_taken": True, **NO_OFFER}
        if result.blocked:
            return self._blocked(work, picked, result, found, evidence, memory)
        if result.duplicate:
            self._pickup.put_aside(work, picked, "archive")
            note = say("chain.duplicate", name=picked.name)
            return Waiting(
                on="partner",
                note=note,
                poll=self._poll_seconds,
                copy=note,
                evidence=evidence,
                # The announced file is done with: the next look is for another one.
                memory={"seen": {}, "announced_taken": True, **NO_OFFER},
                signal=self._pickup.signal(work),
            )
        if any(stage.stage == "integration" for stage in result.stages):
            try:
                self._register(work, picked, result, home)
            except InvoiceTaken:
                if is_second_look:
                    raise
                # Another file came in between: judged again, this one is blocked by the invoice that has changed.
                again = self._file.run(work, picked, work.parameters(ChainParameters).stages)
                return self._judge(work, picked, again, is_second_look=True)
        delivers = any(stage.stage == "delivery" for stage in result.stages)
        return Done(evidence, memory=memory, letter=ofc_letter(work, evidence) if delivers else None)

    def _evidence(self, work: Work, picked: Picked, result: ChainResult, found: FindingList, home: Path) -> Evidence:
        facts = [*found.facts(work), *_ignored(result, work.view.language)]
        decision = self._file.decision(work, picked)
        replaced = {number for stage in result.stages for number in _numbers(stage.facts.get("replaced"))}
        if decision is not None and replaced:
            facts += [
                fact("superseded", invoice.difference, number=invoice.number)
                for invoice in decision.offer.invoices
                if invoice.number in replaced
            ]
        made = chain_evidence(result, picked, home, work.view.language, facts=facts)
        files = (*made.files, *((found.file,) if found.file else ()))
        return replace(made, files=files, findings=found.shown)

    def _blocked(
        self,
        work: Work,
        picked: Picked,
        result: ChainResult,
        found: FindingList,
        evidence: Evidence,
        memory: Mapping[str, Any],
    ) -> Outcome:
        first = found.stopping[0]
        offer = self._offer(work, picked, result, found)
        is_about_the_file = first.stage not in {"ofc", "delivery"}
        if is_about_the_file:
            shelf: Shelf = "quarantine" if result.verdict == "quarantined" else "error"
            self._pickup.put_aside(work, picked, shelf)
        return Failed(
            first.code,
            found.seen(say("chain.file", name=picked.name)),
            found.advice() if offer is None else say("replace.advice"),
            evidence,
            memory={**memory, **(offer.as_memory() if offer else NO_OFFER)},
            poll=self._poll_seconds if is_about_the_file and picked.shelved else None,
            signal=self._pickup.signal(work) if is_about_the_file and picked.shelved else None,
            about=f"{picked.sha256}:{picked.shelved}",
            letter=blocked_letter(work, picked, found, self._own(work, picked, result, found))
            if is_about_the_file
            else None,
        )

    def _own(self, work: Work, picked: Picked, result: ChainResult, found: FindingList) -> set[str]:
        """Return the numbers of the changed invoices that are this client's own."""
        if not any(finding.code == CHANGED for finding in found.stopping):
            return set()
        return {invoice.number for invoice in self._file.loaded(work, picked).changed(result)}

    def _offer(self, work: Work, picked: Picked, result: ChainResult, found: FindingList) -> Offer | None:
        """Return what a manager may decide about a file that nothing but changed invoices of this root blocks."""
        blocking = [finding for finding in found.stopping if finding.code == CHANGED]
        if len(blocking) < found.total_stopping:
            return None
        changed = tuple(self._file.loaded(work, picked).changed(result))
        if not {finding.evidence["invoice"] for finding in blocking} <= {invoice.number for invoice in changed}:
            return None
        return Offer(file=picked.name, sha256=picked.sha256, invoices=changed)

    def _register(self, work: Work, picked: Picked, result: ChainResult, home: Path) -> None:
        """Keep what the file brought. Killed between any two lines it is done again from the first, to the same end."""
        operator, root = work.pack.operator_code, work.view.root
        self._registry.integrate(
            work.view.id,
            operator=operator,
            root=root,
            sha256=picked.sha256,
            invoices=invoice_entries(result),
            month=month_entry(result),
            decision=self._file.decision(work, picked),
        )
        superseded = self._registry.superseded(operator, root)
        by_this_one = [row for row in superseded if row.superseded_by_sha256 == picked.sha256]
        for sha256 in dict.fromkeys(row.source_sha256 for row in by_this_one):
            note_superseded(home, sha256, superseded_note(superseded, sha256))
        # One that was blocked until a person decided lies on another shelf.
        self._pickup.put_back(work, picked)
        self._registry.mark(work.view.id, picked.sha256, "integrated")


def _remembered(work: Work) -> Picked | None:
    """Return the file that this step judged before, for a retry without a new one."""
    kept = work.memory.get("picked")
    return Picked.from_json(kept) if kept is not None and Path(kept["path"]).is_file() else None


def _ignored(result: ChainResult, language: Language) -> list[Fact]:
    """Return the invoices that were integrated before with the same totals: nothing more is done with them."""
    numbers = [number for stage in result.stages for number in _numbers(stage.facts.get("already_loaded"))]
    facts = [fact("already_loaded", number) for number in numbers[:SHOWN_ENTRIES]]
    if len(numbers) > len(facts):
        more = say("list.more", count=count_of(len(numbers) - len(facts)))
        facts.append(fact("already_loaded", more.text(language)))
    return facts


def _numbers(listed: JSON) -> list[str]:
    return [str(number) for number in listed] if isinstance(listed, list) else []
