"""Pages from templates: one environment, escaped throughout, speaking one language at a time."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import HTMLResponse

from bot.drawing.figures import file_size
from bot.drawing.templates import environment
from bot.locales import say
from bot.web.languages import NAMES
from checklists.model import Language, Localized

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"

_MONTHS: Mapping[Language, tuple[str, ...]] = {
    "fr": ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "es": ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"),
}


class Pages:
    """Renders templates. What comes from people or files is escaped; nothing is trusted."""

    def __init__(self, base_path: str = "") -> None:
        """``base_path`` stands before every path where a proxy serves the web side below its own (``/onboarding``)."""
        self._base_path = base_path
        self._environment = environment(TEMPLATES)
        self._environment.filters["size"] = file_size
        # A new release's style must not meet an old copy in a browser's cache.
        self._version = sha256(b"".join(path.read_bytes() for path in sorted(STATIC.iterdir()))).hexdigest()[:12]

    def text(self, template: str, language: Language, **values: Any) -> str:
        """Return a filled-in template. ``t(key, …)`` in it is a sentence of ours, ``tr(…)`` a pack's own text.

        ``say(key, …)`` is a sentence of another part of the product: a state, a role.
        """
        return self._environment.get_template(template).render(
            t=partial(sentence, language),
            tr=partial(_translated, language),
            say=partial(_said, language),
            moment=partial(moment, language),
            day=partial(day, language),
            language=language,
            languages=NAMES,
            version=self._version,
            base=self._base_path,
            **values,
        )

    def answer(self, template: str, language: Language, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page as an answer."""
        return HTMLResponse(
            self.text(template, language, **values),
            status_code=status,
            headers={"Content-Language": language, "Vary": "Accept-Language"},
        )

    def message(
        self, language: Language, heading: str, text: str, *, status: int = 200, tone: str = "plain", **more: Any
    ) -> HTMLResponse:
        """Return a page that says one thing. ``tone``: plain, good or wrong."""
        values = {"notes": (), "facts": (), "more": ""} | more
        return self.answer("message.html", language, status=status, heading=heading, text=text, tone=tone, **values)


def sentence(language: Language, key: str, **values: object) -> str:
    """Return one of the web side's sentences (``web.<key>``) in one language."""
    return say(f"web.{key}", **values).text(language)


def day(language: Language, given: date) -> str:
    """Return a day as people write it: ``24 Nov 2026``."""
    return f"{short_day(language, given)} {given.year}"


def short_day(language: Language, given: date) -> str:
    """Return a day without its year: ``24 Nov``."""
    return f"{given.day} {_MONTHS[language][given.month - 1]}"


def moment(language: Language, given: datetime, time_zone: str, *, seconds: bool = False) -> str:
    """Return a moment in a time zone as people write it, with the zone's name."""
    local = given.astimezone(ZoneInfo(time_zone))
    clock = local.strftime("%H:%M:%S" if seconds else "%H:%M")
    return f"{day(language, local.date())}, {clock} {local.tzname()}"


def _said(language: Language, key: str, **values: object) -> str:
    return say(key, **values).text(language)


def _translated(language: Language, text: Localized | str | None) -> str:
    if text is None:
        return ""
    return text.text(language) if isinstance(text, Localized) else text
