"""What a workspace consists of: users, channels, messages with all their versions, views, links of short life."""

from dataclasses import dataclass, field
from typing import Any

TEAM_ID = "T0SANDBOX"
APP_ID = "A0SANDBOX"
BOT_ID = "B0SANDBOX"

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class User:
    """A member of the workspace; ``email`` is what ``users.lookupByEmail`` finds."""

    id: str
    name: str
    real_name: str
    email: str
    is_bot: bool = False
    locale: str = "en-US"
    tz: str = "Europe/Madrid"
    deleted: bool = False

    def as_json(self, *, locale: bool = False) -> JsonObject:
        """The ``user`` object of ``users.info``; the locale only on demand, as Slack gives it."""
        profile: JsonObject = {"real_name": self.real_name, "display_name": self.name, "email": self.email}
        if self.is_bot:
            profile |= {"bot_id": BOT_ID, "api_app_id": APP_ID}
        return {
            "id": self.id,
            "team_id": TEAM_ID,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.deleted,
            "is_bot": self.is_bot,
            **({"locale": self.locale} if locale else {}),
            "tz": self.tz,
            "profile": profile,
        }


@dataclass
class Channel:
    """A public channel, or a direct conversation with the bot when ``is_im``."""

    id: str
    name: str
    members: list[str]
    is_im: bool = False
    is_archived: bool = False

    def as_json(self) -> JsonObject:
        """The ``channel`` object of ``conversations.info``."""
        kind = {"is_channel": not self.is_im, "is_im": self.is_im, "is_archived": self.is_archived}
        return {"id": self.id, "name": self.name, "num_members": len(self.members), "is_member": True, **kind}


@dataclass(frozen=True)
class Version:
    """One state of a message's content; an update adds a version and never changes an earlier one."""

    text: str
    blocks: list[JsonObject]
    attachments: list[JsonObject]
    metadata: JsonObject | None
    at: float


@dataclass
class Message:
    """A message of a channel or thread; ``ephemeral_to`` names the only user who sees an ephemeral one."""

    channel: str
    ts: str
    author: str
    versions: list[Version]
    thread_ts: str | None = None
    ephemeral_to: str | None = None
    broadcast: bool = False
    deleted: bool = False
    by_app: bool = False
    files: list[JsonObject] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)

    @property
    def current(self) -> Version:
        """The content that is shown now."""
        return self.versions[-1]

    def as_json(self, *, metadata: bool = False, version: Version | None = None) -> JsonObject:
        """The message object of the API; metadata only on demand, as Slack gives it."""
        shown = version or self.current
        body: JsonObject = {"type": "message", "user": self.author, "ts": self.ts, "text": shown.text}
        body["team"] = TEAM_ID
        if self.by_app:
            body |= {"bot_id": BOT_ID, "app_id": APP_ID}
        optional = {
            "blocks": shown.blocks,
            "attachments": shown.attachments,
            "thread_ts": self.thread_ts,
            "files": self.files,
            "metadata": shown.metadata if metadata else None,
            "reactions": [{"name": n, "users": u, "count": len(u)} for n, u in self.reactions.items()],
        }
        body |= {name: value for name, value in optional.items() if value}
        if len(self.versions) > 1:
            body["edited"] = {"user": self.author, "ts": f"{shown.at:.6f}"}
        if self.broadcast:
            body["subtype"] = "thread_broadcast"
        return body


@dataclass
class View:
    """A modal of one user's stack, or a Home tab; ``selections`` is what the user has entered so far."""

    id: str
    user: str
    definition: JsonObject
    hash: str
    root_id: str
    previous_id: str | None = None
    is_open: bool = True
    versions: int = 1
    selections: dict[str, dict[str, JsonObject]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[JsonObject]:
        """The blocks shown now."""
        blocks: list[JsonObject] = self.definition["blocks"]
        return blocks


@dataclass
class Trigger:
    """The right to open one view within three seconds of something a user did."""

    user: str
    made_at: float
    view_id: str | None = None
    used: bool = False


@dataclass
class ResponseUrl:
    """The right to answer one interaction: five uses within thirty minutes."""

    user: str
    channel: str
    made_at: float
    ts: str | None = None
    thread_ts: str | None = None
    uses: int = 0


@dataclass
class Upload:
    """A file between ``files.getUploadURLExternal`` and ``files.completeUploadExternal``, and after; or a person's.

    ``entered`` in a modal of the app: it lies in no channel, and the app may read it all the same.
    """

    id: str
    name: str
    length: int
    owner: str
    content: bytes | None = None
    shared: bool = False
    entered: bool = False
    deleted: bool = False


@dataclass(frozen=True)
class Call:
    """One Web API request and what it was answered; ``status`` 0 means that the connection was cut."""

    method: str
    arguments: JsonObject
    status: int
    body: JsonObject
    at: float


@dataclass(frozen=True)
class Failure:
    """Something that went wrong in front of a user: what they did and the error Slack's client showed."""

    user: str
    deed: str
    error: str
