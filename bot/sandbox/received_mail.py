"""A mail as the sandbox's mailbox keeps it, and what it refuses to take for one."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from html.parser import HTMLParser

LINK = re.compile(r"https?://[^\s<>\"']+")
MESSAGE_ID = re.compile(r"<[^<>@\s]+@[^<>@\s]+>")
REQUIRED_ONCE = ("From", "Date", "Message-ID")


class NotAMail(Exception):
    """The content breaks RFC 5322 or 5321; the message is the SMTP answer."""


@dataclass(frozen=True)
class ReceivedMail:
    """One accepted mail. ``to`` are the envelope's recipients; ``links`` are in order, each once."""

    id: str
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None
    links: tuple[str, ...]
    received_at: datetime
    headers: dict[str, str]

    def as_json(self) -> dict[str, object]:
        """Return the shape of ``GET /messages``; ``received_at`` is ISO 8601 in UTC."""
        return {
            "id": self.id,
            "from": self.sender,
            "to": list(self.to),
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
            "links": list(self.links),
            "received_at": self.received_at.isoformat(),
            "headers": self.headers,
        }


def parse_mail(content: bytes, *, eight_bit: bool) -> EmailMessage:
    """Parse a mail and refuse what a strict server refuses. ``eight_bit``: 8BITMIME was declared.

    Raises NotAMail.
    """
    header, _, _ = content.partition(b"\r\n\r\n")
    if b"\0" in content or re.search(rb"(?<!\r)\n|\r(?!\n)", content):
        raise NotAMail("550 5.6.0 a NUL or a bare CR or LF in the mail")
    if not header.isascii():
        raise NotAMail("550 5.6.7 a header that is not ASCII needs SMTPUTF8, which is not spoken here")
    if not eight_bit and not content.isascii():
        raise NotAMail("554 5.6.1 8-bit content without BODY=8BITMIME")
    message = BytesParser(policy=SMTP).parsebytes(content)
    for name in REQUIRED_ONCE:
        if len(message.get_all(name, [])) != 1:
            raise NotAMail(f"550 5.6.0 exactly one {name} header is required")
    if message["Date"].datetime is None:
        raise NotAMail("550 5.6.0 the Date header is no date")
    if MESSAGE_ID.fullmatch(str(message["Message-ID"]).strip()) is None:
        raise NotAMail("550 5.6.0 the Message-ID header is not of the form <left@right>")
    if not message["From"].addresses or not all(address.domain for address in message["From"].addresses):
        raise NotAMail("550 5.6.0 the From header has no address with a domain")
    broken = [defect for part in message.walk() for defect in part.defects]
    if broken:
        raise NotAMail(f"550 5.6.0 malformed: {type(broken[0]).__name__}")
    return message


def received(number: int, message: EmailMessage, to: list[str], at: datetime) -> ReceivedMail:
    """Read a parsed mail."""
    text, html = _content(message, "plain") or "", _content(message, "html")
    headers: dict[str, str] = {}
    for name, value in message.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else str(value)
    found = [link.rstrip(".,;:!?)") for link in LINK.findall(text)]
    return ReceivedMail(
        id=str(number),
        sender=str(message["From"]),
        to=tuple(to),
        subject=str(message["Subject"] or ""),
        text=text,
        html=html,
        links=tuple(dict.fromkeys([*found, *_hrefs(html or "")])),
        received_at=at,
        headers=headers,
    )


def _content(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body(preferencelist=(kind,))
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")


def _hrefs(html: str) -> list[str]:
    reader = _Anchors()
    reader.feed(html)
    reader.close()
    return reader.found


class _Anchors(HTMLParser):
    """Collects where the anchors of a page lead."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an anchor's web address."""
        address = dict(attrs).get("href")
        if tag == "a" and address is not None and LINK.fullmatch(address):
            self.found.append(address)
