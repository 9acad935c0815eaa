"""A report as a post in the thread: what came of a step, by whom, with its evidence. A pure function."""

from bot.locales import say
from bot.onboarding.outcomes import Evidence
from bot.onboarding.view import OnboardingView, Report
from bot.slack import blocks as b
from bot.slack.mrkdwn import chunks, escaped, moment, person, shortened
from checklists.model import Language

ICONS = {
    "step_done": "✅",
    "step_failed": "❌",
    "step_skipped": "⏭️",
    "step_asks": "✉️",
    "closed": "🏁",
    "cancelled": "🚫",
}
SEVERITIES = {"block": "⛔", "quarantine": "☣️", "warn": "⚠️", "info": "ℹ️"}

# Slack takes about 13,000 characters in all blocks of a message together.
MOST_FACTS = 40
EVIDENCE_TEXT = 6_000
LONG_TEXT = 2_500


def report_text(view: OnboardingView, report: Report) -> str:
    """Return the post in one line, for notifications and screen readers."""
    outcome = say(f"report.{report.kind}").text(view.language)
    return shortened(escaped(f"{view.key} · {_title(view, report)}: {outcome}"), 1_000)


def report_blocks(view: OnboardingView, report: Report) -> list[b.Block]:
    """Return the post's blocks."""
    language = view.language
    outcome = say(f"report.{report.kind}").text(language)
    first = f"{ICONS[report.kind]} *{escaped(shortened(_title(view, report), 150))}*: {outcome}"
    if report.code:
        first += f"  `{escaped(report.code)}`"
    built = [b.section(first)]
    built += [
        b.section(escaped(shortened(text.text(language), LONG_TEXT))) for text in (report.seen, report.advice) if text
    ]
    if report.reason:
        built.append(b.section(f"{say('fact.reason').text(language)}: {escaped(shortened(report.reason, LONG_TEXT))}"))
    if report.copy is not None:
        built.append(_to_copy(report.copy.text(language)))
    built += [b.section(text) for text in _within(chunks(evidence_lines(report.evidence, language)), EVIDENCE_TEXT)]
    if report.kind == "closed":
        built.append(b.context(f"{say('jira.head_hash').text(language)}: `{report.hash}`"))
    who = person(report.actor_id, shortened(report.actor, 80))
    built.append(b.context(f"{who} · {moment(report.at)}" + (f" · <{report.link}|→>" if report.link else "")))
    return built


def evidence_lines(evidence: Evidence, language: Language) -> list[str]:
    """Return facts, files with size and checksum, and findings with their advice."""
    lines = [
        f"• {escaped(shortened(fact.label.text(language), 120))}: {escaped(shortened(fact.value, 300))}"
        for fact in evidence.facts[:MOST_FACTS]
    ]
    left = len(evidence.facts) - MOST_FACTS
    if left > 0:
        lines.append(say("slack.more_facts", count=left).text(language))
    for file in evidence.files:
        rows = f" · {file.rows} {say('slack.rows').text(language)}" if file.rows is not None else ""
        lines.append(
            f"📄 `{escaped(shortened(file.name, 120))}` · {file.size:,} B{rows} · SHA-256 `{file.sha256[:12]}…`"
        )
    for finding in evidence.findings:
        sign = SEVERITIES.get(finding.severity, "•")
        message, advice = (shortened(text.text(language), 500) for text in (finding.message, finding.advice))
        lines.append(f"{sign} *{escaped(finding.code)}* {escaped(message)}\n    → {escaped(advice)}")
    return lines


def _title(view: OnboardingView, report: Report) -> str:
    if report.step is not None:
        return report.step.title.text(view.language)
    return f"{view.operator} · {view.client}"


def _to_copy(text: str) -> b.Block:
    """A text to copy and send as it is: preformatted, so that Slack shows it without markup of its own."""
    quoted = escaped(shortened(text.strip().replace("```", "'''"), LONG_TEXT))
    return b.section(f"```\n{quoted}\n```")


def _within(texts: list[str], most: int) -> list[str]:
    kept: list[str] = []
    for text in texts:
        if sum(map(len, kept)) + len(text) > most:
            kept.append("…")
            break
        kept.append(text)
    return kept
