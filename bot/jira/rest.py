"""The few requests that the client cannot make, through its own session.

Its calls for create metadata know Data Center alone; the one for watchers looks people up in a way that finds nobody
by an account id; the one for remote links asks for an administrator's list first. The session and the way to an
address have no public name in the client: they are reached for here and nowhere else.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jira import JIRA

# Cloud gives no larger page of metadata.
PAGE = 200


def get(client: JIRA, path: str, **arguments: str | int) -> Any:
    """Read ``/rest/api/2/<path>``. Raises JIRAError."""
    return client._session.get(client._get_url(path), params=arguments).json()


def post(client: JIRA, path: str, body: object) -> Any:
    """Write to ``/rest/api/2/<path>``; return what is answered, None for nothing. Raises JIRAError."""
    answer = client._session.post(client._get_url(path), data=json.dumps(body))
    return answer.json() if answer.content else None


def put(client: JIRA, path: str, body: object) -> None:
    """Replace at ``/rest/api/2/<path>``. Raises JIRAError."""
    client._session.put(client._get_url(path), data=json.dumps(body))


def pages(client: JIRA, path: str, *keys: str) -> Iterator[Mapping[str, Any]]:
    """Read a paged list to its end; its values stand under the first of ``keys`` that is there. Raises JIRAError."""
    start = 0
    while True:
        page = get(client, path, startAt=start, maxResults=PAGE)
        values: list[Mapping[str, Any]] = next((page[key] for key in keys if key in page), [])
        yield from values
        start += len(values)
        if not values or page.get("isLast") or start >= int(page.get("total", start)):
            return
