"""Whose file is it, of which month, and is it whole?"""

import re
from datetime import date

from stdnum.es import cif, nie, nif

from checklists.model import Pack
from pipeline.client import Client, normalised_tax_id
from pipeline.database import Database
from pipeline.findings import Finding, Findings

MONTH = re.compile(r"[0-9]{4}(0[1-9]|1[0-2])")


def judge_identity(
    database: Database,
    pack: Pack,
    client: Client | None,
    findings: Findings,
    *,
    name_period: str | None,
    today: date,
) -> list[Finding]:
    """Judge operator, client, currency, month and completeness; ``name_period`` is the file name's YYYYMM."""
    if database.value("SELECT count(*) FROM canonical.invoice") == 0:
        return [findings.make("NO_INVOICE", "identity", {}), *_judge_partial(database, findings)]
    found = _judge_operator(database, pack, findings)
    found += _judge_client(database, client, findings)
    found += _judge_currency(database, pack, findings)
    found += _judge_period(database, client, findings, name_period, today)
    return found + _judge_partial(database, findings)


def is_valid_tax_id(tax_id: str) -> bool:
    """Check a Spanish tax number's control character: CIF, NIF or NIE."""
    return bool(cif.is_valid(tax_id) or nif.is_valid(tax_id) or nie.is_valid(tax_id))


def header_period(database: Database) -> str | None:
    """Return the month (YYYYMM) that the file's header states, if it has one.

    Anything else is as good as none (the stage ``schema`` blocks it): the month becomes part of paths.
    """
    period = database.value("SELECT min(period) FROM canonical.header")
    return str(period) if period is not None and MONTH.fullmatch(str(period)) else None


def file_period(database: Database, name_period: str | None) -> str:
    """Return the file's month: the header's, else the name's, else that of its latest invoice."""
    latest = database.value("SELECT strftime(max(issued), '%Y%m') FROM canonical.invoice")
    return header_period(database) or name_period or str(latest)


def _judge_operator(database: Database, pack: Pack, findings: Findings) -> list[Finding]:
    assert pack.files is not None
    issuers = {normalised_tax_id(issuer) for issuer in pack.files.issuers}
    rows = database.rows("SELECT supplier_tax_id AS issuer, count(*) AS count FROM canonical.invoice GROUP BY ALL")
    foreign = sum(int(str(row["count"])) for row in rows if normalised_tax_id(str(row["issuer"])) not in issuers)
    if not foreign:
        return []
    evidence: dict[str, str | int] = {"operator": pack.checklist.operator.name, "count": foreign}
    return [findings.make("WRONG_OPERATOR", "identity", evidence)]


def _judge_client(database: Database, client: Client | None, findings: Findings) -> list[Finding]:
    """Numbers that are not the client's are counted, never shown: they may be another client's."""
    rows = database.rows("SELECT DISTINCT customer_tax_id AS tax_id FROM canonical.invoice ORDER BY ALL")
    seen = sorted({normalised_tax_id(str(row["tax_id"])) for row in rows})
    own = client.compared_tax_ids if client else frozenset()
    found: list[Finding] = []
    foreign = [tax_id for tax_id in seen if tax_id not in own]
    if client is not None and foreign:
        code = "MULTI_CLIENT" if len(foreign) < len(seen) else "WRONG_CLIENT"
        found.append(findings.make(code, "identity", {"count": len(foreign), "tax_ids": len(seen)}))
    for tax_id in seen:
        if not is_valid_tax_id(tax_id):
            if tax_id in own:
                found.append(findings.make("BAD_NIF", "identity", {"tax_id": tax_id}))
            else:
                found.append(findings.make("BAD_NIF", "identity", {}, variant="foreign"))
    return found


def _judge_currency(database: Database, pack: Pack, findings: Findings) -> list[Finding]:
    assert pack.files is not None
    rows = database.rows(
        "SELECT coalesce(currency, '-') AS currency, count(*) AS count FROM canonical.invoice GROUP BY ALL ORDER BY ALL"
    )
    expected = ", ".join(pack.files.currencies)
    return [
        findings.make(
            "CURRENCY",
            "identity",
            {"currency": str(row["currency"]), "count": int(str(row["count"])), "expected": expected},
        )
        for row in rows
        if row["currency"] not in pack.files.currencies
    ]


def _judge_period(
    database: Database, client: Client | None, findings: Findings, name_period: str | None, today: date
) -> list[Finding]:
    """The header's month is the name's and the one that was asked for, and it is not in the future."""
    period = header_period(database) or file_period(database, None)
    expected = [wanted for wanted in (name_period, client.expected_period if client else None) if wanted is not None]
    found = [
        findings.make("PERIOD_UNEXPECTED", "identity", {"found": period, "expected": wanted})
        for wanted in dict.fromkeys(expected)
        if wanted != period
    ]
    current = today.strftime("%Y%m")
    if period > current:
        evidence = {"found": period, "expected": current}
        found.append(findings.make("PERIOD_UNEXPECTED", "identity", evidence, variant="future"))
    return found


def _judge_partial(database: Database, findings: Findings) -> list[Finding]:
    if database.value("SELECT bool_or(partial) FROM canonical.header"):
        return [findings.make("PARTIAL_SUBSOPORTE", "identity", {})]
    return []
