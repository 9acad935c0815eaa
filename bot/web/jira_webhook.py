"""Jira's webhook at ``/jira/webhook``: signed over the raw body, answered after one short transaction.

Jira Cloud, and Data Center from the version that lets a webhook have a secret, send ``X-Hub-Signature:
sha256=<hex>``. An older Data Center signs nothing: what it sends is refused, and polling sees the same a little later.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Collection
from http import HTTPStatus
from typing import Any

import structlog
from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

log = structlog.stdlib.get_logger()

SIGNATURE = "x-hub-signature"
IDENTIFIER = "x-atlassian-webhook-identifier"
# What Jira sends is a few kilobytes; an issue's longest texts and its history make it some hundreds.
LARGEST = 2 * 1024 * 1024
KEY = re.compile(r"[A-Z][A-Z0-9_]{0,254}-\d{1,12}")
# What a look may be waited for under: a ticket's, and a mirrored issue's, whose sub-tasks change.
SIGNALS = ("ticket", "mirror")

NOT_CONFIGURED = "No webhook is expected here: JIRA__WEBHOOK_SECRET is not set, and the bot polls."

Wake = Callable[[str, Collection[str]], int | None]
Handler = Callable[[Request], Awaitable[Response]]


def jira_webhook(secret: SecretStr | None, wake: Wake, own_account: Callable[[], str | None]) -> Handler:
    """Return the handler of POST /jira/webhook.

    ``wake`` is told the event's name and what to look at, and answers None for a repeat; ``own_account`` is who the
    bot is in Jira, None while nobody knows yet.
    """

    async def handle(request: Request) -> Response:
        if secret is None:
            return _refused(HTTPStatus.NOT_FOUND, "not_configured", NOT_CONFIGURED)
        body = await request.body()
        if len(body) > LARGEST:
            said = f"The body has {len(body)} bytes; at most {LARGEST} are read."
            return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", said)
        given = request.headers.get(SIGNATURE, "")
        if not given:
            said = "There is no X-Hub-Signature: give the webhook in Jira the secret of JIRA__WEBHOOK_SECRET."
            return _refused(HTTPStatus.UNAUTHORIZED, "unsigned", said)
        if not is_signed(secret, body, given):
            said = "X-Hub-Signature is not this body's: compare the webhook's secret with JIRA__WEBHOOK_SECRET."
            return _refused(HTTPStatus.FORBIDDEN, "wrongly_signed", said)
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            return _refused(HTTPStatus.BAD_REQUEST, "no_json", "The body is no JSON.")
        if not isinstance(event, dict):
            return _refused(HTTPStatus.BAD_REQUEST, "no_object", "The body is no JSON object.")
        # The identifier is outside the signature; without one the body says which event it is.
        identifier = request.headers.get(IDENTIFIER, "")[:200] or hashlib.sha256(body).hexdigest()
        return await run_in_threadpool(_heard, event, f"jira:webhook:{identifier}", wake, own_account)

    return handle


def is_signed(secret: SecretStr, body: bytes, given: str) -> bool:
    """Tell whether a header ``sha256=<hex>`` is the raw body's signature, in a time that does not depend on it."""
    made = f"sha256={hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()}"
    return hmac.compare_digest(made.encode(), given.strip().encode("utf-8", "replace"))


def signals_of(event: dict[str, Any]) -> list[str]:
    """Return what an event asks to be looked at: its issue, and the issue that this one is a part of."""
    issue = _object(event.get("issue"))
    parent = _object(_object(issue.get("fields")).get("parent"))
    keys = [key for each in (issue, parent) if KEY.fullmatch(key := str(each.get("key", "")))]
    return [f"{kind}:{key}" for kind in SIGNALS for key in keys]


def author_of(event: dict[str, Any]) -> str:
    """Return who did it: the account id on Cloud, the user name on Data Center; empty where it does not say."""
    comment = _object(event.get("comment"))
    who = _object(event.get("user")) or _object(comment.get("updateAuthor")) or _object(comment.get("author"))
    return str(who.get("accountId") or who.get("name") or "")


def _heard(event: dict[str, Any], source: str, wake: Wake, own_account: Callable[[], str | None]) -> Response:
    name = str(event.get("webhookEvent", ""))[:80]
    author = author_of(event)
    if author and author == own_account():
        log.debug("jira_webhook_own", webhook=name)
        return _answer("own")
    signals = signals_of(event)
    if not signals:
        log.debug("jira_webhook_about_nothing", webhook=name)
        return _answer("nothing to look at")
    woken = wake(source, signals)
    log.debug("jira_webhook_heard", webhook=name, signals=signals, woken=woken)
    return _answer("repeated" if woken is None else "heard")


def _answer(said: str) -> Response:
    return JSONResponse({"answer": said})


def _refused(status: HTTPStatus, reason: str, said: str) -> Response:
    log.warning("jira_webhook_refused", reason=reason, status=status.value)
    return JSONResponse({"error": said}, status_code=status.value)


def _object(given: object) -> dict[str, Any]:
    return given if isinstance(given, dict) else {}
