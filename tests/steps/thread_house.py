"""The bot's own steps and chain behind a real front, and people of the sandbox's Slack who drop files into threads."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from chain_house import SAMPLES, asked, install_chain, offline_means
from slack_channel import ANA, CHANNEL, PEOPLE, Clock, Queue, eventually
from sqlmodel import select

from bot.onboarding.actors import Roles
from bot.onboarding.effects import Effects
from bot.onboarding.flow import Flow
from bot.onboarding.forms import FormRules, Forms
from bot.onboarding.inbox import Inbox
from bot.onboarding.models import DueRecord
from bot.onboarding.packs import Packs
from bot.onboarding.registry import Registry
from bot.onboarding.retry import Backoff
from bot.onboarding.service import Onboardings
from bot.onboarding.store import Store
from bot.onboarding.turns import ThreadTurns
from bot.onboarding.view import StepView
from bot.onboarding.worker import StepWorker, SurfaceWorker, Sweep
from bot.sandbox.slack import RateLimits, SlackPerson, SlackServer, Workspace
from bot.sheet import FormSheets
from bot.slack.clicks import Clicks
from bot.slack.connection import SlackConnection
from bot.slack.files import SlackFiles
from bot.slack.front import SlackFront
from bot.slack.readers import Readers
from bot.slack.settings import SlackSettings
from bot.slack.surface import SlackSurface
from bot.steps.dropped import DroppedCheck
from bot.steps.given_files import GivenFileWorker
from bot.steps.kinds import build_kinds
from bot.steps.layout import LocalFiles
from bot.steps.parameters import parameter_models

ZIP = SAMPLES / "broken" / "zip_renamed" / "202610_ACME-IBERICA_SOFIA.mdb"
FOREIGN = SAMPLES / "broken" / "wrong_client_cif" / "202610_ACME-IBERICA_SOFIA.mdb"
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
  - id: portal
    kind: confirm
    title: {fr: Portail, en: Portal, es: Portal}
    ticks:
      - {id: logged_in, label: {fr: Connecté, en: Logged in, es: Conectado}}
      - {id: found, label: {fr: Trouvé, en: Found, es: Encontrado}}
  - id: deposit
    kind: deposit
    role: partner
    title: {fr: Dépôt, en: Deposit, es: Depósito}
    with:
      fields:
        - {label: {fr: Client, en: Client, es: Cliente}, value: "{client} ({root})"}
        - {label: {fr: Import, en: Import type, es: Tipo}, value: Invoicing (with or without CDR)}
        - {label: {fr: Opérateur, en: Operator, es: Operador}, value: TELEFONICA}
  - id: follow_up
    kind: confirm
    when: {deposit: console}
    needs: [deposit]
    title: {fr: Suivi, en: Follow-up, es: Seguimiento}
    due: {working_days: 1, after: deposit}
    remind: {every_working_days: 1, escalate_after: 3}
    with:
      choices:
        - {id: submitted, label: {fr: Submitted, en: Submitted, es: Submitted}, outcome: wait}
        - {id: in_process, label: {fr: In process, en: In process, es: In process}, outcome: wait}
        - {id: file_error, label: {fr: File error, en: File error, es: File error}, outcome: fail}
        - {id: loaded, label: {fr: Loaded, en: Loaded, es: Loaded}, outcome: done}
  - id: pickup
    kind: chain
    needs: [deposit]
    title: {fr: Récupération, en: Pick-up, es: Recogida}
    with: {stages: [arrival, name, header]}
  - id: processing
    kind: chain
    needs: [pickup]
    title: {fr: Traitement, en: Processing, es: Tratamiento}
    with: {stages: [read, schema, identity, duplicates, totals]}
  - id: output
    kind: chain
    needs: [processing]
    title: {fr: Output, en: Output, es: Output}
    with: {stages: [output, integration]}
"""


class Killed(BaseException):
    """What a kill looks like to the code that it strikes."""


class ThreadHouse:
    """One channel, the pack's chain, and the job behind given files."""

    def __init__(self, base: Path, slack: SlackServer) -> None:
        install_chain(base, CHECKLIST)
        self.base, self.slack = base, slack
        self.clock, self.queue = Clock(), Queue()
        self.store = Store(f"sqlite:///{base / 'thread.db'}")
        self.store.migrate()
        self.files = LocalFiles(base / "data")
        registry = Registry(self.store, self.clock)
        kinds = build_kinds(offline_means(registry, self.files))
        packs = Packs([base / "packs"], base / "shelf", parameter_models(), builtin=False)
        self.flow = Flow(self.store, packs, kinds, self.queue, self.clock, ["slack"])
        roles = Roles({"manager": ["U0ANA"], "data_base": ["U0BOB"]})
        self.onboardings = Onboardings(self.store, packs, self.flow, self.clock, roles, "en")
        settings = SlackSettings.model_validate(
            {
                "bot_token": slack.bot_token,
                "app_token": slack.app_token,
                "api_url": slack.api_url,
                "channel": CHANNEL,
            }
        )
        connection = SlackConnection(settings)
        self.forms = Forms(self.store, self.flow, self.clock, roles, self.onboardings, FormRules())
        effects, backoff = Effects(self.store, self.clock), Backoff(first=5, tries=3)
        self.steps = StepWorker(self.store, packs, kinds, self.flow, effects, self.clock, backoff)
        surfaces: dict[str, Any] = {"slack": SlackSurface(connection)}
        self.shows = SurfaceWorker(self.store, packs, surfaces, self.flow, effects, backoff)
        self.given = GivenFileWorker(
            self.store,
            packs,
            self.flow,
            self.onboardings,
            SlackFiles(connection),
            DroppedCheck(registry, self.files),
            FormSheets(self.forms, base / "data"),
            self.files,
            backoff,
            ThreadTurns(),
        )
        self.sweep = Sweep(self.store, self.queue, self.clock)
        readers = Readers(connection, "en")
        clicks = Clicks(connection, readers, Inbox(self.store, self.clock), patience=10)
        self.front = SlackFront(connection, self.onboardings, packs, readers, clicks)
        self.ana, self.bob, self.guest = (SlackPerson(slack.url, user.id) for user in PEOPLE)

    def start(self, deposit: str = "console") -> str:
        key = self.onboardings.start(asked(deposit=deposit), ANA).key
        self.work()
        return key

    def work(self) -> None:
        """Do all the work that waits and is due."""
        workers = {"step": self.steps.run, "surface": self.shows.run, "given": self.given.run}
        while True:
            self.sweep.run()
            jobs = self.queue.take()
            if not jobs:
                return
            for job in jobs:
                workers.get(job.subject.partition(":")[0], lambda _: None)(job)

    def later(self, seconds: float) -> None:
        self.clock.ahead += seconds
        self.work()

    def parent(self, key: str) -> str:
        return self.onboardings.view(key).surfaces["slack"].parent.partition(":")[2]

    def drop(self, person: SlackPerson, key: str, name: str, content: bytes) -> None:
        """Drop a file into the thread, and wait until the bot has heard of it and done its work."""
        before = len(self.lines(key))
        person.say("here", thread_ts=self.parent(key), files={name: content})
        eventually(lambda: len(self.lines(key)) > before)
        self.work()

    def lines(self, key: str) -> list[str]:
        return [line.kind for line in self.onboardings.trail(key)]

    def thread(self, key: str) -> list[str]:
        """What the bot has said in the thread, each post as its blocks' texts."""
        posts = self.ana.messages(self.parent(key))[1:]
        return [str(post.get("blocks")) for post in posts if post.get("bot_id")]

    def step(self, key: str, step: str) -> StepView:
        return self.onboardings.view(key).step(step)

    def block(self, key: str, step: str, part: str) -> str:
        parent = next(post for post in self.ana.messages() if post["ts"] == self.parent(key))
        ids = [str(block["block_id"]) for block in parent["blocks"]]
        return next(id_ for id_ in ids if id_.startswith(f"{step}:") and id_.endswith(f":{part}"))

    def parent_text(self, key: str) -> str:
        return str(next(post for post in self.ana.messages() if post["ts"] == self.parent(key))["blocks"])

    def due(self) -> list[str]:
        with self.store.reading() as session:
            return [row.subject for row in session.exec(select(DueRecord))]


@contextmanager
def thread_house(base: Path, *, scopes: frozenset[str] | None = None) -> Iterator[ThreadHouse]:
    with ExitStack() as parts:
        slack = parts.enter_context(
            SlackServer(
                workspace=Workspace(people=PEOPLE),
                rate_limits=RateLimits(enforced=False),
                scopes=scopes,
                retry_seconds=(0.1, 0.2, 0.4),
            )
        )
        house = ThreadHouse(base, slack)
        parts.callback(house.store.close)
        house.front.clicks.start()
        parts.callback(house.front.clicks.stop)
        house.front.start()
        parts.callback(house.front.stop)
        eventually(lambda: slack.sockets == 1 and house.front.is_connected)
        yield house
