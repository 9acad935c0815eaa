"""The turns of threads at a database with one writer."""

from threading import Event, Thread

import pytest

from bot.onboarding.one_writer import OneWriter, Rank


def queue_up(writer: OneWriter, order: list[str], name: str, rank: Rank) -> Thread:
    """Have a thread wait for its turn; it is waiting when this returns."""

    def wait() -> None:
        with writer.turn(rank):
            order.append(name)

    thread = Thread(target=wait)
    thread.start()
    # A thread that has begun and does not end waits: it has nothing else to do.
    thread.join(0.1)
    assert thread.is_alive()
    return thread


def test_who_waits_for_an_acknowledgement_goes_before_what_people_asked_for_and_that_before_jobs() -> None:
    writer, order = OneWriter(), list[str]()
    with writer.turn(Rank.PERSON):
        threads = [queue_up(writer, order, rank.name, rank) for rank in (Rank.JOB, Rank.PERSON, Rank.ACKNOWLEDGEMENT)]
    for thread in threads:
        thread.join(5)
    assert order == ["ACKNOWLEDGEMENT", "PERSON", "JOB"]


def test_a_person_goes_before_jobs_that_waited_longer() -> None:
    writer, order = OneWriter(), list[str]()
    with writer.turn(Rank.JOB):
        threads = [
            queue_up(writer, order, "job", Rank.JOB),
            queue_up(writer, order, "another job", Rank.JOB),
            queue_up(writer, order, "person", Rank.PERSON),
        ]
        assert order == []
    for thread in threads:
        thread.join(5)
    assert order[0] == "person"
    assert sorted(order) == ["another job", "job", "person"]


def test_two_never_write_at_once() -> None:
    writer, inside, most = OneWriter(), list[int](), list[int]()

    def write(number: int) -> None:
        for _ in range(50):
            with writer.turn(Rank.PERSON if number % 2 == 0 else Rank.JOB):
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)

    threads = [Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(most) == 300
    assert max(most) == 1


def test_a_turn_that_ends_in_an_error_is_given_back() -> None:
    writer, done = OneWriter(), Event()
    with pytest.raises(ZeroDivisionError), writer.turn(Rank.PERSON):
        raise ZeroDivisionError
    thread = Thread(target=lambda: _take(writer, done))
    thread.start()
    assert done.wait(5)
    thread.join(5)


def test_a_transaction_inside_another_one_is_an_error_and_no_endless_wait() -> None:
    writer = OneWriter()
    with writer.turn(Rank.JOB):
        with pytest.raises(RuntimeError, match="inside another"), writer.turn(Rank.PERSON):
            pass
        # The outer one still has its turn.
        with pytest.raises(RuntimeError, match="inside another"), writer.turn(Rank.JOB):
            pass


def _take(writer: OneWriter, done: Event) -> None:
    with writer.turn(Rank.JOB):
        done.set()
