"""Cloud's search: by JQL with page tokens, over an index that is late; the old search is gone."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from bot.sandbox.jira.calls import Call, Endpoint, answer, split_listed
from bot.sandbox.jira.documents import with_documents
from bot.sandbox.jira.entities import Issue, JsonObject
from bot.sandbox.jira.issue_endpoints import chosen_fields
from bot.sandbox.jira.jql_parser import JqlError, parse
from bot.sandbox.jira.jql_search import search
from bot.sandbox.jira.refusals import Refusal
from bot.sandbox.jira.shapes import Shapes
from bot.sandbox.jira.store import JiraStore

DEFAULT_PAGE = 50
# A page is this long where ids and keys alone are asked for, and shorter where fields are.
LARGEST_PAGE = 5000
LARGEST_PAGE_WITH_FIELDS = 100
MOST_RECONCILED = 50
MOST_PROPERTIES = 5
KNOWN_KEYS = frozenset(
    {
        "jql",
        "nextPageToken",
        "maxResults",
        "fields",
        "expand",
        "properties",
        "fieldsByKeys",
        "failFast",
        "reconcileIssues",
    }
)
BAD_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."


@dataclass(frozen=True)
class _Request:
    jql: str
    most: int
    fields: list[str]
    expand: list[str]
    reconciled: list[str]
    token: str | None
    with_documents: bool

    @property
    def mark(self) -> str:
        """What all pages of one search have in common; a token is good for these alone."""
        return hashlib.sha256("\n".join([self.jql, *self.reconciled]).encode()).hexdigest()[:16]


class CloudSearch:
    """Answers ``/search/jql`` and ``/search/approximate-count`` below v2 and v3, and 410 where the search once was.

    The other resources are played below v2 alone, which is what the client uses.
    """

    def __init__(self, store: JiraStore, shapes: Shapes) -> None:
        self._store = store
        self._shapes = shapes

    def endpoints(self) -> list[Endpoint]:
        """The table of endpoints."""
        endpoints: list[Endpoint] = []
        for version in ("2", "3"):
            base = f"/rest/api/{version}/search"
            endpoints += [
                Endpoint("GET", base, self.gone, is_open=True),
                Endpoint("POST", base, self.gone, is_open=True),
                Endpoint("GET", f"{base}/jql", self.by_get if version == "2" else self.by_get_of_v3),
                Endpoint("POST", f"{base}/jql", self.by_post if version == "2" else self.by_post_of_v3),
                Endpoint("POST", f"{base}/approximate-count", self.count),
            ]
        return endpoints

    def gone(self, call: Call) -> Response:
        """The search of old, which Cloud has removed."""
        del call
        raise Refusal(410, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.")

    def by_get(self, call: Call) -> Response:
        """Search by query arguments; those that Cloud does not know are ignored, ``startAt`` too."""
        return self._answer(call, self._read_query(call, with_documents=False))

    def by_get_of_v3(self, call: Call) -> Response:
        """Search by query arguments; long texts come as documents."""
        return self._answer(call, self._read_query(call, with_documents=True))

    def by_post(self, call: Call) -> Response:
        """Search by a JSON body; keys that Cloud does not know are refused, ``startAt`` too."""
        return self._answer(call, self._read_body(call, with_documents=False))

    def by_post_of_v3(self, call: Call) -> Response:
        """Search by a JSON body; long texts come as documents."""
        return self._answer(call, self._read_body(call, with_documents=True))

    def count(self, call: Call) -> Response:
        """How many issues a query finds, as far as the index knows."""
        body = call.json_object()
        jql = body.get("jql")
        if body.keys() != {"jql"} or not isinstance(jql, str):
            raise Refusal(400, BAD_PAYLOAD)
        return answer({"count": len(self._found(call, jql, []))})

    def _read_query(self, call: Call, *, with_documents: bool) -> _Request:
        return _Request(
            jql=call.argument("jql") or "",
            most=call.number("maxResults", DEFAULT_PAGE),
            fields=call.listed("fields"),
            expand=call.listed("expand"),
            reconciled=_ids(call.listed("reconcileIssues")),
            token=call.argument("nextPageToken"),
            with_documents=with_documents,
        )

    def _read_body(self, call: Call, *, with_documents: bool) -> _Request:
        body = call.json_object()
        jql, most, token, expand = (body.get(each) for each in ("jql", "maxResults", "nextPageToken", "expand"))
        texts = (jql, token, expand)
        if body.keys() - KNOWN_KEYS or not all(each is None or isinstance(each, str) for each in texts):
            raise Refusal(400, BAD_PAYLOAD)
        most = DEFAULT_PAGE if most is None else most
        if isinstance(most, bool) or not isinstance(most, int):
            raise Refusal(400, BAD_PAYLOAD)
        if len(_listed(body, "properties", str)) > MOST_PROPERTIES:
            raise Refusal(400, f"At most {MOST_PROPERTIES} properties may be asked for.")
        return _Request(
            jql=jql or "",
            most=most,
            fields=split_listed(_listed(body, "fields", str)),
            expand=split_listed([expand or ""]),
            reconciled=_ids(_listed(body, "reconcileIssues", int)),
            token=token,
            with_documents=with_documents,
        )

    def _answer(self, call: Call, request: _Request) -> Response:
        found = self._found(call, request.jql, request.reconciled)
        is_short = not request.fields or set(request.fields) <= {"id", "key"}
        if request.most < 1:
            raise Refusal(400, "The value for 'maxResults' must be between 1 and 5000.")
        most = min(request.most, LARGEST_PAGE if is_short else LARGEST_PAGE_WITH_FIELDS)
        start = _start(request)
        page: JsonObject = {
            "issues": [self._issue(call, request, each) for each in found[start : start + most]],
            "isLast": start + most >= len(found),
        }
        if not page["isLast"]:
            page["nextPageToken"] = base64.urlsafe_b64encode(f"{start + most}:{request.mark}".encode()).decode()
        return answer(page)

    def _found(self, call: Call, jql: str, reconciled: list[str]) -> list[Issue]:
        try:
            if parse(jql).where is None:
                words = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
                raise Refusal(400, words)
            return search(jql, self._store, call.user, self._store.now(), reconciled)
        except JqlError as bad:
            raise Refusal(400, str(bad)) from bad

    def _issue(self, call: Call, request: _Request, issue: Issue) -> JsonObject:
        """Without ``fields`` an issue is its id; ``key`` alone adds no fields."""
        if not request.fields or request.fields == ["id"]:
            return {"id": issue.id}
        fields = chosen_fields(self._store.site, request.fields, default="*navigable")
        shape = self._shapes.issue(issue, call.user, fields, request.expand)
        if request.with_documents:
            texts = {each.id for each in self._store.site.fields if each.kind == "textarea"}
            shape["fields"] = with_documents(shape["fields"], texts)
        return shape


def _ids(given: list[str]) -> list[str]:
    ids = [str(each) for each in given]
    if len(ids) > MOST_RECONCILED or not all(each.isdecimal() for each in ids):
        raise Refusal(400, f"reconcileIssues takes the ids of at most {MOST_RECONCILED} issues.")
    return ids


def _listed(body: Mapping[str, object], name: str, kind: type) -> list[str]:
    given = body.get(name) or []
    if not isinstance(given, list) or not all(isinstance(each, kind) and not isinstance(each, bool) for each in given):
        raise Refusal(400, BAD_PAYLOAD)
    return [str(each) for each in given]


def _start(request: _Request) -> int:
    if request.token is None:
        return 0
    try:
        start, _, mark = base64.urlsafe_b64decode(request.token).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        start, mark = "", ""
    if mark != request.mark or not start.isdecimal():
        raise Refusal(400, "The nextPageToken is invalid, has expired, or belongs to another search.")
    return int(start)
