"""Beside the boxes of a manual step: notes, links and proof files, and why a box was unticked."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from thread_house import ANA, ThreadHouse, eventually, thread_house

from bot.onboarding.actors import Actor
from bot.onboarding.errors import Invalid, NotAllowed, Refused
from bot.onboarding.given import GivenFile
from bot.steps.proofs import copy_proof

GUEST = Actor("slack", "slack:U0GUEST", "guest")
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ThreadHouse]:
    with thread_house(tmp_path) as built:
        yield built


def open_note(house: ThreadHouse, key: str, step: str = "portal") -> None:
    house.ana.click(house.parent(key), "box_note", f"{key}:{step}")
    assert house.ana.wait_for_view(callback_id="box_note")


def test_a_note_with_a_link_is_told_in_the_thread_and_shown_beside_the_boxes(house: ThreadHouse) -> None:
    key = house.start()
    open_note(house, key)
    values = {"item": "logged_in", "text": "with <Ana's> account", "link": "https://wiki.example/portal"}
    assert house.ana.submit(values=values) == {}
    house.work()
    [note] = house.step(key, "portal").notes
    assert (note.item, note.by, note.text, note.link) == ("logged_in", "ana", values["text"], values["link"])
    assert "with &lt;Ana's&gt; account" in house.thread(key)[-1]
    assert "https://wiki.example/portal" in house.parent_text(key)


def test_a_proof_file_is_fetched_kept_by_its_checksum_and_told_with_it(house: ThreadHouse) -> None:
    key = house.start()
    open_note(house, key)
    house.ana.enter_files(None, "file", {"screen.png": PNG})
    assert house.ana.submit(values={"item": "found"}) == {}
    assert house.lines(key)[-1] == "proof_given"
    [pending] = house.step(key, "portal").notes
    assert pending.files[0].sha256 == ""
    house.work()
    digest = sha256(PNG).hexdigest()
    [note] = house.step(key, "portal").notes
    assert (note.files[0].sha256, note.files[0].size) == (digest, len(PNG))
    kept = house.base / "data" / "proofs" / key / f"screen_{digest[:12]}.png"
    assert kept.read_bytes() == PNG
    assert digest[:12] in house.thread(key)[-1]
    # Done, the step says it once more with who and when.
    house.onboardings.tick(key, "portal", [], actor=ANA)
    house.work()
    assert any(digest[:12] in fact.value for fact in house.step(key, "portal").evidence.facts)


def test_a_program_is_refused_at_its_field_and_one_in_disguise_when_it_is_there(house: ThreadHouse) -> None:
    key = house.start()
    open_note(house, key)
    house.ana.enter_files(None, "file", {"setup.exe": b"MZ"})
    errors = house.ana.submit()
    assert "setup.exe" in errors["file"]
    house.ana.enter_files(None, "file", {"setup.png": b"MZ\x90\x00"})
    assert house.ana.submit(values={"text": "the installer"}) == {}
    house.work()
    [note] = house.step(key, "portal").notes
    assert (note.text, note.files[0].sha256) == ("the installer", "")
    assert "program" in note.files[0].refused
    assert "program" in house.thread(key)[-1]
    assert not any(path.is_file() for path in (house.base / "data").rglob("*"))


def test_an_empty_note_and_a_file_of_two_gigabytes_are_refused_in_words(house: ThreadHouse) -> None:
    key = house.start()
    with pytest.raises(Invalid) as nothing:
        house.onboardings.noting.add(key, "portal", actor=ANA)
    assert set(nothing.value.fields) == {"text"}
    big = GivenFile("F1", "video.avi", 2 * 1024**3)
    with pytest.raises(Invalid) as refused:
        house.onboardings.noting.add(key, "portal", given=[big], link="ftp://x", actor=ANA)
    assert set(refused.value.fields) == {"file", "link"}
    assert "2,048 MB" in refused.value.fields["file"].en
    with pytest.raises(Refused):
        house.onboardings.noting.add(key, "portal", item="nothing", text="x", actor=ANA)
    with pytest.raises(Refused):
        house.onboardings.noting.add(key, "output", text="x", actor=ANA)
    with pytest.raises(NotAllowed):
        house.onboardings.noting.add(key, "portal", text="x", actor=GUEST)
    assert house.step(key, "portal").notes == ()


def test_an_untick_counts_at_once_and_its_reason_is_asked_for(house: ThreadHouse) -> None:
    key = house.start()
    house.ana.tick(house.parent(key), house.block(key, "portal", "ticks"), "logged_in")
    house.work()
    house.ana.untick(house.parent(key), house.block(key, "portal", "ticks"), "logged_in")
    house.ana.wait_for_view(callback_id="box_reason")
    house.work()
    [box, _] = house.step(key, "portal").ticks
    assert box.by is None
    assert box.withdrawn is not None
    assert (box.withdrawn.by, box.withdrawn.reason) == ("ana", None)
    # Asked for and not given: the parent shows that, and has a button for it.
    house.ana.close()
    assert "no reason given yet" in house.parent_text(key)
    house.ana.click(house.parent(key), "box_reason", f"{key}:portal")
    house.ana.wait_for_view(callback_id="box_reason")
    assert house.ana.submit(values={"text": "It was the wrong account."}) == {}
    house.work()
    assert "It was the wrong account." in house.thread(key)[-1]
    assert "It was the wrong account." in house.parent_text(key)
    house.ana.tick(house.parent(key), house.block(key, "portal", "ticks"), "logged_in")
    house.work()
    assert house.step(key, "portal").ticks[0].withdrawn is None
    assert "wrong account" not in house.parent_text(key)


def test_a_reason_that_comes_after_the_box_was_ticked_again_stays_on_the_trail(house: ThreadHouse) -> None:
    key = house.start()
    house.ana.tick(house.parent(key), house.block(key, "portal", "ticks"), "logged_in")
    house.work()
    house.ana.untick(house.parent(key), house.block(key, "portal", "ticks"), "logged_in")
    house.ana.wait_for_view(callback_id="box_reason")
    house.onboardings.tick(key, "portal", ["logged_in"], actor=ANA)
    assert house.ana.submit(values={"text": "a slip"}) == {}
    assert [line.content["reason"] for line in house.onboardings.trail(key) if line.kind == "tick_explained"] == [
        "a slip"
    ]
    assert house.step(key, "portal").ticks[0].by == "ana"


def test_unticking_by_command_needs_its_reason(house: ThreadHouse) -> None:
    key = house.start()
    house.onboardings.tick(key, "portal", ["found"], actor=ANA)
    with pytest.raises(Refused):
        house.onboardings.untick(key, "portal", ["found"], "  ", actor=ANA)
    assert house.step(key, "portal").ticks[1].by == "ana"
    house.onboardings.untick(key, "portal", ["found"], "not the right page", actor=ANA)
    withdrawn = house.step(key, "portal").ticks[1].withdrawn
    assert withdrawn is not None
    assert withdrawn.reason == "not the right page"


def test_the_same_submission_again_notes_nothing_twice(house: ThreadHouse) -> None:
    key = house.start()
    open_note(house, key)
    house.ana.choose(None, "text", "once")
    house.ana.submit(repeat=True)
    eventually(lambda: len(house.step(key, "portal").notes) == 1)
    house.work()
    assert house.lines(key).count("tick_noted") == 1


def test_a_proof_from_the_shell_is_a_copy_and_the_same_file_again_the_same_copy(
    house: ThreadHouse, tmp_path: Path
) -> None:
    file = tmp_path / "mail.txt"
    file.write_text("it works", "utf-8")
    first, second = (copy_proof(house.files, "ONB-1", file) for _ in range(2))
    assert first == second
    assert Path(first.path).read_text("utf-8") == "it works"
    program = tmp_path / "run.bat"
    program.write_text("echo", "utf-8")
    with pytest.raises(Invalid):
        copy_proof(house.files, "ONB-1", program)
