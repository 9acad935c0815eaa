"""The bot as one value: what its commands and its servers work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.engine import DurableJobs
from bot.meters import Meters
from bot.onboarding.actors import Groups
from bot.onboarding.clock import Clock
from bot.onboarding.digests import DigestSchedule
from bot.onboarding.flow import Flow
from bot.onboarding.forms import Forms
from bot.onboarding.homes import Homes
from bot.onboarding.installation import Installation
from bot.onboarding.packs import Packs
from bot.onboarding.peers import Peers
from bot.onboarding.ports import Job
from bot.onboarding.service import Onboardings
from bot.onboarding.store import Store
from bot.onboarding.ticket_talk import TicketReplies
from bot.onboarding.transfer import Transfer
from bot.onboarding.turns import PostgresTurns, ThreadTurns
from bot.readiness import Heartbeat
from bot.settings import Settings
from bot.sheet import FormSheets
from bot.slack.readers import Readers
from bot.web.export import export_dossier
from bot.web.links import SignedLinks
from bot.web.metrics import Census
from checklists.model import FormParameters, Language

Role = Literal["all", "web", "worker"]


@dataclass(frozen=True)
class Application:
    """The bot's parts. Building it opens no connection but the database's."""

    settings: Settings
    store: Store
    packs: Packs
    jobs: DurableJobs
    clock: Clock
    flow: Flow
    onboardings: Onboardings
    replies: TicketReplies
    digests: DigestSchedule
    forms: Forms
    sheets: FormSheets
    readers: Readers
    homes: Homes
    links: SignedLinks
    transfer: Transfer
    turns: ThreadTurns | PostgresTurns
    run_job: Callable[[Job], None]
    sweep: Callable[[], int]
    meters: Meters
    peers: Peers
    groups: Groups
    heartbeat: Heartbeat
    census: Callable[[], Census]
    stuck: Callable[[], int]

    def export(self, key: str, out: Path, language: Language | None = None) -> tuple[Path, Path, Path]:
        """Write an onboarding's dossier.html, trail.json and trail.csv into a folder. Raises Unknown."""
        view = self.onboardings.view(key)
        answers: Mapping[str, object] = {}
        form = None
        for step in view.steps:
            if isinstance(step.definition.parameters, FormParameters):
                answers = self.onboardings.answers(key, step.id)
                form = view.pack.forms[step.definition.parameters.form]
        events = self.onboardings.trail(key)
        spoken = language or self.settings.language
        return export_dossier(out, view, events, spoken, answers=answers or None, form=form)

    def require_shared_folder(self) -> None:
        """Make sure that files put into DATA_DIR are found by every worker. Raises SettingsError."""
        if not self.store.on_sqlite:
            Installation(self.store).require_folder(self.settings.data_dir)

    def close(self) -> None:
        """Close the database's connections."""
        self.jobs.close()
        self.turns.close()
        self.store.close()
