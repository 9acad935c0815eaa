"""Signed clicks at a fixed rate, as Slack posts them, and how long each waited for its acknowledgement."""

import http.client
import json
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from bot.sandbox.slack.entities import APP_ID, TEAM_ID

# Enough that none waits for another while the app answers within Slack's three seconds.
SENDERS = 24
SLACK_PATIENCE = 3.0
PATIENCE = 30.0

Payload = Mapping[str, Any]


@dataclass(frozen=True)
class Acks:
    """How long acknowledgements took, in seconds from the moment that each click was due, in the order sent."""

    seconds: tuple[float, ...]

    def percentile(self, percent: float) -> float:
        """The value that so many percent of all acknowledgements did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    @property
    def longest(self) -> float:
        """The longest of all."""
        return max(self.seconds)


class Unanswered(Exception):
    """A click got no acknowledgement, or another answer than 200; the reason in words."""


def parents(api_url: str, token: str, channel: str) -> dict[str, Payload]:
    """Read every parent message of the channel, by the onboarding's key."""
    client = WebClient(token=token, base_url=api_url)
    found: dict[str, Payload] = {}
    cursor: str | None = None
    while True:
        page = client.conversations_history(channel=channel, limit=200, cursor=cursor, include_all_metadata=True)
        for message in page["messages"]:
            key = ((message.get("metadata") or {}).get("event_payload") or {}).get("key")
            if key:
                found[str(key)] = message
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return found


def tick(message: Payload, channel: str, step: str, boxes: int, *, number: int) -> Payload:
    """Return the event of ticking the first ``boxes`` boxes of a step on a parent message, of this number."""
    block = next(
        block
        for block in message["blocks"]
        if block.get("block_id", "").startswith(f"{step}:") and block["block_id"].endswith(":ticks")
    )
    element = block["elements"][0]
    selected = element["options"][:boxes]
    moment = f"{time.time():.6f}"
    return {
        "type": "block_actions",
        "user": {"id": "U0MANAGER", "username": "manager", "name": "manager", "team_id": TEAM_ID},
        "api_app_id": APP_ID,
        "token": "bench",
        "team": {"id": TEAM_ID, "domain": "bench"},
        "enterprise": None,
        "is_enterprise_install": False,
        "trigger_id": f"bench.{number}",
        "container": {"type": "message", "message_ts": message["ts"], "channel_id": channel, "is_ephemeral": False},
        "channel": {"id": channel, "name": "onboarding"},
        "state": {"values": {block["block_id"]: {"ticks": {"type": "checkboxes", "selected_options": selected}}}},
        "message": message,
        "actions": [
            {
                "action_id": element["action_id"],
                "block_id": block["block_id"],
                "type": "checkboxes",
                "selected_options": selected,
                "action_ts": moment,
            }
        ],
    }


class Sender:
    """Posts events to one address. ``secret`` signs them."""

    def __init__(self, url: str, secret: str) -> None:
        parsed = urlsplit(url)
        assert parsed.hostname is not None
        self._host, self._port, self._path = parsed.hostname, parsed.port, parsed.path
        self._verifier = SignatureVerifier(secret)

    def post(self, payload: Payload) -> None:
        """Post one event and wait for its acknowledgement. Raises Unanswered, and OSError when nobody listens."""
        with closing(self._connection()) as connection:
            self._post(payload, connection)

    def at_rate(self, payloads: Sequence[Payload], per_second: float) -> Acks:
        """Post all, each at its own time whether or not earlier ones are answered. Raises Unanswered."""
        took: list[float | None] = [None] * len(payloads)
        problems: list[str] = []
        begun = time.perf_counter() + 0.1
        turn = iter(range(len(payloads)))
        taking = threading.Lock()

        def send() -> None:
            connection = self._connection()
            while True:
                with taking:
                    number = next(turn, None)
                if number is None:
                    connection.close()
                    return
                due = begun + number / per_second
                time.sleep(max(0.0, due - time.perf_counter()))
                try:
                    self._post(payloads[number], connection)
                except (Unanswered, OSError, http.client.HTTPException) as problem:
                    problems.append(f"click {number}: {problem}")
                    connection.close()
                took[number] = time.perf_counter() - due

        senders = [threading.Thread(target=send, daemon=True) for _ in range(SENDERS)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        if problems:
            raise Unanswered(f"{len(problems)} of {len(payloads)} clicks: {problems[0]}")
        return Acks(tuple(one for one in took if one is not None))

    def _post(self, payload: Payload, connection: http.client.HTTPConnection) -> None:
        body = urlencode({"payload": json.dumps(payload)})
        moment = str(int(time.time()))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": moment,
            "X-Slack-Signature": self._verifier.generate_signature(timestamp=moment, body=body) or "",
        }
        connection.request("POST", self._path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != http.client.OK:
            raise Unanswered(f"{answer.status} {said[:200]!r}")

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._host, self._port or 80, timeout=PATIENCE)
