"""Slack: the bot's token and its scopes, the socket's token, and the channel."""

from collections.abc import Iterator

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from bot.doctor.finding import Finding, bad, good, said, warn
from bot.locales import say
from bot.settings import Settings
from bot.slack.connection import REMEDIES
from bot.slack.manifest import app_manifest
from bot.slack.settings import SlackSettings
from checklists.model import Localized

PATIENCE = 10


def slack(settings: Settings) -> Iterator[Finding]:
    """Look at SLACK__…"""
    if settings.slack.bot_token is None:
        yield warn("slack", "slack_unset", "slack")
        return
    token = settings.slack.bot_token.get_secret_value()
    client = WebClient(token=token, base_url=settings.slack.api_url, timeout=PATIENCE)
    try:
        who = client.auth_test()
    except SlackApiError as refused:
        yield _refused("slack", refused)
        return
    except (SlackClientError, OSError) as lost:
        what = type(lost).__name__
        yield bad("slack", "slack_away", "slack", what=what, url=settings.slack.api_url)
        return
    yield good("slack", "slack", "slack", user=who.get("user"), team=who.get("team"))
    yield _scopes(settings.slack, who)
    try:
        if settings.slack.mode == "socket" and settings.slack.app_token is not None:
            yield _socket(client, settings.slack.app_token.get_secret_value())
        yield from _channel(client, settings.slack.channel)
    except (SlackClientError, OSError) as lost:
        yield bad("slack", "slack_away", "slack", what=type(lost).__name__, url=settings.slack.api_url)


def _scopes(settings: SlackSettings, who: SlackResponse) -> Finding:
    headers = {name.lower(): value for name, value in who.headers.items()}
    header = headers.get("x-oauth-scopes")
    if header is None:
        return warn("slack scopes", "scopes_unknown", "scopes")
    granted = {scope.strip() for scope in str(header).split(",") if scope.strip()}
    wanted = set(app_manifest(settings.command, None)["oauth_config"]["scopes"]["bot"])
    if wanted - granted:
        return bad("slack scopes", "scopes_missing", "scopes", missing=", ".join(sorted(wanted - granted)))
    more = ", ".join(sorted(granted - wanted))
    if more:
        return good("slack scopes", "scopes_more", "scopes", count=len(wanted), more=more)
    return good("slack scopes", "scopes", "scopes", count=len(wanted))


def _socket(client: WebClient, app_token: str) -> Finding:
    try:
        client.apps_connections_open(app_token=app_token)
    except SlackApiError as refused:
        return bad("slack socket", "socket_refused", "socket", error=refused.response.get("error"))
    return good("slack socket", "socket", "socket")


def _channel(client: WebClient, channel: str) -> Iterator[Finding]:
    try:
        found = client.conversations_info(channel=channel)["channel"]
    except SlackApiError as refused:
        if refused.response.get("error") != "missing_scope":
            yield _refused("slack channel", refused)
            return
        # Least scopes do not show a channel; reading in it shows whether the bot is a member.
        try:
            client.conversations_history(channel=channel, limit=1)
        except SlackApiError as outside:
            yield _refused("slack channel", outside)
        else:
            yield good("slack channel", "channel_read", "channel", channel=channel)
        return
    name = f"#{found.get('name')} ({channel})"
    if found.get("is_archived"):
        yield bad("slack channel", "channel_archived", "channel", channel=name)
    elif not found.get("is_member"):
        yield bad("slack channel", "channel_stranger", "channel", channel=name)
    else:
        yield good("slack channel", "channel", "channel", channel=name)


def _refused(part: str, refused: SlackApiError) -> Finding:
    error = str(refused.response.get("error"))
    remedy = REMEDIES.get(error)
    advice = Localized.same(remedy) if remedy else say("doctor.slack_refused.do")
    return said(part, error, advice, "slack" if part == "slack" else "channel")
