"""The answers of a form, checked: all errors at once, each at its field, and warnings beside what is taken.

What one field must be is said by the form (``answer_types``); what fields of the OFC form must be together, which
a form cannot say, is in the table CROSS_FIELD_RULES.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from ipaddress import IPv6Address, ip_address
from typing import TypeVar

from bot.locales import say
from bot.onboarding.answer_types import Answer, WrongAnswer, example_of, holds_private_key, parse, shortened
from bot.onboarding.clock import WorkingTime
from bot.onboarding.currencies import CURRENCIES
from bot.onboarding.errors import Invalid
from checklists.model import Form, FormField, Localized
from checklists.time_zone import is_time_zone

Value = TypeVar("Value")
Given = Mapping[str, str | list[str]]


class AnswerErrors(Invalid):
    """Every answer that is wrong or missing: ``errors`` (also ``fields``) has a text for each field's id."""

    def __init__(self, errors: Mapping[str, Localized]) -> None:
        super().__init__(say("answers.wrong", count=len(errors)), errors)

    @property
    def errors(self) -> Mapping[str, Localized]:
        """The texts by field id, in the form's order."""
        return self.fields


@dataclass(frozen=True)
class Answers:
    """Checked answers in the form's order, as JSON can hold them, without what was left empty; and warnings."""

    values: Mapping[str, Answer]
    warnings: Mapping[str, Localized] = field(default_factory=dict)


@dataclass(frozen=True)
class Policy:
    """What the rules need beside the answers: today, the pack's calendar, and what this installation allows."""

    today: date
    calendar: Sequence[str] = ()
    lead_working_days: int = 10
    allow_private_hosts: bool = False


def check_answers(
    form: Form,
    given: Given,
    filled: Given,
    *,
    today: date,
    calendar: Sequence[str] = (),
    lead_working_days: int = 10,
    allow_private_hosts: bool = False,
) -> Answers:
    """Check what was typed (``given``) into a form whose ``fill`` fields the bot has filled in (``filled``).

    Both map field ids to texts; what is given for a field that the bot fills is passed over. A field left empty
    takes its default. ``calendar`` (country codes) and ``lead_working_days`` say how soon a go-live may be.
    Raises AnswerErrors with all errors at once.
    """
    policy = Policy(today, calendar, lead_working_days, allow_private_hosts)
    errors = {name: _unknown(name) for name in given if name not in {asked.id for asked in form.fields}}
    values = _filled_values(form, filled)
    values |= _typed_values(form, given, str(_filled(form, filled, "country") or ""), errors)
    no_ofc = _switched_off(values)
    for asked in form.fields:
        if asked.id in no_ofc and asked.id in values and values[asked.id] != _default(asked):
            errors[asked.id] = say("answers.not_wanted")
    # What is not asked may have been typed before the answer that it depends on was changed: it is left out.
    not_asked = _not_asked(form, values) - no_ofc
    for name in not_asked & errors.keys():
        if not _holds_private_key(given.get(name, "")):
            del errors[name]
    off = no_ofc | not_asked
    values = {name: value for name, value in values.items() if name not in off}
    for asked in form.fields:
        default = _default(asked)
        if asked.fill is None and default is not None and asked.id not in off and asked.id not in errors:
            values.setdefault(asked.id, default)
    for asked in form.fields:
        if asked.id not in values and asked.id not in errors and _is_required(asked, values, off):
            errors[asked.id] = say("answers.missing", example=example_of(asked))
    warnings: dict[str, Localized] = {}
    for rule in CROSS_FIELD_RULES:
        asked_field = next((asked for asked in form.fields if asked.id == rule.field), None)
        text = rule.check(asked_field, values, policy) if asked_field and rule.field not in errors else None
        if text is not None:
            (warnings if rule.warns else errors)[rule.field] = text
    if errors:
        raise AnswerErrors(_in_order(form, errors))
    return Answers(_in_order(form, values), _in_order(form, warnings))


def asked_fields(form: Form, given: Given, filled: Given) -> frozenset[str]:
    """Return the ids of the fields that are asked (``when``), given what has been answered and filled in so far."""
    values = _filled_values(form, filled) | _typed_values(form, given, "", {})
    off = _not_asked(form, values)
    return frozenset(asked.id for asked in form.fields if asked.id not in off)


def required_fields(form: Form, given: Given) -> frozenset[str]:
    """Return the ids of the fields that must be answered, given what has been answered so far."""
    values = _typed_values(form, given, "", {})
    off = _switched_off(values) | _not_asked(form, values)
    for asked in form.fields:
        default = _default(asked)
        if default is not None and asked.id not in off:
            values.setdefault(asked.id, default)
    return frozenset(asked.id for asked in form.fields if _is_required(asked, values, off))


def unwanted_fields(form: Form, given: Given) -> frozenset[str]:
    """Return the ids of the fields that the answers so far have made pointless: they must stay empty."""
    return _switched_off(_typed_values(form, given, "", {})) & {asked.id for asked in form.fields}


def _holds_private_key(given: str | Sequence[str]) -> bool:
    return any(holds_private_key(part) for part in ([given] if isinstance(given, str) else given))


def _unknown(name: str) -> Localized:
    return say("answers.unknown_field", given=shortened(name) or "?")


def _in_order(form: Form, found: Mapping[str, Value]) -> dict[str, Value]:
    return {
        **{asked.id: found[asked.id] for asked in form.fields if asked.id in found},
        **{name: value for name, value in found.items() if name not in {asked.id for asked in form.fields}},
    }


def _filled(form: Form, filled: Given, what: str) -> str | list[str] | None:
    """Return what the bot filled in for ``fill: what``."""
    return next((filled[asked.id] for asked in form.fields if asked.fill == what and asked.id in filled), None)


def _filled_values(form: Form, filled: Given) -> dict[str, Answer]:
    """Return what the bot filled in; it is the bot's own, so it is taken as it is."""
    return {asked.id: filled[asked.id] for asked in form.fields if asked.fill is not None and filled.get(asked.id)}


def _typed_values(form: Form, given: Given, country: str, errors: dict[str, Localized]) -> dict[str, Answer]:
    values: dict[str, Answer] = {}
    for asked in form.fields:
        if asked.fill is not None or asked.id not in given:
            continue
        try:
            value = parse(asked, given[asked.id], country)
        except WrongAnswer as wrong:
            errors[asked.id] = wrong.text
        else:
            if value is not None:
                values[asked.id] = value
    return values


def _default(asked: FormField) -> Answer | None:
    """Return the default as a value of the field's type. The pack's loader has checked that it is one."""
    if asked.default is None or isinstance(asked.default, bool | int):
        return asked.default
    try:
        return parse(asked, asked.default, "")
    except WrongAnswer as wrong:
        raise ValueError(f"The default of the form's field {asked.id} is no answer to it: {wrong}") from wrong


def _is_required(asked: FormField, values: Mapping[str, Answer], off: frozenset[str]) -> bool:
    if asked.fill is not None or asked.id in off:
        return False
    when = asked.required_when
    conditional = bool(when) and all(values.get(name) == value for name, value in when.items())
    return asked.required or conditional or (asked.id in SERVER_FIELDS and _delivers_to_a_server(values))


# The rules of the OFC form that its fields' own keys cannot say (domain: OFC flow-creation ticket).

OFC_REQUIRED = "ofc_required"
SERVER_FIELDS = frozenset({"ofc_host", "ofc_port", "ofc_directory", "ofc_login", "ofc_auth"})
FILE_NAME_PARTS = ("root", "operator", "period", "invoice", "ts", "seq")
DISTINGUISHING_PARTS = ("period", "invoice", "ts", "seq")
LARGE_MEGABYTES = 200
MONTHS_AHEAD = 2
FREE_MAIL = frozenset(
    {
        "aol.com", "free.fr", "gmail.com", "gmx.com", "gmx.es", "gmx.net", "googlemail.com", "hotmail.com",
        "hotmail.es", "hotmail.fr", "icloud.com", "laposte.net", "live.com", "mail.com", "me.com", "msn.com",
        "orange.fr", "outlook.com", "outlook.es", "outlook.fr", "proton.me", "protonmail.com", "sfr.fr",
        "wanadoo.fr", "yahoo.com", "yahoo.es", "yahoo.fr", "ymail.com",
    }
)  # fmt: skip


def _switched_off(values: Mapping[str, Answer]) -> frozenset[str]:
    """Return the ids of the fields that must stay empty because no OFC is wanted."""
    if values.get(OFC_REQUIRED) is not False:
        return frozenset()
    return _OFC_FIELDS


_OFC_FIELDS = frozenset(
    {
        *SERVER_FIELDS, "ofc_protocol", "ofc_public_key", "ofc_secret_ref", "ofc_host_key_fingerprint",
        "ofc_recipients", "ofc_format", "ofc_encoding", "ofc_separator", "ofc_decimal", "ofc_quote",
        "ofc_line_ending", "ofc_bom", "ofc_filename_pattern", "ofc_compression", "ofc_encryption",
        "ofc_pgp_fingerprint",
        "ofc_done_marker", "ofc_manifest", "ofc_retention_days",
    }
)  # fmt: skip


def _not_asked(form: Form, values: Mapping[str, Answer]) -> frozenset[str]:
    """Return the ids of the fields whose ``when`` does not hold; what is not asked counts as not answered."""
    off: frozenset[str] = frozenset()
    answered = {asked.id: default for asked in form.fields if (default := _default(asked)) is not None} | dict(values)
    while True:
        seen = {name: value for name, value in answered.items() if name not in off}
        now = off | {asked.id for asked in form.fields if not _holds(asked, seen)}
        if now == off:
            return off
        off = now


def _holds(asked: FormField, values: Mapping[str, Answer]) -> bool:
    return all(
        values.get(name) in (wanted if isinstance(wanted, tuple) else (wanted,)) for name, wanted in asked.when.items()
    )


def _delivers_to_a_server(values: Mapping[str, Answer]) -> bool:
    return values.get("ofc_protocol", "EMAIL") != "EMAIL"


Check = Callable[[FormField, Mapping[str, Answer], Policy], Localized | None]


@dataclass(frozen=True)
class CrossFieldRule:
    """A rule whose verdict is shown at ``field``; ``check`` returns what is wrong, or None."""

    field: str
    check: Check
    warns: bool = False


def _decimal_is_not_separator(asked: FormField, values: Mapping[str, Answer], policy: Policy) -> Localized | None:
    del policy
    mark = values.get(asked.id)
    if mark is None or mark != values.get("ofc_separator"):
        return None
    return say("answers.separator_is_decimal", given=mark)


def _host_is_public(asked: FormField, values: Mapping[str, Answer], policy: Policy) -> Localized | None:
    host = values.get(asked.id)
    if policy.allow_private_hosts or not isinstance(host, str) or not _is_private(host):
        return None
    return say("answers.host_private", given=shortened(host), example=example_of(asked))


def _is_private(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan", ".home.arpa"))
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return not (mapped or address).is_global or address.is_multicast


def _secret_is_a_reference(asked: FormField, values: Mapping[str, Answer], policy: Policy) -> Localized | None:
    """Refuse what looks like the secret itself: no path, no address, no ticket; or a word such as "password:"."""
    del policy
    text = values.get(asked.id)
    if not isinstance(text, str):
        return None
    named = re.search(r"(?i)\b(pass(word|wd|phrase)?|pwd|mdp|mot de passe|contrase[nñ]a)\s*[:=]", text)
    reference = re.fullmatch(r"[A-Za-z][\w.+-]*(:/{0,2}|/)[\w./ @#+-]+|[A-Z][A-Z0-9]+-[0-9]+", text)
    if reference and not named:
        return None
    return say("answers.secret", example=example_of(asked))


def _fingerprint_is_for_sftp(asked: FormField, values: Mapping[str, Answer], policy: Policy) -> Localized | None:
    del policy
    protocol = values.get("ofc_protocol", "SFTP")
    if asked.id not in values or protocol == "SFTP":
        return None
    return say("answers.fingerprint_protocol", given=protocol)


def _file_name_is_unique(asked: FormField, values: Mapping[str, Answer], policy: Policy) -> Localized | None:
    del policy
    pattern = values.get(asked.id)
    if not isinstance(pattern, str):
        return None
    parts = re.findall(r"\{([^{}]*)\}", pattern)
    rest = re.sub(r"\{[^{}]*\}", "", pattern)
    example = example_of(asked)
    unknown = [f"{{{part}}}" for part in parts if part not in FILE_NAME_PARTS]
    unknown += [brace for brace in "{}" if brace in rest]
    if unknown:
        known = _in_braces(FILE_NAME_PARTS)
        return say("answers.filename_placeholder", given=shortened(unknown[0]), known=known, example=example)
    if not set(parts) & set(DISTINGUISHING_PARTS):
        known = _in_braces(DISTINGUISHING_PARTS)
        return say("answers.filename_not_unique", given=shortened(pattern), known=known, example=example)
    return None


def _in_braces(names: Sequence[str]) -> str:
    return " ".join(f"{{{name}}}" for name in names)


def _period_is_near(asked: FormField, values: Mapping[str, Answer], policy: Policy) -> Localized | None:
    """Refuse a first period more than two months ahead, or after the month of the go-live."""
    period = values.get(asked.id)
    if not isinstance(period, str):
        return None
    month = policy.today.year * 12 + policy.today.month - 1 + MONTHS_AHEAD
    latest = f"{month // 12:04}{month % 12 + 1:02}"
    if period > latest:
        return say("answers.period_future", given=period, limit=latest, example=example_of(asked))
    golive = values.get("target_golive")
    if isinstance(golive, str) and period > golive[:7].replace("-", ""):
        return say("answers.period_after_golive", given=period, limit=golive[:7].replace("-", ""))
    return None


def _golive_leaves_time(asked: FormField, values: Mapping[str, Answer], policy: Policy) -> Localized | None:
    golive = values.get(asked.id)
    if not isinstance(golive, str):
        return None
    earliest = WorkingTime("UTC", policy.calendar).day_after(policy.today, policy.lead_working_days).isoformat()
    if golive >= earliest:
        return None
    return say("answers.golive_early", given=golive, days=policy.lead_working_days, limit=earliest)


def _golive_is_midweek(asked: FormField, values: Mapping[str, Answer], policy: Policy) -> Localized | None:
    del policy
    golive = values.get(asked.id)
    if not isinstance(golive, str) or date.fromisoformat(golive).weekday() < 4:
        return None
    return say("answers.warn_weekend", given=golive)


def _gdpr_is_acknowledged(asked: FormField, values: Mapping[str, Answer], policy: Policy) -> Localized | None:
    del policy
    return say("answers.gdpr") if values.get(asked.id) is False else None


def _time_zone_exists(asked: FormField, values: Mapping[str, Answer], policy: Policy) -> Localized | None:
    del policy
    zone = values.get(asked.id)
    if not isinstance(zone, str) or is_time_zone(zone):
        return None
    return say("answers.time_zone", given=shortened(zone), example=example_of(asked))


def _currency_exists(asked: FormField, values: Mapping[str, Answer], policy: Policy) -> Localized | None:
    del policy
    currency = values.get(asked.id)
    if not isinstance(currency, str) or currency in CURRENCIES:
        return None
    return say("answers.currency", given=shortened(currency), example=example_of(asked))


def _plain_ftp_has_an_exception(asked: FormField, values: Mapping[str, Answer], policy: Policy) -> Localized | None:
    del policy
    if asked.id in values or values.get("in_protocol") != "FTP":
        return None
    return say("answers.warn_plain_ftp", example=example_of(asked))


def _recipients_are_business(asked: FormField, values: Mapping[str, Answer], policy: Policy) -> Localized | None:
    del policy
    recipients = values.get(asked.id)
    addresses = recipients if isinstance(recipients, list) else []
    free = [one for one in addresses if one.rpartition("@")[2].lower() in FREE_MAIL]
    return say("answers.warn_free_mail", given=shortened(", ".join(free))) if free else None


def _accounts_are_listed(asked: FormField, values: Mapping[str, Answer], policy: Policy) -> Localized | None:
    del policy
    return None if asked.id in values else say("answers.warn_accounts")


def _volume_is_usual(asked: FormField, values: Mapping[str, Answer], policy: Policy) -> Localized | None:
    del policy
    megabytes = values.get(asked.id)
    if not isinstance(megabytes, int) or megabytes < LARGE_MEGABYTES:
        return None
    return say("answers.warn_volume", given=megabytes)


CROSS_FIELD_RULES: tuple[CrossFieldRule, ...] = (
    CrossFieldRule("ofc_decimal", _decimal_is_not_separator),
    CrossFieldRule("ofc_host", _host_is_public),
    CrossFieldRule("ofc_secret_ref", _secret_is_a_reference),
    CrossFieldRule("ofc_host_key_fingerprint", _fingerprint_is_for_sftp),
    CrossFieldRule("ofc_filename_pattern", _file_name_is_unique),
    CrossFieldRule("first_period", _period_is_near),
    CrossFieldRule("target_golive", _golive_leaves_time),
    CrossFieldRule("gdpr_ack", _gdpr_is_acknowledged),
    CrossFieldRule("timezone", _time_zone_exists),
    CrossFieldRule("currency", _currency_exists),
    CrossFieldRule("security_exception_ref", _plain_ftp_has_an_exception, warns=True),
    CrossFieldRule("target_golive", _golive_is_midweek, warns=True),
    CrossFieldRule("ofc_recipients", _recipients_are_business, warns=True),
    CrossFieldRule("billing_accounts", _accounts_are_listed, warns=True),
    CrossFieldRule("volume_mb", _volume_is_usual, warns=True),
)
"""Rules between fields, by id; a form without the field has no such rule. Two more change what is asked:
SERVER_FIELDS are required unless the OFC goes by e-mail, and without an OFC all its fields stay empty."""
