"""What the bot writes in Jira is there once, on Data Center and on Cloud, whatever answer is lost."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from jira_house import ATTACH, COMMENT, CREATE, INDEX_DELAY, LINK, MOVE, House, settings_for

from bot.jira.connection import JiraConnection
from bot.jira.finding import MOST_MISSING, find_by_label, last_comment
from bot.jira.tickets import JiraTickets
from bot.onboarding.errors import FileRefused, StepFailed, TurnedAway, Unavailable, Unsettled
from bot.onboarding.outcomes import FileEvidence
from bot.sandbox.faults import Fault
from bot.sandbox.jira.site import SERVICE_REQUEST


def lose(house: House, operation: str) -> None:
    """The server does the next one, and the bot never hears of it."""
    house.server.faults.add(Fault(operation, "drop_after"))


def test_issues_whose_answers_are_lost_are_found_again_at_once(house: House) -> None:
    for opened, key in ((house.open_parent, "ACT-1"), (house.open_ticket, "DB-1")):
        lose(house, CREATE)
        with pytest.raises(Unavailable):
            opened()
        assert opened() == key
        assert opened() == key
    assert list(house.server.store.issues) == ["ACT-1", "DB-1"]


def test_a_comment_whose_answer_is_lost_is_found_again_by_its_marker(house: House) -> None:
    parent = house.open_parent()
    house.report(parent, 2)
    lose(house, COMMENT)
    with pytest.raises(Unavailable):
        house.report(parent, 3)
    comments = house.server.store.issues[parent].comments
    assert house.report(parent, 3) == comments[-1].id
    assert len(comments) == 2


def test_a_marker_that_cloud_gives_back_with_escapes_is_still_ours(cloud: House) -> None:
    parent = cloud.open_parent()
    lose(cloud, COMMENT)
    with pytest.raises(Unavailable):
        cloud.report(parent)
    [comment] = cloud.server.store.issues[parent].comments
    comment.body = comment.body.replace("-", "\\-") + "\n"
    assert cloud.report(parent) == comment.id


def test_a_comment_is_found_behind_more_than_a_page_of_others(house: House) -> None:
    parent = house.open_parent()
    lose(house, COMMENT)
    with pytest.raises(Unavailable):
        house.report(parent)
    with house.surface._client() as client:
        for number in range(120):
            client.add_comment(parent, f"Somebody says {number}")
    assert house.report(parent) == house.server.store.issues[parent].comments[0].id
    assert len(house.server.store.issues[parent].comments) == 121


def test_a_link_an_attachment_and_a_transition_whose_answers_are_lost_are_there_once(house: House) -> None:
    parent, ticket = house.open_parent(), house.open_ticket()
    for operation, effect in (
        (LINK, lambda: house.link(ticket, parent)),
        (ATTACH, lambda: house.attach(ticket)),
        (MOVE, lambda: house.finish(parent)),
    ):
        lose(house, operation)
        with pytest.raises(Unavailable):
            effect()
        effect()
        effect()
    store = house.server.store
    assert [(link.source, link.target) for link in store.links.values()] == [(ticket, parent)]
    assert [file.filename for file in store.issues[ticket].attachments] == ["ONB-1-ofc_flux.json"]
    moves = [item for change in store.issues[parent].history for item in change.items if item[0] == "status"]
    assert moves == [("status", "To Do", "In Progress"), ("status", "In Progress", "Done")]
    done = [call for call in house.server.calls if call.operation in {LINK, ATTACH, MOVE}]
    assert len(done) == 4


def test_a_write_is_sent_once_and_never_again_by_the_client(house: House) -> None:
    house.server.faults.add(Fault(CREATE, "drop_before"))
    with pytest.raises(Unavailable):
        house.open_parent()
    assert len([call for call in house.server.calls if call.operation == CREATE]) == 1


def test_a_create_that_never_arrived_is_repeated_only_after_the_index_had_its_time(cloud: House) -> None:
    cloud.server.faults.add(Fault(CREATE, "drop_before"))
    with pytest.raises(Unavailable):
        cloud.open_parent()
    cloud.clock.move(100)
    with pytest.raises(Unsettled) as waiting:
        cloud.open_parent()
    assert waiting.value.retry_after == pytest.approx(80)
    assert cloud.server.store.issues == {}
    cloud.clock.move(81)
    assert cloud.open_parent() == "ACT-1"
    assert len(cloud.server.store.issues) == 1


def test_data_center_repeats_a_create_that_never_arrived_at_once(tmp_path: Path) -> None:
    house = House(tmp_path, "Server")
    house.server.faults.add(Fault(CREATE, "drop_before"))
    with pytest.raises(Unavailable):
        house.open_parent()
    assert house.open_parent() == "ACT-1"
    house.close()


def test_an_issue_that_no_key_leads_to_is_waited_for_until_the_index_shows_it(cloud: House) -> None:
    parent, _ = cloud.open_parent(), cloud.clock.move(INDEX_DELAY + 1)
    _burn_keys(cloud, MOST_MISSING + 1)
    cloud.view = replace(cloud.view, partner="PARTNER-TWO")
    lose(cloud, CREATE)
    with pytest.raises(Unavailable):
        _open_another(cloud)
    with pytest.raises(Unsettled):
        _open_another(cloud)
    cloud.clock.move(INDEX_DELAY + 1)
    found = _open_another(cloud)
    assert list(cloud.server.store.issues) == [parent, found]


def test_the_second_attempt_too_is_waited_for(cloud: House) -> None:
    cloud.server.faults.add(Fault(CREATE, "drop_before"))
    with pytest.raises(Unavailable):
        cloud.open_parent()
    cloud.clock.move(200)
    _burn_keys(cloud, MOST_MISSING + 1)
    lose(cloud, CREATE)
    with pytest.raises(Unavailable):
        cloud.open_parent()
    cloud.clock.move(10)
    # The claim is older than the grace by now, the attempt is not.
    with pytest.raises(Unsettled):
        cloud.open_parent()
    cloud.clock.move(INDEX_DELAY)
    cloud.open_parent()
    assert len(cloud.server.store.issues) == 1


def test_a_key_that_was_given_to_others_meanwhile_does_not_hide_ours(cloud: House) -> None:
    cloud.open_parent()
    cloud.clock.move(INDEX_DELAY + 1)
    with cloud.surface._client() as client:
        for number in range(3):
            _plain_issue(client, f"somebody else's {number}")
        cloud.view = replace(cloud.view, partner="PARTNER-TWO")
        lose(cloud, CREATE)
        with pytest.raises(Unavailable):
            _open_another(cloud)
        _plain_issue(client, "one more")
        assert client.enhanced_search_issues(f'labels = "onb-1-start-jira-{cloud.view.stamp}"') == []
    assert _open_another(cloud) == "ACT-5"


def test_what_jira_refuses_is_not_waited_for(cloud: House) -> None:
    wrong = settings_for(cloud.server, fields={"client_root": "customfield_10199"})
    with pytest.raises(StepFailed, match="JIRA_FIELDS"):
        cloud.open_ticket(JiraTickets(JiraConnection(wrong)))
    # An administrator corrects JIRA__FIELDS, somebody clicks Retry, and there is nothing to wait for.
    assert cloud.open_ticket() == "DB-1"


def test_a_create_that_was_turned_away_with_429_is_not_waited_for(cloud: House) -> None:
    for opened in (cloud.open_parent, cloud.open_ticket):
        cloud.server.faults.add(Fault(CREATE, "rate_limited", seconds=7))
        with pytest.raises(TurnedAway) as away:
            opened()
        assert away.value.retry_after == 7
        opened()
    assert list(cloud.server.store.issues) == ["ACT-1", "DB-1"]


def test_a_create_that_found_no_connection_is_not_waited_for(cloud: House) -> None:
    cloud.open_parent()
    cloud.server.stop()
    with pytest.raises(TurnedAway):
        cloud.open_ticket()
    cloud.server.start()
    assert cloud.open_ticket() == "DB-1"


def test_a_list_that_jira_refuses_is_refused_for_good(house: House, tmp_path: Path) -> None:
    parent = house.open_parent()
    house.server.store.revoke("onboarding-bot", "ACT", "CREATE_ATTACHMENTS")
    file = FileEvidence("REFS.csv", "references", str(tmp_path), 1, "0" * 64, rows=1)
    with pytest.raises(FileRefused, match="403"):
        house.surface.share_file(house.view, parent, file, file.name, b"x")


def test_a_refused_surface_is_tried_again_without_a_wait_too(cloud: House) -> None:
    cloud.server.store.make_read_only("ACT")
    for _ in range(2):
        with pytest.raises(Unavailable, match="may not create"):
            cloud.open_parent()
    cloud.server.store.grant("onboarding-bot", "ACT", "CREATE_ISSUES")
    assert cloud.open_parent() == "ACT-1"


def test_the_teams_last_words_are_read_though_the_issue_shows_a_part_of_them(house: House) -> None:
    ticket = house.open_ticket()
    with house.tickets._client() as client:
        assert find_by_label(client, "DB", "nobody's") is None
        for number in range(3):
            client.add_comment(ticket, f"Word {number}")
        shown = SimpleNamespace(comments=client.comments(ticket)[:1], total=3)
        assert last_comment(client, ticket, shown) == "Word 2"
        assert last_comment(client, ticket, None) == "Word 2"
        client.assign_issue(ticket, "dana")
        client.transition_issue(ticket, "Reject", fields={"resolution": {"name": "Rejected"}})
    status = house.tickets.status(ticket)
    assert (status.words, status.assignee, status.resolution) == ("Word 2", "Dana Base", "Rejected")
    assert status.is_closed


def test_a_ticket_holds_its_field_its_labels_and_its_text(house: House) -> None:
    issue = house.server.store.issues[house.open_ticket()]
    assert issue.values["customfield_10101"] == "ACME"
    assert set(issue.values["labels"]) > {"ofc-flux", "onboarding-bot"}
    assert issue.values["description"] == "|Root|ACME|"
    assert issue.type != SERVICE_REQUEST


def _open_another(house: House) -> str:
    marker = f"{house.view.key}:start:jira:{house.view.stamp}"
    return house.once(
        "another",
        look=lambda: house.surface.find_parent(house.view, marker),
        do=lambda: house.surface.create_parent(house.view, marker),
        grace=house.surface.grace_seconds,
    )


def _plain_issue(client: object, summary: str) -> str:
    fields = {"project": {"key": "ACT"}, "issuetype": {"name": "Task"}, "summary": summary}
    return str(client.create_issue(fields=fields, prefetch=False).key)  # type: ignore[attr-defined] # a JIRA


def _burn_keys(house: House, number: int) -> None:
    """Issues that were made and deleted: their numbers are not given again."""
    store = house.server.store
    with house.surface._client() as client:
        for _ in range(number):
            store.delete(store.issues[_plain_issue(client, "deleted again")])
