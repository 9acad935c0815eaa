"""A report as a post in the thread: what came of a step, by whom, with its evidence. A pure function."""

from collections.abc import Sequence

from bot.locales import say
from bot.onboarding.outcomes import Evidence, FileEvidence, FindingEvidence
from bot.onboarding.view import OnboardingView, Report
from bot.slack import blocks as b
from bot.slack.mrkdwn import (
    SECTION,
    chunks,
    code,
    escaped,
    inline,
    link,
    mention,
    moment,
    person,
    quoted,
    shortened,
    whole_lines,
)
from bot.slack.ticket_posts import said
from checklists.model import Language

REMINDERS = frozenset({"step_reminded", "step_escalated"})
ICONS = {
    "step_done": "✅",
    "step_failed": "❌",
    "step_skipped": "⏭️",
    "step_asks": "✉️",
    "step_reminded": "🔔",
    "step_escalated": "🚨",
    "reminder_unsent": "📪",
    "deadline_near": "🔔",
    "deadline_passed": "🚨",
    "replacement_decided": "♻️",
    "assigned": "👤",
    "due_changed": "📅",
    "noted": "📝",
    "confirmed": "☝️",
    "confirmation_withdrawn": "↩️",
    "reopened": "🔓",
    "ticket_followed": "🎫",
    "ticket_moved": "🔀",
    "ticket_comment": "💬",
    "correction_asked": "✏️",
    "ticket_reply_sent": "📨",
    "ticket_reply_unsent": "📪",
    "ticket_gone": "🕳️",
    "surface_gone": "🕳️",
    "surface_refused": "🚫",
    "subtask_gone": "🕳️",
    "addition_missed": "⚠️",
    "tick_noted": "📎",
    "tick_explained": "↩️",
    "file_dropped": "📥",
    "file_checked": "🔎",
    "file_not_taken": "🚫",
    "sheet_offered": "📝",
    "letter_unsent": "📪",
    "closed": "🏁",
    "cancelled": "🚫",
}
# One accountable person is turned to; an escalation turns to the managers as well, as far as a line of names goes.
MOST_MANAGERS = 5
SEVERITIES = {"block": "⛔", "quarantine": "☣️", "warn": "⚠️", "info": "ℹ️"}

SENTENCE = 1_500
# A text to copy is worth nothing when half of it is missing, so the evidence gives way to it.
TO_COPY = 5_000
TO_COPY_IN_ONE = SECTION - 10
EVIDENCE = 8_000


def report_text(view: OnboardingView, report: Report) -> str:
    """Return the post in one line, for notifications and screen readers."""
    outcome = say(f"report.{report.kind}").text(view.language)
    return inline(f"{view.key} · {_title(view, report)}: {outcome}", 1_000)


def report_blocks(view: OnboardingView, report: Report) -> list[b.Block]:
    """Return the post's blocks."""
    language = view.language
    outcome = say(f"report.{report.kind}").text(language)
    first = f"{ICONS[report.kind]} *{inline(_title(view, report), 150)}*: {outcome}"
    if report.code:
        first += f"  {code(report.code, 60)}"
    if report.who or report.managers:
        first += f"\n{_turned_to(report)}"
    built = [b.section(first)]
    quotes = said if report.kind == "ticket_comment" else quoted
    built += [b.section(quotes(text.text(language), SENTENCE)) for text in (report.seen, report.advice) if text]
    if report.reason:
        built.append(b.section(f"{say('fact.reason').text(language)}: {quoted(report.reason, SENTENCE)}"))
    if report.copy is not None:
        built += _to_copy(report.copy.text(language))
    if report.step is not None and report.kind in REMINDERS:
        built.append(reminder_buttons(f"{view.key}:{report.step.id}", report.seq, language))
    last = _last_line(view, report)
    room = min(EVIDENCE, b.MOST_TEXT - b.text_size([*built, last]))
    return [*built, *_evidence(report.evidence, language, room), last]


def reminder_buttons(value: str, seq: int, language: Language) -> b.Block:
    """Return the buttons of a reminder: later, or no more."""
    elements = [b.button(say(f"slack.{name}").text(language), name, value) for name in ("snooze", "mute")]
    return {"type": "actions", "block_id": f"{value.partition(':')[2]}:{seq}:reminder", "elements": elements}


def _turned_to(report: Report) -> str:
    """Mention the one who is accountable, and whom an escalation tells; a name unknown to Slack stays a name."""
    who = next((found for member in report.who if (found := mention(member))), None)
    told = [found for member in report.managers if (found := mention(member))][:MOST_MANAGERS]
    names = dict.fromkeys([*([who] if who else [inline(name, 60) for name in report.who[:1]]), *told])
    return " ".join(names)


def evidence_lines(evidence: Evidence, language: Language) -> list[str]:
    """Return findings with their advice, files with size and checksum, and facts: what matters most comes first."""
    return [
        *(_finding_line(finding, language) for finding in evidence.findings),
        *(_file_line(file, language) for file in evidence.files),
        *(f"• {inline(fact.label.text(language), 120)}: {inline(fact.value, 300)}" for fact in evidence.facts),
    ]


def _finding_line(finding: FindingEvidence, language: Language) -> str:
    sign = SEVERITIES.get(finding.severity, "•")
    message, advice = (inline(text.text(language), 500) for text in (finding.message, finding.advice))
    return f"{sign} *{inline(finding.code, 60)}* {message}\n    → {advice}"


def _file_line(file: FileEvidence, language: Language) -> str:
    rows = f" · {file.rows} {say('slack.rows').text(language)}" if file.rows is not None else ""
    return f"📄 {code(file.name, 120)} · {file.size:,} B{rows} · SHA-256 `{file.sha256[:12]}…`"


def _evidence(evidence: Evidence, language: Language, room: int) -> list[b.Block]:
    def left_out(count: int) -> str:
        return say("slack.more_facts", count=count).text(language)

    return [b.section(text) for text in chunks(whole_lines(evidence_lines(evidence, language), room, left_out))]


def _title(view: OnboardingView, report: Report) -> str:
    if report.step is not None:
        return report.step.title.text(view.language)
    return f"{view.operator} · {view.client}"


def _to_copy(text: str) -> list[b.Block]:
    """A text to copy and send as it is: preformatted, so that Slack shows it without markup of its own."""
    whole = shortened(escaped(text.strip().replace("```", "'''")), TO_COPY)
    return [b.section(f"```\n{part}\n```") for part in chunks(_pieces(whole.split("\n")), TO_COPY_IN_ONE)]


def _pieces(lines: Sequence[str]) -> list[str]:
    """Cut lines that no paragraph can hold, between words where there are any, so that nothing of them is lost."""
    pieces = []
    for line in lines:
        rest = line
        while len(rest) > TO_COPY_IN_ONE:
            part = shortened(rest, TO_COPY_IN_ONE).removesuffix("…")
            part = part.rpartition(" ")[0] or part
            pieces.append(part)
            rest = rest[len(part) :].lstrip(" ")
        pieces.append(rest)
    return pieces


def _last_line(view: OnboardingView, report: Report) -> b.Block:
    parts = [person(report.actor_id, report.actor), moment(report.at)]
    if report.link:
        parts.append(link(report.link, "→"))
    if report.kind == "closed":
        parts.append(f"{say('jira.head_hash').text(view.language)}: `{report.hash}`")
    return b.context(" · ".join(parts))
