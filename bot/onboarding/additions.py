"""What belongs to a parent or a ticket beside its text and is nice to have: who watches it, the way back to Slack, the
dossier at the end.

Each is made once, through the ledger. One that the server refuses for good is left out, and nothing else waits for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.onboarding.effects import Effects
from bot.onboarding.errors import OnboardingError
from bot.onboarding.view import OnboardingView
from checklists.model import Localized

# How the ledger keeps that something was left out, before the reason.
LEFT_OUT = "left out: "
LONGEST_REASON = 300


class AdditionRefused(OnboardingError):
    """The server will not take it, now or later; ``reason`` is its own word, without secrets."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Addition:
    """One thing to add. ``name`` is its part of the ledger's key (``watcher-ana``), ``title`` what people call it.

    ``look`` and ``do`` are those of ``Effects.once``; both may raise AdditionRefused and Unavailable. ``missed`` and
    ``advice`` say what it means that it was left out, and what to do: people hear of it. Without them the trail does.
    """

    name: str
    title: str
    look: Callable[[], str | None]
    do: Callable[[], str]
    missed: Localized | None = None
    advice: Localized | None = None


class Additions(Protocol):
    """What one surface adds to an onboarding's parent."""

    def after_opening(self, view: OnboardingView, parent: str) -> Sequence[Addition]:
        """Return what is added as soon as it can be; asked again whenever the surface catches up."""

    def before_closing(self, view: OnboardingView, parent: str) -> Sequence[Addition]:
        """Return what is added before the parent is closed."""


def add(effects: Effects, onboarding_id: int, key: str, addition: Addition) -> str | None:
    """Make sure that an addition is there; return None, or why it is left out. Raises Unavailable."""

    def look() -> str | None:
        try:
            return addition.look()
        except AdditionRefused:
            return None

    def do() -> str:
        try:
            return addition.do()
        except AdditionRefused as refused:
            # Kept as the outcome: what a server refuses for good is not asked of it at every look.
            return f"{LEFT_OUT}{refused.reason[:LONGEST_REASON]}"

    outcome = effects.once(onboarding_id, key, look=look, do=do)
    return outcome.removeprefix(LEFT_OUT) if outcome.startswith(LEFT_OUT) else None
