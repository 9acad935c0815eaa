"""The columns of OUTPUT v1 and of its usage file, and another layout over them (a pack's output.yaml).

Source: domain facts 2.2; the layout is assumed, so a pack can replace it without code.
"""

from collections.abc import Sequence

from checklists.model import OutputProfile
from pipeline.csvfile import CsvColumn, CsvFormat, Kind
from pipeline.errors import ConfigurationError

OUTPUT_COLUMNS: dict[str, Kind] = {
    "format_version": "plain",
    "record_id": "plain",
    "root": "text",
    "partner": "text",
    "operator": "text",
    "country": "plain",
    "customer_tax_id": "text",
    "customer_name": "text",
    "supplier_tax_id": "text",
    "billing_account": "text",
    "billing_subaccount": "text",
    "invoice_number": "text",
    "invoice_type": "plain",
    "original_invoice_number": "text",
    "invoice_date": "plain",
    "due_date": "plain",
    "period": "text",
    "period_start": "plain",
    "period_end": "plain",
    "line_ref": "phone",
    "line_type": "plain",
    "user_name": "text",
    "cost_center": "text",
    "cost_subcenter": "text",
    "is_new_ref": "plain",
    "charge_category": "plain",
    "charge_code": "text",
    "charge_label": "text",
    "charge_start": "plain",
    "charge_end": "plain",
    "quantity": "decimal",
    "unit": "plain",
    "amount_net": "decimal",
    "tax_regime": "plain",
    "tax_rate": "decimal",
    "amount_tax": "decimal",
    "amount_gross": "decimal",
    "currency": "text",
    "invoice_total_net": "decimal",
    "invoice_total_tax": "decimal",
    "invoice_total_gross": "decimal",
    "source_file": "text",
    "source_sha256": "plain",
    "source_row": "text",
    "mapping_id": "plain",
}

USAGE_COLUMNS: dict[str, Kind] = {
    "invoice_number": "text",
    "line_ref": "phone",
    "used_at": "plain",
    "kind": "plain",
    "direction": "plain",
    "dialled": "phone",
    "destination": "text",
    "country": "text",
    "roaming": "plain",
    "seconds": "plain",
    "kbytes": "decimal",
    "amount_net": "decimal",
    "source_row": "text",
}


def output_columns(profile: OutputProfile | None) -> Sequence[CsvColumn]:
    """The Output's columns: OUTPUT v1, or the profile's. Raises ConfigurationError for a column that is not there."""
    if profile is None:
        return [CsvColumn(name, name, kind) for name, kind in OUTPUT_COLUMNS.items()]
    columns = []
    for column in profile.columns:
        if column.source not in OUTPUT_COLUMNS:
            raise ConfigurationError(
                f"output.yaml: OUTPUT v1 has no column {column.source}", view="output", column=column.source
            )
        source = None if column.blank else column.source
        columns.append(CsvColumn(column.name, source, OUTPUT_COLUMNS[column.source]))
    return columns


def usage_columns() -> Sequence[CsvColumn]:
    """The usage file's columns."""
    return [CsvColumn(name, name, kind) for name, kind in USAGE_COLUMNS.items()]


def output_format(profile: OutputProfile | None) -> CsvFormat:
    """How the Output is written. Raises ConfigurationError for an encoding that Python does not know."""
    if profile is None:
        return CsvFormat()
    layout = CsvFormat(
        separator=profile.separator,
        decimal=profile.decimal,
        line_ending="\r\n" if profile.line_ending == "CRLF" else "\n",
        encoding=profile.encoding,
        bom=profile.bom,
    )
    try:
        layout.is_utf8  # noqa: B018 - looks the codec up
    except LookupError as error:
        raise ConfigurationError(f"output.yaml: unknown encoding {profile.encoding}") from error
    return layout
