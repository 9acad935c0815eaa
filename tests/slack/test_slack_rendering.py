"""What the bot shows in Slack stays within Slack's limits and shows people's words as words, whatever they are."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.onboarding.outcomes import Evidence, Fact, FileEvidence, FindingEvidence
from bot.onboarding.replacing import Amounts, ChangedInvoice, Offer
from bot.onboarding.view import REPORTED, OnboardingView, Report, StepView, SurfaceView, TickView
from bot.sandbox.slack.blocks import TEXT_OF_ALL_BLOCKS, check_blocks, check_view, text_length
from bot.slack import modals
from bot.slack.blocks import MOST_TEXT
from bot.slack.manifest import app_manifest
from bot.slack.mrkdwn import chunks, code, escaped, from_markdown, inline, link, shortened, whole_lines, with_mentions
from bot.slack.parent import message_blocks, picture
from bot.slack.reports import report_blocks
from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack
from checklists.model import LANGUAGES, Language, Localized, Pack, Step, Tick

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
STATES = ["pending", "running", "waiting", "done", "failed", "skipped", "not_applicable"]

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=400)
long_words = st.one_of(words, words.map(lambda text: (text + " & <x> ") * 40))
localized = long_words.filter(str.strip).map(Localized.same)
evidence = st.builds(
    Evidence,
    facts=st.lists(st.builds(Fact, localized, long_words), max_size=30).map(tuple),
    files=st.lists(
        st.builds(FileEvidence, words, st.just("ofc"), words, st.integers(0, 10**12), st.just("ab" * 32)), max_size=6
    ).map(tuple),
    findings=st.lists(
        st.builds(FindingEvidence, st.just("BAD_NAME"), st.sampled_from(["block", "warn"]), localized, localized),
        max_size=10,
    ).map(tuple),
)
# Made once: a draw that repeats itself knows them again.
maybe_words, maybe_localized = st.none() | words, st.none() | localized


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(builtin_packs() / "telefonica_es", parameter_models())


def view_of(pack: Pack, draw: Any = None, **changed: Any) -> OnboardingView:
    """An onboarding of the TELEFONICA pack; ``draw`` fills it with anything at all."""

    def drawn(strategy: Any, plain: Any) -> Any:
        return draw(strategy) if draw else plain

    steps = []
    for definition in pack.checklist.steps:
        state = drawn(st.sampled_from(STATES), "waiting")
        steps.append(
            StepView(
                definition=definition,
                state=state,
                role=definition.role,
                waits_for=definition.role if state == "waiting" else None,
                note=drawn(maybe_localized, None),
                code="UNREACHABLE" if state == "failed" else None,
                seen=drawn(localized, None) if state == "failed" else None,
                advice=drawn(localized, None) if state == "failed" else None,
                reason=drawn(words, "why") if state == "skipped" else None,
                link=drawn(st.none() | st.just("https://jira.example/browse/DB-1"), None),
                ticks=tuple(TickView(tick, by=drawn(maybe_words, None), at=NOW) for tick in definition.ticks),
                evidence=drawn(evidence, Evidence()),
                due_on=drawn(st.none() | st.dates(), None),
                changed_at=NOW,
                changed_by=drawn(words, "ana"),
            )
        )
    plain: dict[str, Any] = {
        "id": 1,
        "key": "ONB-1",
        "revision": 17,
        "head": "ab" * 32,
        "state": "open",
        "pack": pack,
        "operator": "TELEFONICA",
        "partner": "PARTNER-ONE",
        "partner_email": "ops@partner.example",
        "client": drawn(words, "ACME"),
        "root": "ACME-IBERICA",
        "tax_ids": ("B00123455",),
        "options": {"ofc": True, "deposit": "ftp"},
        "language": drawn(st.sampled_from(LANGUAGES), "en"),
        "due": None,
        "started_by": drawn(words, "ana"),
        "started_at": NOW,
        "closed_at": None,
        "steps": tuple(steps),
        "surfaces": {"jira": SurfaceView("ACT-1", "https://jira.example/browse/ACT-1")},
        "troubles": drawn(st.just({}) | words.map(lambda text: {"jira": text}), {}),
    }
    return OnboardingView(**plain | changed)


def report_of(pack: Pack, **changed: Any) -> Report:
    """A report on the first step; what matters to the test is changed."""
    plain: dict[str, Any] = {
        "seq": 3,
        "at": NOW,
        "kind": "step_done",
        "actor": "ana",
        "actor_id": "slack:U123",
        "step": pack.checklist.steps[0],
        "evidence": Evidence(),
        "code": None,
        "seen": None,
        "advice": None,
        "reason": None,
        "copy": None,
        "link": None,
        "hash": "cd" * 32,
    }
    return Report(**plain | changed)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_parent_message_stays_within_the_limits_whatever_it_holds(pack: Pack, data: st.DataObject) -> None:
    view = view_of(pack, data.draw, state=data.draw(st.sampled_from(["open", "done", "cancelled"])))
    blocks = message_blocks(view)
    assert check_blocks(blocks) == []
    assert text_length(blocks) <= TEXT_OF_ALL_BLOCKS
    assert json.loads(picture(view))["text"]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_report_stays_within_the_limits_whatever_it_holds(pack: Pack, data: st.DataObject) -> None:
    maybe = st.none() | localized
    report = report_of(
        pack,
        kind=data.draw(st.sampled_from(sorted(REPORTED))),
        actor=data.draw(words),
        evidence=data.draw(evidence),
        code=data.draw(st.none() | st.just("BAD_NAME")),
        seen=data.draw(maybe),
        advice=data.draw(maybe),
        reason=data.draw(st.none() | words),
        copy=data.draw(maybe),
        link=data.draw(st.none() | st.just("https://jira.example/browse/DB-1?a=b&c=d")),
        who=tuple(data.draw(st.lists(words | st.just("U0ANA"), max_size=40))),
        managers=tuple(data.draw(st.lists(words | st.sampled_from(["U0ANA", "U0BOB", "S0TEAM"]), max_size=40))),
    )
    blocks = report_blocks(view_of(pack), report)
    assert check_blocks(blocks) == []
    assert text_length(blocks) <= TEXT_OF_ALL_BLOCKS


def test_a_reminder_turns_to_one_person_and_an_escalation_to_the_managers_and_their_group(pack: Pack) -> None:
    reminded = report_of(pack, kind="step_reminded", who=("jira-account", "U0ANA", "U0BOB"))
    assert "<@U0ANA>" in (told := str(report_blocks(view_of(pack), reminded)))
    assert "U0BOB" not in told
    escalated = replace(reminded, kind="step_escalated", managers=("U0ANA", "S0TEAM"))
    assert "<@U0ANA> <!subteam^S0TEAM>" in str(report_blocks(view_of(pack), escalated))
    nameless = replace(reminded, who=("jira-account",))
    assert "jira-account" in str(report_blocks(view_of(pack), nameless))


@pytest.mark.parametrize(
    ("language", "mark"),
    [("fr", "3 jours ouvrés de retard"), ("en", "3 working days late"), ("es", "3 días laborables de retraso")],
)
def test_what_is_late_shows_its_clock_and_days_in_the_parent(pack: Pack, language: Any, mark: str) -> None:
    view = view_of(pack, language=language, days_late=1)
    late = replace(view, steps=(replace(view.steps[0], days_late=3), *view.steps[1:]))
    shown = str(message_blocks(late))
    assert f"⏰ {mark}" in shown
    assert shown.count("⏰") == 2


LONG = {"markup": "x & <y> " * 200, "lines": "word\n" * 400, "signs": "&" * 3_000, "code": "`<@U123>` *bold* " * 150}


def crowded(pack: Pack, text: str, steps: int, state: str = "waiting") -> OnboardingView:
    """An onboarding in which everybody waits at once and every text is as long as it gets."""
    said = Localized.same(text)
    ticks = tuple(Tick(id=f"t{number}", label=said) for number in range(10))
    definitions = tuple(
        Step(id=f"s{number}", kind="confirm", title=said, role="manager", guide="g", ticks=ticks)
        for number in range(steps)
    )
    checklist = pack.checklist.model_copy(update={"steps": definitions})
    guides = {language: {"g": text * 5} for language in LANGUAGES}
    view = view_of(replace(pack, checklist=checklist, guides=guides), client=text, started_by=text)
    told = Evidence(facts=(Fact(said, text),) * 60, findings=(FindingEvidence("BAD_NAME", "block", said, said),) * 20)
    return replace(
        view,
        steps=tuple(
            replace(
                step,
                state=state,
                code="C" if state == "failed" else None,
                seen=said,
                advice=said,
                note=said,
                evidence=told,
                ticks=tuple(replace(tick, by=text) for tick in step.ticks),
            )
            for step in view.steps
        ),
    )


def whole(blocks: list[dict[str, Any]]) -> bool:
    """Whether no markup of ours is cut: every mention, moment, link and text to copy has its end."""
    texts = [block["text"]["text"] for block in blocks if block["type"] == "section"]
    return all(text.count("<") == text.count(">") and text.count("```") % 2 == 0 for text in texts)


@pytest.mark.parametrize("state", ["waiting", "failed", "skipped", "done"])
@pytest.mark.parametrize("steps", [1, 4, 11, 60])
@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_crowded_onboarding_stays_within_the_limits_and_cuts_no_markup(
    pack: Pack, text: str, steps: int, state: str
) -> None:
    blocks = message_blocks(crowded(pack, text, steps, state))
    assert check_blocks(blocks) == []
    assert text_length(blocks) <= MOST_TEXT
    assert whole(blocks)


def test_steps_that_find_no_room_are_counted_and_the_others_keep_their_controls(pack: Pack) -> None:
    blocks = message_blocks(crowded(pack, "word " * 200, 30), "/onboard-dev")
    shown = [block["block_id"] for block in blocks if block.get("block_id", "").endswith(":actions")]
    assert shown == [f"s{number}:17:actions" for number in range(len(shown))]
    assert 3 <= len(shown) < 30
    assert f"{30 - len(shown)} more steps: /onboard-dev status ONB-1" in blocks[-1]["elements"][0]["text"]


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_crowded_report_stays_within_the_limits_and_counts_what_it_leaves_out(pack: Pack, text: str) -> None:
    view = crowded(pack, text, 1, "failed")
    said = Localized.same(text)
    report = report_of(pack, kind="step_failed", evidence=view.steps[0].evidence, seen=said, advice=said, copy=said)
    blocks = report_blocks(view, replace(report, reason=text, actor=text, actor_id="x"))
    assert check_blocks(blocks) == []
    assert text_length(blocks) <= MOST_TEXT
    assert "more, in the dossier" in str(blocks)
    assert whole(blocks)


def test_a_text_to_copy_is_whole_even_when_no_paragraph_can_hold_it(pack: Pack) -> None:
    text = " ".join(f"word{number}" for number in range(450))
    blocks = report_blocks(view_of(pack), report_of(pack, kind="step_asks", copy=Localized.same(text)))
    texts = [block["text"]["text"] for block in blocks if block["type"] == "section"]
    quoted = [text for text in texts if text.startswith("```")]
    assert len(quoted) == 2
    assert " ".join(part.strip("`\n") for part in quoted) == text


def test_a_box_whose_label_is_too_long_has_it_in_full_in_the_text(pack: Pack) -> None:
    step = pack.checklist.step("portal")
    label = "Every invoice of the month is listed, and none of them is marked as a copy of another one."
    longer = step.model_copy(update={"ticks": (Tick(id="all", label=Localized.same(label)),)})
    checklist = pack.checklist.model_copy(update={"steps": (longer,)})
    view = view_of(replace(pack, checklist=checklist))
    view = replace(view, steps=(replace(view.steps[0], ticks=(TickView(longer.ticks[0], by=None, at=None),)),))
    assert f"☐ {label}" in json.dumps(message_blocks(view), ensure_ascii=False)


@settings(max_examples=60)
@given(st.lists(words.map(lambda text: text.replace("\n", " ")), max_size=30), st.integers(2, 500))
def test_lines_are_kept_whole_and_the_others_are_counted(lines: list[str], most: int) -> None:
    kept = whole_lines(lines, most, str)
    assert len("\n".join(kept)) <= max(most, len(str(len(lines))))
    if kept != lines:
        assert kept[:-1] == lines[: len(kept) - 1]
        assert int(kept[-1]) == len(lines) - len(kept) + 1
    assert "\n".join(chunks(kept)) == "\n".join(kept)


def test_block_ids_carry_the_step_and_the_revision(pack: Pack) -> None:
    ids = {block["block_id"] for block in message_blocks(view_of(pack)) if "block_id" in block}
    assert {"portal:17:text", "portal:17:ticks", "portal:17:actions"} <= ids
    later = {block["block_id"] for block in message_blocks(view_of(pack, revision=18)) if "block_id" in block}
    assert ids.isdisjoint(later)


def test_a_button_names_its_onboarding_and_step_and_a_box_its_tick(pack: Pack) -> None:
    elements = {
        (block["block_id"], element["action_id"]): element
        for block in message_blocks(view_of(pack))
        if block["type"] == "actions"
        for element in block["elements"]
    }
    assert elements["portal:17:actions", "skip"]["value"] == "ONB-1:portal"
    ticks = [option["value"] for option in elements["portal:17:ticks", "ticks"]["options"]]
    assert ticks == [tick.id for tick in pack.checklist.step("portal").ticks]


def test_a_closed_onboarding_has_no_controls(pack: Pack) -> None:
    assert not [block for block in message_blocks(view_of(pack, state="done")) if block["type"] == "actions"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_start_modal_has_the_blocks_that_are_stable(pack: Pack, language: Any) -> None:
    view = modals.start_modal([pack], pack, language)
    assert check_view(view) == []
    assert [block["block_id"] for block in view["blocks"]] == [
        "operator",
        "partner",
        "partner_email",
        "client",
        "root",
        "tax_ids",
        "ofc",
        "deposit",
        "due",
    ]


def test_the_start_modal_is_read_back(pack: Pack) -> None:
    def chosen(value: str) -> Mapping[str, Any]:
        return {"x": {"selected_option": {"value": value}}}

    typed = {"partner": "P1", "partner_email": "a@b.example", "client": "C", "root": "R1", "tax_ids": "A1, B2\nC3 D4"}
    values = {name: {"value": {"value": text}} for name, text in typed.items()}
    values |= {"operator": chosen("telefonica_es"), "ofc": chosen("true"), "deposit": chosen("ftp")}
    values |= {"due": {"value": {"selected_date": "2026-12-01"}}}
    request = modals.read_start({"state": {"values": values}}, pack)
    assert request.tax_ids == ["A1", "B2", "C3", "D4"]
    assert request.options == {"ofc": True, "deposit": "ftp"}
    assert str(request.due) == "2026-12-01"


def test_an_error_without_a_field_of_its_own_stands_at_the_operator(pack: Pack) -> None:
    view = modals.start_modal([pack], pack, "en")
    errors = {"partner": Localized.same("p"), "unknown": Localized.same("u")}
    assert modals.field_errors(view, errors, "en") == {"partner": "p", "operator": "u"}


def test_the_skip_modal_carries_ids_alone(pack: Pack) -> None:
    view = modals.skip_modal(view_of(pack), "portal")
    assert check_view(view) == []
    assert view["private_metadata"] == "ONB-1:portal"


@given(words, st.integers(1, 200))
def test_shortening_never_cuts_an_escaped_sign(text: str, most: int) -> None:
    cut = shortened(escaped(text), most)
    assert len(cut) <= most
    assert "<" not in cut
    assert cut.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").count("&") == 0


def test_a_guide_becomes_mrkdwn() -> None:
    guide = "### Title\n- *Menu* **Facturacion** & <b>\n- [portal](https://example.com/a)"
    assert from_markdown(guide) == ("*Title*\n• _Menu_ *Facturacion* &amp; &lt;b&gt;\n• <https://example.com/a|portal>")


def test_code_in_a_guide_is_left_alone() -> None:
    guide = "Not `*.exe` nor `*.zip`, but **one** `_SOFIA.mdb`"
    assert from_markdown(guide) == "Not `*.exe` nor `*.zip`, but *one* `_SOFIA.mdb`"


def test_what_people_write_is_no_markup() -> None:
    assert inline("<!channel>\n✅ Signed off", 100) == "&lt;!channel&gt; ✅ Signed off"
    assert code("a`b <c>.mdb", 40) == "`a'b &lt;c&gt;.mdb`"
    assert link("https://jira.example/a b|c>?x=1&y=2", "A|B <c>") == (
        "<https://jira.example/a%20b%7Cc%3E?x=1&amp;y=2|A/B &lt;c&gt;>"
    )
    assert with_mentions("ask <@U123>, not <!here> & <x>") == "ask <@U123>, not &lt;!here&gt; &amp; &lt;x&gt;"


@pytest.mark.parametrize("url", [None, "https://bot.example/slack/events"])
def test_the_manifest_is_what_slack_takes(url: str | None) -> None:
    made = app_manifest("/onboard", url)
    assert made["settings"]["socket_mode_enabled"] is (url is None)
    assert made["features"]["slash_commands"][0].get("url") == url
    assert ("request_url" in made["settings"]["event_subscriptions"]) is (url is not None)
    assert made["features"]["app_home"]["home_tab_enabled"] is True
    # The schema is not there everywhere; these are its limits.
    assert len(made["features"]["shortcuts"]) <= 10
    for shortcut in made["features"]["shortcuts"]:
        assert 0 < len(shortcut["name"]) <= 24
        assert 0 < len(shortcut["description"]) <= 150
    assert len(made["features"]["slash_commands"][0]["usage_hint"]) <= 1_000
    schema = Path(__file__).parents[2].parent / "shared" / "specs" / "slack-manifest.schema.json"
    if schema.exists():
        import jsonschema

        jsonschema.validate(made, json.loads(schema.read_text("utf-8")))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [1, 3, 5_000])
def test_the_dialog_before_replacing_stays_within_its_limit_and_counts_what_it_leaves_out(
    pack: Pack, language: Language, count: int
) -> None:
    amounts = Amounts(net="1.0000", tax="0.2100", out_of_tax="0.0000", gross="109.40")
    invoices = tuple(
        ChangedInvoice(
            id=number,
            supplier_tax_id="A78923125",
            number_key=f"TA{number}",
            number=f"TA{number}",
            loaded=amounts,
            found=amounts.model_copy(update={"gross": "121.50"}),
            currency="EUR",
        )
        for number in range(count)
    )
    view = view_of(pack, language=language)
    step = replace(
        view.steps[0],
        state="failed",
        code="DUP_INVOICE_CHANGED",
        offer=Offer(file="a.mdb", sha256="", invoices=invoices),
    )
    blocks = message_blocks(replace(view, steps=(step, *view.steps[1:])))
    assert check_blocks(blocks) == []
    [button] = [
        element for block in blocks for element in block.get("elements", ()) if element.get("action_id") == "replace"
    ]
    asked = button["confirm"]["text"]["text"]
    listed = asked.count("109.40 → 121.50 EUR")
    assert listed >= min(count, 3)
    if listed < count:
        left = f"{count - listed:,}"
        assert (left if language == "en" else left.replace(",", "\N{NO-BREAK SPACE}")) in asked


def test_a_long_failure_is_cut_between_its_lines_in_the_parent(pack: Pack) -> None:
    lines = [f"Call {number} is odd & <strange>" for number in range(200)]
    view = view_of(pack)
    step = replace(view.steps[0], state="failed", code="ODD", seen=Localized.same("\n".join(lines)))
    shown = str(message_blocks(replace(view, steps=(step,))))
    told = [line for line in lines if line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in shown]
    assert 5 < len(told) < 100
    assert f"Call {len(told)}" not in shown
