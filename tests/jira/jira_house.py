"""The adapter's two sides with their ledger, against a Jira of either kind, at a time that the test moves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.jira.connection import JiraConnection
from bot.jira.settings import JiraSettings
from bot.jira.surface import JiraSurface
from bot.jira.tickets import JiraTickets
from bot.onboarding.effects import Effects
from bot.onboarding.models import Onboarding
from bot.onboarding.outcomes import Evidence
from bot.onboarding.store import Store
from bot.onboarding.tickets import TicketRequest
from bot.onboarding.view import OnboardingView, Report, read_view
from bot.sandbox.jira import JiraServer
from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack
from checklists.model import Localized

CREATE = "POST /rest/api/2/issue"
COMMENT = "POST /rest/api/2/issue/{key}/comment"
LINK = "POST /rest/api/2/issueLink"
ATTACH = "POST /rest/api/2/issue/{key}/attachments"
MOVE = "POST /rest/api/2/issue/{key}/transitions"
# Longer than any test's index is late, as the settings' own grace is longer than Cloud's.
INDEX_DELAY = 60.0
REQUEST = TicketRequest(summary="OFC flow", body="|Root|ACME|", labels=("ofc-flux",), values={"client_root": "ACME"})


class Clock:
    """Time for the bot and for Jira."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def move(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class House:
    """``try_once`` does an effect as the workers do: claimed, looked for, done."""

    place: Path
    deployment_type: str
    clock: Clock = field(default_factory=Clock)
    server: JiraServer = field(init=False)
    settings: JiraSettings = field(init=False)
    surface: JiraSurface = field(init=False)
    tickets: JiraTickets = field(init=False)
    effects: Effects = field(init=False)
    view: OnboardingView = field(init=False)

    def __post_init__(self) -> None:
        self.server = JiraServer(
            deployment_type=self.deployment_type, index_delay_seconds=INDEX_DELAY, clock=self.clock.now
        ).start()
        self.settings = settings_for(self.server)
        connection = JiraConnection(self.settings)
        self.surface, self.tickets = JiraSurface(connection), JiraTickets(connection)
        self.store = Store(f"sqlite:///{self.place / 'ledger.db'}")
        self.store.migrate()
        self.effects = Effects(self.store, self.clock)
        self.view = self._start()

    def close(self) -> None:
        self.store.close()
        self.server.stop()

    def once(self, key: str, *, look: Callable[[], str | None], do: Callable[[], str], grace: float = 0) -> str:
        return self.effects.once(self.view.id, key, look=look, do=do, grace_seconds=grace)

    def open_parent(self) -> str:
        marker = f"{self.view.key}:start:jira:{self.view.stamp}"
        return self.once(
            "parent",
            look=lambda: self.surface.find_parent(self.view, marker),
            do=lambda: self.surface.create_parent(self.view, marker),
            grace=self.surface.grace_seconds,
        )

    def open_ticket(self, tickets: JiraTickets | None = None) -> str:
        used = tickets or self.tickets
        marker = f"{self.view.key}:ticket:issue:{self.view.stamp}"
        return self.once(
            "ticket", look=lambda: used.find(marker), do=lambda: used.create(REQUEST, marker), grace=used.grace_seconds
        )

    def report(self, parent: str, seq: int = 3) -> str:
        report, marker = report_of(self.view, seq), f"{self.view.key}:{seq}:jira:{self.view.stamp}"
        return self.once(
            f"report {seq}",
            look=lambda: self.surface.find_report(self.view, parent, report, marker),
            do=lambda: self.surface.write_report(self.view, parent, report, marker),
        )

    def link(self, ticket: str, parent: str) -> str:
        def do() -> str:
            self.tickets.link(ticket, parent)
            return parent

        return self.once("link", look=lambda: parent if self.tickets.is_linked(ticket, parent) else None, do=do)

    def attach(self, ticket: str) -> str:
        return self.once(
            "file",
            look=lambda: self.tickets.attachment(ticket, "ONB-1-ofc_flux.json"),
            do=lambda: self.tickets.attach(ticket, "ONB-1-ofc_flux.json", b'{"answers": {}}'),
        )

    def finish(self, parent: str) -> str:
        return self.once(
            "end",
            look=lambda: self.surface.find_closing(self.view, parent, "end"),
            do=lambda: self.surface.close_parent(self.view, parent, "end"),
        )

    def _start(self) -> OnboardingView:
        pack = load_pack(builtin_packs() / "telefonica_es", parameter_models())
        started = Onboarding(
            pack="telefonica_es",
            pack_version=pack.checklist.version,
            pack_digest="",
            operator="TELEFONICA España",
            partner="PARTNER-ONE",
            partner_email="billing@partner-one.example",
            client="ACME",
            client_key="acme",
            root="ACME-IBERICA",
            root_key="acme-iberica",
            tax_ids=["B00123455"],
            language="en",
            started_by="ana",
            started_at=self.clock.now(),
        )
        with self.store.transaction() as session:
            session.add(started)
            session.flush()
            return read_view(session, started, pack)


def settings_for(server: JiraServer, **changed: Any) -> JiraSettings:
    plain = {
        "url": server.url,
        "token": server.token,
        "email": server.email,
        "project": "ACT",
        "database_project": "DB",
        "fields": {"client_root": "customfield_10101"},
        "timeout_seconds": 10,
    }
    return JiraSettings.model_validate(plain | changed)


def report_of(view: OnboardingView, seq: int) -> Report:
    return Report(
        seq=seq,
        at=view.started_at,
        kind="step_done",
        actor="ana",
        actor_id="slack:UANA",
        step=view.pack.checklist.steps[0],
        evidence=Evidence(),
        code=None,
        seen=Localized.same("Everything is there: {braces}, [brackets] and | bars."),
        advice=None,
        reason=None,
        copy=None,
        link=None,
        hash="ab" * 32,
    )
