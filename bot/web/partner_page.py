"""What the partner's page shows, as plain values: its own steps, whose turn it is, its files and what came of them.

Nothing else is in it: no step of the team's, no address of Slack or Jira, no code, and no finding for the team alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from bot.onboarding.outcomes import FileEvidence, FindingEvidence
from bot.onboarding.received_files import ReceivedFile
from bot.onboarding.view import OnboardingView, StepView
from checklists.model import Localized

# The kinds of step that ask the partner for something, and the kind that says what came of its files.
OWN_KINDS = frozenset({"form", "deposit", "ask"})
CHAIN = "chain"
# A finding for the team alone begins with this word in each language's text (pipeline's catalogue).
INTERNAL = ("(interne)", "(internal)", "(interno)")

Turn = Literal["you", "team", "later", "over", "set_aside"]
Verdict = Literal["checking", "accepted", "blocked", "quarantine"]

_VERDICTS: dict[str, Verdict] = {
    "archive": "accepted",
    "integrated": "accepted",
    "error": "blocked",
    "quarantine": "quarantine",
}


@dataclass(frozen=True)
class Connection:
    """How the partner reaches its folder: ``username_of`` its code. Never a password."""

    protocol: str
    host: str
    port: int
    username_of: Callable[[str], str | None]


@dataclass(frozen=True)
class Place:
    """Where this partner drops its files."""

    protocol: str
    host: str
    port: int
    username: str | None
    path: str
    example: str | None


@dataclass(frozen=True)
class OwnStep:
    """One of the partner's steps. ``kind`` is form, deposit or ask where it can be acted on now."""

    title: Localized
    turn: Turn
    due: date | None
    link: str | None
    kind: str


@dataclass(frozen=True)
class OwnFile:
    """A file that the partner delivered, and what came of it; ``findings`` are those of the last one that was read."""

    file: ReceivedFile
    verdict: Verdict
    findings: tuple[tuple[Localized, Localized | None], ...]


@dataclass(frozen=True)
class PartnerPage:
    """The page."""

    steps: tuple[OwnStep, ...]
    files: tuple[OwnFile, ...]
    sent: tuple[FileEvidence, ...]
    place: Place | None

    @property
    def turns(self) -> tuple[OwnStep, ...]:
        """The steps that wait for the partner."""
        return tuple(step for step in self.steps if step.turn == "you")


def partner_page(
    view: OnboardingView,
    received: Sequence[ReceivedFile],
    *,
    link_of: Callable[[StepView], str | None],
    connection: Connection | None,
) -> PartnerPage:
    """Return the page of an onboarding. ``link_of`` gives the address at which a step can be answered."""
    own = [step for step in view.steps if _is_own(step) and step.state != "not_applicable"]
    return PartnerPage(
        steps=tuple(_own_step(view, step, link_of) for step in own),
        files=_own_files(view, received),
        sent=tuple(
            file
            for step in view.steps
            if step.definition.kind == CHAIN and step.state == "done"
            for file in step.evidence.files
            if file.kind == "ofc"
        ),
        place=_place(view, connection) if connection else None,
    )


def _is_own(step: StepView) -> bool:
    return step.definition.kind in OWN_KINDS or step.role == "partner"


def _own_step(view: OnboardingView, step: StepView, link_of: Callable[[StepView], str | None]) -> OwnStep:
    turn = _turn(step) if view.state == "open" or step.state in {"done", "skipped"} else "set_aside"
    link = link_of(step) if turn == "you" else None
    return OwnStep(step.definition.title, turn, step.due_on if turn == "you" else None, link, step.definition.kind)


def _turn(step: StepView) -> Turn:
    match step.state:
        case "done":
            return "over"
        case "skipped" | "not_applicable":
            return "set_aside"
        case "pending" | "ready":
            return "later"
        case "waiting" if step.waits_for == "partner":
            return "you"
        case _:
            return "team"


def _own_files(view: OnboardingView, received: Sequence[ReceivedFile]) -> tuple[OwnFile, ...]:
    """Return the files, the newest first; what was seen in a file is told of the one that the steps are about now."""
    chain = [step for step in view.steps if step.definition.kind == CHAIN and step.state in {"done", "failed"}]
    sources = {file.sha256 for step in chain for file in step.evidence.files if file.kind == "source"}
    is_stopped = any(step.state == "failed" for step in chain)
    findings = tuple(dict.fromkeys(found for step in chain for found in step.evidence.findings))
    files: list[OwnFile] = []
    for file in reversed(received):
        verdict = _VERDICTS.get(file.state, "checking")
        is_current = file.sha256 in sources and not any(other.file.sha256 in sources for other in files)
        if is_current and is_stopped and verdict in {"accepted", "checking"}:
            verdict = "blocked"
        files.append(OwnFile(file, verdict, _told(findings) if is_current else ()))
    return tuple(files)


def _told(findings: Sequence[FindingEvidence]) -> tuple[tuple[Localized, Localized | None], ...]:
    return tuple(
        (found.message, None if _is_internal(found.advice) else found.advice)
        for found in findings
        if found.severity != "info" and not _is_internal(found.message)
    )


def _is_internal(text: Localized) -> bool:
    return any(word.casefold().startswith(INTERNAL) for word in (text.fr, text.en, text.es))


def _place(view: OnboardingView, connection: Connection) -> Place | None:
    if not any(step.definition.kind == "directory" and step.state != "not_applicable" for step in view.steps):
        return None
    files = view.pack.files
    return Place(
        protocol=connection.protocol.upper(),
        host=connection.host,
        port=connection.port,
        username=connection.username_of(view.partner),
        path=f"test/{view.pack.operator_code}/{view.root}/in",
        example=files.example if files else None,
    )
