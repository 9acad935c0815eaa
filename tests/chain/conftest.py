"""What the chain's tests share: the pack, the samples, a registry in memory, and a small consistent bill."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from checklists import model
from checklists.loader import builtin_packs, load_pack
from pipeline import controls
from pipeline.canonical import VIEWS
from pipeline.chain import Chain
from pipeline.client import Client, load_client
from pipeline.database import Database
from pipeline.mapping import SQL_TYPES
from pipeline.registry import LoadedInvoice, LoadedMonth, normalised_number
from pipeline.result import ChainResult

SAMPLES = Path(__file__).parents[1] / "data" / "telefonica_es"
KINDS = {
    "confirm": model.ConfirmParameters,
    "form": model.FormParameters,
    "directory": model.DirectoryParameters,
    "ticket": model.TicketParameters,
    "deposit": model.DepositParameters,
    "chain": model.ChainParameters,
    "references": model.ReferencesParameters,
    "watch": model.WatchParameters,
    "ask": model.AskParameters,
}
TODAY = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@dataclass
class MemoryRegistry:
    """What the bot's registry answers, from results that were integrated."""

    files: dict[str, date] = field(default_factory=dict)
    loaded: dict[tuple[str, str], LoadedInvoice] = field(default_factory=dict)
    months: dict[str, LoadedMonth] = field(default_factory=dict)

    def load(self, result: ChainResult) -> None:
        """Register an integrated file, as the bot does after the stage ``integration``."""
        assert not result.blocked
        assert result.month is not None
        self.files[result.sha256] = date(2026, 10, 20)
        for invoice in result.invoices:
            key = (invoice.supplier_tax_id, normalised_number(invoice.number))
            self.loaded[key] = LoadedInvoice(
                supplier_tax_id=invoice.supplier_tax_id,
                number=invoice.number,
                account=invoice.account,
                period=invoice.period,
                net=invoice.net,
                tax=invoice.tax,
                out_of_tax=invoice.out_of_tax,
                gross=invoice.gross,
            )
        self.months[result.month.period] = result.month

    def file_loaded(self, sha256: str) -> date | None:
        return self.files.get(sha256)

    def invoice(self, supplier_tax_id: str, number: str) -> LoadedInvoice | None:
        assert number == normalised_number(number)
        return self.loaded.get((supplier_tax_id, number))

    def invoices_of(self, account: str, period: str) -> Sequence[LoadedInvoice]:
        return [one for one in self.loaded.values() if (one.account, one.period) == (account, period)]

    def months_before(self, period: str, count: int) -> Sequence[LoadedMonth]:
        return [self.months[month] for month in sorted(self.months, reverse=True) if month < period][:count]


@pytest.fixture(scope="session")
def samples() -> Path:
    return SAMPLES


@pytest.fixture(scope="session")
def expected() -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="session")
def pack() -> model.Pack:
    return load_pack(builtin_packs() / "telefonica_es", KINDS)


@pytest.fixture(scope="session")
def acme() -> Client:
    return load_client(SAMPLES / "clients" / "ACME-IBERICA.yaml")


@pytest.fixture
def registry() -> MemoryRegistry:
    return MemoryRegistry()


@pytest.fixture(scope="session")
def chain(pack: model.Pack, acme: Client) -> Callable[..., Chain]:
    """Make a chain over a file with the pack, the client ACME-IBERICA and a fixed clock, unless told otherwise."""

    def make(file: Path, **options: Any) -> Chain:
        return Chain(file, **{"pack": pack, "client": acme, "now": lambda: TODAY, **options})

    return make


@pytest.fixture(scope="session")
def october(samples: Path) -> Path:
    return samples / "202610_ACME-IBERICA_SOFIA.mdb"


@pytest.fixture(scope="session")
def november(samples: Path) -> Path:
    return samples / "202611_ACME-IBERICA_SOFIA.mdb"


@pytest.fixture(scope="session")
def integrated(
    chain: Callable[..., Chain], october: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ChainResult, Path]:
    """The small sample through the whole chain, and the folder with what it made. Copy the folder to change it."""
    out = tmp_path_factory.mktemp("october")
    return chain(october, out=out).run(), out


@pytest.fixture
def made(integrated: tuple[ChainResult, Path], tmp_path: Path) -> Path:
    """A copy of the small sample's out folder."""
    return Path(shutil.copytree(integrated[1], tmp_path / "made"))


BILL: Mapping[str, Sequence[Mapping[str, object]]] = {
    "header": [
        {
            "period": "202610",
            "invoices": 1,
            "lines": 2,
            "net": "100.0000",
            "tax": "21.0000",
            "gross": "124.0000",
            "partial": False,
        }
    ],
    "invoice": [
        {
            "number": "TA60J4629643",
            "type": "INVOICE",
            "customer_tax_id": "B00123455",
            "customer_name": "ACME",
            "customer_postcode": "28014",
            "supplier_tax_id": "A78923125",
            "account": "0001",
            "issued": date(2026, 10, 1),
            "period_start": date(2026, 8, 18),
            "period_end": date(2026, 9, 17),
            "net": "100.0000",
            "out_of_tax": "3.0000",
            "tax": "21.0000",
            "gross": "124.00",
            "currency": "EUR",
        }
    ],
    "tax": [
        {
            "invoice_number": "TA60J4629643",
            "regime": "IVA",
            "rate": "21.00",
            "base": "100.0000",
            "amount": "21.0000",
        }
    ],
    "line": [
        {
            "invoice_number": "TA60J4629643",
            "ref": ref,
            "kind": "MOBILE",
            "user_name": "Raúl",
            "cost_center": "CC1",
            "net": net,
        }
        for ref, net in (("600000001", "63.0000"), ("600000002", "30.0000"))
    ],
    "charge": [
        {
            "id": f"CUOTAS#{number}",
            "invoice_number": "TA60J4629643",
            "line_ref": ref,
            "category": category,
            "code": f"C{number}",
            "label": f"label {number}",
            "starts": date(2026, 8, 18),
            "ends": date(2026, 9, 17),
            "quantity": "1",
            "unit": "EACH",
            "net": net,
            "tax_regime": "NONE" if category == "OUT_OF_TAX" else "IVA",
            "tax_rate": "0" if category == "OUT_OF_TAX" else "21.00",
        }
        for number, ref, category, net in (
            (1, "600000001", "RECURRING", "40.0000"),
            (2, "600000001", "USAGE_VOICE", "20.0000"),
            (3, "600000001", "OUT_OF_TAX", "3.0000"),
            (4, "600000002", "USAGE_DATA", "30.0000"),
            (5, None, "RECURRING", "10.0000"),
        )
    ],
    "usage": [
        {
            "id": f"D#{number}",
            "invoice_number": "TA60J4629643",
            "line_ref": ref,
            "at": datetime(2026, 9, 1, 12, 0),  # noqa: DTZ001 - the operator's files have no zone
            "kind": kind,
            "dialled": "0034600000000",
            "roaming": False,
            "seconds": 60,
            "kbytes": 1.5,
            "net": net,
        }
        for number, ref, kind, net in (
            (1, "600000001", "VOICE", "15.0000"),
            (2, "600000001", "VOICE", "5.0000"),
            (3, "600000002", "DATA", "30.0000"),
        )
    ],
}


@pytest.fixture
def bill(tmp_path: Path, pack: model.Pack) -> Iterator[Database]:
    """A consistent bill as canonical tables: base 100, tax 21, out of base 3, total 124. Break it with UPDATE."""
    with Database(tmp_path) as database:
        for name, view in VIEWS.items():
            rows = BILL[name]
            texts = {
                column: pa.array([None if row.get(column) is None else str(row[column]) for row in rows], pa.string())
                for column in view.columns
            }
            database.add("source", f"{name}_text", pa.table(texts))
            cast = ", ".join(
                f'CAST("{column}" AS {SQL_TYPES.get(wanted.type, wanted.type)}) AS "{column}"'
                for column, wanted in view.columns.items()
            )
            database.execute(f'CREATE TABLE canonical.{name} AS SELECT {cast} FROM source."{name}_text"')
        database.look_in("canonical", "source")
        assert pack.files is not None
        controls.prepare_policy(database, pack.files)
        yield database
