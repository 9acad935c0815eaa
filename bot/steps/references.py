"""The new references as a file, until a person confirms that they are assigned (procedure, section 4.4)."""

import csv
import io
from collections.abc import Mapping
from hashlib import sha256

from pydantic import BaseModel

from bot.locales import say
from bot.onboarding.models import Reference
from bot.onboarding.outcomes import Done, Evidence, Fact, FileEvidence, Outcome, Waiting, fact
from bot.onboarding.registry import Registry
from bot.onboarding.tickets import Tickets
from bot.onboarding.work import Work
from bot.steps.layout import LocalFiles
from bot.steps.loaded import reference_entries
from bot.steps.test_file import TestFile, picked_before
from checklists.model import Localized, OptionValue, ReferencesParameters
from checklists.model import Step as StepDefinition

# How many references a message lists; the file holds them all.
LISTED = 15


class ReferencesStep:
    """Lists what the root's inventory does not know; nothing new means nothing to do."""

    parameters: type[BaseModel] = ReferencesParameters

    def __init__(self, file: TestFile, registry: Registry, tickets: Tickets, files: LocalFiles) -> None:
        self._file = file
        self._registry = registry
        self._tickets = tickets
        self._files = files

    def begin(self, definition: StepDefinition, options: Mapping[str, OptionValue]) -> None:
        """There is a list to make."""
        del definition, options

    def run(self, work: Work) -> Outcome:
        """Write the list, attach it to the onboarding's issue, and wait for the assignment."""
        result = self._file.run(work, picked_before(work), ["references"])
        operator, root = work.pack.operator_code, work.view.root
        self._registry.add_references(work.view.id, operator, root, reference_entries(result))
        found = self._registry.new_references(work.view.id)
        if not found:
            return Done(Evidence(facts=(fact("new_references", 0),)))
        content = as_csv(found)
        name = f"REFS_{work.view.root.upper()}_{work.view.key}.csv"
        path = self._files.client_root(work.pack.operator_code, work.view.root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        parent = work.view.surfaces.get("jira")
        if parent is not None:
            issue = parent.parent
            work.once(
                f"list-{sha256(content).hexdigest()[:12]}",
                look=lambda: self._tickets.attachment(issue, name),
                do=lambda: self._tickets.attach(issue, name, content),
            )
        listed = tuple(
            Fact(Localized.same(f"{reference.kind} {reference.ref}"), f"{reference.label or '—'} · {reference.net}")
            for reference in found[:LISTED]
        )
        file = FileEvidence(name, "references", str(path), len(content), sha256(content).hexdigest(), len(found))
        return Waiting(
            on=work.definition.role,
            note=say("references.waiting", count=len(found)),
            copy=say("references.list", count=len(found), file=name),
            evidence=Evidence(facts=(fact("new_references", len(found)), *listed), files=(file,)),
            memory={"confirmable": True},
        )


def as_csv(references: list[Reference]) -> bytes:
    """Return the list as UTF-8 CSV with ``;`` between columns; a cell that a spreadsheet would run is made harmless."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(["kind", "ref", "label", "first_seen_invoice", "net"])
    for reference in references:
        label = f"'{reference.label}" if reference.label[:1] in "=+-@\t\r" and reference.label else reference.label
        writer.writerow([reference.kind, reference.ref, label, reference.first_seen_invoice, reference.net])
    return text.getvalue().encode()
