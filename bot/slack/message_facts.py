"""What a message says of an activation that it asks for: addresses, tax numbers, the client's root, codes.

Only what is certain is taken: a tax number whose check digit is right, an address that could be one, and names that
stand behind their word (``root: ACME-IBERICA``). Everything else a person types.
"""

import re
from html import unescape

from stdnum.es import cif, nie, nif

# Slack writes addresses and links as <mailto:a@b.example|a@b.example> and <https://…|…>.
_MARKED = re.compile(r"<(?:mailto:|tel:)?([^<>|]+)(?:\|[^<>]*)?>")
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_TAX_ID = re.compile(
    r"(?<![A-Za-z0-9])(?:ES[ -]?)?([A-Za-z]?[ -]?\d{1,2}(?:[. ]?\d{3}){2}[ -]?[A-Za-z0-9]?)(?![A-Za-z0-9])"
)
_AFTER = r"\s*[:=][\s*_`]*"
_NAMED = {
    "root": re.compile(rf"(?i:\b(?:root|racine|ra[ií]z))[*_]*{_AFTER}([A-Za-z0-9_-]{{2,60}})"),
    "partner": re.compile(rf"(?i:\b(?:partner|partenaire))[*_]*{_AFTER}([A-Z0-9][A-Z0-9_-]{{1,29}})\b"),
    "client": re.compile(rf"(?i:\b(?:client|cliente))[*_]*{_AFTER}([^\n,;*_`]{{1,80}})"),
}
# A root that stands alone is told by its look: capitals, joined by a hyphen.
_LOOKS_LIKE_ROOT = re.compile(r"(?<![\w@.-])([A-Z][A-Z0-9]+(?:-[A-Z0-9]+)+)(?![\w@.-])")

MOST_TAX_IDS = 20
# A message may be 40,000 characters long; what it is about stands at its beginning.
READ = 10_000


def facts_of(text: str) -> dict[str, str]:
    """Return what a message says, by the fields of the start modal; what it does not say is left out."""
    plain = unescape(_MARKED.sub(r"\1", text[:READ]))
    addresses = _ADDRESS.findall(plain)
    tax_ids = list(dict.fromkeys(number for found in _TAX_ID.findall(plain) if (number := _valid(found))))
    facts = {name: found[1].strip() for name, pattern in _NAMED.items() if (found := pattern.search(plain))}
    alone = _LOOKS_LIKE_ROOT.search(plain)
    if alone is not None and alone[1] not in facts.values():
        facts.setdefault("root", alone[1])
    if addresses:
        facts["partner_email"] = addresses[0]
    if tax_ids:
        facts["tax_ids"] = "\n".join(tax_ids[:MOST_TAX_IDS])
    return facts


def _valid(given: str) -> str | None:
    number = re.sub(r"[\s.-]", "", given).upper()
    return number if any(kind.is_valid(number) for kind in (cif, nif, nie)) else None
