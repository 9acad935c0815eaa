"""A filled form dropped into the thread as a spreadsheet: taken once, or answered with all that is wrong."""

import io

import openpyxl
import pytest
from forms_house import ANA, FormsHouse, eventually

from bot.onboarding.ports import Job
from bot.sheet.layout import ANSWER

NAME = "form.xlsx"


def filled(house: FormsHouse, key: str, **changed: str) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(house.bot.sheets.make(key, ANA)))
    sheet = book.worksheets[0]
    answers = {name: str(value) for name, value in house.good(key).items()} | changed
    for row in sheet.iter_rows():
        if str(row[0].value) in answers:
            sheet[f"{ANSWER}{row[0].row}"] = answers[str(row[0].value)]
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def drop(house: FormsHouse, key: str, content: bytes, name: str = NAME) -> Job:
    """Drop a file, and return the job that answers it."""
    before = house.events(key).count("file_dropped")
    house.ana.say("here", thread_ts=house.parent(key), files={name: content})
    eventually(lambda: house.events(key).count("file_dropped") > before)
    seq = max(line.seq for line in house.bot.onboardings.trail(key) if line.kind == "file_dropped")
    return Job(house.bot.onboardings.view(key).id, f"given:{seq}")


def answers(house: FormsHouse, key: str) -> list[str]:
    return [kind for kind in house.events(key) if kind in {"file_checked", "file_not_taken"}]


def thread(house: FormsHouse, key: str) -> str:
    house.show(key)
    return str([post.get("blocks") for post in house.ana.messages(house.parent(key))])


def test_a_filled_form_is_taken_and_the_thread_says_so(house: FormsHouse) -> None:
    key = house.start()
    house.bot.run_job(drop(house, key, filled(house, key)))
    assert house.step(key).state == "done"
    assert answers(house, key) == ["file_checked"]
    assert f"The answers in {NAME} were taken." in thread(house, key)


def test_all_that_is_wrong_is_answered_at_once_and_the_form_goes_on_waiting(house: FormsHouse) -> None:
    key = house.start()
    house.bot.run_job(drop(house, key, filled(house, key, business_email="nobody", first_period="2026")))
    assert answers(house, key) == ["file_not_taken"]
    told = thread(house, key)
    labels = {asked.id: asked.label.en for asked in house.form(key).fields}
    assert labels["business_email"] in told
    assert labels["first_period"] in told
    assert "drop the file into this thread again" in told
    assert house.step(key).state == "waiting"
    house.bot.run_job(drop(house, key, filled(house, key)))
    assert house.step(key).state == "done"


def test_a_spreadsheet_that_is_no_form_is_refused(house: FormsHouse) -> None:
    key = house.start()
    house.bot.run_job(drop(house, key, b"PK not a workbook", "prices.xlsx"))
    assert answers(house, key) == ["file_not_taken"]
    assert house.step(key).state == "waiting"


def test_a_spreadsheet_that_no_form_waits_for_is_checked_as_any_file(house: FormsHouse) -> None:
    key = house.start(options={"ofc": False, "deposit": "console"})
    house.bot.run_job(drop(house, key, b"PK not a workbook", "prices.xlsx"))
    assert answers(house, key) == ["file_checked"]


def test_a_kill_between_taking_and_answering_ends_with_one_answer(
    house: FormsHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_given: object) -> None:
        raise Killed

    key = house.start()
    job = drop(house, key, filled(house, key))
    with monkeypatch.context() as patched:
        patched.setattr("bot.steps.given_files.GivenFileWorker._answer", die)
        with pytest.raises(Killed):
            house.bot.run_job(job)
    assert house.step(key).state == "done"
    assert answers(house, key) == []
    for _ in range(2):
        house.bot.run_job(job)
    assert answers(house, key) == ["file_checked"]
