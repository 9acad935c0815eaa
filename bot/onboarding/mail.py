"""The port to the mail server. Mail cannot be looked up afterwards: it is sent at most once.

::

    what ``send`` raises    what is certain                              what to do
    Unavailable             nobody will receive it                       try again later
    MailRefused             nobody will receive it, now or later         a person corrects the address
    MailOutcomeUnknown      nothing: it was handed over, unanswered      a person decides whether to send it again
"""

from dataclasses import dataclass
from typing import Protocol

from bot.onboarding.errors import OnboardingError


class MailRefused(OnboardingError):
    """The mail server refuses this mail for good (a 5xx answer); ``address`` is the one that it was about."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{address}: {reason}")
        self.address = address
        self.reason = reason


class MailOutcomeUnknown(OnboardingError):
    """The connection was lost after the whole mail was handed over: it may have gone or not."""

    def __init__(self, message_id: str, reason: str) -> None:
        super().__init__(f"{message_id}: {reason}")
        self.message_id = message_id
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail to one address.

    ``message_id`` is the ``<left@right>`` of RFC 5322, chosen by the sender so that a mail can be recognised in the
    mail server's log; ``html`` is the alternative to ``text``. ``references`` are the ids of the thread that it belongs
    to, the oldest first.
    """

    to: str
    subject: str
    text: str
    message_id: str
    html: str | None = None
    reply_to: str | None = None
    references: tuple[str, ...] = ()


class Mailer(Protocol):
    """Sends mail."""

    def send(self, message: Mail) -> str:
        """Hand the mail to the server and return its Message-ID.

        Raises Unavailable, MailRefused or MailOutcomeUnknown. Never tries twice by itself.
        """
