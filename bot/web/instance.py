"""Which installation answers here: a fingerprint of the key that signs its links; the key does not follow from it."""

import hashlib
import hmac

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.responses import JSONResponse, Response

PATH = "/healthz/instance"


def fingerprint(key: SecretStr) -> str:
    """Return sixteen hex digits, the same for every process of one installation."""
    return hmac.new(key.get_secret_value().encode(), b"onboarding-bot instance", hashlib.sha256).hexdigest()[:16]


def add_instance(app: FastAPI, key: SecretStr) -> None:
    """Add the address at which the doctor sees whether it is this installation that answers."""
    content = {"instance": fingerprint(key)}

    def instance() -> Response:
        return JSONResponse(content)

    app.add_api_route(PATH, instance, methods=["GET", "HEAD"])
