"""What a person does in Slack's client, as the payloads that reach the app, and what its answers change.

A person can only use what the message or modal shows: anything else is a LookupError.
"""

import copy
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.sandbox.slack2.blocks import check_view, elements_of
from bot.sandbox.slack2.delivery import Kind, NotAnswered
from bot.sandbox.slack2.entities import APP_ID, TEAM_ID, JsonObject, Message, User, Version, View
from bot.sandbox.slack2.methods import INITIAL, replace_view, shown_view, state_of
from bot.sandbox.slack2.workspace import Workspace

Deliver = Callable[[Kind, JsonObject], Awaitable[JsonObject]]


class Deeds:
    """The people's hands. ``deliver`` brings a payload to the app and returns its acknowledgement."""

    def __init__(self, workspace: Workspace, deliver: Deliver, *, command: str, base_url: Callable[[], str]) -> None:
        self._workspace = workspace
        self._deliver = deliver
        self._command = command
        self._base_url = base_url

    async def command(self, user_id: str, text: str, *, channel: str, repeat: bool = False) -> JsonObject:
        """Run the slash command; return what is shown to the person: ``text`` and the view that opened, if any."""
        user, place = self._user(user_id), self._workspace.channel(channel)
        before = set(self._workspace.views)
        payload = {
            "token": "sandbox",
            "team_id": TEAM_ID,
            "team_domain": "sandbox",
            "channel_id": place.id,
            "channel_name": place.name,
            "user_id": user.id,
            "user_name": user.name,
            "command": self._command,
            "text": text,
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": self._response_url(user.id, place.id),
            "trigger_id": self._workspace.new_trigger(user.id),
        }
        answer = await self._send(user, f"{self._command} {text}", "slash_commands", payload, repeat=repeat)
        if answer.get("text") or answer.get("blocks"):
            in_channel = answer.get("response_type") == "in_channel"
            self._workspace.post(
                place.id,
                self._workspace.bot.id,
                text=str(answer.get("text", "")),
                blocks=answer.get("blocks"),
                ephemeral_to=None if in_channel else user.id,
            )
        opened = [view for id_, view in self._workspace.views.items() if id_ not in before and view.user == user.id]
        return {"text": answer.get("text", ""), "view": shown_view(self._workspace, opened[-1]) if opened else None}

    async def act(
        self,
        user_id: str,
        *,
        channel: str,
        ts: str,
        block_id: str,
        action_id: str,
        value: Any,
        version: int | None = None,
        repeat: bool = False,
    ) -> JsonObject:
        """Use a control of a message: click a button, change a selection; ``version`` is an older state of it."""
        user, message = self._user(user_id), self._workspace.find(channel, ts)
        if message is None:
            raise LookupError(f"there is no message {ts}")
        shown = message.current if version is None else message.versions[version]
        block, element = _control(shown.blocks, block_id, action_id, value)
        change = _change(element, value)
        payload = self._block_actions(user, block, element, change)
        payload |= self._of_message(user, message, shown, block, element, change)
        return await self._send(user, f"{action_id} on {ts}", "interactive", payload, repeat=repeat)

    async def choose(self, user_id: str, view_id: str, block_id: str, value: Any) -> JsonObject:
        """Change a control of a modal; the app hears of it where the control dispatches. Return the view after it."""
        user, view = self._user(user_id), self._open_view(view_id, user_id)
        block, element = _first_control(view.blocks, block_id)
        change = _change(element, value)
        view.selections.setdefault(block["block_id"], {})[element["action_id"]] = {"type": element["type"], **change}
        if block["type"] == "actions" or block.get("dispatch_action"):
            payload = self._block_actions(user, block, element, change)
            payload["view"] = shown_view(self._workspace, view)
            payload["container"] = {"type": "view", "view_id": view.id}
            await self._send(user, f"{element['action_id']} in {view_id}", "interactive", payload)
        return shown_view(self._workspace, view)

    async def submit(
        self, user_id: str, view_id: str, values: Mapping[str, Any], *, repeat: bool = False
    ) -> dict[str, str]:
        """Enter values by block id and submit a modal; return the errors at its fields, none when it was taken."""
        for block_id, value in values.items():
            entered = state_of(self._open_view(view_id, user_id).blocks, self._open_view(view_id, user_id).selections)
            if _value_of(entered.get(block_id, {})) != value:
                await self.choose(user_id, view_id, block_id, value)
        user, view = self._user(user_id), self._open_view(view_id, user_id)
        missing = _missing(view)
        if missing:
            # Slack's client does not send a modal while a required input is empty.
            return dict.fromkeys(missing, "This field is required.")
        payload: JsonObject = {
            "type": "view_submission",
            **self._common(user),
            "view": shown_view(self._workspace, view),
            "response_urls": [],
        }
        answer = await self._send(user, f"submit {view_id}", "interactive", payload, repeat=repeat)
        return self._after_submit(view, answer)

    def _after_submit(self, view: View, answer: JsonObject) -> dict[str, str]:
        match answer.get("response_action"):
            case "errors":
                inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
                errors = {str(block): str(text) for block, text in (answer.get("errors") or {}).items()}
                if not errors or not errors.keys() <= inputs:
                    raise NotAnswered(f"the app answered errors for blocks that are no inputs: {sorted(errors)}")
                view.errors = errors
                return errors
            case "update":
                problems = check_view(answer.get("view"))
                if problems:
                    raise NotAnswered(f"the app answered a view that Slack refuses: {problems[0]}")
                replace_view(view, answer["view"])
                return {}
            case "clear":
                for each in self._workspace.modals.get(view.user, []):
                    each.is_open = False
                self._workspace.modals[view.user] = []
                return {}
            case _:
                view.is_open = False
                stack = self._workspace.modals.get(view.user, [])
                if view in stack:
                    stack.remove(view)
                return {}

    async def _send(
        self, user: User, deed: str, kind: Kind, payload: JsonObject, *, repeat: bool = False
    ) -> JsonObject:
        try:
            answer = await self._deliver(kind, payload)
            if repeat:
                await self._deliver(kind, copy.deepcopy(payload))
        except NotAnswered as silence:
            self._workspace.fail(user.id, deed, str(silence))
            raise
        return answer

    def _block_actions(self, user: User, block: JsonObject, element: JsonObject, change: JsonObject) -> JsonObject:
        action = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "action_ts": self._workspace.next_ts(),
            **change,
        }
        if element["type"] == "button":
            action |= {"value": element.get("value", ""), "text": element["text"]}
        return {"type": "block_actions", **self._common(user), "actions": [action]}

    def _of_message(
        self,
        user: User,
        message: Message,
        shown: Version,
        block: JsonObject,
        element: JsonObject,
        change: JsonObject,
    ) -> JsonObject:
        chosen = self._workspace.selections.setdefault((message.channel, message.ts), {})
        if element["type"] in INITIAL:
            chosen.setdefault(block["block_id"], {})[element["action_id"]] = {"type": element["type"], **change}
        return {
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": message.channel,
                "is_ephemeral": message.ephemeral_to is not None,
                **({"thread_ts": message.thread_ts} if message.thread_ts else {}),
            },
            "channel": {"id": message.channel, "name": self._workspace.channel(message.channel).name},
            "message": message.as_json(metadata=True, version=shown),
            "state": {"values": state_of(shown.blocks, chosen)},
            "response_url": self._response_url(user.id, message.channel),
        }

    def _common(self, user: User) -> JsonObject:
        return {
            "team": {"id": TEAM_ID, "domain": "sandbox"},
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": TEAM_ID},
            "api_app_id": APP_ID,
            "token": "sandbox",
            "trigger_id": self._workspace.new_trigger(user.id),
            "is_enterprise_install": False,
            "enterprise": None,
        }

    def _response_url(self, user: str, channel: str) -> str:
        return f"{self._base_url()}/response/{self._workspace.new_response_url(user, channel)}"

    def _user(self, user_id: str) -> User:
        user = self._workspace.users.get(user_id)
        if user is None or user.is_bot:
            raise LookupError(f"there is no person {user_id}")
        return user

    def _open_view(self, view_id: str, user_id: str) -> View:
        view = self._workspace.views.get(view_id)
        if view is None or not view.is_open or view.user != user_id:
            raise LookupError(f"no open view {view_id} of {user_id}")
        return view


def _control(blocks: list[JsonObject], block_id: str, action_id: str, value: Any) -> tuple[JsonObject, JsonObject]:
    """Find a control by action id; ``block_id`` may be the whole id or how it begins, a button's value tells more."""
    for block in blocks:
        if not str(block.get("block_id", "")).startswith(block_id):
            continue
        for element in elements_of(block):
            if element.get("action_id") != action_id:
                continue
            if element["type"] == "button" and value not in {None, element.get("value")}:
                continue
            return block, element
    raise LookupError(f"the message shows no {action_id} in a block {block_id or 'of any id'} (value {value!r})")


def _first_control(blocks: list[JsonObject], block_id: str) -> tuple[JsonObject, JsonObject]:
    for block in blocks:
        if block.get("block_id") == block_id:
            for element in elements_of(block):
                if element.get("type") in INITIAL:
                    return block, element
    raise LookupError(f"the view has no input {block_id}")


def _change(element: JsonObject, value: Any) -> JsonObject:
    """Return what a person's use of a control puts into its state. Raises LookupError for what it does not offer."""
    kind = element["type"]
    if kind == "button":
        return {}
    name = INITIAL[kind][1]
    if kind in {"plain_text_input", "datepicker"}:
        return {name: value or None}
    offered = {option["value"]: option for option in element["options"]}
    wanted = list(value) if kind == "checkboxes" else [value]
    unknown = [each for each in wanted if each not in offered]
    if unknown:
        raise LookupError(f"{element['action_id']} offers {sorted(offered)}, not {unknown}")
    if kind == "checkboxes":
        return {name: [option for key, option in offered.items() if key in wanted]}
    return {name: offered[value]}


def _value_of(elements: Mapping[str, JsonObject]) -> Any:
    for entered in elements.values():
        option = entered.get("selected_option")
        return option["value"] if option else entered.get("value", entered.get("selected_date"))
    return None


def _missing(view: View) -> list[str]:
    entered = state_of(view.blocks, view.selections)
    return [
        block["block_id"]
        for block in view.blocks
        if block["type"] == "input"
        and not block.get("optional")
        and not any(
            each.get(name)
            for each in entered.get(block["block_id"], {}).values()
            for name in ("value", "selected_option", "selected_options", "selected_date")
        )
    ]
