"""``form``, ``check`` and ``mine`` with the real pack, and the parent with whoever was named, within Slack's limits."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.app import Application, build
from bot.locales import say
from bot.onboarding.actors import Accountable, Actor
from bot.onboarding.confirmations import Confirmation
from bot.onboarding.mine import MyActivation, MyStep, MyWork
from bot.onboarding.outcomes import Evidence, FileEvidence, FindingEvidence
from bot.onboarding.ports import Job
from bot.onboarding.start import StartRequest
from bot.sandbox.slack.blocks import check_blocks
from bot.settings import Settings
from bot.slack.connection import SlackConnection
from bot.slack.desk import CommandDesk
from bot.slack.lookups import check_text, mine_text
from bot.slack.parent import picture
from checklists.model import LANGUAGES, Localized

ANA = Actor("slack", "slack:U0ANA", "ana")
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=200).filter(str.strip)


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    monkeypatch.chdir(tmp_path)
    slack = {
        "mode": "http",
        "bot_token": "xoxb-1",
        "signing_secret": "s",
        "channel": "C1",
        "api_url": "http://127.0.0.1:9/",
    }
    given_settings: Any = {"data_dir": tmp_path, "language": "en", "slack": slack, "roles": {"manager": ["U0ANA"]}}
    built = build(Settings(**given_settings))
    built.onboardings.start(
        StartRequest(
            pack="telefonica_es",
            partner="PARTNER-ONE",
            partner_email="ops@partner.example",
            client="ACME",
            root="ACME-IBERICA",
            tax_ids=["B00123455"],
            options={"ofc": True, "deposit": "ftp"},
        ),
        ANA,
    )
    yield built
    built.close()


def ask(bot: Application, text: str, user: str = "U0ANA", language: Any = "en") -> str:
    desk = CommandDesk(SlackConnection(bot.settings.slack), bot.onboardings, bot.packs, lambda _: language, bot.export)
    body = {"text": text, "user_id": user, "user_name": user.lower(), "trigger_id": f"{user}.{text}"}
    return str(desk.answer(body).shown["text"])


def test_the_forms_link_is_for_those_who_may_answer_and_goes_when_it_is_answered(bot: Application) -> None:
    assert "has not gone out" in ask(bot, "form ONB-1")
    bot.run_job(Job(1, "step:form", 1))
    link = bot.onboardings.view("ONB-1").step("form").link
    assert link is not None
    assert f"<{link}|" in ask(bot, "form 1")
    refused = ask(bot, "form 1", user="U0GUEST")
    assert link not in refused
    assert "<@U0ANA>" in refused
    assert bot.onboardings.trail("ONB-1")[-1].kind == "refused"
    bot.onboardings.submit_form("ONB-1", "form", {"client_root": "ACME", "empty": ""}, actor=ANA)
    answered = ask(bot, "formulaire 1", language="fr")
    assert "Réponses données : 1" in answered
    assert link not in answered


def test_check_tells_where_the_chain_stands_before_any_file_came(bot: Application) -> None:
    shown = ask(bot, "check ONB-1", language="es")
    assert "por venir" in shown
    assert "waiting" not in shown


@given(st.lists(st.tuples(words, words, words), max_size=40))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_findings_stand_with_their_advice_and_whatever_they_say_in_one_message(
    bot: Application, said: list[tuple[str, str, str]]
) -> None:
    step = bot.onboardings.view("ONB-1").step("processing")
    findings = tuple(
        FindingEvidence(code, "block", Localized.same(message), Localized.same(advice))
        for code, message, advice in said
    )
    evidence = Evidence(findings=findings, files=(FileEvidence("x.mdb", "source", "x", 1, "ab" * 32),))
    failed = replace(step, state="failed", code="SUM", seen=Localized.same("x" * 5_000), evidence=evidence)
    for language in LANGUAGES:
        shown = check_text("ONB-1", [failed], language)
        assert len(shown) <= 4_000
        assert "<" not in shown.replace("<!date", "")
        assert (say("slack.check.none").text(language) in shown) is not bool(said)


def test_mine_counts_what_it_leaves_out() -> None:
    steps = tuple(
        MyStep(f"ONB-{n}", "C" * 60, "portal", Localized.same("T" * 200), "waiting", date(2026, 12, 1), n, n < 2, None)
        for n in range(300)
    )
    activations = tuple(
        MyActivation(f"ONB-{n}", "O" * 99, "C" * 99, "P" * 30, 3, 9, None, 0, "https://slack.example/" + "x" * 80)
        for n in range(300)
    )
    shown = mine_text(MyWork(steps, activations), "en")
    assert len(shown) <= 4_000
    assert shown.count("more") == 2
    assert "👤" in shown.split("\n")[1]


@given(words, words, st.integers(1, 5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_parent_shows_who_was_named_and_who_confirmed_within_the_limits(
    bot: Application, name: str, other: str, count: int
) -> None:
    view = bot.onboardings.view("ONB-1")
    by = tuple(Confirmation(id=f"slack:U{n}", name=other, at=NOW) for n in range(count))
    steps = tuple(
        replace(step, accountable=Accountable(name, name), confirmations=by if step.state == "waiting" else ())
        for step in view.steps
    )
    for language in LANGUAGES:
        shown = json.loads(
            picture(replace(view, steps=steps, language=language, accountable=Accountable("U0ANA", other)))
        )
        assert check_blocks(shown["blocks"]) == []
        assert "<@U0ANA>" in json.dumps(shown["blocks"])
        assert '"withdraw"' in json.dumps(shown["blocks"])
