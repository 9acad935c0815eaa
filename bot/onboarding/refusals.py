"""A surface that refuses what is written there, on the trail."""

from datetime import timedelta

from sqlmodel import col, select

from bot.locales import say
from bot.onboarding.change import Change
from bot.onboarding.errors import RefusedThere
from bot.onboarding.models import Event

# However its reason changes, that a surface refuses is said again after so long at the earliest: each line of the trail
# has every surface written anew, so one that is worded otherwise at each try would have itself refused for ever.
APART = timedelta(hours=1)


def note_refusal(change: Change, surface: str, away: RefusedThere) -> None:
    """Note what a surface refuses and what to do, unless the trail had such a line of it within the hour."""
    told = select(Event).where(
        Event.onboarding_id == change.onboarding.id,
        Event.kind == "surface_refused",
        col(Event.at) > change.now - APART,
    )
    if any(line.content.get("surface") == surface for line in change.session.exec(told)):
        return
    content = {
        "surface": surface,
        "seen": say("surface.refused", service=away.service, reason=away.reason).model_dump(),
        "advice": say("surface.refused_advice", service=away.service).model_dump(),
    }
    change.note("surface_refused", content=content)
