"""Ten deaths in an activation that Slack and Jira both take part in; `make chaos BOTH_WAYS=1` makes two hundred."""

from pathlib import Path

from .activation import POINTS_OF_BOTH_WAYS, play
from .both_ways import TROUBLED_DELIVERIES, settings_of
from .test_kills import SEED

KILLS = 10


def test_ten_kills_with_sub_tasks_webhook_and_homes_double_nothing_and_lose_nothing(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    came = play(tmp_path, SEED, KILLS, POINTS_OF_BOTH_WAYS, both_ways=True)
    assert not came.wrong, came.explained()
    assert len(came.kills) == KILLS, came.explained()
    assert came.points < 1.5 * POINTS_OF_BOTH_WAYS, f"{came.points} points: set POINTS_OF_BOTH_WAYS anew"
    assert came.heard is not None
    # There was something to be heard once more, and something that polling alone has seen.
    assert came.heard.repeated > 0, came.heard
    assert came.heard.lost > 0, came.heard
    assert came.heard.events + came.heard.lost > TROUBLED_DELIVERIES, came.heard


def test_seeds_play_on_a_data_center_and_on_a_cloud() -> None:
    kinds = [settings_of(seed).get("jira_kind", "Server") for seed in range(20)]
    assert 5 <= kinds.count("Cloud") <= 15
