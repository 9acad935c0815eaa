"""The parent message of an onboarding: a pure function of its view.

It stays within Slack's limits whatever it holds: the fixed lines first, then the steps' controls, and the guides as
far as there is room.
"""

import json

from bot.locales import say
from bot.onboarding.actors import Accountable, role_name
from bot.onboarding.view import OnboardingView, StepView
from bot.slack import blocks as b
from bot.slack.controls import ICONS, steps_with_controls
from bot.slack.corrections import offers
from bot.slack.mrkdwn import chunks, code, inline, link, mention, moment, whole_lines
from checklists.model import Language

COMMAND = "/onboard"
BAR_LENGTH = 12

SUMMARY = 1_000
ABOUT = 1_400
WHO_ACTS = 1_000
STEP_LINES = 4_500
# Shorter titles make room before whole lines are left out.
TITLE_LENGTHS = (120, 60, 30)


def picture(view: OnboardingView, command: str = COMMAND) -> str:
    """Return the message as JSON: ``text`` for notifications and screen readers, ``blocks`` for the eye."""
    shown = {"text": summary(view), "blocks": message_blocks(view, command)}
    return json.dumps(shown, ensure_ascii=False, sort_keys=True)


def summary(view: OnboardingView) -> str:
    """Return the message in one line."""
    done, of = view.progress
    state = say(f"onboarding.{view.state}").text(view.language)
    who = f"{view.operator} · {view.client} ({view.partner})"
    return inline(f"{view.key} · {who}: {done}/{of}, {state}", SUMMARY)


def message_blocks(view: OnboardingView, command: str = COMMAND) -> list[b.Block]:
    """Return the message's blocks; ``command`` is the slash command that tells more."""
    language = view.language
    done, of = view.progress
    built = [
        b.header(f"{view.key} · {view.operator} · {view.client}"),
        b.section(f"{progress_bar(done, of)}  *{done}/{of}*  {say(f'onboarding.{view.state}').text(language)}"),
        b.context(_about(view)),
        *(b.section(text) for text in step_lines(view, command)),
    ]
    if view.state != "open":
        return built
    acting = [step for step in view.steps if step.state in {"waiting", "failed", "running"}]
    if acting:
        built.append(b.section(_who_acts(acting, language)))
    corrections = offers(view)
    room = b.MOST_TEXT - b.text_size([*built, *corrections]) - len(_more(len(view.steps), view, command))
    blocks = b.MOST_BLOCKS - len(built) - len(corrections) - 1
    steps, left = steps_with_controls(view, blocks=blocks, characters=room)
    built += [*steps, *corrections]
    if left > 0:
        built.append(b.context(_more(left, view, command)))
    return built


def progress_bar(done: int, of: int) -> str:
    """Return the progress as signs that every font has."""
    filled = BAR_LENGTH * done // of if of else BAR_LENGTH
    return "▰" * filled + "▱" * (BAR_LENGTH - filled)


def step_lines(view: OnboardingView, command: str = COMMAND) -> list[str]:
    """Return the steps with their states, who and when, in texts that fit a section each, 4,500 characters in all."""
    lines: list[str] = []
    for longest in TITLE_LENGTHS:
        lines = [_step_line(step, view.language, longest) for step in view.steps]
        if sum(len(line) + 1 for line in lines) <= STEP_LINES:
            break
    return chunks(whole_lines(lines, STEP_LINES, lambda count: _more(count, view, command)))


def _more(count: int, view: OnboardingView, command: str) -> str:
    return say("slack.more_steps", count=count, command=command, key=view.key).text(view.language)


def _step_line(step: StepView, language: Language, longest: int) -> str:
    line = f"{ICONS[step.state]} {inline(step.definition.title.text(language), longest)}"
    if step.state == "done" and step.changed_at is not None:
        line += f"  _{inline(step.changed_by or '', 60)}, {moment(step.changed_at)}_"
    elif step.state == "skipped":
        line += f"  _{inline(step.reason or '', longest)} ({inline(step.changed_by or '', 60)})_"
    elif step.state == "failed":
        line += f"  {code(step.code or '', 60)}"
    elif step.state == "waiting" and step.waits_for is not None:
        line += f"  _{role_name(step.waits_for).text(language)}_"
    if step.due_on is not None and step.state in {"waiting", "running", "failed"}:
        line += f"  · {say('slack.due', day=step.due_on.isoformat()).text(language)}"
    if step.accountable is not None and step.state in {"waiting", "running", "failed"}:
        line += f"  · {say('steer.accountable', who=_named(step.accountable)).text(language)}"
    if step.days_late:
        line += f"  *{late_mark(step.days_late, language)}*"
    return line


def _named(accountable: Accountable) -> str:
    return mention(accountable.id) or inline(accountable.name, 60)


def late_mark(days: int, language: Language) -> str:
    """Return the sign for being late, and by how many working days."""
    return say("late.mark", late=say("late.one") if days == 1 else say("late.many", days=days)).text(language)


def _about(view: OnboardingView) -> str:
    language = view.language
    parts = [
        f"{say('fact.partner').text(language)} {inline(view.partner, 60)}",
        f"{say('fact.root').text(language)} {inline(view.root, 80)}",
        f"{say('fact.started_by').text(language)} {inline(view.started_by, 60)}, {moment(view.started_at)}",
    ]
    if view.due is not None:
        parts.append(say("slack.due", day=view.due.isoformat()).text(language))
    if view.days_late:
        parts.append(f"*{late_mark(view.days_late, language)}*")
    if view.accountable is not None:
        parts.append(say("steer.accountable", who=_named(view.accountable)).text(language))
    jira = view.surfaces.get("jira")
    if jira is not None and jira.link:
        parts.append(link(jira.link, jira.parent))
    if "jira" in view.troubles:
        parts.append(f"⚠️ Jira: {inline(view.troubles['jira'], 200)}")
    parts += [
        link(step.link, step.definition.title.text(language), 60)
        for step in view.steps
        if step.link and step.definition.kind == "ticket"
    ]
    return " · ".join(whole_lines(parts, ABOUT - 2 * len(parts)))


def _who_acts(acting: list[StepView], language: Language) -> str:
    by_role: dict[str, list[str]] = {}
    for step in acting:
        role = step.role if step.state == "failed" else step.waits_for
        name = role_name(role).text(language) if role else "onboarding-bot"
        by_role.setdefault(name, []).append(inline(step.definition.title.text(language), 60))
    most = WHO_ACTS // len(by_role) - 60
    lines = [f"• *{name}*: {', '.join(whole_lines(titles, most))}" for name, titles in by_role.items()]
    return f"*{say('slack.who_acts').text(language)}*\n" + "\n".join(lines)
