"""The new references as a file, until a person confirms that they are assigned (procedure, section 4.4).

What is no longer billed is told beside them, as a file of its own: it is for the team to know, not to confirm.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from bot.locales import say
from bot.onboarding.models import Reference
from bot.onboarding.outcomes import Done, Evidence, Fact, Outcome, Waiting, fact
from bot.onboarding.registry import Registry
from bot.onboarding.work import Work
from bot.steps.layout import LocalFiles
from bot.steps.lists import first_entries, harmless, keep_list
from bot.steps.loaded import reference_entries
from bot.steps.test_file import TestFile, picked_before
from checklists.model import Language, OptionValue, ReferencesParameters
from checklists.model import Step as StepDefinition
from pipeline.result import VanishedReference

NEW_COLUMNS = ("kind", "ref", "label", "first_seen_invoice", "net", "suggestion")
VANISHED_COLUMNS = ("kind", "ref", "label", "last_period", "net", "suggestion")


class ReferencesStep:
    """Lists what the root's inventory does not know; nothing new means nothing to do."""

    parameters: type[BaseModel] = ReferencesParameters

    def __init__(self, file: TestFile, registry: Registry, files: LocalFiles) -> None:
        self._file = file
        self._registry = registry
        self._files = files

    def begin(self, definition: StepDefinition, options: Mapping[str, OptionValue]) -> None:
        """There is a list to make."""
        del definition, options

    def run(self, work: Work) -> Outcome:
        """Write the lists, and wait for the assignment of what is new."""
        result = self._file.run(work, picked_before(work), ["references"])
        operator, root = work.pack.operator_code, work.view.root
        self._registry.add_references(work.view.id, operator, root, reference_entries(result))
        found = self._registry.new_references(work.view.id)
        home = self._files.client_root(operator, root)
        vanished = _vanished(result.vanished_references, work, home)
        if not found:
            return Done(_together(fact("new_references", 0), Evidence(), vanished))
        new = _new(found, work, home)
        return Waiting(
            on=work.definition.role,
            note=say("references.waiting", count=len(found)),
            copy=say("references.list", count=len(found), file=new.files[0].name),
            evidence=_together(fact("new_references", len(found)), new, vanished),
            memory={"confirmable": True},
        )


def _new(found: list[Reference], work: Work, home: Path) -> Evidence:
    rows = (
        (
            reference.kind,
            reference.ref,
            harmless(reference.label),
            harmless(reference.first_seen_invoice),
            reference.net,
            harmless(reference.suggestion),
        )
        for reference in found
    )
    stem = f"REFS_{work.view.root.upper()}_{work.view.key}"
    file = keep_list(home, stem, "references", NEW_COLUMNS, rows, count=len(found))
    entries = [
        Fact(
            say(f"reference.{reference.kind}", ref=reference.ref),
            _about(work.view.language, reference.label, reference.net, reference.suggestion),
        )
        for reference in found
    ]
    return first_entries(entries, file, work.view.language)


def _vanished(gone: tuple[VanishedReference, ...], work: Work, home: Path) -> Evidence:
    if not gone:
        return Evidence()
    rows = (
        (
            one.kind,
            one.ref,
            harmless(one.label or ""),
            one.last_period,
            "" if one.net is None else str(one.net),
            harmless(one.suggestion or ""),
        )
        for one in gone
    )
    stem = f"VANISHED_{work.view.root.upper()}_{work.view.key}"
    file = keep_list(home, stem, "vanished", VANISHED_COLUMNS, rows, count=len(gone))
    entries = [
        Fact(
            say(f"reference.gone_{one.kind}", ref=one.ref),
            _about(
                work.view.language,
                one.label,
                one.last_period if one.net is None else f"{one.net} ({one.last_period})",
                one.suggestion,
            ),
        )
        for one in gone
    ]
    listed = first_entries(entries, file, work.view.language)
    return Evidence(facts=(fact("vanished_references", len(gone)), *listed.facts), files=listed.files)


def _about(language: Language, label: str | None, amount: str, suggestion: str | None) -> str:
    parts = [label or "—", amount]
    if suggestion:
        parts.append(say("reference.suggestion", known=suggestion).text(language))
    return " · ".join(parts)


def _together(first: Fact, *parts: Evidence) -> Evidence:
    return Evidence(
        facts=(first, *(each for part in parts for each in part.facts)),
        files=tuple(each for part in parts for each in part.files),
    )
