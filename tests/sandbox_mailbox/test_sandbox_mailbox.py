"""The sandbox's mailbox: what a strict server takes and refuses, asked with smtplib and over HTTP."""

import json
import smtplib
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from bot.sandbox.faults import Fault
from bot.sandbox.mailbox import Mailbox

GOOD = (
    b"From: Bot <bot@onboarding.example>\r\nTo: ana@acme.example\r\nSubject: =?utf-8?q?D=C3=A9p=C3=B4t?=\r\n"
    b"Date: Tue, 24 Nov 2026 09:00:00 +0100\r\nMessage-ID: <onb-1@onboarding-bot>\r\n\r\nSee https://form.example/a.\r\n"
)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as mailbox:
        yield mailbox


def client(mailbox: Mailbox) -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", mailbox.smtp_port, local_hostname="test.example", timeout=10)


def send(mailbox: Mailbox, content: bytes = GOOD, options: tuple[str, ...] = ()) -> None:
    with client(mailbox) as server:
        server.sendmail("bot@onboarding.example", ["ana@acme.example"], content, mail_options=options)


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def test_a_mail_is_listed_as_json(mailbox: Mailbox) -> None:
    send(mailbox)
    (mail,) = json.loads(get(f"{mailbox.url}/messages"))
    assert mail["from"] == "Bot <bot@onboarding.example>"
    assert mail["to"] == ["ana@acme.example"]
    assert mail["subject"] == "Dépôt"
    assert mail["text"] == "See https://form.example/a.\n"
    assert mail["html"] is None
    assert mail["links"] == ["https://form.example/a"]
    assert mail["headers"]["Message-ID"] == "<onb-1@onboarding-bot>"
    assert mail["id"] == "1"
    assert mail["received_at"].endswith("+00:00")
    assert mailbox.messages[0].as_json() == mail


def test_both_bodies_and_their_links_are_read_once_each(mailbox: Mailbox) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "bot@onboarding.example", "ana@acme.example"
    message["Date"], message["Message-ID"] = "Tue, 24 Nov 2026 09:00:00 +0100", "<a@b>"
    message.set_content("(https://form.example/a?x=1&y=2), then https://form.example/b!")
    message.add_alternative(
        '<a href="https://form.example/a?x=1&amp;y=2">a</a><a href="javascript:x()">b</a>', subtype="html"
    )
    with client(mailbox) as server:
        server.send_message(message)
    (mail,) = mailbox.messages
    assert mail.links == ("https://form.example/a?x=1&y=2", "https://form.example/b")
    assert mail.html is not None


def test_the_page_shows_mails_newest_first_and_runs_nothing_of_theirs(mailbox: Mailbox) -> None:
    assert b"No mail yet" in get(mailbox.url)
    send(mailbox)
    send(mailbox, GOOD.replace(b"See ", b"<script>alert(1)</script> "))
    page = get(f"{mailbox.url}/").decode()
    assert page.index("&lt;script&gt;") < page.index("See ")
    assert "<script>" not in page
    assert '<a href="https://form.example/a">' in page


@pytest.mark.parametrize("name", ["From", "Date", "Message-ID"])
@pytest.mark.parametrize("times", [0, 2])
def test_a_required_header_must_be_there_once(mailbox: Mailbox, name: str, times: int) -> None:
    head, _, body = GOOD.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    own = [line for line in lines if line.startswith(name.encode() + b":")]
    rest = [line for line in lines if line not in own]
    with pytest.raises(smtplib.SMTPDataError, match=f"exactly one {name}"):
        send(mailbox, b"\r\n".join([*rest, *own * times]) + b"\r\n\r\n" + body)
    assert mailbox.messages == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"Date: Tue, 24 Nov 2026 09:00:00 +0100", b"Date: some day", "no date"),
        (b"<onb-1@onboarding-bot>", b"onb-1", "left@right"),
        (b"Bot <bot@onboarding.example>", b"Bot <bot>", "no address"),
        (b"=?utf-8?q?D=C3=A9p=C3=B4t?=", "Dépôt".encode(), "SMTPUTF8"),
        (b"See ", "Voilà ".encode(), "8BITMIME"),
        (b"See ", b"S\0ee ", "NUL"),
    ],
)
def test_what_is_no_proper_mail_is_refused(mailbox: Mailbox, old: bytes, new: bytes, said: str) -> None:
    with pytest.raises(smtplib.SMTPDataError, match=said):
        send(mailbox, GOOD.replace(old, new))
    assert mailbox.messages == ()


def test_eight_bits_are_taken_when_they_are_declared(mailbox: Mailbox) -> None:
    typed = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    send(mailbox, typed + GOOD.replace(b"See ", "Voilà ".encode()), options=("body=8bitmime",))
    assert mailbox.messages[0].text.startswith("Voilà ")


def test_a_line_that_is_too_long_is_refused(mailbox: Mailbox) -> None:
    with pytest.raises(smtplib.SMTPDataError, match="too long"):
        send(mailbox, GOOD + b"x" * 1200 + b"\r\n")


def test_a_bare_line_feed_is_refused(mailbox: Mailbox) -> None:
    with client(mailbox) as server:
        server.ehlo()
        server.mail("bot@onboarding.example")
        server.rcpt("ana@acme.example")
        assert server.docmd("DATA")[0] == 354
        server.send(GOOD + b"one\ntwo\r\n.\r\n")
        assert server.getreply()[0] == 550


@pytest.mark.parametrize("address", ["ana", "ana@", "ana@acme..example"])
def test_an_address_without_a_domain_is_refused(mailbox: Mailbox, address: str) -> None:
    with client(mailbox) as server:
        server.ehlo()
        assert server.mail(address)[0] == 553
        assert server.mail("bot@onboarding.example")[0] == 250
        assert server.rcpt(address)[0] == 553


class TestFaults:
    @pytest.mark.parametrize("operation", ["connect", "MAIL", "RCPT", "DATA"])
    def test_dropped_before_leaves_no_mail(self, mailbox: Mailbox, operation: str) -> None:
        mailbox.faults.add(Fault(operation, "drop_before"))
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            send(mailbox)
        assert mailbox.messages == ()
        send(mailbox)
        assert len(mailbox.messages) == 1

    def test_dropped_after_the_data_leaves_a_mail_that_nobody_was_told_of(self, mailbox: Mailbox) -> None:
        mailbox.faults.add(Fault("DATA", "drop_after"))
        with pytest.raises(smtplib.SMTPServerDisconnected):
            send(mailbox)
        assert len(mailbox.messages) == 1

    def test_a_busy_server_says_so(self, mailbox: Mailbox) -> None:
        mailbox.faults.add(Fault("connect", "server_error"), Fault("MAIL", "rate_limited"))
        with pytest.raises(smtplib.SMTPConnectError) as greeting:
            send(mailbox)
        assert greeting.value.smtp_code == 421
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            send(mailbox)
        assert refused.value.smtp_code == 450

    def test_a_refusal_for_good_can_be_asked_for(self, mailbox: Mailbox) -> None:
        mailbox.faults.add(Fault("RCPT", "server_error", status=550), Fault("DATA", "server_error"))
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            send(mailbox)
        assert refused.value.recipients["ana@acme.example"][0] == 550
        with pytest.raises(smtplib.SMTPDataError) as busy:
            send(mailbox)
        assert busy.value.smtp_code == 451

    @pytest.mark.parametrize("operation", ["connect", "DATA"])
    def test_a_delay_delays(self, mailbox: Mailbox, operation: str) -> None:
        mailbox.faults.add(Fault(operation, "delay", seconds=0.3))
        begun = time.monotonic()
        send(mailbox)
        assert time.monotonic() - begun >= 0.3
        assert len(mailbox.messages) == 1

    def test_a_client_that_leaves_during_a_delayed_greeting_harms_nothing(self, mailbox: Mailbox) -> None:
        mailbox.faults.add(Fault("connect", "delay", seconds=0.05))
        socket.create_connection(("127.0.0.1", mailbox.smtp_port), timeout=5).close()
        send(mailbox)
        assert len(mailbox.messages) == 1


def test_stopping_closes_open_connections_and_starting_again_keeps_ports_and_mails() -> None:
    mailbox = Mailbox()
    mailbox.start()
    ports = (mailbox.smtp_port, mailbox.url)
    send(mailbox)
    open_connection = client(mailbox)
    mailbox.stop()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        open_connection.noop()
    open_connection.close()
    with pytest.raises(ConnectionError):
        client(mailbox)
    mailbox.stop()
    with mailbox.start():
        assert (mailbox.smtp_port, mailbox.url) == ports
        send(mailbox)
        assert len(json.loads(get(f"{mailbox.url}/messages"))) == 2
    assert not [thread for thread in threading.enumerate() if thread.name == "sandbox-mailbox"]


def test_a_port_that_is_taken_is_told_and_leaves_nothing_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for ports in ({"smtp_port": taken.getsockname()[1]}, {"http_port": taken.getsockname()[1]}):
            with pytest.raises(OSError, match="in use"):
                Mailbox(**ports).start()
    assert not [thread for thread in threading.enumerate() if thread.name == "sandbox-mailbox"]
