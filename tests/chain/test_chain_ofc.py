"""The OFC: a copy of the Output unless the form asks for another layout; delivered, read back, compared."""

import csv
import gzip
import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from pipeline.chain import Chain
from pipeline.client import Inventory
from pipeline.errors import ConfigurationError, DeliveryError

DEFAULTS: Mapping[str, Any] = {
    "ofc_encoding": "UTF-8",
    "ofc_separator": ";",
    "ofc_decimal": ".",
    "ofc_quote": '"',
    "ofc_line_ending": "CRLF",
    "ofc_bom": False,
    "ofc_compression": "NONE",
    "ofc_manifest": True,
}


class FolderDelivery:
    """Puts files into a folder; ``spoil`` changes what arrives, ``refuse`` says no."""

    def __init__(self, folder: Path, *, spoil: str = "", refuse: str = "") -> None:
        self.folder = folder
        self.spoil = spoil
        self.refuse = refuse
        self.order: list[str] = []
        folder.mkdir()

    def deliver(self, file: Path, name: str) -> str:
        if self.refuse and name.endswith(self.refuse):
            raise DeliveryError("no space left")
        content = file.read_bytes()
        if self.spoil and name.endswith(self.spoil):
            content = content.replace(b"\r\n", b"\n")
        (self.folder / f"{name}.part").write_bytes(content)
        (self.folder / f"{name}.part").rename(self.folder / name)
        self.order.append(name)
        return hashlib.sha256((self.folder / name).read_bytes()).hexdigest()


def ofc_of(folder: Path) -> Path:
    (found,) = [path for path in folder.glob("OFC_*") if not path.name.endswith((".json", ".done"))]
    return found


def rows(content: bytes, separator: str, encoding: str = "utf-8") -> list[list[str]]:
    return list(csv.reader(content.decode(encoding).splitlines(keepends=True), delimiter=separator))


def test_the_ofc_is_the_output_byte_for_byte(made: Path) -> None:
    (output,) = made.glob("OUTPUT_*.csv")
    assert ofc_of(made).read_bytes() == output.read_bytes()


def test_a_form_that_asks_for_the_outputs_own_layout_gets_a_copy(
    chain: Callable[..., Chain], made: Path, october: Path
) -> None:
    (output,) = made.glob("OUTPUT_*.csv")
    chain(october, out=made, form=DEFAULTS).run(["ofc"])
    assert ofc_of(made).read_bytes() == output.read_bytes()


def test_another_layout_keeps_columns_and_values(chain: Callable[..., Chain], made: Path, october: Path) -> None:
    form = {
        **DEFAULTS,
        "ofc_encoding": "CP1252",
        "ofc_separator": "\t",
        "ofc_decimal": ",",
        "ofc_line_ending": "LF",
    }
    result = chain(october, out=made, form=form).run(["ofc"])

    (output,) = made.glob("OUTPUT_*.csv")
    original = rows(output.read_bytes(), ";")
    content = ofc_of(made).read_bytes()
    assert b"\r" not in content
    rewritten = rows(content, "\t", "cp1252")
    numeric = [
        at
        for at, name in enumerate(original[0])
        if name.startswith(("amount", "invoice_total", "quantity", "tax_rate"))
    ]
    for row in rewritten[1:]:
        for at in numeric:
            row[at] = row[at].replace(",", ".")
    assert rewritten == original
    assert result.outputs[0].rows == len(original) - 1
    manifest = json.loads(next(made.glob("OFC_*.manifest.json")).read_text(encoding="utf-8"))
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest["sum_gross"] == "368.6900"
    assert "usage" not in manifest


@pytest.mark.parametrize(("compression", "ending"), [("GZIP", ".csv.gz"), ("ZIP", ".csv.zip")])
def test_a_compressed_ofc_holds_the_output_and_has_the_same_bytes_each_time(
    compression: str, ending: str, chain: Callable[..., Chain], made: Path, october: Path
) -> None:
    form = {**DEFAULTS, "ofc_compression": compression}
    (ofc_of(made)).unlink()
    (output,) = made.glob("OUTPUT_*.csv")
    result = chain(october, out=made, form=form).run(["ofc"])
    again = chain(october, out=made, form=form).run(["ofc"])

    packed = ofc_of(made)
    assert packed.name.endswith(ending)
    content = packed.read_bytes()
    if compression == "GZIP":
        assert gzip.decompress(content) == output.read_bytes()
    else:
        archive = zipfile.ZipFile(BytesIO(content))
        (name,) = archive.namelist()
        assert name == packed.name.removesuffix(".zip")
        assert archive.read(name) == output.read_bytes()
    assert result.outputs[0].sha256 == again.outputs[0].sha256


def test_the_forms_pattern_names_the_ofc(chain: Callable[..., Chain], made: Path, october: Path) -> None:
    form = {**DEFAULTS, "ofc_filename_pattern": "{operator}.{root}.{period}.{invoice}.{seq}.{ts}.csv"}
    result = chain(october, out=made, form=form).run(["ofc"])
    assert result.outputs[0].name == "TELEFONICA-ES.ACME-IBERICA.202610.ALL.01.20261124090000.csv"


def test_a_pattern_that_gives_no_file_name_blocks(chain: Callable[..., Chain], made: Path, october: Path) -> None:
    for pattern in ("{unknown}.csv", "a b.csv", "../{period}.csv", ".hidden"):
        result = chain(october, out=made, form={"ofc_filename_pattern": pattern}).run(["ofc"])
        assert [finding.code for finding in result.findings] == ["OFC_DELIVERY"], pattern


def test_a_manifest_and_a_marker_as_the_form_says(chain: Callable[..., Chain], made: Path, october: Path) -> None:
    none = chain(october, out=made, form={"ofc_manifest": False}).run(["ofc"])
    both = chain(october, out=made, form={"ofc_done_marker": True}).run(["ofc"])
    assert [one.kind for one in none.outputs] == ["ofc"]
    assert [one.kind for one in both.outputs] == ["ofc", "manifest", "marker"]


@pytest.mark.parametrize(
    "form",
    [
        {"ofc_encryption": "PGP"},
        {"ofc_encoding": "EBCDIC"},
        {"ofc_separator": "x"},
        {"ofc_separator": ",", "ofc_decimal": ","},
        {"ofc_compression": "RAR"},
    ],
)
def test_what_cannot_be_honoured_is_refused(
    form: Mapping[str, Any], chain: Callable[..., Chain], made: Path, october: Path
) -> None:
    with pytest.raises(ConfigurationError, match="ofc_"):
        chain(october, out=made, form=form).run(["ofc"])


def test_an_output_of_an_earlier_day_is_not_made_again_for_the_ofc(
    chain: Callable[..., Chain], made: Path, october: Path, acme: Any
) -> None:
    """References were assigned since: is_new_ref would differ, and the OFC must be what was integrated."""

    (output,) = made.glob("OUTPUT_*.csv")
    before = output.read_bytes()
    chain(october, out=made, client=replace(acme, inventory=Inventory())).run(["ofc"])
    assert output.read_bytes() == before == ofc_of(made).read_bytes()


def test_an_output_that_was_changed_is_made_again(chain: Callable[..., Chain], made: Path, october: Path) -> None:
    (output,) = made.glob("OUTPUT_*.csv")
    before = output.read_bytes()
    output.write_bytes(before + b"x")
    chain(october, out=made).run(["ofc"])
    assert ofc_of(made).read_bytes() == output.read_bytes() == before


def test_the_ofc_is_delivered_before_its_manifest(
    chain: Callable[..., Chain], made: Path, october: Path, tmp_path: Path
) -> None:
    port = FolderDelivery(tmp_path / "out")
    result = chain(october, out=made, delivery=port).run(["ofc", "delivery"])

    assert not result.blocked
    assert [Path(name).suffix for name in port.order] == [".csv", ".json"]
    assert ofc_of(port.folder).read_bytes() == ofc_of(made).read_bytes()


def test_another_checksum_blocks_and_no_manifest_follows(
    chain: Callable[..., Chain], made: Path, october: Path, tmp_path: Path
) -> None:
    port = FolderDelivery(tmp_path / "out", spoil=".csv")
    result = chain(october, out=made, delivery=port).run(["delivery"])

    assert [(finding.code, finding.severity) for finding in result.findings] == [("OFC_DELIVERY", "block")]
    assert result.blocked
    assert [Path(name).suffix for name in port.order] == [".csv"]
    assert result.findings[0].evidence["found"] != result.findings[0].evidence["expected"]


def test_a_refused_delivery_says_why(chain: Callable[..., Chain], made: Path, october: Path, tmp_path: Path) -> None:
    result = chain(october, out=made, delivery=FolderDelivery(tmp_path / "out", refuse=".csv")).run(["delivery"])

    assert [finding.code for finding in result.findings] == ["OFC_DELIVERY"]
    assert "no space left" in result.findings[0].message.fr


def test_without_a_port_delivery_is_not_made(chain: Callable[..., Chain], made: Path, october: Path) -> None:
    assert chain(october, out=made).run(["delivery"]).not_made == ("OFC_DELIVERY",)
