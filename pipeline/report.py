"""The result as the JSON object that ``onboarding-bot check --json`` prints, and as nothing else."""

from decimal import Decimal

from checklists.model import Language
from pipeline.errors import ConfigurationError
from pipeline.findings import Finding
from pipeline.result import JSON, ChainResult, Invoice, NewReference, OutputFile

REPORTED_OUTPUTS = ("output", "usage", "manifest", "ofc")


def as_json(result: ChainResult, language: Language = "en") -> dict[str, JSON]:
    """Return the object of the design page; amounts are strings with 4 decimals, gross with 2."""
    totals = result.totals
    return {
        "file": result.file,
        "sha256": result.sha256,
        "operator": result.operator,
        "verdict": result.verdict,
        "findings": [_finding(finding, language) for finding in result.findings],
        "not_made": list(result.not_made),
        "tables": {name: {"declared": count.declared, "read": count.read} for name, count in result.tables.items()},
        "invoices": [_invoice(invoice) for invoice in result.invoices],
        "totals": None
        if totals is None
        else {
            "net": _amount(totals.net),
            "tax": _amount(totals.tax),
            "out_of_tax": _amount(totals.out_of_tax),
            "gross": _gross(totals.gross),
        },
        "new_references": [_reference(reference) for reference in result.new_references],
        "outputs": [_output(output) for output in result.outputs if output.kind in REPORTED_OUTPUTS],
        "seconds": {stage.stage: round(stage.seconds, 4) for stage in result.stages},
    }


def configuration_error_as_json(error: ConfigurationError) -> dict[str, JSON]:
    """Return a configuration error (exit 2) with the view, the column and the value it names."""
    return {"error": str(error), "view": error.view, "column": error.column, "value": error.value}


def _finding(finding: Finding, language: Language) -> JSON:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "stage": finding.stage,
        "message": finding.message.text(language),
        "advice": finding.advice.text(language),
        "evidence": dict(finding.evidence),
    }


def _invoice(invoice: Invoice) -> JSON:
    return {
        "number": invoice.number,
        "net": _amount(invoice.net),
        "tax": _amount(invoice.tax),
        "out_of_tax": _amount(invoice.out_of_tax),
        "gross": _gross(invoice.gross),
        "currency": invoice.currency,
    }


def _reference(reference: NewReference) -> JSON:
    return {
        "kind": reference.kind,
        "ref": reference.ref,
        "first_seen_invoice": reference.first_seen_invoice,
        "net": _amount(reference.net),
    }


def _output(output: OutputFile) -> JSON:
    return {
        "kind": output.kind,
        "path": None if output.path is None else output.path.as_posix(),
        "rows": output.rows,
        "sha256": output.sha256,
    }


def _amount(value: Decimal) -> str:
    return f"{value:.4f}"


def _gross(value: Decimal) -> str:
    return f"{value:.2f}"
