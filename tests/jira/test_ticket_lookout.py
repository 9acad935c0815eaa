"""One search tells which of the bot's tickets have changed, on Data Center and on Cloud."""

from datetime import timedelta
from pathlib import Path

import pytest
from jira_house import INDEX_DELAY, House

from bot.steps.lookouts import TicketLookout

KINDS = ("Server", "Cloud")


@pytest.mark.parametrize("kind", KINDS)
def test_one_search_tells_which_tickets_changed_and_when(tmp_path: Path, kind: str) -> None:
    house = House(tmp_path, kind)
    try:
        parent, ticket = house.open_parent(), house.open_ticket()
        house.clock.move(INDEX_DELAY + 1)
        lookout = TicketLookout(house.tickets, poll_seconds=60)
        house.server.calls.clear()
        first = lookout.look([ticket], timedelta(minutes=5))
        assert list(first) == [ticket]
        assert parent not in first
        assert [call.operation for call in house.server.calls if "/search" in call.path] == [
            f"GET /rest/api/2/search{'/jql' if kind == 'Cloud' else ''}"
        ]
        house.clock.move(3_600)
        assert lookout.look([ticket], timedelta(minutes=5)) == {}
        house.attach(ticket)
        house.clock.move(INDEX_DELAY + 1)
        changed = lookout.look([ticket], timedelta(minutes=5))
        assert list(changed) == [ticket]
        assert changed[ticket] != first[ticket]
        assert lookout.look([ticket], timedelta(days=3)) == changed
    finally:
        house.close()
