"""The site's webhook: tells an address of what happens, signed over the raw body, and again where nobody answers."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from time import sleep
from uuid import uuid4

import requests

from bot.sandbox.faults import Faults
from bot.sandbox.jira.entities import Account, Change, Comment, Issue, JsonObject
from bot.sandbox.jira.shapes import Shapes
from bot.sandbox.jira.store import JiraStore

# The name by which faults call a delivery.
DELIVERY = "webhook:deliver"
TIMEOUT_SECONDS = 10
# What of an issue a webhook's body holds; comments and files come with events of their own.
LEFT_OUT = frozenset({"comment", "attachment"})
EVENT_TYPES = {
    "jira:issue_created": "issue_created",
    "jira:issue_updated": "issue_generic",
    "comment_created": "issue_commented",
    "comment_updated": "issue_comment_edited",
}


@dataclass(frozen=True)
class Delivery:
    """One try to tell of an event. ``status`` is the answer's, None where there was none."""

    event: str
    issue: str
    identifier: str
    retry: int
    status: int | None


@dataclass
class Webhooks:
    """Sends each event on its own, so that one that is held up is overtaken by the next.

    Nothing is sent while ``url`` is None. With a ``secret`` a delivery is signed. Faults of ``webhook:deliver``:
    ``delay`` holds one up (out of order), ``drop_before`` loses it on its way, ``drop_after`` loses its answer, so that
    it comes again. On Cloud each event has an identifier, the same in all its tries, and is tried again
    ``retry_seconds`` later; a Data Center sends each once and without one. What was taken comes again, word for word,
    after each of ``repeat_seconds``: none, unless a test wants it so.
    """

    store: JiraStore
    shapes: Shapes
    faults: Faults
    url: str | None = None
    secret: str | None = None
    retry_seconds: Sequence[float] = (0.2, 0.5, 1.0)
    repeat_seconds: Sequence[float] = ()
    deliveries: list[Delivery] = field(default_factory=list)
    _senders: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8, "sandbox-jira-webhook"))
    _sending: list[Future[None]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def tell(self, event: str, user: Account, issue: Issue, about: Comment | Change | None) -> None:
        """Send what happened, as it is at this moment; return at once."""
        if self.url is None:
            return
        body = json.dumps(self._body(event, user, issue, about)).encode()
        with self._lock:
            self._sending.append(self._senders.submit(self._deliver, event, issue.key, body))

    def settle(self) -> None:
        """Return when everything is delivered, or given up."""
        while True:
            with self._lock:
                waiting, self._sending = self._sending, []
            if not waiting:
                return
            for each in waiting:
                each.result()

    def stop(self) -> None:
        """Send nothing more; what is on its way is given up."""
        self.url = None
        self._senders.shutdown(wait=False, cancel_futures=True)

    def _deliver(self, event: str, issue: str, body: bytes) -> None:
        identifier = str(uuid4())
        pauses = self.retry_seconds if self.store.site.is_cloud else ()
        for retry in range(len(pauses) + 1):
            if retry:
                sleep(pauses[retry - 1])
            status = self._send(body, identifier, retry)
            self.deliveries.append(Delivery(event, issue, identifier, retry, status))
            # Cloud tries again where nobody answered or the answer may be another one later.
            if status is not None and status < 500 and status not in {408, 409, 425, 429}:
                self._repeat(event, issue, body, identifier, retry)
                return

    def _repeat(self, event: str, issue: str, body: bytes, identifier: str, retry: int) -> None:
        for pause in self.repeat_seconds:
            sleep(pause)
            self.deliveries.append(Delivery(event, issue, identifier, retry, self._send(body, identifier, retry)))

    def _send(self, body: bytes, identifier: str, retry: int) -> int | None:
        fault, url = self.faults.take(DELIVERY), self.url
        if fault is not None and fault.kind == "delay":
            sleep(fault.seconds)
        if url is None or (fault is not None and fault.kind == "drop_before"):
            return None
        headers = {"Content-Type": "application/json; charset=UTF-8", "User-Agent": "Atlassian Webhook HTTP Client"}
        if self.store.site.is_cloud:
            headers["X-Atlassian-Webhook-Identifier"] = identifier
            if retry:
                headers["X-Atlassian-Webhook-Retry"] = str(retry)
        if self.secret is not None:
            headers["X-Hub-Signature"] = signature(self.secret, body)
        try:
            answered = requests.post(url, data=body, headers=headers, timeout=TIMEOUT_SECONDS)
        except requests.RequestException:
            return None
        return None if fault is not None and fault.kind == "drop_after" else answered.status_code

    def _body(self, event: str, user: Account, issue: Issue, about: Comment | Change | None) -> JsonObject:
        shown = [each.id for each in self.store.site.fields if each.id not in LEFT_OUT]
        body: JsonObject = {
            "timestamp": int(self.store.now().timestamp() * 1000),
            "webhookEvent": event,
            "issue": self.shapes.issue(issue, user, shown, ()),
        }
        if event in EVENT_TYPES:
            body["issue_event_type_name"] = EVENT_TYPES[event]
        if isinstance(about, Comment):
            return body | {"comment": self.shapes.comment(issue, about)}
        body["user"] = self.shapes.account(user.name)
        if isinstance(about, Change):
            body["changelog"] = {"id": about.id, "items": self.shapes.change(about)["items"]}
        return body


def signature(secret: str, body: bytes) -> str:
    """Return the header ``X-Hub-Signature`` over a raw body."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
