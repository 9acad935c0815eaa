"""A run's findings as people can read them: the first ones in the message, all in a file when there are many."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from bot.locales import say
from bot.onboarding.outcomes import Fact, FileEvidence, FindingEvidence, fact, number
from bot.onboarding.work import Work
from bot.steps.lists import harmless, keep_list
from checklists.model import LANGUAGES, Localized
from pipeline.findings import Finding
from pipeline.result import ChainResult

# A report shows that many findings; a failure's own text holds that many characters of their messages.
SHOWN = 20
TEXT = 1_000
# Jira takes files of 10 MB unless it is told otherwise.
MOST_ROWS = 20_000
COLUMNS = ("severity", "code", "stage", "message", "evidence")


@dataclass(frozen=True)
class FindingList:
    """The findings of a run, those that stop the file first. ``file`` holds all of them; None when all are shown.

    ``total`` and ``total_stopping`` count the rows too that are too many for a finding each.
    """

    findings: tuple[Finding, ...]
    total: int
    total_stopping: int
    file: FileEvidence | None

    @classmethod
    def of(cls, result: ChainResult, work: Work, home: Path) -> "FindingList":
        """List a run's findings; where they are too many for a message, keep them as a file in the client's root."""
        ordered = sorted(result.findings, key=lambda finding: not finding.stops)
        total = len(ordered) + sum(len(rest.rows) for rest in result.unlisted)
        stopping = [finding for finding in ordered if finding.stops]
        total_stopping = len(stopping) + sum(len(rest.rows) for rest in result.unlisted if rest.stops)
        all_told = len(_told(stopping)) == len({finding.message for finding in stopping})
        file = None
        if total > SHOWN or not all_told:
            rest = sorted(result.unlisted, key=lambda rest: not rest.stops)
            everything = chain(ordered, *(each.findings() for each in rest))
            stem = f"FINDINGS_{work.view.key}_{work.definition.id.upper()}"
            rows = _rows(everything, total, work)
            file = keep_list(home, stem, "findings", COLUMNS, rows, count=total)
        return cls(tuple(ordered), total, total_stopping, file)

    @property
    def stopping(self) -> list[Finding]:
        """The findings that stop the file."""
        return [finding for finding in self.findings if finding.stops]

    @property
    def shown(self) -> tuple[FindingEvidence, ...]:
        """The first findings as evidence."""
        return tuple(
            FindingEvidence(finding.code, finding.severity, finding.message, finding.advice)
            for finding in self.findings[:SHOWN]
        )

    def facts(self, work: Work) -> tuple[Fact, ...]:
        """Return how many there are, where not all are shown."""
        if self.file is None or self.total <= SHOWN:
            return ()
        shown = number(len(self.shown))
        said = say("list.shown_of", count=number(self.total), shown=shown, file=self.file.name)
        return (fact("findings", said.text(work.view.language)),)

    def seen(self, first: Localized) -> Localized:
        """Return what stops the file: ``first``, the messages that there is room for, and how many more there are."""
        told = _told(self.stopping)
        left = self.total_stopping - sum(finding.message in told for finding in self.stopping)
        more = [say("list.more_in_file", count=number(left), file=self.file.name)] if left and self.file else []
        return _joined([first, *told, *more])

    def advice(self) -> Localized:
        """Return what to do about it, as far as there is room."""
        return _joined(_few([finding.advice for finding in self.stopping]))


def _rows(findings: Iterator[Finding], total: int, work: Work) -> Iterator[Sequence[str]]:
    language = work.view.language
    for finding in islice(findings, MOST_ROWS):
        evidence = json.dumps(dict(finding.evidence), ensure_ascii=False)
        yield finding.severity, finding.code, finding.stage, harmless(finding.message.text(language)), evidence
    if total > MOST_ROWS:
        cut = say("list.cut", count=number(total - MOST_ROWS), rows=number(MOST_ROWS))
        yield "", "", "", cut.text(language), ""


def _told(findings: Sequence[Finding]) -> list[Localized]:
    return _few([finding.message for finding in findings])


def _few(texts: Sequence[Localized]) -> list[Localized]:
    """Return the first different texts that fit into TEXT characters in every language, one at least."""
    few: list[Localized] = []
    room = dict.fromkeys(LANGUAGES, TEXT)
    for text in dict.fromkeys(texts):
        for language in LANGUAGES:
            room[language] -= len(text.text(language)) + 1
        if few and min(room.values()) < 0:
            break
        few.append(text)
    return few


def _joined(parts: Sequence[Localized]) -> Localized:
    return Localized(
        fr="\n".join(part.fr for part in parts),
        en="\n".join(part.en for part in parts),
        es="\n".join(part.es for part in parts),
    )
