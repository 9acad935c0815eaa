"""The shortcuts and everybody's own language, over real sockets in both modes."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_house import ANA, PEOPLE, Run, SlackHouse, eventually, slack_house

from bot.onboarding.errors import NotYet
from bot.onboarding.models import HomeRecord, Person
from bot.onboarding.outcomes import Failed
from bot.onboarding.persons import spoken
from bot.sandbox.faults import Fault
from bot.sandbox.slack import SlackPerson
from bot.sandbox.slack.entities import User
from bot.sandbox.slack.server import EVENTS, SHORTCUTS
from bot.slack import manifest
from bot.slack.message_facts import facts_of
from bot.slack.pacing import Pace, Paces
from checklists.model import Localized

MESSAGE = (
    "Hola, para <mailto:ops@partner.example|ops@partner.example> (NIF A78923125, ES-B00123455): "
    "partner: PARTNER-ONE, cliente: ACME &amp; Co, raíz: ACME-IBERICA"
)


def field(view: dict[str, Any], block_id: str) -> str:
    block = next(block for block in view["blocks"] if block["block_id"] == block_id)
    return str(block["element"].get("initial_value", ""))


# Shortcuts.


def test_the_global_shortcut_opens_the_start(house: SlackHouse) -> None:
    view = house.ana.shortcut("start_activation")
    assert view is not None
    assert view["callback_id"] == "start"


def test_a_start_from_a_message_has_what_the_message_says(house: SlackHouse) -> None:
    ts = house.ana.say(MESSAGE)
    view = house.ana.shortcut("start_from_message", ts)
    assert view is not None
    assert field(view, "partner_email") == "ops@partner.example"
    assert field(view, "tax_ids") == "A78923125\nB00123455"
    assert field(view, "root") == "ACME-IBERICA"
    assert field(view, "partner") == "PARTNER-ONE"
    assert field(view, "client") == "ACME & Co"
    # What is known stays when the operator is chosen, and is sent.
    changed = house.ana.choose(None, "operator", "operadora_x")
    assert changed is not None
    assert field(changed, "root") == "ACME-IBERICA"
    house.ana.choose(None, "root", "OTHER-ROOT")
    assert house.ana.submit(values={"ofc": "true"}) == {}
    started = house.onboardings.all(limit=1)[0]
    assert (started.root, started.client, started.partner_email) == ("OTHER-ROOT", "ACME & Co", "ops@partner.example")


def test_a_note_in_a_thread_knows_its_activation(house: SlackHouse) -> None:
    run = house.start()
    ts = house.ana.say("They load it on <b>Monday</b> &amp; Tuesday", thread_ts=run.ts)
    view = house.ana.shortcut("note_to_trail", ts)
    assert view is not None
    assert [block["block_id"] for block in view["blocks"] if block["type"] == "input"] == ["text"]
    assert house.ana.submit(view["id"], repeat=True) == {}
    notes = [line for line in house.onboardings.trail(run.key) if line.kind == "noted"]
    [note] = notes
    assert (note.actor, note.content["seen"]["en"]) == ("ana", "They load it on <b>Monday</b> & Tuesday")
    assert ts.replace(".", "") in note.content["link"]


def test_a_note_elsewhere_asks_for_the_activation_and_refuses_one_that_is_not_there(house: SlackHouse) -> None:
    run = house.start()
    ts = house.bob.say("The partner has called.")
    view = house.bob.shortcut("note_to_trail", ts)
    assert view is not None
    assert "ONB-999999" in house.bob.submit(view["id"], {"key": "ONB-999999"})["key"]
    assert house.bob.submit(view["id"], {"key": run.key.lower()}) == {}
    assert house.onboardings.trail(run.key)[-1].content["seen"]["en"] == "The partner has called."


def test_a_note_by_somebody_without_a_role_is_refused_at_the_field(house: SlackHouse) -> None:
    run = house.start()
    view = house.guest.shortcut("note_to_trail", house.guest.say("Me too", thread_ts=run.ts))
    assert view is not None
    assert "manager" in house.guest.submit(view["id"])["text"]
    assert not [line for line in house.onboardings.trail(run.key) if line.kind == "noted"]


def test_a_note_on_an_activation_that_has_ended_is_kept_and_leads_to_the_message(house: SlackHouse) -> None:
    run = house.start()
    house.onboardings.cancel(run.key, "why", actor=ANA)
    house.settle()
    ts = house.ana.say("It comes back next year", thread_ts=run.ts)
    view = house.ana.shortcut("note_to_trail", ts)
    assert view is not None
    assert house.ana.submit(view["id"]) == {}
    house.settle()
    post = str(house.ana.messages(run.ts)[-1]["blocks"])
    assert "It comes back next year" in post
    assert ts.replace(".", "") in post


def test_messages_that_nobody_needs_are_acknowledged(house: SlackHouse) -> None:
    house.guest.say("Good morning", files={"a.txt": b"x"})
    house.guest.say("again")
    house.ana.command("help")
    assert not [warning for warning in house.slack.workspace.warnings if "never acknowledged" in warning]
    assert house.failures() == []


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("", {}),
        ("call 600 123 456 or 12345678A", {}),
        ("NIF B-00123456? no", {}),
        ("CIF: A-78923125.", {"tax_ids": "A78923125"}),
        ("the root is ACME-IBERICA, urgent", {"root": "ACME-IBERICA"}),
        ("write to a.b+c@d-e.example.com, not x@y", {"partner_email": "a.b+c@d-e.example.com"}),
        ("*Root:* `X-1`", {"root": "X-1"}),
    ],
)
def test_what_is_certain_in_a_message_is_found(text: str, facts: dict[str, str]) -> None:
    assert facts_of(text) == facts


@given(st.text(max_size=2_000))
def test_any_message_is_read(text: str) -> None:
    assert all(value for value in facts_of(text).values())


def test_the_sandbox_is_installed_with_what_the_manifest_asks_for() -> None:
    assert set(EVENTS) == set(manifest.BOT_EVENTS)
    assert dict(SHORTCUTS) == {name: kind for name, (kind, _) in manifest.SHORTCUTS.items()}


# Languages.


@pytest.fixture(name="mixed")
def house_of_three_languages(tmp_path: Any) -> Any:
    with slack_house(tmp_path, "socket", scopes=frozenset(manifest.BOT_SCOPES)) as built:
        for user, locale in (("U0ANA", "fr-FR"), ("U0BOB", "es-LA"), ("U0GUEST", "de-DE")):
            old = built.slack.workspace.users[user]
            built.slack.workspace.users[user] = User(user, old.name, old.real_name, old.email, locale=locale)
        yield built


def asked(house: SlackHouse) -> int:
    return sum(call["method"] == "users.info" for call in house.ana.state()["calls"])


def test_everybody_is_answered_in_their_own_language(mixed: SlackHouse) -> None:
    assert "cette aide" in mixed.ana.command("help").text
    assert "esta ayuda" in mixed.bob.command("help").text
    # A language that the bot does not speak: the fallback.
    assert "this help" in mixed.guest.command("help").text
    assert "Fermer" in str(mixed.ana.shortcut("start_activation"))


def test_the_channel_stays_in_the_onboardings_language(mixed: SlackHouse) -> None:
    run = mixed.start()
    assert "Who must act now" in str(mixed.parent(run)["blocks"])
    assert "À qui de jouer" not in str(mixed.parent(run)["blocks"])
    mixed.ana.open_home()
    eventually(lambda: _has_home(mixed, "slack:U0ANA"))
    mixed.settle()
    assert "Mes étapes" in str(mixed.ana.home())


def test_what_a_dropped_file_is_told_is_in_its_givers_language(mixed: SlackHouse) -> None:
    run = mixed.start()
    # This operator checks no files.
    mixed.ana.say("", thread_ts=run.ts, files={"a.mdb": b"x"})
    assert "n'a pas de fichier de test" in eventually(lambda: alone(mixed.ana, run))[0]
    mixed.bob.say("", thread_ts=run.ts, files={"a.mdb": b"x"})
    assert "no tiene fichero de prueba" in eventually(lambda: alone(mixed.bob, run))[0]
    # One who reads German, and may not.
    mixed.guest.say("ticket: x", thread_ts=run.ts, files={"a.mdb": b"x"})
    assert "may do this" in eventually(lambda: alone(mixed.guest, run)[1:])[0]


def alone(person: SlackPerson, run: Run) -> list[str]:
    return [str(message["text"]) for message in person.messages(run.ts) if message["ephemeral"]]


def test_notes_beside_boxes_ask_and_answer_in_their_writers_language(mixed: SlackHouse) -> None:
    run = mixed.start()
    for person, title, wrong in (
        (mixed.ana, "Note ou preuve", "Écrivez une note"),
        (mixed.bob, "Nota o prueba", "Escriba una nota"),
    ):
        person.click(run.ts, "box_note", f"{run.key}:portal")
        view = person.wait_for_view(callback_id="box_note")
        assert view["title"]["text"] == title
        assert wrong in person.submit(view["id"])["text"]
        person.close(view["id"])
    mixed.bob.click(run.ts, "box_note", f"{run.key}:portal")
    view = mixed.bob.wait_for_view(callback_id="box_note")
    mixed.onboardings.cancel(run.key, "why", actor=ANA)
    assert "está cerrada" in mixed.bob.submit(view["id"], {"text": "x"})["text"]


def test_the_late_ones_are_listed_to_each_in_their_language(mixed: SlackHouse) -> None:
    run = mixed.start(client="<ACME> & Co")
    assert mixed.ana.command("list late").text == "Rien n'est en retard."
    assert mixed.bob.command("listar tarde").text == "No hay nada con retraso."
    mixed.later(15 * 86_400)
    for person, mark, step in (
        (mixed.ana, "de retard", "Portail"),
        (mixed.bob, "de retraso", "Portal"),
        (mixed.guest, "working days late", "Portal"),
    ):
        [line] = person.command("list late").text.split("\n")
        assert f"|{run.key}>" in line
        assert "&lt;ACME&gt; &amp; Co" in line
        assert mark in line
        assert f" · {step} · " in line
    mixed.onboardings.skip(run.key, "portal", "why", actor=ANA)
    assert mixed.ana.command("list late").text == "Rien n'est en retard."


def _has_home(house: SlackHouse, person: str) -> bool:
    with house.store.reading() as session:
        return session.get(HomeRecord, person) is not None


def test_a_language_is_asked_for_once_a_day(mixed: SlackHouse) -> None:
    for _ in range(3):
        mixed.ana.command("help")
    assert asked(mixed) == 1
    mixed.clock.ahead += timedelta(hours=25).total_seconds()
    mixed.ana.command("help")
    assert asked(mixed) == 2


def test_a_slack_that_does_not_say_costs_the_language_and_not_the_answer(mixed: SlackHouse) -> None:
    mixed.ana.command("help")
    mixed.clock.ahead += timedelta(hours=25).total_seconds()
    mixed.slack.faults.add(Fault("users.info", "rate_limited", seconds=30))
    # What was known is spoken, and asked for again the next time.
    assert "cette aide" in mixed.ana.command("help").text
    mixed.slack.faults.add(Fault("users.info", "status"))
    assert "this help" in mixed.bob.command("help").text
    assert "esta ayuda" in mixed.bob.command("help").text


def test_a_person_is_kept_with_their_zone(mixed: SlackHouse) -> None:
    mixed.ana.command("help")
    with mixed.store.reading() as session:
        known = session.get(Person, "slack:U0ANA")
    assert known is not None
    assert (known.language, known.zone) == ("fr", "Europe/Madrid")
    assert len(PEOPLE) == 3


@pytest.mark.parametrize(
    ("locale", "language"), [("fr-CA", "fr"), ("es_ES", "es"), ("EN", "en"), ("pt-BR", None), ("", None)]
)
def test_a_locale_is_a_language(locale: str, language: str | None) -> None:
    assert spoken(locale) == language


# Pace.


def test_what_comes_too_fast_gets_a_turn_of_its_own_and_nobody_else_takes_it() -> None:
    now = 100.0
    pace = Pace(60, 3, clock=lambda: now)
    for number in range(3):
        pace.take(f"m{number}")
    waits = []
    for number in range(3, 6):
        with pytest.raises(NotYet) as early:
            pace.take(f"m{number}")
        waits.append(round(early.value.seconds))
    assert waits == [1, 2, 3]
    now += 1.0
    with pytest.raises(NotYet) as later:
        pace.take("newcomer")
    assert round(later.value.seconds) == 3
    pace.take("m3")
    with pytest.raises(NotYet) as same:
        pace.take("m5")
    assert round(same.value.seconds) == 2
    now += 60.0
    for name in ("m4", "m5", "newcomer", "a", "b", "c"):
        pace.take(name)


def test_edits_share_one_limit_and_each_channel_has_its_own() -> None:
    paces = Paces(11, 11, clock=lambda: 0.0)
    paces.edit("a")
    with pytest.raises(NotYet):
        paces.edit("b")
    paces.post("C1", "x")
    paces.post("C2", "y")
    with pytest.raises(NotYet):
        paces.post("C1", "z")


def test_an_edit_that_is_paced_comes_in_its_turn_and_is_no_trouble(house: SlackHouse, monkeypatch: Any) -> None:
    run = house.start()
    # One edit every six seconds, and none is left.
    monkeypatch.setattr(house.surface, "_paces", Paces(10, 1_000))
    house.surface._paces.edit("another")
    house.ana.tick(run.ts, house.block(run, "portal", "ticks"), "found")
    house.settle()
    versions = house.parent(run)["versions"]
    house.onboardings.tick(run.key, "portal", ["logged_in"], actor=ANA)
    house.settle()
    assert house.parent(run)["versions"] == versions
    assert house.onboardings.view(run.key).troubles == {}
    monkeypatch.setattr(house.surface, "_paces", Paces(1_000, 1_000))
    house.later(10)
    assert house.parent(run)["versions"] == versions + 1


def test_whoever_must_act_is_mentioned_in_the_post_and_in_no_edit(house: SlackHouse) -> None:
    house.folder.failures.append(Failed("DIR", Localized.same("no folder"), Localized.same("make it")))
    run = house.start()
    posts = [message for message in house.ana.messages(run.ts) if "DIR" in str(message["blocks"])]
    assert "<@U0ANA>" in str(posts[-1]["blocks"])
    assert "<@U0ANA>" not in str(house.parent(run)["blocks"])
