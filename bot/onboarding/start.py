"""What a start must say, and whether it can be right."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from email_validator import EmailNotValidError, validate_email
from stdnum.es import cif, nie, nif

from bot.locales import say
from bot.onboarding.errors import Invalid
from checklists.model import Localized, OptionValue, Pack

# Design: the start modal's partner code, which is also the partner's folder.
PARTNER_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{1,29}")
# Domain: a client's root ("racine") in the OFC form.
CLIENT_ROOT = re.compile(r"[A-Za-z0-9_-]{2,60}")
LONGEST_NAME = 80


@dataclass(frozen=True)
class StartRequest:
    """What the start modal or the shell gives. ``tax_ids`` as typed; ``options`` by option id."""

    pack: str
    partner: str
    partner_email: str
    client: str
    root: str
    tax_ids: Sequence[str]
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    due: date | None = None


def split_tax_ids(text: str) -> list[str]:
    """Split what a person typed: a comma, a space or a new line stands between two tax numbers."""
    return [part for part in re.split(r"[,;\s]+", text) if part]


def checked(request: StartRequest, pack: Pack, today: date) -> StartRequest:
    """Return the request in its normal form. Raises Invalid with a text for every field that is wrong."""
    errors: dict[str, Localized] = {}
    partner = request.partner.strip().upper()
    if not PARTNER_CODE.fullmatch(partner):
        errors["partner"] = say("start.partner", given=_short(request.partner))
    email = _email(request.partner_email.strip(), errors)
    client = " ".join(request.client.split())
    if not 0 < len(client) <= LONGEST_NAME:
        errors["client"] = say("start.client", longest=LONGEST_NAME)
    root = request.root.strip()
    if not CLIENT_ROOT.fullmatch(root):
        errors["root"] = say("start.root", given=_short(request.root))
    tax_ids = _tax_ids(request.tax_ids, pack.checklist.operator.country, errors)
    options = _options(request.options, pack, errors)
    if request.due is not None and request.due < today:
        errors["due"] = say("start.due", given=request.due.isoformat())
    if errors:
        raise Invalid(say("start.invalid"), errors)
    return StartRequest(pack.id, partner, email, client, root, tax_ids, options, request.due)


def _email(given: str, errors: dict[str, Localized]) -> str:
    try:
        # Names that the public network does not know, such as those of an intranet, are addresses too.
        address = validate_email(given, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        address = None
    if address is None or "." not in address.domain:
        errors["partner_email"] = say("start.partner_email", given=_short(given))
        return given
    return address.normalized


def _tax_ids(given: Sequence[str], country: str, errors: dict[str, Localized]) -> list[str]:
    numbers = [re.sub(r"[\s.-]", "", number).upper() for number in given]
    numbers = list(dict.fromkeys(number.removeprefix(country) for number in numbers if number))
    if not numbers:
        errors["tax_ids"] = say("start.tax_ids_missing")
    elif country == "ES":
        wrong = [number for number in numbers if not any(kind.is_valid(number) for kind in (cif, nif, nie))]
        if wrong:
            errors["tax_ids"] = say("start.tax_ids", given=_short(", ".join(wrong)))
    return numbers


def _options(given: Mapping[str, OptionValue], pack: Pack, errors: dict[str, Localized]) -> dict[str, OptionValue]:
    known = {option.id: option for option in pack.checklist.options}
    for name in given.keys() - known.keys():
        errors[name] = say("start.option_unknown", option=name, options=", ".join(known) or "—")
    for name, option in known.items():
        if name not in given or not option.accepts(given[name]):
            values = "true, false" if option.type == "boolean" else ", ".join(option.choices)
            errors[name] = say("start.option", option=option.label, values=values)
    return dict(given)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
