"""The jobs: which worker does which, and the sweep that makes jobs of whatever is due."""

from collections.abc import Callable, Mapping

from bot.closing import dossier_of
from bot.jira.additions import JiraAdditions
from bot.job_workers import JobWorkers
from bot.meters import Meters
from bot.onboarding.chores import Task
from bot.onboarding.digests import DIGEST, DigestSchedule, DigestWorker
from bot.onboarding.homes import Homes
from bot.onboarding.letters import LETTER, LetterWorker
from bot.onboarding.lookouts import Lookout, LookWorker
from bot.onboarding.ports import Surface
from bot.onboarding.reminders import SUBJECTS, ReminderWorker
from bot.onboarding.watchdog import Watchdog
from bot.onboarding.worker import StepWorker, SurfaceWorker, Sweep
from bot.readiness import Heartbeat
from bot.settings import Settings
from bot.sheet import FormSheets
from bot.slack.digest import SlackLetterbox
from bot.slack.files import SlackFiles
from bot.steps.dropped import DroppedCheck
from bot.steps.given_files import GivenFileWorker
from bot.steps.kinds import Means
from bot.steps.lookouts import FolderLookout, TicketLookout
from bot.wiring.core import Core
from bot.wiring.jira import JiraWork
from bot.wiring.outside import Outside
from bot.wiring.slack import SlackWork
from bot.wiring.upkeep import build_chores

# How often it is looked for managers who are new, in seconds.
DIGEST_SECONDS = 60.0


def build_workers(
    settings: Settings,
    core: Core,
    outside: Outside,
    surfaces: Mapping[str, Surface],
    of_jira: JiraWork,
    of_slack: SlackWork,
    looks: LookWorker,
    digests: DigestSchedule,
    sheets: FormSheets,
    meters: Meters,
) -> JobWorkers:
    """Return what does every job; ``surfaces`` are all that show an onboarding, by name."""
    store, packs, flow, clock, roles = core.store, core.packs, core.flow, core.clock, core.roles
    effects, backoff, turns, means = core.effects, core.backoff, core.turns, outside.means
    steps = StepWorker(store, packs, core.kinds, flow, effects, clock, backoff, turns)
    jira = outside.jira
    additions = {"jira": JiraAdditions(jira, dossier_of(core.onboardings))} if jira else {}
    shows = SurfaceWorker(store, packs, surfaces, flow, effects, backoff, turns, additions)
    reminders = ReminderWorker(flow, effects, roles, means.mailer, backoff, means.partner_page)
    letters = LetterWorker(flow, effects, means.mailer, backoff, means.partner_page)
    letterbox = SlackLetterbox(outside.slack, of_slack.readers.language_of)
    digest = DigestWorker(store, packs, digests, effects, letterbox, clock, roles, backoff)
    in_slack = settings.slack.bot_token is not None
    given = GivenFileWorker(
        store,
        packs,
        flow,
        core.onboardings,
        SlackFiles(outside.slack),
        DroppedCheck(means.registry, means.files),
        sheets,
        means.files,
        backoff,
        turns,
    )
    return JobWorkers(
        {
            "step": steps.run,
            "surface": of_slack.beside(shows.run),
            "home": of_slack.show_home,
            "look": looks.run,
            **of_jira.workers,
            "given": given.run,
            LETTER: letters.run,
            # Without a Slack there is nobody to write to, though a job may be left from before.
            DIGEST: digest.run if in_slack else lambda _job: "over",
            **dict.fromkeys(SUBJECTS, reminders.run),
        },
        flow,
        meters,
    )


def build_lookouts(settings: Settings, means: Means) -> list[Lookout]:
    """Return what looks at a server for all steps that wait for it, where the settings name that server."""
    lookouts: list[Lookout] = []
    if settings.jira:
        lookouts.append(TicketLookout(means.tickets, poll_seconds=means.ticket_poll_seconds))
    if settings.transfer:
        lookouts.append(FolderLookout(means.transfer, poll_seconds=means.transfer_poll_seconds))
    return lookouts


def build_sweep(
    settings: Settings,
    core: Core,
    looks: LookWorker,
    homes: Homes,
    digests: DigestSchedule,
    watchdog: Watchdog,
    heartbeat: Heartbeat,
    meters: Meters,
) -> Callable[[], int]:
    """Return what a worker does every few seconds: make jobs of what is due, then the chores; it counts the jobs."""
    in_slack = settings.slack.bot_token is not None
    due = Sweep(core.store, core.jobs, core.clock, looks.kinds)
    sweeps = [due.run, *([homes.sweep, digests.sweep] if in_slack else [])]
    more = {"digests": Task(DIGEST_SECONDS, digests.enlist)} if in_slack else {}
    chores = build_chores(core.store, core.jobs, core.clock, watchdog, meters, settings.upkeep, more)

    def sweep() -> int:
        heartbeat.beat()
        enqueued = sum(each() for each in sweeps)
        chores.run()
        return enqueued

    return sweep
