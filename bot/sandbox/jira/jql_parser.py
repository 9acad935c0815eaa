"""JQL's grammar: text to a tree. Raises JqlError for everything that Jira's parser refuses."""

import re
from dataclasses import dataclass
from typing import Literal

# Jira's list, as far as these words could stand for a field or a value by accident.
RESERVED_WORDS = """
    abort access add after alias all alter any as asc audit avg before begin between boolean break byte catch char
    character check checkpoint collate collation column commit connect continue count create current date decimal
    declare decrement default defaults define delete delimiter desc difference distinct divide do double drop else
    encoding end equals escape exclusive exec execute exists explain false fetch file for from function go goto
    grant greater group having identified if immediate increment index initial inner inout input insert int integer
    intersect intersection into isempty isnull join last left less like limit lock long max min minus mode modify
    modulo more multiply next noaudit notin nowait number object of on option outer output power previous prior
    privileges public raise raw remainder rename resource return returns revoke right row rowid rownum rows select
    session set share size sqrt start strict string subtract sum synonym table then to trans transaction trigger
    true uid union unique update user validate values view when whenever where while with
"""
RESERVED = frozenset(RESERVED_WORDS.split())
KEYWORDS = frozenset({"and", "or", "not", "in", "is", "was", "changed", "order", "by", "empty", "null"})
DEEPEST = 50

TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<custom>cf\s*\[\s*\d{1,18}\s*\])
      | (?P<symbol><=|>=|!=|!~|&&|\|\||[=<>~!(),&|])
      | (?P<word>[^\s"'=<>~!(),&|\\+;?*/%^$#@\[\]{}]+)
    )""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(u[0-9a-f]{4}|.)", re.DOTALL | re.IGNORECASE)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", " ": " "}

Operator = Literal["=", "!=", "~", "!~", "<", "<=", ">", ">=", "in", "not in", "is", "is not"]
COMPARISONS: dict[str, Operator] = {
    "=": "=",
    "!=": "!=",
    "~": "~",
    "!~": "!~",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}


class JqlError(Exception):
    """A query that Jira refuses; the text is an error message of its answer."""


@dataclass(frozen=True)
class Text:
    """A value as it was written, without its quotes."""

    text: str


@dataclass(frozen=True)
class Empty:
    """``EMPTY`` or ``NULL``."""


@dataclass(frozen=True)
class Call:
    """A function with its arguments."""

    name: str
    arguments: tuple[str, ...]


Operand = Text | Empty | Call


@dataclass(frozen=True)
class Clause:
    """A condition on one field."""

    field: str
    operator: Operator
    operands: tuple[Operand, ...]


@dataclass(frozen=True)
class Not:
    """The opposite of a condition."""

    node: "Node"


@dataclass(frozen=True)
class Both:
    """All conditions (``is_any`` false) or any of them."""

    nodes: tuple["Node", ...]
    is_any: bool


Node = Clause | Not | Both


@dataclass(frozen=True)
class Query:
    """A whole query; ``order`` holds fields and whether they descend."""

    where: Node | None
    order: tuple[tuple[str, bool | None], ...]


def parse(jql: str) -> Query:
    """Parse a query; an empty one matches everything. Raises JqlError."""
    return _Parser(jql).query()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int

    @property
    def keyword(self) -> str:
        return self.text.lower() if self.kind == "word" else ""


def _tokens(jql: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    while jql[position:].strip():
        match = TOKEN.match(jql, position)
        if match is None or match.lastgroup is None:
            start = position + len(jql[position:]) - len(jql[position:].lstrip())
            character = jql[start]
            if character in "\"'":
                raise JqlError(
                    f"Error in the JQL Query: The quoted string '{jql[start + 1 :]}' has not been completed."
                )
            raise JqlError(
                f"Error in the JQL Query: The character '{character}' is a reserved JQL character. You must enclose it "
                f"in a string or use the escape '\\u{ord(character):04x}' instead. (line 1, character {start + 1})"
            )
        text = match.group(match.lastgroup)
        if match.lastgroup == "string":
            text = ESCAPE.sub(_unescaped, text[1:-1])
        elif match.lastgroup == "custom":
            text = f"cf[{re.sub(r'[^0-9]', '', text)}]"
        found.append(_Token(match.lastgroup, text, match.start(match.lastgroup) + 1))
        position = match.end()
    return found


def _unescaped(escape: re.Match[str]) -> str:
    written = escape[1]
    if len(written) > 1:
        return chr(int(written[1:], 16))
    if written not in ESCAPES:
        raise JqlError(f"Error in the JQL Query: '\\{written}' is an illegal JQL escape sequence.")
    return ESCAPES[written]


class _Parser:
    def __init__(self, jql: str) -> None:
        self._tokens = _tokens(jql)
        self._at = 0
        self._depth = 0

    def query(self) -> Query:
        where = None
        if self._peek() is not None and not self._is_word("order"):
            where = self._any()
        order = self._order()
        left = self._peek()
        if left is not None:
            raise self._unexpected("either 'OR' or 'AND'", left)
        return Query(where, order)

    def _any(self) -> Node:
        nodes = [self._all()]
        while self._take_word("or") or self._take_symbol("||", "|"):
            nodes.append(self._all())
        return nodes[0] if len(nodes) == 1 else Both(tuple(nodes), is_any=True)

    def _all(self) -> Node:
        nodes = [self._one()]
        while self._take_word("and") or self._take_symbol("&&", "&"):
            nodes.append(self._one())
        return nodes[0] if len(nodes) == 1 else Both(tuple(nodes), is_any=False)

    def _one(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise JqlError("Error in the JQL Query: The query is nested too deeply.")
        node: Node
        if self._take_word("not") or self._take_symbol("!"):
            node = Not(self._one())
        elif self._take_symbol("("):
            node = self._any()
            self._expect(")")
        else:
            node = self._clause()
        self._depth -= 1
        return node

    def _clause(self) -> Clause:
        field = self._name("a field name")
        operator = self._operator(field)
        if operator in {"in", "not in"}:
            return Clause(field, operator, self._list())
        operand = self._operand()
        if operator in {"is", "is not"} and not isinstance(operand, Empty):
            raise JqlError(f"The operator '{operator}' only takes EMPTY or NULL.")
        return Clause(field, operator, (operand,))

    def _operator(self, field: str) -> Operator:
        token = self._next("an operator")
        if token.kind == "symbol" and token.text in COMPARISONS:
            return COMPARISONS[token.text]
        match token.keyword:
            case "in":
                return "in"
            case "not":
                self._expect_word("in")
                return "not in"
            case "is":
                return "is not" if self._take_word("not") else "is"
            case "was" | "changed":
                raise JqlError(f"History searches do not support the '{field}' field.")
        raise self._unexpected("an operator", token)

    def _list(self) -> tuple[Operand, ...]:
        if not self._take_symbol("("):
            operand = self._operand()
            if isinstance(operand, Call):
                return (operand,)
            raise JqlError("Error in the JQL Query: Expecting '(' before a list.")
        operands = [self._operand()]
        while self._take_symbol(","):
            operands.append(self._operand())
        self._expect(")")
        return tuple(operands)

    def _operand(self) -> Operand:
        token = self._next("a value, list or function")
        if token.kind == "string":
            return Text(token.text)
        if token.kind != "word":
            raise self._unexpected("a value, list or function", token)
        if token.keyword in {"empty", "null"}:
            return Empty()
        self._refuse_reserved(token)
        if not self._take_symbol("("):
            return Text(token.text)
        arguments: list[str] = []
        if not self._take_symbol(")"):
            arguments.append(self._name("a function's argument"))
            while self._take_symbol(","):
                arguments.append(self._name("a function's argument"))
            self._expect(")")
        return Call(token.text, tuple(arguments))

    def _order(self) -> tuple[tuple[str, bool | None], ...]:
        if not self._take_word("order"):
            return ()
        self._expect_word("by")
        order = [self._order_item()]
        while self._take_symbol(","):
            order.append(self._order_item())
        return tuple(order)

    def _order_item(self) -> tuple[str, bool | None]:
        field = self._name("a field name")
        if self._take_word("desc"):
            return field, True
        return field, False if self._take_word("asc") else None

    def _name(self, expected: str) -> str:
        token = self._next(expected)
        if token.kind == "symbol":
            raise self._unexpected(expected, token)
        self._refuse_reserved(token)
        return token.text

    def _refuse_reserved(self, token: _Token) -> None:
        if token.keyword in RESERVED | KEYWORDS:
            raise JqlError(
                f"Error in the JQL Query: '{token.text}' is a reserved JQL word. You must surround it in quotation "
                f"marks to use it in a query. (line 1, character {token.position})"
            )

    def _peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self, expected: str) -> _Token:
        token = self._peek()
        if token is None:
            raise JqlError(f"Error in the JQL Query: Expecting {expected} but got the end of the query.")
        self._at += 1
        return token

    def _is_word(self, word: str) -> bool:
        token = self._peek()
        return token is not None and token.keyword == word

    def _take_word(self, word: str) -> bool:
        found = self._is_word(word)
        self._at += found
        return found

    def _take_symbol(self, *symbols: str) -> bool:
        token = self._peek()
        found = token is not None and token.kind == "symbol" and token.text in symbols
        self._at += found
        return found

    def _expect(self, symbol: str) -> None:
        token = self._next(f"'{symbol}'")
        if token.kind != "symbol" or token.text != symbol:
            raise self._unexpected(f"'{symbol}'", token)

    def _expect_word(self, word: str) -> None:
        token = self._next(f"'{word.upper()}'")
        if token.keyword != word:
            raise self._unexpected(f"'{word.upper()}'", token)

    def _unexpected(self, expected: str, token: _Token) -> JqlError:
        return JqlError(
            f"Error in the JQL Query: Expecting {expected} but got '{token.text}'. (line 1, character {token.position})"
        )
