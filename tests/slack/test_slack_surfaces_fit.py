"""Every surface stays within Slack's limits for any onboarding, by validators that are neither the bot's nor the
sandbox's; and what people wrote is never markup.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_rules import wrong_with_message, wrong_with_text, wrong_with_view
from test_slack_rendering import LONG, crowded, evidence, localized, long_words, report_of, view_of, words

from bot.onboarding.home_page import ACTIVATIONS, CHOICES, STEPS, Filters, HomePage, Part
from bot.onboarding.view import REPORTED, OnboardingView, SurfaceView
from bot.slack import modals
from bot.slack.commands import help_text
from bot.slack.corrections import correction_modal
from bot.slack.home import home_view
from bot.slack.message_facts import facts_of
from bot.slack.note_modal import note_modal
from bot.slack.parent import picture
from bot.slack.reports import report_blocks, report_text
from bot.slack.status import list_text, status_text
from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack
from checklists.model import LANGUAGES, Language, Localized, Pack

languages = st.sampled_from(LANGUAGES)
Draw = Callable[[Any], Any]


@pytest.fixture(scope="module", name="pack")
def builtin_pack() -> Pack:
    return load_pack(builtin_packs() / "telefonica_es", parameter_models())


def any_view(pack: Pack, draw: Draw) -> OnboardingView:
    """Return any onboarding: as drawn, or with every text as long as it gets."""
    if draw(st.booleans()):
        view = view_of(pack, draw, state=draw(st.sampled_from(["open", "done", "cancelled"])))
    else:
        text = draw(st.sampled_from(sorted(LONG.values())))
        view = crowded(pack, text, draw(st.integers(1, 60)), draw(st.sampled_from(["waiting", "failed", "done"])))
    link = draw(st.none() | st.just("https://slack.example/archives/C1/p1?x=1&y=|<>"))
    names = {"operator": draw(long_words), "partner": draw(words), "root": draw(words)}
    late = draw(st.integers(0, 10_000))
    steps = tuple(replace(step, days_late=late) for step in view.steps)
    surfaces = {**view.surfaces, "slack": SurfaceView("C1:1", link)}
    return replace(view, **names, days_late=late, steps=steps, surfaces=surfaces)


def repeating(draw: Draw, few: int = 3) -> Draw:
    """Return a draw that makes a few values with each strategy, and chooses among them from then on.

    Three onboardings with texts of their own everywhere are more than one example of Hypothesis can hold: most examples
    were thrown away for that, and with some seeds nearly all of them.
    """
    kept: list[tuple[Any, list[Any]]] = []

    def drawn(strategy: Any) -> Any:
        made = next((values for known, values in kept if known is strategy), None)
        if made is None:
            made = []
            kept.append((strategy, made))
        if len(made) == few:
            return made[draw(st.integers(0, few - 1))]
        made.append(draw(strategy))
        return made[-1]

    return drawn


def parent(pack: Pack, draw: Draw) -> Iterator[str]:
    shown = json.loads(picture(any_view(pack, draw)))
    yield from wrong_with_message(shown["text"], shown["blocks"])


def report(pack: Pack, draw: Draw) -> Iterator[str]:
    view = any_view(pack, draw)
    people = st.lists(words | st.sampled_from(["U0ANA", "S0TEAM"]), max_size=40)
    told = report_of(
        pack,
        step=draw(st.none() | st.just(view.steps[0].definition)),
        kind=draw(st.sampled_from(sorted(REPORTED))),
        actor=draw(words),
        actor_id=draw(words | st.just("slack:U0ANA")),
        evidence=draw(evidence),
        code=draw(st.none() | words),
        seen=draw(st.none() | localized),
        advice=draw(st.none() | localized),
        reason=draw(st.none() | words),
        copy=draw(st.none() | localized),
        who=tuple(draw(people)),
        managers=tuple(draw(people)),
    )
    yield from wrong_with_message(report_text(view, told), report_blocks(view, told))


def home(pack: Pack, draw: Draw) -> Iterator[str]:
    some = repeating(draw)
    views = [replace(any_view(pack, some), id=number, key=f"ONB-{number}") for number in range(1, 4)]
    steps = [(view, step) for view in views for step in view.steps if step.state in {"waiting", "failed"}][:STEPS]
    listed = [replace(views[0], id=number, key=f"ONB-{number}") for number in range(ACTIVATIONS)]
    codes = [f"P-{number}" for number in range(draw(st.integers(0, CHOICES)))]
    page = HomePage(
        revision=draw(st.integers(0, 10**9)),
        language=draw(languages),
        filters=Filters(*draw(st.sampled_from([("", ""), ("gone", "P-GONE")])), late=draw(st.booleans())),
        steps=tuple(steps),
        steps_part=Part(draw(st.integers(0, 3)), STEPS, draw(st.integers(0, 10**6))),
        activations=tuple(listed[: draw(st.integers(0, ACTIVATIONS))]),
        part=Part(draw(st.integers(0, 3)), ACTIVATIONS, draw(st.integers(0, 10**6))),
        operators=tuple((f"pack_{number}", draw(long_words) or "X") for number in range(draw(st.integers(0, 4)))),
        partners=tuple(codes),
        may_start=draw(st.booleans()),
    )
    yield from wrong_with_view(home_view(page, "/onboard"))


def start(pack: Pack, draw: Draw) -> Iterator[str]:
    named = [
        pack.checklist.model_copy(update={"pack": f"pack_{number}"}) for number in range(draw(st.integers(0, 120)))
    ]
    many = [replace(pack, checklist=checklist) for checklist in named]
    said = facts_of(draw(long_words)) | dict.fromkeys(modals.ASKED, draw(long_words) * draw(st.integers(0, 9)))
    chosen = draw(st.none() | st.just(pack))
    yield from wrong_with_view(modals.start_modal([pack, *many], chosen, draw(languages), said))


def other_modals(pack: Pack, draw: Draw) -> Iterator[str]:
    view, language = any_view(pack, draw), draw(languages)
    yield from wrong_with_view(modals.skip_modal(replace(view, language=language), view.steps[0].id))
    yield from wrong_with_view(modals.notice_modal(draw(st.text("abc \n", max_size=9_000)), language))
    text = draw(long_words) * draw(st.integers(1, 9))
    yield from wrong_with_view(note_modal(text, "C1:1.2", draw(st.none() | st.just("ONB-1")), language))
    step = (view.steps[0].id, draw(localized))
    yield from wrong_with_view(note_modal("", "", "ONB-1", language, step=draw(st.none() | st.just(step))))
    yield from wrong_with_view(correction_modal(replace(view, language=language), view.steps[0].id))


def answers(pack: Pack, draw: Draw) -> Iterator[str]:
    view, language = any_view(pack, draw), draw(languages)
    asked: Any = SimpleNamespace(view=lambda _key: view, all=lambda limit: [view] * limit)
    yield from wrong_with_text(status_text(asked, "ONB-1", language, "/onboard"))
    yield from wrong_with_text(list_text(asked, language, "/onboard"))
    # The help shows where a key stands, as code.
    yield from wrong_with_text(help_text("/onboard", language).replace("<", "").replace(">", ""))


RENDERERS = (parent, report, home, start, other_modals, answers)


@pytest.mark.parametrize("renderer", RENDERERS, ids=lambda renderer: renderer.__name__)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_surface_fits_whatever_it_shows(pack: Pack, renderer: Callable[..., Iterator[str]], data: Any) -> None:
    assert list(renderer(pack, data.draw)) == []


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_fullest_home_fits(pack: Pack, text: str, language: Language) -> None:
    views = [replace(crowded(pack, text, 30), id=number, key=f"ONB-{number}") for number in range(ACTIVATIONS)]
    page = HomePage(
        revision=10**9,
        language=language,
        filters=Filters("gone", "GONE", late=True),
        steps=tuple((view, view.steps[0]) for view in views[:STEPS]),
        steps_part=Part(1, STEPS, 10**6),
        activations=tuple(views),
        part=Part(1, ACTIVATIONS, 10**6),
        operators=tuple((f"p{number}", text) for number in range(CHOICES)),
        partners=tuple(f"P-{number}" for number in range(CHOICES)),
        may_start=True,
    )
    assert wrong_with_view(home_view(page, "/onboard")) == []


BAD: dict[str, dict[str, Any]] = {
    "an unknown block": {"type": "sectoin"},
    "a long section": {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}},
    "an empty text": {"type": "section", "text": {"type": "mrkdwn", "text": ""}},
    "a broken mention": {"type": "section", "text": {"type": "mrkdwn", "text": "<!channel>"}},
    "eleven boxes": {
        "type": "actions",
        "elements": [
            {
                "type": "checkboxes",
                "action_id": "a",
                "options": [{"text": {"type": "plain_text", "text": "x"}, "value": str(n)} for n in range(11)],
            }
        ],
    },
    "one action twice": {
        "type": "actions",
        "elements": [{"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "x"}}] * 2,
    },
}


@pytest.mark.parametrize("block", BAD.values(), ids=BAD)
def test_the_validators_see_what_slack_refuses(block: dict[str, Any]) -> None:
    assert wrong_with_message("x", [block])
    assert wrong_with_message("x", [{"type": "divider"}] * 51)
    assert wrong_with_message("x", [{"type": "divider"}]) == []
    assert Localized.same("x").en == "x"
