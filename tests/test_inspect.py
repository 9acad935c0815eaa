"""An unknown database is described without a value of it, and a first pack of it is written that loads."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher
from mdb.jet4_writer import DATE, INT32, MEMO, MONEY, NUMERIC, PAGE, TEXT, Built, Column, Made, Table
from typer.testing import CliRunner

from bot.cli import app
from pipeline.mdb import open_database

DATA = Path(__file__).parent / "data" / "telefonica_es"
SAMPLE = DATA / "202610_ACME-IBERICA_SOFIA.mdb"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONBOARDING_LANGUAGE", "en")


def run(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert not isinstance(result.exception, Exception), result.exception
    return result.exit_code, result.stdout, result.stderr


def inspected(*words: object) -> dict[str, Any]:
    code, printed, _ = run("inspect", *words, "--json")
    assert code == 0, printed
    found: dict[str, Any] = json.loads(printed)
    return found


def broken(case: str) -> Path:
    return next((DATA / "broken" / case).iterdir())


def test_the_structure_is_told_with_counts_and_days() -> None:
    found = inspected(SAMPLE)
    with open_database(SAMPLE) as database:
        assert found["fingerprint"] == database.fingerprint()
        assert list(found["tables"]) == list(database.tables)
    assert (found["file"], found["size"], found["format"]) == (SAMPLE.name, SAMPLE.stat().st_size, "JET4")
    assert (found["code_page"], found["password"], found["encoded"]) == (1252, False, False)
    assert (found["linked_tables"], found["draft_pack"]) == ([], None)
    invoices = found["tables"]["FACTURAS"]
    assert (invoices["declared"], invoices["read"], invoices["damage"]) == (3, 3, [])
    columns = {column.pop("name"): column for column in invoices["columns"]}
    assert list(columns)[:3] == ["NUM_FACTURA", "CIF", "CIF_EMISOR"]
    assert columns["FECHA_EMISION"] == {"type": "date", "nulls": 0, "first": "2026-10-01", "last": "2026-10-01"}
    assert columns["FACT_RECTIFICADA"] == {"type": "text", "nulls": 3, "first": None, "last": None}


def test_people_get_one_line_a_column() -> None:
    code, shown, _ = run("inspect", SAMPLE)
    assert code == 0
    lines = [line.rstrip() for line in shown.splitlines()]
    assert lines[0].startswith("202610_ACME-IBERICA_SOFIA.mdb  JET4  315,392 B  sha256 23fa7181ccc314f0")
    assert lines[1] == "password: no · encoded pages: no · code page 1252"
    assert re.split(r"\s{2,}", lines[lines.index("") + 1]) == ["SOPORTE", "rows: 1"]
    assert any(re.fullmatch(r"  FECHA_ALTA +date +16 % empty +2014-08-12 … 2024-10-17", line) for line in lines)
    assert sum(line.startswith("  ") for line in lines) == sum(
        len(table["columns"]) for table in inspected(SAMPLE)["tables"].values()
    )


@pytest.mark.parametrize(
    ("case", "finding"),
    [
        ("empty", "FILE_EMPTY"),
        ("exe_renamed", "EXE_UPLOADED"),
        ("zip_renamed", "ARCHIVE_UPLOADED"),
        ("pdf_renamed", "PDF_OR_XML_UPLOADED"),
        ("csv_renamed", "XLS_CSV_UPLOADED"),
        ("ascii_mode", "ASCII_MODE"),
        ("truncated_mid_page", "MDB_TRUNCATED"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_by_its_code_and_nothing_is_drafted(case: str, finding: str) -> None:
    code, printed, _ = run("inspect", broken(case), "--json", "--draft-pack", "packs/operadora_x")
    told = json.loads(printed)
    assert (code, told["finding"]["code"]) == (1, finding)
    assert told["finding"]["message"]
    assert told["finding"]["advice"]
    assert not Path("packs").exists()
    code, shown, _ = run("inspect", broken(case))
    assert code == 1
    assert shown.startswith(finding)


def test_random_bytes_are_no_database() -> None:
    Path("x.mdb").write_bytes(b"\x07" * 9000)
    code, printed, _ = run("inspect", "x.mdb", "--json")
    assert (code, json.loads(printed)["finding"]["code"]) == (1, "NOT_ACCESS")


def test_a_recent_access_file_is_read_and_its_draft_says_that_the_chain_wants_another() -> None:
    found = inspected(broken("accdb_content"), "--draft-pack", "new_x")
    assert (found["format"], found["tables"]["FACTURAS"]["read"]) == ("ACE14", 3)
    assert "formats: [JET4]  # GAP: the file is ACE14" in Path("new_x/files.yaml").read_text("utf-8")


def test_an_encrypted_file_is_told_with_what_its_first_page_says() -> None:
    content = bytearray(SAMPLE.read_bytes())
    content[4:20], content[0x14] = b"Standard ACE DB\0", 2
    content[0x3E] ^= 1
    Path("x.accdb").write_bytes(content)
    code, printed, _ = run("inspect", "x.accdb", "--json")
    told = json.loads(printed)
    assert (code, told["finding"]["code"]) == (1, "MDB_PASSWORD")
    assert (told["format"], told["encoded"]) == ("ACE12", True)


def test_encoded_pages_are_read_and_a_gap_of_the_draft() -> None:
    content, key = SAMPLE.read_bytes(), b"\x5a\x13\x77\x01"
    pages = [bytearray(content[at : at + PAGE]) for at in range(0, len(content), PAGE)]
    # The first page's own mask is an exclusive or, so the key goes through it.
    pages[0][0x3E:0x42] = bytes(one ^ other for one, other in zip(pages[0][0x3E:0x42], key, strict=True))
    for number, page in enumerate(pages[1:], start=1):
        of_page = (int.from_bytes(key, "little") ^ number).to_bytes(4, "little")
        page[:] = Cipher(ARC4(of_page * 2), mode=None).encryptor().update(bytes(page))
    Path("encoded.mdb").write_bytes(b"".join(pages))
    found, plain = inspected("encoded.mdb", "--draft-pack", "coded_x"), inspected(SAMPLE)
    assert found["encoded"] is True
    assert found["tables"] == plain["tables"]
    assert "encoded: block  # GAP: the file's pages are encoded" in Path("coded_x/files.yaml").read_text("utf-8")


def test_links_to_other_files_and_cells_without_plain_values_are_told_and_become_gaps() -> None:
    base = made()
    several = Column("Several", 0x12, 4, is_fixed=True)
    base.add(Table("Facturas", [Column("Número", TEXT, 20), several], [{"Número": "1"}]))
    base.add(Table("Only", [several], [{}]))
    base.add(Table("Elsewhere", [Column("a", TEXT, 20)], kind=6))
    file = base.build().write(Path("linked.mdb"))
    found = inspected(file, "--draft-pack", "linked_x")
    assert found["linked_tables"] == ["Elsewhere"]
    assert found["tables"]["Facturas"]["columns"][1] == {
        "name": "Several", "type": "complex", "nulls": None, "first": None, "last": None,
    }  # fmt: skip
    assert "Linked tables, whose rows are in another file: Elsewhere" in run("inspect", file)[1]
    gaps = [line.strip() for line in Path("linked_x/files.yaml").read_text("utf-8").splitlines() if "GAP" in line]
    assert "# GAP: Several is complex, so its values are not read: is it needed?" in gaps
    assert "# GAP: the table Only has no column that holds plain values" in gaps
    assert "# GAP: the rows of the linked table Elsewhere are in another file: are they needed?" in gaps
    assert run("pack", "validate", "linked_x")[0] == 0


def test_damage_is_told_and_the_structure_all_the_same() -> None:
    found = inspected(broken("truncated_on_page"))
    charges = found["tables"]["CUOTAS"]
    assert (charges["declared"], charges["read"]) == (65, 45)
    assert charges["damage"] == [{"page": 61, "row": None, "reason": "the page lies beyond the end of the file"}]
    code, shown, _ = run("inspect", broken("truncated_on_page"))
    assert code == 0
    assert "CUOTAS: 45 rows read of 65 declared, unreadable places: 1." in shown
    assert re.search(r"CENTROS_COSTE +rows: 0 read of 5", shown)


def test_a_row_that_cannot_be_read_is_told_by_its_place_alone() -> None:
    base = made()
    base.add(Table("T", [Column("n", NUMERIC, precision=3)], [{"n": "123456789"}, {"n": "7"}]))
    found = inspected(base.build().write(Path("t.mdb")))["tables"]["T"]
    assert (found["declared"], found["read"]) == (2, 1)
    assert [(at["row"], at["reason"]) for at in found["damage"]] == [(0, None)]


@pytest.mark.parametrize("words", [["no_such.mdb"], [str(SAMPLE), "--draft-pack", "Acmé Tel"], ["."]])
def test_what_cannot_be_used_is_a_usage_error_and_nothing_is_printed(words: list[str]) -> None:
    code, printed, said = run("inspect", *words, "--json")
    assert (code, printed) == (2, "")
    assert said


def test_a_folder_that_cannot_take_a_pack_is_refused_with_what_to_give() -> None:
    _, _, said = run("inspect", SAMPLE, "--draft-pack", "packs/Acmé Tel")
    assert str(Path("packs/acme_tel")) in said
    Path("used").mkdir()
    Path("used/mine.txt").write_text("mine", "utf-8")
    code, _, said = run("inspect", SAMPLE, "--draft-pack", "used")
    assert code == 2
    assert "not empty" in said
    assert [path.name for path in Path("used").iterdir()] == ["mine.txt"]


def test_a_database_without_tables_gives_no_pack() -> None:
    path = made().build().write(Path("bare.mdb"))
    assert inspected(path)["tables"] == {}
    code, _, said = run("inspect", path, "--draft-pack", "bare")
    assert code == 2
    assert "no tables" in said


def test_the_draft_is_a_valid_pack_whose_gaps_grep_finds() -> None:
    Path("empty_x").mkdir()
    found = inspected(SAMPLE, "--draft-pack", "empty_x")["draft_pack"]
    assert (found["id"], found["path"]) == ("empty_x", "empty_x")
    marked = subprocess.run(["grep", "-rn", "GAP", "empty_x"], capture_output=True, text=True, check=True).stdout
    assert len(marked.splitlines()) == found["gaps"] > 10
    assert {line.partition(":")[0] for line in marked.splitlines()} == {
        f"empty_x/{name}" for name in ("checklist.yaml", "files.yaml", "mapping.sql", "sample.mdb")
    }
    code, said, _ = run("pack", "validate", "empty_x")
    assert code == 0
    assert said == f"empty_x 1: 8 steps, no errors, {found['gaps']} gaps marked (grep -rn GAP empty_x)\n"


def test_the_packs_that_come_with_the_product_have_no_gaps() -> None:
    code, said, _ = run("pack", "validate")
    assert code == 0
    assert "gap" not in said


def test_the_same_file_gives_the_same_draft() -> None:
    inspected(SAMPLE, "--draft-pack", "one/x_tel")
    inspected(SAMPLE, "--draft-pack", "two/x_tel")
    written = {path.name: path.read_bytes() for path in Path("one/x_tel").iterdir()}
    assert written == {path.name: path.read_bytes() for path in Path("two/x_tel").iterdir()}


def test_a_draft_lets_no_file_pass_before_its_gaps_are_filled() -> None:
    inspected(SAMPLE, "--draft-pack", "x_tel")
    code, _, said = run("check", SAMPLE, "--operator", "x_tel", "--json")
    assert code == 2
    assert said == "view invoice: the column type holds F, allowed: INVOICE, CREDIT_NOTE\n"


def test_a_password_is_a_gap_of_the_draft() -> None:
    assert inspected(broken("password"), "--draft-pack", "x_tel")["password"] is True
    assert "password: block  # GAP: the file has a password" in Path("x_tel/files.yaml").read_text("utf-8")


def texts_of(path: Path) -> set[str]:
    """Every text in every cell that is not also (part of) a table's or a column's name, nor very short."""
    with open_database(path) as database:
        names = set(database.tables) | {column.name for table in database.tables.values() for column in table.columns}
        cells = {
            value
            for name in database.tables
            for row in database.read(name).table.to_pylist()
            for value in row.values()
            if isinstance(value, str)
        }
    return {cell for cell in cells if len(cell) > 3 and not any(cell in name for name in names)}


def test_no_text_of_a_cell_is_shown_or_written() -> None:
    # Under a name of its own: the sample's has the month, which is a text of the database too.
    file = Path("some.mdb")
    file.write_bytes(SAMPLE.read_bytes())
    texts = texts_of(file)
    assert {"650581697", "B00123455", "ACME Ibérica Ejemplo, S.L.", "Raúl Peña Ordóñez", "202610"} <= texts
    told = json.dumps(inspected(file, "--draft-pack", "one_x"), ensure_ascii=False)
    told += run("inspect", file, "--draft-pack", "two_x")[1]
    told += "".join(path.read_text("utf-8") for path in Path("one_x").iterdir())
    assert [text for text in texts if text in told] == []


def test_names_of_any_kind_break_neither_the_terminal_nor_the_pack() -> None:
    names = ["a\n-- b", "q\"u'o`te", "\x1b[31mred", "[/] [bold]x", "null", "7", "{}: #", "€ 😀", "CREATE", "create"]
    base = made()
    for name in names:
        base.add(Table(name, [Column(each, TEXT, 20) for each in [*names[:-1], "NUM_FACTURA"]], [{name: "x"}]))
    file = base.build().write(Path("it's\n202401 [x].mdb"))
    found = inspected(file, "--draft-pack", "odd_x")
    assert set(found["tables"]) == set(names)
    code, shown, _ = run("inspect", file)
    assert code == 0
    assert "\x1b" not in shown
    assert "[/] [bold]x" in shown
    code, said, _ = run("pack", "validate", "odd_x")
    assert code == 0, said
    assert "another table is called create, but for its case" in Path("odd_x/files.yaml").read_text("utf-8")


# An invented operator, from the file alone to a pack that checks it.

NAME = "AZUR_202401_ACME.mdb"
BILLS = {
    "F-24/1": ("40.0000", "8.0000", "48.00"),
    "F-24/2": ("100.1234", "20.0247", "120.15"),
}
CHARGES = [
    ("F-24/1", "0612345678", "ABO", "Forfait été", "10.5000"),
    ("F-24/1", "0612345678", "VOIX", "Appels", "20.2500"),
    ("F-24/1", None, "ABO", "Accès au portail", "9.2500"),
    ("F-24/2", "0687654321", "ABO", "Forfait", "100.1234"),
]
CALLS = [("0612345678", "15.0000"), ("0612345678", "5.2500")]
FILLED = {
    ("invoice", "type"): "'INVOICE'",
    ("tax", "regime"): "'IVA'",
    ("line", "kind"): "'MOBILE'",
    ("charge", "category"): "CASE \"Catégorie\" WHEN 'VOIX' THEN 'USAGE_VOICE' ELSE 'RECURRING' END",
    ("charge", "tax_regime"): "'IVA'",
    ("charge", "tax_rate"): "CAST(20 AS DECIMAL(5, 2))",
    ("usage", "kind"): "'VOICE'",
}


def made() -> Made:
    return Made(SAMPLE.read_bytes()[:PAGE])


def day(year: int, month: int, number: int) -> int:
    return (date(year, month, number) - date(1899, 12, 30)).days


def rows(columns: list[Column], values: Iterator[tuple[Any, ...]]) -> list[Mapping[str, Any]]:
    return [{column.name: value for column, value in zip(columns, row, strict=True)} for row in values]


def azur() -> Built:
    number, ref = Column("N° facture", TEXT, 20), Column("N° ligne", TEXT, 20)
    net, tax = Column("Montant HT", MONEY), Column("Montant TVA", MONEY)
    base = made()
    header = [
        Column("Période", TEXT, 6), Column("Nb factures", INT32), Column("Nb lignes", INT32),
        Column("Total HT", MONEY), Column("Total TVA", MONEY), Column("Total TTC", MONEY),
    ]  # fmt: skip
    base.add(Table("En-tête", header, rows(header, iter([("202401", 2, 2, "140.1234", "28.0247", "168.15")]))))
    invoices = [
        number, Column("SIREN client", TEXT, 9), Column("SIREN émetteur", TEXT, 9), Column("Compte", TEXT, 10),
        Column("Date d'émission", DATE), Column("Début période", DATE), Column("Fin période", DATE),
        net, tax, Column("Montant TTC", MONEY), Column("Devise", TEXT, 3),
    ]  # fmt: skip
    days = (day(2024, 1, 31), day(2024, 1, 1), day(2024, 1, 31))
    base.add(
        Table(
            "Factures émises",
            invoices,
            rows(
                invoices,
                ((bill, "732829320", "552100554", "C-1", *days, *BILLS[bill], "EUR") for bill in BILLS),
            ),
        )
    )
    taxes = [number, Column("Taux", NUMERIC, precision=5, scale=2), Column("Base HT", MONEY), tax]
    base.add(Table("TVA par facture", taxes, rows(taxes, ((bill, "20.00", *BILLS[bill][:2]) for bill in BILLS))))
    lines = [number, ref, Column("Utilisateur", TEXT, 40), Column("Total HT", MONEY)]
    each = [("F-24/1", "0612345678", "Zoé Čapková", "30.7500"), ("F-24/2", "0687654321", None, "100.1234")]
    base.add(Table("Lignes", lines, rows(lines, iter(each))))
    charges = [Column("Clé", INT32), number, ref, Column("Catégorie", TEXT, 8), Column("Libellé", TEXT, 40), net]
    base.add(Table("Frais détaillés", charges, rows(charges, ((at, *one) for at, one in enumerate(CHARGES, 1)))))
    calls = [Column("Clé", INT32), number, ref, Column("Date", DATE), Column("Durée (s)", INT32), net]
    at = day(2024, 1, 15) + 0.5
    base.add(
        Table(
            "Détail des appels",
            calls,
            rows(calls, ((key, "F-24/1", one[0], at, 60, one[1]) for key, one in enumerate(CALLS, 1))),
        )
    )
    base.add(Table("Remarques", [Column("Texte", MEMO)], [{"Texte": "Madame Čapková a appelé"}]))
    return base.build()


def fill_mapping(text: str) -> str:
    """Decide what a person decides: the gaps of FILLED; every other one stays NULL, as its comment allows."""
    view, filled = "", []
    for line in text.splitlines():
        if line.startswith("CREATE VIEW "):
            view = line.split()[2]
        code, marked, _ = line.partition("  -- GAP: ")
        column = code.rstrip(",").rpartition(" AS ")[2]
        if (view, column) in FILLED:
            code = f"    {FILLED[view, column]} AS {column}{',' if code.endswith(',') else ''}"
        elif marked:
            assert "-- GAP: needed" not in line, line
        filled.append(code)
    return "\n".join(filled) + "\n"


def test_an_unknown_operator_goes_from_its_file_to_exact_totals() -> None:
    file = azur().write(Path(NAME))
    run("inspect", file, "--draft-pack", "azur_fr")
    assert run("pack", "validate", "azur_fr")[0] == 0

    pack = Path("azur_fr")
    mapping = (pack / "mapping.sql").read_text("utf-8")
    assert '    CAST("Montant TTC" AS DECIMAL(18, 2)) AS gross,\n' in mapping
    assert '    "SIREN émetteur" AS supplier_tax_id,\n' in mapping
    (pack / "mapping.sql").write_text(fill_mapping(mapping), "utf-8")
    files = (pack / "files.yaml").read_text("utf-8")
    for gap, decided in (
        (r"issuers: \[UNKNOWN\].*", 'issuers: ["552100554"]'),
        (r"currencies: \[XXX\].*", "currencies: [EUR]"),
        (r"tax: \[\].*", 'tax: [{regime: IVA, rate: "20.00", valid_from: 2014-01-01}]'),
    ):
        files, count = re.subn(gap, decided, files)
        assert count == 1
    (pack / "files.yaml").write_text(files, "utf-8")
    (pack / "sample.mdb").write_bytes(file.read_bytes())
    assert run("pack", "validate", "azur_fr")[0] == 0

    code, printed, said = run("check", file, "--operator", "azur_fr", "--json")
    assert code == 0, printed + said
    found = json.loads(printed)
    assert {finding["code"] for finding in found["findings"]} == {"BAD_NIF"}
    assert found["totals"] == {"net": "140.1234", "tax": "28.0247", "out_of_tax": "0.0000", "gross": "168.15"}
    assert {one["number"]: (one["net"], one["tax"], one["gross"]) for one in found["invoices"]} == BILLS
    assert not set(found["not_made"]) & {"SUM_HEADER", "TAX_RATE", "CDR_ABOVE_CHARGES"}
