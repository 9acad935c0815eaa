"""A pack's YAML file as plain JSON-like values that remember the line each came from.

YAML 1.2 is read, so ``NO`` is Norway and ``yes`` is a text. Dates become ISO 8601 texts: every value can be
written as JSON, which is what the models are validated from.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import CollectionEndEvent, CollectionStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from checklists.problem import PackProblem

MAX_BYTES = 1_048_576
MAX_VALUES = 100_000
MAX_DEPTH = 50

Key = str | int
KeyPath = tuple[Key, ...]
Position = tuple[int, int]

_TAG = "tag:yaml.org,2002:"

# The core schema of YAML 1.2 (section 10.3.2): what a plain scalar is, and the characters that it may begin with.
_CORE_SCHEMA = (
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
)


@dataclass
class Source:
    """One text file of a pack: its name in the pack, its value, and where in the file each value stands."""

    name: str
    value: Any = None
    positions: dict[KeyPath, Position] = field(default_factory=dict)

    def position(self, path: Sequence[Key]) -> Position:
        """Return line and column (from 1) of a value, or of the nearest value around it."""
        place = tuple(path)
        while place and place not in self.positions:
            place = place[:-1]
        return self.positions.get(place, (1, 1))

    def problem(self, path: Sequence[Key], message: str, hint: str = "") -> PackProblem:
        """Return a problem at the place of ``path``."""
        line, column = self.position(path)
        return PackProblem(self.name, line, column, message, hint)


def decode(name: str, content: bytes) -> tuple[str | None, list[PackProblem]]:
    """Return a file's text, or why it is not UTF-8 and on which line. A byte order mark is dropped."""
    if len(content) > MAX_BYTES:
        return None, [PackProblem(name, None, None, f"the file has {len(content)} bytes, allowed: {MAX_BYTES}")]
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        message = f"not UTF-8: byte 0x{content[error.start]:02x}"
        return None, [PackProblem(name, line, column, message, "save the file as UTF-8")]


def read_yaml(name: str, content: bytes) -> tuple[Source, list[PackProblem]]:
    """Read one YAML document whose top level is a mapping.

    The value is None when the file cannot be read at all; a fault in one place (a duplicate key, a tag) leaves
    the rest readable, so that other problems can be told in the same run.
    """
    source = Source(name)
    text, problems = decode(name, content)
    if text is None:
        return source, problems
    try:
        if _depth(text) > MAX_DEPTH:
            return source, [PackProblem(name, 1, 1, "not valid YAML: nested too deeply")]
        root = yaml.compose(text, Loader=_loader())
    except MarkedYAMLError as error:
        return source, [_syntax_problem(name, text, error)]
    except YAMLError as error:
        return source, [PackProblem(name, 1, 1, f"not valid YAML: {str(error).splitlines()[0]}")]
    if not isinstance(root, MappingNode):
        return source, [PackProblem(name, 1, 1, "the file must hold keys with values, `key: value`")]
    reader = _Reader(source)
    source.value = reader.read(root, (), ())
    return source, reader.problems


@cache
def _loader() -> type[Any]:
    """PyYAML's composer with the scalars of YAML 1.2; libyaml's where it is there, ten times as fast."""

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: Any = type("CoreSchemaLoader", (base,), {"yaml_implicit_resolvers": {}})
    for kind, pattern, beginnings in _CORE_SCHEMA:
        first = ["" if one == "\0" else one for one in beginnings]
        loader.add_implicit_resolver(f"{_TAG}{kind}", re.compile(f"^(?:{pattern})$"), first)
    return loader  # type: ignore[no-any-return]  # made here, of two known classes


def _depth(text: str) -> int:
    """Return how deep values lie in each other. The composer calls itself for each, and libyaml's would crash."""
    deepest = depth = 0
    for event in yaml.parse(text, Loader=_loader()):
        if isinstance(event, CollectionStartEvent):
            depth += 1
            deepest = max(deepest, depth)
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
    return deepest


def _syntax_problem(name: str, text: str, error: MarkedYAMLError) -> PackProblem:
    mark = error.problem_mark or error.context_mark
    what = error.problem or error.context or "syntax error"
    hint = ""
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if "cannot start any token" in what and text.splitlines()[line - 1][column - 1 : column] == "\t":
        what, hint = "a tab where YAML wants spaces", "indent with spaces"
    return PackProblem(name, line, column, f"not valid YAML: {what}", hint)


class _Reader:
    """Turns composed nodes into values and fills in the positions of ``source``."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[PackProblem] = []
        self.count = 0

    def read(self, node: Node, path: KeyPath, around: tuple[int, ...]) -> Any:
        """Return the node's value; ``around`` holds the nodes that it lies in, since an alias may point back."""
        self.source.positions.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        self.count += 1
        if id(node) in around:
            return self._refuse(node, "an alias that contains itself")
        # A few nested aliases can name billions of values.
        if self.count > MAX_VALUES:
            if self.count == MAX_VALUES + 1:
                self._refuse(node, f"more than {MAX_VALUES} values")
            return None
        inside = (*around, id(node))
        if isinstance(node, MappingNode):
            return self._mapping(node, path, inside)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*path, index), inside) for index, item in enumerate(node.value)]
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        return self._refuse(node, "a kind of value that packs do not use")

    def _mapping(self, node: MappingNode, path: KeyPath, around: tuple[int, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag != f"{_TAG}str":
                hint = "put it in quotes" if isinstance(key_node, ScalarNode) else ""
                self._refuse(key_node, "a key must be a text", hint)
                continue
            key = key_node.value
            if key in values:
                first = self.source.positions[(*path, key)][0]
                self._refuse(key_node, f"the key `{key}` is there twice, first on line {first}")
                continue
            mark = key_node.start_mark
            self.source.positions[(*path, key)] = (mark.line + 1, mark.column + 1)
            values[key] = self.read(value_node, (*path, key), around)
        return values

    def _scalar(self, node: ScalarNode) -> Any:
        text: str = node.value
        match str(node.tag).removeprefix(_TAG):
            case "str" | "timestamp":
                return text
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
            case "float":
                # JSON knows no infinity: as a text it is refused wherever a number is wanted.
                return text if "n" in text.lower() else float(text)
            case _:
                return self._refuse(node, f"the YAML tag `{node.tag}` is not used in packs")

    def _refuse(self, node: Node, message: str, hint: str = "") -> None:
        mark = node.start_mark
        self.problems.append(PackProblem(self.source.name, mark.line + 1, mark.column + 1, message, hint))
