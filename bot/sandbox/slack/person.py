"""A person in Slack, over HTTP alone, so that a player in another process can be one."""

import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

_REQUEST_SECONDS = 30
_GLANCE_SECONDS = 0.02


@dataclass(frozen=True)
class Answer:
    """What a command showed: its text, empty if there was none, its messages whole, and the view that is open."""

    text: str
    messages: tuple[dict[str, Any], ...]
    view: dict[str, Any] | None


class AppSilent(Exception):
    """What Slack's client shows when the app did not answer, or answered nonsense; ``args[0]`` is its error.

    ``operation_timeout``, ``dispatch_failed``, ``invalid_command_response`` or ``invalid_response``.
    """


class SlackPerson:
    """One user's hands and eyes, in one channel. Acting on what is not shown raises LookupError.

    Every act may raise AppSilent. A block id may be given by its beginning. ``repeat`` delivers the very same
    envelope twice, as Slack does now and then; ``version`` acts on an older version of a message (0 is the first),
    as somebody does whose screen lags behind.
    """

    def __init__(self, url: str, user_id: str, *, channel: str = "C0ONBOARD", command: str = "/onboard") -> None:
        self._url = f"{url.rstrip('/')}/_sandbox"
        self._user = user_id
        self._channel = channel
        self._command = command

    # Doing

    def command(self, text: str = "", *, command: str | None = None, repeat: bool = False) -> Answer:
        """Run a slash command; what it answered at once and the view that is open now."""
        name = command or self._command
        body = {"command": name, "text": text, "channel": self._channel, "repeat": repeat}
        shown = self._post("command", body)
        texts = [str(message["text"]) for message in shown["messages"]]
        return Answer("\n".join(texts), tuple(shown["messages"]), shown["view"])

    def say(self, text: str, *, thread_ts: str | None = None, files: Mapping[str, bytes] | None = None) -> str:
        """Post a message, with files or without; return its ts."""
        attached = [{"name": name, "base64": b64encode(content).decode()} for name, content in (files or {}).items()]
        body = {"channel": self._channel, "text": text, "thread_ts": thread_ts, "files": attached}
        return str(self._post("say", body)["messages"][0]["ts"])

    def click(
        self,
        ts: str,
        action_id: str,
        value: str | None = None,
        *,
        block_id: str | None = None,
        version: int | None = None,
        repeat: bool = False,
    ) -> None:
        """Click a button of a message."""
        self._act("click", ts, block_id, action_id, value, version, repeat)

    def tick(
        self, ts: str, block_id: str | None, *values: str, version: int | None = None, repeat: bool = False
    ) -> None:
        """Tick boxes beside those that are ticked; the whole selection is sent, as Slack does."""
        self._act("tick", ts, block_id, None, list(values), version, repeat)

    def untick(
        self, ts: str, block_id: str | None, *values: str, version: int | None = None, repeat: bool = False
    ) -> None:
        """Untick boxes."""
        self._act("untick", ts, block_id, None, list(values), version, repeat)

    def select(
        self, ts: str, block_id: str, values: list[str], *, version: int | None = None, repeat: bool = False
    ) -> None:
        """Leave exactly these boxes ticked."""
        self._act("choose", ts, block_id, None, values, version, repeat)

    def pick(
        self,
        ts: str,
        action_id: str,
        value: str,
        *,
        block_id: str | None = None,
        version: int | None = None,
        repeat: bool = False,
    ) -> None:
        """Choose an option of radio buttons, a select or an overflow menu in a message."""
        self._act("choose", ts, block_id, action_id, value, version, repeat)

    def choose(
        self, view_id: str | None, block_id: str, value: Any, *, action_id: str | None = None, repeat: bool = False
    ) -> dict[str, Any] | None:
        """Enter something in a view (None: the modal on top); return the modal that is on top then.

        The app hears of it at once where the element dispatches; text, date, option value, or a list of them.
        """
        body = {"deed": "choose", "view_id": view_id, "block_id": block_id, "action_id": action_id}
        view: dict[str, Any] | None = self._post("act", {**body, "value": value, "repeat": repeat})["view"]
        return view

    def enter_files(self, view_id: str | None, block_id: str, files: Mapping[str, bytes]) -> None:
        """Enter files, by name, in a view (None: the modal on top)."""
        attached = [{"name": name, "base64": b64encode(content).decode()} for name, content in files.items()]
        self._post("act", {"deed": "choose", "view_id": view_id, "block_id": block_id, "files": attached})

    def press(self, view_id: str | None, action_id: str, value: str | None = None, *, repeat: bool = False) -> None:
        """Click a button in a modal or on the Home tab."""
        body = {"deed": "click", "view_id": view_id, "action_id": action_id, "value": value}
        self._post("act", {**body, "repeat": repeat})

    def submit(
        self, view_id: str | None = None, values: Mapping[str, Any] | None = None, *, repeat: bool = False
    ) -> dict[str, str]:
        """Enter values by block id and submit; the complaints by block id, none when the view was taken.

        A block that is not shown yet is waited for: a choice made before it may bring it.
        """
        for block_id, value in (values or {}).items():
            self._wait_for_block(block_id)
            self.choose(view_id, block_id, value)
        return dict(self._post("submit", {"view_id": view_id, "repeat": repeat})["errors"])

    def close(self, view_id: str | None = None) -> None:
        """Close a modal without submitting it."""
        self._post("close", {"view_id": view_id})

    def shortcut(self, callback_id: str, ts: str | None = None, *, repeat: bool = False) -> dict[str, Any] | None:
        """Use a shortcut, on a message where a ts is given; return the modal that is on top then."""
        body = {"callback_id": callback_id, "repeat": repeat} | ({"channel": self._channel, "ts": ts} if ts else {})
        view: dict[str, Any] | None = self._post("shortcut", body)["view"]
        return view

    def open_home(self) -> None:
        """Open the app's Home tab."""
        self._post("home", None)

    # Seeing

    def messages(self, thread_ts: str | None = None) -> list[dict[str, Any]]:
        """The channel, or a thread with its parent, as this user sees it, oldest first.

        Besides Slack's own members: ``versions`` (how many), ``ephemeral``, and ``selected``, what the user sees in
        each control (``block_id/action_id`` to its state).
        """
        query = {"channel": self._channel} | ({"ts": thread_ts} if thread_ts else {})
        shown: list[dict[str, Any]] = self._get("thread" if thread_ts else "messages", **query)
        return shown

    def view(self) -> dict[str, Any] | None:
        """The modal on top, with the ``errors`` it shows; None when there is none."""
        view: dict[str, Any] | None = self._get("view")
        return view

    def wait_for_view(self, seconds: float = 10, *, callback_id: str | None = None) -> dict[str, Any]:
        """The modal on top, as soon as there is one (with that callback id). Raises LookupError."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            view = self.view()
            if view is not None and callback_id in {None, view["callback_id"]}:
                return view
            time.sleep(_GLANCE_SECONDS)
        raise LookupError("no modal was opened")

    def home(self) -> dict[str, Any] | None:
        """The Home tab; None before the app has published it."""
        view: dict[str, Any] | None = self._get("home")
        return view

    def state(self) -> dict[str, Any]:
        """Everything there is: messages, views, warnings, failures, calls."""
        answer = requests.get(f"{self._url}/state", timeout=_REQUEST_SECONDS)
        return dict(_checked(answer))

    def _wait_for_block(self, block_id: str, seconds: float = 3) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            view = self.view()
            if view is not None and any(block["block_id"].startswith(block_id) for block in view["blocks"]):
                return
            time.sleep(_GLANCE_SECONDS)
        raise LookupError(f"the modal on top shows no block {block_id!r}")

    def _act(
        self,
        deed: str,
        ts: str,
        block_id: str | None,
        action_id: str | None,
        value: Any,
        version: int | None,
        repeat: bool,
    ) -> None:
        body = {"deed": deed, "channel": self._channel, "ts": ts, "block_id": block_id, "action_id": action_id}
        shown = -1 if version is None else version
        self._post("act", {**body, "value": value, "version": shown, "repeat": repeat})

    def _get(self, what: str, **query: str) -> Any:
        address = f"{self._url}/people/{self._user}/{what}"
        return _checked(requests.get(address, params=query, timeout=_REQUEST_SECONDS))

    def _post(self, what: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        address = f"{self._url}/people/{self._user}/{what}"
        outcome: dict[str, Any] = _checked(requests.post(address, json=body, timeout=_REQUEST_SECONDS))
        if outcome["error"] is not None:
            raise AppSilent(outcome["error"])
        return outcome


def _checked(answer: requests.Response) -> Any:
    if answer.status_code == 404:
        raise LookupError(answer.json()["lookup"])
    answer.raise_for_status()
    return answer.json()
