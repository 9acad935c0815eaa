"""Jira's wiki markup, which REST v2 takes on Data Center and Cloud: the issue's text and the reports as comments."""

import re

from bot.locales import say
from bot.onboarding.outcomes import Evidence
from bot.onboarding.view import OnboardingView, Report
from checklists.model import Language, Localized

# Jira's limit is 32,767 characters; a margin is left for what the server adds.
LONGEST_TEXT = 32_000
LONGEST_SUMMARY = 255
SHOWN_FACTS = 60
SLACK_MENTION = re.compile(r"<@([A-Z0-9]+)>")
# The addresses of these steps are the partner's own signed links: whoever reads the issue must not answer by them.
WITH_SIGNED_LINK = frozenset({"form", "ask"})


def issue_summary(view: OnboardingView) -> str:
    """Return the issue's one line."""
    line = say("jira.summary", operator=view.operator, client=view.client, root=view.root, partner=view.partner)
    return one_line(line.text(view.language))


def issue_description(view: OnboardingView) -> str:
    """Return the issue's text: who, what, and the steps that are ahead."""
    language = view.language
    rows = [
        (say("fact.onboarding"), view.key),
        (say("fact.operator"), view.operator),
        (say("fact.partner"), view.partner),
        (say("fact.client"), view.client),
        (say("fact.root"), view.root),
        (say("fact.tax_ids"), ", ".join(view.tax_ids)),
        (say("fact.started_by"), view.started_by),
    ]
    table = [f"|{escaped(label.text(language))}|{escaped(value)}|" for label, value in rows]
    steps = [
        f"# {escaped(step.definition.title.text(language))}" for step in view.steps if step.state != "not_applicable"
    ]
    return shortened("\n".join([*table, "", f"h3. {say('jira.steps').text(language)}", *steps]))


def comment(view: OnboardingView, report: Report, marker: str) -> str:
    """Return a report as a comment; its last line is the marker by which it is found again."""
    language = view.language
    lines = [heading(view, report)]
    if report.code:
        lines.append(f"*{escaped(report.code)}*")
    lines += [_quoted(text, language) for text in (report.seen, report.advice) if text]
    if report.reason:
        lines.append(f"{say('fact.reason').text(language)}: {escaped(report.reason)}")
    lines += evidence_lines(report.evidence, language)
    if report.kind == "closed":
        lines.append(f"{say('jira.head_hash').text(language)}: {{{{{report.hash}}}}}")
    if report.link and not (report.step and report.step.kind in WITH_SIGNED_LINK):
        lines.append(report.link)
    body = shortened("\n".join(lines))
    return f"{body}\n----\n{marker}"


def heading(view: OnboardingView, report: Report) -> str:
    """Return a comment's first line: the step, what came of it, by whom."""
    title = report.step.title.text(view.language) if report.step else f"{view.operator} · {view.client}"
    outcome = say(f"report.{report.kind}").text(view.language)
    return f"h4. {escaped(title)}: {escaped(outcome)} ({escaped(report.actor)})"


def evidence_lines(evidence: Evidence, language: Language) -> list[str]:
    """Return facts, files and findings as tables and lists."""
    lines: list[str] = []
    lines += [f"|{escaped(fact.label.text(language))}|{escaped(fact.value)}|" for fact in evidence.facts[:SHOWN_FACTS]]
    if evidence.files:
        lines += ["", "||file||bytes||SHA-256||"]
        lines += [f"|{escaped(file.name)}|{file.size}|{{{{{file.sha256}}}}}|" for file in evidence.files]
    for finding in evidence.findings:
        message, advice = finding.message.text(language), finding.advice.text(language)
        lines.append(f"* *{escaped(finding.code)}* ({finding.severity}): {escaped(message)} {escaped(advice)}")
    return lines


def escaped(text: str) -> str:
    """Keep what people or files say from being read as markup."""
    marked = "".join(f"\\{character}" if character in "{}[]|" else character for character in text)
    return " ".join(marked.split()) or " "


def without_mentions(text: str) -> str:
    """Name people in Slack by the ids that the settings have: Jira knows no mention of theirs."""
    return SLACK_MENTION.sub(r"\1 (Slack)", text)


def one_line(text: str) -> str:
    """Return a summary within Jira's limit."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SUMMARY else f"{line[: LONGEST_SUMMARY - 1]}…"


def shortened(text: str) -> str:
    """Return a text within Jira's limit."""
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"


def _quoted(text: Localized, language: Language) -> str:
    return "\n".join(f"bq. {escaped(line)}" for line in text.text(language).splitlines() if line.strip())
