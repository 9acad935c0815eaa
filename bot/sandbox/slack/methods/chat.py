"""chat.* and reactions.*: posting, changing, deleting messages."""

import re

from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.blocks import elements_of
from bot.sandbox.slack.content import UPDATED_TEXT_AT_MOST, read_content
from bot.sandbox.slack.elements import INTERACTIVE
from bot.sandbox.slack.entities import Channel, JsonObject, Message, Version
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.workspace import Workspace

_TS = re.compile(r"\d{10,}\.\d{6}")


def _writable(workspace: Workspace, arguments: Arguments) -> Channel:
    channel = workspace.channel(arguments.required("channel", "channel_not_found"))
    if workspace.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


def parent_ts(workspace: Workspace, channel: Channel, arguments: Arguments) -> str | None:
    """The checked ``thread_ts`` argument: an existing message that is itself no reply."""
    thread_ts = arguments.string("thread_ts")
    if not thread_ts:
        return None
    parent = workspace.find(channel.id, thread_ts)
    if parent is None or parent.ephemeral_to:
        raise SlackError("thread_not_found")
    if parent.thread_ts not in {None, parent.ts}:
        raise SlackError("cannot_reply_to_message")
    return thread_ts


def _warn(workspace: Workspace, place: str, warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        workspace.warn(f"{place}: {warning}")


def post_message(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """Post to a channel, a thread or a user."""
    channel = _writable(workspace, arguments)
    content = read_content(arguments)
    if content.is_empty:
        raise SlackError("no_text")
    thread_ts = parent_ts(workspace, channel, arguments)
    message = workspace.post(
        channel.id,
        workspace.bot.id,
        text=content.text or "",
        blocks=content.blocks,
        attachments=content.attachments,
        metadata=content.metadata,
        thread_ts=thread_ts,
        broadcast=bool(thread_ts) and arguments.flag("reply_broadcast"),
    )
    _warn(workspace, f"chat.postMessage {message.ts}", content.warnings)
    if not content.text:
        workspace.warn(f"chat.postMessage {message.ts}: no text beside the blocks, so notifications are empty")
    return {"channel": channel.id, "ts": message.ts, "message": message.as_json(metadata=True)}


def post_ephemeral(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """Post something that one user sees."""
    channel = _writable(workspace, arguments)
    user = arguments.required("user")
    if user not in workspace.users:
        raise SlackError("user_not_found")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    content = read_content(arguments)
    if content.is_empty:
        raise SlackError("no_text")
    message = workspace.post(
        channel.id,
        workspace.bot.id,
        text=content.text or "",
        blocks=content.blocks,
        attachments=content.attachments,
        thread_ts=parent_ts(workspace, channel, arguments),
        ephemeral_to=user,
    )
    return {"message_ts": message.ts}


def _existing(workspace: Workspace, channel: Channel, ts: str) -> Message:
    message = workspace.find(channel.id, ts)
    if message is None or message.ephemeral_to:
        raise SlackError("message_not_found")
    return message


def update(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """Change one of the bot's own messages; what is not given stays, an empty list removes."""
    channel = _writable(workspace, arguments)
    message = _existing(workspace, channel, arguments.required("ts"))
    if message.author != workspace.bot.id:
        raise SlackError("cant_update_message")
    content = read_content(arguments, text_at_most=UPDATED_TEXT_AT_MOST)
    before = message.current
    if content.text is None and content.blocks is None and content.attachments is None:
        raise SlackError("no_text")
    after = Version(
        before.text if content.text is None else content.text,
        before.blocks if content.blocks is None else content.blocks,
        before.attachments if content.attachments is None else content.attachments,
        before.metadata if content.metadata is None else content.metadata or None,
        workspace.clock(),
    )
    if not after.text and not after.blocks and not after.attachments:
        raise SlackError("no_text")
    replace_content(workspace, message, after)
    _warn(workspace, f"chat.update {message.ts}", content.warnings)
    return {
        "channel": channel.id,
        "ts": message.ts,
        "text": after.text,
        "message": message.as_json(metadata=True),
    }


def replace_content(workspace: Workspace, message: Message, after: Version) -> None:
    """Add a version, noting block ids that should have been new: a client keeps what was entered under an id."""
    with workspace.locked():
        old = {block["block_id"]: block for block in message.current.blocks}
        for block in after.blocks:
            before = old.get(block["block_id"])
            if before is not None and before != block and _is_stateful(block):
                workspace.warn(
                    f"chat.update {message.ts}: block_id {block['block_id']!r} is kept with other content; "
                    "use a new block_id"
                )
        message.versions.append(after)


def _is_stateful(block: JsonObject) -> bool:
    return any(element.get("type") in INTERACTIVE for element in elements_of(block))


def delete(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """Delete one of the bot's own messages."""
    channel = _writable(workspace, arguments)
    message = _existing(workspace, channel, arguments.required("ts"))
    if message.author != workspace.bot.id:
        raise SlackError("cant_delete_message")
    message.deleted = True
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """The address of a message, which the sandbox's own page answers."""
    channel = workspace.channel(arguments.required("channel", "channel_not_found"))
    message = _existing(workspace, channel, arguments.required("message_ts"))
    link = f"{workspace.url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def add_reaction(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """Add an emoji to a message."""
    channel = workspace.channel(arguments.required("channel", "channel_not_found"))
    timestamp = arguments.required("timestamp", "no_item_specified")
    if not _TS.fullmatch(timestamp):
        raise SlackError("bad_timestamp")
    name = arguments.required("name", "invalid_name").strip(":")
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-\d)?", name):
        raise SlackError("invalid_name")
    users = _existing(workspace, channel, timestamp).reactions.setdefault(name, [])
    if workspace.bot.id in users:
        raise SlackError("already_reacted")
    users.append(workspace.bot.id)
    return {}
