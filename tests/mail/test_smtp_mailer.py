"""Mail through real SMTP servers: the sandbox's mailbox, one with STARTTLS and a login, and ones that break off."""

import datetime
import socket
import ssl
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.mail import SmtpMailer, SmtpSettings
from bot.onboarding.errors import Unavailable
from bot.onboarding.mail import Mail, MailOutcomeUnknown, MailRefused
from bot.sandbox.faults import Fault
from bot.sandbox.mailbox import Mailbox

MAIL = Mail(
    to="ana@acme.example",
    subject="Dépôt du fichier — Société « Ünïcode » " + "x" * 100,
    text="Bonjour,\n\n.leading dot\n..\n.\nÀ bientôt: https://form.example/a?b=c\n" + "long " * 300,
    html="<p>Bonjour <a href='https://form.example/a?b=c'>à vous</a></p>",
    reply_to="onboarding@saas.example",
    message_id="<onb-1.deposit.mail-1@onboarding-bot>",
)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as mailbox:
        yield mailbox


def mailer(port: int, **changes: object) -> SmtpMailer:
    given = {"host": "127.0.0.1", "port": port, "from": "Équipe Onboarding <bot@onboarding.example>"}
    return SmtpMailer(SmtpSettings.model_validate(given | changes))


def plain(**changes: object) -> Mail:
    given: dict[str, object] = {"to": "ana@acme.example", "subject": "s", "text": "t", "message_id": "<a@b>"}
    return Mail(**(given | changes))  # type: ignore[arg-type]


class TestMessage:
    def test_a_mail_arrives_as_it_was_written(self, mailbox: Mailbox) -> None:
        assert mailer(mailbox.smtp_port).send(MAIL) == MAIL.message_id
        (mail,) = mailbox.messages
        assert mail.sender == "Équipe Onboarding <bot@onboarding.example>"
        assert mail.to == ("ana@acme.example",)
        assert mail.subject == MAIL.subject
        assert mail.text == MAIL.text + "\n"
        assert mail.html == f"{MAIL.html}\n"
        assert mail.links == ("https://form.example/a?b=c",)
        assert mail.headers["Message-ID"] == MAIL.message_id
        assert mail.headers["Reply-To"] == "onboarding@saas.example"
        assert mail.headers["Auto-Submitted"] == "auto-generated"
        sent = parsedate_to_datetime(mail.headers["Date"])
        assert abs(sent - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=1)

    @pytest.mark.parametrize("text", ["", "\n", ".\r\n", "a\r\n.\r\nMAIL FROM:<x@y>\r\n", "\0", "a\rb", "é" * 2000])
    def test_no_text_breaks_out_of_the_mail(self, mailbox: Mailbox, text: str) -> None:
        mailer(mailbox.smtp_port).send(plain(text=text))
        mailer(mailbox.smtp_port).send(plain(text="next"))
        assert [mail.text for mail in mailbox.messages][1] == "next\n"
        assert (
            mailbox.messages[0].text.rstrip()
            == text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").rstrip()
        )

    @pytest.mark.parametrize("line_break", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\0"])
    def test_a_subject_injects_no_header(self, mailbox: Mailbox, line_break: str) -> None:
        mailer(mailbox.smtp_port).send(plain(subject=f"Hello{line_break}Bcc: eve@evil.example"))
        (mail,) = mailbox.messages
        assert mail.subject == "Hello Bcc: eve@evil.example"
        assert "Bcc" not in mail.headers
        assert mail.to == ("ana@acme.example",)

    @pytest.mark.parametrize(
        "address",
        ["ana", "ana@", "@acme.example", "a b@c.example", "ana@acme.example\r\nBcc: e@e.example", "<ana@acme.example>",
         "ana@acme.example, eve@evil.example", "é@acme.example", "ana@acme..example", "ana@acme.example> SIZE=1", ""],
    )  # fmt: skip
    def test_what_is_no_address_is_refused_before_anything_is_sent(self, mailbox: Mailbox, address: str) -> None:
        with pytest.raises(MailRefused):
            mailer(mailbox.smtp_port).send(plain(to=address))
        with pytest.raises(MailRefused):
            mailer(mailbox.smtp_port).send(plain(reply_to=address))
        assert mailbox.messages == ()

    def test_a_domain_beyond_ascii_is_encoded(self, mailbox: Mailbox) -> None:
        mailer(mailbox.smtp_port).send(plain(to="ana@société.example"))
        assert mailbox.messages[0].to == ("ana@xn--socit-esab.example",)

    @pytest.mark.parametrize("message_id", ["a@b", "<a b@c>", "<a@b>\r\nBcc: e@e.example", "<é@b>", ""])
    def test_a_message_id_of_another_form_is_a_fault_of_the_caller(self, mailbox: Mailbox, message_id: str) -> None:
        with pytest.raises(ValueError, match="Message-ID"):
            mailer(mailbox.smtp_port).send(plain(message_id=message_id))
        assert mailbox.messages == ()


class TestOutcome:
    @pytest.mark.parametrize("operation", ["connect", "MAIL", "RCPT"])
    @pytest.mark.parametrize("kind", ["drop_before", "rate_limited", "server_error"])
    def test_trouble_before_the_mail_is_handed_over_can_be_tried_again(
        self, mailbox: Mailbox, operation: str, kind: str
    ) -> None:
        mailbox.faults.add(Fault(operation, kind))  # type: ignore[arg-type]
        with pytest.raises(Unavailable) as trouble:
            mailer(mailbox.smtp_port).send(plain())
        assert trouble.value.service == "mail"
        mailer(mailbox.smtp_port).send(plain())
        assert len(mailbox.messages) == 1

    @pytest.mark.parametrize("kind", ["rate_limited", "server_error"])
    def test_a_temporary_answer_to_the_mail_is_certain(self, mailbox: Mailbox, kind: str) -> None:
        mailbox.faults.add(Fault("DATA", kind))  # type: ignore[arg-type]
        with pytest.raises(Unavailable):
            mailer(mailbox.smtp_port).send(plain())

    def test_a_lost_last_answer_is_not_known_whether_it_went_or_not(self, mailbox: Mailbox) -> None:
        for kind, arrived in (("drop_after", 1), ("drop_before", 1)):
            mailbox.faults.add(Fault("DATA", kind))  # type: ignore[arg-type]
            with pytest.raises(MailOutcomeUnknown) as unknown:
                mailer(mailbox.smtp_port).send(plain())
            assert unknown.value.message_id == "<a@b>"
            assert len(mailbox.messages) == arrived

    @pytest.mark.parametrize("operation", ["MAIL", "RCPT", "DATA"])
    def test_a_refusal_for_good_names_the_address(self, mailbox: Mailbox, operation: str) -> None:
        mailbox.faults.add(Fault(operation, "server_error", status=550))
        with pytest.raises(MailRefused) as refused:
            mailer(mailbox.smtp_port).send(plain())
        expected = "bot@onboarding.example" if operation == "MAIL" else "ana@acme.example"
        assert refused.value.address == expected
        assert "550" in refused.value.reason

    def test_nobody_at_the_port_can_be_tried_again(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            with pytest.raises(Unavailable):
                mailer(port).send(plain())

    def test_an_unknown_host_can_be_tried_again(self) -> None:
        with pytest.raises(Unavailable):
            mailer(25, host="mail.invalid").send(plain())


class Script:
    """A server of one connection that says its lines in turn and then closes it."""

    def __init__(self, *answers: bytes) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._answers = answers
        self.port = self._listener.getsockname()[1]
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, connection.makefile("rb") as heard:
            connection.sendall(b"220 ready\r\n")
            for answer in self._answers:
                line = heard.readline()
                while self._in_data and line not in (b".\r\n", b""):
                    line = heard.readline()
                connection.sendall(answer)
                self._in_data = answer.startswith(b"354")

    _in_data = False

    def __enter__(self) -> "Script":
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.join(10)
        self._listener.close()


EHLO, OK, GO = b"250 hello\r\n", b"250 OK\r\n", b"354 go on\r\n"


class TestServersThatMisbehave:
    @pytest.mark.parametrize("answers", [(), (EHLO,), (EHLO, OK), (EHLO, OK, OK)])
    def test_broken_off_before_the_mail(self, answers: tuple[bytes, ...]) -> None:
        with Script(*answers) as server, pytest.raises(Unavailable):
            mailer(server.port).send(plain())

    @pytest.mark.parametrize("last", [b"nonsense\r\n", b"250-half an answer\r\n", b"2"])
    def test_a_last_word_that_cannot_be_read(self, last: bytes) -> None:
        with Script(EHLO, OK, OK, GO, last) as server, pytest.raises((MailOutcomeUnknown, Unavailable)) as outcome:
            mailer(server.port).send(plain())
        assert outcome.type is MailOutcomeUnknown

    def test_a_connection_lost_after_the_acceptance_changes_nothing(self) -> None:
        with Script(EHLO, OK, OK, GO, OK) as server:
            assert mailer(server.port).send(plain()) == "<a@b>"

    def test_no_greeting(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            refusing = Thread(target=_refuse, args=(listener,))
            refusing.start()
            with pytest.raises(Unavailable, match="554"):
                mailer(listener.getsockname()[1]).send(plain())
            refusing.join()


def _refuse(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"554 not for you\r\n")


class Kept(Sink):  # type: ignore[misc]
    """Keeps who sent what, and whether it was encrypted."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[bytes, bool]] = []

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.seen.append((bytes(envelope.content), session.ssl is not None))
        return "250 OK"


def check_login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: object) -> AuthResult:
    right = isinstance(login, LoginPassword) and (login.login, login.password) == (b"bot", b"s3cr3t")
    return AuthResult(success=right, handled=right)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-made certificate for 127.0.0.1, and its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


@pytest.fixture
def guarded(certificate: Path) -> Iterator[tuple[int, Kept]]:
    """A server that wants STARTTLS and a login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    kept = Kept()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(
        kept,
        hostname="127.0.0.1",
        port=port,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=check_login,
    )
    controller.start()
    yield port, kept
    controller.stop()


LOGIN = {"username": "bot", "password": "s3cr3t", "starttls": True}


class TestStartTls:
    def test_a_mail_goes_encrypted_with_the_login(
        self, guarded: tuple[int, Kept], certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        port, kept = guarded
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        mailer(port, **LOGIN).send(plain(text="hello"))
        ((content, encrypted),) = kept.seen
        assert encrypted
        assert b"hello" in content

    def test_a_certificate_that_nobody_vouches_for_stops_it(self, guarded: tuple[int, Kept]) -> None:
        port, kept = guarded
        with pytest.raises(Unavailable, match="certificate is not trusted"):
            mailer(port, **LOGIN).send(plain())
        assert kept.seen == []

    def test_a_wrong_password_is_told_without_it(
        self, guarded: tuple[int, Kept], certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with pytest.raises(Unavailable, match="refuses the login") as refused:
            mailer(guarded[0], **(LOGIN | {"password": "wr0ng-one"})).send(plain())
        assert "wr0ng-one" not in str(refused.value)

    def test_a_server_without_starttls_gets_nothing(self, mailbox: Mailbox) -> None:
        with pytest.raises(Unavailable, match="STARTTLS"):
            mailer(mailbox.smtp_port, starttls=True).send(plain())
        assert mailbox.messages == ()


class TestSettings:
    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"from": "no address"}, "no mail address"),
            ({"from": "Bot <bot>"}, "no mail address"),
            ({"username": "bot"}, "SMTP__PASSWORD"),
            ({"password": "hush"}, "SMTP__USERNAME"),
            ({"username": "bot", "password": "hush", "host": "mail.example"}, "SMTP__STARTTLS"),
            ({"host": ""}, "at least 1"),
            ({"tls": True}, "Extra inputs"),
        ],
    )
    def test_what_cannot_work_is_refused(self, changes: dict[str, object], said: str) -> None:
        with pytest.raises(ValueError, match=said) as refused:
            mailer(25, **changes)
        assert "hush" not in str(refused.value)

    def test_from_is_read_under_the_environments_name(self) -> None:
        settings = SmtpSettings.model_validate({"host": "h", "from": "bot@onboarding.example"})
        assert (settings.from_address, settings.port, settings.starttls) == ("bot@onboarding.example", 25, False)

    def test_a_name_keeps_no_line_break(self, mailbox: Mailbox) -> None:
        mailer(mailbox.smtp_port, **{"from": "Bot\r\nBcc: eve@evil.example <bot@onboarding.example>"}).send(plain())
        assert "Bcc" not in mailbox.messages[0].headers


class TestThread:
    def test_mails_of_one_thread_refer_to_it(self, mailbox: Mailbox) -> None:
        mailer(mailbox.smtp_port).send(plain(references=("<onb-1.0a@onboarding-bot>",)))
        (mail,) = mailbox.messages
        assert mail.headers["References"] == mail.headers["In-Reply-To"] == "<onb-1.0a@onboarding-bot>"

    def test_a_thread_that_is_no_message_id_is_refused(self, mailbox: Mailbox) -> None:
        with pytest.raises(ValueError, match="Message-ID"):
            mailer(mailbox.smtp_port).send(plain(references=("<a@b>\r\nBcc: <x@y>",)))
