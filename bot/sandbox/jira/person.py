"""A person of the Data Base team at work: over HTTP with a token of their own, from any process."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import requests

TIMEOUT_SECONDS = 20


class JiraPerson:
    """Does what a person does on a ticket. Methods raise requests.HTTPError where Jira refuses.

    With ``email`` the Jira is one on Cloud, where the token counts only together with it.
    """

    def __init__(self, url: str, token: str, email: str | None = None) -> None:
        self._rest = f"{url.rstrip('/')}/rest/api/2"
        self._session = requests.Session()
        self._is_cloud = email is not None
        if email is not None:
            self._session.auth = (email, token)
        else:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> Self:
        """Nothing is opened before the first request."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def name(self) -> str:
        """Return the user that the token belongs to: the name, or on Cloud the account id."""
        return str(self._send("GET", "myself")[self._named])

    def issue(self, key: str) -> dict[str, Any]:
        """See an issue, in REST v2's shape."""
        found: dict[str, Any] = self._send("GET", f"issue/{quote(key, safe='')}")
        return found

    def find(self, jql: str) -> list[str]:
        """Return the keys that a query finds, in its order; on Cloud those that the index knows by now."""
        if self._is_cloud:
            return self._find_on_cloud(jql)
        found = self._send("POST", "search", {"jql": jql, "fields": ["summary"], "maxResults": 1000})
        return [str(issue["key"]) for issue in found["issues"]]

    def take(self, key: str) -> None:
        """Assign an issue to oneself."""
        self._send("PUT", f"issue/{quote(key, safe='')}/assignee", {self._named: self.name()})

    def comment(self, key: str, text: str) -> str:
        """Comment; return the comment's id."""
        return str(self._send("POST", f"issue/{quote(key, safe='')}/comment", {"body": text})["id"])

    def transition(self, key: str, name: str, resolution: str | None = None) -> str:
        """Move an issue by a transition's name, with a resolution where the workflow asks for one.

        Returns the name of the new status. Raises LookupError when the transition is not offered.
        """
        path = f"issue/{quote(key, safe='')}/transitions"
        offered = self._send("GET", path)["transitions"]
        for each in offered:
            if each["name"].casefold() == name.casefold():
                fields = {"resolution": {"name": resolution}} if resolution is not None else {}
                self._send("POST", path, {"transition": {"id": each["id"]}, "fields": fields})
                return str(each["to"]["name"])
        names = ", ".join(each["name"] for each in offered) or "none"
        raise LookupError(f"{key} offers no transition {name!r}; offered: {names}")

    @property
    def _named(self) -> str:
        return "accountId" if self._is_cloud else "name"

    def _find_on_cloud(self, jql: str) -> list[str]:
        keys: list[str] = []
        more: dict[str, str] = {}
        while True:
            found = self._send("POST", "search/jql", {"jql": jql, "fields": ["key"], "maxResults": 1000, **more})
            keys += [str(issue["key"]) for issue in found["issues"]]
            if found["isLast"]:
                return keys
            more = {"nextPageToken": found["nextPageToken"]}

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        response = self._session.request(method, f"{self._rest}/{path}", json=body, timeout=TIMEOUT_SECONDS)
        response.raise_for_status()
        return response.json() if response.content else None
