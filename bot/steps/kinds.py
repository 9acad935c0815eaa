"""The registry of step kinds: what each kind needs to work. What a pack may name: ``bot.steps.parameters``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.onboarding.letters import PartnerPage
from bot.onboarding.mail import Mailer
from bot.onboarding.ports import Links, StepKind
from bot.onboarding.registry import Registry
from bot.onboarding.tickets import Tickets
from bot.onboarding.transfer import Transfer
from bot.steps.ask import AskStep
from bot.steps.chain import ChainStep
from bot.steps.confirm import ConfirmStep
from bot.steps.deposit import Connection, DepositStep
from bot.steps.directory import DirectoryStep
from bot.steps.form import FormStep
from bot.steps.invitation import Invitations
from bot.steps.layout import LocalFiles
from bot.steps.pickup import Pickup
from bot.steps.references import ReferencesStep
from bot.steps.test_file import TestFile
from bot.steps.ticket import TicketStep
from bot.steps.watch import Watched, WatchStep


@dataclass(frozen=True)
class Means:
    """What the step kinds work with. ``transfer_root`` and the polls are the settings TRANSFER__… and JIRA__….

    ``partner_page`` gives the address of a partner's own page, where there is one.
    """

    links: Links
    mailer: Mailer | None
    tickets: Tickets
    transfer: Transfer
    registry: Registry
    files: LocalFiles
    connection: Connection
    watched: Callable[[str], Watched | None]
    transfer_root: str
    transfer_poll_seconds: float
    stable_polls: int
    ticket_poll_seconds: float
    partner_page: PartnerPage | None = None


def build_kinds(means: Means) -> Mapping[str, StepKind]:
    """Return the step kinds, ready to work."""
    root, poll = means.transfer_root, means.transfer_poll_seconds
    invitations = Invitations(means.mailer, means.partner_page)
    pickup = Pickup(means.transfer, means.registry, means.files, root=root, stable_polls=means.stable_polls)
    file = TestFile(means.transfer, means.registry, means.files, root=root)
    return {
        "confirm": ConfirmStep(),
        "form": FormStep(means.links, invitations),
        "directory": DirectoryStep(means.transfer, root=root, poll_seconds=poll),
        "ticket": TicketStep(means.tickets, poll_seconds=means.ticket_poll_seconds),
        "deposit": DepositStep(
            means.transfer,
            invitations,
            means.connection,
            root=root,
            poll_seconds=poll,
            stable_polls=means.stable_polls,
        ),
        "chain": ChainStep(pickup, file, means.registry, means.files, poll_seconds=poll),
        "references": ReferencesStep(file, means.registry, means.files),
        "watch": WatchStep(means.watched, means.registry),
        "ask": AskStep(means.links, invitations),
    }
