"""The answers of ``status`` and ``list``, for the person who asked."""

from dataclasses import replace

from bot.locales import say
from bot.onboarding.readings import Readings
from bot.onboarding.view import OnboardingView
from bot.slack.mrkdwn import inline, link
from bot.slack.parent import late_mark, progress_bar, step_lines
from checklists.model import Language

MOST_LISTED = 30


def status_text(onboardings: Readings, key: str, language: Language, command: str) -> str:
    """Return where one onboarding stands; without a key, the only open one or the list. Raises Unknown."""
    if key:
        return _status(replace(onboardings.view(key), language=language), command)
    views = [view for view in onboardings.all(limit=2) if view.state == "open"]
    if len(views) == 1:
        return _status(replace(views[0], language=language), command)
    return list_text(onboardings, language, command)


def list_text(onboardings: Readings, language: Language, command: str) -> str:
    """Return the onboardings, the open ones first, one line each."""
    views = onboardings.all(limit=MOST_LISTED)
    if not views:
        return say("slack.none", command=command).text(language)
    return "\n".join(_listed(view, language) for view in views)


def _listed(view: OnboardingView, language: Language) -> str:
    done, of = view.progress
    state = "" if view.state == "open" else f" _{say(f'onboarding.{view.state}').text(language)}_"
    late = f"  {late_mark(view.most_days_late, language)}" if view.most_days_late else ""
    return f"• *{_name(view)}* {progress_bar(done, of)} {done}/{of}{state}  {_about(view)}{late}"


def _status(view: OnboardingView, command: str) -> str:
    done, of = view.progress
    state = say(f"onboarding.{view.state}").text(view.language)
    late = f"  *{late_mark(view.days_late, view.language)}*" if view.days_late else ""
    due = f"  · {say('slack.due', day=view.due.isoformat()).text(view.language)}" if view.due else ""
    first = f"*{_name(view)}* · {_about(view)}\n{progress_bar(done, of)} {done}/{of}  {state}{due}{late}"
    return "\n".join([first, *step_lines(view, command)])


def _name(view: OnboardingView) -> str:
    slack = view.surfaces.get("slack")
    return link(slack.link, view.key) if slack and slack.link else view.key


def _about(view: OnboardingView) -> str:
    return inline(f"{view.operator} · {view.client} ({view.partner})", 160)
