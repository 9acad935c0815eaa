"""The chain on the file that was picked up, with what the onboarding knows: its client, its registry, its form."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from bot.locales import say
from bot.onboarding.errors import StepFailed
from bot.onboarding.registry import Registry
from bot.onboarding.replacing import Decision, decision_about
from bot.onboarding.transfer import Transfer
from bot.onboarding.work import Work
from bot.steps.directory import translated
from bot.steps.layout import DELIVERED_MODE, Layout, LocalFiles
from bot.steps.loaded import RootRegistry, known_references
from bot.steps.pickup import Picked
from bot.steps.ticket import form_answers
from checklists.model import ChainParameters, Stage
from pipeline.chain import Chain
from pipeline.client import Client
from pipeline.errors import ConfigurationError
from pipeline.result import ChainResult

# Stages whose files tell when they were made, in their content or their name.
DATED: frozenset[Stage] = frozenset({"output", "ofc"})


class TestFile:
    """Runs stages of the chain; any stage can be run alone, in another process than the ones before."""

    def __init__(self, transfer: Transfer, registry: Registry, files: LocalFiles, *, root: str) -> None:
        self._transfer = transfer
        self._registry = registry
        self._files = files
        self._root = root

    def run(self, work: Work, picked: Picked, stages: Sequence[Stage]) -> ChainResult:
        """Run stages of the chain on a picked file. Raises StepFailed for a pack that cannot be used, Unavailable."""
        operator_code, root = work.pack.operator_code, work.view.root
        layout = Layout.of(work.view, self._root)
        home = self._files.client_root(operator_code, root)
        home.mkdir(parents=True, exist_ok=True)
        _, answers = form_answers(work)
        moment = work.moment(picked.sha256[:16]) if DATED.intersection(stages) else work.now
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
            replacing=self.loaded(work, picked).agreed(self.decision(work, picked)),
            out=home,
            registry=self.loaded(
                work,
                picked,
            ),
            delivery=PartnerDelivery(work, self._transfer, layout),
            form=answers or None,
            cross_check=True,
            now=lambda: moment,
        )
        try:
            return chain.run(stages)
        except ConfigurationError as wrong:
            raise StepFailed(
                "CONFIGURATION",
                say("chain.configuration", what=str(wrong)),
                say("chain.configuration_advice", pack=work.pack.id),
            ) from wrong

    def loaded(self, work: Work, picked: Picked) -> RootRegistry:
        """Return the registry as the chain asks it for this file."""
        return RootRegistry(
            self._registry,
            work.pack.operator_code,
            work.view.root,
            onboarding_id=work.view.id,
            sha256=picked.sha256,
        )

    def decision(self, work: Work, picked: Picked) -> Decision | None:
        """Return what a person has decided about this file's changed invoices, whichever step it blocked."""
        return decision_about(picked.sha256, list(work.memories.values()))


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
                return target

            self._work.once(f"deliver:{name}:{sha256[:12]}", look=look, do=put)
            if look() is None:
                # Delivered before, and changed or removed since: the same bytes in the same place are no second copy.
                put()
            # Whatever the server's umask is, the partner's group must be able to read it. Not a part of the effect: a
            # run that was killed before this line must still do it. Where there is no command for modes (FTP may have
            # none) the server's umask stands: the partner's receipt tells.
            session.set_mode(target, DELIVERED_MODE)
            return session.sha256(target)


def picked_before(work: Work) -> Picked:
    """Return the file that the pick-up step took."""
    kept = work.memories[pickup_step(work)].get("picked")
    if kept is None or not Path(kept["path"]).is_file():
        raise StepFailed("FILE_GONE", say("chain.file_gone"), say("chain.file_gone_advice"))
    return Picked.from_json(kept)


def pickup_step(work: Work) -> str:
    """Return the id of the step that takes the partner's file. Raises StepFailed where the pack has none."""
    for step in work.view.steps:
        parameters = step.definition.parameters
        if isinstance(parameters, ChainParameters) and "arrival" in parameters.stages:
            return step.id
    raise StepFailed("CONFIGURATION", say("chain.no_pickup"), say("chain.configuration_advice", pack=work.pack.id))
