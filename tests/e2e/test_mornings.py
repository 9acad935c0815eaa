"""The morning digest in a served bot: to each manager in their own morning and language, once, on working days alone.

The bot serves in this process, with the real parts and a clock that the test moves.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from e2e_house import START, House, house, wait_until
from test_time_passes import MADRID, Clock, served

from bot.app import Application
from bot.onboarding.models import DigestRecord
from bot.sandbox.players import Manager
from bot.sandbox.slack import SlackPerson

MARTINIQUE = ZoneInfo("America/Martinique")
# The Thursday before Easter, at 14:00 in Madrid when it is 9:00 in Martinique. On Good Friday Spain does not work, on
# Easter Monday France; in between Madrid's clocks go forward.
WEDNESDAY, THURSDAY, FRIDAY, SATURDAY = (date(2027, 3, day) for day in (24, 25, 26, 27))
MONDAY, TUESDAY, NEXT_WEDNESDAY = date(2027, 3, 29), date(2027, 3, 30), date(2027, 3, 31)


def test_each_manager_hears_once_in_their_own_morning_and_language_on_working_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with house(tmp_path, ROLES__MANAGER="U0MANAGER,U0GUEST") as home:
        for name, value in home.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        _live(home, "U0MANAGER", locale="fr-FR", tz="America/Martinique")
        _live(home, "U0GUEST", locale="es-ES", tz="Europe/Madrid")
        clock = Clock()
        clock.move_to(WEDNESDAY, 10)
        with served(home, clock) as bot:
            mine = home.start()
            guest = Manager(home.slack.url, "U0GUEST")
            assert guest.start(START | {"client": "Beta", "root": "BETA"}) == {}
            wait_until("the second one's message", lambda: len(_keys(home)) == 2)
            [theirs] = _keys(home) - {mine}
            wait_until("their mornings", lambda: _next(bot, "U0MANAGER") and _next(bot, "U0GUEST"))
            assert _next(bot, "U0GUEST") == _at(THURSDAY, MADRID)

            clock.move_to(THURSDAY, 9)
            wait_until("the one in Madrid", lambda: _digests(home, "U0GUEST"))
            [shown] = _digests(home, "U0GUEST")
            assert "Pendiente, 2027-03-25" in str(shown["blocks"])
            assert "En espera: " in str(shown["blocks"])
            assert (theirs in str(shown["blocks"]), mine in str(shown["blocks"])) == (True, False)
            # It is five in the morning there.
            assert _next(bot, "U0MANAGER") == _at(THURSDAY, MARTINIQUE)
            assert _digests(home, "U0MANAGER") == []

            clock.move_to(THURSDAY, 14)
            wait_until("the one in Martinique", lambda: _digests(home, "U0MANAGER"))
            [shown] = _digests(home, "U0MANAGER")
            assert "À suivre, 2027-03-25" in str(shown["blocks"])
            assert (mine in str(shown["blocks"]), theirs in str(shown["blocks"])) == (True, False)
            # Its key leads to the onboarding's thread.
            assert f"<{bot.onboardings.view(mine).surfaces['slack'].link}|{mine}>" in str(shown["blocks"])
            wait_until("the next ones", lambda: _next(bot, "U0MANAGER") == _at(TUESDAY, MARTINIQUE))
            assert _next(bot, "U0GUEST") == _at(TUESDAY, MADRID)

        # Begun anew on the same day, on a holiday of the one country and of the other, and on a Saturday.
        for day in (THURSDAY, FRIDAY, SATURDAY, MONDAY):
            clock.move_to(day, 16)
            with served(home, clock) as bot:
                assert bot.digests.sweep() == 0
                assert _next(bot, "U0GUEST") == _at(TUESDAY, MADRID)
            assert [len(_digests(home, user)) for user in ("U0MANAGER", "U0GUEST")] == [1, 1]

        # Down until Tuesday afternoon: both mornings have passed, and what is late is said first.
        clock.move_to(TUESDAY, 16)
        with served(home, clock) as bot:
            for user, late in (("U0MANAGER", "En retard"), ("U0GUEST", "Con retraso")):
                wait_until("the one after the holidays", lambda user=user: len(_digests(home, user)) == 2)
                assert "2027-03-30" in str(_digests(home, user)[1]["blocks"])
                assert (late in str(_digests(home, user)[1]["blocks"])) == _is_late(bot, mine)
            wait_until("the next one", lambda: _next(bot, "U0GUEST") == _at(NEXT_WEDNESDAY, MADRID))

            _click(home, "U0GUEST", "digest_stop")
            wait_until("the answer", lambda: "Ya no recibirá" in str(_digests(home, "U0GUEST")[1]["blocks"]))
            clock.move_to(NEXT_WEDNESDAY, 16)
            wait_until("the other one", lambda: len(_digests(home, "U0MANAGER")) == 3)
            wait_until("a morning without", lambda: _next(bot, "U0GUEST") > _at(NEXT_WEDNESDAY, MADRID))
            assert len(_digests(home, "U0GUEST")) == 2

            _click(home, "U0GUEST", "digest_resume")
            wait_until("the answer", lambda: "Volverá a recibirlo" in str(_digests(home, "U0GUEST")[1]["blocks"]))
            clock.move_to(date(2027, 4, 1), 9)
            wait_until("it to come again", lambda: len(_digests(home, "U0GUEST")) == 3)
        assert "Traceback" not in str(home.slack.workspace.failures)


def _live(home: House, user: str, **how: str) -> None:
    """Have a person speak a language, and live in a time zone."""
    people = home.slack.workspace.users
    people[user] = replace(people[user], **how)  # type: ignore[arg-type] # members by name


def _digests(home: House, user: str) -> list[Mapping[str, Any]]:
    """Return the digests in a person's conversation with the bot, the oldest first."""
    messages = SlackPerson(home.slack.url, user, channel=user).messages()
    return [each for each in messages if (each.get("metadata") or {}).get("event_type") == "onboarding_digest"]


def _click(home: House, user: str, action_id: str) -> None:
    """Click the button of a person's latest digest."""
    SlackPerson(home.slack.url, user, channel=user).click(_digests(home, user)[-1]["ts"], action_id)


def _keys(home: House) -> set[str]:
    return {str(each["metadata"]["event_payload"]["key"]) for each in home.manager.messages() if each.get("metadata")}


def _next(bot: Application, user: str) -> Any:
    """Return when a person's next digest is due, None while they are not known."""
    with bot.store.reading() as session:
        row = session.get(DigestRecord, user)
    return row.due_at if row is not None else None


def _at(day: date, zone: ZoneInfo) -> datetime:
    """Return the start of work on a day."""
    return datetime(day.year, day.month, day.day, 9, tzinfo=zone).astimezone(UTC)


def _is_late(bot: Application, key: str) -> bool:
    return bot.onboardings.view(key).most_days_late > 0
