"""People before jobs in one process (Postgres): who waits for whom."""

from collections.abc import Callable
from threading import Event, Thread

import pytest

from bot.onboarding.people_first import PeopleFirst

# Long enough for a thread that may go to be gone, in seconds.
SOON, PATIENCE = 0.2, 10.0


class Job:
    """A job in a thread of its own, which ends when it is told to."""

    def __init__(self, people_first: PeopleFirst) -> None:
        self._people_first = people_first
        self.begun, self._end = Event(), Event()
        self._thread = Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        self._end.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with self._people_first.job():
            self.begun.set()
            self._end.wait(PATIENCE)


@pytest.fixture
def jobs() -> Callable[[PeopleFirst, int], list[Job]]:
    return lambda people_first, count: [Job(people_first) for _ in range(count)]


def test_jobs_run_side_by_side_while_nobody_clicks(jobs):
    all_jobs = jobs(PeopleFirst(), 3)

    assert all(job.begun.wait(PATIENCE) for job in all_jobs)
    for job in all_jobs:
        job.end()


def test_a_job_begins_when_the_person_has_the_answer(jobs):
    people_first = PeopleFirst()
    with people_first.person():
        [job] = jobs(people_first, 1)
        assert not job.begun.wait(SOON)

    assert job.begun.wait(PATIENCE)
    job.end()


def test_jobs_go_one_at_a_time_shortly_after_a_click(jobs):
    people_first = PeopleFirst(lively_seconds=PATIENCE)
    with people_first.person():
        pass
    [first] = jobs(people_first, 1)
    assert first.begun.wait(PATIENCE)
    [second] = jobs(people_first, 1)
    assert not second.begun.wait(SOON)

    first.end()

    assert second.begun.wait(PATIENCE)
    second.end()


def test_jobs_run_side_by_side_again_once_people_have_stopped(jobs):
    people_first = PeopleFirst(lively_seconds=SOON)
    with people_first.person():
        pass

    all_jobs = jobs(people_first, 3)

    assert all(job.begun.wait(PATIENCE) for job in all_jobs)
    for job in all_jobs:
        job.end()


def test_jobs_pause_between_each_other_while_people_click(jobs):
    people_first = PeopleFirst(lively_seconds=PATIENCE, pause_seconds=2 * SOON)
    with people_first.person():
        pass
    [first] = jobs(people_first, 1)
    assert first.begun.wait(PATIENCE)
    first.end()

    [second] = jobs(people_first, 1)

    assert not second.begun.wait(SOON)
    assert second.begun.wait(PATIENCE)
    second.end()


def test_no_job_waits_for_people_for_ever(jobs):
    people_first = PeopleFirst(longest_pause=SOON)
    with people_first.person():
        [job] = jobs(people_first, 1)
        assert job.begun.wait(PATIENCE)
        job.end()


def test_an_action_that_fails_lets_the_jobs_go_on(jobs):
    people_first = PeopleFirst()
    with pytest.raises(ZeroDivisionError), people_first.person():
        1 / 0  # noqa: B018 - whatever goes wrong

    [job] = jobs(people_first, 1)

    assert job.begun.wait(PATIENCE)
    job.end()
