"""The parent message of an onboarding: a pure function of its view.

Block ids are ``<step>:<revision>:<part>``: at each revision the boxes are new ones, so Slack never shows a stale tick,
and a click tells which revision was on the screen.
"""

import json
from typing import Any

from bot.locales import say
from bot.onboarding.actors import role_name
from bot.onboarding.view import OnboardingView, StepView
from bot.slack import blocks as b
from bot.slack.mrkdwn import chunks, escaped, from_markdown, moment, shortened
from checklists.model import Choice, Language

ICONS = {
    "pending": "▫️",
    "ready": "▫️",
    "running": "⏳",
    "waiting": "🟡",
    "done": "✅",
    "failed": "❌",
    "skipped": "⏭️",
    "not_applicable": "➖",
}
BAR_LENGTH = 12

# Slack takes 50 blocks in a message, and about 13,000 characters in all of them together.
MOST_STEPS_WITH_CONTROLS = 9
STEP_LINES = 5_000
GUIDE = 1_100
STEP_TEXT = 700


def picture(view: OnboardingView) -> str:
    """Return the message as JSON: ``text`` for notifications and screen readers, ``blocks`` for the eye."""
    return json.dumps({"text": summary(view), "blocks": message_blocks(view)}, ensure_ascii=False, sort_keys=True)


def summary(view: OnboardingView) -> str:
    """Return the message in one line."""
    done, of = view.progress
    state = say(f"onboarding.{view.state}").text(view.language)
    who = f"{view.operator} · {view.client} ({view.partner})"
    return shortened(escaped(f"{view.key} · {who}: {done}/{of}, {state}"), SUMMARY)


SUMMARY = 1_000


def message_blocks(view: OnboardingView) -> list[b.Block]:
    """Return the message's blocks."""
    language = view.language
    done, of = view.progress
    built = [
        b.header(f"{view.key} · {view.operator} · {view.client}"),
        b.section(f"{progress_bar(done, of)}  *{done}/{of}*  {say(f'onboarding.{view.state}').text(language)}"),
        b.context(_about(view)),
        *(b.section(text) for text in step_lines(view)),
    ]
    if view.state != "open":
        return built
    acting = [step for step in view.steps if step.state in {"waiting", "failed", "running"}]
    if acting:
        built.append(b.section(_who_acts(acting, language)))
    with_controls = [step for step in acting if step.state != "running"]
    for step in with_controls[:MOST_STEPS_WITH_CONTROLS]:
        built += [{"type": "divider"}, *_controls(view, step)]
    left = len(with_controls) - MOST_STEPS_WITH_CONTROLS
    if left > 0:
        built.append(b.context(say("slack.more_steps", count=left, key=view.key).text(language)))
    return built


def progress_bar(done: int, of: int) -> str:
    """Return the progress as signs that every font has."""
    filled = BAR_LENGTH * done // of if of else BAR_LENGTH
    return "▰" * filled + "▱" * (BAR_LENGTH - filled)


def step_lines(view: OnboardingView) -> list[str]:
    """Return the steps with their states, who and when, in texts that fit a section."""
    lines = [_step_line(step, view.language) for step in view.steps]
    while len("\n".join(lines)) > STEP_LINES:
        most = max(40, max(len(line) for line in lines) * 3 // 4)
        shorter = [shortened(line, most) if "<" not in line else line for line in lines]
        if shorter == lines:
            lines = lines[: STEP_LINES // 120]
            break
        lines = shorter
    return chunks(lines)


def _step_line(step: StepView, language: Language) -> str:
    title = escaped(shortened(step.definition.title.text(language), 120))
    line = f"{ICONS[step.state]} {title}"
    if step.state == "done" and step.changed_at is not None:
        line += f"  _{escaped(shortened(step.changed_by or '', 60))}, {moment(step.changed_at)}_"
    elif step.state == "skipped":
        line += f"  _{escaped(shortened(step.reason or '', 120))} ({escaped(shortened(step.changed_by or '', 60))})_"
    elif step.state == "failed":
        line += f"  *{escaped(step.code or '')}*"
    elif step.state == "waiting" and step.waits_for is not None:
        line += f"  _{role_name(step.waits_for).text(language)}_"
    if step.due_on is not None and step.state in {"waiting", "running", "failed"}:
        line += f"  · {say('slack.due', day=step.due_on.isoformat()).text(language)}"
    return line


def _about(view: OnboardingView) -> str:
    language = view.language
    parts = [
        f"{say('fact.partner').text(language)} {escaped(view.partner)}",
        f"{say('fact.root').text(language)} {escaped(view.root)}",
        f"{say('fact.started_by').text(language)} {escaped(shortened(view.started_by, 60))}, {moment(view.started_at)}",
    ]
    if view.due is not None:
        parts.append(say("slack.due", day=view.due.isoformat()).text(language))
    jira = view.surfaces.get("jira")
    if jira is not None and jira.link:
        parts.append(f"<{jira.link}|{escaped(jira.parent)}>")
    parts += [
        f"<{step.link}|{escaped(shortened(step.definition.title.text(language), 60))}>"
        for step in view.steps
        if step.link and step.definition.kind == "ticket"
    ]
    if "jira" in view.troubles:
        parts.append(f"⚠️ Jira: {escaped(shortened(view.troubles['jira'], 200))}")
    return " · ".join(parts)


def _who_acts(acting: list[StepView], language: Language) -> str:
    by_role: dict[str, list[str]] = {}
    for step in acting:
        role = step.role if step.state == "failed" else step.waits_for
        name = role_name(role).text(language) if role else "onboarding-bot"
        title = escaped(shortened(step.definition.title.text(language), 60))
        by_role.setdefault(name, []).append(title)
    lines = [f"• *{name}*: {', '.join(titles)}" for name, titles in by_role.items()]
    return f"*{say('slack.who_acts').text(language)}*\n" + "\n".join(lines)


def _controls(view: OnboardingView, step: StepView) -> list[b.Block]:
    language, prefix = view.language, f"{step.id}:{view.revision}"
    built = [b.section(_step_text(view, step), f"{prefix}:text")]
    if step.state == "waiting" and step.ticks:
        built.append({"type": "actions", "block_id": f"{prefix}:ticks", "elements": [_checkboxes(step, language)]})
    elements = _buttons(view, step)
    if elements:
        built.append({"type": "actions", "block_id": f"{prefix}:actions", "elements": elements})
    return built


def _step_text(view: OnboardingView, step: StepView) -> str:
    language = view.language
    lines = [f"{ICONS[step.state]} *{escaped(shortened(step.definition.title.text(language), 150))}*"]
    if step.state == "failed":
        lines.append(f"*{escaped(step.code or '')}*")
        lines += [escaped(shortened(text.text(language), STEP_TEXT)) for text in (step.seen, step.advice) if text]
        return "\n".join(lines)
    if step.note is not None:
        lines.append(escaped(shortened(step.note.text(language), STEP_TEXT)))
    guide = view.pack.guide(step.definition, language)
    if guide:
        lines.append(_whole_lines(from_markdown(guide), GUIDE))
    facts = [
        f"• {escaped(shortened(fact.label.text(language), 80))}: {escaped(shortened(fact.value, 80))}"
        for fact in step.evidence.facts
    ]
    lines += facts[:8]
    ticked = [
        f"☑ {escaped(shortened(seen.tick.label.text(language), 75))}: "
        f"{escaped(shortened(seen.by, 40))}, {moment(seen.at)}"
        for seen in step.ticks
        if seen.by is not None and seen.at is not None
    ]
    return "\n".join([*lines, *ticked])


def _checkboxes(step: StepView, language: Language) -> b.Block:
    options = {seen.tick.id: b.option(seen.tick.label.text(language), seen.tick.id) for seen in step.ticks}
    element: b.Block = {"type": "checkboxes", "action_id": "ticks", "options": list(options.values())}
    initial = [options[seen.tick.id] for seen in step.ticks if seen.by is not None]
    return element | ({"initial_options": initial} if initial else {})


def _buttons(view: OnboardingView, step: StepView) -> list[b.Block]:
    language, value = view.language, f"{view.key}:{step.id}"

    def text(name: str) -> str:
        return say(f"slack.{name}").text(language)

    elements: list[b.Block] = []
    if step.state == "failed":
        elements.append(b.button(text("retry"), "retry", value, style="primary"))
    elif step.definition.kind == "ask":
        elements += [
            b.button(text("answer_yes"), "answer_yes", value, style="primary"),
            b.button(text("answer_no"), "answer_no", value),
        ]
    elif step.definition.kind == "references":
        elements.append(b.button(text("assign"), "assign", value, style="primary") | {"confirm": _sure(step, language)})
    elif step.ticks:
        elements.append(
            b.button(text("confirm"), "confirm", value, style="primary") | {"confirm": _sure(step, language)}
        )
    choices = _choices(step)
    if choices and step.state == "waiting":
        options = [b.option(choice.label.text(language), choice.id) for choice in choices]
        elements.append({"type": "radio_buttons", "action_id": "choices", "options": options})
    if step.link and step.definition.kind == "ticket":
        elements.append(b.button(text("ticket"), "ticket", value, url=step.link))
    elements.append(b.button(text("skip"), "skip", value))
    return elements


def _choices(step: StepView) -> tuple[Choice, ...]:
    choices: Any = getattr(step.definition.parameters, "choices", ())
    return tuple(choices)


def _sure(step: StepView, language: Language) -> b.Block:
    return b.confirm(
        shortened(step.definition.title.text(language), 100),
        say("slack.sure").text(language),
        say("slack.yes").text(language),
        say("slack.no").text(language),
    )


def _whole_lines(text: str, most: int) -> str:
    """Cut a guide at the end of a line, so that no markup is left open."""
    if len(text) <= most:
        return text
    cut = text[:most].rpartition("\n")[0]
    return f"{cut or shortened(text.partition(chr(10))[0], most - 2)}\n…"
