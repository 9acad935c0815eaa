"""The answers of a form: every type and every rule, all errors at once, and never anything but a verdict."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.onboarding.answers import AnswerErrors, check_answers, required_fields
from checklists.model import LANGUAGES, Form, FormField, FormSection, Localized, Pack

TODAY = date(2026, 11, 24)
TEXT = Localized.same("x")


@pytest.fixture
def form(telefonica: Pack) -> Form:
    return telefonica.forms["form.yaml"]


@pytest.fixture
def filled(form: Form) -> dict[str, str]:
    return {field.id: field.example or "" for field in form.fields if field.fill}


@pytest.fixture
def good(form: Form) -> dict[str, str | list[str]]:
    """Right answers to everything that is asked."""
    return {field.id: field.example or "" for field in form.fields if not field.fill}


def one(value: str | list[str], field_type: str, **keys: Any) -> Any:
    """The value that a form with one field makes of a text."""
    field = FormField(id="asked", type=field_type, label=TEXT, **keys)  # type: ignore[arg-type]
    country = FormField(id="country", type="text", label=TEXT, fill="country")
    form = Form(form="small", title=TEXT, sections=(FormSection(id="all", title=TEXT, fields=(field, country)),))
    return check_answers(form, {"asked": value}, {"country": "ES"}, today=TODAY).values["asked"]


def error(value: str | list[str], field_type: str, **keys: Any) -> str:
    with pytest.raises(AnswerErrors) as caught:
        one(value, field_type, **keys)
    assert list(caught.value.errors) == ["asked"]
    return caught.value.errors["asked"].en


def public_key(private: Any) -> str:
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.mark.parametrize(
    ("field_type", "typed", "value"),
    [
        ("text", "  Zoé  ", "Zoé"),
        ("long_text", "a\r\nb", "a\nb"),
        ("boolean", "Sí", True),
        ("boolean", "non", False),
        ("date", "2026-12-01", "2026-12-01"),
        ("date", "2026-12-01 00:00:00", "2026-12-01"),
        ("integer", "22.0", 22),
        ("decimal", "1,50", "1.50"),
        ("email", "Ana@Partner.Example", "Ana@partner.example"),
        ("emails", "a@x.example; b@x.example\na@x.example", ["a@x.example", "b@x.example"]),
        ("phone", "612 34 56 78", "+34612345678"),
        ("phone", "+33 1 42 68 53 00", "+33142685300"),
        ("tax_ids", "ES-A78923125, a82.018.474", ["A78923125", "A82018474"]),
        ("tax_ids", "A78923125 A82018474", ["A78923125", "A82018474"]),
        ("tax_ids", "B 0012 3455", ["B00123455"]),
        ("tax_ids", "12345678Z X1234567L", ["12345678Z", "X1234567L"]),
        ("host", "SFTP.Partner.example.", "sftp.partner.example"),
        ("host", "[2001:4860:4860::8888]", "2001:4860:4860::8888"),
        ("port", "65535", 65535),
        ("path", "/incoming/ofc/", "/incoming/ofc"),
        ("period", "202612", "202612"),
        ("networks", "203.0.113.10 198.51.100.0/24", ["203.0.113.10/32", "198.51.100.0/24"]),
        ("networks", "2001:db8::/48", ["2001:db8::/48"]),
    ],
)
def test_right_answers_are_brought_into_their_normal_form(field_type: str, typed: str, value: object) -> None:
    assert one(typed, field_type) == value


@pytest.mark.parametrize(
    ("field_type", "typed", "said"),
    [
        ("text", "a\x00b", "invisible character"),
        ("text", "a\nb", "line break"),
        ("text", "a" * 501, "501 characters received, at most 500"),
        ("long_text", "a" * 10_001, "at most 10000"),
        ("long_text", "a" * 10_000_000, "10000000 characters received"),
        ("boolean", "maybe", "“maybe” is neither yes nor no"),
        ("date", "2026-02-30", "“2026-02-30” is no date"),
        ("date", "01/12/2026", "YYYY-MM-DD"),
        ("integer", "1.5", "no whole number"),
        ("integer", "١٢", "no whole number"),
        ("decimal", "1e5", "no number"),
        ("email", "ana@", "no e-mail address"),
        ("email", "ana@localhost", "no e-mail address"),
        ("emails", "ana@x.example, luis", "“luis” is no e-mail address"),
        ("phone", "12", "no valid telephone number"),
        ("phone", "+34 012 345 678", "no valid telephone number"),
        ("tax_ids", "A78923125, A82018475", "“A82018475” is no valid tax number"),
        ("host", "sftp://x.example", "neither a server's name nor an IP address"),
        ("host", "x.example:22", "neither a server's name"),
        ("host", "x.example/in", "neither a server's name"),
        ("host", "300.1.1.1", "neither a server's name"),
        ("host", "2130706433", "neither a server's name"),
        ("host", "-x.example", "neither a server's name"),
        ("port", "0", "at least 1"),
        ("port", "65536", "at most 65535"),
        ("path", "incoming", "no absolute path"),
        ("path", "/a/../b", "no absolute path"),
        ("path", "/a b", "no absolute path"),
        ("path", "/a\\b", "no absolute path"),
        ("public_key", "ssh-ed25519 AAAA", "no complete OpenSSH public key"),
        ("public_key", "hello", "no complete OpenSSH public key"),
        ("public_key", "ssh-dss AAAAB3NzaC1kc3M=", "too weak"),
        ("networks", "203.0.112.0/23", "too wide"),
        ("networks", "2001:db8::/32", "too wide"),
        ("networks", "203.0.113.300", "neither an IP address nor a network"),
        ("period", "202613", "no month"),
        ("period", "2026-12", "no month"),
    ],
)
def test_a_wrong_answer_is_told_with_what_was_seen(field_type: str, typed: str, said: str) -> None:
    assert said in error(typed, field_type)


def test_every_message_is_there_in_three_languages_and_gives_an_example() -> None:
    with pytest.raises(AnswerErrors) as caught:
        one("x", "period", example="202611")
    text = caught.value.errors["asked"]
    assert len({text.text(language) for language in LANGUAGES}) == 3
    assert all("202611" in text.text(language) for language in LANGUAGES)


def test_keys_of_the_form_are_applied() -> None:
    assert "at most 3" in error("abcd", "text", max=3)
    assert "at least 2" in error("a", "text", min=2)
    assert "at most 31" in error("32", "integer", max=31)
    assert "does not have the expected form" in error("a b", "text", pattern=r"^\w+$")
    assert "none of the choices: A, B" in error("C", "choice", choices=("A", "B"))
    assert one("b", "choice", choices=("A", "B")) == "B"
    assert one(["A", "B"], "choices", choices=("A", "B", "C")) == ["A", "B"]
    assert "at most 1" in error("A,B", "choices", choices=("A", "B"), max=1)
    assert "2 values received, only one" in error(["a", "b"], "text")
    assert "An answer is required" in error("  ", "text", required=True)


def test_public_keys_are_really_parsed() -> None:
    ed25519 = public_key(Ed25519PrivateKey.generate())
    assert one(f"{ed25519}   ofc@partner", "public_key") == f"{ed25519} ofc@partner"
    rsa = public_key(generate_rsa(65537, 3072))
    assert one(rsa, "public_key") == rsa
    assert "ssh-rsa 2048" in error(public_key(generate_rsa(65537, 2048)), "public_key")
    assert "not accepted" in error(public_key(generate_ec(SECP256R1())), "public_key")


@pytest.mark.parametrize("field_type", ["public_key", "text", "long_text", "emails", "host"])
def test_a_private_key_is_refused_everywhere_and_not_repeated(field_type: str) -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----"
    said = error(key, field_type)
    assert "must never leave your computer" in said
    assert "b3BlbnNzaC1rZXk" not in said


def test_good_answers_are_json_in_the_order_of_the_form(form: Form, good: Any, filled: Any) -> None:
    answers = check_answers(form, good, filled, today=TODAY)
    # Two questions are asked in special cases alone: a deposit by FTP, and encryption by PGP.
    special = {"security_exception_ref", "ofc_pgp_fingerprint"}
    assert list(answers.values) == [field.id for field in form.fields if field.id not in special]
    assert json.loads(json.dumps(dict(answers.values))) == answers.values
    assert answers.values["ofc_port"] == 22
    assert answers.values["gdpr_ack"] is True
    assert answers.values["client_root"] == "ACME-IBERICA"


def test_what_is_left_empty_takes_its_default_or_is_left_out(form: Form, good: Any, filled: Any) -> None:
    for name in ("supplier_tax_ids", "ofc_manifest", "partner_ips", "currency"):
        good.pop(name)
    good["ofc_quote"] = " "
    values = check_answers(form, good, filled, today=TODAY).values
    assert values["supplier_tax_ids"] == ["A78923125", "A82018474"]
    assert values["ofc_manifest"] is True
    assert values["currency"] == "EUR"
    assert values["ofc_quote"] == '"'
    assert "partner_ips" not in values


def test_what_the_bot_filled_in_cannot_be_changed(form: Form, good: Any, filled: Any) -> None:
    values = check_answers(form, {**good, "client_root": "OTHER"}, filled, today=TODAY).values
    assert values["client_root"] == "ACME-IBERICA"


def test_all_errors_come_at_once_in_the_order_of_the_form(form: Form, good: Any, filled: Any) -> None:
    good.update(business_email="x", ofc_port="0", client_tax_ids="A1", target_golive="soon", nonsense="1")
    del good["partner_name"]
    with pytest.raises(AnswerErrors) as caught:
        check_answers(form, good, filled, today=TODAY)
    assert list(caught.value.errors) == [
        "partner_name",
        "client_tax_ids",
        "ofc_port",
        "business_email",
        "target_golive",
        "nonsense",
    ]
    assert "6" in caught.value.text.en


def wrong(form: Form, good: Any, filled: Any, changes: Mapping[str, str], **policy: Any) -> dict[str, str]:
    with pytest.raises(AnswerErrors) as caught:
        check_answers(form, {**good, **changes}, filled, today=TODAY, **policy)
    return {name: text.en for name, text in caught.value.errors.items()}


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"ofc_separator": ",", "ofc_decimal": ","}, "ofc_decimal", "also the column separator"),
        ({"ofc_host": "10.0.0.8"}, "ofc_host", "private or local address"),
        ({"ofc_host": "127.0.0.1"}, "ofc_host", "private or local address"),
        ({"ofc_host": "::ffff:192.168.0.1"}, "ofc_host", "private or local address"),
        ({"ofc_host": "localhost"}, "ofc_host", "private or local address"),
        ({"ofc_host": "files.corp.internal"}, "ofc_host", "private or local address"),
        ({"ofc_secret_ref": "hunter2"}, "ofc_secret_ref", "looks like a password"),
        ({"ofc_secret_ref": "S3cret!pa55"}, "ofc_secret_ref", "looks like a password"),
        ({"ofc_secret_ref": "password: abc/def"}, "ofc_secret_ref", "looks like a password"),
        ({"ofc_filename_pattern": "OFC_{root}.csv"}, "ofc_filename_pattern", "always give the same name"),
        ({"ofc_filename_pattern": "OFC_{periods}.csv"}, "ofc_filename_pattern", "“{periods}” is no known part"),
        ({"ofc_filename_pattern": "OFC_{period.csv"}, "ofc_filename_pattern", "no known part"),
        ({"ofc_filename_pattern": "../{period}.csv"}, "ofc_filename_pattern", "expected form"),
        ({"first_period": "202702"}, "first_period", "202701 at the latest"),
        ({"first_period": "202701", "target_golive": "2026-12-14"}, "first_period", "after that of the go-live"),
        ({"target_golive": "2026-12-07"}, "target_golive", "2026-12-08 at the earliest"),
        ({"gdpr_ack": "no"}, "gdpr_ack", "Without this commitment"),
        ({"timezone": "Madrid"}, "timezone", "no time zone"),
        ({"timezone": "../../etc/passwd"}, "timezone", "no time zone"),
        ({"ofc_public_key": ""}, "ofc_public_key", "An answer is required"),
        ({"ofc_retention_days": ""}, "ofc_retention_days", "An answer is required"),
        ({"ofc_host": ""}, "ofc_host", "An answer is required"),
        ({"ofc_login": ""}, "ofc_login", "An answer is required"),
    ],
)
def test_rules_between_fields(form: Form, good: Any, filled: Any, changes: Any, field: str, said: str) -> None:
    errors = wrong(form, good, filled, changes)
    assert list(errors) == [field]
    assert said in errors[field]


def test_a_password_is_not_repeated_in_its_refusal(form: Form, good: Any, filled: Any) -> None:
    errors = wrong(form, good, filled, {"ofc_secret_ref": "hunter2"})
    assert "hunter2" not in errors["ofc_secret_ref"]


def test_holidays_push_the_earliest_go_live(form: Form, good: Any, filled: Any) -> None:
    errors = wrong(form, good, filled, {"target_golive": "2026-12-08"}, calendar=("ES",))
    assert "2026-12-09 at the earliest" in errors["target_golive"]


def test_a_private_host_may_be_allowed(form: Form, good: Any, filled: Any) -> None:
    check_answers(form, {**good, "ofc_host": "10.0.0.8"}, filled, today=TODAY, allow_private_hosts=True)


def test_by_email_no_server_is_asked(form: Form, good: Any, filled: Any) -> None:
    for name in ("host", "port", "directory", "login", "auth", "public_key", "host_key_fingerprint"):
        good.pop(f"ofc_{name}")
    good["ofc_protocol"] = "EMAIL"
    values = check_answers(form, good, filled, today=TODAY).values
    assert values["ofc_protocol"] == "EMAIL"
    errors = wrong(form, good, filled, {"ofc_host_key_fingerprint": f"SHA256:{'A' * 43}"})
    assert "Only SFTP has a key fingerprint" in errors["ofc_host_key_fingerprint"]


def test_without_an_ofc_its_fields_stay_empty(form: Form, good: Any, filled: Any) -> None:
    errors = wrong(form, good, filled, {"ofc_required": "no"})
    assert "ofc_host" in errors
    assert all(name.startswith("ofc_") and "must stay empty" in text for name, text in errors.items())
    rest = {name: text for name, text in good.items() if not name.startswith("ofc_")}
    values = check_answers(form, {**rest, "ofc_required": "no"}, filled, today=TODAY).values
    assert [name for name in values if name.startswith("ofc_")] == ["ofc_required"]


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"target_golive": "2027-03-12"}, "target_golive", "between Friday and Sunday"),
        ({"ofc_recipients": "a@partner.example, b@gmail.com"}, "ofc_recipients", "b@gmail.com"),
        ({"billing_accounts": ""}, "billing_accounts", "Without the list"),
        ({"volume_mb": "200"}, "volume_mb", "200 MB per file"),
    ],
)
def test_what_is_doubtful_is_taken_with_a_warning(
    form: Form, good: Any, filled: Any, changes: Any, field: str, said: str
) -> None:
    warnings = check_answers(form, {**good, **changes}, filled, today=TODAY).warnings
    assert list(warnings) == [field]
    assert said in warnings[field].en


def test_what_is_required_follows_the_answers(form: Form) -> None:
    nothing = required_fields(form, {})
    assert {"partner_name", "ofc_protocol", "cdr_included"} <= nothing
    assert not nothing & {"ofc_host", "ofc_public_key", "ofc_retention_days", "client_root"}
    some = required_fields(form, {"ofc_protocol": "SFTP", "ofc_auth": "public_key", "cdr_included": "oui"})
    assert {"ofc_host", "ofc_port", "ofc_public_key", "ofc_retention_days"} <= some
    assert "ofc_host" not in required_fields(form, {"ofc_protocol": "EMAIL"})
    assert not {name for name in required_fields(form, {"ofc_required": "no"}) if name.startswith("ofc_")}


TYPED = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="0123456789+-./:;,@[]{}()\\ \t\nABESabxz=é", max_size=40),
    st.sampled_from(["ssh-ed25519 AAAA", "ssh-rsa AAAAB3NzaC1yc2E=", "{root}", "%s", "a@b", "::1", "0x7f.1", "１２"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_typed_gives_answers_or_errors(form: Form, good: Any, filled: Any, data: st.DataObject) -> None:
    ids = [field.id for field in form.fields]
    names = data.draw(st.lists(st.sampled_from([*ids, "x"]), max_size=12))
    changes = {name: data.draw(st.one_of(TYPED, st.lists(TYPED, max_size=3))) for name in names}
    try:
        answers = check_answers(form, {**good, **changes}, filled, today=TODAY)
    except AnswerErrors as wrong_answers:
        told = wrong_answers.errors
    else:
        told = answers.values
        json.dumps(dict(answers.values))
    assert told
    assert required_fields(form, {**good, **changes}) <= set(ids)


def test_what_is_not_asked_is_left_out_even_when_it_was_typed_before(form: Form, good: Any, filled: Any) -> None:
    values = check_answers(
        form, {**good, "ofc_auth": "PASSWORD", "ofc_public_key": "half a k"}, filled, today=TODAY
    ).values
    assert "ofc_public_key" not in values
    assert values["ofc_auth"] == "PASSWORD"


def test_a_private_key_is_named_even_in_a_field_that_is_not_asked(form: Form, good: Any, filled: Any) -> None:
    typed = {"ofc_auth": "PASSWORD", "ofc_public_key": "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nAAAA"}
    assert "private key" in wrong(form, good, filled, typed)["ofc_public_key"]


def test_encryption_by_pgp_needs_the_keys_fingerprint(form: Form, good: Any, filled: Any) -> None:
    good.pop("ofc_pgp_fingerprint")
    assert "ofc_pgp_fingerprint" in wrong(form, good, filled, {"ofc_encryption": "PGP"})


def test_a_deposit_by_plain_ftp_without_a_security_exception_is_doubtful(form: Form, good: Any, filled: Any) -> None:
    good.pop("security_exception_ref")
    answers = check_answers(form, good, {**filled, "in_protocol": "FTP"}, today=TODAY)
    assert "no security exception" in answers.warnings["security_exception_ref"].en


@pytest.mark.parametrize("currency", ["EUX", "ABC"])
def test_a_currency_that_does_not_exist_is_wrong(currency: str, form: Form, good: Any, filled: Any) -> None:
    assert "ISO 4217" in wrong(form, good, filled, {"currency": currency})["currency"]
