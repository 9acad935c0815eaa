"""What a step's work came to, and the evidence it brings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.locales import say
from checklists.model import Localized, Role


@dataclass(frozen=True)
class Fact:
    """One thing that was seen: ``label`` for people, ``value`` as text."""

    label: Localized
    value: str

    def as_json(self) -> dict[str, Any]:
        """Return the fact as the database and the trail keep it."""
        return {"label": self.label.model_dump(), "value": self.value}


# Lists that a report shows the first entries of: the surfaces offer the whole file beside it.
# A form's spreadsheet is offered as a file in the same way.
SHEET = "sheet"
LISTS = frozenset({"references", "vanished", "findings", SHEET})
SHOWN_ENTRIES = 25
# What people gave as a proof: a surface that keeps files offers it beside the report that tells of it.
PROOF = "proof"


@dataclass(frozen=True)
class FileEvidence:
    """A file and its checksum. ``rows`` if it has any.

    ``kind``: source, output, usage, manifest, integrated, ofc, proof, or one of LISTS, made for people to read.
    """

    name: str
    kind: str
    path: str
    size: int
    sha256: str
    rows: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the file as the database and the trail keep it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "path": self.path,
            "size": self.size,
            "sha256": self.sha256,
            "rows": self.rows,
        }


@dataclass(frozen=True)
class FindingEvidence:
    """A coded finding of the test-file chain."""

    code: str
    severity: str
    message: Localized
    advice: Localized

    def as_json(self) -> dict[str, Any]:
        """Return the finding as the database and the trail keep it."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message.model_dump(),
            "advice": self.advice.model_dump(),
        }


@dataclass(frozen=True)
class Evidence:
    """All that an outcome shows for itself."""

    facts: tuple[Fact, ...] = ()
    files: tuple[FileEvidence, ...] = ()
    findings: tuple[FindingEvidence, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the evidence as the trail keeps it."""
        return {
            "facts": [fact.as_json() for fact in self.facts],
            "files": [file.as_json() for file in self.files],
            "findings": [finding.as_json() for finding in self.findings],
        }


@dataclass(frozen=True)
class Letter:
    """A mail to the partner that goes with an outcome, once for its ``name`` within the onboarding."""

    name: str
    subject: Localized
    text: Localized

    def as_json(self) -> dict[str, Any]:
        """Return the letter as the trail keeps it."""
        return {"name": self.name, "subject": self.subject.model_dump(), "text": self.text.model_dump()}


@dataclass(frozen=True)
class Done:
    """The step's work is finished and proved."""

    evidence: Evidence = Evidence()
    memory: Mapping[str, Any] = field(default_factory=dict)
    link: str | None = None
    letter: Letter | None = None


@dataclass(frozen=True)
class Waiting:
    """Somebody or something must act first.

    ``poll`` is the number of seconds after which the work looks again (None: only a person moves it); looks grow rarer
    while they bring no news. ``signal`` names what a lookout sees for all that wait (``bot.onboarding.lookouts``), so
    that news is not waited for. ``copy`` is a text for a person to copy and send.
    """

    on: Role
    note: Localized
    poll: float | None = None
    copy: Localized | None = None
    evidence: Evidence = Evidence()
    memory: Mapping[str, Any] = field(default_factory=dict)
    link: str | None = None
    signal: str | None = None


@dataclass(frozen=True)
class Failed:
    """The work cannot go on.

    ``poll`` and ``signal`` keep looking in spite of the failure: a better file may arrive. ``about`` names what was
    judged (a file's checksum), so that the same verdict on another file is news and a look that finds nothing new is
    not.
    """

    code: str
    seen: Localized
    advice: Localized
    evidence: Evidence = Evidence()
    memory: Mapping[str, Any] = field(default_factory=dict)
    poll: float | None = None
    link: str | None = None
    about: str = ""
    signal: str | None = None
    letter: Letter | None = None


@dataclass(frozen=True)
class Back:
    """An earlier step must be done again first: ``to`` is its id. Every step that builds on it starts anew."""

    to: str
    memory: Mapping[str, Any] = field(default_factory=dict)


Outcome = Done | Waiting | Failed | Back


def number(count: int) -> Localized:
    """Return a count as each language groups its digits: 1 234 in French and Spanish, 1,234 in English."""
    grouped = f"{count:,}"
    spaced = grouped.replace(",", "\N{NO-BREAK SPACE}")
    return Localized(fr=spaced, en=grouped, es=spaced)


def fact(key: str, value: object, **values: object) -> Fact:
    """Return a fact whose label is the sentence ``fact.<key>``."""
    return Fact(say(f"fact.{key}", **values), str(value))
