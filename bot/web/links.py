"""The signed addresses that people outside open: which step of which onboarding, and nothing else.

A token holds the onboarding's key, the step's id and the link's edition, signed together with the moment it was made.
It is no secret store: whoever has the link may answer, so it goes to the partner's address alone, and it ends with its
step, with its time, or when a later edition takes its place.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from itsdangerous import BadData, SignatureExpired, TimestampSigner, URLSafeTimedSerializer
from pydantic import SecretStr

from bot.locales import say
from bot.onboarding.clock import Clock, SystemClock
from bot.onboarding.errors import Refused, SettingsError, Unknown
from bot.web.settings import WebSettings
from checklists.model import Localized

Purpose = Literal["form", "confirm", "partner", "status"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

SHORTEST_SECRET = 32
LONGEST_TOKEN = 400
SECONDS_A_DAY = 86_400


class LinkInvalid(Unknown):
    """The token was not made here, was made for another page, or was altered on its way."""


class LinkRevoked(Refused):
    """The token was good once, and another has taken its place, or none."""


@dataclass(frozen=True)
class LinkTarget:
    """What a link stands for. ``step_id`` is empty where it is a whole onboarding, or the whole installation."""

    key: str
    step_id: str
    edition: int = 1


class LinkExpired(Refused):
    """The token was good once, and is too old; ``target`` is what it stood for."""

    def __init__(self, text: Localized, target: LinkTarget) -> None:
        super().__init__(text)
        self.target = target


class ClockedSigner(TimestampSigner):
    """itsdangerous' signer with this product's clock in place of the machine's."""

    def __init__(self, *args: Any, clock: Clock, **options: Any) -> None:
        super().__init__(*args, **options)
        self._clock = clock

    def get_timestamp(self) -> int:
        """Return the moment in whole seconds since 1970."""
        return int(self._clock.now().timestamp())

    def unsign(self, signed_value: Any, max_age: int | None = None, return_timestamp: bool = False) -> Any:
        """Check as the library does; but what was signed later than now is not too old: the clock was set back."""
        try:
            return super().unsign(signed_value, max_age=max_age, return_timestamp=return_timestamp)  # type: ignore[call-overload] # a flag, not a literal
        except SignatureExpired as old:
            if old.date_signed is None or old.date_signed <= self._clock.now():
                raise
            return super().unsign(signed_value, return_timestamp=return_timestamp)  # type: ignore[call-overload] # as above


def serializer(secret_key: SecretStr, salt: str, clock: Clock) -> URLSafeTimedSerializer:
    """Return a signer of small values, HMAC-SHA256; each salt has a key of its own."""
    return URLSafeTimedSerializer(
        secret_key.get_secret_value(),
        salt=f"onboarding-bot.{salt}",
        signer=ClockedSigner,
        signer_kwargs={"clock": clock, "key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


class SignedLinks:
    """Makes links and reads them back (the core's port ``Links``)."""

    def __init__(
        self, public_url: str, secret_key: SecretStr, *, max_age_days: int = 60, clock: Clock | None = None
    ) -> None:
        """``public_url`` is where people outside reach the web side. Raises SettingsError for what cannot work."""
        self._base = _base(public_url)
        _require_strong(secret_key)
        self.secret_key = secret_key
        self._max_age = max_age_days * SECONDS_A_DAY
        self._max_age_days = max_age_days
        clock = clock or SystemClock()
        self._serializers = {purpose: serializer(secret_key, purpose, clock) for purpose in PURPOSES}

    @property
    def base_path(self) -> str:
        """The path of the public address, without a slash at its end: empty at a host's top."""
        return urlsplit(self._base).path

    def form(self, key: str, step_id: str, *, edition: int = 1) -> str:
        """Return the address of a step's form."""
        return self._address("form", key, step_id, edition)

    def confirmation(self, key: str, step_id: str, *, edition: int = 1) -> str:
        """Return the address at which a step's question is answered."""
        return self._address("confirm", key, step_id, edition)

    def partner_page(self, key: str, *, edition: int = 1) -> str:
        """Return the address of the page that shows the partner its own steps and files."""
        return self._address("partner", key, "", edition)

    def status_page(self) -> str:
        """Return the address of the team's page. It names every client: it goes to the team alone."""
        return self._address("status", "", "", 1)

    def read_form(self, token: str) -> LinkTarget:
        """Return what a form's token stands for. Raises LinkExpired, LinkInvalid."""
        return self._read("form", token)

    def read_confirmation(self, token: str) -> LinkTarget:
        """Return what a question's token stands for. Raises LinkExpired, LinkInvalid."""
        return self._read("confirm", token)

    def read_partner_page(self, token: str) -> LinkTarget:
        """Return the onboarding that a partner's page is about. Raises LinkExpired, LinkInvalid."""
        return self._read("partner", token)

    def check_status_page(self, token: str) -> None:
        """Make sure that a token opens the team's page. Raises LinkExpired, LinkInvalid."""
        self._read("status", token)

    def _address(self, purpose: Purpose, key: str, step_id: str, edition: int) -> str:
        token = self._serializers[purpose].dumps([key, step_id, edition])
        return f"{self._base}/{purpose}/{token}"

    def _read(self, purpose: Purpose, token: str) -> LinkTarget:
        if len(token) > LONGEST_TOKEN:
            raise LinkInvalid(say("web.link_invalid"))
        signer = self._serializers[purpose]
        try:
            return LinkTarget(*signer.loads(token, max_age=self._max_age))
        except SignatureExpired as old:
            target = LinkTarget(*signer.loads(token))
            raise LinkExpired(say("web.link_expired", days=self._max_age_days), target) from old
        except BadData as bad:
            raise LinkInvalid(say("web.link_invalid")) from bad


def signed_links(settings: WebSettings, *, clock: Clock | None = None) -> SignedLinks:
    """Return the links that the settings make possible. Raises SettingsError, naming what is missing."""
    if settings.public_url is None:
        raise SettingsError(
            "WEB__PUBLIC_URL is not set: forms and questions reach the partner as links, which need the address "
            "at which people outside reach this server, such as https://onboarding.example.com."
        )
    if settings.secret_key is None:
        raise SettingsError(f"WEB__SECRET_KEY is not set: links are signed with it. {_HOW_TO_MAKE_ONE}")
    return SignedLinks(settings.public_url, settings.secret_key, max_age_days=settings.link_days, clock=clock)


_HOW_TO_MAKE_ONE = (
    f"Give at least {SHORTEST_SECRET} random characters, for example from: "
    "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
)


def _require_strong(secret_key: SecretStr) -> None:
    length = len(secret_key.get_secret_value())
    if length < SHORTEST_SECRET:
        raise SettingsError(f"WEB__SECRET_KEY has {length} characters: too few to sign links with. {_HOW_TO_MAKE_ONE}")


def _base(public_url: str) -> str:
    parts = urlsplit(public_url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise SettingsError(
            f"WEB__PUBLIC_URL is {public_url!r}: it must be a whole address without ? or #, such as "
            "https://onboarding.example.com."
        )
    return public_url.rstrip("/")
