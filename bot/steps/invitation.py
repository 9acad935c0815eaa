"""Mail to a partner from a step: at most once a run, and never in silence when it may not have gone."""

from bot.locales import say
from bot.onboarding.effects import NothingHappened, OutcomeUnknown
from bot.onboarding.errors import StepFailed, Unavailable
from bot.onboarding.mail import Mail, Mailer, MailOutcomeUnknown, MailRefused
from bot.onboarding.work import Work
from checklists.model import Localized


def invite(work: Work, mailer: Mailer | None, subject: Localized, text: Localized) -> None:
    """Send the partner a mail in the onboarding's language, once for each run of the step.

    Without a mail server in the settings nothing is sent: the text stands in Slack to be copied. A person who
    retries the step has decided that it may be sent again. Raises StepFailed, Unavailable.
    """
    if mailer is None:
        return
    language = work.view.language
    effect = f"mail-{work.run}"
    mail = Mail(
        to=work.view.partner_email,
        subject=subject.text(language),
        text=text.text(language),
        message_id=f"<{work.effect_key(effect).replace(':', '.').lower()}@onboarding-bot>",
    )

    def send() -> str:
        try:
            return mailer.send(mail)
        except (Unavailable, MailRefused) as refused:
            raise NothingHappened(refused) from refused

    try:
        work.at_most_once(effect, send, instead_of=f"mail-{work.run - 1}")
    except MailRefused as refused:
        raise StepFailed(
            "MAIL_REFUSED",
            say("mail.refused", to=mail.to, reason=refused.reason),
            say("mail.refused_advice"),
        ) from refused
    except (OutcomeUnknown, MailOutcomeUnknown) as unknown:
        raise StepFailed("MAIL_UNKNOWN", say("mail.unknown", to=mail.to), say("mail.unknown_advice")) from unknown
