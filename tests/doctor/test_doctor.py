"""The doctor: what it sees of each part, against servers that answer or do not, and that every word of it is there."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.doctor import PARTS, Finding, clock, database, file_server, jira, links, mail, slack
from bot.jira.connection import JiraConnection
from bot.locales import catalogue
from bot.sandbox.jira import JiraServer
from bot.sandbox.jira.site import BOT
from bot.sandbox.mailbox import Mailbox
from bot.sandbox.sftp import SftpServer
from bot.sandbox.slack import SlackServer
from bot.settings import Settings, load_settings
from bot.slack.manifest import app_manifest
from bot.web.instance import fingerprint

DOCTOR = Path(__file__).parents[2] / "bot" / "doctor"
KEY = "a key of more than thirty-two characters"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def seen(look: Any, settings: Settings) -> dict[str, Finding]:
    """Look at one part; every finding has its words in three languages, and no secret."""
    found = list(look(settings))
    for finding in found:
        for language in ("fr", "en", "es"):
            told = finding.as_json(language)
            assert told["seen"]
            assert told["why"]
            assert bool(told["advice"]) != finding.ok
            assert "secret" not in json.dumps(told)
    return {finding.part: finding for finding in found}


def failing(found: Mapping[str, Finding]) -> set[str]:
    return {part for part, finding in found.items() if not finding.ok and finding.needed}


def warned(found: Mapping[str, Finding]) -> set[str]:
    return {part for part, finding in found.items() if not finding.ok and not finding.needed}


# Slack


def slack_settings(server: SlackServer, **changed: Any) -> Settings:
    plain = {
        "api_url": server.api_url,
        "bot_token": server.bot_token,
        "app_token": server.app_token,
        "channel": "C0ONBOARD",
    }
    return load_settings(slack=plain | changed)


def test_slack_as_it_should_be() -> None:
    with SlackServer() as server:
        found = seen(slack, slack_settings(server))
    assert failing(found) == warned(found) == set()
    assert found.keys() == {"slack", "slack scopes", "slack socket", "slack channel"}


def test_a_scope_of_the_manifest_that_is_not_granted_is_named() -> None:
    wanted = set(app_manifest("/onboard", None)["oauth_config"]["scopes"]["bot"])
    with SlackServer(scopes=(wanted | {"reactions:write"}) - {"files:write"}) as server:
        found = seen(slack, slack_settings(server))
    assert failing(found) == {"slack scopes"}
    assert "files:write" in found["slack scopes"].seen.en
    assert "manifest" in found["slack scopes"].advice.en


def test_scopes_that_nobody_needs_are_told_of() -> None:
    wanted = set(app_manifest("/onboard", None)["oauth_config"]["scopes"]["bot"])
    with SlackServer(scopes=wanted | {"reactions:write"}) as server:
        found = seen(slack, slack_settings(server))
    assert found["slack scopes"].ok
    assert "reactions:write" in found["slack scopes"].seen.en


def test_an_archived_channel_and_one_without_the_bot_are_told_apart() -> None:
    with SlackServer() as server:
        channel = server.workspace.channel("C0ONBOARD")
        channel.members.remove(server.workspace.bot.id)
        outside = seen(slack, slack_settings(server))
        channel.members.append(server.workspace.bot.id)
        channel.is_archived = True
        archived = seen(slack, slack_settings(server))
        nowhere = seen(slack, slack_settings(server, channel="C0NOWHERE"))
    assert failing(outside) == failing(archived) == failing(nowhere) == {"slack channel"}
    assert "no member" in outside["slack channel"].seen.en
    assert "is archived" in archived["slack channel"].seen.en
    assert nowhere["slack channel"].seen.en == "channel_not_found"


def test_without_the_scope_to_see_channels_membership_is_still_known() -> None:
    scopes = set(app_manifest("/onboard", None)["oauth_config"]["scopes"]["bot"]) - {"channels:read", "groups:read"}
    with SlackServer(scopes=scopes | {"channels:history"}) as server:
        assert "slack channel" not in failing(seen(slack, slack_settings(server)))
        server.workspace.channel("C0ONBOARD").members.remove(server.workspace.bot.id)
        assert seen(slack, slack_settings(server))["slack channel"].seen.en == "not_in_channel"


def test_wrong_tokens_and_a_dead_slack_are_told() -> None:
    with SlackServer() as server:
        assert failing(seen(slack, slack_settings(server, app_token="xapp-secret"))) == {"slack socket"}
        assert failing(seen(slack, slack_settings(server, bot_token="xoxb-secret"))) == {"slack"}
        away = slack_settings(server)
    assert "no answer" in seen(slack, away)["slack"].seen.en
    assert warned(seen(slack, load_settings())) == {"slack"}


# Jira


def jira_settings(server: JiraServer, **changed: Any) -> Settings:
    plain = {
        "url": server.url,
        "token": server.token,
        "email": server.email,
        "project": "ACT",
        "database_project": "DB",
        "fields": {"client_root": "Client root"},
        "timeout_seconds": 10,
    }
    return load_settings(jira=plain | changed)


@pytest.fixture(params=["Server", "Cloud"])
def site(request: pytest.FixtureRequest) -> Iterator[JiraServer]:
    with JiraServer(deployment_type=request.param) as server:
        yield server


def test_jira_as_it_should_be(site: JiraServer) -> None:
    found = seen(jira, jira_settings(site))
    assert failing(found) == set()
    assert warned(found) == ({"jira token"} if site.email else set())
    assert {"jira ACT", "jira DB", "jira ACT fields", "jira DB fields", "jira ACT end", "jira link"} <= found.keys()


def test_missing_permissions_are_named_by_project_and_those_that_are_merely_nice_warn(site: JiraServer) -> None:
    site.store.revoke(BOT.name, "ACT", "ADD_COMMENTS", "SCHEDULE_ISSUES")
    site.store.revoke(BOT.name, "DB", "MANAGE_WATCHERS")
    found = seen(jira, jira_settings(site, database_watchers=["manager@sandbox.example"]))
    assert failing(found) == {"jira ACT"}
    assert found["jira ACT"].seen.en.endswith(": ADD_COMMENTS")
    assert "SCHEDULE_ISSUES" in found["jira ACT extras"].seen.en
    assert "MANAGE_WATCHERS" in found["jira DB extras"].seen.en


def test_a_project_an_issue_type_a_link_type_that_are_not_there_are_named(site: JiraServer) -> None:
    found = seen(jira, jira_settings(site, project="NOWHERE", database_issue_type="Epic", link_type="Clones"))
    assert failing(found) == {"jira NOWHERE", "jira DB fields", "jira link"}
    assert "Task, Service Request" in found["jira DB fields"].seen.en
    assert "Blocks, Relates" in found["jira link"].seen.en


def test_fields_that_do_not_fit_their_question_are_named(site: JiraServer) -> None:
    for mapped, words in {
        "Nowhere at all": "Jira has no field “Nowhere at all”",
        "Lines": "takes a number",
        "Target go-live": "takes a date",
        "issuetype": "cannot fill",
    }.items():
        found = seen(jira, jira_settings(site, fields={"client_root": mapped}))
        assert failing(found) == {"jira DB fields"}
        assert words in found["jira DB fields"].seen.en
    choices = seen(jira, jira_settings(site, fields={"request_type": "Environment"}))
    assert "has no choice" in choices["jira DB fields"].seen.en
    assert warned(seen(jira, jira_settings(site, fields={"no_question": "Client root"}))) >= {"jira DB fields"}


def test_a_required_field_that_nothing_fills_is_named_before_the_first_onboarding(site: JiraServer) -> None:
    site.store.change_project("ACT", required_fields=("components",))
    assert failing(seen(jira, jira_settings(site))) == {"jira ACT fields"}
    assert failing(seen(jira, jira_settings(site, components=["Operators"]))) == set()


def test_a_workflow_without_an_end_is_told(site: JiraServer) -> None:
    project = next(each for each in site.store.site.projects if each.key == "ACT")
    site.store.change_project("ACT", workflow=project.workflow[:1])
    assert failing(seen(jira, jira_settings(site))) == {"jira ACT end"}


def test_an_issue_type_whose_statuses_are_not_told_is_said_to_be_unchecked(site: JiraServer) -> None:
    found = seen(jira, jira_settings(site, issue_type="Nothing"))
    assert "jira ACT end" in warned(found)
    assert "could not be checked" in found["jira ACT end"].seen.en


def test_the_newest_open_issue_tells_whether_the_bot_is_offered_a_way_to_the_end(site: JiraServer) -> None:
    assert "on the first one" in seen(jira, jira_settings(site))["jira ACT way"].seen.en
    site.store.index.delay_seconds = 0
    with JiraConnection(jira_settings(site).jira).client() as client:
        made = {"project": "ACT", "issuetype": "Task", "summary": "An activation"}
        key = client.create_issue(fields=made).key
    found = seen(jira, jira_settings(site))["jira ACT way"]
    assert (found.ok, found.seen.en) == (True, f"the bot is offered the transition Start Progress on {key}")
    site.store.revoke(BOT.name, "ACT", "TRANSITION_ISSUES")
    refused = seen(jira, jira_settings(site))["jira ACT way"]
    assert not refused.ok
    assert key in refused.seen.en


def test_without_the_right_to_edit_corrected_answers_are_left_out_of_the_ticket(site: JiraServer) -> None:
    site.store.revoke(BOT.name, "DB", "EDIT_ISSUES")
    assert "EDIT_ISSUES" in seen(jira, jira_settings(site))["jira DB extras"].seen.en


def test_a_watcher_whom_nobody_knows_is_a_warning(site: JiraServer) -> None:
    found = seen(jira, jira_settings(site, watchers=["nobody@example.com"]))
    assert "jira ACT watcher" in warned(found)


@pytest.mark.parametrize(("days", "ok", "words"), [(200, True, "in "), (30, False, "in "), (-1, False, "still takes")])
def test_a_token_is_spoken_of_thirty_days_ahead(site: JiraServer, days: int, ok: bool, words: str) -> None:
    expires = datetime.now(UTC).date() + timedelta(days=days)
    found = seen(jira, jira_settings(site, token_expires=expires))["jira token"]
    assert (found.ok, words in found.seen.en) == (ok, True)


def test_a_dead_jira_and_none_at_all_are_told(site: JiraServer) -> None:
    settings = jira_settings(site)
    site.stop()
    assert failing(seen(jira, settings)) == {"jira"}
    assert warned(seen(jira, load_settings())) == {"jira"}


# Files, mail, database


def test_the_file_servers_key_its_root_and_the_right_to_write_are_seen(tmp_path: Path) -> None:
    with SftpServer(tmp_path / "sftp", bot=("bot", "secret"), partners={"P1": ("p1", "secret")}) as server:
        known = server.known_hosts(tmp_path / "known_hosts")
        plain = {"host": server.host, "port": server.port, "username": "bot", "password": "secret"}
        whole = load_settings(transfer=plain | {"known_hosts": str(known)})
        found = seen(file_server, whole)
        assert failing(found) == set()
        assert {"host key", "sftp", "rights in the root"} <= found.keys()
        assert not list((tmp_path / "sftp").rglob("*doctor*"))
        missing = seen(file_server, load_settings(transfer=plain | {"known_hosts": str(known), "root": "/nowhere"}))
        assert failing(missing) == {"sftp"}
        stranger = tmp_path / "other_hosts"
        stranger.write_text("")
        unknown = seen(file_server, load_settings(transfer=plain | {"known_hosts": str(stranger)}))
        assert failing(unknown) == {"sftp"}
        assert "fingerprint" in unknown["sftp"].advice.en
        (tmp_path / "sftp" / "P1").chmod(0o770)
        assert "P1" in seen(file_server, whole)["partners' directories"].seen.en


def test_mail_is_tried_without_sending_any() -> None:
    with Mailbox() as box:
        settings = load_settings(smtp={"host": box.host, "port": box.smtp_port})
        assert failing(seen(mail, settings)) == set()
        asks = load_settings(smtp={"host": box.host, "port": box.smtp_port, "starttls": True})
        found = seen(mail, asks)
        assert failing(found) == {"mail"}
        assert "cannot do what the settings ask" in found["mail"].seen.en
    assert failing(seen(mail, settings)) == {"mail"}
    assert warned(seen(mail, load_settings())) == {"mail"}


def test_the_database_is_named_with_its_version(tmp_path: Path) -> None:
    found = seen(database, load_settings(data_dir=tmp_path))
    assert re.search(r"SQLite 3\.\d+", found["database"].seen.en)
    assert warned(found) == {"production"}
    assert failing(seen(database, load_settings(database_url="mysql://u:secret@h/d"))) == {"database"}


# The public address and the clock


@contextmanager
def answering(answers: Mapping[str, Any], date: datetime | None = None) -> Iterator[str]:
    """A server on loopback that answers these paths, with this date."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = answers.get(self.path.partition("?")[0])
            body = json.dumps(content).encode()
            self.send_response_only(404 if content is None else 200)
            if date is not None:
                self.send_header("Date", format_datetime(date, usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *said: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def web(url: str | None, key: str | None = KEY) -> Settings:
    return load_settings(web={"public_url": url, "secret_key": key})


def test_behind_the_public_address_this_installation_must_answer() -> None:
    ours = {"/healthz": {"status": "ok"}, "/healthz/instance": {"instance": fingerprint(SecretStr(KEY))}}
    with answering(ours) as url:
        found = seen(links, web(url))
        assert (found["links"].ok, warned(found)) == (True, {"links encryption"})
        assert failing(seen(links, web(url, "another key of more than thirty-two letters"))) == {"links"}
        assert warned(seen(links, web(url, None))) == {"links", "links encryption"}
    assert warned(seen(links, web(url))) == {"links", "links encryption"}
    with answering({"/": {}}) as url:
        assert "not this bot" in seen(links, web(url))["links"].seen.en
    assert warned(seen(links, web(None))) == {"links"}


@pytest.mark.parametrize(("seconds", "ok"), [(0, True), (-60, False), (3600, False)])
def test_a_clock_that_differs_from_the_servers_is_told(seconds: float, ok: bool) -> None:
    with answering({"/rest/api/2/serverInfo": {}}, datetime.now(UTC) + timedelta(seconds=seconds)) as url:
        settings = load_settings(jira={"url": url, "token": "t", "project": "A", "database_project": "B"})
        found = seen(clock, settings)["clock"]
    assert (found.ok, found.needed and not ok) == (ok, False)
    if not ok:
        assert re.match(r"[+-]\d+ s against Jira", found.seen.en)


def test_the_sandboxes_tell_the_time(site: JiraServer) -> None:
    with SlackServer() as server:
        both = load_settings(slack=slack_settings(server).slack.model_dump(), jira=jira_settings(site).jira)
        assert len([found for found in clock(both) if found.ok]) == 2


# All of it


def test_a_part_that_breaks_keeps_no_other_from_being_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(settings: Settings) -> Iterator[Finding]:
        raise ZeroDivisionError
        yield

    monkeypatch.setattr("bot.doctor.PARTS", (breaks, *PARTS[:1]))
    from bot.doctor import examine

    broken, *others = examine(load_settings())
    assert "ZeroDivisionError" in broken.seen.en
    assert others


def test_every_text_of_the_doctor_is_there_and_used() -> None:
    code = "\n".join(module.read_text("utf-8") for module in DOCTOR.glob("*.py"))
    named: set[str] = set()
    for kind, rest in re.findall(r"\b(good|bad|warn)\(\s*(.*?)\)\n", code, flags=re.DOTALL):
        strings = re.findall(r'"([a-z_]+)"', rest)
        for key in (each for each in strings if f"doctor.{each}" in catalogue()):
            named |= {f"doctor.{key}"} | ({f"doctor.{key}.do"} if kind != "good" else set())
    named |= set(re.findall(r'"(doctor\.[a-z_.]+)"', code))
    named |= {f"doctor.why.{each}" for each in re.findall(r'"([a-z_]+)"', code)}
    named |= {f"doctor.files_refused_{each}.do" for each in ("sftp", "ftps", "ftp")}
    named |= {"doctor.database_ready", "doctor.database_empty", "doctor.mail_tls", "doctor.mail_plain"}
    ours = {key for key in catalogue() if key.startswith("doctor.")}
    assert ours - named == set()
