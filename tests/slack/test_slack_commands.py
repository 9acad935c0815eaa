"""What people type behind the command: read strictly, explained when it cannot be read, and never a crash."""

import re
from collections import Counter
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.slack.commands import (
    HELP,
    LONGEST_TEXT,
    VERBS,
    Asked,
    Misused,
    UnknownVerb,
    help_text,
    misuse_text,
    parse,
    usage_hint,
)
from bot.slack.manifest import app_manifest
from bot.slack.typed import Person, plain_text, read_date, unquoted
from checklists.model import LANGUAGES, Language

GOOD = {
    "start": "",
    "status": "ONB-7",
    "list": "",
    "mine": "",
    "confirm": "ONB-7 portal logged_in",
    "retry": "ONB-7 directory",
    "skip": "ONB-7 portal done by phone",
    "assign": "ONB-7 form <@U0ANA|ana>",
    "due": "ONB-7 form 2026-12-01",
    "note": "ONB-7 the contract came",
    "form": "ONB-7",
    "check": "ONB-7",
    "cancel": "ONB-7 wrong client",
    "reopen": "ONB-7 it was the right one",
    "correct": "ONB-7 the FTP port is wrong",
    "export": "ONB-7",
    "help": "skip",
}
anything = st.text(st.characters(codec="utf-8"), max_size=120)


def asked(text: str) -> Asked:
    read = parse(text)
    assert isinstance(read, Asked), read
    return read


def wrong(text: str) -> str:
    read = parse(text)
    assert isinstance(read, Misused), read
    return read.wrong.en


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_and_alias_is_understood_and_in_the_help(verb: Any) -> None:
    for word in verb.words:
        assert asked(f" {word.upper()}\t{GOOD[verb.name]} ").verb is verb
    for language in LANGUAGES:
        shown = help_text("/onboard", language)
        assert f"`{verb.usage('/onboard', language)}`" in shown
        assert all(alias in shown for alias in verb.aliases if alias != "?")


def test_no_word_means_two_verbs() -> None:
    words = Counter(word for verb in VERBS for word in verb.words)
    assert [word for word, times in words.items() if times > 1] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_the_example_of_every_verb_is_one_that_the_table_reads(verb: Any, language: Language) -> None:
    example = verb.example("", language).strip().replace("@camille", "<@U123|camille>")
    assert asked(example).verb is verb


def test_a_typo_gets_the_nearest_verbs_and_nothing_gets_help() -> None:
    unknown = parse("staus ONB-1")
    assert isinstance(unknown, UnknownVerb)
    assert unknown.nearest[0] == "status"
    assert asked(" \n ").verb is HELP


@pytest.mark.parametrize("key", ["ONB-7", "onb-7", "7"])
def test_a_key_may_be_typed_in_small_letters_or_as_a_number(key: str) -> None:
    assert asked(f"form {key}").key == "ONB-7"


def test_arguments_are_read_in_their_order() -> None:
    assert (read := asked("confirm onb-7 Portal logged_in, found")).ticks == ("logged_in", "found")
    assert (read.key, read.step) == ("ONB-7", "portal")
    assert asked("assign 7 <@U0ANA>").person == Person("U0ANA", "U0ANA")
    assert asked("assign 7 form <@U0ANA|ana>") == Asked(
        asked("assign 7 me").verb, key="ONB-7", step="form", person=Person("U0ANA", "ana")
    )
    assert asked("assign 7 <!subteam^S0LEADS|@leads>").person == Person("S0LEADS", "leads")
    assert asked("attribuer 7 moi").person == Person(is_me=True)
    assert asked("asignar 7 nadie").person is None
    assert (read := asked('skip 7 portal "a &amp; b &lt;c&gt;, see <#C1|general>"')).text == "a & b <c>, see #general"
    assert (read.step, read.about) == ("portal", None)
    assert (read := asked("note 7 Portal: call <@U0ANA|ana> back")).about == "Portal"
    assert read.text == "call @ana back"
    assert asked("note 7 https://x.example: see").about is None


@pytest.mark.parametrize(
    ("given_day", "day"),
    [
        ("2026-12-01", date(2026, 12, 1)),
        ("1/12/2026", date(2026, 12, 1)),
        ("01.12.2026", date(2026, 12, 1)),
        ("none", None),
        ("ninguna", None),
    ],
)
def test_days_are_read_with_the_day_first(given_day: str, day: date | None) -> None:
    assert asked(f"due 7 {given_day}").day == day
    assert asked(f"due 7 form {given_day}").step == "form"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("form", "key is missing"),
        ("form ONB-x", "“ONB-x” is no onboarding's key"),
        ("form ONB-0", "no onboarding's key"),
        ("form ONB-7 portal", "“portal” is too much"),
        ("list all", "“all” is too much"),
        ("confirm ONB-7", "step is missing"),
        ("confirm ONB-7 the-portal", "“the-portal” is no step's name"),
        ("confirm ONB-7 portal box!", "“box!” is no checkbox's name"),
        ("confirm ONB-7 portal " + "a " * 11, "10 checkboxes at most"),
        ("skip ONB-7 portal", "A reason is needed"),
        ('skip ONB-7 portal " "', "A reason is needed"),
        ("cancel ONB-7 " + "x" * 1_001, "1001 characters"),
        ("note ONB-7", "The note is empty"),
        ("note ONB-7 " + "x" * (LONGEST_TEXT + 1), "2000 at most"),
        ("assign ONB-7", "person is missing"),
        ("assign ONB-7 ana", "“ana” is no mention"),
        ("due ONB-7", "date is missing"),
        ("due ONB-7 tomorrow", "“tomorrow” is no date"),
        ("due ONB-7 31/11/2026", "“31/11/2026” is no date"),
        ("due ONB-7 12/31/2026", "is no date"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_usage_and_an_example(text: str, said: str) -> None:
    assert said in wrong(text)
    read = parse(text)
    assert isinstance(read, Misused)
    for language in LANGUAGES:
        shown = misuse_text(read, "/onboard", language)
        assert read.verb.usage("/onboard", language) in shown
        assert read.verb.example("/onboard", language) in shown
        assert len(shown) < 1_500


@given(st.one_of(anything, st.builds("{} {}".format, st.sampled_from([w for v in VERBS for w in v.words]), anything)))
@example("due 1 ٠١/١٢/٢٠٢٦")
@example("form ONB-²")
@example("note 1 \x00")
@example("x" * 100_000)
@example("assign 1 <@" * 5_000)
def test_no_text_breaks_the_parser_or_the_sentence_about_it(text: str) -> None:
    read = parse(text)
    match read:
        case Misused():
            assert all(len(misuse_text(read, "/onboard", language)) < 2_000 for language in LANGUAGES)
        case Asked(key=key, step=step, text=words):
            assert re.fullmatch(r"(ONB-[1-9][0-9]*)?", key)
            assert step is None or re.fullmatch(r"[a-z][a-z0-9_]*", step)
            assert len(words) <= LONGEST_TEXT


@given(anything)
def test_signs_that_slack_escapes_come_back_as_they_were_typed(text: str) -> None:
    sent = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert plain_text(sent) == text


@given(anything)
def test_quotes_go_in_pairs(text: str) -> None:
    assert unquoted(f'"{text}"') == unquoted(text)


@given(st.dates())
def test_every_day_is_read_back(day: date) -> None:
    assert read_date(day.isoformat()) == day
    assert read_date(f"{day.day}/{day.month}/{day.year:04d}") == day


def test_the_manifest_tells_the_verbs_and_has_people_sent_with_their_ids() -> None:
    [slash] = app_manifest("/onboard", None)["features"]["slash_commands"]
    assert slash["usage_hint"] == usage_hint()
    assert len(usage_hint()) <= 1_000
    assert all(verb.name in usage_hint() for verb in VERBS)
    assert slash["should_escape"] is True
