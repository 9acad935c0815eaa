"""How long Slack waits for an acknowledgement, and requests that do not bear its signature."""

from collections.abc import Callable
from http import HTTPStatus
from time import monotonic, perf_counter
from typing import Any

import structlog
from slack_bolt import App, BoltRequest, BoltResponse

log = structlog.stdlib.get_logger()

# Of wrong signatures one line is logged in so many seconds; the counter has them all.
QUIET_SECONDS = 300.0


def _unheard(_seconds: float) -> None:
    """Tell nobody."""


class Arrivals:
    """Hears of every event: ``acknowledged`` with the seconds that it took, ``refused`` for a wrong signature."""

    def __init__(
        self, acknowledged: Callable[[float], None] = _unheard, refused: Callable[[], None] | None = None
    ) -> None:
        self._acknowledged = acknowledged
        self._refused = refused
        self._said_at: float | None = None

    def answered(self, status: int, seconds: float) -> None:
        """Tell of one."""
        if status != HTTPStatus.UNAUTHORIZED:
            self._acknowledged(seconds)
            return
        if self._refused is not None:
            self._refused()
        if self._said_at is None or monotonic() - self._said_at > QUIET_SECONDS:
            self._said_at = monotonic()
            log.error(
                "slack_signature_wrong",
                advice="compare SLACK__SIGNING_SECRET with the app's page, and this machine's clock with the time; "
                "otherwise it is not Slack that calls",
            )


class TimedApp(App):
    """Slack's App, timed from the receipt of an event to its answer."""

    def __init__(self, arrivals: Arrivals, **how: Any) -> None:
        super().__init__(**how)
        self._arrivals = arrivals

    def dispatch(self, req: BoltRequest) -> BoltResponse:
        """Have the listeners answer an event."""
        begun = perf_counter()
        response = super().dispatch(req)
        self._arrivals.answered(response.status, perf_counter() - begun)
        return response
