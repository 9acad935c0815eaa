"""Block Kit limits: each one holds at its edge and is refused one step beyond, with the place named."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_surfaces import actions, button, home, modal, option, plain, section, text_input, ticks

from bot.sandbox.slack.blocks import check_blocks, check_view, normalised, repeated_action_ids

Json = dict[str, Any]


def inside(element: Json) -> Json:
    return {"type": "actions", "elements": [element]}


def entry(element: Json) -> Json:
    return {"type": "input", "label": plain("L"), "element": element}


def select(**more: Any) -> Json:
    return {"type": "static_select", "action_id": "a", "options": [option("x")], **more}


def radio(count: int) -> Json:
    return {"type": "radio_buttons", "action_id": "a", "options": options(count)}


def options(count: int) -> list[Json]:
    return [option(f"v{n}") for n in range(count)]


def confirm(**more: Any) -> Json:
    dialog = {"title": plain("T"), "text": plain("Sure?"), "confirm": plain("Y"), "deny": plain("N")}
    return inside(button("a", "v") | {"confirm": {**dialog, **more}})


def context(count: int) -> Json:
    return {"type": "context", "elements": [plain("x")] * count}


def fields(count: int, length: int = 1) -> Json:
    return {"type": "section", "fields": [plain("x" * length)] * count}


def typed(**more: Any) -> Json:
    return entry({"type": "plain_text_input", "action_id": "a", **more})


def boxes(**more: Any) -> Json:
    element = {"type": "checkboxes", "action_id": "a", "options": options(2)}
    return inside({**element, **more})


FITS: list[list[Json]] = [
    [section("x" * 3000)],
    [{"type": "header", "text": plain("x" * 150)}],
    [{"type": "divider"}] * 50,
    [fields(10, 2000)],
    [context(10)],
    [inside({"type": "checkboxes", "action_id": "a", "options": options(10)})],
    [inside(radio(10))],
    [inside(select(options=options(100)))],
    [inside(button("a" * 255, "v" * 2000, "t" * 75))],
    [actions(*(button(f"a{n}", "v") for n in range(25)))],
    [confirm(title=plain("x" * 100), text=plain("x" * 300), confirm=plain("x" * 30))],
    [inside({"type": "datepicker", "initial_date": "2026-11-24"})],
    [section(accessory={"type": "overflow", "action_id": "a", "options": options(5)})],
    [typed(max_length=3000, min_length=0)],
    [actions(button("go", "1"), block_id="b1"), actions(button("go", "2"), block_id="b2")],
]

REFUSED: list[tuple[list[Json], str]] = [
    ([section("x" * 3001)], "/blocks/0/text/text"),
    ([section("")], "/blocks/0/text/text"),
    ([{"type": "section"}], "/blocks/0"),
    ([{"type": "novel"}], "/blocks/0/type"),
    ([{"text": plain("no type")}], "/blocks/0/type"),
    ([section(colour="red")], "/blocks/0"),
    ([{"type": "header", "text": plain("x" * 151)}], "/blocks/0/text/text"),
    ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "/blocks/0/text/type"),
    ([{"type": "divider"}] * 51, "/blocks"),
    ([fields(11)], "/blocks/0/fields"),
    ([fields(1, 2001)], "/blocks/0/fields/0/text"),
    ([context(11)], "/blocks/0/elements"),
    ([context(0)], "/blocks/0/elements"),
    ([boxes(options=options(11))], "/blocks/0/elements/0/options"),
    ([boxes(options=[])], "/blocks/0/elements/0/options"),
    ([boxes(options=[option("x"), option("x")])], "/blocks/0/elements/0/options/1/value"),
    ([boxes(initial_options=[option("other")])], "/blocks/0/elements/0/initial_options/0"),
    ([boxes(initial_options=[])], "/blocks/0/elements/0/initial_options"),
    ([inside(radio(11))], "/blocks/0/elements/0/options"),
    ([inside(select(options=options(101)))], "/blocks/0/elements/0/options"),
    ([inside(select(initial_option=option("y")))], "/blocks/0/elements/0/initial_option"),
    ([inside(select(placeholder=plain("x" * 151)))], "/blocks/0/elements/0/placeholder/text"),
    (
        [inside(select(options=[{"text": plain("x" * 76), "value": "v"}]))],
        "/blocks/0/elements/0/options/0/text/text",
    ),
    (
        [inside(select(options=[{"text": plain("x"), "value": "v" * 151}]))],
        "/blocks/0/elements/0/options/0/value",
    ),
    ([inside({"type": "static_select", "action_id": "a"})], "/blocks/0/elements/0"),
    ([inside(button("a", "v", "x" * 76))], "/blocks/0/elements/0/text/text"),
    ([inside(button("a", "v" * 2001))], "/blocks/0/elements/0/value"),
    ([inside(button("a" * 256, "v"))], "/blocks/0/elements/0/action_id"),
    ([inside(button("a", "v") | {"style": "pink"})], "/blocks/0/elements/0/style"),
    ([section(block_id="b" * 256)], "/blocks/0/block_id"),
    ([section(block_id="b"), section(block_id="b")], "/blocks/1/block_id"),
    ([actions(button("a", "1"), button("a", "2"))], "/blocks/0"),
    ([actions(*(button(f"a{n}", "v") for n in range(26)))], "/blocks/0/elements"),
    ([actions()], "/blocks/0/elements"),
    ([confirm(title=plain("x" * 101))], "/blocks/0/elements/0/confirm/title/text"),
    ([confirm(text=plain("x" * 301))], "/blocks/0/elements/0/confirm/text/text"),
    ([confirm(deny=plain("x" * 31))], "/blocks/0/elements/0/confirm/deny/text"),
    ([inside({"type": "datepicker", "initial_date": "24/11/2026"})], "/blocks/0/elements/0/initial_date"),
    ([inside({"type": "datepicker", "initial_date": "2026-02-30"})], "/blocks/0/elements/0/initial_date"),
    ([inside({"type": "timepicker", "initial_time": "7:00"})], "/blocks/0/elements/0/initial_time"),
    ([inside({"type": "plain_text_input", "action_id": "a"})], "/blocks/0/elements/0"),
    ([entry(button("a", "v"))], "/blocks/0/element"),
    ([typed(max_length=3001)], "/blocks/0/element/max_length"),
    ([typed(min_length=9, max_length=3)], "/blocks/0/element/min_length"),
    ([typed(max_length=3, initial_value="long")], "/blocks/0/element/initial_value"),
    ([section(accessory={"type": "overflow", "options": options(6)})], "/blocks/0/accessory/options"),
    ([{"type": "image", "image_url": "https://example.com/a.png"}], "/blocks/0"),
    ([{"type": "section", "text": "bare"}], "/blocks/0/text"),
]


@pytest.mark.parametrize("blocks", FITS)
def test_what_is_at_the_limit_fits(blocks: list[Json]) -> None:
    assert check_blocks(blocks) == []


@pytest.mark.parametrize(("blocks", "pointer"), REFUSED)
def test_what_is_beyond_the_limit_is_refused_where_it_is(blocks: list[Json], pointer: str) -> None:
    assert [problem.pointer for problem in check_blocks(blocks)] == [pointer]


VIEWS_REFUSED: list[tuple[Json, str]] = [
    (modal(title=plain("x" * 25)), "/view/title/text"),
    (modal(submit=plain("x" * 25)), "/view/submit/text"),
    (modal(close=plain("x" * 25)), "/view/close/text"),
    (modal(private_metadata="x" * 3001), "/view/private_metadata"),
    (modal(callback_id="x" * 256), "/view/callback_id"),
    (modal(*[{"type": "divider"}] * 101), "/view/blocks"),
    ({**modal(text_input("b")), "submit": None}, "/view/submit"),
    ({name: value for name, value in modal(text_input("b")).items() if name != "submit"}, "/view"),
    ({"type": "modal", "blocks": []}, "/view"),
    ({"type": "panel", "blocks": []}, "/view/type"),
    (modal({"type": "markdown", "text": "x"}), "/view/blocks/0/type"),
    (home(title=plain("T")), "/view"),
    (home(*[{"type": "divider"}] * 101), "/view/blocks"),
]


@pytest.mark.parametrize(("view", "pointer"), VIEWS_REFUSED)
def test_a_view_beyond_the_limit_is_refused_where_it_is(view: Json, pointer: str) -> None:
    assert [problem.pointer for problem in check_view(view)] == [pointer]


def test_a_modal_at_the_limit_fits() -> None:
    view = modal(*[text_input(f"b{n}") for n in range(100)], private_metadata="x" * 3000)
    assert check_view(view) == []
    assert check_view(home(*[{"type": "divider"}] * 100)) == []


def test_all_problems_are_reported_at_once() -> None:
    assert len(check_blocks([section(""), {"type": "novel"}, section("x" * 3001)])) == 3


def test_an_action_id_in_two_blocks_is_accepted_but_told() -> None:
    blocks = [actions(button("go", "1"), block_id="b1"), actions(button("go", "2"), block_id="b2")]
    assert repeated_action_ids(blocks) == ["go"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "elements", "options", "value", "element", "blocks", "accessory"]),
            inner | st.sampled_from(["section", "actions", "input", "button", "checkboxes", "plain_text"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_any_json_is_judged_without_a_crash(value: object) -> None:
    assert check_blocks(value) or isinstance(value, list)
    assert check_view(value) or isinstance(value, dict)


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=10, unique=True), st.data())
def test_checkboxes_fit_exactly_when_the_ticked_are_offered(values: list[str], data: st.DataObject) -> None:
    ticked = tuple(data.draw(st.lists(st.sampled_from(values), min_size=1, unique=True)))
    assert check_blocks([ticks(*values, ticked=ticked)]) == []
    assert check_blocks([ticks(*values, ticked=(*ticked, "never offered" + "!" * 20))]) != []


@pytest.mark.parametrize("blocks", FITS)
def test_what_is_stored_would_be_accepted_again(blocks: list[Json]) -> None:
    given_blocks = copy.deepcopy(blocks)
    stored = normalised(blocks)
    assert blocks == given_blocks
    assert check_blocks(stored) == []
    assert all(block["block_id"] for block in stored)
