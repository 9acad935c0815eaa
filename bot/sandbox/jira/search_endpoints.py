"""The search of Data Center, by GET and by POST; Cloud's is another (``cloud_search``)."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from bot.sandbox.jira.calls import Call, Endpoint, answer, split_listed
from bot.sandbox.jira.issue_endpoints import chosen_fields
from bot.sandbox.jira.jql_parser import JqlError
from bot.sandbox.jira.jql_search import search
from bot.sandbox.jira.refusals import Refusal
from bot.sandbox.jira.shapes import Shapes
from bot.sandbox.jira.store import JiraStore

SEARCH = "/rest/api/2/search"
DEFAULT_PAGE = 50
LARGEST_PAGE = 1000
KNOWN_KEYS = frozenset({"jql", "startAt", "maxResults", "fields", "expand", "validateQuery"})


@dataclass(frozen=True)
class _Request:
    jql: str
    start: int
    most: int
    fields: list[str]
    expand: list[str]
    is_strict: bool


class SearchEndpoints:
    """Answers searches. The index is never behind: Data Center's is written with the issue."""

    def __init__(self, store: JiraStore, shapes: Shapes) -> None:
        self._store = store
        self._shapes = shapes

    def endpoints(self) -> list[Endpoint]:
        """The table of endpoints."""
        return [Endpoint("GET", SEARCH, self.by_get), Endpoint("POST", SEARCH, self.by_post)]

    def by_get(self, call: Call) -> Response:
        """Search by query arguments."""
        request = _Request(
            jql=call.argument("jql") or "",
            start=call.number("startAt", 0),
            most=call.number("maxResults", DEFAULT_PAGE),
            fields=call.listed("fields"),
            expand=call.listed("expand"),
            is_strict=(call.argument("validateQuery") or "true").lower() != "false",
        )
        return self._answer(call, request)

    def by_post(self, call: Call) -> Response:
        """Search by a JSON body; keys that Jira does not know are refused."""
        body = call.json_object()
        unknown = body.keys() - KNOWN_KEYS
        if unknown:
            raise Refusal(
                400, f'Unrecognized field "{min(unknown)}" (Class SearchRequestBean), not marked as ignorable'
            )
        jql, strict = body.get("jql") or "", body.get("validateQuery", True)
        if not isinstance(jql, str):
            raise Refusal(400, "Can not deserialize instance of java.lang.String: jql is a text")
        request = _Request(
            jql=jql,
            start=_number(body, "startAt", 0),
            most=_number(body, "maxResults", DEFAULT_PAGE),
            fields=_texts(body, "fields"),
            expand=_texts(body, "expand"),
            is_strict=strict not in {False, "false"},
        )
        return self._answer(call, request)

    def _answer(self, call: Call, request: _Request) -> Response:
        if request.start < 0:
            raise Refusal(400, "The value for 'startAt' must not be negative.")
        warnings: list[str] = []
        try:
            found = search(request.jql, self._store, call.user, self._store.now())
        except JqlError as bad:
            # Without validation a value that does not exist finds nothing; a syntax error stays one.
            if request.is_strict or "does not exist" not in str(bad):
                raise Refusal(400, str(bad)) from bad
            found, warnings = [], [str(bad)]
        most = min(max(request.most, 0), LARGEST_PAGE)
        fields = chosen_fields(self._store.site, request.fields, default="*navigable")
        shown = found[request.start : request.start + most]
        page = {
            "expand": "schema,names",
            "startAt": request.start,
            "maxResults": most,
            "total": len(found),
            "issues": [self._shapes.issue(each, call.user, fields, request.expand) for each in shown],
        }
        return answer(page | ({"warningMessages": warnings} if warnings else {}))


def _number(body: Mapping[str, object], name: str, default: int) -> int:
    given = body.get(name, default)
    if isinstance(given, bool) or not isinstance(given, int):
        raise Refusal(400, f"Can not deserialize instance of int: {name} is a number")
    return given


def _texts(body: Mapping[str, object], name: str) -> list[str]:
    given = body.get(name) or []
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        # The client sends a text for expand when it is one.
        if isinstance(given, str) and name == "expand":
            return split_listed([given])
        raise Refusal(400, f"Can not deserialize instance of java.util.ArrayList: {name} is an array of texts")
    return split_listed(given)
