"""Modals and Home tabs: triggers, hashes, stacks, submissions and what the client checks before it sends them."""

from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_surfaces import actions, button, home, modal, option, plain, section, text_input

from bot.sandbox.slack import AppSilent, SlackPerson, SlackServer

Json = dict[str, Any]


def open_modal(slack: SlackServer, client: WebClient, view: Json, user: str = "U0MANAGER") -> Json:
    opened: Json = client.views_open(trigger_id=slack.workspace.new_trigger(user), view=view)["view"]
    return opened


def refusal(call: Any, **named: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(**named)
    return str(caught.value.response["error"])


def chooser(dispatch: bool) -> Json:
    element = {"type": "static_select", "action_id": "value", "options": [option("es"), option("fr")]}
    block = {"type": "input", "block_id": "operator", "label": plain("Operator"), "element": element}
    return {**block, "dispatch_action": dispatch}


def test_a_trigger_opens_one_modal_within_three_seconds(slack: SlackServer, client: WebClient, clock: Any) -> None:
    trigger = slack.workspace.new_trigger("U0MANAGER")
    client.views_open(trigger_id=trigger, view=modal())
    assert refusal(client.views_open, trigger_id=trigger, view=modal()) == "exchanged_trigger_id"
    late = slack.workspace.new_trigger("U0MANAGER")
    clock.ahead += 3.1
    assert refusal(client.views_open, trigger_id=late, view=modal()) == "expired_trigger_id"
    assert refusal(client.views_open, trigger_id="1.2.3", view=modal()) == "invalid_trigger_id"


def test_a_bad_modal_is_refused_and_keeps_its_trigger(slack: SlackServer, client: WebClient) -> None:
    trigger = slack.workspace.new_trigger("U0MANAGER")
    with pytest.raises(SlackApiError) as caught:
        client.views_open(trigger_id=trigger, view=modal(title=plain("x" * 25)))
    assert caught.value.response["error"] == "invalid_arguments"
    assert "/view/title/text" in caught.value.response["response_metadata"]["messages"][0]
    assert client.views_open(trigger_id=trigger, view=modal())["ok"]


def test_a_modal_is_seen_by_its_user_only(
    slack: SlackServer, client: WebClient, manager: SlackPerson, database: SlackPerson
) -> None:
    opened = open_modal(slack, client, modal(text_input("client")))
    assert manager.wait_for_view(callback_id="start")["id"] == opened["id"]
    assert database.view() is None


def test_a_hash_from_before_is_refused(slack: SlackServer, client: WebClient) -> None:
    view = open_modal(slack, client, modal())
    changed = client.views_update(view_id=view["id"], hash=view["hash"], view=modal(section()))["view"]
    assert changed["hash"] != view["hash"]
    assert refusal(client.views_update, view_id=view["id"], hash=view["hash"], view=modal()) == "hash_conflict"


def test_a_closed_modal_cannot_be_updated(slack: SlackServer, client: WebClient, manager: SlackPerson) -> None:
    view = open_modal(slack, client, modal())
    manager.close()
    assert refusal(client.views_update, view_id=view["id"], view=modal()) == "not_found"


def test_an_external_id_is_unique_among_open_views(slack: SlackServer, client: WebClient) -> None:
    open_modal(slack, client, modal(external_id="onb-1"))
    assert client.views_update(external_id="onb-1", view=modal(section(), external_id="onb-1"))["ok"]
    trigger = slack.workspace.new_trigger("U0DATABASE")
    call = client.views_open
    assert refusal(call, trigger_id=trigger, view=modal(external_id="onb-1")) == "duplicate_external_id"


def test_at_most_three_modals_are_stacked(slack: SlackServer, client: WebClient) -> None:
    view = open_modal(slack, client, modal())
    for _ in range(2):
        trigger = slack.workspace.new_trigger("U0MANAGER", view["id"])
        pushed = client.views_push(trigger_id=trigger, view=modal())["view"]
        assert pushed["root_view_id"] == view["id"]
    trigger = slack.workspace.new_trigger("U0MANAGER", view["id"])
    assert refusal(client.views_push, trigger_id=trigger, view=modal()) == "push_limit_reached"
    outside = slack.workspace.new_trigger("U0MANAGER")
    assert refusal(client.views_push, trigger_id=outside, view=modal()) == "invalid_trigger_id"


def test_the_client_stops_an_incomplete_form_before_the_app_hears_of_it(
    slack: SlackServer, client: WebClient, manager: SlackPerson, app: Any
) -> None:
    fields = (text_input("client", max_length=5), text_input("root"), text_input("note"))
    view = open_modal(slack, client, modal(*fields[:2], {**fields[2], "optional": True}))
    errors = manager.submit(view["id"], {"client": "too long"})
    assert set(errors) == {"client", "root"}
    assert app.requests == []


@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [
        ("email_text_input", "nobody", "a@example.com"),
        ("url_text_input", "example", "https://example.com"),
        ("number_input", "many", "12"),
    ],
)
def test_the_client_checks_the_kind_of_an_entry(
    slack: SlackServer, client: WebClient, manager: SlackPerson, app: Any, kind: str, wrong: str, right: str
) -> None:
    more = {"is_decimal_allowed": False} if kind == "number_input" else {}
    block = text_input("field") | {"element": {"type": kind, "action_id": "value", **more}}
    view = open_modal(slack, client, modal(block))
    assert set(manager.submit(view["id"], {"field": wrong})) == {"field"}
    assert manager.submit(view["id"], {"field": right}) == {}
    assert len(app.requests) == 1


def test_a_submission_carries_every_value_and_closes_the_modal(
    slack: SlackServer, client: WebClient, manager: SlackPerson, app: Any
) -> None:
    due = text_input("due") | {"element": {"type": "datepicker", "action_id": "value"}}
    view = modal(text_input("client"), chooser(False), due, private_metadata="ONB-1")
    opened = open_modal(slack, client, view)
    assert manager.submit(opened["id"], {"client": "ACME", "operator": "fr", "due": "2026-12-01"}) == {}
    payload = app.payloads[0]
    assert (payload["type"], payload["view"]["private_metadata"]) == ("view_submission", "ONB-1")
    values = payload["view"]["state"]["values"]
    assert values["client"]["value"] == {"type": "plain_text_input", "value": "ACME"}
    assert values["operator"]["value"]["selected_option"]["value"] == "fr"
    assert values["due"]["value"]["selected_date"] == "2026-12-01"
    assert manager.view() is None


def test_the_apps_errors_are_shown_at_their_fields(
    slack: SlackServer, client: WebClient, manager: SlackPerson, app: Any
) -> None:
    view = open_modal(slack, client, modal(text_input("client")))
    app.answer = lambda _: {"response_action": "errors", "errors": {"client": "Unknown client"}}
    assert manager.submit(view["id"], {"client": "ACME"}) == {"client": "Unknown client"}
    shown = manager.view()
    assert shown is not None
    assert shown["errors"] == {"client": "Unknown client"}


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "explode"},
    ],
)
def test_an_answer_slack_cannot_use_is_trouble_for_the_user(
    slack: SlackServer, client: WebClient, manager: SlackPerson, app: Any, answer: Json
) -> None:
    view = open_modal(slack, client, modal(text_input("client")))
    app.answer = lambda _: answer
    with pytest.raises(AppSilent, match="invalid_response"):
        manager.submit(view["id"], {"client": "ACME"})
    assert slack.workspace.failures[-1].error == "invalid_response"
    assert manager.view() is not None


def test_an_answer_can_update_push_and_clear(
    slack: SlackServer, client: WebClient, manager: SlackPerson, app: Any
) -> None:
    view = open_modal(slack, client, modal(text_input("client")))
    app.answer = lambda _: {"response_action": "update", "view": modal(text_input("root"), callback_id="two")}
    manager.submit(view["id"], {"client": "ACME"})
    assert manager.wait_for_view(callback_id="two")["id"] == view["id"]
    app.answer = lambda _: {"response_action": "push", "view": modal(text_input("x"), callback_id="three")}
    manager.submit(view["id"], {"root": "r"})
    pushed = manager.wait_for_view(callback_id="three")
    assert pushed["previous_view_id"] == view["id"]
    app.answer = lambda _: {"response_action": "clear"}
    manager.submit(pushed["id"], {"x": "y"})
    assert manager.view() is None


def test_closing_a_pushed_modal_brings_the_one_below_back(
    slack: SlackServer, client: WebClient, manager: SlackPerson, app: Any
) -> None:
    below = open_modal(slack, client, modal(callback_id="below"))
    trigger = slack.workspace.new_trigger("U0MANAGER", below["id"])
    client.views_push(trigger_id=trigger, view=modal(notify_on_close=True))
    manager.close()
    assert manager.wait_for_view()["callback_id"] == "below"
    assert [payload["type"] for payload in app.payloads] == ["view_closed"]


@pytest.mark.parametrize("dispatch", [True, False])
def test_a_choice_reaches_the_app_at_once_only_where_the_block_dispatches(
    slack: SlackServer, client: WebClient, manager: SlackPerson, app: Any, dispatch: bool
) -> None:
    view = open_modal(slack, client, modal(chooser(dispatch), text_input("client")))
    manager.choose(view["id"], "client", "ACME")
    manager.choose(view["id"], "operator", "fr")
    assert [payload["type"] for payload in app.payloads] == (["block_actions"] if dispatch else [])
    if dispatch:
        payload = app.payloads[0]
        assert payload["actions"][0]["selected_option"]["value"] == "fr"
        assert payload["container"] == {"type": "view", "view_id": view["id"]}
        assert payload["view"]["state"]["values"]["client"]["value"]["value"] == "ACME"
        assert "response_url" not in payload


def test_entries_survive_an_update_under_the_same_ids(
    slack: SlackServer, client: WebClient, manager: SlackPerson
) -> None:
    view = open_modal(slack, client, modal(text_input("client"), text_input("root")))
    manager.choose(view["id"], "client", "ACME")
    changed = modal(text_input("client", initial_value="x"), text_input("other", initial_value="new"))
    updated = client.views_update(view_id=view["id"], view=changed)["view"]
    values = updated["state"]["values"]
    assert values["client"]["value"]["value"] == "ACME"
    assert values["other"]["value"]["value"] == "new"


def test_submitting_waits_for_a_block_that_a_choice_brings(
    slack: SlackServer, client: WebClient, manager: SlackPerson, app: Any
) -> None:
    view = open_modal(slack, client, modal(chooser(True)))

    def bring(request: Any) -> None:
        if request.payload["type"] == "block_actions":
            client.views_update(view_id=view["id"], view=modal(chooser(True), text_input("ofc")))

    app.answer = bring
    assert manager.submit(view["id"], {"operator": "es", "ofc": "yes"}) == {}
    assert app.payloads[-1]["view"]["state"]["values"]["ofc"]["value"]["value"] == "yes"


@pytest.mark.parametrize(("block_id", "value"), [("nowhere", "x"), ("operator", "de")])
def test_what_a_modal_does_not_show_cannot_be_chosen(
    slack: SlackServer, client: WebClient, manager: SlackPerson, block_id: str, value: str
) -> None:
    view = open_modal(slack, client, modal(chooser(False)))
    with pytest.raises(LookupError):
        manager.choose(view["id"], block_id, value)


def entry(kind: str, block_id: str, *values: str) -> Json:
    element: Json = {"type": kind, "action_id": "value"}
    if values:
        element["options"] = [option(value) for value in values]
    return {"type": "input", "block_id": block_id, "label": plain(block_id), "element": element, "optional": True}


ENTRIES = (
    entry("plain_text_input", "client"),
    entry("radio_buttons", "ofc", "true", "false"),
    entry("checkboxes", "boxes", "a", "b"),
    entry("datepicker", "due"),
    entry("timepicker", "hour"),
    entry("datetimepicker", "moment"),
    entry("multi_users_select", "readers"),
)


@pytest.mark.parametrize(
    ("block_id", "value", "state"),
    [
        ("client", "Ada", {"value": "Ada"}),
        ("client", None, {"value": None}),
        ("ofc", True, {"selected_option": option("true")}),
        ("ofc", "false", {"selected_option": option("false")}),
        ("ofc", None, {"selected_option": None}),
        ("boxes", ["b", "a"], {"selected_options": [option("a"), option("b")]}),
        ("boxes", None, {"selected_options": []}),
        ("due", "2026-11-24", {"selected_date": "2026-11-24"}),
        ("due", None, {"selected_date": None}),
        ("hour", "10:30", {"selected_time": "10:30"}),
        ("moment", 1795517992, {"selected_date_time": 1795517992}),
        ("moment", "1795517992", {"selected_date_time": 1795517992}),
        ("readers", ["U0GUEST"], {"selected_users": ["U0GUEST"]}),
        ("readers", None, {"selected_users": []}),
    ],
)
def test_what_is_entered_arrives_as_its_element_holds_it(
    slack: SlackServer, client: WebClient, manager: SlackPerson, app: Any, block_id: str, value: Any, state: Json
) -> None:
    view = open_modal(slack, client, modal(*ENTRIES))
    assert manager.submit(view["id"], {block_id: value}) == {}
    held = app.payloads[-1]["view"]["state"]["values"][block_id]["value"]
    for chosen in (held.get("selected_option"), *held.get("selected_options", [])):
        if chosen:
            del chosen["text"]["emoji"]
    assert {name: held[name] for name in state} == state


@pytest.mark.parametrize(
    ("block_id", "value"),
    [
        ("client", 5),
        ("ofc", "maybe"),
        ("ofc", ["true"]),
        ("boxes", "a"),
        ("boxes", ["z"]),
        ("due", "2026-02-30"),
        ("due", "tomorrow"),
        ("hour", "25:00"),
        ("moment", "soon"),
        ("readers", "U0GUEST"),
    ],
)
def test_what_an_element_cannot_hold_cannot_be_entered(
    slack: SlackServer, client: WebClient, manager: SlackPerson, block_id: str, value: Any
) -> None:
    view = open_modal(slack, client, modal(*ENTRIES))
    with pytest.raises(LookupError):
        manager.submit(view["id"], {block_id: value})


def test_nobody_submits_somebody_elses_modal(slack: SlackServer, client: WebClient, database: SlackPerson) -> None:
    view = open_modal(slack, client, modal(text_input("client")))
    with pytest.raises(LookupError):
        database.submit(view["id"])


def test_a_home_tab_is_published_shown_and_clicked(
    slack: SlackServer, client: WebClient, manager: SlackPerson, app: Any
) -> None:
    assert manager.home() is None
    view = client.views_publish(user_id="U0MANAGER", view=home(actions(button("confirm", "ONB-1:portal"))))
    view_id = view["view"]["id"]
    manager.press(view_id, "confirm", "ONB-1:portal")
    assert app.payloads[0]["view"]["type"] == "home"
    stale = view["view"]["hash"]
    client.views_publish(user_id="U0MANAGER", view=home(section()), hash=stale)
    call = client.views_publish
    assert refusal(call, user_id="U0MANAGER", view=home(), hash=stale) == "hash_conflict"
    with pytest.raises(LookupError):
        manager.press(view_id, "confirm", "ONB-1:portal")
