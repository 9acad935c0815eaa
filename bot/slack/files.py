"""Files that people shared in Slack, fetched with the bot's token: from Slack's own hosts alone, streamed to disk."""

import hashlib
from collections.abc import Iterator
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from bot.locales import say
from bot.onboarding.errors import Unavailable
from bot.onboarding.given import Fetched, GivenFile, NotTaken
from bot.onboarding.outcomes import number
from bot.slack.connection import SlackConnection, SlackRefused

CHUNK = 1024 * 1024
# Slack's words for a file that nobody can read any more.
GONE = frozenset({"file_not_found", "file_deleted", "file_comment_not_found"})
TOMBSTONES = frozenset({"tombstone", "hidden_by_limit"})
SLACK = "slack.com"


class SlackFiles:
    """Implements the core's ``GivenFiles``."""

    def __init__(self, connection: SlackConnection) -> None:
        self._connection = connection

    def fetch(self, file: GivenFile, into: Path, *, most: int) -> Fetched:
        """Bring a file to ``into``, named by its id in Slack. Raises NotTaken, Unavailable."""
        known = self._known(file)
        size = int(known.get("size") or 0)
        if known.get("mode") in TOMBSTONES:
            raise NotTaken(say("given.gone", name=file.name))
        if known.get("is_external"):
            raise NotTaken(say("given.external", name=file.name))
        if size > most:
            raise NotTaken(_too_big(file.name, size, most))
        address = str(known.get("url_private_download") or known.get("url_private") or "")
        if not self._is_slacks(address):
            # The token goes along: it must never reach anybody else.
            raise NotTaken(say("given.elsewhere", name=file.name, host=urlsplit(address).hostname or "—"))
        into.mkdir(parents=True, exist_ok=True)
        part, whole = into / f"{file.id}.part", into / file.id
        sha256, got = self._download(file.name, address, part, most)
        if got != size:
            raise Unavailable("Slack", f"sent {got} of {size} bytes")
        part.replace(whole)
        return Fetched(whole, got, sha256)

    def _known(self, file: GivenFile) -> dict[str, Any]:
        try:
            with self._connection.client() as client:
                known: dict[str, Any] = client.files_info(file=file.id).get("file") or {}
                return known
        except SlackRefused as refused:
            if refused.error in GONE:
                raise NotTaken(say("given.gone", name=file.name)) from refused
            raise

    def _is_slacks(self, address: str) -> bool:
        """Tell whether an address is Slack's: below slack.com, or the very server that the settings name."""
        given, api = urlsplit(address), urlsplit(self._connection.settings.api_url)
        if api.hostname == SLACK:
            host = given.hostname or ""
            return given.scheme == "https" and (host == SLACK or host.endswith(f".{SLACK}"))
        return (given.scheme, given.hostname, given.port) == (api.scheme, api.hostname, api.port)

    def _download(self, name: str, address: str, part: Path, most: int) -> tuple[str, int]:
        token = self._connection.settings.bot_token
        assert token is not None
        request = Request(address, headers={"Authorization": f"Bearer {token.get_secret_value()}"})  # noqa: S310 - Slack's own host
        digest, got = hashlib.sha256(), 0
        try:
            with (
                build_opener(_StayHere).open(request, timeout=self._connection.settings.timeout_seconds) as answer,
                part.open("wb") as kept,
            ):
                if answer.headers.get_content_type() == "text/html" and not name.lower().endswith((".htm", ".html")):
                    # What Slack shows to whom may not read the file: its page to sign in, with status 200.
                    raise SlackRefused("missing_scope", "install the app again with the scope files:read")
                for chunk in _chunks(answer):
                    got += len(chunk)
                    if got > most:
                        raise NotTaken(_too_big(name, got, most))
                    digest.update(chunk)
                    kept.write(chunk)
        except HTTPError as refused:
            with refused:
                raise Unavailable("Slack", f"answered {refused.code} for the file") from refused
        except (OSError, HTTPException) as lost:
            raise Unavailable("Slack", f"the file did not come ({type(lost).__name__})") from lost
        return digest.hexdigest(), got


class _StayHere(HTTPRedirectHandler):
    """Follows no redirect: the token would go along."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Return nothing: the redirect is an error then."""
        del req, fp, code, msg, headers, newurl


def _chunks(answer: HTTPResponse) -> Iterator[bytes]:
    while chunk := answer.read(CHUNK):
        yield chunk


def _too_big(name: str, size: int, most: int) -> Any:
    return say("given.big", name=name, size=number(size // 1024**2), most=number(most // 1024**2))
