"""The answers of ``status`` and ``list``, for the person who asked."""

from bot.locales import say
from bot.onboarding.service import Onboardings
from bot.onboarding.view import OnboardingView
from bot.slack.mrkdwn import escaped, shortened
from bot.slack.parent import progress_bar, step_lines
from checklists.model import Language

MOST_LISTED = 30


def status_text(onboardings: Onboardings, key: str, language: Language) -> str:
    """Return where one onboarding stands; without a key, the only open one or the list. Raises Unknown."""
    if not key:
        views = [view for view in onboardings.all(limit=2) if view.state == "open"]
        if len(views) != 1:
            return list_text(onboardings, language)
        return _status(views[0])
    return _status(onboardings.view(key.split(maxsplit=1)[0]))


def list_text(onboardings: Onboardings, language: Language) -> str:
    """Return the onboardings, the open ones first, one line each."""
    views = onboardings.all(limit=MOST_LISTED)
    if not views:
        return say("slack.none").text(language)
    lines = []
    for view in views:
        done, of = view.progress
        slack = view.surfaces.get("slack")
        name = f"<{slack.link}|{view.key}>" if slack and slack.link else view.key
        state = "" if view.state == "open" else f" _{say(f'onboarding.{view.state}').text(language)}_"
        who = escaped(shortened(f"{view.operator} · {view.client} ({view.partner})", 160))
        lines.append(f"• *{name}* {progress_bar(done, of)} {done}/{of}{state}  {who}")
    return "\n".join(lines)


def _status(view: OnboardingView) -> str:
    done, of = view.progress
    title = escaped(shortened(f"{view.operator} · {view.client} ({view.partner})", 160))
    return "\n".join([f"*{view.key}* · {title}", f"{progress_bar(done, of)} {done}/{of}", *step_lines(view)])
