"""Mail to partners; the port is bot.onboarding.mail."""

from bot.mail.settings import SmtpSettings
from bot.mail.smtp import SmtpMailer

__all__ = ["SmtpMailer", "SmtpSettings"]
