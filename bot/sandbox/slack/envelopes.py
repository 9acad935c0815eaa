"""What Slack sends to an app, and what comes back, whichever way it travels."""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from uuid import uuid4

from bot.sandbox.slack.entities import JsonObject

EnvelopeType = Literal["slash_commands", "interactive", "events_api"]
ACK_SECONDS = 3.0


@dataclass(frozen=True)
class Envelope:
    """One delivery. The app must acknowledge it within three seconds, the same id each time it is repeated."""

    type: EnvelopeType
    payload: JsonObject
    id: str = field(default_factory=lambda: str(uuid4()))
    retry_attempt: int = 0
    retry_reason: str = ""

    @property
    def accepts_response_payload(self) -> bool:
        """Whether an answer in the acknowledgement means anything."""
        return self.type != "events_api"


@dataclass(frozen=True)
class Ack:
    """The app's answer: ``error`` is what the user's client shows when there was none in time."""

    body: Any = None
    error: str | None = None


class Courier(Protocol):
    """Brings an envelope to the app and waits for its acknowledgement."""

    async def deliver(self, envelope: Envelope) -> Ack:
        """Never raises: a failure to reach the app is an Ack with an error."""
        ...
