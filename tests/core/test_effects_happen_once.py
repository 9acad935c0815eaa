"""The effects ledger and the surfaces: nothing twice, nothing lost, whatever answer is lost on the way."""

from threading import Barrier, Thread

import pytest
from core_house import ANA, House

from bot.onboarding.effects import NothingHappened, OutcomeUnknown
from bot.onboarding.errors import OnboardingError, Unavailable, Unsettled


class Killed(BaseException):
    """Stands for the process's death: nothing of ours catches it."""


def test_an_effect_is_done_once_and_its_id_kept(house: House) -> None:
    key = house.start()
    done: list[int] = []

    def do() -> str:
        done.append(1)
        return "ISSUE-1"

    for _ in range(3):
        assert house.effects.once(1, f"{key}:ticket:issue", look=lambda: None, do=do) == "ISSUE-1"
    assert len(done) == 1


@pytest.mark.parametrize("killed_after_the_work", [False, True])
def test_a_killed_effect_is_looked_for_before_it_is_done_again(house: House, killed_after_the_work: bool) -> None:
    house.start()
    outside: list[str] = []

    def do() -> str:
        if killed_after_the_work:
            outside.append("ISSUE-1")
        raise Killed

    with pytest.raises(Killed):
        house.effects.once(1, "k", look=lambda: None, do=do)

    def again() -> str:
        outside.append("ISSUE-1")
        return "ISSUE-1"

    assert house.effects.once(1, "k", look=lambda: next(iter(outside), None), do=again) == "ISSUE-1"
    assert outside == ["ISSUE-1"]


def test_a_late_index_is_waited_for_before_it_is_done_again(house: House) -> None:
    house.start()
    with pytest.raises(Unavailable):
        house.effects.once(1, "k", look=lambda: None, do=_lost)
    with pytest.raises(Unsettled) as waiting:
        house.effects.once(1, "k", look=lambda: None, do=lambda: "second", grace_seconds=180)
    assert waiting.value.retry_after == pytest.approx(180)
    house.clock.move(181)
    assert house.effects.once(1, "k", look=lambda: None, do=lambda: "second", grace_seconds=180) == "second"


def test_a_late_index_has_its_time_after_each_attempt(house: House) -> None:
    house.start()
    for _ in range(2):
        with pytest.raises(Unavailable):
            house.effects.once(1, "k", look=lambda: None, do=_lost, grace_seconds=180)
        with pytest.raises(Unsettled) as waiting:
            house.effects.once(1, "k", look=lambda: None, do=_lost, grace_seconds=180)
        assert waiting.value.retry_after == pytest.approx(180)
        house.clock.move(181)


def test_what_is_refused_outside_need_not_be_waited_for(house: House) -> None:
    house.start()

    def refused() -> str:
        raise NothingHappened(OnboardingError("refused"))

    with pytest.raises(OnboardingError, match="refused"):
        house.effects.once(1, "k", look=lambda: None, do=refused, grace_seconds=180)
    assert house.effects.once(1, "k", look=lambda: None, do=lambda: "id", grace_seconds=180) == "id"


def test_what_cannot_be_looked_up_is_done_at_most_once(house: House) -> None:
    house.start()
    with pytest.raises(Killed):
        house.effects.at_most_once(1, "mail", _killed)
    with pytest.raises(OutcomeUnknown):
        house.effects.at_most_once(1, "mail", lambda: "sent")


def test_what_is_known_not_to_have_happened_is_done_again(house: House) -> None:
    house.start()

    def refused() -> str:
        raise NothingHappened(OnboardingError("refused"))

    with pytest.raises(OnboardingError, match="refused"):
        house.effects.at_most_once(1, "mail", refused)
    assert house.effects.at_most_once(1, "mail", lambda: "sent") == "sent"


def test_two_threads_that_want_the_same_effect_take_turns(house: House) -> None:
    house.start()
    both, done = Barrier(2), []

    def do() -> str:
        done.append(1)
        return "id"

    def want() -> None:
        both.wait(5)
        house.effects.once(1, "k", look=lambda: None, do=do)

    threads = [Thread(target=want) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(done) == 1


def test_the_parent_is_written_once_though_its_answer_was_lost(house: House) -> None:
    house.board.lose_answer = [Unavailable("Board", "no answer")]
    house.start()
    house.show()
    assert len(house.board.parents) == 1
    house.clock.move(6)
    house.sweep.run()
    house.show()
    assert len(house.board.parents) == 1
    assert house.onboardings.view("ONB-1").surfaces["board"].parent == "parent-0"


def test_reports_come_in_the_trails_order_once_each_though_answers_are_lost(house: House) -> None:
    key = house.start()
    house.show()
    house.board.lose_answer = [Unavailable("Board", "no answer")]
    house.onboardings.tick(key, "portal", [], actor=ANA)
    house.work()
    house.show()
    for _ in range(3):
        house.clock.move(30)
        house.sweep.run()
        house.show()
    steps = [report.step.id for _, report in house.board.reports if report.step]
    assert steps == ["portal", "directory", "flow"]
    assert len({marker for marker, _ in house.board.reports}) == 3


def test_a_surface_converges_to_the_latest_revision_after_an_outage(house: House) -> None:
    key = house.start()
    house.show()
    house.board.trouble = [Unavailable("Board", "no answer")] * 4
    house.onboardings.tick(key, "portal", ["found"], actor=ANA)
    house.show()
    house.onboardings.tick(key, "portal", ["logged_in"], actor=ANA)
    house.show()
    for _ in range(8):
        house.clock.move(301)
        house.sweep.run()
        house.show()
    assert house.board.pictures[-1] == f"revision {house.onboardings.view(key).revision}"
    assert house.onboardings.view(key).troubles == {}


def test_an_up_to_date_surface_is_left_alone(house: House) -> None:
    house.start()
    house.show()
    pictures = len(house.board.pictures)
    with house.flow.change(1) as change:
        house.flow.tell_surfaces(change)
    house.show()
    assert len(house.board.pictures) == pictures


def test_the_end_is_written_once_on_the_surface(house: House) -> None:
    key = house.start()
    house.onboardings.cancel(key, "wrong client", actor=ANA)
    house.show()
    with house.flow.change(1) as change:
        house.flow.tell_surfaces(change)
    house.show()
    assert len(house.board.closed) == 1


def _lost() -> str:
    raise Unavailable("Jira", "no answer")


def _killed() -> str:
    raise Killed
