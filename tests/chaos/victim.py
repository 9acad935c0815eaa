"""The bot as ``onboarding-bot serve`` runs it, with kill points around its code: ``python -m chaos.victim``.

``CHAOS_BOOK`` names the file of the points passed, ``CHAOS_FATAL`` the number of the point that kills. Where
``CHAOS_CLOCK`` is set, the bot's clock runs as many seconds ahead of the machine's as stand in that file.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot import app
from bot.logs import configure_logs
from bot.settings import load_settings

from .hooks import arm
from .kill_points import KillPoints


class ShiftedClock:
    """A clock that another process sets (the core's port ``Clock``)."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(self._file.read_text("ascii")))


def main() -> None:
    settings = load_settings()
    configure_logs(settings.log)
    fatal = os.environ.get("CHAOS_FATAL")
    points = KillPoints(Path(os.environ["CHAOS_BOOK"]), int(fatal) if fatal else None)
    arm(points, settings.data_dir.resolve())
    shift = os.environ.get("CHAOS_CLOCK")
    application = app.build(settings, clock=ShiftedClock(Path(shift)) if shift else None)
    try:
        app.serve(application, "all")
    finally:
        application.close()


if __name__ == "__main__":
    main()
