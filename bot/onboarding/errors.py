"""What can go wrong, and who hears of it.

::

    OnboardingError
    ├── Refused                 shown at once to the person who asked; nothing has changed
    │   ├── Unknown             there is no such onboarding or step
    │   ├── NotAllowed          the person's role may not do this
    │   └── Invalid             a field of a form or modal is wrong (carries a text per field)
    ├── StepFailed              ends a step as failed: code, what was seen, what to do next
    ├── Unavailable             a server does not answer now: the work waits and is tried again
    │   ├── TurnedAway          and it is certain that it has done nothing: the claim on an effect is given back
    │   │   ├── FileRefused     and it will never take this file: the report goes on without it
    │   │   ├── RefusedThere    and it will not until a person has changed something there
    │   │   ├── ParentGone      and what it would write to was deleted there: nothing is written until that changes
    │   │   └── NotYet          it was not asked: by our own pace it is not this call's turn yet
    │   └── Unsettled           an effect's outcome outside is not known yet: wait before doing it again
    └── SettingsError           stops the start: which setting, what was found, what to do
        ├── PackGone            the kept copy of a pack has vanished: its onboardings wait, others go on
        └── DatabaseBroken      the database's file is damaged: stop serving rather than go on
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # What a text is need not be loaded to end a command with one.
    from checklists.model import Localized


class OnboardingError(Exception):
    """The base of every error that this product raises on purpose."""


class Refused(OnboardingError):
    """What a person asked for is not possible; ``text`` says why and what to do instead."""

    def __init__(self, text: "Localized", *, link: str | None = None) -> None:
        super().__init__(text.en)
        self.text = text
        self.link = link


class Unknown(Refused):
    """There is no onboarding, step or link of that name."""


class UnknownOnboarding(Unknown):
    """There is no onboarding of that name: a refusal with no trail to go to."""


class NotAllowed(Refused):
    """The person's role may not do this; the text names the role that may."""


class Invalid(Refused):
    """One or more fields are wrong; ``fields`` has a text for each, by the field's id."""

    def __init__(self, text: "Localized", fields: "Mapping[str, Localized]") -> None:
        super().__init__(text)
        self.fields = dict(fields)


class StepFailed(OnboardingError):
    """The step cannot go on: ``code`` names the reason, ``seen`` what was found, ``advice`` what to do next."""

    def __init__(self, code: str, seen: "Localized", advice: "Localized") -> None:
        super().__init__(f"{code}: {seen.en}")
        self.code = code
        self.seen = seen
        self.advice = advice


class Unavailable(OnboardingError):
    """A server cannot be used now: no connection, no answer, 429 or 5xx.

    ``service`` is the server's name for people (Slack, Jira, SFTP, mail), ``reason`` what was seen (no secret in
    it), ``retry_after`` the server's own word on when to come back, in seconds.
    """

    def __init__(self, service: str, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{service}: {reason}")
        self.service = service
        self.reason = reason
        self.retry_after = retry_after


class TurnedAway(Unavailable):
    """It was never reached, or answered that it will not do it (429, a refusal): nothing has happened there."""


class RefusedThere(TurnedAway):
    """The server answered no: a right, a channel or a scope is missing, and a person must put that right there."""


class FileRefused(TurnedAway):
    """The server will not take this file, now or later: too big, or no right to bring one."""


class ParentGone(TurnedAway):
    """What a surface writes to is no longer there: somebody has deleted it, or taken it out of the bot's sight."""


class NotYet(TurnedAway):
    """By the bot's own pace this call's turn comes in some seconds; nothing is wrong with the server."""

    def __init__(self, service: str, seconds: float) -> None:
        super().__init__(service, "its turn comes", retry_after=seconds)
        self.seconds = seconds


class Unsettled(Unavailable):
    """An effect was begun and its outcome is unknown; it is looked for again after ``retry_after`` seconds."""


class SettingsError(OnboardingError):
    """The settings cannot work; the message names the setting, what was found and what to do."""


class PackGone(SettingsError):
    """The copy of a pack that onboardings began with has vanished, or cannot be read any more."""


class DatabaseBroken(SettingsError):
    """The database's file is damaged, or is no database."""
