"""A core on a real database, with step kinds that a test scripts and a queue that it empties by hand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlmodel import Session

from bot.onboarding.actors import Actor, Roles
from bot.onboarding.effects import Effects
from bot.onboarding.flow import Flow
from bot.onboarding.lookouts import LookWorker
from bot.onboarding.mail import Mail
from bot.onboarding.outcomes import Done, FileEvidence, Outcome, Waiting
from bot.onboarding.pack_archive import PackArchive
from bot.onboarding.packs import Packs
from bot.onboarding.ports import Job
from bot.onboarding.reminders import ReminderWorker
from bot.onboarding.retry import Backoff
from bot.onboarding.service import Onboardings
from bot.onboarding.start import StartRequest
from bot.onboarding.store import Store
from bot.onboarding.turns import PostgresTurns, ThreadTurns
from bot.onboarding.view import OnboardingView, Report
from bot.onboarding.work import Work
from bot.onboarding.worker import StepWorker, SurfaceWorker, Sweep
from bot.steps.confirm import ConfirmStep
from checklists.model import AskParameters, DirectoryParameters, OptionValue
from checklists.model import Step as StepDefinition

PACK = """
pack: operadora_x
version: 1
operator: {name: OPERADORA X, country: ES}
calendar: [ES, FR]
title: {fr: Activation, en: Activation, es: Activación}
options:
  - {id: ofc, type: boolean, label: {fr: OFC, en: OFC, es: OFC}}
steps:
  - id: portal
    kind: confirm
    title: {fr: Portail, en: Portal, es: Portal}
    ticks:
      - {id: logged_in, label: {fr: Connecté, en: Logged in, es: Conectado}}
      - {id: found, label: {fr: Trouvé, en: Found, es: Encontrado}}
  - id: directory
    kind: directory
    title: {fr: Dossier, en: Directory, es: Carpeta}
    due: {working_days: 2, after: start}
  - id: flow
    kind: directory
    when: {ofc: true}
    needs: [directory]
    title: {fr: Flux, en: Flow, es: Flujo}
  - id: status
    kind: confirm
    needs: [portal, flow]
    title: {fr: Statut, en: Status, es: Estado}
    with:
      choices:
        - {id: going, label: {fr: En cours, en: In process, es: En curso}, outcome: wait}
        - {id: broken, label: {fr: Erreur, en: File error, es: Error}, outcome: fail}
        - {id: loaded, label: {fr: Chargé, en: Loaded, es: Cargado}, outcome: done}
  - id: received
    kind: ask
    needs: [status]
    title: {fr: Reçu, en: Received, es: Recibido}
    with: {of: partner, question: {fr: Reçu ?, en: Received?, es: ¿Recibido?}}
"""

ANA = Actor("slack", "slack:UANA", "ana")
BOB = Actor("slack", "slack:UBOB", "bob")


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def move(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class Queue:
    """The Jobs port in memory: an id twice adds nothing, as in the real one."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, Job]] = []
        self.seen: set[str] = set()

    def enqueue(self, session: Session, job_id: str, job: Job) -> None:
        assert session.in_transaction()
        if job_id not in self.seen:
            self.seen.add(job_id)
            self.waiting.append((job_id, job))

    def take(self, subject: str) -> list[Job]:
        taken = [job for _, job in self.waiting if job.subject.startswith(subject)]
        self.waiting = [(job_id, job) for job_id, job in self.waiting if job not in taken]
        return taken


@dataclass
class Scripted:
    """A kind of step whose work is the next thing that a test has put in ``script``; then done."""

    parameters: type[BaseModel]
    script: list[Outcome | Exception | Callable[[Work], Outcome]] = field(default_factory=list)
    runs: list[Work] = field(default_factory=list)

    def begin(self, definition: StepDefinition, options: Mapping[str, OptionValue]) -> Waiting | None:
        return None

    def run(self, work: Work) -> Outcome:
        self.runs.append(work)
        happens = self.script.pop(0) if self.script else Done()
        if isinstance(happens, Exception):
            raise happens
        return happens(work) if callable(happens) else happens


@dataclass
class Board:
    """A surface in memory that refuses what a test tells it to."""

    name: str = "board"
    grace_seconds: float = 0
    parents: dict[str, str] = field(default_factory=dict)
    pictures: list[str] = field(default_factory=list)
    reports: list[tuple[str, Report]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)
    lose_answer: list[Exception] = field(default_factory=list)
    refuses_files: Exception | None = None

    def create_parent(self, view: OnboardingView, marker: str) -> str:
        self._fail()
        self.parents[marker] = f"parent-{len(self.parents)}"
        self._lose()
        return self.parents[marker]

    def find_parent(self, view: OnboardingView, marker: str) -> str | None:
        return self.parents.get(marker)

    def parent_link(self, parent: str) -> str | None:
        return f"https://board.example/{parent}"

    def shows(self, report: Report) -> bool:
        return True

    def write_report(self, view: OnboardingView, parent: str, report: Report, marker: str) -> str:
        self._fail()
        self.reports.append((marker, report))
        self._lose()
        return f"report-{len(self.reports)}"

    def find_report(self, view: OnboardingView, parent: str, report: Report, marker: str) -> str | None:
        return next((f"report-{n}" for n, (known, _) in enumerate(self.reports) if known.endswith(marker)), None)

    def takes(self, file: FileEvidence) -> bool:
        return True

    def send_file(self, view: OnboardingView, file: FileEvidence, content: bytes) -> str:
        return file.name

    def share_file(self, view: OnboardingView, parent: str, file: FileEvidence, sent: str, content: bytes) -> str:
        if self.refuses_files is not None:
            raise self.refuses_files
        return sent

    def find_file(self, view: OnboardingView, parent: str, file: FileEvidence, sent: str) -> str | None:
        return None

    def picture(self, view: OnboardingView) -> str:
        return f"revision {view.revision}"

    def refresh_parent(self, view: OnboardingView, parent: str, picture: str) -> None:
        self._fail()
        self.pictures.append(picture)

    def close_parent(self, view: OnboardingView, parent: str, marker: str) -> str:
        self.closed.append(marker)
        return "closed"

    def find_closing(self, view: OnboardingView, parent: str, marker: str) -> str | None:
        return "closed" if marker in self.closed else None

    def _fail(self) -> None:
        if self.trouble:
            raise self.trouble.pop(0)

    def _lose(self) -> None:
        if self.lose_answer:
            raise self.lose_answer.pop(0)


@dataclass
class Post:
    """A mail server in memory that does what a test tells it to."""

    sent: list[Mail] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)

    def send(self, message: Mail) -> str:
        if self.trouble:
            raise self.trouble.pop(0)
        self.sent.append(message)
        return message.message_id


@dataclass
class Watchman:
    """A lookout whose marks a test sets."""

    kind: str = "folder"
    poll_seconds: float = 20
    marks: dict[str, str] = field(default_factory=dict)
    looks: list[tuple[list[str], timedelta]] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)

    def look(self, names: Sequence[str], within: timedelta) -> Mapping[str, str]:
        if self.trouble:
            raise self.trouble.pop(0)
        self.looks.append((list(names), within))
        return self.marks


class House:
    """The core, put together as the application does."""

    def __init__(
        self, base: Path, *, roles: Roles | None = None, database: str | None = None, pack: str = PACK
    ) -> None:
        self.base = base
        folder = base / "packs" / "operadora_x"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "checklist.yaml").write_text(pack, "utf-8")
        self.clock = Clock()
        self.queue = Queue()
        self.board = Board()
        self.directory = Scripted(DirectoryParameters)
        self.ask = Scripted(AskParameters)
        self.kinds: dict[str, Any] = {"confirm": ConfirmStep(), "directory": self.directory, "ask": self.ask}
        self.database = database or f"sqlite:///{base / 'core.db'}"
        self.store = Store(self.database)
        if not self.store.schema_is_current():
            self.store.migrate()
        self.turns = ThreadTurns() if self.store.on_sqlite else PostgresTurns(self.store.engine.url, threads=8)
        self.packs = _Packs(base, self.kinds, self.store)
        self.flow = Flow(self.store, self.packs, self.kinds, self.queue, self.clock, [self.board.name])
        self.onboardings = Onboardings(self.store, self.packs, self.flow, self.clock, roles or Roles(), language="en")
        self.effects = Effects(self.store, self.clock, self.turns)
        backoff = Backoff(first=5, tries=3)
        self.steps = StepWorker(
            self.store, self.packs, self.kinds, self.flow, self.effects, self.clock, backoff, self.turns
        )
        self.surfaces = SurfaceWorker(
            self.store, self.packs, {self.board.name: self.board}, self.flow, self.effects, backoff, self.turns
        )
        self.mailer = Post()
        self.reminders = ReminderWorker(self.flow, self.effects, roles or Roles(), self.mailer, backoff)
        self.lookout = Watchman()
        self.looks = LookWorker(self.store, self.clock, [self.lookout])
        self.sweep = Sweep(self.store, self.queue, self.clock)

    def close(self) -> None:
        self.turns.close()
        self.store.close()

    def start(self, *, ofc: bool = True, source: str | None = None, **changed: Any) -> str:
        request: dict[str, Any] = {
            "pack": "operadora_x",
            "partner": "PARTNER-ONE",
            "partner_email": "ops@partner.example",
            "client": "ACME Ibérica",
            "root": "ACME-IBERICA",
            "tax_ids": ["A78923125"],
            "options": {"ofc": ofc},
        }
        return self.onboardings.start(StartRequest(**request | changed), ANA, source=source).key

    def work(self) -> None:
        """Run every step's job that waits, and those that they cause."""
        while jobs := self.queue.take("step:"):
            for job in jobs:
                self.steps.run(job)

    def show(self) -> None:
        """Run every surface's job that waits, and those that they cause."""
        while jobs := self.queue.take("surface:"):
            for job in jobs:
                self.surfaces.run(job)

    def let_pass(self, **time: float) -> None:
        """Let time pass, then do whatever is due by then, and what follows from it."""
        self.clock.move(timedelta(**time).total_seconds())
        self.catch_up()

    def at(self, moment: str) -> None:
        """Move the clock to a moment of Madrid's wall clocks (``2026-11-25 09:00``) and do whatever is due by then."""
        self.clock.moment = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Europe/Madrid")).astimezone(UTC)
        self.catch_up()

    def catch_up(self) -> None:
        """Do whatever is due."""
        while self.sweep.run():
            self.work()
            self.show()
            for job in self.queue.take("look:"):
                self.looks.run(job)
            for job in self.queue.take(""):
                self.reminders.run(job)
            self.show()

    def said(self, key: str, *kinds: str) -> list[tuple[str, str]]:
        """What the trail tells of these kinds of events: the kind and the step."""
        return [(line.kind, line.step or "") for line in self.onboardings.trail(key) if line.kind in kinds]

    def states(self, key: str) -> dict[str, str]:
        return {step.id: step.state for step in self.onboardings.view(key).steps}

    def kinds_of_events(self, key: str) -> list[str]:
        return [line.kind for line in self.onboardings.trail(key)]


class _Packs(Packs):
    def __init__(self, base: Path, kinds: Mapping[str, Any], store: Store) -> None:
        models = {name: kind.parameters for name, kind in kinds.items()}
        super().__init__([base / "packs"], base / "shelf", models, builtin=False, archive=PackArchive(store))
