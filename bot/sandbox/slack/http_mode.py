"""Delivery to a request URL: signed over the raw body, three seconds to answer."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from urllib.parse import urlencode

import requests

from bot.sandbox.faults import Faults
from bot.sandbox.slack.entities import JsonObject
from bot.sandbox.slack.envelopes import ACK_SECONDS, Ack, Envelope


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's ``X-Slack-Signature``, version 0."""
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return f"v0={digest.hexdigest()}"


class HttpMode:
    """Posts envelopes to the app.

    Fault operation ``http:deliver``: drop_after loses the answer, any other kind but delay sends nothing.
    """

    def __init__(self, secret: str, faults: Faults, clock: Callable[[], float]) -> None:
        self._secret = secret
        self._faults = faults
        self._clock = clock
        self.request_url: str | None = None

    async def deliver(self, envelope: Envelope) -> Ack:
        """POST and read the acknowledgement."""
        fault = self._faults.take("http:deliver")
        if fault is not None and fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        elif fault is not None and fault.kind != "drop_after":
            return Ack(error="dispatch_failed")
        ack = await asyncio.to_thread(self._post, envelope)
        return Ack(error="operation_timeout") if fault is not None and fault.kind == "drop_after" else ack

    def _post(self, envelope: Envelope) -> Ack:
        content_type, body = _body(envelope)
        timestamp = str(int(self._clock()))
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self._secret, timestamp, body),
        }
        if envelope.retry_attempt:
            headers["X-Slack-Retry-Num"] = str(envelope.retry_attempt)
            headers["X-Slack-Retry-Reason"] = envelope.retry_reason
        try:
            response = requests.post(self.request_url or "", data=body, headers=headers, timeout=ACK_SECONDS)
        except requests.Timeout:
            return Ack(error="operation_timeout")
        except requests.RequestException:
            return Ack(error="dispatch_failed")
        if response.status_code != 200:
            return Ack(error="dispatch_failed")
        return Ack(_answer(response))


def _body(envelope: Envelope) -> tuple[str, bytes]:
    form = "application/x-www-form-urlencoded"
    if envelope.type == "slash_commands":
        return form, urlencode(envelope.payload).encode()
    if envelope.type == "interactive":
        return form, urlencode({"payload": json.dumps(envelope.payload)}).encode()
    return "application/json", json.dumps(envelope.payload).encode()


def _answer(response: requests.Response) -> JsonObject | str | None:
    if not response.content:
        return None
    if response.headers.get("Content-Type", "").startswith("application/json"):
        try:
            body = response.json()
        except ValueError:
            return response.text
        return body if isinstance(body, dict) else response.text
    return {"text": response.text}
