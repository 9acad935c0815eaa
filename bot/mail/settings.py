"""The settings of the mail server (``SMTP__…``)."""

from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import ip_address
from socket import getfqdn
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from bot.mail.address import mail_address


def own_address() -> str:
    """Return the sender where none is set: the bot at this machine's name."""
    host = getfqdn()
    return f"onboarding-bot@{host}" if "." in host.strip(".") else "onboarding-bot@localhost.localdomain"


class SmtpSettings(BaseModel):
    """How mail leaves: one server, in the clear on this machine or with STARTTLS (port 465's TLS is not spoken).

    The server's certificate is checked against the system's authorities, or those of the standard variable
    ``SSL_CERT_FILE``. ``from`` may carry a name: ``Onboarding <onboarding@example.com>``.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True, hide_input_in_errors=True
    )

    host: str = Field(min_length=1)
    port: int = Field(default=25, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    starttls: bool = False
    from_address: str = Field(default_factory=own_address, alias="from")

    @field_validator("from_address")
    @classmethod
    def _is_an_address(cls, given: str) -> str:
        sender(given)
        return given

    @model_validator(mode="after")
    def _login_is_whole_and_hidden(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("a login needs both SMTP__USERNAME and SMTP__PASSWORD: set the other one too, or neither")
        if self.password is not None and not self.starttls and not _is_loopback(self.host):
            raise ValueError(
                f"the password would cross the network to {self.host} in the clear: set SMTP__STARTTLS to true"
            )
        return self


def sender(given: str) -> Address:
    """Read ``address`` or ``Name <address>``. Raises ValueError."""
    name, address = parseaddr(given)
    return mail_address(address or given, name=name)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
