"""A person in Slack, over HTTP alone, so that a player in another process can be one."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

TIMEOUT_SECONDS = 20
GLANCE_SECONDS = 0.05


@dataclass(frozen=True)
class Answer:
    """What a command showed: the private text, empty if there was none, and the view that it opened."""

    text: str
    view: dict[str, Any] | None


class AppSilent(Exception):
    """The app did not answer in time: what Slack's client shows as a failed command or interaction."""


class SlackPerson:
    """One user's hands and eyes. What the message or modal does not show raises LookupError."""

    def __init__(self, url: str, user_id: str) -> None:
        self._url = url.rstrip("/")
        self._user = user_id

    def command(self, text: str, *, repeat: bool = False) -> Answer:
        """Run the slash command with this text; ``repeat`` delivers the same event twice."""
        shown = self._post("command", {"text": text, "repeat": repeat})
        return Answer(str(shown["text"]), shown["view"])

    def wait_for_view(self, seconds: float = 10) -> dict[str, Any]:
        """Return the modal that is open, waiting for one. Raises LookupError."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            view = self._get("view")
            if view is not None:
                return dict(view)
            time.sleep(GLANCE_SECONDS)
        raise LookupError("no modal was opened")

    def choose(self, view_id: str, block_id: str, value: Any) -> dict[str, Any]:
        """Change one control of a modal; return the modal as it is then."""
        return dict(self._post("choose", {"view_id": view_id, "block_id": block_id, "value": value}))

    def submit(self, view_id: str, values: Mapping[str, Any], *, repeat: bool = False) -> dict[str, str]:
        """Enter values by block id and submit; return the errors at the fields, none when it was taken."""
        return dict(self._post("submit", {"view_id": view_id, "values": dict(values), "repeat": repeat}))

    def messages(self, thread_ts: str | None = None) -> list[dict[str, Any]]:
        """Return the channel's messages, or a thread with its parent, as this user sees them, oldest first."""
        shown: list[dict[str, Any]] = self._get("messages", **({"thread_ts": thread_ts} if thread_ts else {}))
        return shown

    def tick(self, ts: str, block_id: str, *values: str, version: int | None = None, repeat: bool = False) -> None:
        """Tick boxes beside those that are ticked; ``block_id`` may be how the id begins."""
        ticked = self._ticked(ts, block_id)
        self._tick(ts, block_id, [*ticked, *(value for value in values if value not in ticked)], version, repeat)

    def untick(self, ts: str, block_id: str, *values: str, version: int | None = None, repeat: bool = False) -> None:
        """Untick boxes."""
        left = [value for value in self._ticked(ts, block_id) if value not in values]
        self._tick(ts, block_id, left, version, repeat)

    def select(
        self, ts: str, block_id: str, values: list[str], *, version: int | None = None, repeat: bool = False
    ) -> None:
        """Send a whole selection of checkboxes, such as one made on an older ``version`` of the message."""
        self._tick(ts, block_id, values, version, repeat)

    def click(
        self,
        ts: str,
        action_id: str,
        value: str | None = None,
        *,
        version: int | None = None,
        repeat: bool = False,
    ) -> None:
        """Click a button."""
        self._act(ts, "", action_id, value, version, repeat)

    def pick(self, ts: str, action_id: str, value: str, *, version: int | None = None, repeat: bool = False) -> None:
        """Choose an option of radio buttons or of a select in a message."""
        self._act(ts, "", action_id, value, version, repeat)

    def state(self) -> dict[str, Any]:
        """Return everything there is: messages, views, warnings, failures, calls."""
        return dict(self._get("state"))

    def _ticked(self, ts: str, block_id: str) -> list[str]:
        for message in [*self.messages(), *self.messages(ts)]:
            if message["ts"] == ts:
                for block in message.get("blocks", ()):
                    for element in block.get("elements", ()):
                        if block["block_id"].startswith(block_id) and element.get("type") == "checkboxes":
                            return [option["value"] for option in element.get("initial_options", ())]
        raise LookupError(f"the message {ts} shows no checkboxes in a block {block_id}")

    def _tick(self, ts: str, block_id: str, values: list[str], version: int | None, repeat: bool) -> None:
        self._act(ts, block_id, "ticks", values, version, repeat)

    def _act(self, ts: str, block_id: str, action_id: str, value: Any, version: int | None, repeat: bool) -> None:
        given = {"ts": ts, "block_id": block_id, "action_id": action_id, "value": value}
        self._post("act", given | {"version": version, "repeat": repeat})

    def _get(self, what: str, **query: str) -> Any:
        answer = requests.get(
            f"{self._url}/_sandbox/{what}", params={"user": self._user, **query}, timeout=TIMEOUT_SECONDS
        )
        return _checked(answer)

    def _post(self, what: str, given: Mapping[str, Any]) -> Any:
        answer = requests.post(
            f"{self._url}/_sandbox/{what}", json={"user": self._user, **given}, timeout=TIMEOUT_SECONDS
        )
        return _checked(answer)


def _checked(answer: requests.Response) -> Any:
    if answer.status_code == 404:
        raise LookupError(answer.json()["text"])
    if answer.status_code == 504:
        raise AppSilent(answer.json()["text"])
    answer.raise_for_status()
    return answer.json()
