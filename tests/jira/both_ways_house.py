"""A core with a ticket step and a manual one between a sandbox Jira and a board; work is done when the test says so."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sqlmodel import Session, select
from starlette.types import ASGIApp

from bot.jira.additions import JiraAdditions
from bot.jira.connection import JiraConnection
from bot.jira.settings import JiraSettings
from bot.jira.surface import JiraSurface
from bot.jira.tickets import JiraTickets
from bot.onboarding.actors import Actor, Roles
from bot.onboarding.effects import Effects
from bot.onboarding.flow import Flow
from bot.onboarding.lookouts import LookWorker
from bot.onboarding.models import DueRecord, Event
from bot.onboarding.outcomes import Done, FileEvidence, Outcome, Waiting
from bot.onboarding.packs import Packs
from bot.onboarding.ports import Job, Surface
from bot.onboarding.retry import Backoff
from bot.onboarding.service import Onboardings
from bot.onboarding.start import StartRequest
from bot.onboarding.store import Store
from bot.onboarding.ticket_talk import TicketReplies
from bot.onboarding.turns import ThreadTurns
from bot.onboarding.view import OnboardingView, Report
from bot.onboarding.wakeups import Wakeups
from bot.onboarding.work import Work
from bot.onboarding.worker import StepWorker, SurfaceWorker, Sweep
from bot.sandbox.jira import JiraPerson, JiraServer
from bot.steps.confirm import ConfirmStep
from bot.steps.lookouts import TicketLookout
from bot.steps.ticket import TicketStep
from bot.wiring.jira import build_jira_work, mirror_names
from checklists.model import AskParameters, OptionValue
from checklists.model import Step as StepDefinition

PACK = """
pack: operadora_x
version: 1
operator: {name: OPERADORA X, country: ES}
title: {fr: Activation, en: Activation, es: Activación}
steps:
  - id: portal
    kind: confirm
    role: manager
    title: {fr: Portail, en: Portal, es: Portal}
    ticks:
      - {id: logged_in, label: {fr: Connecté, en: Logged in, es: Conectado}}
      - {id: found, label: {fr: Trouvé, en: Found, es: Encontrado}}
  - id: ticket
    kind: ticket
    role: data_base
    title: {fr: Ticket, en: Ticket, es: Tique}
    with:
      summary: "OFC flow {client}"
      done: {statuses: [Done]}
      refused: {statuses: [Rejected]}
  - id: received
    kind: ask
    needs: [portal]
    title: {fr: Reçu, en: Received, es: Recibido}
    with: {of: partner, question: {fr: Reçu ?, en: Received?, es: ¿Recibido?}}
"""

ANA = Actor("slack", "slack:UANA", "Ana")
POLL = 60.0


class Clock:
    """Time for the bot and for Jira, a little later at each look so that nothing happens twice at one moment."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=5)
        return self.moment


class Queue:
    """The Jobs port in memory."""

    def __init__(self) -> None:
        self.waiting: list[Job] = []
        self.seen: set[str] = set()

    def enqueue(self, session: Session, job_id: str, job: Job) -> None:
        assert session.in_transaction()
        if job_id not in self.seen:
            self.seen.add(job_id)
            self.waiting.append(job)


class Ask:
    """A step that waits for the partner."""

    parameters: type[BaseModel] = AskParameters

    def begin(self, definition: StepDefinition, options: Mapping[str, OptionValue]) -> Waiting | None:
        del options
        assert isinstance(definition.parameters, AskParameters)
        return Waiting(on="partner", note=definition.parameters.question)

    def run(self, work: Work) -> Outcome:
        del work
        return Done()


class Thread:
    """A surface in memory that keeps what it was told, in order."""

    name = "slack"
    grace_seconds = 0.0

    def __init__(self) -> None:
        self.reports: list[Report] = []

    def create_parent(self, view: OnboardingView, marker: str) -> str:
        del marker
        return f"C1:{view.id}"

    def find_parent(self, view: OnboardingView, marker: str) -> str | None:
        del view, marker
        return None

    def parent_link(self, parent: str) -> str | None:
        return f"https://slack.example/{parent}"

    def shows(self, report: Report) -> bool:
        del report
        return True

    def write_report(self, view: OnboardingView, parent: str, report: Report, marker: str) -> str:
        del view, parent, marker
        self.reports.append(report)
        return str(len(self.reports))

    def find_report(self, view: OnboardingView, parent: str, report: Report, marker: str) -> str | None:
        del view, parent, report, marker
        return None

    def takes(self, file: FileEvidence) -> bool:
        del file
        return False

    def picture(self, view: OnboardingView) -> str:
        return f"revision {view.revision}"

    def refresh_parent(self, view: OnboardingView, parent: str, picture: str) -> None:
        """Nothing to draw."""

    def close_parent(self, view: OnboardingView, parent: str, marker: str) -> str:
        del view, marker
        return parent

    def find_closing(self, view: OnboardingView, parent: str, marker: str) -> str | None:
        del view, parent, marker
        return None


class BothWays:
    """``settle`` does all work that is due now; ``later`` lets time pass before it."""

    def __init__(
        self,
        base: Path,
        kind: str,
        *,
        roles: Roles | None = None,
        around: Callable[[ASGIApp], ASGIApp] = lambda application: application,
        **jira: Any,
    ) -> None:
        folder = base / "packs" / "operadora_x"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "checklist.yaml").write_text(PACK, "utf-8")
        self.clock, self.queue = Clock(), Queue()
        self.jira = JiraServer(deployment_type=kind, index_delay_seconds=0, clock=self.clock.now, around=around).start()
        self.settings = JiraSettings.model_validate(
            {
                "url": self.jira.url,
                "token": self.jira.token,
                "email": self.jira.email,
                "project": "ACT",
                "database_project": "DB",
                "index_grace_seconds": 0,
                "timeout_seconds": 10,
                "webhook_secret": "hook-secret",
                "poll_seconds": POLL,
            }
            | jira
        )
        self.store = Store(f"sqlite:///{base / 'core.db'}")
        self.store.migrate()
        connection = JiraConnection(self.settings)
        tickets = JiraTickets(connection)
        kinds: dict[str, Any] = {
            "confirm": ConfirmStep(),
            "ticket": TicketStep(tickets, poll_seconds=POLL),
            "ask": Ask(),
        }
        models = {name: each.parameters for name, each in kinds.items()}
        self.packs = Packs([base / "packs"], base / "shelf", models, builtin=False)
        self.effects = Effects(self.store, self.clock)
        self.thread = Thread()
        self.surfaces: dict[str, Surface] = {"slack": self.thread, "jira": JiraSurface(connection)}  # type: ignore[dict-item] # it takes no files
        names = [*self.surfaces, *mirror_names(self.settings)]
        self.flow = Flow(self.store, self.packs, kinds, self.queue, self.clock, names)
        self.onboardings = Onboardings(
            self.store, self.packs, self.flow, self.clock, roles or Roles({"manager": ["UANA"]}), language="en"
        )
        self.backoff = Backoff(first=5, tries=3)
        steps = StepWorker(self.store, self.packs, kinds, self.flow, self.effects, self.clock, self.backoff)
        both = build_jira_work(
            connection,
            self.store,
            self.packs,
            self.flow,
            self.effects,
            self.onboardings,
            self.backoff,
            ThreadTurns(),
            longest_pause=3_600,
        )
        self.surfaces |= both.surfaces
        dossier = JiraAdditions(connection, lambda key: f"{key} in revision {self.view().revision}".encode())
        shows = SurfaceWorker(
            self.store,
            self.packs,
            self.surfaces,
            self.flow,
            self.effects,
            self.backoff,
            additions={"jira": dossier},
        )
        self.replies = TicketReplies(self.store, self.flow)
        self.wakeups = Wakeups(self.store, self.clock)
        looks = LookWorker(self.store, self.clock, [TicketLookout(tickets, poll_seconds=POLL), *both.lookouts])
        self.workers: dict[str, Any] = {
            "step": steps.run,
            "surface": shows.run,
            "look": looks.run,
            **both.workers,
        }
        self.sweep = Sweep(self.store, self.queue, self.clock, looks.kinds)
        self.morgan = JiraPerson(
            self.jira.url, "sandbox-manager-pat", "manager@sandbox.example" if self.jira.email else None
        )
        self.dana = JiraPerson(self.jira.url, self.jira.database_token, self.jira.database_email)
        self.bot = JiraPerson(self.jira.url, self.jira.token, self.jira.email)
        self.key = ""

    def close(self) -> None:
        self.morgan.close()
        self.dana.close()
        self.bot.close()
        self.store.close()
        self.jira.stop()

    def start(self) -> str:
        request = StartRequest(
            pack="operadora_x",
            partner="PARTNER-ONE",
            partner_email="ops@partner.example",
            client="ACME Ibérica",
            root="ACME-IBERICA",
            tax_ids=["A78923125"],
            options={},
        )
        self.key = self.onboardings.start(request, ANA).key
        self.settle()
        self.later(5)
        return self.key

    def settle(self) -> None:
        """Do the work that waits or is due, and what follows from it, until there is none."""
        for _ in range(60):
            jobs, self.queue.waiting = self.queue.waiting, []
            for job in jobs:
                if job.subject.startswith(tuple(f"{name}:" for name in self.workers)):
                    self.workers[job.subject.partition(":")[0]](job)
            if not jobs and self.sweep.run() == 0:
                return
        raise AssertionError("the work never ends")

    def later(self, seconds: float = 2 * POLL) -> None:
        self.clock.moment += timedelta(seconds=seconds)
        self.settle()

    def told(self, *kinds: str) -> list[Report]:
        return [report for report in self.thread.reports if report.kind in kinds]

    def said(self, *kinds: str) -> list[str]:
        return [report.seen.en for report in self.told(*kinds) if report.seen]

    def reply(self, text: str, *, ts: str = "1.1", ticket: str | None = None) -> bool:
        number = self.key.removeprefix("ONB-")
        return self.replies.reply("slack", f"C1:{number}", text, ticket=ticket, actor=ANA, source=f"slack:message:{ts}")

    def events(self, *kinds: str) -> list[Event]:
        return [line for line in self.onboardings.trail(self.key) if line.kind in kinds]

    def due(self) -> list[str]:
        with self.store.reading() as session:
            return sorted(session.exec(select(DueRecord.subject)).all())

    def view(self) -> OnboardingView:
        return self.onboardings.view(self.key)

    def state(self, step: str) -> str:
        return self.view().step(step).state

    def comments(self, issue: str) -> list[str]:
        return [comment.body for comment in self.jira.store.issues[issue].comments]


@contextmanager
def both_ways(base: Path, kind: str = "Server", **how: Any) -> Iterator[BothWays]:
    home = BothWays(base, kind, **how)
    try:
        yield home
    finally:
        home.close()


def names(reports: Sequence[Report]) -> list[str]:
    return [report.actor for report in reports]


def moved(job: Job, run: int) -> Job:
    return replace(job, run=run)
