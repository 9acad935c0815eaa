"""SMTP, one connection for each mail.

Where a failure happens decides what may be said about the mail, so the last part is done step by step: until the line
with the single dot is on its way nobody has received it, from then on only the server's answer tells.
"""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate

from bot.mail.address import mail_address, one_line
from bot.mail.settings import SmtpSettings, sender
from bot.onboarding.errors import Unavailable
from bot.onboarding.mail import Mail, MailOutcomeUnknown, MailRefused

SERVICE = "mail"
ANSWER_SECONDS = 30.0
# RFC 5321 gives a server ten minutes for its last word; waiting less means asking a person about a mail that went.
LAST_ANSWER_SECONDS = 120.0
FAREWELL_SECONDS = 5.0
# Everything in 7 bits: no server needs to speak 8BITMIME.
POLICY = SMTP_POLICY.clone(cte_type="7bit")
MESSAGE_ID = re.compile(r"<[^<>@\s]+@[^<>@\s]+>")


class SmtpMailer:
    """Sends mail through the server of the settings. It connects when a mail is sent, not before."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._sender = sender(settings.from_address)

    def send(self, message: Mail) -> str:
        """Hand the mail over and return its Message-ID. Raises Unavailable, MailRefused, MailOutcomeUnknown."""
        content = self._content(message).as_bytes()
        recipient = _address_of(message.to).addr_spec
        with self._connection() as server:
            with _before_the_end():
                options = [f"size={len(content)}"] if server.has_extn("size") else []
                self._expect(server.mail(self._sender.addr_spec, options), self._sender.addr_spec)
                self._expect(server.rcpt(recipient), recipient)
                self._expect(server.docmd("DATA"), recipient, wanted=354)
                server.send(re.sub(rb"(?m)^\.", b"..", content))
            answer = _last_answer(server, message.message_id)
            self._expect(answer, recipient)
            # The mail is accepted: whether the farewell is heard changes nothing, nor is it worth a wait.
            with suppress(smtplib.SMTPException, OSError):
                _patience(server, FAREWELL_SECONDS)
                server.quit()
        return message.message_id

    def greet(self) -> None:
        """Connect, begin TLS and log in as for a mail, and send none. Raises Unavailable, MailRefused."""
        with self._connection() as server:
            with _before_the_end():
                answer = server.noop()
            self._expect(answer, self._sender.addr_spec)
            with suppress(smtplib.SMTPException, OSError):
                _patience(server, FAREWELL_SECONDS)
                server.quit()

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        settings = self._settings
        with _before_the_end():
            # Connecting in the constructor is what tells smtplib the name to check the certificate against.
            server = smtplib.SMTP(settings.host, settings.port, timeout=ANSWER_SECONDS)
        try:
            with _before_the_end():
                server.ehlo_or_helo_if_needed()
                if settings.starttls:
                    server.starttls(context=ssl.create_default_context())
                    server.ehlo_or_helo_if_needed()
                if settings.username is not None and settings.password is not None:
                    server.login(settings.username, settings.password.get_secret_value())
            yield server
        finally:
            server.close()

    def _content(self, message: Mail) -> EmailMessage:
        for each in (message.message_id, *message.references):
            if not each.isascii() or MESSAGE_ID.fullmatch(each) is None:
                raise ValueError(f"{each!r} is no Message-ID: it needs the form <left@right>")
        content = EmailMessage(policy=POLICY)
        content["From"] = self._sender
        content["To"] = _address_of(message.to)
        if message.reply_to is not None:
            content["Reply-To"] = _address_of(message.reply_to)
        content["Subject"] = one_line(message.subject)
        content["Date"] = formatdate(localtime=True)
        content["Message-ID"] = message.message_id
        if message.references:
            content["In-Reply-To"] = message.references[-1]
            content["References"] = " ".join(message.references)
        # RFC 3834: nobody's holiday notice answers this.
        content["Auto-Submitted"] = "auto-generated"
        # NUL is legal nowhere in a mail, and a text from a form may hold it.
        content.set_content(message.text.replace("\0", ""))
        if message.html is not None:
            content.add_alternative(message.html.replace("\0", ""), subtype="html")
        return content

    @staticmethod
    def _expect(answer: tuple[int, bytes], address: str, *, wanted: int | None = None) -> None:
        code, text = answer
        if code == wanted or (wanted is None and 200 <= code < 300):
            return
        if 500 <= code < 600:
            raise MailRefused(address, _words(code, text))
        raise Unavailable(SERVICE, _words(code, text))


@contextmanager
def _before_the_end() -> Iterator[None]:
    """Turn any trouble into Unavailable: the mail was not handed over yet. No message holds the password."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as refused:
        raise Unavailable(SERVICE, f"the server refuses the login of SMTP__USERNAME ({refused.smtp_code})") from refused
    except smtplib.SMTPNotSupportedError as unable:
        raise Unavailable(SERVICE, f"the server cannot do what the settings ask: {unable}") from unable
    except smtplib.SMTPResponseException as answer:
        raise Unavailable(SERVICE, _words(answer.smtp_code, answer.smtp_error)) from answer
    except ssl.SSLCertVerificationError as untrusted:
        raise Unavailable(
            SERVICE, f"the server's certificate is not trusted ({untrusted.verify_message}); SSL_CERT_FILE names others"
        ) from untrusted
    except (smtplib.SMTPException, OSError) as trouble:
        raise Unavailable(SERVICE, f"no connection: {trouble or type(trouble).__name__}") from trouble


def _last_answer(server: smtplib.SMTP, message_id: str) -> tuple[int, bytes]:
    """Send the line with the dot and return the server's word on the mail. Raises MailOutcomeUnknown without one."""
    try:
        _patience(server, LAST_ANSWER_SECONDS)
        server.send(b".\r\n")
        code, text = server.getreply()
    except (smtplib.SMTPException, OSError) as lost:
        raise MailOutcomeUnknown(message_id, f"the connection was lost before the server's last word: {lost}") from lost
    if not 200 <= code < 600:
        raise MailOutcomeUnknown(message_id, f"the server's last word cannot be read: {_words(code, text)}")
    return code, text


def _patience(server: smtplib.SMTP, seconds: float) -> None:
    if server.sock is not None:
        server.sock.settimeout(seconds)


def _address_of(given: str) -> Address:
    try:
        return mail_address(given)
    except ValueError as wrong:
        raise MailRefused(given, "this is no mail address that can be used") from wrong


def _words(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return one_line(f"{code} {said}")[:300]
