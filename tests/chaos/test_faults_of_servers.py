"""Servers that refuse, fail, hang up, lose their answers or are slow, all at once: nothing twice, nothing lost."""

import re
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from e2e_house import House
from tcp_proxy import TcpProxy

from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.jira.site import BOT

from .activation import fire
from .counting import as_lines, settled, wrongs
from .people import People

ISSUE = "/rest/api/2/issue"
IN_JIRA = (
    f"POST {ISSUE}",
    f"POST {ISSUE}/{{key}}/comment",
    "POST /rest/api/2/issueLink",
    f"POST {ISSUE}/{{key}}/attachments",
    f"POST {ISSUE}/{{key}}/transitions",
    f"GET {ISSUE}/{{key}}",
    "*/search",
)
IN_SLACK = ("chat.postMessage", "chat.update", "chat.getPermalink", "conversations.replies", "conversations.history")
IN_SFTP = ("mkdir", "setstat", "list", "rename", "open", "write", "read")


@pytest.mark.parametrize(
    ("kind", "in_sftp"),
    [
        # SFTP knows no 429 and no 5xx: a server that has enough of its clients turns away their logins.
        pytest.param("rate_limited", ("login",), id="429_with_retry_after"),
        pytest.param("server_error", ("login",), id="5xx"),
        pytest.param("drop_before", IN_SFTP, id="dropped_connections"),
        pytest.param("drop_after", IN_SFTP, id="lost_answers"),
        pytest.param("delay", IN_SFTP, id="slow_answers"),
    ],
)
def test_servers_in_trouble_double_nothing_and_lose_nothing(
    tmp_path: Path, kind: FaultKind, in_sftp: Sequence[str]
) -> None:
    # A slow answer comes after the client has given up, and before it may do the same again.
    quick = {"SLACK__TIMEOUT_SECONDS": "1", "JIRA__TIMEOUT_SECONDS": "1"} if kind == "delay" else {}
    seconds = 1.5 if kind == "delay" else 1.0
    with fire(tmp_path, RETRY__FIRST_SECONDS="0.1", RETRY__TRIES="12", RETRY__SETTLE_SECONDS="2", **quick) as home:
        assert home.files.server is not None
        home.slack.faults.extend(Fault(method, kind, seconds=seconds) for method in IN_SLACK)
        home.jira.faults.extend(Fault(operation, kind, account=BOT.name, seconds=seconds) for operation in IN_JIRA)
        home.files.server.faults.extend(
            Fault(name, kind, account=home.files.username, seconds=seconds) for name in in_sftp
        )
        _play(home)
        if kind != "delay":
            # Each was met, but for the ways that an activation without trouble does not go.
            left = home.slack.faults.left + home.jira.faults.left + home.files.server.faults.left
            assert left <= 3, (
                f"{left} faults were never met: {home.slack.faults} {home.jira.faults} {home.files.server.faults}"
            )


def test_an_upload_that_is_cut_in_the_middle_is_begun_anew_and_put_in_place_once(tmp_path: Path) -> None:
    with fire(tmp_path, RETRY__FIRST_SECONDS="0.3") as home, TcpProxy("127.0.0.1", home.files.port) as proxy:
        known = home.files.known_hosts
        known.write_text(known.read_text() + re.sub(r"\]:\d+", f"]:{proxy.port}", known.read_text()))
        home.environment["ONBOARDING_TRANSFER__PORT"] = str(proxy.port)
        # A login and a few questions fit into so much; the OFC does not.
        proxy.cut_after(20_000, 30_000, 5_000 + 32_768)
        _play(home)
        assert proxy.cut == 3


@pytest.mark.parametrize("server", ["slack", "jira"])
def test_a_request_of_a_killed_bot_that_arrives_late_is_waited_for(tmp_path: Path, server: str) -> None:
    with fire(tmp_path) as home:
        home.start_bot()
        faults = home.slack.faults if server == "slack" else home.jira.faults
        # The server takes its time: it writes when the bot that asked is dead and the next one has begun.
        faults.add(Fault("chat.postMessage" if server == "slack" else f"POST {ISSUE}", "delay", seconds=4))
        people = People(home)
        people.start()
        while faults.left:
            time.sleep(0.01)
        time.sleep(0.2)
        home.kill_bot()
        home.start_bot()
        people.tick_until("portal")
        assert not (wrong := settled(lambda: wrongs(home, people, ended=False), 30)), as_lines(wrong)


def _play(home: House) -> None:
    home.start_bot()
    people = People(home)
    people.start()
    people.play(150)
    wrong = settled(lambda: wrongs(home, people), 30)
    assert not wrong, as_lines(wrong)
