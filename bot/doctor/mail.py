"""The mail server: does it answer, begin TLS and take the login, as a mail would need?"""

from collections.abc import Iterator

from bot.doctor.finding import Finding, bad, good, warn
from bot.mail import SmtpMailer
from bot.onboarding.errors import Unavailable
from bot.onboarding.mail import MailRefused
from bot.settings import Settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def mail(settings: Settings) -> Iterator[Finding]:
    """Look at SMTP__…"""
    smtp = settings.smtp
    if smtp is None:
        yield warn("mail", "mail_unset", "mail")
        return
    try:
        SmtpMailer(smtp).greet()
    except Unavailable as lost:
        yield bad("mail", "mail_away", "mail", what=lost.reason)
        return
    except MailRefused as refused:
        yield bad("mail", "mail_away", "mail", what=str(refused))
        return
    how = {"host": smtp.host, "port": smtp.port, "sender": smtp.from_address, "login": smtp.username or "—"}
    yield good("mail", "mail_tls" if smtp.starttls else "mail_plain", "mail", **how)
    if not smtp.starttls and smtp.host not in LOOPBACK:
        yield warn("mail encryption", "mail_readable", "mail", host=smtp.host)
