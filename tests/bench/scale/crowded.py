"""A bot with thousands of open onboardings: idle, a click, a storm of clicks, a restart."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func
from sqlmodel import col, select

from bot.onboarding.models import Event, InboxRecord, Onboarding
from bot.onboarding.store import Store

from ..measure import CommandFailed, Measured, Run
from ..report import Line, Promise, Section
from .clicks import Acks, Sender, Unanswered, parents, tick
from .processes import Bot, bare_listener, crowd, free_port, outside

CLICKS_PER_SECOND = 50
FIRST, LAST = "portal", "load"
# The first step has two boxes: each onboarding that is shown takes two clicks of the storm.
BOXES = 2
# Whatever is left of a storm must be carried out within so many seconds.
CARRIED_OUT_SECONDS = 60.0
# What an automatic step's work puts on the trail at its first run.
OUTCOMES = ("step_asks", "step_waiting", "step_done", "step_failed")

Told = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How much is measured: onboardings, seconds, clicks. The figures of the page are of the defaults."""

    open: int = 10_000
    settle_seconds: float = 10.0
    idle_seconds: float = 60.0
    single_clicks: int = 20
    storm_seconds: int = 20

    @property
    def storm(self) -> int:
        """How many clicks the storm has."""
        return CLICKS_PER_SECOND * self.storm_seconds


def measure(name: str, database: str, scratch: Path, told: Told, size: Size) -> Section:
    """Measure on one database, which is empty. Raises CommandFailed."""
    port = free_port()
    with outside(scratch / "outside.log") as servers:
        core = {"DATABASE_URL": database, "DATA_DIR": str(scratch / "data"), "LANGUAGE": "en"}
        settings = {**core, **servers, "SLACK__MODE": "http", "WEB__PORT": str(port)}
        told(f"making {size.open:,} open onboardings")
        ready = crowd("shown-at-load", size.single_clicks, settings)
        shown = crowd("shown", size.storm // BOXES, settings)
        crowd("waiting", size.open - len(ready) - len(shown), core)
        bot = Bot(settings, scratch / "bot.log")
        crowded = Crowded(bot, settings, Store(database), f"http://127.0.0.1:{port}/slack/events", told, size)
        try:
            return Section(
                f"{size.open:,} open onboardings on {name}",
                "Ratio: of the 99th percentiles, to a Bolt app that does nothing but acknowledge, in the same run.",
                crowded.lines(ready, shown),
            )
        except (Unanswered, OSError) as problem:
            bot.check()
            raise CommandFailed(str(problem)) from problem
        finally:
            bot.kill()
            crowded.close()


class Crowded:
    """The measurements, in the order in which they are made."""

    def __init__(self, bot: Bot, settings: Mapping[str, str], store: Store, url: str, told: Told, size: Size) -> None:
        self._bot = bot
        self._settings = settings
        self._store = store
        self._sender = Sender(url, settings["SLACK__SIGNING_SECRET"])
        self._told = told
        self._size = size
        self._number = 0

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def lines(self, ready: list[str], shown: list[str]) -> list[Line]:
        """Measure everything; ``ready`` are for single clicks, ``shown`` for the storm."""
        messages = self._messages()
        lines = [self._first_ack("start to the first acknowledgement", messages[ready[0]], promised=False)]
        lines.append(self._idle())
        lines.append(self._single_clicks(ready, messages))
        storm = [self._tick(messages[key], FIRST, boxes) for boxes in range(1, BOXES + 1) for key in shown]
        with bare_listener(self._settings) as url:
            self._told(f"{CLICKS_PER_SECOND} clicks a second, a bare Bolt listener")
            bare = Sender(url, self._settings["SLACK__SIGNING_SECRET"]).at_rate(storm, CLICKS_PER_SECOND)
        self._told(f"{CLICKS_PER_SECOND} clicks a second, the bot")
        acks = self._sender.at_rate(storm, CLICKS_PER_SECOND)
        lines += _acks(bare, acks)
        lines.append(self._carried_out(shown, time.perf_counter()))
        lines.append(self._first_ack("kill -9 to the first acknowledgement", messages[ready[0]], promised=True))
        return lines

    def _messages(self) -> Mapping[str, Mapping[str, object]]:
        api_url, token = self._settings["SLACK__API_URL"], self._settings["SLACK__BOT_TOKEN"]
        return parents(api_url, token, self._settings["SLACK__CHANNEL"])

    def _tick(self, message: Mapping[str, object], step: str, boxes: int) -> Mapping[str, object]:
        self._number += 1
        return tick(message, self._settings["SLACK__CHANNEL"], step, boxes, number=self._number)

    def _first_ack(self, what: str, message: Mapping[str, object], *, promised: bool) -> Line:
        """Start the bot (after killing it, if it runs) and post a click until one is acknowledged."""
        self._told(what)
        self._bot.kill()
        begun = time.perf_counter()
        self._bot.start()
        while True:
            try:
                self._sender.post(self._tick(message, LAST, 0))
            except OSError:
                self._bot.check()
                time.sleep(0.02)
                continue
            seconds = time.perf_counter() - begun
            return Line(what, seconds=seconds, promises=(Promise("wall", seconds, 5.0, unit=" s"),) if promised else ())

    def _idle(self) -> Line:
        time.sleep(self._size.settle_seconds)
        self._told(f"idle for {self._size.idle_seconds:g} s")
        before = self._bot.cpu_seconds()
        time.sleep(self._size.idle_seconds)
        self._bot.check()
        used, peak = self._bot.cpu_seconds() - before, self._bot.peak_mib()
        run = Run(self._size.idle_seconds, used, int(peak * (1 << 20)))
        percent = 100 * used / self._size.idle_seconds
        promises = (Promise("CPU", percent, 5, unit=" % of a core"), Promise("peak", peak, 300, unit=" MiB"))
        return Line(f"idle for {self._size.idle_seconds:g} s", Measured((run,)), promises=promises)

    def _single_clicks(self, ready: list[str], messages: Mapping[str, Mapping[str, object]]) -> Line:
        """Tick the last box of the last manual step, and wait for what the step behind it puts on the trail."""
        self._told("a click to the started step")
        took = []
        for key in ready:
            message = messages[key]
            boxes = next(
                len(block["elements"][0]["options"])
                for block in message["blocks"]  # type: ignore[attr-defined]
                if block.get("block_id", "").startswith(f"{LAST}:") and block["block_id"].endswith(":ticks")
            )
            number = int(key.removeprefix("ONB-"))
            seen = self._last_line(number)
            begun = time.perf_counter()
            self._sender.post(self._tick(message, LAST, boxes))
            self._wait_for_step_after(number, seen, begun)
            took.append(time.perf_counter() - begun)
            time.sleep(0.3)
        longest = max(took)
        what = f"a click to the started step: the longest of {len(took)} (median {statistics.median(took):.2f} s)"
        return Line(what, seconds=longest, promises=(Promise("wall", longest, 1.0, unit=" s"),))

    def _wait_for_step_after(self, number: int, seen: int, begun: float) -> None:
        outcome = select(Event.id).where(
            Event.onboarding_id == number, Event.step != LAST, Event.seq > seen, col(Event.kind).in_(OUTCOMES)
        )
        while time.perf_counter() - begun < 30:
            with self._store.reading() as session:
                if session.exec(outcome).first() is not None:
                    return
            time.sleep(0.01)
        raise CommandFailed(f"ONB-{number}: the step behind {LAST} did not start")

    def _last_line(self, number: int) -> int:
        with self._store.reading() as session:
            return session.get_one(Onboarding, number).revision

    def _carried_out(self, shown: list[str], since: float) -> Line:
        """Wait until every acknowledged click is on the trail, once."""
        expected = BOXES * len(shown)
        while (kept := self._ticked(shown)) < expected and time.perf_counter() - since < CARRIED_OUT_SECONDS:
            time.sleep(0.02)
        took = time.perf_counter() - since
        if kept != expected or self._left():
            raise CommandFailed(f"{expected} clicks were acknowledged, {kept} are on the trail")
        return Line("the last acknowledgement to the last click carried out", seconds=took)

    def _ticked(self, shown: list[str]) -> int:
        numbers = [int(key.removeprefix("ONB-")) for key in shown]
        ticked = select(func.count()).where(Event.kind == "ticked", col(Event.onboarding_id).in_(numbers))
        with self._store.reading() as session:
            return session.exec(ticked).one()

    def _left(self) -> bool:
        """Tell whether a click is still kept half a second later: then it would be carried out a second time."""
        time.sleep(0.5)
        with self._store.reading() as session:
            return session.exec(select(InboxRecord.source).limit(1)).first() is not None


def _acks(bare: Acks, ours: Acks) -> list[Line]:
    count = len(ours.seconds)
    theirs, mine = bare.percentile(99), ours.percentile(99)
    what = f"{count:,} clicks at {CLICKS_PER_SECOND} a second"
    return [
        Line(f"{what}: p99, a bare Bolt listener", seconds=theirs, ratio=1.0),
        Line(
            f"{what}: p99, the bot (median {ours.percentile(50) * 1000:.0f} ms)",
            seconds=mine,
            ratio=mine / theirs,
            promises=(Promise("wall", mine, 0.1, unit=" s"),),
        ),
        Line(f"{what}: the longest", seconds=ours.longest, promises=(Promise("wall", ours.longest, 3.0, unit=" s"),)),
    ]
