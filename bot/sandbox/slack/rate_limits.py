"""Slack's rate limits as token buckets: one per method, and one per channel for posting."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

TIER_1, TIER_2, TIER_3, TIER_4 = 1, 20, 50, 100
_TIERS = {
    "apps.connections.open": TIER_1,
    "usergroups.list": TIER_2,
    "usergroups.users.list": TIER_2,
    "chat.update": TIER_3,
    "chat.delete": TIER_3,
    "conversations.history": TIER_3,
    "conversations.replies": TIER_3,
    "conversations.info": TIER_3,
    "conversations.open": TIER_3,
    "reactions.add": TIER_3,
    "users.lookupByEmail": TIER_3,
    "chat.postEphemeral": TIER_4,
    "conversations.members": TIER_4,
    "files.completeUploadExternal": TIER_4,
    "files.getUploadURLExternal": TIER_4,
    "files.info": TIER_4,
    "users.info": TIER_4,
    "views.open": TIER_4,
    "views.publish": TIER_4,
    "views.push": TIER_4,
    "views.update": TIER_4,
}
_SMALLEST_BURST = 20


@dataclass
class _Bucket:
    tokens: float
    filled_at: float


@dataclass
class RateLimits:
    """Says how long a caller must wait; 0 when the call may go through.

    ``post_per_second`` and ``post_burst`` rule chat.postMessage in one channel. A method's own bucket holds a
    minute's worth of calls (at least 20, since Slack tolerates short bursts of its slowest methods too).
    """

    post_per_second: float = 1.0
    post_burst: int = 60
    tiers: dict[str, int] = field(default_factory=lambda: dict(_TIERS))
    enforced: bool = True
    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict)

    def wait(self, method: str, channel: str, clock: Callable[[], float]) -> int:
        """Whole seconds for the Retry-After header, at least 1 when the call is refused."""
        if not self.enforced:
            return 0
        if method == "chat.postMessage":
            return self._take(("post", channel), self.post_burst, self.post_per_second, clock())
        if method in self.tiers:
            per_minute = self.tiers[method]
            return self._take((method, ""), max(per_minute, _SMALLEST_BURST), per_minute / 60, clock())
        return 0

    def _take(self, key: tuple[str, str], capacity: int, per_second: float, now: float) -> int:
        bucket = self._buckets.setdefault(key, _Bucket(capacity, now))
        bucket.tokens = min(capacity, bucket.tokens + max(0.0, now - bucket.filled_at) * per_second)
        bucket.filled_at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0
        return max(1, math.ceil((1 - bucket.tokens) / per_second))
