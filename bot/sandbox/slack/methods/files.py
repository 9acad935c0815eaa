"""files.*: the upload in three steps (ask for an address, send the bytes, share), and what an app may know."""

from mimetypes import guess_type
from pathlib import PurePath

from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.entities import JsonObject, Upload
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.methods.chat import parent_ts
from bot.sandbox.slack.workspace import Workspace


def get_upload_url(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """Announce a file of ``length`` bytes."""
    name = arguments.required("filename")
    length = arguments.number("length", 0)
    if length <= 0:
        raise SlackError("invalid_arguments", ["missing required field: length"])
    id_ = workspace.new_id("F")
    workspace.uploads[id_] = Upload(id_, name, length, workspace.bot.id)
    return {"upload_url": f"{workspace.url}/upload/v1/{id_}", "file_id": id_}


def file_json(workspace: Workspace, upload: Upload, title: str | None = None) -> JsonObject:
    """The file object of messages, views and events."""
    address = f"{workspace.url}/files/{upload.id}/{upload.name}"
    return {
        "id": upload.id,
        "name": upload.name,
        "title": title or upload.name,
        "size": upload.length,
        "user": upload.owner,
        "mode": "hosted",
        "is_external": False,
        "mimetype": guess_type(upload.name)[0] or "application/octet-stream",
        "filetype": PurePath(upload.name).suffix.lstrip(".").lower() or "binary",
        "url_private": address,
        "url_private_download": address,
    }


def info(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """One file and where it was shared: those that lie where the app is, and those entered in one of its modals."""
    upload = workspace.uploads.get(arguments.required("file", "file_not_found"))
    if upload is None or upload.content is None or not workspace.app_sees(upload):
        raise SlackError("file_not_found")
    if upload.deleted:
        raise SlackError("file_deleted")
    places: dict[str, list[JsonObject]] = {}
    for message in workspace.messages:
        if any(file["id"] == upload.id for file in message.files):
            place = {"ts": message.ts, "channel_name": workspace.channels[message.channel].name}
            if message.thread_ts:
                place["thread_ts"] = message.thread_ts
            places.setdefault(message.channel, []).append(place)
    shares = {"shares": {"public": places}, "channels": list(places)} if places else {}
    return {"file": file_json(workspace, upload) | shares, "comments": [], "response_metadata": {"next_cursor": ""}}


def complete_upload(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """Share uploaded files, in a channel or thread when one is named."""
    wanted = arguments.objects("files", "invalid_arguments")
    if not wanted:
        raise SlackError("invalid_arguments", ["missing required field: files"])
    files: list[JsonObject] = []
    for item in wanted:
        upload = workspace.uploads.get(str(item.get("id")))
        if upload is None or upload.content is None:
            raise SlackError("file_not_found")
        if upload.shared:
            raise SlackError("file_already_completed")
        files.append(file_json(workspace, upload, item.get("title")))
    target = arguments.string("channel_id")
    if target:
        channel = workspace.channel(target)
        if workspace.bot.id not in channel.members:
            raise SlackError("not_in_channel")
        workspace.post(
            channel.id,
            workspace.bot.id,
            text=arguments.string("initial_comment"),
            thread_ts=parent_ts(workspace, channel, arguments),
            files=files,
        )
    for file in files:
        workspace.uploads[file["id"]].shared = True
    return {"files": files}
