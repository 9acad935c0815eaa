"""The content of a message as Slack checks it, whichever way it arrives: API call, ack or response URL."""

import re
from dataclasses import dataclass

from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.blocks import TEXT_OF_ALL_BLOCKS, check_blocks, normalised, repeated_action_ids, text_length
from bot.sandbox.slack.entities import JsonObject
from bot.sandbox.slack.errors import SlackError

TEXT_AT_MOST = 40_000
UPDATED_TEXT_AT_MOST = 4_000
METADATA_AT_MOST = 8_000
_EVENT_TYPE = re.compile(r"[A-Za-z0-9_.:-]{1,255}")


@dataclass(frozen=True)
class Content:
    """Checked content; None where the caller did not give the part."""

    text: str | None
    blocks: list[JsonObject] | None
    attachments: list[JsonObject] | None
    metadata: JsonObject | None
    warnings: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True when there is nothing to show."""
        return not self.text and not self.blocks and not self.attachments


def read_content(arguments: Arguments, *, text_at_most: int = TEXT_AT_MOST) -> Content:
    """Check text, blocks, attachments and metadata.

    Raises SlackError ``msg_too_long``, ``invalid_blocks_format``, ``invalid_blocks``, ``msg_blocks_too_long``,
    ``invalid_metadata_format`` or ``metadata_too_large``.
    """
    text = arguments.string("text") if arguments.get("text") is not None else None
    if text is not None and len(text) > text_at_most:
        raise SlackError("msg_too_long")
    blocks = arguments.objects("blocks", "invalid_blocks_format")
    warnings: list[str] = []
    if blocks is not None:
        problems = check_blocks(blocks)
        if problems:
            raise SlackError("invalid_blocks", [str(problem) for problem in problems])
        if text_length(blocks) > TEXT_OF_ALL_BLOCKS:
            raise SlackError("msg_blocks_too_long")
        warnings.extend(f"action_id {a!r} stands in several blocks" for a in repeated_action_ids(blocks))
        blocks = normalised(blocks)
    attachments = arguments.objects("attachments", "invalid_attachments")
    return Content(text, blocks, attachments, _metadata(arguments, warnings), tuple(warnings))


def _metadata(arguments: Arguments, warnings: list[str]) -> JsonObject | None:
    metadata = arguments.decoded("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if metadata == {}:
        return {}
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    event_type = metadata.get("event_type")
    if not isinstance(event_type, str) or not _EVENT_TYPE.fullmatch(event_type):
        raise SlackError("invalid_metadata_format")
    if len(str(metadata["event_payload"])) > METADATA_AT_MOST:
        raise SlackError("metadata_too_large")
    if any(isinstance(value, dict | list) for value in metadata["event_payload"].values()):
        warnings.append(f"metadata {event_type!r} has nested values; Slack documents flat ones")
    return {"event_type": event_type, "event_payload": metadata["event_payload"]}
