"""How a job's mail to the partner leaves: at most once, later while the mail server is away, never in silence.

What a mail says, and where it is told that it did not go, is the job's: ``letters`` and ``reminders``.
"""

from collections.abc import Callable

import structlog

from bot.locales import say
from bot.onboarding.effects import Effects, NothingHappened, OutcomeUnknown
from bot.onboarding.errors import Unavailable
from bot.onboarding.flow import Flow
from bot.onboarding.mail import Mail, Mailer, MailOutcomeUnknown, MailRefused
from bot.onboarding.ports import Job
from bot.onboarding.retry import Backoff
from checklists.model import Localized

log = structlog.stdlib.get_logger()


class Posting:
    """Sends the mails of jobs. ``delayed`` is what the log says of one that the mail server could not take now."""

    def __init__(self, flow: Flow, effects: Effects, backoff: Backoff, *, delayed: str) -> None:
        self._flow = flow
        self._effects = effects
        self._backoff = backoff
        self._delayed = delayed

    def post(self, job: Job, mailer: Mailer, mail: Mail, key: str, told: Callable[[Localized | None], None]) -> None:
        """Send a mail at most once for its ``key`` in the ledger, whatever was killed before.

        ``told`` gets None when it went, else why it did not or may not have; nothing when the job's subject has been
        put off to try again.
        """
        try:
            self._effects.at_most_once(job.onboarding_id, key, lambda: send_once(mailer, mail))
        except Unavailable as away:
            trouble = self._later(job, away)
            if trouble is not None:
                told(trouble)
        except MailRefused as refused:
            told(say("remind.mail_refused", to=mail.to, reason=refused.reason))
        except (OutcomeUnknown, MailOutcomeUnknown):
            told(say("mail.unknown", to=mail.to))
        else:
            told(None)

    def _later(self, job: Job, away: Unavailable) -> Localized | None:
        """Put the job's subject off; after the last try return why the mail did not go."""
        log.warning(self._delayed, service=away.service, reason=away.reason, onboarding=job.onboarding_id)
        with self._flow.change(job.onboarding_id) as change:
            tries = change.attempts(job.subject) + 1
            if not self._backoff.is_exhausted(tries):
                seconds = max(self._backoff.seconds(tries), away.retry_after or 0)
                change.schedule(job.subject, seconds, run=job.run, attempts=tries)
                return None
        return say("failed.unreachable", service=away.service, reason=away.reason, tries=tries)


def send_once(mailer: Mailer, mail: Mail) -> str:
    """Send a mail, saying of what surely did not go that nothing happened. For the ledger's ``at_most_once``."""
    try:
        return mailer.send(mail)
    except (Unavailable, MailRefused) as refused:
        raise NothingHappened(refused) from refused
