"""A bot that is killed while it shows somebody their Home: its next life brings the Home up to the latest."""

from pathlib import Path

from e2e_house import House, house, wait_until

from bot.onboarding.models import MET
from bot.sandbox.faults import Fault
from bot.sandbox.slack import SlackPerson


def progress(home: House, key: str) -> str:
    """What the Home must show of an onboarding by what the database holds."""
    applying = [state for state in home.states(key).values() if state != "not_applicable"]
    return f" {sum(state in MET for state in applying)}/{len(applying)} "


def test_a_home_shows_the_latest_after_a_kill_before_the_call_and_one_before_the_record(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.start_bot()
        person = SlackPerson(home.slack.url, "U0MANAGER")
        key = home.start()
        person.open_home()
        wait_until("the Home", lambda: key in str(person.home()))
        # The call never arrives, or Slack carries it out and its answer finds nobody.
        faults = (Fault("views.publish", "drop_before"), Fault("views.publish", "delay", seconds=1.0))
        for fault, step in zip(faults, ("portal", "sofia_install"), strict=True):
            home.slack.faults.add(fault)
            assert home.command("skip", key, step, "--reason", "not here").returncode == 0
            wait_until("the call", lambda: home.slack.faults.left == 0)
            home.kill_bot()
            # What changes while nobody is there is shown as well.
            home.start_bot()
            wait_until("the latest", lambda: progress(home, key) in str(person.home()))
        assert home.command("cancel", key, "--reason", "enough").returncode == 0
        wait_until("the end", lambda: key not in str(person.home()))
        assert "Traceback" not in home.log()
