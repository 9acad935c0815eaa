"""The catalogue: complete, in three languages, every placeholder filled, severities changed by packs."""

import re
from pathlib import Path

import pytest

from checklists.model import LANGUAGES, FindingTexts, Localized
from checklists.vocabulary import CANONICAL_VIEWS, SHARED_CODES
from checklists.vocabulary import OUTPUT_COLUMNS as VOCABULARY_COLUMNS
from pipeline.canonical import VIEWS
from pipeline.errors import ConfigurationError
from pipeline.findings import LISTED_ROWS, PLACEHOLDER, Findings, shared_catalogue
from pipeline.output_layout import OUTPUT_COLUMNS

CATALOGUE = [
    "UPLOAD_INCOMPLETE", "FILE_EMPTY", "BAD_NAME", "BAD_EXTENSION", "EXE_UPLOADED", "ARCHIVE_UPLOADED",
    "PDF_OR_XML_UPLOADED", "XLS_CSV_UPLOADED", "ACCDB_NOT_MDB", "NOT_ACCESS", "JET_VERSION", "MDB_PASSWORD",
    "MDB_ENCODED", "MDB_TRUNCATED", "MDB_CORRUPT", "ASCII_MODE", "LDB_PRESENT", "DUP_FILE",
    "DUP_INVOICE_CHANGED", "PERIOD_LOADED", "PERIOD_UNEXPECTED", "PARTIAL_SUBSOPORTE", "WRONG_OPERATOR",
    "FIXED_LINE_TOOL", "WRONG_CLIENT", "MULTI_CLIENT", "BAD_NIF", "UNKNOWN_SCHEMA", "EXTRA_SCHEMA",
    "NO_INVOICE", "NULL_KEY", "BAD_DATE", "BAD_AMOUNT", "ENCODING", "CURRENCY", "SUM_LINES", "SUM_TAX",
    "SUM_TOTAL", "SUM_HEADER", "CDR_ABOVE_CHARGES", "CDR_BELOW_CHARGES", "DUP_INVOICE_IN_FILE",
    "DUP_ID_IN_FILE", "LINE_DISAPPEARED", "ACCOUNT_DISAPPEARED", "PERIOD_GAP", "VARIATION", "DUP_CHARGE",
    "INVOICE_NUMBER_FORM", "DIR", "CHARGE_AFTER_END", "TAX_RATE", "ORPHAN_ROWS", "NEW_REFS", "TOO_BIG",
    "MALWARE", "AUTH", "OFC_DELIVERY", "CROSS_CHECK", "OFC_NOT_CONFIRMED",
]  # fmt: skip
SEVERITIES = {
    "quarantine": {"EXE_UPLOADED", "WRONG_CLIENT", "TOO_BIG", "MALWARE"},
    "warn": {
        "JET_VERSION", "LDB_PRESENT", "PERIOD_LOADED", "BAD_NIF", "EXTRA_SCHEMA", "ENCODING", "CDR_BELOW_CHARGES",
        "PERIOD_GAP", "VARIATION", "DUP_CHARGE", "INVOICE_NUMBER_FORM", "CHARGE_AFTER_END", "TAX_RATE",
        "OFC_NOT_CONFIRMED",
    },
    "info": {"DUP_FILE", "LINE_DISAPPEARED", "ACCOUNT_DISAPPEARED", "NEW_REFS"},
    "wait": {"UPLOAD_INCOMPLETE"},
}  # fmt: skip


def test_the_catalogue_is_whole() -> None:
    assert set(shared_catalogue()) == set(CATALOGUE)


def test_the_default_severities_are_the_catalogues() -> None:
    for code, entry in shared_catalogue().items():
        named = [severity for severity, codes in SEVERITIES.items() if code in codes]
        assert entry.severity == (named[0] if named else "block"), code


def test_the_three_languages_ask_for_the_same_evidence_and_differ() -> None:
    for code, entry in shared_catalogue().items():
        for variant in (None, *entry.variants):
            texts = entry.texts(variant)
            for text in (texts.message, texts.advice):
                asked = {language: set(PLACEHOLDER.findall(text.text(language))) for language in LANGUAGES}
                assert asked["fr"] == asked["en"] == asked["es"], (code, variant)
                assert len({text.fr, text.en, text.es}) == 3, (code, variant)


def test_every_code_that_the_code_makes_is_in_the_catalogue_for_its_stage() -> None:
    made = re.compile(r'make\(\s*"([A-Z_]+)",\s*"([a-z]+)"')
    found = set()
    for module in Path(__file__).parents[2].glob("pipeline/*.py"):
        found |= set(made.findall(module.read_text(encoding="utf-8")))
    assert len(found) > 20
    for code, stage in found:
        assert stage in shared_catalogue()[code].stages, (code, stage)


def test_a_placeholder_without_evidence_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="name"):
        Findings().make("NOT_ACCESS", "header", {})


def test_a_pack_changes_a_severity_and_wins_over_a_policy() -> None:
    findings = Findings(severities={"MDB_PASSWORD": "warn"})
    assert findings.make("MDB_PASSWORD", "header", {}, severity="block").severity == "warn"
    assert Findings().make("MDB_PASSWORD", "header", {}, severity="warn").severity == "warn"
    assert Findings().make("MDB_PASSWORD", "header", {}).severity == "block"


def test_a_pack_brings_the_texts_of_its_own_codes() -> None:
    text = Localized(fr="facture {invoice}", en="invoice {invoice}", es="factura {invoice}")
    findings = Findings({"MY_CODE": FindingTexts(message=text, advice=text)})
    made = findings.make("MY_CODE", "totals", {"invoice": "{x}"}, severity="block")
    assert made.message.en == "invoice {x}"
    with pytest.raises(ConfigurationError, match="OTHER_CODE"):
        findings.make("OTHER_CODE", "totals", {}, severity="warn")


def test_what_waits_is_no_finding() -> None:
    with pytest.raises(ConfigurationError, match="UPLOAD_INCOMPLETE"):
        Findings().make("UPLOAD_INCOMPLETE", "arrival", {"name": "x"})


def test_many_rows_are_listed_up_to_a_limit_and_the_rest_counted() -> None:
    rows = [{"line": str(number)} for number in range(LISTED_ROWS + 5)]
    found = Findings().of_rows("LINE_DISAPPEARED", "duplicates", rows)
    assert len(found) == LISTED_ROWS
    assert found[-1].evidence["not_listed"] == 5
    assert "not_listed" not in found[0].evidence


def test_the_pack_loader_knows_the_same_codes_views_and_columns() -> None:
    assert set(SHARED_CODES) == set(CATALOGUE)
    assert set(CANONICAL_VIEWS) == set(VIEWS)
    assert list(VOCABULARY_COLUMNS) == list(OUTPUT_COLUMNS)
