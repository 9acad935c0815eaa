"""client.yaml and the inventory: what is wrong is said in words."""

from pathlib import Path

import pytest

from pipeline.client import Inventory, load_client, normalised_tax_id
from pipeline.errors import ClientFileError
from pipeline.identity import is_valid_tax_id
from pipeline.registry import normalised_number


def test_a_client_file_with_its_inventory(samples: Path) -> None:
    client = load_client(samples / "clients" / "ACME-IBERICA.yaml")
    assert (client.root, client.partner, client.tax_ids) == ("ACME-IBERICA", "PARTNER-ONE", ("B00123455",))
    assert client.inventory is not None
    assert client.inventory.knows("line", "650581697")
    assert not client.inventory.knows("account", "650581697")
    assert client.inventory.refs("cost_center")["CC300"] == "Logística y almacén Cádiz"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("root: [", "not valid YAML"),
        ("partner: P1", "root"),
        ("root: ACME\npartner: P1\nroots: x", "roots"),
        ("root: ACME\npartner: lower", "partner"),
        ("root: ACME\npartner: P1\nexpected_period: 202613", "expected_period"),
        ("root: ACME\npartner: P1\ninventory: none.csv", "none.csv"),
        ("just text", "file"),
    ],
)
def test_a_client_file_that_cannot_be_used(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "client.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ClientFileError, match=problem):
        load_client(path)


def test_a_missing_client_file(tmp_path: Path) -> None:
    with pytest.raises(ClientFileError, match="cannot be read"):
        load_client(tmp_path / "none.yaml")


def test_a_period_may_be_written_as_a_number(tmp_path: Path) -> None:
    path = tmp_path / "client.yaml"
    path.write_text("root: ACME\npartner: P1\nexpected_period: 202610", encoding="utf-8")
    assert load_client(path).expected_period == "202610"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a,b\n1,2\n", "ref,kind,label"),
        (b"ref,kind,label\n1,phone,x\n", "line 2"),
        (b"ref,kind,label\n,line,x\n", "line 2"),
        (b"ref,kind,label\n1,line,\xf1\n", "UTF-8"),
    ],
)
def test_an_inventory_that_cannot_be_used(content: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "inventory.csv"
    path.write_bytes(content)
    with pytest.raises(ClientFileError, match=problem):
        Inventory.from_csv(path)


def test_numbers_are_compared_in_one_form() -> None:
    assert normalised_tax_id(" es-b.00123455 ") == "B00123455"
    assert normalised_tax_id("B00123455") == "B00123455"
    assert normalised_number("28-d6b0 015059") == "28D6B0015059"


@pytest.mark.parametrize("tax_id", ["A82018474", "A78923125", "B00123455", "12345678Z", "X1234567L"])
def test_valid_tax_numbers(tax_id: str) -> None:
    assert is_valid_tax_id(tax_id)
    assert not is_valid_tax_id(tax_id[:-2] + "?" + tax_id[-1])
