"""The naming rule, and the name that was expected instead."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checklists.model import Pack
from pipeline.client import Client
from pipeline.errors import ConfigurationError
from pipeline.naming import NamingRule

CLIENT = Client("ACME-IBERICA", "PARTNER-ONE", ())
roots = st.from_regex(r"[A-Z0-9-]{2,20}", fullmatch=True)
periods = st.from_regex(r"20[0-9]{2}(0[1-9]|1[0-2])", fullmatch=True)


@pytest.fixture(scope="module")
def rule(pack: Pack) -> NamingRule:
    assert pack.files is not None
    return NamingRule.of(pack.files)


@pytest.mark.parametrize(
    "name",
    [
        "202610_ACME-IBERICA_SOFIA.mdb",
        "202610_acme-iberica_sofia.MDB",
        "202610_ACME-IBERICA_SOFIA_01.mdb",
        "202610_ACME-IBERICA_SOFIA_99.mdb",
    ],
)
def test_names_that_follow_the_rule(name: str, rule: NamingRule) -> None:
    assert rule.accepts(name, CLIENT)


@pytest.mark.parametrize(
    "name",
    [
        "202613_ACME-IBERICA_SOFIA.mdb",
        "202610_ACME-IBERICA_SOFIA_00.mdb",
        "202610 ACME-IBERICA SOFIA.mdb",
        "202610_ACME-IBERICA_SOFIA.mdb ",
        "202610_ACME-IBERICA_SOFIA.mdb\n",
        "202610_ACME-IBERICA_ſOFIA.mdb",
        "２０２６10_ACME-IBERICA_SOFIA.mdb",
        "202610_ACME-IBERICA_SOFIA.accdb",
        "x202610_ACME-IBERICA_SOFIA.mdb",
    ],
)
def test_names_that_break_the_rule(name: str, rule: NamingRule) -> None:
    assert not rule.accepts(name, CLIENT)
    assert not rule.accepts(name, None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("FACTURAS_OCTUBRE.mdb", "<YYYYMM>_ACME-IBERICA_SOFIA.mdb"),
        ("202610 acme iberica sofia.mdb", "202610_ACME-IBERICA_SOFIA.mdb"),
        ("202609_OTHER_SOFIA_02.mdb", "202609_ACME-IBERICA_SOFIA_02.mdb"),
        ("202610_ACME-IBERICA_SOFIA.accdb", "202610_ACME-IBERICA_SOFIA.mdb"),
    ],
)
def test_the_expected_name(name: str, expected: str, rule: NamingRule) -> None:
    assert rule.expected(name, CLIENT) == expected


def test_the_month_that_was_asked_for_is_in_the_expected_name(rule: NamingRule) -> None:
    asked = replace(CLIENT, expected_period="202611")
    assert rule.expected("octubre 202610.mdb", asked) == "202611_ACME-IBERICA_SOFIA.mdb"


def test_without_a_client_the_root_is_left_open(rule: NamingRule) -> None:
    assert rule.expected("202610.mdb", None) == "202610_<ROOT>_SOFIA.mdb"


@given(root=roots, other=roots, period=periods)
def test_the_expected_name_is_always_accepted(root: str, other: str, period: str, rule: NamingRule) -> None:
    client = Client(root, "P1", (), expected_period=period)
    for name in (f"{period}_{other}_SOFIA.mdb", f"{other}.mdb", f"{period} {other}"):
        assert rule.accepts(rule.expected(name, client), client)


@given(name=st.text(max_size=40))
def test_any_name_gets_an_answer(name: str, rule: NamingRule) -> None:
    assert rule.accepts(name, CLIENT) or rule.expected(name, CLIENT) != name


@given(root=roots)
def test_the_root_is_compared_without_case(root: str, rule: NamingRule) -> None:
    assert rule.accepts(f"202610_{root.lower()}_SOFIA.mdb", Client(root, "P1", ()))


def test_a_rule_that_its_own_example_breaks_is_refused(pack: Pack) -> None:
    assert pack.files is not None
    with pytest.raises(ConfigurationError, match="example"):
        NamingRule.of(pack.files.model_copy(update={"example": "x.mdb"}))
    with pytest.raises(ConfigurationError, match="pattern"):
        NamingRule.of(pack.files.model_copy(update={"name": "("}))
