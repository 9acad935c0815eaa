"""What the chain has to say about a file: findings, and the catalogue their texts come from.

The catalogue is findings.yaml beside this module; a pack adds texts for the codes of its own checks.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import TypeAdapter

from checklists.model import LANGUAGES, FindingTexts, Frozen, Localized, Severity, Stage
from pipeline.errors import ConfigurationError

PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
# More offending rows than this and a list in Slack helps nobody; the count goes into the last one's evidence.
LISTED_ROWS = 20

STOPPING: frozenset[Severity] = frozenset({"block", "quarantine"})

Evidence = Mapping[str, str | int]


@dataclass(frozen=True)
class Finding:
    """One thing seen in a file. ``evidence`` holds what the texts were filled with: text, counts, decimal strings."""

    code: str
    severity: Severity
    stage: Stage
    message: Localized
    advice: Localized
    evidence: Evidence = field(default_factory=dict)

    @property
    def stops(self) -> bool:
        """Tell whether the chain ends after this stage because of it."""
        return self.severity in STOPPING


@dataclass(frozen=True)
class Unlisted:
    """The offending rows of a check past LISTED_ROWS: too many for a finding each, kept for the whole list."""

    code: str
    severity: Severity
    stage: Stage
    texts: FindingTexts
    rows: Sequence[Evidence]

    @property
    def stops(self) -> bool:
        """Tell whether the chain ends after this stage because of them."""
        return self.severity in STOPPING

    def findings(self) -> Iterator[Finding]:
        """Yield a finding per row."""
        for row in self.rows:
            message, advice = fill(self.texts.message, row), fill(self.texts.advice, row)
            yield Finding(self.code, self.severity, self.stage, message, advice, dict(row))


class Wording(Frozen):
    """Another wording of an entry; what it leaves out is the entry's own."""

    message: Localized | None = None
    advice: Localized | None = None


class Entry(Frozen):
    """One code of the catalogue. The severity ``wait`` is no finding: the bot's step waits and shows the text."""

    severity: Literal["block", "quarantine", "warn", "info", "wait"]
    stages: tuple[Stage, ...]
    message: Localized
    advice: Localized
    variants: Mapping[str, Wording] = field(default_factory=dict)

    def texts(self, variant: str | None = None) -> FindingTexts:
        """Return message and advice, in a variant's wording where it has one. Raises KeyError on another variant."""
        if variant is None:
            return FindingTexts(message=self.message, advice=self.advice)
        wording = self.variants[variant]
        return FindingTexts(message=wording.message or self.message, advice=wording.advice or self.advice)


@cache
def shared_catalogue() -> Mapping[str, Entry]:
    """Read findings.yaml, once a process."""
    text = (Path(__file__).parent / "findings.yaml").read_text(encoding="utf-8")
    # libyaml's safe loader where it is there: ten times as fast, and this is on the way of every command.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return TypeAdapter(dict[str, Entry]).validate_python(yaml.load(text, Loader=loader))  # noqa: S506 - both are safe


def fill(text: Localized, evidence: Evidence) -> Localized:
    """Return the text with every ``{placeholder}`` replaced. Raises ConfigurationError for one without evidence."""

    def replaced(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in evidence:
            raise ConfigurationError(f"a finding's text needs {{{name}}}, which the check does not return", column=name)
        return str(evidence[name])

    filled = {language: PLACEHOLDER.sub(replaced, text.text(language)) for language in LANGUAGES}
    return Localized.model_validate(filled)


class Findings:
    """Makes findings: the texts are the catalogue's or the pack's, the severities the catalogue's unless changed.

    ``severities`` are the pack's own (files.yaml); they win over the default and over a policy's choice.
    ``unlisted`` grows with the rows that ``of_rows`` makes no finding of.
    """

    def __init__(
        self,
        pack_texts: Mapping[str, FindingTexts] | None = None,
        severities: Mapping[str, Severity] | None = None,
    ) -> None:
        self._shared = shared_catalogue()
        self._pack_texts = pack_texts or {}
        self._severities = severities or {}
        self.unlisted: list[Unlisted] = []

    def severity(self, code: str, chosen: Severity | None = None) -> Severity:
        """Return the severity of a code. Raises ConfigurationError for a code that nobody describes."""
        if code in self._severities:
            return self._severities[code]
        if chosen is not None:
            return chosen
        entry = self._shared.get(code)
        if entry is None or entry.severity == "wait":
            raise ConfigurationError(f"{code} is not a finding of the catalogue")
        return entry.severity

    def texts(self, code: str, variant: str | None = None) -> FindingTexts:
        """Return the unfilled texts of a code; the catalogue's before the pack's."""
        entry = self._shared.get(code)
        if entry is not None:
            return entry.texts(variant)
        if code in self._pack_texts:
            return self._pack_texts[code]
        raise ConfigurationError(f"{code} has no texts: add it to the pack's findings.yaml")

    def make(
        self,
        code: str,
        stage: Stage,
        evidence: Evidence,
        *,
        variant: str | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """Make one finding; ``severity`` is a policy's or a pack check's choice."""
        texts = self.texts(code, variant)
        return Finding(
            code=code,
            severity=self.severity(code, severity),
            stage=stage,
            message=fill(texts.message, evidence),
            advice=fill(texts.advice, evidence),
            evidence=dict(evidence),
        )

    def of_rows(
        self,
        code: str,
        stage: Stage,
        rows: Sequence[Mapping[str, str | int]],
        *,
        variant: str | None = None,
        severity: Severity | None = None,
    ) -> list[Finding]:
        """Make a finding per offending row; past LISTED_ROWS the rest is counted in the last one (``not_listed``)."""
        listed = [dict(row) for row in rows[:LISTED_ROWS]]
        if len(rows) > LISTED_ROWS:
            listed[-1]["not_listed"] = len(rows) - LISTED_ROWS
            texts, chosen = self.texts(code, variant), self.severity(code, severity)
            self.unlisted.append(Unlisted(code, chosen, stage, texts, rows[LISTED_ROWS:]))
        return [self.make(code, stage, row, variant=variant, severity=severity) for row in listed]
