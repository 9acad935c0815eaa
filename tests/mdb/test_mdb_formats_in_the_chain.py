"""The chain over the billing sample as other versions of Access would hold it: the same bill, or a reason why not."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jet4_writer import (
    CALCULATED,
    COMPLEX,
    JET3,
    JET4,
    MEMO,
    MONEY,
    NO_KEY,
    Column,
    Form,
    Made,
    ace,
    header_page,
    with_key,
)
from made_databases import SAMPLE, copied

from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack
from pipeline.chain import Chain
from pipeline.client import load_client
from pipeline.result import ChainResult

KEY = b"\x03\x1f\xc4\x2a"
TEXTS = (("CUOTAS", "CONCEPTO"), ("ABONADOS", "TITULAR"), ("DETALLE_LLAMADAS", "DESTINO"), ("CLIENTES", "NOMBRE"))
CLIENT = SAMPLE.parent / "clients" / "ACME-IBERICA.yaml"


def run(path: Path, **policy: Any) -> ChainResult:
    """The chain on a file, under the pack of the sample with another policy."""
    pack = load_pack(builtin_packs() / "telefonica_es", parameter_models())
    assert pack.files is not None
    changed = replace(pack, files=pack.files.model_copy(update=policy))
    now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    return Chain(path, changed, client=load_client(CLIENT), out=path.parent / "out", now=lambda: now).run()


def codes(result: ChainResult) -> set[tuple[str, str, str]]:
    return {(finding.code, finding.stage, finding.severity) for finding in result.findings}


def encoded(content: bytes) -> bytes:
    return with_key(content, KEY)


def as_ace(version: int) -> Callable[[bytes], bytes]:
    def with_header(content: bytes) -> bytes:
        return content[:4] + b"Standard ACE DB\0" + bytes([version]) + content[21:]

    return with_header


def written(form: Form, key: bytes = NO_KEY) -> Callable[[bytes], bytes]:
    def anew(_: bytes) -> bytes:
        path = copied(SAMPLE, Made(header_page(form), form, key)).build()
        return with_key(path.content, key) if any(key) else bytes(path.content)

    return anew


def outputs(result: ChainResult, folder: Path) -> dict[str, bytes]:
    """The bytes of the Output and of the usage, without the checksum of the file they are made of."""
    return {
        one.kind: (folder / "out" / one.path).read_bytes().replace(result.sha256.encode(), b"")
        for one in result.outputs
        if one.path and one.kind in {"output", "usage"}
    }


@pytest.fixture(scope="module")
def plain_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample itself, and beside it what it gives."""
    return Path(shutil.copy(SAMPLE, tmp_path_factory.mktemp("plain")))


@pytest.fixture(scope="module")
def plain(plain_file: Path) -> ChainResult:
    """What the sample itself gives."""
    return run(plain_file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a copy of the sample goes: under the sample's name."""
    return tmp_path / SAMPLE.name


ACCEPTED: dict[str, tuple[Callable[[bytes], bytes], dict[str, Any]]] = {
    "JET4 encoded": (encoded, {"encoded": "allow"}),
    "JET4 written anew": (written(JET4), {}),
    "JET4 written anew, encoded": (written(JET4, KEY), {"encoded": "allow"}),
    "JET3": (written(JET3), {}),
    "JET3 encoded": (written(JET3, KEY), {"encoded": "allow"}),
    **{
        name: (as_ace(version), {"formats": ("JET4", name)})
        for version, name in enumerate(("ACE12", "ACE14", "ACE15", "ACE16", "ACE17"), 2)
    },
    "ACE16 written anew": (written(ace(5)), {"formats": ("ACE16",)}),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_copy_in_another_format_gives_the_same_bill(
    file: Path, plain: ChainResult, plain_file: Path, name: str
) -> None:
    convert, policy = ACCEPTED[name]
    file.write_bytes(convert(SAMPLE.read_bytes()))
    result = run(file, **policy)
    assert codes(result) == codes(plain)
    assert result.verdict == plain.verdict
    assert result.totals == plain.totals
    assert result.invoices == plain.invoices
    assert result.tables == plain.tables
    if not name.startswith("JET3"):
        # A code page has not every character of the sample.
        assert outputs(result, file.parent) == outputs(plain, plain_file.parent)


def test_what_a_pack_does_not_allow_is_blocked(file: Path) -> None:
    content = SAMPLE.read_bytes()
    for changed, policy, code in (
        (encoded(content), {}, "MDB_ENCODED"),
        (as_ace(3)(content), {}, "ACCDB_NOT_MDB"),
        (as_ace(3)(content), {"formats": ("JET4", "ACE12")}, "ACCDB_NOT_MDB"),
        (encoded(as_ace(3)(content)), {"formats": ("ACE14",)}, "MDB_ENCODED"),
        (as_ace(7)(content), {"formats": ("ACE17",)}, "ACCDB_NOT_MDB"),
    ):
        file.write_bytes(changed)
        result = run(file, **policy)
        assert codes(result) == {(code, "header", "block")}
        assert result.totals is None


def test_an_encrypted_database_is_blocked_whatever_the_policy_says(file: Path) -> None:
    file.write_bytes(encoded(as_ace(3)(SAMPLE.read_bytes())))
    result = run(file, formats=("ACE14",), encoded="allow", password="allow")
    assert codes(result) == {("MDB_PASSWORD", "read", "block")}


def test_a_format_that_is_not_expected_is_told(file: Path, plain: ChainResult) -> None:
    file.write_bytes(written(JET3)(b""))
    result = run(file, formats=("JET4",))
    assert codes(result) == {*codes(plain), ("JET_VERSION", "header", "warn")}
    assert result.totals == plain.totals


@pytest.mark.parametrize(
    "column",
    [Column("CONCEPTO", COMPLEX), Column("CONCEPTO", MONEY, 40, is_fixed=False, more_flags=CALCULATED)],
)
def test_a_column_without_plain_values_is_an_unknown_schema(file: Path, column: Column) -> None:
    made = Made(form=ace(5))
    copied(SAMPLE, made, {("CUOTAS", "CONCEPTO"): column}).build().write(file)
    result = run(file, formats=("ACE16",))
    assert codes(result) == {("UNKNOWN_SCHEMA", "schema", "block")}
    assert {finding.evidence["column"] for finding in result.findings} == {"CONCEPTO"}


def test_a_linked_table_is_an_unknown_schema(file: Path) -> None:
    made = copied(SAMPLE, Made(form=JET4))
    next(table for table in made.tables if table.name == "CUOTAS").kind = 6
    made.build().write(file)
    result = run(file)
    assert codes(result) == {("UNKNOWN_SCHEMA", "schema", "block")}
    assert [finding.evidence["table"] for finding in result.findings] == ["CUOTAS"]


def test_texts_that_became_memos_give_the_same_bill(file: Path, plain: ChainResult) -> None:
    memos = {(table, column): Column(column, MEMO) for table, column in TEXTS}
    copied(SAMPLE, Made(form=JET4), memos).build().write(file)
    result = run(file)
    assert (result.verdict, result.totals, result.invoices) == (plain.verdict, plain.totals, plain.invoices)
