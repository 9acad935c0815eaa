"""A file that somebody dropped into an onboarding's thread: checked as the command ``check`` does.

Nothing is integrated and nothing is compared with what others have: the check knows the client of this onboarding and
the references of its root, so it tells nothing about anybody else. What it read of a file of another client is not
told either: the chain stops there, and the copy is thrown away.
"""

from collections.abc import Mapping
from pathlib import Path

from bot.locales import say
from bot.onboarding.models import Onboarding
from bot.onboarding.outcomes import Evidence, Fact, FindingEvidence, fact, number
from bot.onboarding.registry import Registry
from bot.steps.layout import LocalFiles
from bot.steps.loaded import known_references
from checklists.model import STAGES, Language, Localized, Pack, Stage
from pipeline.chain import Chain
from pipeline.client import Client
from pipeline.errors import ConfigurationError
from pipeline.result import JSON, ChainResult

# The OFC is the partner's, of a file that was integrated; here nothing is.
CHECKED: tuple[Stage, ...] = tuple(stage for stage in STAGES if stage not in {"ofc", "delivery"})

SHOWN = 20
# Totals of a file that goes no further may be anybody's.
IDENTIFIED = (("header", "format"), ("name", "period"), ("totals", "invoices"), ("totals", "gross"))


def is_database(name: str) -> bool:
    """Tell whether a step that waits for the operator's file can be given this one, by its name."""
    return Path(name).suffix.lower() == ".mdb"


class DroppedCheck:
    """Checks files that were dropped."""

    def __init__(self, registry: Registry, files: LocalFiles) -> None:
        self._registry = registry
        self._files = files

    def run(self, onboarding: Onboarding, pack: Pack, file: Path) -> tuple[Localized, Localized, Evidence]:
        """Return what was seen, what to do next, and the findings. Raises ConfigurationError, OSError."""
        inventory = self._files.base / "inventory" / f"{onboarding.root.upper()}.csv"
        client = Client(
            root=onboarding.root,
            partner=onboarding.partner,
            tax_ids=tuple(onboarding.tax_ids),
            inventory=known_references(self._registry, pack.operator_code, onboarding.root, inventory),
        )
        result = Chain(file, pack, client=client).run(CHECKED)
        language: Language = onboarding.language  # type: ignore[assignment]
        seen = say("given.checked", name=file.name, verdict=say(f"verdict.{result.verdict}"))
        way = "console" if onboarding.options.get("deposit") == "console" else "ftp"
        advice = say("given.blocked_advice" if result.blocked else f"given.fine_advice_{way}", key=onboarding.key)
        return seen, advice, _evidence(result, language)


def _evidence(result: ChainResult, language: Language) -> Evidence:
    stages: dict[str, Mapping[str, JSON]] = {stage.stage: stage.facts for stage in result.stages}
    facts = [fact("sha256", result.sha256), fact("size", f"{result.size} B")]
    facts += [fact(name, stages[stage][name]) for stage, name in IDENTIFIED if name in stages.get(stage, {})]
    ordered = sorted(result.findings, key=lambda finding: not finding.stops)
    total = len(ordered) + sum(len(rest.rows) for rest in result.unlisted)
    if total > SHOWN:
        said = say("given.shown_of", count=number(total), shown=SHOWN)
        facts.append(Fact(say("fact.findings"), said.text(language)))
    if not result.blocked and result.not_made:
        facts.append(Fact(say("given.not_made"), ", ".join(result.not_made)))
    shown = tuple(FindingEvidence(one.code, one.severity, one.message, one.advice) for one in ordered[:SHOWN])
    return Evidence(facts=tuple(facts), findings=shown)


__all__ = ["CHECKED", "ConfigurationError", "DroppedCheck", "is_database"]
