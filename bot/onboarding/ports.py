"""What the core needs of the world: jobs, step kinds, and the surfaces on which people follow along."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pydantic import BaseModel
from sqlmodel import Session

from bot.onboarding.outcomes import FileEvidence, Outcome, Waiting
from bot.onboarding.view import OnboardingView, Report
from bot.onboarding.work import Work
from checklists.model import OptionValue
from checklists.model import Step as StepDefinition


@dataclass(frozen=True)
class Job:
    """A short piece of work outside any transaction: a step's run or a surface's catching up.

    ``subject`` is ``step:<id>`` or ``surface:<name>``; ``run`` is the step's run that the job belongs to.
    """

    onboarding_id: int
    subject: str
    run: int = 0


class Jobs(Protocol):
    """The durable queue."""

    def enqueue(self, session: Session, job_id: str, job: Job) -> None:
        """Add a job in the session's own transaction. The same id again adds nothing."""


@dataclass(frozen=True)
class UnfinishedJob:
    """A job that waits in the queue, or runs (or did when its worker died)."""

    id: str
    is_running: bool
    enqueued_at: datetime


class UnfinishedJobs(Protocol):
    """What is in the queue."""

    def unfinished_since(self, moment: datetime, *, limit: int) -> list[UnfinishedJob]:
        """Return the jobs that were enqueued before a moment and are not finished, the oldest first."""

    def unfinished(self, *, ids: Collection[str] = (), beginning_with: Collection[str] = ()) -> set[str]:
        """Return the ids of unfinished jobs that are among ``ids`` or begin with one of the others."""


class StepKind(Protocol):
    """One kind of step: what its ``with`` holds, what happens when it begins, and its work if it has any."""

    @property
    def parameters(self) -> type[BaseModel]:
        """The model of the pack's key ``with``."""

    def begin(self, definition: StepDefinition, options: Mapping[str, OptionValue]) -> Waiting | None:
        """Say for whom the step waits from the start; None when it has work to do at once. Touches nothing outside."""

    def run(self, work: Work) -> Outcome:
        """Do the work, or look again. Every write outside goes through ``work.effects``.

        Raises StepFailed (the step fails with it) or Unavailable (it is tried again with backoff). May run more
        than once: assume that any earlier run was killed between two lines.
        """


class Links(Protocol):
    """Makes the signed addresses that people outside open.

    ``edition`` is the valid one of now (``OnboardingView.link_edition``): a later one makes the link void.
    """

    def form(self, key: str, step_id: str, *, edition: int = 1) -> str:
        """Return the address of a step's form."""

    def confirmation(self, key: str, step_id: str, *, edition: int = 1) -> str:
        """Return the address at which a step's question is answered."""

    def partner_page(self, key: str, *, edition: int = 1) -> str:
        """Return the address of the page that shows the partner its own steps and files.

        ``edition`` is ``OnboardingView.page_edition``.
        """


class Surface(Protocol):
    """A place where people follow an onboarding: a Slack channel, a Jira project.

    Reading and writing raise Unavailable when the server does not answer. ``marker`` is the ledger's key: the
    surface stores it with what it writes and finds it again by it, so that a lost answer never doubles a write.
    """

    @property
    def name(self) -> str:
        """``slack`` or ``jira``."""

    @property
    def grace_seconds(self) -> float:
        """How long a search may miss what was just written, in seconds (Jira Cloud's index); 0 when it never does."""

    def create_parent(self, view: OnboardingView, marker: str) -> str:
        """Write the parent message or issue; return its id."""

    def find_parent(self, view: OnboardingView, marker: str) -> str | None:
        """Look for a parent written before; None when there is none."""

    def parent_link(self, parent: str) -> str | None:
        """Return the address at which people see the parent, if there is one."""

    def shows(self, report: Report) -> bool:
        """Tell whether this surface writes a report of this kind."""

    def write_report(self, view: OnboardingView, parent: str, report: Report, marker: str) -> str:
        """Write one report under the parent; return its id."""

    def find_report(self, view: OnboardingView, parent: str, report: Report, marker: str) -> str | None:
        """Look for a report written before, whose marker ends with this; None when there is none."""

    def takes(self, file: FileEvidence) -> bool:
        """Tell whether this surface offers a report's list as a file."""

    def send_file(self, view: OnboardingView, file: FileEvidence, content: bytes) -> str:
        """Bring a file's bytes to the server, where nobody sees them yet; return what it is known by there.

        Done again it leaves a file behind that nobody sees. Raises FileRefused where the server refuses it for good.
        """

    def share_file(self, view: OnboardingView, parent: str, file: FileEvidence, sent: str, content: bytes) -> str:
        """Show a file that was sent under the parent; return its id there. Raises FileRefused as ``send_file``."""

    def find_file(self, view: OnboardingView, parent: str, file: FileEvidence, sent: str) -> str | None:
        """Look for a file shown before; None when there is none."""

    def picture(self, view: OnboardingView) -> str:
        """Return the parent as it should look now: a pure function of the view. Empty when there is nothing to edit."""

    def refresh_parent(self, view: OnboardingView, parent: str, picture: str) -> None:
        """Edit the parent in place to the picture."""

    def close_parent(self, view: OnboardingView, parent: str, marker: str) -> str:
        """Do what the surface does once at the end (Jira: closing comment and transition); return a word for it."""

    def find_closing(self, view: OnboardingView, parent: str, marker: str) -> str | None:
        """Look whether the end was written before."""
