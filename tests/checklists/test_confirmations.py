"""The key ``confirmations`` of a step: how many different people must confirm it."""

from typing import Any

import pytest


@pytest.mark.parametrize("kind", ["confirm", "watch", "ask"])
def test_what_people_confirm_may_need_more_of_them(small_pack: Any, kind: str) -> None:
    small_pack.replace("checklist.yaml", f"kind: {kind}\n", f"kind: {kind}\n    confirmations: 2\n")
    steps = small_pack.load().checklist.steps
    assert [step.kind for step in steps if step.confirmations == 2] == [kind]


@pytest.mark.parametrize("kind", ["directory", "form", "ticket", "chain"])
def test_what_nobody_confirms_takes_no_such_key(small_pack: Any, kind: str) -> None:
    small_pack.replace("checklist.yaml", f"kind: {kind}\n", f"kind: {kind}\n    confirmations: 2\n")
    [problem] = small_pack.problems()
    assert f"a step of kind {kind} is confirmed by nobody" in problem.message
    assert problem.line == small_pack.line("checklist.yaml", "confirmations: 2")


@pytest.mark.parametrize("count", ["0", "6", "many"])
def test_the_number_is_between_one_and_five(small_pack: Any, count: str) -> None:
    small_pack.replace("checklist.yaml", "kind: confirm\n", f"kind: confirm\n    confirmations: {count}\n")
    assert [problem.file for problem in small_pack.problems()] == ["checklist.yaml"]
