"""The types of form fields: each turns what a person typed into a value that JSON can hold, or says what is wrong.

text, long_text, choice, email, phone, host, path, public_key, period, date, decimal give a text; choices, emails,
tax_ids, networks a list of texts; integer and port a whole number; boolean true or false.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address, ip_network

import phonenumbers
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from email_validator import EmailNotValidError, validate_email
from stdnum.es import cif, nie, nif

from bot.locales import say
from checklists.model import FieldType, FormField, Localized

Answer = str | int | bool | list[str]

# Jira takes descriptions of up to 32,767 characters: no single answer may be longer.
LONGEST_ANSWER = 32_000
LONGEST_TEXT = 500
LONGEST_LONG_TEXT = 10_000
MOST_ENTRIES = 100
WEAKEST_RSA_BITS = 3072
# Form, partner_ips: /24 or narrower; in IPv6 one site has a /48.
WIDEST_NETWORK = {4: 24, 6: 48}

LIST_TYPES = frozenset({"choices", "emails", "tax_ids", "networks"})

_EXAMPLES: Mapping[FieldType, str] = {
    "boolean": "true",
    "date": "2027-03-15",
    "integer": "12",
    "decimal": "12.50",
    "email": "ana.garcia@partner.example",
    "emails": "ana.garcia@partner.example, luis@partner.example",
    "phone": "+34 912 345 678",
    "tax_ids": "B00123455",
    "host": "sftp.partner.example",
    "port": "22",
    "path": "/incoming/ofc",
    "public_key": "ssh-ed25519 AAAAC3Nz… name@partner.example",
    "period": "202610",
    "networks": "203.0.113.10, 198.51.100.0/28",
}

_PRIVATE_MARKS = ("PRIVATE KEY", "PUTTY-USER-KEY-FILE", "PRIVATE-LINES")
_TRUE = frozenset({"true", "yes", "oui", "si", "sí", "on", "1", "y", "o", "s"})
_FALSE = frozenset({"false", "no", "non", "off", "0", "n"})
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")


class WrongAnswer(Exception):
    """What is wrong with one answer, to be shown at its field."""

    def __init__(self, text: Localized) -> None:
        super().__init__(text.en)
        self.text = text


def example_of(field: FormField) -> str:
    """Return an example of a right answer: the field's own, a choice, or one of its type."""
    return field.example or (field.choices[0] if field.choices else _EXAMPLES.get(field.type, "…"))


def shortened(text: str) -> str:
    """Return a text as it may be quoted in a message: without line breaks, 60 characters at most."""
    plain = "".join(character if character.isprintable() else " " for character in text[:200]).strip()
    return plain if len(plain) <= 60 else f"{plain[:59]}…"


def holds_private_key(text: str) -> bool:
    """Tell whether a text holds a private key as OpenSSH, OpenSSL or PuTTY write it."""
    shouted = text.upper()
    return any(mark in shouted for mark in _PRIVATE_MARKS)


def parse(field: FormField, given: str | Sequence[str], country: str) -> Answer | None:
    """Return a field's value, or None when nothing was answered.

    ``country`` (ISO 3166 alpha-2, or empty) is where telephone and tax numbers without a country are from.
    Raises WrongAnswer.
    """
    parts = [given] if isinstance(given, str) else list(given)
    length = sum(len(part) for part in parts)
    if length > LONGEST_ANSWER:
        raise _wrong("too_long", field, length=length, limit=LONGEST_ANSWER)
    parts = [unicodedata.normalize("NFC", part).strip() for part in parts]
    parts = [part for part in parts if part]
    if not parts:
        return None
    # A key that was sent here is known to too many: its owner must hear it, whatever the field.
    if any(holds_private_key(part) for part in parts):
        raise WrongAnswer(say("answers.private_key"))
    if field.type in LIST_TYPES:
        return _list(field, parts, country)
    if len(parts) > 1:
        raise _wrong("several", field, length=len(parts))
    text = parts[0]
    breaks = "\n\r\t" if field.type == "long_text" else ""
    if any(unicodedata.category(character) in {"Cc", "Cs"} and character not in breaks for character in text):
        raise _wrong("control_characters", field)
    value = _PARSERS[field.type](field, text, country)
    if isinstance(value, str):
        _check_pattern(field, value)
    return value


def _wrong(message: str, field: FormField, **values: object) -> WrongAnswer:
    return WrongAnswer(say(f"answers.{message}", example=example_of(field), **values))


def _check_pattern(field: FormField, value: str) -> None:
    if field.pattern is not None and not re.search(field.pattern, value):
        raise _wrong("pattern", field, given=shortened(value))


def _list(field: FormField, parts: Sequence[str], country: str) -> list[str]:
    entries = _split(field, parts)
    if len(entries) > MOST_ENTRIES:
        raise _wrong("too_many", field, length=len(entries), limit=MOST_ENTRIES)
    values = list(dict.fromkeys(_ENTRY_PARSERS[field.type](field, entry, country) for entry in entries))
    for value in values:
        _check_pattern(field, value)
    if field.min is not None and len(values) < field.min:
        raise _wrong("too_few", field, length=len(values), limit=field.min)
    if field.max is not None and len(values) > field.max:
        raise _wrong("too_many", field, length=len(values), limit=field.max)
    return values


def _split(field: FormField, parts: Sequence[str]) -> list[str]:
    """Return the entries of a list: chosen ones as they are, typed ones divided at commas, semicolons and lines."""
    if field.type == "choices":
        return [entry for part in parts for entry in ([part] if part in field.choices else re.split(r"[,;\n]", part))]
    entries = [entry.strip() for part in parts for entry in re.split(r"[,;\r\n]", part)]
    if field.type != "tax_ids":
        return [word for entry in entries for word in entry.split()]
    # A space stands between two tax numbers, or inside a single one: `B 00123455`.
    return [
        number
        for entry in entries
        if entry
        for number in ([entry] if _is_tax_id(_compact(entry, "ES")) else entry.split())
    ]


def _text(field: FormField, text: str, country: str) -> str:
    del country
    default = LONGEST_LONG_TEXT if field.type == "long_text" else LONGEST_TEXT
    limit = default if field.max is None else field.max
    if len(text) > limit:
        raise _wrong("too_long", field, length=len(text), limit=limit)
    if field.min is not None and len(text) < field.min:
        raise _wrong("too_short", field, length=len(text), limit=field.min)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _choice(field: FormField, text: str, country: str) -> str:
    del country
    text = text.strip()
    for choice in field.choices:
        if text.casefold() == choice.casefold():
            return choice
    raise WrongAnswer(say("answers.choice", given=shortened(text), choices=", ".join(field.choices)))


def _boolean(field: FormField, text: str, country: str) -> bool:
    del field, country
    word = text.casefold()
    if word not in _TRUE | _FALSE:
        raise WrongAnswer(say("answers.boolean", given=shortened(text)))
    return word in _TRUE


def _date(field: FormField, text: str, country: str) -> str:
    del country
    # A spreadsheet writes a day as its midnight.
    match = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]00:00(?::00)?)?", text)
    try:
        return date.fromisoformat(match.group(1) if match else text[:0]).isoformat()
    except ValueError:
        raise _wrong("date", field, given=shortened(text)) from None


def _integer(field: FormField, text: str, country: str) -> int:
    del country
    # A spreadsheet writes 22 as 22.0.
    match = re.fullmatch(r"([+-]?[0-9]{1,15})(?:\.0+)?", text)
    if not match:
        raise _wrong("integer", field, given=shortened(text))
    number = int(match.group(1))
    _check_limits(field, Decimal(number), text)
    return number


def _decimal(field: FormField, text: str, country: str) -> str:
    del country
    if not re.fullmatch(r"[+-]?[0-9]{1,15}(?:[.,][0-9]{1,10})?", text):
        raise _wrong("decimal", field, given=shortened(text))
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise _wrong("decimal", field, given=shortened(text)) from None
    _check_limits(field, number, text)
    return f"{number:f}"


def _check_limits(field: FormField, number: Decimal, text: str) -> None:
    if field.min is not None and number < field.min:
        raise _wrong("below", field, given=shortened(text), limit=field.min)
    if field.max is not None and number > field.max:
        raise _wrong("above", field, given=shortened(text), limit=field.max)


def _port(field: FormField, text: str, country: str) -> int:
    number = _integer(field, text, country)
    if number < 1:
        raise _wrong("below", field, given=number, limit=1)
    if number > 65535:
        raise _wrong("above", field, given=shortened(text), limit=65535)
    return number


def _email(field: FormField, text: str, country: str) -> str:
    del country
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise _wrong("email", field, given=shortened(text)) from None


def _phone(field: FormField, text: str, country: str) -> str:
    """Return the number as E.164, such as +34912345678."""
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        raise _wrong("phone", field, given=shortened(text)) from None
    if not phonenumbers.is_valid_number(number) or number.extension:
        raise _wrong("phone", field, given=shortened(text))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _compact(text: str, country: str) -> str:
    return re.sub(r"[\s.\-]", "", text).upper().removeprefix(country)


def _is_tax_id(number: str) -> bool:
    return any(kind.is_valid(number) for kind in (cif, nif, nie))


def _tax_id(field: FormField, text: str, country: str) -> str:
    """Return a CIF, NIF or NIE without ES and separators; another country's number is only looked at for its form."""
    number = _compact(text, country or "ES")
    right = _is_tax_id(number) if country in {"ES", ""} else re.fullmatch(r"[0-9A-Z]{4,20}", number)
    if not right:
        raise _wrong("tax_id", field, given=shortened(text))
    return number


def _host(field: FormField, text: str, country: str) -> str:
    del country
    try:
        return str(ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        pass
    try:
        name = text.removesuffix(".").encode("idna").decode().lower()
    except UnicodeError:
        raise _wrong("host", field, given=shortened(text)) from None
    labels = name.split(".")
    # A name that ends in digits is a mistyped or disguised address, such as 300.1.1.1 or 2130706433.
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise _wrong("host", field, given=shortened(text))
    return name


def _path(field: FormField, text: str, country: str) -> str:
    del country
    parts = text.split("/")
    spaces = any(character.isspace() for character in text)
    if not text.startswith("/") or spaces or "\\" in text or {".", ".."} & set(parts) or "//" in text:
        raise _wrong("path", field, given=shortened(text))
    if len(text) > 1024:
        raise _wrong("too_long", field, length=len(text), limit=1024)
    return text.rstrip("/") or "/"


def _public_key(field: FormField, text: str, country: str) -> str:
    del country
    if len(text) > 8192:
        raise _wrong("too_long", field, length=len(text), limit=8192)
    words = text.split()
    if len(words) < 2:
        raise _wrong("public_key", field)
    if words[0] in {"ssh-dss"} or words[0].startswith(("ecdsa-", "sk-")):
        raise _wrong("public_key_weak", field, given=shortened(words[0]))
    try:
        key = load_ssh_public_key(" ".join(words[:2]).encode())
    except (ValueError, UnsupportedAlgorithm):
        raise _wrong("public_key", field) from None
    strong = isinstance(key, RSAPublicKey) and key.key_size >= WEAKEST_RSA_BITS
    if not (strong or isinstance(key, Ed25519PublicKey)):
        bits = f" {key.key_size}" if isinstance(key, RSAPublicKey) else ""
        raise _wrong("public_key_weak", field, given=f"{shortened(words[0])}{bits}")
    return " ".join(words)


def _network(field: FormField, text: str, country: str) -> str:
    del country
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise _wrong("network", field, given=shortened(text)) from None
    widest = WIDEST_NETWORK[network.version]
    if network.prefixlen < widest:
        raise _wrong("network_wide", field, given=network, limit=widest)
    return str(network)


def _period(field: FormField, text: str, country: str) -> str:
    del country
    if not re.fullmatch(r"[12][0-9]{3}(0[1-9]|1[0-2])", text):
        raise _wrong("period", field, given=shortened(text))
    return text


_PARSERS: Mapping[str, Callable[[FormField, str, str], Answer]] = {
    "text": _text,
    "long_text": _text,
    "choice": _choice,
    "boolean": _boolean,
    "date": _date,
    "integer": _integer,
    "decimal": _decimal,
    "email": _email,
    "phone": _phone,
    "host": _host,
    "port": _port,
    "path": _path,
    "public_key": _public_key,
    "period": _period,
}

_ENTRY_PARSERS: Mapping[str, Callable[[FormField, str, str], str]] = {
    "choices": _choice,
    "emails": _email,
    "tax_ids": _tax_id,
    "networks": _network,
}
