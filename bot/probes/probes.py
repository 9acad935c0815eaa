"""The probes: a path on the file server, an SQL query, an HTTP answer."""

from collections.abc import Mapping

import requests
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from bot.onboarding.errors import Unavailable
from bot.onboarding.transfer import PathMissing, Transfer
from bot.probes.settings import ProbeSettings
from bot.steps.watch import Probe

LONGEST_ANSWER = 4_000


class PathProbe:
    """A file on the partners' server: its name and size; nothing while it is not there."""

    def __init__(self, settings: ProbeSettings, transfer: Transfer) -> None:
        self._path = settings.path or ""
        self._transfer = transfer

    def look(self, names: Mapping[str, str]) -> str:
        """Return the file's name and size, or nothing."""
        path = self._path.format_map(names)
        with self._transfer.session() as session:
            try:
                entry = session.entry(path)
            except PathMissing:
                entry = None
        return "" if entry is None else f"{entry.name} {entry.size}"


class SqlProbe:
    """The rows of one SELECT, cells with tabs between them."""

    def __init__(self, settings: ProbeSettings) -> None:
        assert settings.url is not None
        self._url = settings.url
        self._query = settings.query or ""

    def look(self, names: Mapping[str, str]) -> str:
        """Run the query with the onboarding's names as its parameters."""
        engine = create_engine(self._url.get_secret_value())
        try:
            with engine.connect() as connection:
                wanted = {name: value for name, value in names.items() if f":{name}" in self._query}
                rows = connection.execute(text(self._query), wanted).fetchmany(50)
        except SQLAlchemyError as failed:
            raise Unavailable("SQL", f"the probe's query failed ({type(failed).__name__})") from failed
        finally:
            engine.dispose()
        return "\n".join("\t".join(str(cell) for cell in row) for row in rows)[:LONGEST_ANSWER]


class HttpProbe:
    """The body of a page."""

    def __init__(self, settings: ProbeSettings) -> None:
        assert settings.url is not None
        self._url = settings.url

    def look(self, names: Mapping[str, str]) -> str:
        """GET the page; a 404 is an empty answer: not there yet."""
        try:
            answer = requests.get(self._url.get_secret_value().format_map(names), timeout=20)
        except requests.RequestException as lost:
            raise Unavailable("HTTP", f"the probe got no answer ({type(lost).__name__})") from lost
        if answer.status_code == 404:
            return ""
        if not answer.ok:
            raise Unavailable("HTTP", f"the probe's page answers {answer.status_code}")
        return answer.text[:LONGEST_ANSWER]


def build_probe(settings: ProbeSettings, transfer: Transfer) -> Probe:
    """Return the probe of the kind that the settings name."""
    match settings.kind:
        case "path":
            return PathProbe(settings, transfer)
        case "sql":
            return SqlProbe(settings)
        case "http":
            return HttpProbe(settings)
