"""The state of the sandbox workspace: what was posted, opened, refused. Safe to inspect from any thread."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from secrets import token_hex
from threading import RLock

from bot.sandbox.slack.entities import (
    Call,
    Channel,
    Failure,
    JsonObject,
    Message,
    ResponseUrl,
    Trigger,
    Upload,
    User,
    Version,
    View,
)
from bot.sandbox.slack.errors import SlackError

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 1800.0
RESPONSE_URL_USES = 5
MODALS_AT_MOST = 3

BOT = User("U0BOT", "onboarding", "Onboarding", "", is_bot=True)
PEOPLE = (
    User("U0MANAGER", "manager", "Marta Manager", "manager@example.com"),
    User("U0DATABASE", "data_base", "Darío Database", "database@example.com"),
    User("U0GUEST", "guest", "Gwen Guest", "guest@example.com"),
)
CHANNEL = ("C0ONBOARD", "onboarding")


class Workspace:
    """Users, channels, messages, views and the log of calls.

    ``warnings`` holds what real Slack accepts but advises against, ``failures`` what a user saw fail.
    ``url`` is the address of the server that shows the workspace, set when it starts.
    ``clock`` gives seconds since the epoch; tests move it to make triggers and links expire.
    """

    def __init__(
        self,
        *,
        people: Sequence[User] = PEOPLE,
        bot: User = BOT,
        channels: Sequence[tuple[str, str]] = (CHANNEL,),
        usergroups: dict[str, list[str]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.bot = bot
        self.clock = clock
        self.url = ""
        self.users = {user.id: user for user in (*people, bot)}
        members = list(self.users)
        self.channels = {id_: Channel(id_, name, list(members)) for id_, name in channels}
        self.usergroups = usergroups or {}
        self.messages: list[Message] = []
        self.views: dict[str, View] = {}
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.selections: dict[tuple[str, str], dict[str, dict[str, JsonObject]]] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.uploads: dict[str, Upload] = {}
        self.calls: list[Call] = []
        self.warnings: list[str] = []
        self.failures: list[Failure] = []
        self._lock = RLock()
        self._last_ts = 0
        self._numbers = itertools.count(1)

    def handle(self, usergroup: str) -> str:
        """What people type behind an @ for a user group: its id in small letters."""
        return usergroup.lower()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the workspace still while several parts of it are read or changed together."""
        with self._lock:
            yield

    def new_id(self, prefix: str) -> str:
        """An identifier in Slack's manner: a letter for the kind, then capitals and digits."""
        return f"{prefix}{next(self._numbers):04d}{token_hex(3).upper()}"

    def next_ts(self) -> str:
        """A message timestamp: seconds with six decimals, unique and increasing."""
        with self._lock:
            self._last_ts = max(self._last_ts + 1, int(self.clock() * 1_000_000))
            return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def channel(self, reference: str) -> Channel:
        """The channel with this id or (#)name, or the direct conversation with this user.

        Raises SlackError ``channel_not_found``.
        """
        with self._lock:
            if reference in self.channels:
                return self.channels[reference]
            if reference in self.users and reference != self.bot.id:
                return self.direct(reference)
            for channel in self.channels.values():
                if not channel.is_im and channel.name == reference.removeprefix("#"):
                    return channel
        raise SlackError("channel_not_found")

    def direct(self, user: str) -> Channel:
        """The direct conversation between the bot and a user, made on first use."""
        with self._lock:
            id_ = f"D{user[1:]}"
            return self.channels.setdefault(id_, Channel(id_, "", [self.bot.id, user], is_im=True))

    def deactivate(self, user: str) -> None:
        """Have a person leave: what they wrote stays, and nobody is shown anything under their id any more."""
        with self._lock:
            self.users[user] = replace(self.users[user], deleted=True)

    def post(
        self,
        channel: str,
        author: str,
        *,
        text: str = "",
        blocks: list[JsonObject] | None = None,
        attachments: list[JsonObject] | None = None,
        metadata: JsonObject | None = None,
        thread_ts: str | None = None,
        ephemeral_to: str | None = None,
        broadcast: bool = False,
        files: list[JsonObject] | None = None,
    ) -> Message:
        """Add a message whose content has been checked already."""
        with self._lock:
            first = Version(text, blocks or [], attachments or [], metadata, self.clock())
            message = Message(
                channel,
                self.next_ts(),
                author,
                [first],
                thread_ts=thread_ts,
                ephemeral_to=ephemeral_to,
                broadcast=broadcast,
                by_app=author == self.bot.id,
                files=files or [],
            )
            self.messages.append(message)
            return message

    def find(self, channel: str, ts: str) -> Message | None:
        """The message, ephemeral or not, unless it was deleted."""
        with self._lock:
            found = (m for m in self.messages if m.channel == channel and m.ts == ts and not m.deleted)
            return next(found, None)

    def app_sees(self, upload: Upload) -> bool:
        """Whether the app may know of a file: its own, one entered in its modal, or one shared where it is a member."""
        with self._lock:
            return (
                upload.entered
                or upload.owner == self.bot.id
                or any(
                    file["id"] == upload.id and self.bot.id in self.channels[message.channel].members
                    for message in self.messages
                    if not message.deleted
                    for file in message.files
                )
            )

    def root_messages(self, channel: str, viewer: str | None = None) -> list[Message]:
        """What the channel shows, oldest first; ephemeral messages only where ``viewer`` may see them."""
        with self._lock:
            return [m for m in self._visible(channel, viewer) if m.thread_ts in {None, m.ts} or m.broadcast]

    def thread(self, channel: str, ts: str, viewer: str | None = None) -> list[Message]:
        """The parent and its replies, oldest first."""
        with self._lock:
            return [m for m in self._visible(channel, viewer) if ts in {m.ts, m.thread_ts}]

    def _visible(self, channel: str, viewer: str | None) -> list[Message]:
        return [m for m in self.messages if m.channel == channel and not m.deleted and m.ephemeral_to in {None, viewer}]

    def new_trigger(self, user: str, view_id: str | None = None) -> str:
        """A trigger id for something ``user`` has just done, inside ``view_id`` when it was in a modal."""
        with self._lock:
            id_ = f"{next(self._numbers)}.{token_hex(5)}.{token_hex(16)}"
            self.triggers[id_] = Trigger(user, self.clock(), view_id)
            return id_

    def use_trigger(self, id_: str) -> Trigger:
        """Exchange a trigger for the right to open a view; once, within three seconds.

        Raises SlackError ``invalid_trigger_id``, ``exchanged_trigger_id`` or ``expired_trigger_id``.
        """
        with self._lock:
            trigger = self.triggers.get(id_)
            if trigger is None:
                raise SlackError("invalid_trigger_id")
            if trigger.used:
                raise SlackError("exchanged_trigger_id")
            if self.clock() - trigger.made_at > TRIGGER_SECONDS:
                raise SlackError("expired_trigger_id")
            trigger.used = True
            return trigger

    def new_response_url(self, user: str, channel: str, message: Message | None = None) -> str:
        """The id of a fresh response URL."""
        with self._lock:
            id_ = token_hex(12)
            ts, thread_ts = (message.ts, message.thread_ts) if message else (None, None)
            self.response_urls[id_] = ResponseUrl(user, channel, self.clock(), ts, thread_ts)
            return id_

    def use_response_url(self, id_: str) -> ResponseUrl:
        """Count one use. Raises SlackError ``invalid_url``, ``expired_url`` or ``used_url``."""
        with self._lock:
            link = self.response_urls.get(id_)
            if link is None:
                raise SlackError("invalid_url")
            if self.clock() - link.made_at > RESPONSE_URL_SECONDS:
                raise SlackError("expired_url")
            if link.uses >= RESPONSE_URL_USES:
                raise SlackError("used_url")
            link.uses += 1
            return link

    def warn(self, message: str) -> None:
        """Note something that real Slack lets pass and that will still go wrong for somebody."""
        with self._lock:
            self.warnings.append(message)

    def fail(self, user: str, deed: str, error: str) -> None:
        """Note a failure that was shown to a user."""
        with self._lock:
            self.failures.append(Failure(user, deed, error))
