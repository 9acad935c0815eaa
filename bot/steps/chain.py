"""The test-file chain as steps of a checklist: each runs some of its stages and shows what they found.

Procedure, section 4: pick-up, processing, Output, OFC. The stages and their findings are ``pipeline``'s; here a
blocked file becomes a failed step with the findings' own words, and the next good file lets it pass.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bot.locales import say
from bot.onboarding.errors import StepFailed
from bot.onboarding.outcomes import (
    Back,
    Done,
    Evidence,
    Fact,
    Failed,
    FileEvidence,
    FindingEvidence,
    Outcome,
    Waiting,
    fact,
)
from bot.onboarding.registry import Registry
from bot.onboarding.transfer import Transfer
from bot.onboarding.work import Work
from bot.steps.directory import translated
from bot.steps.layout import DELIVERED_MODE, Layout, LocalFiles, Shelf
from bot.steps.loaded import RootRegistry, invoice_entries, known_references, month_entry, reference_entries
from bot.steps.pickup import Picked, Pickup
from bot.steps.ticket import form_answers
from checklists.model import ChainParameters, Localized, OptionValue
from checklists.model import Step as StepDefinition
from pipeline.chain import Chain
from pipeline.client import Client
from pipeline.errors import ConfigurationError
from pipeline.result import ChainResult, OutputFile


class ChainStep:
    """Runs the stages that the pack names for the step."""

    parameters: type[BaseModel] = ChainParameters

    def __init__(
        self,
        pickup: Pickup,
        transfer: Transfer,
        registry: Registry,
        files: LocalFiles,
        *,
        root: str,
        poll_seconds: float,
    ) -> None:
        self._pickup = pickup
        self._transfer = transfer
        self._registry = registry
        self._files = files
        self._root = root
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
        picked = _picked_before(work)
        return self._judge(work, picked, self._run_stages(work, picked))

    def _first_stages(self, work: Work) -> Outcome:
        look = self._pickup.look(work)
        picked = look.picked or _remembered(work)
        if picked is None:
            note = say("deposit.arriving", files=", ".join(sorted(look.seen))) if look.seen else say("pickup.waiting")
            return Waiting(on="partner", note=note, poll=self._poll_seconds, memory={"seen": dict(look.seen)})
        return self._judge(work, picked, self._run_stages(work, picked))

    def _look_for_better(self, work: Work) -> Outcome:
        """A failed step keeps watching the folder: the next good file passes without anybody's click."""
        picks_up = "arrival" in work.parameters(ChainParameters).stages
        if picks_up:
            look = self._pickup.look(work)
            if look.picked is not None:
                return self._judge(work, look.picked, self._run_stages(work, look.picked))
            return _as_before(work, {"seen": dict(look.seen)}, self._poll_seconds)
        arrived, seen = self._pickup.is_waiting(work)
        return Back(_pickup_step(work)) if arrived else _as_before(work, {"seen": dict(seen)}, self._poll_seconds)

    def _run_stages(self, work: Work, picked: Picked) -> ChainResult:
        operator_code, root = work.pack.operator_code, work.view.root
        layout = Layout.of(work.view, self._root)
        home = self._files.client_root(operator_code, root)
        home.mkdir(parents=True, exist_ok=True)
        _, answers = form_answers(work)
        client = Client(
            root=root,
            partner=work.view.partner,
            tax_ids=work.view.tax_ids,
            inventory=known_references(
                self._registry, operator_code, root, self._files.base / "inventory" / f"{root.upper()}.csv"
            ),
        )
        chain = Chain(
            picked.path,
            work.pack,
            client=client,
            out=home,
            registry=RootRegistry(
                self._registry, operator_code, root, onboarding_id=work.view.id, sha256=picked.sha256
            ),
            delivery=PartnerDelivery(work, self._transfer, layout),
            form=answers or None,
            now=lambda: work.now,
        )
        try:
            return chain.run(work.parameters(ChainParameters).stages)
        except ConfigurationError as wrong:
            raise StepFailed(
                "CONFIGURATION",
                say("chain.configuration", what=str(wrong)),
                say("chain.configuration_advice", pack=work.pack.id),
            ) from wrong

    def _judge(self, work: Work, picked: Picked, result: ChainResult) -> Outcome:
        evidence = _evidence(work, picked, result, self._files)
        memory: dict[str, Any] = {"picked": picked.as_json(), "seen": {}, "announced_taken": True}
        if result.blocked:
            return self._blocked(work, picked, result, evidence, memory)
        if result.duplicate:
            self._pickup.put_aside(work, picked, "archive")
            note = say("chain.duplicate", name=picked.name)
            return Waiting(
                on="partner", note=note, poll=self._poll_seconds, copy=note, evidence=evidence, memory={"seen": {}}
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
        self._registry.add_references(work.view.id, operator, root, reference_entries(result))
        self._registry.mark(work.view.id, picked.sha256, "integrated")


class PartnerDelivery:
    """Puts a file into the partner's ``out`` folder (``pipeline.chain.Delivery``)."""

    def __init__(self, work: Work, transfer: Transfer, layout: Layout) -> None:
        self._work = work
        self._transfer = transfer
        self._layout = layout

    def deliver(self, file: Path, name: str) -> str:
        """Upload under a temporary name, rename, and return the sha256 read back from the server."""
        with file.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        target = f"{self._layout.outgoing}/{name}"
        with translated(self._layout), self._transfer.session() as session:

            def look() -> str | None:
                entry = session.entry(target)
                return target if entry is not None and session.sha256(target) == sha256 else None

            def put() -> str:
                session.put(file, target)
                # Whatever the server's umask is, the partner's group must be able to read it.
                session.set_mode(target, DELIVERED_MODE)
                return target

            self._work.once(f"deliver:{name}:{sha256[:12]}", look=look, do=put)
            if look() is None:
                # Delivered before, and changed or removed since: the same bytes in the same place are no second copy.
                put()
            return session.sha256(target)


def _picked_before(work: Work) -> Picked:
    """Return the file that the pick-up step took."""
    kept = work.memories[_pickup_step(work)].get("picked")
    if kept is None or not Path(kept["path"]).is_file():
        raise StepFailed("FILE_GONE", say("chain.file_gone"), say("chain.file_gone_advice"))
    return Picked.from_json(kept)


def _pickup_step(work: Work) -> str:
    for step in work.view.steps:
        parameters = step.definition.parameters
        if isinstance(parameters, ChainParameters) and "arrival" in parameters.stages:
            return step.id
    raise StepFailed("CONFIGURATION", say("chain.no_pickup"), say("chain.configuration_advice", pack=work.pack.id))


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


def _evidence(work: Work, picked: Picked, result: ChainResult, files: LocalFiles) -> Evidence:
    language = work.view.language
    facts: list[Fact] = [fact("file", picked.name), fact("verdict", say(f"verdict.{result.verdict}").text(language))]
    for stage in result.stages:
        facts += [
            Fact(Localized.same(f"{stage.stage}.{name}"), str(value))
            for name, value in stage.facts.items()
            if isinstance(value, str | int) and not isinstance(value, bool)
        ]
    home = files.client_root(work.pack.operator_code, work.view.root)
    source = FileEvidence(picked.name, "source", str(picked.path), picked.size, picked.sha256)
    made = [_made(output, home) for output in result.outputs]
    findings = tuple(
        FindingEvidence(finding.code, finding.severity, finding.message, finding.advice) for finding in result.findings
    )
    return Evidence(facts=tuple(facts), files=(source, *made), findings=findings)


def _made(output: OutputFile, home: Path) -> FileEvidence:
    path = str(home / output.path) if output.path else ""
    return FileEvidence(output.name, output.kind, path, output.bytes, output.sha256, output.rows or None)


def _joined(first: Localized | None, texts: list[Localized]) -> Localized:
    parts = [*([first] if first else []), *dict.fromkeys(texts)]
    return Localized(
        fr="\n".join(part.fr for part in parts),
        en="\n".join(part.en for part in parts),
        es="\n".join(part.es for part in parts),
    )
