"""The operator packs, and the kept copies that open onboardings need."""

from collections.abc import Iterator

from bot.app import packs_of
from bot.doctor.finding import Finding, good, said
from bot.locales import say
from bot.onboarding.errors import OnboardingError
from bot.settings import Settings


def packs(settings: Settings) -> Iterator[Finding]:
    """Load every pack."""
    installed = packs_of(settings)
    try:
        for pack_id in installed.ids():
            checklist = installed.get(pack_id).checklist
            yield good(f"pack {pack_id}", "pack", "packs", version=checklist.version, steps=len(checklist.steps))
    except OnboardingError as wrong:
        yield said("packs", str(wrong), say("doctor.pack_wrong.do"), "packs")
