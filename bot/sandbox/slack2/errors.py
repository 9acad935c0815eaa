"""The answer Slack gives when it refuses a Web API call."""

from collections.abc import Sequence
from typing import Any


class SlackError(Exception):
    """A refusal: ``code`` is Slack's own word for it, ``messages`` go to ``response_metadata.messages``."""

    def __init__(self, code: str, messages: Sequence[str] = (), **extra: object) -> None:
        super().__init__(code)
        self.code = code
        self.messages = tuple(messages)
        self.extra = extra

    def as_json(self) -> dict[str, Any]:
        """The body of the answer, always with HTTP status 200."""
        body: dict[str, Any] = {"ok": False, "error": self.code, **self.extra}
        if self.messages:
            body["errors"] = list(self.messages)
            body["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        return body
