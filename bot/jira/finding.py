"""How what the bot has written is found again: an issue by its label, a comment by its marker.

On Data Center a search shows an issue as soon as it is there. Cloud's index is late by seconds to minutes, and its
``reconcileIssues`` helps only those who know an issue's id, which is what a lost answer did not tell. An issue read by
its key is never late, though, and keys are numbered in order: so on Cloud the keys that follow the newest issue in the
index are read one by one. What that finds is found at once; that it finds nothing proves nothing, as the request may
still be under way.
"""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from jira import JIRA, Issue, JIRAError

# Keys may be missing (deleted, moved, a create that was refused); as many in a row mean that there are no more.
MOST_MISSING = 10
# A project in which more issues than this were made while the index slept is left to the index.
MOST_READ = 200
COMMENTS_PAGE = 100
# The last line of every comment that the bot writes.
MARKER = re.compile(r"ONB-\d+:\S+")
# The label of every issue that the bot writes.
OURS = "onboarding-bot"


def label_of(marker: str) -> str:
    """Return the label that marks an issue as ours: the ledger's key without what a label cannot hold."""
    return re.sub(r"[^a-z0-9.-]+", "-", marker.lower())[:255]


def find_by_label(client: JIRA, project: str, marker: str) -> str | None:
    """Return the key of the oldest issue that carries the marker's label; None when there is none to be seen."""
    label = label_of(marker)
    key = _first(client, f'project = "{project}" AND labels = "{label}" ORDER BY created ASC')
    if key is not None or not is_cloud(client):
        return key
    newest = _first(client, f'project = "{project}" ORDER BY key DESC')
    return _find_beyond(client, project, label, int(newest.rpartition("-")[2]) if newest else 0)


def find_comment(client: JIRA, key: str, marker: str) -> str | None:
    """Return the id of an issue's comment whose last line is the marker; None when there is none."""
    start = 0
    while True:
        # What was written last is looked for most often; Cloud gives a page at a time.
        page = client.comments(key, start_at=start, max_results=COMMENTS_PAGE, order_by="-created")
        for comment in page:
            if _ends_with(str(comment.body), marker):
                return str(comment.id)
        if len(page) < COMMENTS_PAGE:
            return None
        start += len(page)


def last_comment(client: JIRA, key: str, held: Any) -> str:
    """Return the text of an issue's last comment that a person wrote, empty when there is none.

    ``held`` is its field ``comment``, which may hold a part of them, or be None.
    """
    comments = list(getattr(held, "comments", None) or ())[::-1]
    if held is None or len(comments) < int(getattr(held, "total", 0)):
        comments = client.comments(key, max_results=COMMENTS_PAGE, order_by="-created")
    return next((str(comment.body) for comment in comments if not is_marked(str(comment.body))), "")


def is_marked(body: str) -> bool:
    """Tell whether a comment ends as those do that the bot writes."""
    lines = body.replace("\\", "").rstrip().splitlines()
    return bool(lines and MARKER.fullmatch(lines[-1].strip()))


def changed(client: JIRA, project: str, within: timedelta) -> Mapping[str, str]:
    """Return the key of each of our issues that changed within the time until now, and Jira's word for when."""
    return {str(issue.key): str(issue.fields.updated) for issue in _changed(client, project, within, "updated")}


def changed_parents(client: JIRA, project: str, within: timedelta) -> Mapping[str, str]:
    """Return the key of each issue of which a sub-task of ours changed within the time until now, and when last."""
    latest: dict[str, str] = {}
    for issue in _changed(client, project, within, "updated,parent"):
        parent = getattr(issue.fields, "parent", None)
        if parent is not None:
            latest[str(parent.key)] = max(latest.get(str(parent.key), ""), str(issue.fields.updated))
    return latest


def _changed(client: JIRA, project: str, within: timedelta, fields: str) -> Iterable[Any]:
    """Search for our issues that changed.

    The time is told as a period, in minutes: Jira reads it by its own clock, and a date in the account's time zone.
    """
    query = f'project = "{project}" AND labels = "{OURS}"'
    query += f' AND updated >= "-{math.ceil(within.total_seconds() / 60) + 1}m" ORDER BY key ASC'
    if is_cloud(client):
        return list(client.enhanced_search_issues(query, maxResults=0, fields=fields))
    return list(client.search_issues(query, maxResults=False, fields=fields))


def newest_open(client: JIRA, project: str, issue_type: str) -> str | None:
    """Return the key of the newest issue of a type that is not done; None when there is none to be seen."""
    return _first(
        client,
        f'project = "{project}" AND issuetype = "{issue_type}" AND statusCategory != Done ORDER BY created DESC',
    )


def is_cloud(client: JIRA) -> bool:
    """Whether the server said of itself that it is Jira Cloud."""
    return client.deploymentType == "Cloud"


def _first(client: JIRA, query: str) -> str | None:
    if is_cloud(client):
        found = client.enhanced_search_issues(query, maxResults=1, fields="summary")
    else:
        found = client.search_issues(query, maxResults=1, fields="summary")
    return str(found[0].key) if found else None


def _find_beyond(client: JIRA, project: str, label: str, newest: int) -> str | None:
    missing = 0
    for number in range(newest + 1, newest + 1 + MOST_READ):
        issue = _read(client, f"{project}-{number}")
        if issue is None:
            missing += 1
            if missing == MOST_MISSING:
                break
        elif label in (getattr(issue.fields, "labels", None) or ()):
            return str(issue.key)
        else:
            missing = 0
    return None


def _read(client: JIRA, key: str) -> Issue | None:
    try:
        return client.issue(key, fields="labels")
    except JIRAError as error:
        # 403 is an issue that the bot may not see: none of its own.
        if error.status_code in {403, 404}:
            return None
        raise


def _ends_with(body: str, marker: str) -> bool:
    """Cloud keeps a comment as a document and gives it back with its own whitespace and escapes."""
    return body.replace("\\", "").rstrip().endswith(marker)
