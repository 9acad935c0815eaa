"""The bot's own steps on the built-in pack's chain, in one process: a file is handed over, and the work is done.

The pack's checklist is cut to what concerns a file; nobody outside takes part.
"""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session

from bot.onboarding.actors import Actor, Roles
from bot.onboarding.clock import Clock as ClockPort
from bot.onboarding.effects import Effects
from bot.onboarding.flow import Flow
from bot.onboarding.packs import Packs
from bot.onboarding.ports import Job
from bot.onboarding.registry import Registry
from bot.onboarding.retry import Backoff
from bot.onboarding.service import Onboardings
from bot.onboarding.start import StartRequest
from bot.onboarding.store import Store
from bot.onboarding.view import StepView
from bot.onboarding.worker import StepWorker
from bot.steps.deposit import Connection
from bot.steps.kinds import Means, build_kinds
from bot.steps.layout import LocalFiles
from bot.steps.loaded import RootRegistry
from bot.steps.parameters import parameter_models
from bot.unset import UnsetTickets, UnsetTransfer
from checklists.loader import builtin_packs

SAMPLES = Path(__file__).parents[1] / "data" / "telefonica_es"
OCTOBER = SAMPLES / "202610_ACME-IBERICA_SOFIA.mdb"
CHANGED = SAMPLES / "broken" / "invoice_changed" / "202610_ACME-IBERICA_SOFIA_01.mdb"
NOVEMBER = SAMPLES / "202611_ACME-IBERICA_SOFIA.mdb"
ROOT, OPERATOR = "ACME-IBERICA", "TELEFONICA_ES"
ANA = Actor("slack", "slack:UANA", "ana")
BOB = Actor("slack", "slack:UBOB", "bob")

CHECKLIST = """
pack: telefonica_es
version: 1
operator: {name: TELEFONICA, country: ES}
time_zone: Europe/Madrid
calendar: [ES]
title: {fr: Chaîne, en: Chain, es: Cadena}
options:
  - {id: deposit, type: choice, choices: [ftp, console], label: {fr: Voie, en: Way, es: Vía}}
steps:
  - {id: deposit, kind: deposit, title: {fr: Dépôt, en: Deposit, es: Depósito}}
  - id: pickup
    kind: chain
    needs: [deposit]
    title: {fr: Récupération, en: Pick-up, es: Recogida}
    with: {stages: [arrival, name, header]}
  - id: processing
    kind: chain
    needs: [pickup]
    role: data_base
    title: {fr: Traitement, en: Processing, es: Tratamiento}
    with: {stages: [read, schema, identity, duplicates, totals]}
  - id: output
    kind: chain
    needs: [processing]
    title: {fr: Output, en: Output, es: Output}
    with: {stages: [output, integration]}
  - id: references
    kind: references
    needs: [output]
    title: {fr: Références, en: References, es: Referencias}
"""


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


@dataclass
class Queue:
    """The Jobs port in memory."""

    jobs: list[Job] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def enqueue(self, session: Session, job_id: str, job: Job) -> None:
        if job_id not in self.seen:
            self.seen.add(job_id)
            self.jobs.append(job)

    def take(self) -> list[Job]:
        taken = [job for job in self.jobs if job.subject.startswith("step:")]
        self.jobs = []
        return taken


def install_chain(base: Path, checklist: str) -> Path:
    """Put the built-in pack with another checklist among the packs below ``base``; return its folder."""
    pack = base / "packs" / "telefonica_es"
    shutil.copytree(builtin_packs() / "telefonica_es", pack)
    (pack / "checklist.yaml").write_text(checklist, "utf-8")
    return pack


def offline_means(registry: Registry, files: LocalFiles) -> Means:
    """What the step kinds work with where nobody outside takes part."""
    return Means(
        links=None,  # type: ignore[arg-type]
        mailer=None,
        tickets=UnsetTickets(),
        transfer=UnsetTransfer(),
        registry=registry,
        files=files,
        connection=Connection("sftp", "", 22, lambda _: None),
        watched=lambda _: None,
        transfer_root="/",
        transfer_poll_seconds=1,
        stable_polls=1,
        ticket_poll_seconds=1,
    )


def asked(*, partner: str = "PARTNER-ONE", deposit: str = "console") -> StartRequest:
    """The start of the client whose months the samples are."""
    return StartRequest(
        pack="telefonica_es",
        partner=partner,
        partner_email="ops@partner.example",
        client="ACME Ibérica",
        root=ROOT,
        tax_ids=["B00123455"],
        options={"deposit": deposit},
    )


class ChainHouse:
    """The core with the real step kinds. ``inventory`` are the references that the root knows: ``ref,kind,label``."""

    def __init__(self, base: Path, *, inventory: Path | None = None, checks: Sequence[tuple[str, str]] = ()) -> None:
        self.base = base
        pack = install_chain(base, CHECKLIST)
        for name, sql in checks:
            (pack / "checks").mkdir(exist_ok=True)
            (pack / "checks" / name).write_text(sql, "utf-8")
        if inventory is not None:
            (base / "inventory").mkdir()
            shutil.copyfile(inventory, base / "inventory" / f"{ROOT}.csv")
        self.clock: ClockPort = Clock()
        self.queue = Queue()
        self.store = Store(f"sqlite:///{base / 'chain.db'}")
        self.store.migrate()
        self.registry = Registry(self.store, self.clock)
        kinds = build_kinds(offline_means(self.registry, LocalFiles(base)))
        packs = Packs([base / "packs"], base / "shelf", parameter_models(), builtin=False)
        flow = Flow(self.store, packs, kinds, self.queue, self.clock, ["board"])
        roles = Roles({"manager": ["UANA"], "data_base": ["UBOB", "UANA"]})
        self.onboardings = Onboardings(self.store, packs, flow, self.clock, roles, "en")
        self.worker = StepWorker(
            self.store, packs, kinds, flow, Effects(self.store, self.clock), self.clock, Backoff(first=5, tries=3)
        )

    @property
    def home(self) -> Path:
        return self.base / "roots" / ROOT / OPERATOR

    def hand_over(self, file: Path, *, partner: str = "PARTNER-ONE") -> str:
        """Start an onboarding and give it a file; return the key. Nothing has been done with it yet."""
        key = self.onboardings.start(asked(partner=partner), ANA).key
        self.work()
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        attached = {"name": file.name, "path": str(file), "size": file.stat().st_size, "sha256": sha256}
        self.onboardings.hand_over(key, {"attached": attached}, actor=ANA)
        return key

    def play(self, file: Path, **options: Any) -> str:
        """Hand a file over and do all the work that it causes; return the onboarding's key."""
        key = self.hand_over(file, **options)
        self.work()
        return key

    def integrate(self, file: Path, **options: Any) -> str:
        """Play a file that is good, to the end."""
        key = self.play(file, **options)
        assert self.step(key, "output").state == "done", self.step(key, "output").seen
        if self.step(key, "references").state == "waiting":
            self.onboardings.confirm(key, "references", actor=ANA)
        return key

    def work(self) -> None:
        while jobs := self.queue.take():
            for job in jobs:
                self.worker.run(job)

    def step(self, key: str, step: str) -> StepView:
        return self.onboardings.view(key).step(step)

    def facts(self, key: str, step: str) -> list[tuple[str, str]]:
        return [(fact.label.en, fact.value) for fact in self.step(key, step).evidence.facts]

    def loaded(self) -> RootRegistry:
        """The registry as a chain of another onboarding asks it."""
        return RootRegistry(self.registry, OPERATOR, ROOT, onboarding_id=0, sha256="")
