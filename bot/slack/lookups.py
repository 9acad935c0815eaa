"""The answers of ``mine``, ``form`` and ``check``, for the person who asked; each within what a message holds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.locales import say
from bot.onboarding.mine import MyActivation, MyStep, MyWork
from bot.onboarding.view import StepView
from bot.slack.controls import ICONS
from bot.slack.mrkdwn import code, inline, link, moment, quoted, whole_lines
from bot.slack.parent import late_mark, progress_bar
from bot.slack.reports import evidence_lines
from checklists.model import Language

# Slack recommends texts of up to 4,000 characters.
ANSWER = 3_800
MOST_ACTIVATIONS = 1_400


def mine_text(work: MyWork, language: Language) -> str:
    """Return what waits for a person: their steps first, then their activations."""

    def more(count: int) -> str:
        return say("slack.mine.more", count=count).text(language)

    if not work.steps and not work.activations:
        return say("slack.mine.nothing").text(language)
    lines: list[str] = []
    activations = whole_lines([_activation(one, language) for one in work.activations], MOST_ACTIVATIONS, more)
    if work.steps:
        room = ANSWER - 200 - sum(len(line) + 1 for line in activations)
        steps = whole_lines([_step(step, language) for step in work.steps], room, more)
        lines += [f"*{say('slack.mine.steps').text(language)}*", *steps]
    if activations:
        lines += [f"*{say('slack.mine.activations').text(language)}*", *activations]
    return "\n".join(lines)


def form_text(forms: Sequence[StepView], answers: Mapping[str, Mapping[str, Any]], language: Language) -> str:
    """Return where the forms stand, with the link while answers are wanted."""
    lines: list[str] = []
    for step in forms:
        lines.append(_headline(step, language))
        given = sum(value not in (None, "", []) for value in answers[step.id].values())
        if given:
            lines.append(say("slack.form.answers", count=given).text(language))
        if step.state == "waiting" and step.link:
            lines.append(say("slack.form.link", link=link(step.link, step.link, 400)).text(language))
        elif step.state == "waiting":
            lines.append(say("slack.form.no_link").text(language))
    return "\n".join(lines)


def check_text(key: str, chain: Sequence[StepView], language: Language) -> str:
    """Return where the test-file chain stands: each of its steps, and what the last file brought, findings first."""
    lines = [f"*{key}*", *(line for step in chain for line in _checked(step, language))]
    if not any(step.evidence.findings for step in chain) and any(step.evidence.files for step in chain):
        lines.append(say("slack.check.none").text(language))
    return "\n".join(whole_lines(lines, ANSWER, lambda count: say("slack.more_facts", count=count).text(language)))


def _checked(step: StepView, language: Language) -> Iterator[str]:
    yield _headline(step, language)
    if step.state == "failed":
        yield from (quoted(" ".join(text.text(language).split()), 700) for text in (step.seen, step.advice) if text)
    elif step.state == "waiting" and step.note is not None:
        yield quoted(" ".join(step.note.text(language).split()), 700)
    for lines in evidence_lines(step.evidence, language):
        yield from lines.split("\n")


def _headline(step: StepView, language: Language) -> str:
    line = f"{ICONS[step.state]} *{inline(step.definition.title.text(language), 120)}*"
    line += f": {say(f'state.{step.state}').text(language)}"
    if step.code:
        line += f"  {code(step.code, 60)}"
    if step.changed_at is not None:
        line += f"  _{inline(step.changed_by or '', 60)}, {moment(step.changed_at)}_"
    return line


def _step(step: MyStep, language: Language) -> str:
    name = link(step.link, step.key) if step.link else step.key
    line = f"{ICONS[step.state]} *{name}* {inline(step.title.text(language), 80)} · {inline(step.client, 60)}"
    if step.is_named:
        line += " 👤"
    if step.due_on is not None:
        line += f"  · {say('slack.due', day=step.due_on.isoformat()).text(language)}"
    return line + (f"  *{late_mark(step.days_late, language)}*" if step.days_late else "")


def _activation(one: MyActivation, language: Language) -> str:
    name = link(one.link, one.key) if one.link else one.key
    about = inline(f"{one.operator} · {one.client} ({one.partner})", 160)
    line = f"• *{name}* {progress_bar(one.done, one.of)} {one.done}/{one.of}  {about}"
    if one.due is not None:
        line += f"  · {say('slack.due', day=one.due.isoformat()).text(language)}"
    return line + (f"  *{late_mark(one.days_late, language)}*" if one.days_late else "")
