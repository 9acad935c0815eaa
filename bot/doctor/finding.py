"""What the doctor saw of one part."""

from dataclasses import dataclass
from typing import Any

from bot.locales import say
from checklists.model import Language, Localized


@dataclass(frozen=True)
class Finding:
    """What was seen of one part, why that part matters, and what to do where it is not as it should be.

    A part that is not ``needed`` is left out by the settings, or works with a warning.
    """

    part: str
    ok: bool
    seen: Localized
    why: Localized
    advice: Localized | None = None
    needed: bool = True

    def as_json(self, language: Language) -> dict[str, Any]:
        """Return it with its texts in one language."""
        return {
            "part": self.part,
            "ok": self.ok,
            "needed": self.needed,
            "seen": self.seen.text(language),
            "why": self.why.text(language),
            "advice": self.advice.text(language) if self.advice is not None else "",
        }


def good(part: str, key: str, why: str, **values: object) -> Finding:
    """Return what is as it should be: the texts ``doctor.<key>`` and ``doctor.why.<why>``."""
    return Finding(part, True, say(f"doctor.{key}", **values), say(f"doctor.why.{why}"))


def bad(part: str, key: str, why: str, *, needed: bool = True, **values: object) -> Finding:
    """Return what is not as it should be, with what to do (``doctor.<key>.do``)."""
    advice = say(f"doctor.{key}.do", **values)
    return Finding(part, False, say(f"doctor.{key}", **values), say(f"doctor.why.{why}"), advice, needed)


def warn(part: str, key: str, why: str, **values: object) -> Finding:
    """Return what works as it is and should be known."""
    return bad(part, key, why, needed=False, **values)


def said(part: str, seen: str | Localized, advice: Localized, why: str, *, needed: bool = True) -> Finding:
    """Return trouble that has words of its own: an error's, a server's."""
    shown = seen if isinstance(seen, Localized) else Localized.same(" ".join(seen.split()))
    return Finding(part, False, shown, say(f"doctor.why.{why}"), advice, needed)
