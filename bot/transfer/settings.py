"""The settings of the partners' file server (``TRANSFER__…``)."""

from pathlib import Path, PurePosixPath
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator


def account_name(code: str) -> str:
    """Return the form in which partner codes are compared: the environment's names hold no ``-`` and no case."""
    return code.replace("-", "_").casefold()


class Credential(BaseModel):
    """A login: a private key, a password, or both (the password then opens the key and is the second choice)."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    username: str = Field(min_length=1)
    key_file: Path | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _has_a_secret(self) -> Self:
        if self.key_file is None and self.password is None:
            raise ValueError(f"the account {self.username!r} has neither a KEY_FILE nor a PASSWORD: set one of them")
        return self


class PartnerAccount(Credential):
    """The test credential of one partner (``TRANSFER__PARTNERS__<CODE>__…``)."""


def _usual_port(given: dict[str, Any]) -> int:
    return 22 if given.get("protocol") == "sftp" else 21


class TransferSettings(Credential):
    """How the bot reaches the file server.

    ``known_hosts`` is a file in OpenSSH's format, ``~/.ssh/known_hosts`` where it is not set. ``root`` is the directory
    above the partners' own, as the bot's account sees it. ``poll_seconds`` and ``stable_polls`` say when a file that
    arrived is whole: so many equal looks, so far apart. ``ca_file`` is for FTPS: the authorities (PEM) that may vouch
    for the server's certificate, those of the system where it is not set.
    """

    protocol: Literal["sftp", "ftps", "ftp"] = "sftp"
    host: str = Field(min_length=1)
    port: int = Field(default_factory=_usual_port, ge=1, le=65535)
    known_hosts: Path | None = None
    ca_file: Path | None = None
    root: str = "/"
    poll_seconds: float = Field(default=20, gt=0)
    stable_polls: int = Field(default=3, ge=1)
    partners: dict[str, PartnerAccount] = Field(default_factory=dict)

    @field_validator("root")
    @classmethod
    def _absolute(cls, root: str) -> str:
        path = PurePosixPath(root)
        if not path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{root!r} is no absolute POSIX path: write one such as /srv/sftp, without '..'")
        # PurePosixPath keeps a second leading slash, which POSIX leaves to the implementation.
        return "/" + str(path).lstrip("/")

    @field_validator("partners")
    @classmethod
    def _told_apart(cls, partners: dict[str, PartnerAccount]) -> dict[str, PartnerAccount]:
        seen: dict[str, str] = {}
        for code in partners:
            other = seen.setdefault(account_name(code), code)
            if other != code:
                raise ValueError(f"{other!r} and {code!r} are the same partner: keep one of them")
        return partners

    @model_validator(mode="after")
    def _suits_the_protocol(self) -> Self:
        accounts: list[Credential] = [self, *self.partners.values()]
        for account in accounts if self.protocol != "sftp" else ():
            if account.password is None or account.key_file is not None:
                found = "no PASSWORD" if account.password is None else "a KEY_FILE"
                raise ValueError(
                    f"the account {account.username!r} has {found}, and {self.protocol} knows passwords only: "
                    "set its PASSWORD alone, or TRANSFER__PROTOCOL=sftp"
                )
        return self

    def partner_account(self, code: str) -> PartnerAccount | None:
        """Return the test credential of a partner, None without one. ``-`` equals ``_``, case does not count."""
        wanted = account_name(code)
        return next((account for name, account in self.partners.items() if account_name(name) == wanted), None)
