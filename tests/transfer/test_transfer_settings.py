"""The settings of the file server, and what is refused at the start."""

import pytest
from pydantic import SecretStr, ValidationError

from bot.onboarding.transfer import RemoteEntry
from bot.transfer.build import build_transfer
from bot.transfer.settings import PartnerAccount, TransferSettings

MINIMAL = {"host": "files.example", "username": "bot", "password": "secret"}


def test_the_defaults_are_the_documented_ones() -> None:
    settings = TransferSettings.model_validate(MINIMAL)
    assert (settings.protocol, settings.port, settings.root) == ("sftp", 22, "/")
    assert (settings.poll_seconds, settings.stable_polls) == (20, 3)
    assert settings.partners == {}


@pytest.mark.parametrize("code", ["ACME-TEL", "acme_tel", "Acme-Tel"])
def test_a_partner_is_found_whatever_its_hyphens_and_case(code: str) -> None:
    account = PartnerAccount(username="acme", password=SecretStr("s"))
    settings = TransferSettings.model_validate(MINIMAL | {"partners": {"ACME_TEL": account}})
    assert settings.partner_account(code) == account
    assert settings.partner_account("ACME") is None


def test_two_spellings_of_one_partner_are_refused() -> None:
    account = {"username": "acme", "password": "s"}
    with pytest.raises(ValidationError, match="same partner"):
        TransferSettings.model_validate(MINIMAL | {"partners": {"ACME_TEL": account, "acme-tel": account}})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"password": None}, "KEY_FILE nor a PASSWORD"),
        ({"root": "srv/sftp"}, "absolute"),
        ({"root": "/srv/../etc"}, "absolute"),
        ({"port": 0}, "greater than"),
        ({"protocol": "scp"}, "sftp"),
        ({"hots": "x"}, "Extra inputs"),
        ({"partners": {"A": {"username": "a"}}}, "KEY_FILE nor a PASSWORD"),
        ({"partners": {"A": {"username": "a", "password": "s", "port": 1}}}, "Extra inputs"),
    ],
)
def test_what_cannot_work_is_refused_without_a_secret_in_the_message(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as refused:
        TransferSettings.model_validate(MINIMAL | {"password": "hush-hush"} | change)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(("given", "kept"), [("/", "/"), ("/srv/sftp/", "/srv/sftp"), ("//srv", "/srv")])
def test_the_root_is_normal(given: str, kept: str) -> None:
    assert TransferSettings.model_validate(MINIMAL | {"root": given}).root == kept


def test_a_secret_is_not_printed() -> None:
    settings = TransferSettings.model_validate(MINIMAL | {"partners": {"A": {"username": "a", "password": "hush"}}})
    assert "secret" not in repr(settings)
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(("protocol", "port"), [("sftp", 22), ("ftps", 21), ("ftp", 21)])
def test_the_port_is_the_protocols_own_unless_it_is_set(protocol: str, port: int) -> None:
    assert TransferSettings.model_validate(MINIMAL | {"protocol": protocol}).port == port
    assert TransferSettings.model_validate(MINIMAL | {"protocol": protocol, "port": 2121}).port == 2121


@pytest.mark.parametrize("protocol", ["ftp", "ftps"])
@pytest.mark.parametrize(
    "change",
    [
        {"key_file": "/key"},
        {"key_file": "/key", "password": None},
        {"partners": {"A": {"username": "a", "key_file": "/key"}}},
    ],
)
def test_a_key_where_there_are_only_passwords_is_refused(protocol: str, change: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="knows passwords only") as refused:
        TransferSettings.model_validate(MINIMAL | {"protocol": protocol, "password": "hush-hush"} | change)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("protocol", ["sftp", "ftps", "ftp"])
def test_building_connects_to_nothing_and_a_partner_without_credential_has_no_session(protocol: str) -> None:
    elsewhere = {"host": "no.such.host.invalid", "protocol": protocol}
    transfer = build_transfer(TransferSettings.model_validate(MINIMAL | elsewhere))
    assert transfer.partner_session("ACME") is None
    entry = RemoteEntry("x", is_directory=False, size=1, mode=0o660, uid=1003, gid=1, modified=0)
    assert transfer.owner_name(entry) == "uid 1003"
