"""What Slack has beside its surface: the way in, people's languages and zones, their Homes."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.onboarding.actors import Roles
from bot.onboarding.clock import Clock
from bot.onboarding.home_page import HomeReader
from bot.onboarding.homes import Homes, HomeWorker
from bot.onboarding.inbox import Inbox
from bot.onboarding.packs import Packs
from bot.onboarding.persons import Persons
from bot.onboarding.ports import Job, Jobs
from bot.onboarding.retry import Backoff
from bot.onboarding.store import Store
from bot.onboarding.turns import Turns
from bot.slack.arrivals import Arrivals
from bot.slack.clicks import Clicks
from bot.slack.connection import SlackConnection
from bot.slack.digest import DigestListeners
from bot.slack.form_listeners import FormListeners
from bot.slack.front import MoreListeners, SlackFront
from bot.slack.home import SlackHome
from bot.slack.readers import Readers
from bot.slack.replies import TicketReplyListener
from bot.slack.surface import SlackSurface
from bot.wiring.application import Application
from checklists.model import Language


@dataclass(frozen=True)
class SlackWork:
    """Who reads what in which language, and the Homes with what shows them."""

    readers: Readers
    homes: Homes
    show_home: Callable[[Job], str]

    def beside(self, show: Callable[[Job], str]) -> Callable[[Job], str]:
        """Return what does a surface's jobs, and has Homes hear of each change: one for Slack comes after every one."""

        def shown(job: Job) -> str:
            if job.subject == f"surface:{SlackSurface.name}":
                self.homes.touch(job.onboarding_id)
            return show(job)

        return shown


def build_slack_work(
    connection: SlackConnection,
    store: Store,
    packs: Packs,
    jobs: Jobs,
    clock: Clock,
    roles: Roles,
    backoff: Backoff,
    turns: Turns,
    language: Language,
) -> SlackWork:
    """Put it together; ``language`` is the channel's, and everybody's whose own is unknown."""
    persons = Persons(store, clock, language)
    reader = HomeReader(packs, roles)
    worker = HomeWorker(store, reader, persons, SlackHome(connection), clock, backoff, turns)
    return SlackWork(Readers(connection, language, persons), Homes(store, jobs, clock, reader), worker.run)


def slack_front(application: Application) -> SlackFront | None:
    """Return the way in from Slack; None where Slack is not set."""
    settings = application.settings
    if settings.slack.bot_token is None:
        return None
    connection = SlackConnection(settings.slack, application.peers)
    meters = application.meters
    arrivals = Arrivals(meters.acknowledged, meters.refused_request)
    readers = application.readers
    more: list[MoreListeners] = [
        FormListeners(connection, application.forms, readers, application.sheets.keep),
        DigestListeners(connection, application.digests, readers),
    ]
    return SlackFront(
        connection,
        application.onboardings,
        application.packs,
        readers,
        Clicks(connection, readers, Inbox(application.store, application.clock)),
        arrivals,
        more,
        homes=application.homes,
        replies=TicketReplyListener(connection, application.replies, readers),
        export=application.export,
    )
