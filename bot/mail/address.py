"""Mail addresses that are safe to put into a header and into an SMTP command."""

import re
from email.headerregistry import Address

ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# The dot-atom form of RFC 5322: quoted local parts, comments and groups are legal there and in nobody's address.
ADDRESS = re.compile(rf"({ATOM}(?:\.{ATOM})*)@({LABEL}(?:\.{LABEL})*)", re.ASCII)


def mail_address(given: str, *, name: str = "") -> Address:
    """Read ``local@domain``; the domain is turned into its ASCII form.

    Raises ValueError for what is no address, has no domain, or has a local part beyond ASCII (SMTPUTF8: few servers
    take it, and which ones cannot be known beforehand).
    """
    local, _, domain = given.strip().rpartition("@")
    try:
        found = ADDRESS.fullmatch(f"{local}@{domain.encode('idna').decode('ascii')}")
    except UnicodeError:
        found = None
    if found is None or len(found[1]) > 64 or len(found[2]) > 253:
        raise ValueError(f"{given!r} is no mail address that can be used: it needs the form name@domain")
    return Address(one_line(name), username=found[1], domain=found[2])


def one_line(text: str) -> str:
    """Return a text as a header can hold it: no line breaks, no control characters, single spaces."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
