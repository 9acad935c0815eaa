"""The scale bench in small: it measures a real bot, counts what it kept, and tells what is promised."""

import time
from collections import Counter
from pathlib import Path

import pytest

from bench.measure import CommandFailed
from bench.scale import crowded
from bench.scale.clicks import Acks
from bench.scale.processes import Bot

SMALL = crowded.Size(open=60, settle_seconds=0.5, idle_seconds=1, single_clicks=2, storm_seconds=1)


def test_everything_that_is_promised_is_measured_on_a_real_bot(tmp_path: Path) -> None:
    told: list[str] = []
    section = crowded.measure("SQLite", f"sqlite:///{tmp_path}/crowd.db", tmp_path, told.append, SMALL)
    promised = Counter(promise.of for line in section.lines for promise in line.promises)
    assert promised == {"CPU": 1, "peak": 1, "wall": 4}
    figures = [promise.figure for line in section.lines for promise in line.promises]
    assert all(figure > 0 for figure in figures if figure != figures[0])
    assert "50 clicks a second, the bot" in told


def test_percentiles_are_of_all_acknowledgements() -> None:
    acks = Acks(tuple(number / 100 for number in range(1, 101)))
    assert (acks.percentile(50), acks.percentile(99), acks.longest) == (0.51, 1.0, 1.0)


def test_a_bot_that_does_not_start_ends_the_bench_with_its_last_words(tmp_path: Path) -> None:
    bot = Bot({"LANGUAGE": "de", "DATA_DIR": str(tmp_path)}, tmp_path / "bot.log")
    bot.start()
    with pytest.raises(CommandFailed, match="LANGUAGE"):
        watch(bot)


def watch(bot: Bot) -> None:
    while True:
        bot.check()
        time.sleep(0.05)
