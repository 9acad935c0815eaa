"""The late onboardings, for the person who asks for them: the answer of ``list late``."""

from collections.abc import Sequence

from bot.locales import say
from bot.onboarding.view import OnboardingView
from bot.slack.blocks import MOST_TEXT
from bot.slack.mrkdwn import inline, link, whole_lines
from bot.slack.parent import late_mark
from checklists.model import Language


def late_text(views: Sequence[OnboardingView], language: Language) -> str:
    """Return one line for each, as they come: the key, the client, by how much it is late and which steps are."""
    if not views:
        return say("slack.digest.none_late").text(language)

    def more(count: int) -> str:
        return say("slack.digest.more", count=count).text(language)

    return "\n".join(whole_lines([_line(view, language) for view in views], MOST_TEXT, more))


def _line(view: OnboardingView, language: Language) -> str:
    slack = view.surfaces.get("slack")
    name = link(slack.link, view.key) if slack and slack.link else view.key
    steps = [inline(step.definition.title.text(language), 60) for step in view.steps if step.days_late]
    about = inline(f"{view.client} ({view.partner})", 120)
    return " · ".join([f"• *{name}* {about}", *steps, f"*{late_mark(view.most_days_late, language)}*"])
