"""What the partner is mailed of its test file: why it was blocked, once for each file; and that the OFC was sent."""

from collections.abc import Collection, Iterator

from bot.locales import say
from bot.onboarding.outcomes import Evidence, Letter
from bot.onboarding.replacing import CHANGED
from bot.onboarding.work import Work
from bot.steps.chain_findings import FindingList
from bot.steps.pickup import Picked
from checklists.model import AskParameters, Localized
from pipeline.findings import Finding

# The catalogue marks so what is meant for the team; a letter shows that many of the others.
INTERNAL = "(interne)"
SHOWN = 10


def blocked_letter(work: Work, picked: Picked, found: FindingList, own_invoices: Collection[str]) -> Letter | None:
    """Return what the partner is told of a file that is blocked; None when there is nothing that it can do.

    ``own_invoices`` are the changed invoices of this client: what is loaded of another one is not told.
    """
    told = list(dict.fromkeys(_told(found, own_invoices)))
    if not told:
        return None
    more = [say("letter.more_findings", count=len(told) - SHOWN)] if len(told) > SHOWN else []
    values = {
        "key": work.view.key,
        "operator": work.view.operator,
        "client": work.view.client,
        "file": picked.name,
        "findings": _list([*told[:SHOWN], *more]),
    }
    return Letter(
        f"findings-{picked.sha256[:16]}", say("letter.blocked_subject", **values), say("letter.blocked", **values)
    )


def ofc_letter(work: Work, evidence: Evidence) -> Letter | None:
    """Return what the partner is told of a delivered OFC; None where a question to it tells the same with its link."""
    files = [file for file in evidence.files if file.kind == "ofc"]
    if not files or _is_asked_about(work):
        return None
    listed = "\n".join(f"  {file.name}\n    {file.size} B, SHA-256 {file.sha256}" for file in files)
    values = {
        "key": work.view.key,
        "operator": work.view.operator,
        "client": work.view.client,
        "files": listed,
    }
    name = f"ofc-{files[0].sha256[:16]}"
    return Letter(name, say("letter.ofc_subject", **values), say("letter.ofc", **values))


def _told(found: FindingList, own_invoices: Collection[str]) -> Iterator[tuple[Localized, Localized]]:
    for finding in found.stopping:
        if finding.message.fr.startswith(INTERNAL):
            continue
        if finding.code == CHANGED and finding.evidence.get("invoice") not in own_invoices:
            yield _elsewhere(finding), finding.advice
        else:
            yield finding.message, finding.advice


def _elsewhere(finding: Finding) -> Localized:
    return say("letter.invoice_elsewhere", invoice=finding.evidence.get("invoice", "—"))


def _list(entries: list[tuple[Localized, Localized] | Localized]) -> Localized:
    return Localized(
        fr="\n".join(_entry(entry, "fr") for entry in entries),
        en="\n".join(_entry(entry, "en") for entry in entries),
        es="\n".join(_entry(entry, "es") for entry in entries),
    )


def _entry(entry: tuple[Localized, Localized] | Localized, language: str) -> str:
    if isinstance(entry, Localized):
        return f"- {getattr(entry, language)}"
    message, advice = entry
    return f"- {getattr(message, language)}\n  → {getattr(advice, language)}"


def _is_asked_about(work: Work) -> bool:
    return any(
        isinstance(step.definition.parameters, AskParameters)
        and step.definition.parameters.of == "partner"
        and work.definition.id in step.definition.needs
        and step.state not in {"not_applicable", "skipped"}
        for step in work.view.steps
    )
