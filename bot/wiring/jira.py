"""What Jira has beside its surface and its tickets: what is said on the tickets, and the mirror of the steps."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.jira.account import OwnAccount
from bot.jira.connection import JiraConnection
from bot.jira.mirror import CommentMirror, JiraStepIssues, SubtaskMirror
from bot.jira.settings import JiraSettings
from bot.jira.ticket_comments import JiraTicketTalk
from bot.onboarding.effects import Effects
from bot.onboarding.flow import Flow
from bot.onboarding.installation import JIRA_ACCOUNT, Installation
from bot.onboarding.lookouts import Lookout
from bot.onboarding.packs import Packs
from bot.onboarding.ports import Job, Surface
from bot.onboarding.retry import Backoff
from bot.onboarding.service import Onboardings
from bot.onboarding.store import Store
from bot.onboarding.subtasks import MIRROR, SubtaskLookout, Subtasks
from bot.onboarding.ticket_corrections import TicketCorrections
from bot.onboarding.ticket_talk import TicketTalkWorker
from bot.onboarding.turns import Turns


@dataclass(frozen=True)
class JiraWork:
    """Workers by the kind of their jobs, surfaces by name, and lookouts; all empty without a Jira."""

    workers: dict[str, Callable[[Job], str]] = field(default_factory=dict)
    surfaces: dict[str, Surface] = field(default_factory=dict)
    lookouts: list[Lookout] = field(default_factory=list)


def mirror_names(settings: JiraSettings | None) -> list[str]:
    """Return the names of the surfaces that ``build_jira_work`` adds."""
    return [MIRROR] if settings is not None and settings.mirror != "none" else []


def build_jira_work(
    jira: JiraConnection | None,
    store: Store,
    packs: Packs,
    flow: Flow,
    effects: Effects,
    onboardings: Onboardings,
    backoff: Backoff,
    turns: Turns,
    *,
    longest_pause: float,
) -> JiraWork:
    """Put it together. ``longest_pause`` is the longest pause between two looks at what does not change, in seconds."""
    work = JiraWork()
    if jira is None:
        return work
    poll = jira.settings.poll_seconds
    own = OwnAccount(lambda account: Installation(store).agree(JIRA_ACCOUNT, account))
    tickets = JiraTicketTalk(jira, own)
    talk = TicketTalkWorker(
        store,
        packs,
        flow,
        effects,
        tickets,
        backoff,
        poll_seconds=poll,
        longest_pause=longest_pause,
        turns=turns,
        take_corrections=TicketCorrections(store, flow, effects, tickets, onboardings.correcting).take,
    )
    work.workers["talk"] = talk.run
    match jira.settings.mirror:
        case "comment":
            work.surfaces[MIRROR] = CommentMirror(jira)
        case "subtasks":
            issues = JiraStepIssues(jira, own)
            subtasks = Subtasks(
                store,
                packs,
                flow,
                effects,
                onboardings,
                issues,
                backoff,
                poll_seconds=poll,
                longest_pause=longest_pause,
                turns=turns,
            )
            work.surfaces[MIRROR] = SubtaskMirror(jira, subtasks)
            work.workers[MIRROR] = subtasks.run
            work.lookouts.append(SubtaskLookout(issues, poll_seconds=poll))
        case "none":
            pass
    return work
