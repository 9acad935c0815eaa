"""JQL's meaning: a parsed query to the issues that match it, in its order. What the site lacks is refused."""

import re
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from bot.sandbox.jira.entities import Account, Field, Issue, Named
from bot.sandbox.jira.jql_dates import read_date
from bot.sandbox.jira.jql_parser import Both, Call, Clause, Empty, JqlError, Node, Not, Operand, Operator, Text, parse
from bot.sandbox.jira.store import JiraStore

Predicate = Callable[[Issue], bool]
Values = Callable[[Issue], Iterable[str]]

OPPOSITE: dict[Operator, Operator] = {
    "=": "!=",
    "!=": "=",
    "~": "!~",
    "!~": "~",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "in": "not in",
    "not in": "in",
    "is": "is not",
    "is not": "is",
}
DESCENDING = frozenset({"created", "createddate", "updated", "updateddate", "resolved", "resolutiondate", "priority"})
KEY_NAMES = frozenset({"key", "id", "issue", "issuekey"})
WORD = re.compile(r"[^\W_]+", re.UNICODE)


def search(jql: str, store: JiraStore, user: Account, now: datetime, reconciled: Collection[str] = ()) -> list[Issue]:
    """Return the issues that the user may see and the query asks for, newest key first by default.

    They are as the index knows them; those whose ids are ``reconciled`` are as they are. Raises JqlError.
    """
    query = parse(jql)
    meaning = _Meaning(store, user, now)
    matches = meaning.predicate(query.where, negated=False) if query.where is not None else _everything
    found = [each for each in store.indexed(user, reconciled) if matches(each)]
    found.sort(key=lambda issue: (issue.project.key, issue.number), reverse=not query.order)
    for field, descends in reversed(query.order):
        # Without a direction dates and priorities descend, everything else ascends.
        found.sort(key=meaning.sort_key(field), reverse=field.lower() in DESCENDING if descends is None else descends)
    return found


class _Meaning:
    def __init__(self, store: JiraStore, user: Account, now: datetime) -> None:
        self._store = store
        self._site = store.site
        self._user = user
        self._now = now

    def predicate(self, node: Node, *, negated: bool) -> Predicate:
        """A NOT is moved inwards to the operators, as Jira does: ``NOT labels = x`` is ``labels != x``."""
        match node:
            case Not(inner):
                return self.predicate(inner, negated=not negated)
            case Both(nodes, is_any):
                parts = [self.predicate(each, negated=negated) for each in nodes]
                return _any_of(parts) if is_any != negated else _all_of(parts)
            case Clause(field, operator, operands):
                return self._clause(field, OPPOSITE[operator] if negated else operator, operands)

    def sort_key(self, name: str) -> Callable[[Issue], Any]:
        """Return what a field sorts by; ascending, issues without a value come last."""
        lower = name.lower()
        if lower in KEY_NAMES:
            return lambda issue: (issue.project.key, issue.number)
        field = self._field(name, refusal=f"Not able to sort using field '{name}'.")
        if field.id in {"comment", "attachment", "issuelinks", "watches"}:
            raise JqlError(f"Not able to sort using field '{name}'.")
        return lambda issue: self._sortable(issue, field)

    def _sortable(self, issue: Issue, field: Field) -> tuple[bool, Any]:
        if field.id in {"created", "updated", "resolutiondate"}:
            at = _date_of(issue, field)
            return at is None, at or self._now
        if field.id == "priority":
            # The highest has the first id.
            return False, -int(issue.values["priority"].id)
        if field.kind == "number":
            number = issue.values.get(field.id)
            return number is None, number or 0.0
        texts = sorted(self._texts(issue, field))
        return not texts, " ".join(texts).casefold()

    def _clause(self, name: str, operator: Operator, operands: tuple[Operand, ...]) -> Predicate:
        lower = name.lower()
        if lower in KEY_NAMES:
            return self._chosen(name, operator, operands, lambda issue: [issue.key], self._known_key)
        if lower == "text":
            return self._text(name, operator, operands, self._all_texts)
        if lower == "statuscategory":
            return self._chosen(name, operator, operands, _category_of, self._known_category)
        if lower == "watcher":
            return self._chosen(name, operator, operands, lambda issue: issue.watchers, self._known_user)
        field = self._field(name, refusal=f"Field '{name}' does not exist or you do not have permission to view it.")
        return self._on_field(name, field, operator, operands)

    def _on_field(self, name: str, field: Field, operator: Operator, operands: tuple[Operand, ...]) -> Predicate:
        def texts(issue: Issue) -> list[str]:
            return self._texts(issue, field)

        if field.id == "resolution":
            # No resolution has this name: it is how JQL writes that there is none.
            operands = tuple(Empty() if _is_unresolved(each) else each for each in operands)
        match field.id, field.kind:
            case ("created" | "updated" | "resolutiondate", _) | (_, "date"):
                return self._date(name, field, operator, operands)
            case ("summary" | "comment", _) | (_, "text" | "textarea"):
                return self._text(name, operator, operands, texts)
            case _, "number":
                return self._number(name, field, operator, operands)
            case "attachment", _:
                if operator not in {"is", "is not"}:
                    raise _unsupported(operator, name)
                return self._chosen(name, operator, operands, texts, self._known_label)
            case ("assignee" | "reporter" | "creator", _):
                return self._chosen(name, operator, operands, texts, self._known_user)
            case _, "labels" | "components":
                return self._chosen(name, operator, operands, texts, self._known_label)
            case ("issuelinks" | "watches", _):
                raise JqlError(f"Field '{name}' cannot be searched this way.")
            case _:
                return self._chosen(name, operator, operands, texts, lambda text: self._known_named(name, field, text))

    def _chosen(
        self,
        name: str,
        operator: Operator,
        operands: tuple[Operand, ...],
        values: Values,
        known: Callable[[str], str],
    ) -> Predicate:
        """Conditions on values from a list: equal or not, in or not, empty or not."""
        if operator not in {"=", "!=", "in", "not in", "is", "is not"}:
            raise _unsupported(operator, name)
        wants_empty = any(isinstance(each, Empty) for each in operands)
        wanted = {value for each in operands for value in self._wanted(name, each, known)}

        def matches(issue: Issue) -> bool:
            held = set(values(issue))
            return bool(held & wanted) or (wants_empty and not held)

        if operator in {"=", "in", "is"}:
            return matches
        # An empty field is not "different from" a value; Jira leaves it out unless EMPTY is asked about.
        return lambda issue: not matches(issue) and (wants_empty or bool(set(values(issue))))

    def _wanted(self, name: str, operand: Operand, known: Callable[[str], str]) -> list[str]:
        match operand:
            case Text(text):
                return [known(text)]
            case Empty():
                return []
            case Call(function, arguments):
                return self._function(name, function, arguments)

    def _function(self, name: str, function: str, arguments: tuple[str, ...]) -> list[str]:
        match function.lower(), name.lower():
            case "currentuser", "assignee" | "reporter" | "creator" | "watcher" if not arguments:
                return [self._user.name]
            case "linkedissues", key if key in KEY_NAMES and 1 <= len(arguments) <= 2:
                issue = self._store.issues[self._known_key(arguments[0])]
                return [other for words, other in self._linked(issue) if arguments[1:] in {(), (words,)}]
        raise JqlError(f"Unable to find JQL function '{function}({', '.join(arguments)})' for the field '{name}'.")

    def _linked(self, issue: Issue) -> list[tuple[str, str]]:
        return [
            (link.type.outward, link.target) if link.source == issue.key else (link.type.inward, link.source)
            for link in self._store.links_of(issue)
        ]

    def _text(
        self, name: str, operator: Operator, operands: tuple[Operand, ...], values: Callable[[Issue], list[str]]
    ) -> Predicate:
        if operator in {"is", "is not"} and name.lower() not in {"text", "comment"}:
            return self._chosen(name, operator, operands, values, self._known_label)
        if operator not in {"~", "!~"}:
            raise _unsupported(operator, name)
        operand = operands[0]
        if not isinstance(operand, Text):
            raise JqlError(f"The field '{name}' is searched with a text.")
        contains = _contains(name, operand.text)
        if operator == "~":
            return lambda issue: any(contains(text) for text in values(issue))
        return lambda issue: bool(values(issue)) and not any(contains(text) for text in values(issue))

    def _date(self, name: str, field: Field, operator: Operator, operands: tuple[Operand, ...]) -> Predicate:
        if operator in {"is", "is not"}:
            return lambda issue: (_date_of(issue, field) is None) == (operator == "is")
        if operator in {"~", "!~"}:
            raise _unsupported(operator, name)
        wanted = [read_date(each, name, self._now) for each in operands]
        # JQL writes minutes: equal means in that minute.
        minutes = [each.replace(second=0, microsecond=0) for each in wanted]

        def compare(at: datetime) -> bool:
            minute = at.replace(second=0, microsecond=0)
            if operator in {"=", "in", "!=", "not in"}:
                return (minute in minutes) == (operator in {"=", "in"})
            return _ordered(operator, name, at, wanted[0])

        def matches(issue: Issue) -> bool:
            at = _date_of(issue, field)
            return at is not None and compare(at)

        return matches

    def _number(self, name: str, field: Field, operator: Operator, operands: tuple[Operand, ...]) -> Predicate:
        def value(issue: Issue) -> float | None:
            held = issue.values.get(field.id)
            return None if held is None else float(held)

        if operator in {"is", "is not"}:
            return lambda issue: (value(issue) is None) == (operator == "is")
        if operator in {"~", "!~"}:
            raise _unsupported(operator, name)
        wanted = [_read_number(each, name) for each in operands]

        def matches(issue: Issue) -> bool:
            held = value(issue)
            if held is None:
                return False
            if operator in {"=", "in", "!=", "not in"}:
                return (held in wanted) == (operator in {"=", "in"})
            return _ordered(operator, name, held, wanted[0])

        return matches

    def _field(self, name: str, *, refusal: str) -> Field:
        lower = name.lower()
        for field in self._site.fields:
            if lower == field.id or lower in {clause.lower() for clause in field.clauses}:
                return field
        raise JqlError(refusal)

    def _texts(self, issue: Issue, field: Field) -> list[str]:
        match field.id:
            case "project":
                return [issue.project.key]
            case "issuetype":
                return [issue.type.name]
            case "status":
                return [issue.status.name]
            case "resolution":
                return [issue.resolution.name] if issue.resolution else []
            case "creator":
                return [issue.creator]
            case "parent":
                return [issue.parent] if issue.parent else []
            case "comment":
                return [comment.body for comment in issue.comments]
            case "attachment":
                return [attachment.filename for attachment in issue.attachments]
        value = issue.values.get(field.id)
        if value is None:
            return []
        listed = value if isinstance(value, list) else [value]
        return [each.name if isinstance(each, Named) else str(each) for each in listed]

    def _all_texts(self, issue: Issue) -> list[str]:
        searched = [each for each in self._site.fields if each.kind in {"summary", "text", "textarea"}]
        return [text for each in searched for text in self._texts(issue, each)] + [
            comment.body for comment in issue.comments
        ]

    def _known_key(self, text: str) -> str:
        for issue in self._store.visible(self._user):
            if text.upper() == issue.key or text == issue.id:
                return issue.key
        if "-" in text:
            raise JqlError(f"An issue with key '{text}' does not exist for field 'key'.")
        raise JqlError(f"The issue key '{text}' for field 'key' is invalid.")

    def _known_category(self, text: str) -> str:
        for status in self._site.statuses:
            category = status.category
            if text.casefold() in {category.key, category.name.casefold(), str(category.id)}:
                return category.key
        raise _unknown_value(text, "statusCategory")

    def _known_user(self, text: str) -> str:
        account = self._site.person(text)
        if account is None:
            raise _unknown_value(text, "user")
        return account.name

    def _known_label(self, text: str) -> str:
        return text

    def _known_named(self, name: str, field: Field, text: str) -> str:
        if field.id == "project":
            for project in self._site.projects:
                may_see = self._store.may(self._user, project, "BROWSE_PROJECTS")
                if may_see and text.casefold() in {project.key.casefold(), project.name.casefold(), project.id}:
                    return project.key
            raise _unknown_value(text, name)
        lists: dict[str, Iterable[Any]] = {
            "issuetype": self._site.issue_types,
            "status": self._site.statuses,
            "resolution": self._site.resolutions,
            "priority": self._site.priorities,
        }
        for each in lists.get(field.id, field.options):
            if text == each.id or text.casefold() == each.name.casefold():
                return str(each.name)
        raise _unknown_value(text, name)


def _is_unresolved(operand: Operand) -> bool:
    return isinstance(operand, Text) and operand.text.casefold() == "unresolved"


def _everything(issue: Issue) -> bool:
    del issue
    return True


def _any_of(parts: list[Predicate]) -> Predicate:
    return lambda issue: any(part(issue) for part in parts)


def _all_of(parts: list[Predicate]) -> Predicate:
    return lambda issue: all(part(issue) for part in parts)


def _category_of(issue: Issue) -> list[str]:
    return [issue.status.category.key]


def _date_of(issue: Issue, field: Field) -> datetime | None:
    match field.id:
        case "created":
            return issue.created
        case "updated":
            return issue.updated
        case "resolutiondate":
            return issue.resolved
    value = issue.values.get(field.id)
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


def _ordered(operator: Operator, name: str, held: Any, wanted: Any) -> bool:
    match operator:
        case "<":
            return bool(held < wanted)
        case "<=":
            return bool(held <= wanted)
        case ">":
            return bool(held > wanted)
        case ">=":
            return bool(held >= wanted)
    raise _unsupported(operator, name)


def _read_number(operand: Operand, name: str) -> float:
    try:
        if isinstance(operand, Text):
            return float(operand.text)
    except ValueError:
        pass
    raise JqlError(f"The field '{name}' is compared with a number.")


def _contains(name: str, wanted: str) -> Callable[[str], bool]:
    """Read a text search: all words, in any order; a phrase in quotes as it stands; ``word*`` for a beginning."""
    if wanted[:1] in {"*", "?"}:
        raise JqlError(f"The text query '{wanted}' for field '{name}' is not allowed to start with '{wanted[0]}'.")
    phrase = len(wanted) > 1 and wanted[0] == wanted[-1] == '"'
    words = [word.casefold() for word in WORD.findall(wanted)]
    beginnings = {match[1].casefold() for match in re.finditer(r"([^\W_]+)\*", wanted)}
    if not words:
        raise JqlError(f"The text query '{wanted}' for field '{name}' holds no word.")

    def matches(text: str) -> bool:
        held = [word.casefold() for word in WORD.findall(text)]
        if phrase:
            return any(held[at : at + len(words)] == words for at in range(len(held) - len(words) + 1))
        return all(
            any(each.startswith(word) for each in held) if word in beginnings else word in held for word in words
        )

    return matches


def _unsupported(operator: str, name: str) -> JqlError:
    return JqlError(f"The operator '{operator}' is not supported by the '{name}' field.")


def _unknown_value(text: str, name: str) -> JqlError:
    return JqlError(f"The value '{text}' does not exist for the field '{name}'.")
