"""Answers to a command or a click: in the acknowledgement of a command, or through a response URL."""

from typing import Any

from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.content import read_content
from bot.sandbox.slack.entities import Message, ResponseUrl, Version
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.methods.chat import replace_content
from bot.sandbox.slack.workspace import Workspace


def post_answer(workspace: Workspace, link: ResponseUrl, body: Any) -> Message | None:
    """Show an answer to the user of the link; None when it deleted or replaced the message instead.

    Ephemeral unless ``response_type`` is ``in_channel``; ``replace_original`` and ``delete_original`` act on the
    message that was clicked. Raises SlackError.
    """
    if not isinstance(body, dict):
        raise SlackError("invalid_payload")
    arguments = Arguments(body)
    original = workspace.find(link.channel, link.ts) if link.ts else None
    if arguments.flag("delete_original"):
        if original is None:
            raise SlackError("message_not_found")
        original.deleted = True
        return None
    content = read_content(arguments)
    if content.is_empty:
        raise SlackError("no_text")
    if arguments.flag("replace_original"):
        if original is None or original.author != workspace.bot.id:
            raise SlackError("cant_update_message")
        after = Version(content.text or "", content.blocks or [], content.attachments or [], None, workspace.clock())
        replace_content(workspace, original, after)
        return None
    in_channel = arguments.get("response_type", "ephemeral") == "in_channel"
    thread_ts = arguments.string("thread_ts") or link.thread_ts
    if thread_ts and workspace.find(link.channel, thread_ts) is None:
        raise SlackError("thread_not_found")
    return workspace.post(
        link.channel,
        workspace.bot.id,
        text=content.text or "",
        blocks=content.blocks,
        attachments=content.attachments,
        thread_ts=thread_ts,
        ephemeral_to=None if in_channel else link.user,
    )
