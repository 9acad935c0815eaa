"""The token that each page's form carries and its POST must bring back (``csrf_token``).

It is bound to the page's own link, so it proves that the POST comes from a page this server rendered for that link:
a program that only follows links, such as a mail scanner, has none. Whoever holds no link cannot make a POST at
all, since the address is the secret; so the token needs no cookie, and works in a browser that refuses them.
"""

from dataclasses import dataclass
from hashlib import sha256

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer
from pydantic import SecretStr

from bot.onboarding.clock import Clock
from bot.web.links import SECONDS_A_DAY, serializer

# How long a page may stay open before its POST; then the page comes again with what was typed.
LONGEST_OPEN = 2 * SECONDS_A_DAY


class TokenRefused(Exception):
    """The POST carries no token of this page."""


class TokenExpired(Exception):
    """The token is this page's, and too old."""


@dataclass(frozen=True)
class PageTokens:
    """Makes and checks the tokens."""

    secret_key: SecretStr
    clock: Clock

    def make(self, link_token: str, asked: str) -> str:
        """Return a token for the page behind a link. ``asked`` names the asking that the page shows."""
        return self._serializer().dumps([link_digest(link_token), asked])

    def check(self, link_token: str, given: str) -> str:
        """Return the asking that the page showed. Raises TokenRefused, TokenExpired."""
        try:
            digest, asked = self._serializer().loads(given)
            if digest != link_digest(link_token):
                raise TokenRefused
            self._serializer().loads(given, max_age=LONGEST_OPEN)
        except SignatureExpired as old:
            raise TokenExpired from old
        except BadData as bad:
            raise TokenRefused from bad
        return str(asked)

    def _serializer(self) -> URLSafeTimedSerializer:
        return serializer(self.secret_key, "page", self.clock)


def link_digest(link_token: str) -> str:
    """Return a short name for a link that does not give the link away."""
    return sha256(link_token.encode()).hexdigest()[:16]
