"""A small valid pack in a temporary folder, to be spoiled one fault at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import BaseModel

from checklists import model
from checklists.loader import PackErrors, builtin_packs, load_pack
from checklists.model import Pack
from checklists.problem import PackProblem

KINDS: Mapping[str, type[BaseModel]] = {
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

T = "{fr: Texte, en: Text, es: Texto}"

CHECKLIST = f"""\
pack: operadora_x
version: 1
operator: {{name: OPERADORA X, country: ES}}
time_zone: Europe/Madrid
calendar: [ES, FR]
title: {T}
options:
  - {{id: ofc, type: boolean, label: {T}}}
  - {{id: deposit, type: choice, choices: [ftp, console], label: {T}}}
steps:
  - id: portal
    kind: confirm
    title: {T}
    guide: portal
    ticks:
      - {{id: logged_in, label: {T}}}
  - id: directory
    kind: directory
    when: {{deposit: ftp}}
    title: {T}
  - id: form
    kind: form
    when: {{ofc: true}}
    title: {T}
    due: {{working_days: 3, after: start}}
    remind: {{every_working_days: 1, escalate_after: 2}}
    with: {{form: form.yaml, by: partner}}
  - id: ticket
    kind: ticket
    when: {{ofc: true}}
    needs: [form, directory]
    title: {T}
    with:
      summary: "OFC {{operator}} {{client}} ({{root}})"
      labels: [ofc-flux]
      done: {{resolutions: [Done, Fixed]}}
      refused: {{resolutions: ["Won't Do", Rejected]}}
  - id: deposit
    kind: deposit
    needs: [portal, directory]
    title: {T}
  - id: follow_up
    kind: confirm
    needs: [deposit]
    title: {T}
    with:
      choices:
        - {{id: loaded, label: {T}, outcome: done}}
        - {{id: file_error, label: {T}, outcome: fail}}
  - id: pickup
    kind: chain
    needs: [deposit]
    title: {T}
    with: {{stages: [arrival, name, header]}}
  - id: mytem
    kind: watch
    needs: [pickup]
    title: {T}
    with: {{probe: sql, setting: mytem, else: confirm}}
  - id: ofc_received
    kind: ask
    when: {{ofc: true}}
    needs: [pickup]
    title: {T}
    with: {{of: partner, question: {T}}}
"""

FORM = f"""\
form: ofc_flux
title: {T}
sections:
  - id: identity
    title: {T}
    fields:
      - id: client_root
        type: text
        label: {T}
        example: ACME-IBERICA
        pattern: '^[A-Za-z0-9_-]{{2,60}}$'
        required: true
      - id: ofc_auth
        type: choice
        choices: [PASSWORD, PUBLIC_KEY]
        label: {T}
        required: true
      - id: ofc_public_key
        type: public_key
        label: {T}
        required_when: {{ofc_auth: PUBLIC_KEY}}
      - id: days
        type: integer
        label: {T}
        min: 1
        max: 31
        example: "20"
"""

FILES = r"""
status: assumed
name: '^(?P<period>\d{6})_(?P<root>[A-Z0-9-]{2,60})_X\.mdb$'
example: 202610_ACME_X.mdb
formats: [JET4]
tables:
  FACTURAS:
    columns: {NUM_FACTURA: text, TOTAL: currency}
issuers: [A78923125]
currencies: [EUR]
tax:
  - {regime: IVA, rate: "21.00", valid_from: 2012-09-01}
severities: {NEW_REFS: info, X_TOTAL: warn}
""".lstrip()

MAPPING = "\n".join(
    f"CREATE VIEW {view} AS SELECT 1 AS one;" for view in ("header", "invoice", "tax", "line", "charge", "usage")
)

CHECK = "-- code: X_TOTAL\n-- severity: block\nSELECT number FROM invoice WHERE gross < 0\n"

FINDINGS = """\
X_TOTAL:
  message: {fr: "Facture {number}", en: "Invoice {number}", es: "Factura {number}"}
  advice: {fr: Vérifiez, en: Check it, es: Compruebe}
"""

OUTPUT = "columns:\n  - {name: Invoice, from: invoice_number}\n  - {name: User, from: user_name, blank: true}\n"


@dataclass(frozen=True)
class SmallPack:
    """A pack on disk that a test may spoil."""

    path: Path

    def write(self, name: str, content: str | bytes) -> None:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.path / name).read_text("utf-8")
        assert old in text, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new, 1))

    def remove(self, name: str) -> None:
        (self.path / name).unlink()

    def load(self) -> Pack:
        return load_pack(self.path, KINDS)

    def problems(self) -> tuple[PackProblem, ...]:
        with pytest.raises(PackErrors) as caught:
            self.load()
        return caught.value.problems

    def line(self, name: str, text: str) -> int:
        """The number of the first line that holds a text."""
        lines = (self.path / name).read_text("utf-8").splitlines()
        return next(number for number, line in enumerate(lines, start=1) if text in line)


@pytest.fixture
def small_pack(tmp_path: Path) -> SmallPack:
    pack = SmallPack(tmp_path / "operadora_x")
    pack.write("checklist.yaml", CHECKLIST)
    pack.write("form.yaml", FORM)
    pack.write("files.yaml", FILES)
    pack.write("mapping.sql", MAPPING)
    pack.write("checks/total.sql", CHECK)
    pack.write("findings.yaml", FINDINGS)
    pack.write("output.yaml", OUTPUT)
    for language in ("fr", "en", "es"):
        pack.write(f"guide.{language}.md", "# Guide\n\n## portal\n\nText.\n")
    pack.write("sample.mdb", b"\x00\x01\x00\x00Standard Jet DB\x00")
    return pack


@pytest.fixture
def kinds() -> Mapping[str, type[BaseModel]]:
    return KINDS


@pytest.fixture(scope="session")
def telefonica() -> Pack:
    return load_pack(builtin_packs() / "telefonica_es", KINDS)
