"""People in Slack and the bot, over real sockets in both modes: who clicks what, and what becomes of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from slack_house import ANA, Run, SlackHouse, eventually

from bot.onboarding.outcomes import Failed
from bot.onboarding.replacing import Amounts, ChangedInvoice, Offer
from bot.slack.commands import VERBS
from checklists.model import Localized

# The start.


def test_the_start_modal_shows_the_options_of_the_operator_that_is_chosen(house: SlackHouse) -> None:
    shown = house.ana.command("start").view
    assert shown is not None
    ids = [block["block_id"] for block in shown["blocks"]]
    assert ids == ["operator", "partner", "partner_email", "client", "root", "tax_ids", "due"]
    house.ana.choose(None, "client", "ACME")
    for operator, option in (("operadora_x", "ofc"), ("operadora_y", "way")):
        changed = house.ana.choose(None, "operator", operator)
        assert changed is not None
        assert [block["block_id"] for block in changed["blocks"]][-2:] == [option, "due"]
    view = house.ana.view()
    assert view is not None
    assert view["state"]["values"]["client"]["value"]["value"] == "ACME"
    house.ana.close()


def test_what_is_wrong_stands_at_its_field_and_can_be_mended(house: SlackHouse) -> None:
    before = len(house.onboardings.all())
    wrong = house.fields(partner="-", partner_email="nobody", tax_ids="B1", root="a b")
    house.ana.command("start")
    errors = house.ana.submit(values=wrong)
    assert errors.keys() == {"partner", "partner_email", "tax_ids", "root"}
    assert "B1" in errors["tax_ids"]
    assert len(house.onboardings.all()) == before
    mended = house.fields()
    assert house.ana.submit(values={name: mended[name] for name in errors}) == {}
    assert len(house.onboardings.all()) == before + 1


def test_a_second_start_is_refused_at_the_client_with_a_link_to_the_first(house: SlackHouse) -> None:
    run = house.start()
    link = house.onboardings.view(run.key).surfaces["slack"].link
    same = house.onboardings.view(run.key)
    house.bob.command("start")
    told = len(house.told(house.bob))
    errors = house.bob.submit(values=house.fields(client=same.client.upper(), root=same.root.lower()))
    assert errors.keys() == {"client"}
    assert run.key in errors["client"]
    assert link is not None
    assert link in errors["client"]
    assert f"<{link}>" in eventually(lambda: house.told(house.bob)[told:])[0]
    house.bob.close()


def test_the_same_submission_twice_starts_one_onboarding_and_says_so(house: SlackHouse) -> None:
    before, told = len(house.onboardings.all()), len(house.told(house.ana))
    house.ana.command("start")
    house.ana.choose(None, "operator", "operadora_x")
    values = house.fields()
    del values["operator"]
    for block_id, value in values.items():
        house.ana.choose(None, block_id, value)
    house.ana.submit(repeat=True)
    assert len(house.onboardings.all()) == before + 1
    assert "nothing has changed" in eventually(lambda: house.told(house.ana)[told:])[0]
    assert house.ana.view() is None


def test_the_same_command_twice_opens_one_modal_and_says_so(house: SlackHouse) -> None:
    answer = house.ana.command("start", repeat=True)
    assert answer.view is not None
    assert "nothing has changed" in answer.text
    house.ana.close()


def test_a_pack_that_is_broken_while_the_bot_runs_keeps_nobody_from_starting_another(house: SlackHouse) -> None:
    with house.broken_pack("operadora_y"):
        shown = house.ana.command("start").view
    assert shown is not None
    options = shown["blocks"][0]["element"]["options"]
    assert [option["value"] for option in options] == ["operadora_x"]
    house.ana.close()


def test_a_person_without_the_role_cannot_start(house: SlackHouse) -> None:
    before = len(house.onboardings.all())
    house.guest.command("start")
    errors = house.guest.submit(values=house.fields())
    assert "Nothing has changed" in errors["client"]
    assert len(house.onboardings.all()) == before
    house.guest.close()


# The verbs.


@pytest.mark.parametrize("word", ["", "help", "aide", "ayuda"])
def test_help_names_every_verb(house: SlackHouse, word: str) -> None:
    answer = house.guest.command(word).text
    assert all(f"/onboard {verb.name}" in answer for verb in VERBS)


def test_status_and_list_tell_where_things_stand(house: SlackHouse) -> None:
    run = house.start()
    house.ana.tick(run.ts, house.block(run, "portal", "ticks"), "logged_in", "found")
    for word in ("status", "statut", "estado"):
        status = house.guest.command(f"{word} {run.key.lower()}").text
        assert f"|{run.key}>" in status
        assert "✅ Portal" in status
        assert "2/5" in status
    assert f"|{run.key}>* ▰▰▰▰▱" in house.guest.command("lista").text
    assert "ONB-999" in house.guest.command("status ONB-999").text


def test_an_unknown_verb_gets_the_nearest_ones(house: SlackHouse) -> None:
    answer = house.guest.command("statsu <!channel>").text
    assert "`/onboard status`" in answer
    assert "<!channel>" not in house.guest.command("<!channel>").text


# The boxes.


def test_two_people_who_tick_the_same_stale_message_at_once_both_count(house: SlackHouse) -> None:
    run = house.start()
    block = house.block(run, "portal", "ticks")
    with ThreadPoolExecutor(2) as both:
        clicks = [
            both.submit(house.ana.tick, run.ts, block, "logged_in"),
            both.submit(house.bob.tick, run.ts, block, "found"),
        ]
        for click in clicks:
            click.result()
    assert house.ticked(run, "portal") == {"logged_in": "ana", "found": "bob"}
    assert house.state(run, "portal") == "done"


def test_a_tick_keeps_who_and_when_and_is_taken_back_by_another_person(house: SlackHouse) -> None:
    run = house.start()
    house.ana.tick(run.ts, house.block(run, "portal", "ticks"), "logged_in")
    house.settle()
    text = next(
        block["text"]["text"]
        for block in house.parent(run)["blocks"]
        if block["block_id"] == house.block(run, "portal", "text")
    )
    assert "☑ Logged in: ana, <!date^" in text
    block = house.block(run, "portal", "ticks")
    house.bob.untick(run.ts, block, "logged_in")
    house.settle()
    assert house.ticked(run, "portal") == {"logged_in": None, "found": None}
    assert house.block(run, "portal", "ticks") != block
    lines = [line for line in house.onboardings.trail(run.key) if line.kind == "ticked"]
    assert [(line.actor, line.content["added"], line.content["removed"]) for line in lines] == [
        ("ana", ["logged_in"], []),
        ("bob", [], ["logged_in"]),
    ]


def test_a_stale_tick_undoes_nobody_elses(house: SlackHouse) -> None:
    run = house.start()
    block, shown = house.block(run, "portal", "ticks"), house.parent(run)["versions"] - 1
    house.ana.tick(run.ts, block, "logged_in")
    house.settle()
    # Bob's screen is still the version in which nothing was ticked.
    house.bob.tick(run.ts, block, "found", version=shown)
    assert house.ticked(run, "portal") == {"logged_in": "ana", "found": "bob"}


def test_the_same_envelope_twice_is_one_event(house: SlackHouse) -> None:
    run = house.start()
    told = len(house.told(house.ana))
    house.ana.tick(run.ts, house.block(run, "portal", "ticks"), "logged_in", repeat=True)
    assert house.events(run).count("ticked") == 1
    assert "nothing has changed" in eventually(lambda: house.told(house.ana)[told:])[0]


def test_a_refused_tick_is_told_and_the_boxes_are_drawn_anew(house: SlackHouse) -> None:
    run = house.start()
    block, told = house.block(run, "portal", "ticks"), len(house.told(house.guest))
    house.guest.tick(run.ts, block, "logged_in")
    house.settle()
    answer = eventually(lambda: house.told(house.guest)[told:])[0]
    assert "Nothing has changed" in answer
    assert "<@U0ANA>" in answer
    assert house.ticked(run, "portal") == {"logged_in": None, "found": None}
    redrawn = house.block(run, "portal", "ticks")
    assert redrawn != block
    guest_sees = next(message for message in house.guest.messages() if message["ts"] == run.ts)["selected"]
    assert not (guest_sees.get(f"{redrawn}/ticks") or {}).get("selected_options")


# The buttons.


def test_a_double_click_is_answered_and_changes_nothing(house: SlackHouse) -> None:
    run = house.start()
    house.ana.click(run.ts, "confirm", f"{run.key}:portal")
    before, told = house.onboardings.view(run.key), len(house.told(house.ana))
    house.ana.click(run.ts, "confirm", f"{run.key}:portal", version=0)
    assert "Nothing has changed" in eventually(lambda: house.told(house.ana)[told:])[0]
    after = house.onboardings.view(run.key)
    assert after.steps == before.steps
    assert house.events(run).count("step_done") == 2  # the portal, and the directory that the bot made


def test_a_failed_step_is_retried_alone(house: SlackHouse) -> None:
    house.folder.failures.append(Failed("NOT_THERE", Localized.same("No <folder>."), Localized.same("Run mkdir & co.")))
    run = house.start()
    shown = str(house.parent(run)["blocks"])
    assert "NOT_THERE" in shown
    assert "No &lt;folder&gt;." in shown
    assert "Run mkdir &amp; co." in shown
    house.ana.click(run.ts, "retry", f"{run.key}:folder")
    house.settle()
    assert house.state(run, "folder") == "done"
    assert house.state(run, "portal") == "waiting"


def test_changed_invoices_are_replaced_by_a_manager_once_and_the_dialog_shows_both_amounts(house: SlackHouse) -> None:
    amounts = {"net": "1.0000", "tax": "0.2100", "out_of_tax": "0.0000"}
    invoice = ChangedInvoice(
        id=1,
        supplier_tax_id="A78923125",
        number_key="TA1",
        number="TA1",
        loaded=Amounts(gross="109.40", **amounts),
        found=Amounts(gross="121.50", **amounts),
        currency="EUR",
    )
    offer = Offer(file="<october>.mdb", sha256="ab" * 32, invoices=(invoice,))
    text = Localized.same("changed")
    house.folder.failures.append(Failed("DUP_INVOICE_CHANGED", text, text, memory=offer.as_memory()))
    run = house.start()
    shown = int(house.parent(run)["versions"]) - 1
    [button] = [
        element
        for block in house.parent(run)["blocks"]
        for element in block.get("elements", ())
        if element.get("action_id") == "replace"
    ]
    assert button["value"] == f"{run.key}:folder"
    assert "TA1: 109.40 → 121.50 EUR" in button["confirm"]["text"]["text"]
    house.guest.click(run.ts, "replace", button["value"])
    assert "activation manager" in eventually(lambda: house.told(house.guest))[-1]
    assert house.state(run, "folder") == "failed"
    house.ana.click(run.ts, "replace", button["value"], repeat=True)
    house.settle()
    assert house.state(run, "folder") == "done"
    told = len(house.told(house.ana))
    house.ana.click(run.ts, "replace", button["value"], version=shown)
    assert "no invoice to be replaced" in eventually(lambda: house.told(house.ana)[told:])[-1]
    assert house.events(run).count("replacement_decided") == 1
    [post] = [message["text"] for message in house.ana.messages(run.ts) if "decision" in message["text"]]
    assert post.endswith("decision: replace the invoices")


def _buttons(post: dict[str, Any]) -> dict[str, str]:
    elements = [element for block in post["blocks"] for element in block.get("elements", ())]
    return {element["action_id"]: element["value"] for element in elements if element.get("type") == "button"}


def test_a_reminder_mentions_one_person_and_is_put_off_by_a_click(house: SlackHouse) -> None:
    run = house.start()
    post = house.until_reminded(run, "portal")
    assert "reminder" in post["text"]
    shown = str(post["blocks"])
    assert "<@U0ANA>" in shown
    assert "<@U0BOB>" not in shown
    assert _buttons(post) == {"snooze": f"{run.key}:portal", "mute": f"{run.key}:portal"}
    told = len(house.told(house.guest))
    house.guest.click(post["ts"], "snooze", f"{run.key}:portal")
    assert "activation manager" in eventually(lambda: house.told(house.guest)[told:])[-1]
    assert "reminder_snoozed" not in house.events(run)
    before = house.onboardings.snoozing.reminded_on(run.key, "portal")
    house.onboardings.snoozing.snooze(run.key, "portal", before + timedelta(days=7), actor=ANA)
    house.bob.click(post["ts"], "snooze", f"{run.key}:portal")
    edited = eventually(lambda: _post_without_buttons(house, run, post["ts"]))
    assert "Put off until the next working day: bob" in str(edited["blocks"])
    assert edited["metadata"] == post["metadata"]
    assert house.events(run).count("reminder_snoozed") == 2
    assert house.onboardings.snoozing.reminded_on(run.key, "portal") == before


def test_an_escalation_mentions_the_managers_and_is_stopped_by_a_click(house: SlackHouse) -> None:
    run = house.start()
    house.until_reminded(run, "portal")
    post = house.until_reminded(run, "portal")
    assert "the manager is told" in post["text"]
    for person in ("<@U0ANA>", "<@U0BOB>"):
        assert str(post["blocks"]).count(person) == 1
    assert "working day" in str(house.parent(run)["blocks"])
    assert "⏰" in house.ana.command("list").text
    house.ana.click(post["ts"], "mute", f"{run.key}:portal")
    assert "Reminders stopped: ana" in str(eventually(lambda: _post_without_buttons(house, run, post["ts"]))["blocks"])
    house.later(10 * 86_400)
    assert [kind for kind in house.events(run) if kind.startswith("step_re") or "esc" in kind] == [
        "step_reminded", "step_escalated",
    ]  # fmt: skip
    told = len(house.told(house.ana))
    house.ana.click(post["ts"], "mute", f"{run.key}:portal", version=0)
    assert eventually(lambda: house.told(house.ana)[told:])


def _post_without_buttons(house: SlackHouse, run: Run, ts: str) -> dict[str, Any] | None:
    [post] = [message for message in house.ana.messages(run.ts) if message["ts"] == ts]
    return None if _buttons(post) else post


def test_a_step_is_skipped_with_a_reason(house: SlackHouse) -> None:
    run = house.start()
    house.ana.click(run.ts, "skip", f"{run.key}:portal")
    view = house.ana.wait_for_view(callback_id="skip")
    assert view["private_metadata"] == f"{run.key}:portal"
    assert house.ana.submit(values={"reason": "   "}).keys() == {"reason"}
    assert house.state(run, "portal") == "waiting"
    assert house.ana.submit(values={"reason": "has <no> portal"}) == {}
    house.settle()
    assert house.state(run, "portal") == "skipped"
    thread = [str(message["blocks"]) for message in house.ana.messages(run.ts)[1:]]
    assert any("has &lt;no&gt; portal" in post and "<@U0ANA>" in post for post in thread)


def test_a_skip_that_was_refused_is_never_taken_for_done(house: SlackHouse) -> None:
    run = house.start()
    told = len(house.told(house.guest))
    house.guest.click(run.ts, "skip", f"{run.key}:portal")
    house.guest.wait_for_view(callback_id="skip")
    assert "Only the role" in house.guest.submit(values={"reason": "because"})["reason"]
    house.guest.submit()
    assert house.state(run, "portal") == "waiting"
    assert "nothing has changed" in eventually(lambda: house.told(house.guest)[told:])[0]


def test_a_status_is_chosen_and_a_failure_can_be_retried(house: SlackHouse) -> None:
    run = house.start()
    house.ana.click(run.ts, "confirm", f"{run.key}:portal")
    house.settle()
    for choice, state in (("going", "waiting"), ("broken", "failed")):
        house.ana.pick(run.ts, "choices", choice, block_id=house.block(run, "status", "actions"))
        house.settle()
        assert house.state(run, "status") == state
    house.ana.click(run.ts, "retry", f"{run.key}:status")
    house.settle()
    house.ana.pick(run.ts, "choices", "loaded", block_id=house.block(run, "status", "actions"))
    assert house.state(run, "status") == "done"


def test_a_whole_onboarding_ends_in_a_message_without_controls(house: SlackHouse) -> None:
    run = house.start()
    house.ana.click(run.ts, "confirm", f"{run.key}:portal")
    house.ana.click(run.ts, "assign", f"{run.key}:references")
    house.settle()
    house.bob.pick(run.ts, "choices", "loaded", block_id=house.block(run, "status", "actions"))
    house.bob.click(run.ts, "answer_yes", f"{run.key}:received")
    house.settle()
    assert house.onboardings.view(run.key).state == "done"
    parent = house.parent(run)
    assert "5/5" in parent["text"]
    assert [block for block in parent["blocks"] if block["type"] == "actions"] == []
    posts = [str(message["blocks"]) for message in house.ana.messages(run.ts)[1:]]
    assert len(posts) == 6  # five steps and the end
    folder = next(post for post in posts if "Directory" in post)
    assert "/a/&lt;b&gt;&amp;c" in folder
    assert "1,234 B" in folder
    assert "abababababab" in folder


def test_an_answer_of_no_fails_the_question(house: SlackHouse) -> None:
    run = house.start()
    house.ana.click(run.ts, "answer_no", f"{run.key}:received")
    house.settle()
    assert house.state(run, "received") == "failed"


def test_nothing_was_left_without_an_acknowledgement(house: SlackHouse) -> None:
    assert house.failures() == []
