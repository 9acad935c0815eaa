"""A real core behind a real front, with the sandbox's Slack on the other side of the socket and people in it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel
from slack_channel import ANA, CHANNEL, PEOPLE, Clock, Queue, eventually
from sqlmodel import select

from bot.locales import say
from bot.onboarding.accountable import who_must_act
from bot.onboarding.actors import Roles
from bot.onboarding.effects import Effects
from bot.onboarding.flow import Flow
from bot.onboarding.group_memory import GroupMemory
from bot.onboarding.home_page import HomeReader
from bot.onboarding.homes import Homes, HomeWorker
from bot.onboarding.inbox import Inbox
from bot.onboarding.models import DueRecord
from bot.onboarding.outcomes import Done, Evidence, Fact, Failed, FileEvidence, Outcome, Waiting
from bot.onboarding.packs import Packs
from bot.onboarding.persons import Persons
from bot.onboarding.ports import Job
from bot.onboarding.reminders import ReminderWorker
from bot.onboarding.retry import Backoff
from bot.onboarding.service import Onboardings
from bot.onboarding.start import StartRequest
from bot.onboarding.store import Store
from bot.onboarding.ticket_talk import TicketReplies
from bot.onboarding.work import Work
from bot.onboarding.worker import StepWorker, SurfaceWorker, Sweep
from bot.sandbox.slack import RateLimits, SlackPerson, SlackServer, Workspace
from bot.slack.clicks import Clicks
from bot.slack.connection import SlackConnection
from bot.slack.front import SlackFront
from bot.slack.groups import SlackGroups
from bot.slack.home import SlackHome
from bot.slack.readers import Readers
from bot.slack.replies import TicketReplyListener
from bot.slack.settings import SlackSettings
from bot.slack.surface import SlackSurface
from bot.steps.confirm import ConfirmStep
from bot.web.export import export_dossier
from bot.web.server import WebServer
from checklists.model import (
    AskParameters,
    DirectoryParameters,
    Language,
    Localized,
    OptionValue,
    ReferencesParameters,
    Role,
)
from checklists.model import Step as StepDefinition

Mode = Literal["socket", "http"]

# An acknowledgement waits here until the click is carried out, so that a test may look at once.
CARRIED_OUT_SECONDS = 10.0

PACK = """
pack: {name}
version: 1
operator: {{name: {operator}, country: ES}}
title: {{fr: Activation, en: Activation, es: Activación}}
options:
{options}
steps:
  - id: portal
    kind: confirm
    title: {{fr: Portail, en: Portal, es: Portal}}
    due: {{working_days: 0, after: start}}
    remind: {{every_working_days: 1, escalate_after: 1}}
    ticks:
      - {{id: logged_in, label: {{fr: Connecté, en: Logged in, es: Conectado}}}}
      - {{id: found, label: {{fr: Trouvé, en: Found, es: Encontrado}}}}
  - id: folder
    kind: directory
    title: {{fr: Dossier, en: Directory, es: Carpeta}}
  - id: status
    kind: confirm
    needs: [portal]
    title: {{fr: Statut, en: Status, es: Estado}}
    with:
      choices:
        - {{id: going, label: {{fr: En cours, en: In process, es: En curso}}, outcome: wait}}
        - {{id: broken, label: {{fr: Erreur, en: File error, es: Error}}, outcome: fail}}
        - {{id: loaded, label: {{fr: Chargé, en: Loaded, es: Cargado}}, outcome: done}}
  - id: references
    kind: references
    needs: [folder]
    title: {{fr: Références, en: References, es: Referencias}}
  - id: received
    kind: ask
    needs: [folder]
    title: {{fr: Reçu, en: Received, es: Recibido}}
    with: {{of: partner, question: {{fr: Reçu ?, en: Received?, es: ¿Recibido?}}}}
"""
MANAGERS: Mapping[Role, Sequence[str]] = {"manager": ["U0ANA", "U0BOB"]}
OPTION_OFC = "  - {id: ofc, type: boolean, label: {fr: OFC, en: OFC, es: OFC}}"
OPTION_WAY = "  - {id: way, type: choice, choices: [ftp, console], label: {fr: Voie, en: Way, es: Vía}}"


@dataclass
class Scripted:
    """A step whose work, or whose waiting from the start, is what the test says."""

    parameters: type[BaseModel]
    outcome: Outcome
    waits: bool = False
    failures: list[Failed] = field(default_factory=list)

    def begin(self, definition: StepDefinition, options: Mapping[str, OptionValue]) -> Waiting | None:
        del definition, options
        return self.outcome if self.waits and isinstance(self.outcome, Waiting) else None

    def run(self, work: Work) -> Outcome:
        del work
        return self.failures.pop(0) if self.failures else self.outcome


@dataclass(frozen=True)
class Run:
    """One onboarding in the channel: its key and its parent message."""

    key: str
    ts: str


class SlackHouse:
    """The core as the application puts it together, with one surface."""

    def __init__(
        self,
        base: Path,
        slack: SlackServer,
        mode: Mode,
        command: str,
        members: Mapping[Role, Sequence[str]] = MANAGERS,
        pack_text: str = PACK,
    ) -> None:
        for name, operator, options in (
            ("operadora_x", "OPERADORA X", OPTION_OFC),
            ("operadora_y", "OPERADORA Y", OPTION_WAY),
        ):
            pack = base / "packs" / name
            pack.mkdir(parents=True)
            text = pack_text.format(name=name, operator=operator, options=options)
            (pack / "checklist.yaml").write_text(text, "utf-8")
        self.base = base
        self.slack = slack
        self.clock = Clock()
        self.queue = Queue()
        evidence = Evidence(
            facts=(Fact(Localized.same("Path"), "/a/<b>&c"),),
            files=(FileEvidence("list.csv", "references", "list.csv", 1234, "ab" * 32, 7),),
        )
        self.folder = Scripted(DirectoryParameters, Done(evidence))
        kinds: dict[str, Any] = {
            "confirm": ConfirmStep(),
            "directory": self.folder,
            "references": Scripted(
                ReferencesParameters,
                Waiting(on="manager", note=say("references.waiting", count=2), memory={"confirmable": True}),
            ),
            "ask": Scripted(AskParameters, Waiting(on="partner", note=Localized.same("Received?")), waits=True),
        }
        self.store = Store(f"sqlite:///{base / 'core.db'}")
        self.store.migrate()
        models = {name: kind.parameters for name, kind in kinds.items()}
        self.packs = Packs([base / "packs"], base / "shelf", models, builtin=False)
        flow = self.flow = Flow(self.store, self.packs, kinds, self.queue, self.clock, ["slack"])
        settings = SlackSettings.model_validate(
            {
                "mode": mode,
                "bot_token": slack.bot_token,
                "app_token": slack.app_token,
                "signing_secret": slack.signing_secret,
                "api_url": slack.api_url,
                "channel": CHANNEL,
                "command": command,
                "edits_per_minute": 1_000_000,
                "posts_per_minute": 1_000_000,
            }
        )
        connection = SlackConnection(settings)
        self.groups = SlackGroups(connection, GroupMemory(self.store, self.clock), fresh_seconds=0)
        roles = Roles(members, self.groups)
        self.onboardings = Onboardings(self.store, self.packs, flow, self.clock, roles, language="en")
        self.surface = SlackSurface(connection, partial(who_must_act, roles=roles))
        reader = HomeReader(self.packs, roles)
        self.persons = Persons(self.store, self.clock, "en")
        self.homes = Homes(self.store, self.queue, self.clock, reader)
        readers = Readers(connection, "en", self.persons)
        self.inbox = Inbox(self.store, self.clock)

        def begun_front() -> SlackFront:
            return SlackFront(
                connection,
                self.onboardings,
                self.packs,
                readers,
                Clicks(connection, readers, self.inbox, patience=CARRIED_OUT_SECONDS),
                homes=self.homes,
                replies=TicketReplyListener(connection, TicketReplies(self.store, flow), readers),
                export=self.export,
            )

        self.begun_front = begun_front
        self.front = begun_front()
        effects = Effects(self.store, self.clock)
        backoff = Backoff(first=5, tries=3)
        self._steps = StepWorker(self.store, self.packs, kinds, flow, effects, self.clock, backoff)
        self._surfaces = SurfaceWorker(self.store, self.packs, {"slack": self.surface}, flow, effects, backoff)
        self.home = HomeWorker(self.store, reader, self.persons, SlackHome(connection), self.clock, backoff)
        self._reminders = ReminderWorker(flow, effects, roles, None, backoff)
        self._sweep = Sweep(self.store, self.queue, self.clock)
        self.ana, self.bob, self.guest = (SlackPerson(slack.url, user.id, command=command) for user in PEOPLE)
        self._clients = 0

    def export(self, key: str, out: Path, language: Language) -> Sequence[Path]:
        """What the application does for ``export``."""
        return export_dossier(out, self.onboardings.view(key), self.onboardings.trail(key), language)

    def settle(self) -> None:
        """Do all the work that waits, and what follows from it."""
        workers = {"step": self._steps.run, "surface": self._show, "home": self.home.run}
        while jobs := self.queue.take():
            for job in jobs:
                workers.get(job.subject.partition(":")[0], self._reminders.run)(job)

    def _show(self, job: Job) -> str:
        self.homes.touch(job.onboarding_id)
        return self._surfaces.run(job)

    def later(self, seconds: float = 60) -> None:
        """Let time pass, and do what is due by then."""
        self.clock.ahead += seconds
        while self._sweep.run() + self.homes.sweep():
            self.settle()

    def until_reminded(self, run: Run, step: str) -> dict[str, Any]:
        """Let time pass until a step's next reminder, and return the post."""
        due = select(DueRecord).where(DueRecord.subject == f"remind:{step}")
        with self.store.reading() as session:
            [row] = [row for row in session.exec(due) if row.onboarding_id == self.onboardings.view(run.key).id]
        self.later((row.due_at - self.clock.now()).total_seconds() + 1)
        return self.ana.messages(run.ts)[-1]

    @contextmanager
    def broken_pack(self, name: str) -> Iterator[None]:
        checklist = self.base / "packs" / name / "checklist.yaml"
        whole = checklist.read_text("utf-8")
        checklist.write_text("steps: none", "utf-8")
        try:
            yield
        finally:
            checklist.write_text(whole, "utf-8")

    def fields(self, **changed: Any) -> dict[str, Any]:
        """What a manager enters in the start modal; another client each time."""
        self._clients += 1
        return {
            "operator": "operadora_x",
            "partner": "PARTNER-ONE",
            "partner_email": "ops@partner.example",
            "client": f"ACME {self._clients}",
            "root": f"ACME-{self._clients}",
            "tax_ids": "A78923125",
            "ofc": "true",
        } | changed

    def start(self, **changed: Any) -> Run:
        """Start an onboarding as a person does in Slack; it is in the channel then."""
        self.ana.command("start")
        assert self.ana.submit(values=self.fields(**changed)) == {}
        self.settle()
        return self.run(self.onboardings.all(limit=1)[0].key)

    def begin(self) -> str:
        """Start an onboarding as the shell does; nothing has reached Slack yet."""
        fields = self.fields()
        asked = {name: fields[name] for name in ("partner", "partner_email", "client", "root")}
        request = StartRequest(pack=fields["operator"], tax_ids=[fields["tax_ids"]], options={"ofc": True}, **asked)
        return self.onboardings.start(request, ANA).key

    def run(self, key: str) -> Run:
        return Run(key, self.onboardings.view(key).surfaces["slack"].parent.partition(":")[2])

    def parent(self, run: Run) -> dict[str, Any]:
        return next(message for message in self.ana.messages() if message["ts"] == run.ts)

    def block(self, run: Run, step: str, part: str) -> str:
        """The block id of a part of a step in the parent message as it is shown now."""
        ids = [str(block["block_id"]) for block in self.parent(run)["blocks"]]
        return next(id_ for id_ in ids if id_.startswith(f"{step}:") and id_.endswith(f":{part}"))

    def ticked(self, run: Run, step: str) -> dict[str, str | None]:
        return {seen.tick.id: seen.by for seen in self.onboardings.view(run.key).step(step).ticks}

    def state(self, run: Run, step: str) -> str:
        return self.onboardings.view(run.key).step(step).state

    def events(self, run: Run) -> list[str]:
        return [line.kind for line in self.onboardings.trail(run.key)]

    def told(self, person: SlackPerson) -> list[str]:
        """What the bot has told a person alone, oldest first."""
        return [str(message["text"]) for message in person.messages() if message["ephemeral"]]

    def failures(self) -> list[dict[str, Any]]:
        """What people's clients complained about: acts that the bot did not acknowledge."""
        return list(self.ana.state()["failures"])


@contextmanager
def slack_house(
    base: Path,
    mode: Mode,
    *,
    command: str = "/onboard",
    scopes: frozenset[str] | None = None,
    members: Mapping[Role, Sequence[str]] = MANAGERS,
    usergroups: dict[str, list[str]] | None = None,
    pack_text: str = PACK,
) -> Iterator[SlackHouse]:
    workspace = Workspace(people=PEOPLE, usergroups=usergroups)
    with ExitStack() as parts:
        slack = parts.enter_context(
            SlackServer(workspace=workspace, rate_limits=RateLimits(enforced=False), command=command, scopes=scopes)
        )
        house = SlackHouse(base, slack, mode, command, members, pack_text)
        parts.callback(house.store.close)
        house.front.clicks.start()
        parts.callback(house.front.clicks.stop)
        if mode == "socket":
            house.front.start()
            parts.callback(house.front.stop)
            eventually(lambda: slack.sockets == 1 and house.front.is_connected)
        else:
            app = FastAPI()
            app.add_route("/slack/events", house.front.request_handler(), methods=["POST"])
            web = WebServer(app, "127.0.0.1", 0)
            web.start()
            parts.callback(web.stop)
            slack.request_url = f"http://127.0.0.1:{web.port}/slack/events"
        yield house
