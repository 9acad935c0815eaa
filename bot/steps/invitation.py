"""Mail to a partner from a step: at most once a run, and never in silence when it may not have gone."""

from dataclasses import dataclass

from bot.locales import say
from bot.onboarding.effects import OutcomeUnknown
from bot.onboarding.errors import StepFailed
from bot.onboarding.letters import PartnerPage, compose
from bot.onboarding.mail import Mailer, MailOutcomeUnknown, MailRefused
from bot.onboarding.posting import send_once
from bot.onboarding.work import Work
from checklists.model import Localized


@dataclass(frozen=True)
class Invitations:
    """How a step mails the partner: the server, if one is set, and the partner's own page, if there is one."""

    mailer: Mailer | None
    partner_page: PartnerPage | None = None


def invite(work: Work, by: Invitations, subject: Localized, text: Localized) -> None:
    """Send the partner a mail in the onboarding's language, once for each run of the step.

    Without a mail server in the settings nothing is sent: the text stands in Slack to be copied. A person who
    retries the step has decided that it may be sent again. Raises StepFailed, Unavailable.
    """
    mailer = by.mailer
    if mailer is None:
        return
    effect = f"mail-{work.run}"
    mail = compose(
        work.view,
        work.view.partner_email,
        work.view.language,
        subject=subject,
        text=text,
        message_id=f"<{work.effect_key(effect).replace(':', '.').lower()}@onboarding-bot>",
        partner_page=by.partner_page,
    )
    try:
        work.at_most_once(effect, lambda: send_once(mailer, mail), instead_of=f"mail-{work.run - 1}")
    except MailRefused as refused:
        raise StepFailed(
            "MAIL_REFUSED",
            say("mail.refused", to=mail.to, reason=refused.reason),
            say("mail.refused_advice"),
        ) from refused
    except (OutcomeUnknown, MailOutcomeUnknown) as unknown:
        raise StepFailed("MAIL_UNKNOWN", say("mail.unknown", to=mail.to), say("mail.unknown_advice")) from unknown
