"""The people who were met in Slack: the language and the time zone that Slack has of them, kept for a day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.onboarding.clock import Clock
from bot.onboarding.models import Person
from bot.onboarding.store import Store, again_after_another
from checklists.model import LANGUAGES, Language

# So long what Slack has said of somebody counts; whoever changes their language sees it on the next day at the latest.
KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True)
class Profile:
    """What a person has set: a locale such as ``fr-FR`` and a zone such as ``Europe/Madrid``, empty where unknown."""

    locale: str
    zone: str = ""


class Persons:
    """Knows everybody's language; ``fallback`` is spoken with whoever has set another one, or was never asked for."""

    def __init__(self, store: Store, clock: Clock, fallback: Language) -> None:
        self._store = store
        self._clock = clock
        self.fallback: Language = fallback

    def language(self, person: str) -> Language:
        """Return a person's language as it was seen last."""
        with self._store.reading() as session:
            return self._spoken(session.get(Person, person))

    def zone(self, person: str) -> str | None:
        """Return a person's time zone as it was seen last; None where it is unknown, or one that nobody knows."""
        with self._store.reading() as session:
            known = session.get(Person, person)
        return known.zone if known is not None and _is_zone(known.zone) else None

    def language_by(self, person: str, ask: Callable[[], Profile | None]) -> Language:
        """Return a person's language; ``ask`` gets it where it is not known, or has been for too long.

        Where ``ask`` returns None what was seen last counts, and is asked for again the next time.
        """
        with self._store.reading() as session:
            known = session.get(Person, person)
        if known is not None and known.asked_at + KEPT_FOR > self._clock.now():
            return self._spoken(known)
        profile = ask()
        if profile is None:
            return self._spoken(known)
        return self._spoken(self._keep(person, profile))

    @again_after_another
    def _keep(self, person: str, profile: Profile) -> Person:
        with self._store.transaction(for_person=True) as session:
            row = session.get(Person, person) or Person(id=person, asked_at=self._clock.now())
            row.language, row.zone, row.asked_at = spoken(profile.locale), profile.zone, self._clock.now()
            session.add(row)
            return row

    def _spoken(self, known: Person | None) -> Language:
        return next((each for each in LANGUAGES if known is not None and each == known.language), self.fallback)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # One that is not there is a KeyError, an empty one a ValueError, and a name may be no path at all.
        return False
    return True


def spoken(locale: str) -> Language | None:
    """Return the language of a locale (``es-LA``: es); None for one that the bot does not speak."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return next((each for each in LANGUAGES if each == language), None)
