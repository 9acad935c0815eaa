"""Items made ahead: the same items in the same order, and the same errors."""

import threading
from collections.abc import Iterator

import pytest

from pipeline.ahead import ITEMS_AHEAD, WORKERS, ahead, mapped_ahead


def test_the_items_come_in_their_order() -> None:
    assert list(ahead(range(1000))) == list(range(1000))
    assert list(ahead([])) == []


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("disk full")

    got = ahead(items())
    assert next(got) == 1
    with pytest.raises(OSError, match="disk full"):
        next(got)


def test_a_caller_that_stops_early_leaves_no_thread_and_takes_little_more() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    got = ahead(items())
    next(got)
    got.close()
    assert len(taken) <= ITEMS_AHEAD + 3
    assert all(thread.name != "ahead" for thread in threading.enumerate())


def test_the_next_item_is_made_while_the_last_one_is_worked_on() -> None:
    made = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        made.set()
        yield 2

    got = ahead(items())
    next(got)
    assert made.wait(5)
    assert list(got) == [2]


def test_what_is_made_of_items_comes_in_their_order() -> None:
    assert list(mapped_ahead(lambda number: number * 2, range(1000))) == [number * 2 for number in range(1000)]
    assert list(mapped_ahead(str, [])) == []


def test_what_one_item_raises_comes_in_its_place() -> None:
    got = mapped_ahead(lambda number: 1 // number, [1, 1, 0, 1])
    assert [next(got), next(got)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(got)


def test_two_items_are_made_at_once_and_few_ahead() -> None:
    together = threading.Barrier(WORKERS, timeout=5)
    begun: list[int] = []

    def make(number: int) -> int:
        begun.append(number)
        if number < WORKERS:
            together.wait()
        return number

    got = mapped_ahead(make, range(1000))
    assert next(got) == 0
    got.close()
    assert len(begun) <= WORKERS + ITEMS_AHEAD + 2
