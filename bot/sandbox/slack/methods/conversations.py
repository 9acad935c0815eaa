"""conversations.*: reading channels and threads, opening direct conversations."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.entities import Channel, JsonObject, Message
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.workspace import Workspace

_PAGE_AT_MOST = 999
_Item = TypeVar("_Item")


def _readable(workspace: Workspace, arguments: Arguments) -> Channel:
    channel = workspace.channel(arguments.required("channel", "channel_not_found"))
    if workspace.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _cursor(key: str) -> str:
    return urlsafe_b64encode(f"next:{key}".encode()).decode()


def _page(arguments: Arguments, items: list[tuple[str, _Item]]) -> tuple[list[_Item], JsonObject]:
    """One page of keyed items and the ``response_metadata`` that leads to the next.

    The cursor names the first item of the next page, so that items added in front do not shift the pages.
    """
    limit = arguments.number("limit", 100)
    if not 1 <= limit <= _PAGE_AT_MOST:
        raise SlackError("invalid_limit")
    start = 0
    cursor = arguments.string("cursor")
    if cursor:
        try:
            mark, _, key = urlsafe_b64decode(cursor).decode().partition(":")
        except ValueError:
            raise SlackError("invalid_cursor") from None
        keys = [other for other, _ in items]
        if mark != "next" or key not in keys:
            raise SlackError("invalid_cursor")
        start = keys.index(key)
    chosen = [item for _, item in items[start : start + limit]]
    rest = items[start + limit :]
    return chosen, {"next_cursor": _cursor(rest[0][0]) if rest else ""}


def _messages(workspace: Workspace, arguments: Arguments, messages: list[Message]) -> JsonObject:
    metadata = arguments.flag("include_all_metadata")
    page, response_metadata = _page(arguments, [(message.ts, message) for message in messages])
    answer: JsonObject = {
        "messages": [described(workspace, message, metadata=metadata) for message in page],
        "has_more": bool(response_metadata["next_cursor"]),
    }
    if response_metadata["next_cursor"]:
        answer["response_metadata"] = response_metadata
    return answer


def described(workspace: Workspace, message: Message, *, metadata: bool = False) -> JsonObject:
    """The message with what its thread adds to it."""
    body = message.as_json(metadata=metadata)
    replies = [m for m in workspace.thread(message.channel, message.ts) if m.ts != message.ts]
    if replies and message.thread_ts in {None, message.ts}:
        users = sorted({reply.author for reply in replies})
        body |= {"thread_ts": message.ts, "reply_count": len(replies), "latest_reply": replies[-1].ts}
        body |= {"reply_users": users, "reply_users_count": len(users)}
    elif message.thread_ts:
        parent = workspace.find(message.channel, message.thread_ts)
        body["parent_user_id"] = parent.author if parent else None
    return body


def _between(arguments: Arguments, messages: list[Message]) -> list[Message]:
    oldest, latest = arguments.string("oldest", "0"), arguments.string("latest") or "99999999999"
    try:
        low, high = float(oldest), float(latest)
    except ValueError:
        raise SlackError("invalid_ts_oldest") from None
    if arguments.flag("inclusive"):
        return [message for message in messages if low <= float(message.ts) <= high]
    return [message for message in messages if low < float(message.ts) < high]


def history(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """The messages of a channel, newest first, without replies."""
    channel = _readable(workspace, arguments)
    found = _between(arguments, workspace.root_messages(channel.id))
    return _messages(workspace, arguments, found[::-1])


def replies(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """A message and its replies, oldest first; the parent comes with the first page."""
    channel = _readable(workspace, arguments)
    ts = arguments.required("ts")
    parent = workspace.find(channel.id, ts)
    if parent is None or parent.ephemeral_to:
        raise SlackError("thread_not_found")
    root = parent.thread_ts or ts
    first, *rest = workspace.thread(channel.id, root)
    return _messages(workspace, arguments, [first, *_between(arguments, rest)])


def info(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """One channel."""
    channel = workspace.channel(arguments.required("channel", "channel_not_found"))
    return {"channel": channel.as_json() | {"is_member": workspace.bot.id in channel.members}}


def members(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """The ids of a channel's members."""
    channel = workspace.channel(arguments.required("channel", "channel_not_found"))
    page, response_metadata = _page(arguments, [(member, member) for member in channel.members])
    return {"members": page, "response_metadata": response_metadata}


def open_direct(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """Open the direct conversation with one user."""
    users = arguments.get("users")
    wanted = users if isinstance(users, list) else [user for user in arguments.string("users").split(",") if user]
    if not wanted:
        raise SlackError("users_list_not_supplied")
    if not all(isinstance(user, str) for user in wanted):
        raise SlackError("invalid_arguments", ["must be a string [json-pointer:/users]"])
    if len(wanted) > 1:
        raise SlackError("too_many_users")
    if wanted[0] not in workspace.users:
        raise SlackError("user_not_found")
    if workspace.users[wanted[0]].is_bot:
        raise SlackError("cannot_dm_bot")
    return {"channel": {"id": workspace.direct(wanted[0]).id}}
