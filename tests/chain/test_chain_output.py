"""The Output: its columns, its sums to the cent, its ROUNDING rows, its bytes."""

import csv
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checklists.model import OutputColumn, OutputProfile, Pack, Tolerances
from pipeline import controls
from pipeline.chain import Chain
from pipeline.client import Inventory
from pipeline.database import Database
from pipeline.errors import ConfigurationError
from pipeline.findings import Findings
from pipeline.output import build_rows, judge_rows
from pipeline.output_layout import OUTPUT_COLUMNS
from pipeline.result import ChainResult

HEADER = (
    "format_version;record_id;root;partner;operator;country;customer_tax_id;customer_name;supplier_tax_id;"
    "billing_account;billing_subaccount;invoice_number;invoice_type;original_invoice_number;invoice_date;due_date;"
    "period;period_start;period_end;line_ref;line_type;user_name;cost_center;cost_subcenter;is_new_ref;"
    "charge_category;charge_code;charge_label;charge_start;charge_end;quantity;unit;amount_net;tax_regime;tax_rate;"
    "amount_tax;amount_gross;currency;invoice_total_net;invoice_total_tax;invoice_total_gross;source_file;"
    "source_sha256;source_row;mapping_id\r\n"
)
RUN: Mapping[str, str | None] = {
    "root": "ACME",
    "partner": "PARTNER-ONE",
    "operator": "TELEFONICA",
    "country": "ES",
    "period": "202610",
    "source_file": "f.mdb",
    "source_sha256": "0" * 64,
    "mapping_id": "m",
}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter=";"))


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def amount(rows: list[dict[str, str]], column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows), Decimal(0))


def test_the_header_is_output_v1(made: Path) -> None:
    with only(made, "OUTPUT_*.csv").open(encoding="utf-8", newline="") as lines:
        assert lines.readline() == HEADER


def test_the_names_carry_root_operator_month_and_source(made: Path, integrated: tuple[ChainResult, Path]) -> None:
    tail = f"ACME-IBERICA_TELEFONICA-ES_202610_ALL_{integrated[0].sha256[:8]}"
    assert {path.name for path in made.iterdir()} == {
        f"OUTPUT_{tail}.csv",
        f"OUTPUT_{tail}.manifest.json",
        f"OUTPUT-CDR_{tail}.csv",
        f"OFC_{tail}.csv",
        f"OFC_{tail}.manifest.json",
        f"REFERENCES_{tail}.csv",
        "integrated",
    }


def test_each_invoice_adds_up_to_the_cent(made: Path, integrated: tuple[ChainResult, Path]) -> None:
    rows = read(only(made, "OUTPUT_*.csv"))
    for invoice in integrated[0].invoices:
        own = [row for row in rows if row["invoice_number"] == invoice.number]
        inside = [row for row in own if row["tax_regime"] != "NONE"]
        outside = [row for row in own if row["tax_regime"] == "NONE"]
        assert amount(inside, "amount_net") == invoice.net
        assert amount(outside, "amount_net") == invoice.out_of_tax
        assert amount(own, "amount_tax") == invoice.tax
        assert amount(own, "amount_gross") == invoice.gross


def test_gross_is_net_and_tax_but_for_the_row_of_the_printed_total(made: Path) -> None:
    rows = read(only(made, "OUTPUT_*.csv"))
    odd = [
        row for row in rows if Decimal(row["amount_gross"]) != Decimal(row["amount_net"]) + Decimal(row["amount_tax"])
    ]
    assert odd
    for row in odd:
        assert row["charge_category"] == "ROUNDING"
        assert Decimal(row["amount_net"]) == Decimal(row["amount_tax"]) == 0
        assert abs(Decimal(row["amount_gross"])) <= Decimal("0.01")


def test_rows_say_where_they_come_from_and_what_is_new(made: Path, integrated: tuple[ChainResult, Path]) -> None:
    rows = read(only(made, "OUTPUT_*.csv"))
    charges = [row for row in rows if row["charge_category"] != "ROUNDING"]
    assert {row["source_row"] for row in charges} == {f"CUOTAS#{number}" for number in range(1, 66)}
    assert {row["source_sha256"] for row in rows} == {integrated[0].sha256}
    assert len({row["record_id"] for row in rows}) == len(rows)
    new = {reference.ref for reference in integrated[0].new_references}
    assert {row["line_ref"] for row in rows if row["is_new_ref"] == "Y"} == new
    assert {row["is_new_ref"] for row in rows} == {"Y", "N"}
    assert {row["line_type"] for row in rows if not row["line_ref"]} == {"ACCOUNT"}


def test_the_manifest_vouches_for_the_file_and_comes_last(made: Path, integrated: tuple[ChainResult, Path]) -> None:
    output = only(made, "OUTPUT_*.csv")
    manifest = json.loads(only(made, "OUTPUT_*.manifest.json").read_text(encoding="utf-8"))
    rows = read(output)
    assert manifest["sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
    assert (manifest["file"], manifest["bytes"], manifest["rows"]) == (
        output.name,
        output.stat().st_size,
        len(rows),
    )
    assert Decimal(manifest["sum_net"]) == amount(rows, "amount_net")
    assert Decimal(manifest["sum_tax"]) == amount(rows, "amount_tax")
    assert Decimal(manifest["sum_gross"]) == amount(rows, "amount_gross") == Decimal("368.6900")
    assert Decimal(manifest["sum_out_of_tax"]) == Decimal("3.3352")
    assert [one["number"] for one in manifest["invoices"]] == [one.number for one in integrated[0].invoices]
    kinds = [one.kind for one in integrated[0].stages[8].outputs]
    assert kinds == ["usage", "output", "manifest"]
    assert not list(made.rglob("*.part"))


def test_the_same_file_gives_the_same_bytes(
    chain: Callable[..., Chain], made: Path, october: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    chain(october, out=again).run(["output", "integration"])

    for path in [*again.glob("*.csv"), *again.rglob("*.parquet")]:
        assert path.read_bytes() == (made / path.relative_to(again)).read_bytes(), path.name
    assert len(list(again.rglob("*.parquet"))) == 5


def test_without_a_client_the_root_is_the_names_and_nothing_is_called_new(
    chain: Callable[..., Chain], october: Path, tmp_path: Path
) -> None:
    chain(october, client=None, out=tmp_path).run(["output"])

    rows = read(only(tmp_path, "OUTPUT_*.csv"))
    assert {(row["root"], row["partner"], row["is_new_ref"]) for row in rows} == {("ACME-IBERICA", "", "")}


def test_without_an_out_folder_nothing_is_kept_but_all_is_described(
    chain: Callable[..., Chain], october: Path, integrated: tuple[ChainResult, Path]
) -> None:
    result = chain(october).run()

    assert {output.path for output in result.outputs} == {None}
    described = {one.name: one.sha256 for one in integrated[0].outputs if one.kind in ("output", "usage", "ofc")}
    assert {one.name: one.sha256 for one in result.outputs if one.name in described} == described


def test_a_pack_can_replace_the_layout(chain: Callable[..., Chain], pack: Pack, october: Path, tmp_path: Path) -> None:
    profile = OutputProfile(
        columns=(
            OutputColumn.model_validate({"name": "Factura; nº", "from": "invoice_number"}),
            OutputColumn.model_validate({"name": "Titular", "from": "user_name", "blank": True}),
            OutputColumn.model_validate({"name": "Neto", "from": "amount_net"}),
            OutputColumn.model_validate({"name": "Cliente", "from": "customer_name"}),
        ),
        separator=";",
        decimal=",",
        bom=True,
        line_ending="LF",
    )
    chain(october, pack=replace(pack, output=profile), out=tmp_path).run(["output"])

    lines = only(tmp_path, "OUTPUT_*.csv").read_bytes().split(b"\n")
    assert lines[0] == '\ufeff"Factura; nº";Titular;Neto;Cliente'.encode()
    assert lines[1] == "28-D6B0-015059;;3,0000;ACME Ibérica Ejemplo, S.L.".encode()


def test_an_encoding_that_lacks_a_character_is_a_fault_of_the_pack(
    chain: Callable[..., Chain], pack: Pack, october: Path, tmp_path: Path
) -> None:
    column = OutputColumn.model_validate({"name": "Cliente", "from": "customer_name"})
    profile = OutputProfile(columns=(column,), encoding="ascii")
    with pytest.raises(ConfigurationError, match="ascii"):
        chain(october, pack=replace(pack, output=profile), out=tmp_path).run(["output"])
    assert not list(tmp_path.glob("OUTPUT_*"))


def test_integration_keeps_every_row_as_parquet(made: Path) -> None:
    (folder,) = (made / "integrated" / "202610").iterdir()
    counts = {path.stem: pq.read_metadata(path).num_rows for path in folder.glob("*.parquet")}
    assert counts == {"invoice": 3, "tax": 3, "line": 12, "charge": 65, "usage": 400}
    assert only(folder, "OUTPUT_*.csv").read_bytes() == only(made, "OUTPUT_*.csv").read_bytes()


def test_no_money_is_double(bill: Database) -> None:
    controls.derive(bill)
    build_rows(bill, RUN, Inventory())
    double = {
        (table, column): kind
        for table in ("header", "invoice", "tax", "line", "charge", "usage", "tax_group", "usage_against_charges",
                      "output_row", "usage_row")
        for column, kind in (
            (row["column_name"], row["column_type"]) for row in bill.rows(f"DESCRIBE canonical.{table}")
        )
        if kind in ("DOUBLE", "FLOAT")
    }  # fmt: skip
    assert double == {("usage", "kbytes"): "DOUBLE"}


def rounding(database: Database) -> list[tuple[str, str, str, str]]:
    controls.derive(database)
    build_rows(database, RUN, Inventory())
    return [
        tuple(str(row[key]) for key in ("tax_regime", "amount_net", "amount_tax", "amount_gross"))
        for row in database.rows("FROM output_row WHERE charge_category = 'ROUNDING'")
    ]  # type: ignore[misc]


def test_a_bill_that_adds_up_has_no_rounding_row(bill: Database) -> None:
    assert rounding(bill) == []


def test_rounding_rows_close_group_out_of_tax_and_total(bill: Database) -> None:
    bill.execute("UPDATE charge SET net = net - 0.0040 WHERE id = 'CUOTAS#5'")
    bill.execute("UPDATE charge SET net = net + 0.0030 WHERE category = 'OUT_OF_TAX'")
    bill.execute("UPDATE invoice SET gross = gross + 0.01")

    assert rounding(bill) == [
        ("IVA", "0.0040", "0.0008", "0.0048"),
        ("NONE", "0.0000", "0.0000", "0.0100"),
        ("NONE", "-0.0030", "0.0000", "-0.0030"),
    ]
    assert judge_rows(bill, Findings()) == []


def test_groups_that_differ_from_their_invoice_are_closed_on_the_largest(bill: Database) -> None:
    bill.execute("UPDATE invoice SET net = net + 0.0050, tax = tax - 0.0020")

    assert ("IVA", "0.0050", "-0.0020", "0.0030") in rounding(bill)
    assert judge_rows(bill, Findings()) == []


def test_a_gap_is_not_written_off_as_rounding(bill: Database) -> None:
    bill.execute("UPDATE charge SET net = net - 8.33 WHERE id = 'CUOTAS#5'")
    rounding(bill)

    assert {finding.code for finding in judge_rows(bill, Findings())} == {"SUM_LINES", "SUM_TAX"}


money = st.decimals(min_value=-99, max_value=99, places=4)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nets=st.lists(money, min_size=1, max_size=40), outside=money, rate=st.sampled_from(["21.00", "7.00", "0.50"]))
def test_any_consistent_invoice_adds_up_exactly(
    nets: list[Decimal], outside: Decimal, rate: str, tmp_path: Path
) -> None:
    """Half away from zero, as the operator rounds: tax to 4 decimals, the total to 2."""
    base = sum(nets, Decimal(0))
    tax = (base * Decimal(rate) / 100).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    gross = (base + tax + outside).quantize(Decimal("0.01"), ROUND_HALF_UP)
    with Database(tmp_path) as database:
        database.execute(
            "CREATE TABLE canonical.invoice AS SELECT 'F1' AS number, 'INVOICE' AS type, NULL AS original_number,"
            " 'B00123455' AS customer_tax_id, NULL AS customer_name, NULL AS customer_postcode, 'A78923125' AS"
            " supplier_tax_id, 'A' AS account, NULL AS subaccount, DATE '2026-10-01' AS issued, NULL AS due,"
            " DATE '2026-08-18' AS period_start, DATE '2026-09-17' AS period_end, 'EUR' AS currency,"
            f" CAST({base} AS DECIMAL(18,4)) AS net, CAST({outside} AS DECIMAL(18,4)) AS out_of_tax,"
            f" CAST({tax} AS DECIMAL(18,4)) AS tax, CAST({gross} AS DECIMAL(18,2)) AS gross"
        )
        database.execute(
            "CREATE TABLE canonical.tax AS SELECT 'F1' AS invoice_number, 'IVA' AS regime,"
            f" CAST({rate} AS DECIMAL(5,2)) AS rate, CAST({base} AS DECIMAL(18,4)) AS base,"
            f" CAST({tax} AS DECIMAL(18,4)) AS amount"
        )
        values = ", ".join(f"({number}, '{net}')" for number, net in enumerate(nets))
        database.execute(
            "CREATE TABLE canonical.charge AS SELECT 'C#' || n AS id, 'F1' AS invoice_number, CAST(NULL AS VARCHAR) AS"
            " line_ref, 'RECURRING' AS category, NULL AS code, 'x' AS label, CAST(NULL AS DATE) AS starts, CAST(NULL AS"
            " DATE) AS ends, CAST(NULL AS DECIMAL(14,4)) AS quantity, CAST(NULL AS VARCHAR) AS unit,"
            " CAST(v AS DECIMAL(18,4)) AS net, 'IVA' AS tax_regime,"
            f" CAST({rate} AS DECIMAL(5,2)) AS tax_rate FROM (VALUES {values}) AS given(n, v)"
        )
        database.execute(
            "INSERT INTO canonical.charge SELECT 'C#out', 'F1', NULL, 'OUT_OF_TAX', NULL, 'x', NULL, NULL, NULL, NULL,"
            f" {outside}, 'NONE', 0"
        )
        database.execute(
            "CREATE TABLE canonical.line (invoice_number VARCHAR, ref VARCHAR, kind VARCHAR, user_name VARCHAR,"
            " cost_center VARCHAR, cost_subcenter VARCHAR, net DECIMAL(18,4))"
        )
        database.execute(
            'CREATE TABLE canonical.usage (id VARCHAR, invoice_number VARCHAR, line_ref VARCHAR, "at" TIMESTAMP, kind'
            " VARCHAR, direction VARCHAR, dialled VARCHAR, destination VARCHAR, country VARCHAR, roaming BOOLEAN,"
            " seconds BIGINT, kbytes DOUBLE, net DECIMAL(18,4))"
        )
        database.look_in("canonical", "source")
        tolerances = dict(Tolerances())
        database.make("tolerance", dict.fromkeys(tolerances, controls.TOLERANCE), [list(tolerances.values())])
        controls.derive(database)
        build_rows(database, RUN, None)
        assert judge_rows(database, Findings()) == []
        (sums,) = database.rows(
            "SELECT sum(amount_net) FILTER (tax_regime <> 'NONE') AS net, sum(amount_tax) AS tax,"
            " sum(amount_gross) AS gross FROM output_row"
        )
    assert (sums["net"], sums["tax"], sums["gross"]) == (base, tax, gross)


def test_the_column_list_is_the_layouts() -> None:
    assert list(OUTPUT_COLUMNS) == HEADER.strip().split(";")
