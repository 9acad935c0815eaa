"""Clicks are kept, acknowledged, and then carried out: however many people click, nobody waits for the others.

A click that was acknowledged is carried out, whatever dies: until then it is kept in the database, and a process that
comes later takes it over. Those of one message are carried out in the order in which they came.
"""

import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from threading import Event, Lock, Thread
from typing import Any, NamedTuple
from zlib import crc32

import structlog
from slack_bolt import Ack
from sqlalchemy.exc import InterfaceError, OperationalError

from bot.locales import say
from bot.onboarding.inbox import Inbox, Kept
from bot.slack.answering import Answering, Payload
from bot.slack.connection import SlackConnection
from bot.slack.events import action_source
from bot.slack.readers import Readers

log = structlog.stdlib.get_logger()

# So many clicks are carried out at a time; each is a transaction, so most of the time of each is the database's.
LANES = 4
# So many people are answered at a time. A slow Slack keeps no click waiting.
ANSWERS = 4
# How often this process looks for what another has left, in seconds.
LOOK_SECONDS = 2.5

# What carrying out a click reads of it; the rest (an address to answer to, the app's old token) is nobody's to keep.
READ = ("type", "user", "container", "channel", "message", "view", "actions", "trigger_id")

# The database does not answer.
AWAY = (OperationalError, InterfaceError)

Afterwards = Callable[[], None]


class Carried(NamedTuple):
    """What came of a click. ``changed``: something, and in the same transaction what was kept of it was forgotten.

    ``afterwards`` tells the person of it, in a call to Slack.
    """

    changed: bool
    afterwards: Afterwards | None = None


CarryOut = Callable[[Payload, bool], Carried]
"""Carry out a click, in one transaction.

The second argument tells whether another process knows of the click as well: then it may have been carried out before,
and there is nothing to tell.
"""


class Clicks(Answering):
    """The way of a click from its arrival to what it changes."""

    def __init__(self, connection: SlackConnection, readers: Readers, inbox: Inbox, *, patience: float = 0.0) -> None:
        """``patience`` is how long an acknowledgement waits for the click to be carried out, in seconds."""
        super().__init__(connection, readers)
        self._inbox = inbox
        self._patience = patience
        self._carry_out: dict[str, CarryOut] = {}
        self._lanes = [ThreadPoolExecutor(1, f"clicks-{number}") for number in range(LANES)]
        self._answers = ThreadPoolExecutor(ANSWERS, "answers")
        self._in_hand: set[str] = set()
        self._changing = Lock()
        self._stopping = Event()
        self._looker: Thread | None = None

    def start(self) -> None:
        """Begin to look for what others have left."""
        self._looker = Thread(target=self._keep_looking, name="clicks-left", daemon=True)
        self._looker.start()

    def stop(self) -> None:
        """End what is being carried out; what waits, and what comes from now on, is kept for the next process."""
        self._stopping.set()
        if self._looker is not None:
            self._looker.join()
        for lane in self._lanes:
            lane.shutdown(cancel_futures=True)
        self._answers.shutdown()

    def listener(self, action_id: str, carry_out: CarryOut) -> Callable[..., None]:
        """Return the listener of a control."""
        self._carry_out[action_id] = carry_out

        def listener(ack: Ack, body: Payload) -> None:
            try:
                kept = Kept(
                    action_source(body, body["actions"][0]), {name: body[name] for name in READ if name in body}
                )
                is_new = self._inbox.keep(kept)
                carried = self._take(kept) if is_new else None
            except Exception as lost:  # noqa: BLE001 - the person must hear of it, and the library would answer nothing
                # First, for what is logged of it may take its time.
                ack()
                self._tell(body, self._not_kept() if isinstance(lost, AWAY) else self._unexpected("click"))
                return
            if carried is not None and self._patience:
                wait([carried], self._patience)
            ack()
            if not is_new:
                self._tell(body, self._repeated())

        return listener

    def _keep_looking(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.take_over()
            except AWAY as away:
                log.warning("database_away", reason=str(away.orig))
            except Exception:
                log.exception("clicks_left_broke")

    def take_over(self) -> int:
        """Carry out what others have left; return how much that is."""
        with self._changing:
            own = frozenset(self._in_hand)
        left = self._inbox.take_over(but=own)
        for kept in left:
            log.info("click_taken_over", source=kept.source)
            self._take(kept, is_left=True)
        return len(left)

    def _take(self, kept: Kept, *, is_left: bool = False) -> Future[None] | None:
        with self._changing:
            if self._stopping.is_set():
                return None
            self._in_hand.add(kept.source)
            lane = self._lanes[crc32(_message(kept.body).encode()) % LANES]
            return lane.submit(self._carry, kept, is_left)

    def _carry(self, kept: Kept, is_left: bool) -> None:
        try:
            with self._readers.answering(str(kept.body["user"]["id"])):
                carried = self._carried_out(kept.body, is_left)
            if not carried.changed:
                self._inbox.drop(kept.source)
            if carried.afterwards is not None:
                self._answers.submit(self._answer, kept.body, carried.afterwards)
        except AWAY as away:
            # It is still kept: it is carried out when the database is there again.
            log.warning("click_put_off", source=kept.source, reason=str(away.orig))
        except Exception:
            log.exception("click_put_off", source=kept.source)
        finally:
            with self._changing:
                self._in_hand.discard(kept.source)

    def _carried_out(self, body: Mapping[str, Any], is_left: bool) -> Carried:
        try:
            return self._carry_out[str(body["actions"][0]["action_id"])](body, is_left)
        except AWAY:
            raise
        except Exception:  # noqa: BLE001 - the person must hear of it, and it would be the same at the next time
            return Carried(False, partial(self._tell, body, self._unexpected("click")))

    def _not_kept(self) -> str:
        reference = secrets.token_hex(4)
        log.exception("click_not_kept", reference=reference)
        return say("slack.not_kept", reference=reference).text(self._language)

    def _answer(self, body: Payload, afterwards: Afterwards) -> None:
        with self._readers.answering(str(body["user"]["id"])):
            try:
                afterwards()
            except Exception:
                log.exception("answer_broke")


def _message(body: Payload) -> str:
    """Name the message that was clicked on."""
    container = body.get("container") or {}
    return f"{container.get('channel_id')}:{container.get('message_ts') or container.get('view_id')}"
