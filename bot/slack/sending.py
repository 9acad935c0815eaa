"""Files for one person, in their direct conversation with the bot."""

from collections.abc import Sequence
from pathlib import Path

from bot.slack.connection import SlackConnection


def send_files(connection: SlackConnection, user: str, files: Sequence[Path], comment: str) -> None:
    """Send files to a person in one message. Raises Unavailable, with what an administrator can do."""
    with connection.client() as client:
        direct = client.conversations_open(users=[user])["channel"]["id"]
        sent: list[dict[str, str | None]] = []
        for file in files:
            content = file.read_bytes()
            place = client.files_getUploadURLExternal(filename=file.name, length=len(content))
            connection.upload(str(place["upload_url"]), content)
            sent.append({"id": str(place["file_id"]), "title": file.name})
        client.files_completeUploadExternal(files=sent, channel_id=direct, initial_comment=comment)
