"""The test-file chain as steps of a checklist: each runs some of its stages and shows what they found.

Procedure, section 4: pick-up, processing, Output, OFC. The stages and their findings are ``pipeline``'s; here a
blocked file becomes a failed step with the findings' own words, and the next good file lets it pass.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bot.locales import say
from bot.onboarding.outcomes import (
    Back,
    Done,
    Evidence,
    Failed,
    Outcome,
    Waiting,
)
from bot.onboarding.registry import Registry
from bot.onboarding.work import Work
from bot.steps.chain_evidence import chain_evidence
from bot.steps.layout import LocalFiles, Shelf
from bot.steps.loaded import invoice_entries, month_entry
from bot.steps.pickup import Picked, Pickup
from bot.steps.test_file import TestFile, picked_before, pickup_step
from checklists.model import ChainParameters, Localized, OptionValue
from checklists.model import Step as StepDefinition
from pipeline.result import ChainResult


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
            return Waiting(on="partner", note=note, poll=self._poll_seconds, memory={"seen": dict(look.seen)})
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
            return _as_before(work, {"seen": dict(look.seen)}, self._poll_seconds)
        arrived, seen = self._pickup.is_waiting(work)
        return Back(pickup_step(work)) if arrived else _as_before(work, {"seen": dict(seen)}, self._poll_seconds)

    def _run(self, work: Work, picked: Picked) -> Outcome:
        return self._judge(work, picked, self._file.run(work, picked, work.parameters(ChainParameters).stages))

    def _judge(self, work: Work, picked: Picked, result: ChainResult) -> Outcome:
        home = self._files.client_root(work.pack.operator_code, work.view.root)
        evidence = chain_evidence(result, picked, home, work.view.language)
        memory: dict[str, Any] = {"picked": picked.as_json(), "seen": {}, "announced_taken": True}
        if result.blocked:
            return self._blocked(work, picked, result, evidence, memory)
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
                memory={"seen": {}, "announced_taken": True},
            )
        if any(stage.stage == "integration" for stage in result.stages):
            self._register(work, picked, result)
        return Done(evidence, memory=memory)

    def _blocked(
        self, work: Work, picked: Picked, result: ChainResult, evidence: Evidence, memory: Mapping[str, Any]
    ) -> Outcome:
        stopping = [finding for finding in result.findings if finding.severity in {"block", "quarantine"}]
        first = stopping[0]
        is_about_the_file = first.stage not in {"ofc", "delivery"}
        if is_about_the_file:
            shelf: Shelf = "quarantine" if result.verdict == "quarantined" else "error"
            self._pickup.put_aside(work, picked, shelf)
        return Failed(
            first.code,
            _joined(say("chain.file", name=picked.name), [finding.message for finding in stopping]),
            _joined(None, [finding.advice for finding in stopping]),
            evidence,
            memory={**memory, "picked": picked.as_json()},
            poll=self._poll_seconds if is_about_the_file and picked.shelved else None,
            about=f"{picked.sha256}:{picked.shelved}",
        )

    def _register(self, work: Work, picked: Picked, result: ChainResult) -> None:
        operator, root = work.pack.operator_code, work.view.root
        self._registry.integrate(
            work.view.id,
            operator=operator,
            root=root,
            sha256=picked.sha256,
            invoices=invoice_entries(result),
            month=month_entry(result),
        )
        self._registry.mark(work.view.id, picked.sha256, "integrated")


def _remembered(work: Work) -> Picked | None:
    """Return the file that this step judged before, for a retry without a new one."""
    kept = work.memory.get("picked")
    return Picked.from_json(kept) if kept is not None and Path(kept["path"]).is_file() else None


def _as_before(work: Work, memory: Mapping[str, Any], poll: float) -> Failed:
    step = work.step
    assert step.code is not None
    assert step.seen is not None
    assert step.advice is not None
    return Failed(step.code, step.seen, step.advice, memory=memory, poll=poll, about=work.memory.get("about", ""))


def _joined(first: Localized | None, texts: list[Localized]) -> Localized:
    parts = [*([first] if first else []), *dict.fromkeys(texts)]
    return Localized(
        fr="\n".join(part.fr for part in parts),
        en="\n".join(part.en for part in parts),
        es="\n".join(part.es for part in parts),
    )
