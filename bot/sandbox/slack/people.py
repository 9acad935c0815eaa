"""What people do in Slack's client: commands, clicks, forms. Each act reaches the app as Slack would bring it.

A person can only act on what is shown: an unknown command, element, option or view is a LookupError.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from bot.sandbox.slack import payloads
from bot.sandbox.slack.answers import post_answer
from bot.sandbox.slack.controls import (
    Control,
    chosen_option,
    chosen_options,
    chosen_state,
    complaint,
    controls,
    find_control,
    shown_state,
)
from bot.sandbox.slack.entities import Channel, JsonObject, Message, ResponseUrl, Upload, User, View
from bot.sandbox.slack.envelopes import Ack, Courier, Envelope, EnvelopeType
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.methods import modals
from bot.sandbox.slack.methods.conversations import described
from bot.sandbox.slack.methods.files import file_json
from bot.sandbox.slack.workspace import Workspace

ShortcutKind = Literal["global", "message"]


class People:
    """The acts of all users; the courier brings what follows from them to the app.

    ``events`` are the event types that the app hears of, ``shortcuts`` the callback ids of its shortcuts.
    ``retry_seconds`` are the pauses before an event that was not acknowledged is sent again (Slack: at once, after a
    minute, after five), ``redelivery_seconds`` those before a command or an interaction that was not acknowledged is
    delivered again, the very same envelope; none: the person sees the failure at once.
    """

    def __init__(
        self,
        workspace: Workspace,
        courier: Courier,
        *,
        commands: Collection[str],
        events: Collection[str],
        retry_seconds: Sequence[float],
        redelivery_seconds: Sequence[float] = (),
        shortcuts: Mapping[str, ShortcutKind] | None = None,
    ) -> None:
        self._workspace = workspace
        self._courier = courier
        self._commands = frozenset(commands)
        self._events = frozenset(event.partition(".")[0] for event in events)
        self.shortcuts = dict(shortcuts or {})
        self._retry_seconds = tuple(retry_seconds)
        self.redelivery_seconds = tuple(redelivery_seconds)
        self._deliveries: set[asyncio.Task[None]] = set()

    # Who is where

    def person(self, user: str) -> User:
        """A human member of the workspace. Raises LookupError."""
        found = self._workspace.users.get(user)
        if found is None or found.is_bot or found.deleted:
            raise LookupError(f"there is no person {user} in this workspace")
        return found

    def conversation(self, user: str, channel: str) -> Channel:
        """The channel or direct conversation, where this person is in it. Raises LookupError."""
        self.person(user)
        try:
            found = self._workspace.channel(channel)
        except SlackError:
            raise LookupError(f"there is no channel {channel!r}") from None
        if user not in found.members:
            raise LookupError(f"{user} is not in {found.id}")
        return found

    # Commands and messages

    async def command(self, user: str, channel: str, command: str, text: str, *, repeat: bool = False) -> JsonObject:
        """Run a slash command; its answer, or what the client shows when there is none in time."""
        if command not in self._commands:
            raise LookupError(f"{command} is not a valid command; there is {sorted(self._commands)}")
        place = self.conversation(user, channel)
        payload = payloads.slash_command(self._workspace, user, place.id, command, text)
        acks = await self._deliver("slash_commands", payload, repeat=repeat)
        shown: list[JsonObject] = []
        error = self._failed(user, f"{command} {text}".strip(), acks)
        for ack in acks:
            body = {"text": ack.body} if isinstance(ack.body, str) else ack.body
            if ack.error is None and body:
                link = ResponseUrl(user, payload["channel_id"], self._workspace.clock())
                try:
                    message = post_answer(self._workspace, link, body)
                except SlackError as refusal:
                    self._workspace.warn(f"{command}: answer refused, {refusal.as_json()}")
                    error = "invalid_command_response"
                    self._workspace.fail(user, command, error)
                else:
                    shown.extend([described(self._workspace, message)] if message else [])
        return self._outcome(user, error, messages=shown)

    async def say(
        self,
        user: str,
        channel: str,
        text: str,
        thread_ts: str | None = None,
        files: Sequence[tuple[str, bytes]] = (),
    ) -> JsonObject:
        """Post as a person, with files or without; the app hears of it if it subscribes to messages."""
        shown = self.conversation(user, channel)
        if thread_ts and self._workspace.find(shown.id, thread_ts) is None:
            raise LookupError(f"no message {thread_ts} to answer")
        attached = [self._attach(user, name, content) for name, content in files]
        message = self._workspace.post(shown.id, user, text=text, thread_ts=thread_ts, files=attached)
        # An app hears of a channel that it is in, and of no other.
        hears = self._events if self._workspace.bot.id in shown.members else frozenset()
        if "message" in hears:
            self.announce(payloads.message_event(self._workspace, message))
        if "file_shared" in hears:
            for file in attached:
                body = {
                    "type": "file_shared",
                    "file_id": file["id"],
                    "user_id": user,
                    "channel_id": shown.id,
                    "file": {"id": file["id"]},
                }
                self.announce(payloads.event(self._workspace, body))
        return self._outcome(user, None, messages=[described(self._workspace, message)])

    def _attach(self, user: str, name: str, content: bytes, *, entered: bool = False) -> JsonObject:
        upload = Upload(self._workspace.new_id("F"), name, len(content), user, content, shared=True, entered=entered)
        self._workspace.uploads[upload.id] = upload
        return file_json(self._workspace, upload)

    async def open_home(self, user: str) -> JsonObject:
        """Look at the Home tab."""
        self.person(user)
        if "app_home_opened" in self._events:
            home = self._workspace.homes.get(user)
            channel = self._workspace.direct(user).id
            body: JsonObject = {"type": "app_home_opened", "user": user, "channel": channel, "tab": "home"}
            if home is not None:
                body["view"] = modals.view_json(home)
            self.announce(payloads.event(self._workspace, body))
        return self._outcome(user, None)

    # Shortcuts

    async def shortcut(
        self, user: str, callback_id: str, *, channel: str | None = None, ts: str | None = None, repeat: bool = False
    ) -> JsonObject:
        """Use a shortcut of the app: a global one, or one on a message that is shown."""
        kind: ShortcutKind = "message" if ts else "global"
        if self.shortcuts.get(callback_id) != kind:
            raise LookupError(f"{callback_id} is no {kind} shortcut; there is {self.shortcuts}")
        if channel is not None and ts is not None:
            message = self._workspace.find(self.conversation(user, channel).id, ts)
            if message is None or message.ephemeral_to is not None:
                raise LookupError(f"no message {ts} in {channel} on which {user} can use a shortcut")
            payload = payloads.message_shortcut(self._workspace, user, message, callback_id)
        else:
            payload = payloads.shortcut(self._workspace, self.person(user).id, callback_id)
        return await self._interact(user, f"shortcut {callback_id}", payload, repeat=repeat)

    # Messages and their controls

    async def act_on_message(
        self,
        user: str,
        channel: str,
        ts: str,
        deed: str,
        *,
        action_id: str | None,
        block_id: str | None = None,
        value: Any = None,
        version: int = -1,
        repeat: bool = False,
    ) -> JsonObject:
        """Click, tick, untick or choose in one version of a message; -1 is the one shown now."""
        message = self._workspace.find(self.conversation(user, channel).id, ts)
        if message is None or message.ephemeral_to not in {None, user}:
            raise LookupError(f"no message {ts} in {channel} that {user} sees")
        shown = message.versions[version]
        selections = self._workspace.selections.setdefault((message.ts, user), {})
        control, state = _acted(shown.blocks, selections, deed, action_id, block_id, value)
        if not control.dispatches:
            return self._outcome(user, None)
        entry = payloads.action(self._workspace, control, state)
        payload = payloads.message_action(self._workspace, user, message, shown, entry)
        return await self._interact(user, f"{deed} {control.action_id}", payload, repeat=repeat)

    # Views

    async def act_on_view(
        self,
        user: str,
        deed: str,
        *,
        view_id: str | None = None,
        action_id: str | None = None,
        block_id: str | None = None,
        value: Any = None,
        repeat: bool = False,
    ) -> JsonObject:
        """Enter, choose or click in the modal on top, or in another view (a Home tab) by its id.

        Files are entered as pairs of a name and its bytes.
        """
        view = self.view_of(user, view_id)
        if isinstance(value, list) and value and isinstance(value[0], tuple):
            value = [self._attach(user, name, content, entered=True) for name, content in value]
        control, state = _acted(view.blocks, view.selections, deed, action_id, block_id, value)
        view.errors.pop(control.block_id, None)
        if not control.dispatches:
            return self._outcome(user, None)
        entry = payloads.action(self._workspace, control, state)
        payload = payloads.view_action(self._workspace, view, entry)
        return await self._interact(user, f"{deed} {control.action_id}", payload, repeat=repeat)

    def view_of(self, user: str, view_id: str | None = None) -> View:
        """The view with this id, or the user's topmost modal. Raises LookupError."""
        stack = self._workspace.modals.get(self.person(user).id, [])
        if view_id is None:
            if not stack:
                raise LookupError(f"{user} has no view open")
            return stack[-1]
        view = self._workspace.views.get(view_id)
        if view is None or view.user != user or not view.is_open:
            raise LookupError(f"{user} has no view {view_id} open")
        return view

    async def submit(self, user: str, view_id: str | None = None, *, repeat: bool = False) -> JsonObject:
        """Press a modal's submit button: what the client or the app finds wrong, or what the view became."""
        view = self.view_of(user, view_id)
        if view.definition.get("submit") is None and not any(b["type"] == "input" for b in view.blocks):
            raise LookupError("this view has no submit button")
        view.errors = _complaints(view)
        if view.errors:
            return self._outcome(user, None, errors=view.errors, closed=False)
        payload = payloads.view_submission(self._workspace, view)
        acks = await self._deliver("interactive", payload, repeat=repeat)
        error = self._failed(user, f"submit {view.id}", acks)
        if error is None:
            try:
                self._apply(view, acks[0].body)
            except SlackError as refusal:
                self._workspace.warn(f"view_submission: answer refused, {refusal.as_json()}")
                error = "invalid_response"
                self._workspace.fail(user, f"submit {view.id}", error)
        return self._outcome(user, error, errors=view.errors, closed=not view.is_open)

    def _apply(self, view: View, body: Any) -> None:
        """Do what the acknowledgement of a submission asks for. Raises SlackError for what Slack cannot do."""
        if not body:
            modals.close_modal(self._workspace, view)
            return
        asked = body.get("response_action") if isinstance(body, dict) else None
        if asked == "errors":
            inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
            errors = body.get("errors")
            if not isinstance(errors, dict) or not errors or not inputs.issuperset(errors):
                raise SlackError("invalid_errors", [f"errors must name input blocks, not {errors}"])
            view.errors = {str(block_id): str(text) for block_id, text in errors.items()}
        elif asked == "clear":
            modals.clear_modals(self._workspace, view.user)
        elif asked in {"update", "push"}:
            definition = modals.checked_definition(self._workspace, body.get("view"), "modal")
            if asked == "push":
                modals.add_modal(self._workspace, view.user, definition, push=True)
            elif view.is_open:
                modals.change_view(self._workspace, view, definition)
        else:
            raise SlackError("invalid_response_action", [str(asked)])

    async def close(self, user: str, view_id: str | None = None) -> JsonObject:
        """Close a modal without submitting it."""
        view = self.view_of(user, view_id)
        payload = payloads.view_closed(self._workspace, view)
        modals.close_modal(self._workspace, view)
        if view.definition["notify_on_close"]:
            await self._deliver("interactive", payload)
        return self._outcome(user, None, closed=True)

    # Delivery

    def announce(self, payload: JsonObject) -> None:
        """Send an event in the background, again when it is not acknowledged."""
        task = asyncio.get_running_loop().create_task(self._announce(payload))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def _announce(self, payload: JsonObject) -> None:
        first = Envelope("events_api", payload)
        ack = await self._courier.deliver(first)
        for attempt, pause in enumerate(self._retry_seconds, start=1):
            if ack.error is None:
                return
            await asyncio.sleep(pause)
            reason = "timeout" if ack.error == "operation_timeout" else "http_error"
            again = Envelope("events_api", payload, retry_attempt=attempt, retry_reason=reason)
            ack = await self._courier.deliver(again)
        if ack.error is not None:
            self._workspace.warn(f"event {payload['event_id']} was never acknowledged: {ack.error}")

    async def _interact(self, user: str, deed: str, payload: JsonObject, *, repeat: bool) -> JsonObject:
        acks = await self._deliver("interactive", payload, repeat=repeat)
        return self._outcome(user, self._failed(user, deed, acks))

    async def _deliver(self, kind: EnvelopeType, payload: JsonObject, *, repeat: bool = False) -> list[Ack]:
        envelope = Envelope(kind, payload)
        return list(await asyncio.gather(*(self._until_acknowledged(envelope) for _ in range(2 if repeat else 1))))

    async def _until_acknowledged(self, envelope: Envelope) -> Ack:
        ack = await self._courier.deliver(envelope)
        for pause in self.redelivery_seconds:
            if ack.error is None:
                break
            await asyncio.sleep(pause)
            ack = await self._courier.deliver(envelope)
        return ack

    def _failed(self, user: str, deed: str, acks: list[Ack]) -> str | None:
        error = next((ack.error for ack in acks if ack.error is not None), None)
        if error is not None:
            self._workspace.fail(user, deed, error)
        return error

    def _outcome(
        self,
        user: str,
        error: str | None,
        *,
        messages: list[JsonObject] | None = None,
        errors: dict[str, str] | None = None,
        closed: bool = False,
    ) -> JsonObject:
        stack = self._workspace.modals.get(user, [])
        return {
            "error": error,
            "messages": messages or [],
            "errors": errors or {},
            "closed": closed,
            "view": modals.view_json(stack[-1]) if stack else None,
        }


def _complaints(view: View) -> dict[str, str]:
    found: dict[str, str] = {}
    for control in controls(view.blocks):
        if control.block["type"] == "input":
            text = complaint(control, shown_state(control, view.selections))
            if text is not None:
                found[control.block_id] = text
    return found


def _acted(
    blocks: list[JsonObject],
    selections: dict[str, dict[str, JsonObject]],
    deed: str,
    action_id: str | None,
    block_id: str | None,
    value: Any,
) -> tuple[Control, JsonObject | None]:
    """Find the element, remember what it holds now, and return both. Raises LookupError."""
    if deed == "click":
        return find_control(blocks, action_id=action_id, block_id=block_id, value=value, button=True), None
    if deed not in {"tick", "untick", "choose"}:
        raise LookupError(f"nobody can {deed!r} here")
    first = value[0] if isinstance(value, list) and value else value
    control = find_control(
        blocks, action_id=action_id, block_id=block_id, value=first if isinstance(first, str) else None
    )
    if control.type == "overflow":
        return control, {"selected_option": chosen_option(control.element, value)}
    whole = deed == "choose"
    state = chosen_state(control.element, value) if whole else _ticked(control, selections, deed, value)
    selections.setdefault(control.block_id, {})[control.action_id] = state
    return control, state


def _ticked(control: Control, selections: dict[str, dict[str, JsonObject]], deed: str, value: Any) -> JsonObject:
    """The whole selection after ticking or unticking some boxes of what is shown."""
    if control.type != "checkboxes":
        raise LookupError(f"{control.action_id} is a {control.type}, not a set of checkboxes")
    values = {option["value"] for option in chosen_options(control.element, value)}
    shown = shown_state(control, selections) or {}
    chosen = {option["value"] for option in shown["selected_options"]}
    chosen = chosen | values if deed == "tick" else chosen - values
    return chosen_state(control.element, list(chosen))


def visible(workspace: Workspace, user: str, messages: list[Message]) -> list[JsonObject]:
    """Messages as a person sees them: each with the number of its versions and what its controls hold."""
    shown = []
    for message in messages:
        body = described(workspace, message, metadata=True)
        body["versions"] = len(message.versions)
        body["ephemeral"] = message.ephemeral_to is not None
        selections = workspace.selections.get((message.ts, user), {})
        body["selected"] = {
            f"{control.block_id}/{control.action_id}": state
            for control in controls(message.current.blocks)
            if (state := shown_state(control, selections)) is not None
        }
        shown.append(body)
    return shown
