"""What people write in Jira, as Markdown: from the wiki markup of REST v2, and from the documents of v3 (ADF).

Only what a chat can show is kept as markup; everything else becomes plain words. Nothing that people write can become
more than text, bold, code or a link to an http address.
"""

import re
from collections.abc import Mapping
from typing import Any

_BLOCK = re.compile(r"\{(code|noformat)(?::[^}\n]*)?\}(.*?)\{\1\}", re.DOTALL)
_MACRO = re.compile(r"\{(?:color|panel|quote|info|note|tip|warning|section|column|anchor|status)(?::[^}\n]*)?\}")
_NAMED_LINK = re.compile(r"\[([^\]|\n]+)\|(https?://[^\]|\s)]+)(?:\|[^\]\n]*)?\]")
_BARE_LINK = re.compile(r"\[(https?://[^\]|\s)]+)(?:\|[^\]\n]*)?\]")
_PERSON = re.compile(r"\[~(?:accountid:)?([^\]\n]{1,100})\]")
_OTHER_LINK = re.compile(r"\[([^\]|\n]+)\|[^\]\n]+\]")
_IMAGE = re.compile(r"!([^!|\s][^!|\n]*)(?:\|[^!\n]*)?!")
_ITEM = re.compile(r"^([*#-]+)\s+(.*)$")
_HEADING = re.compile(r"^h[1-6]\.\s+(.*)$")
_BOLD = re.compile(r"(?<![\w*\\])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")
_ITALIC = re.compile(r"(?<![\w_\\])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])")
_MONO = re.compile(r"\{\{([^}\n]+)\}\}")
_ESCAPE = re.compile(r"\\([-\\*_{}\[\]|!#+^~?])")
# A character that no text of people holds stands for each piece of code while the rest is read.
_KEPT = "\N{OBJECT REPLACEMENT CHARACTER}"


def markdown(text: str, names: Mapping[str, str] | None = None) -> str:
    """Return wiki markup as Markdown; ``names`` are the display names of accounts that may be mentioned."""
    code: list[str] = []

    def keep(piece: str) -> str:
        code.append(f"`{piece.replace('`', chr(39))}`")
        return _KEPT

    def block(found: re.Match[str]) -> str:
        return "\n".join(keep(line) if line.strip() else "" for line in found[2].strip("\n").split("\n"))

    plain = text.replace("\r\n", "\n").replace(_KEPT, "")
    plain = _MONO.sub(lambda found: keep(found[1]), _BLOCK.sub(block, plain))
    plain = _MACRO.sub("", plain)
    lines = "\n".join(_line(line, names or {}) for line in plain.split("\n"))
    lines = re.sub(r"\n{3,}", "\n\n", lines).strip()
    pieces = iter(code)
    return re.sub(_KEPT, lambda _: next(pieces), lines)


def _line(line: str, names: Mapping[str, str]) -> str:
    if line.strip() in {"----", "---"}:
        return ""
    line = _PERSON.sub(lambda found: f"@{names.get(found[1], found[1])}", line)
    line = _BARE_LINK.sub(r"\1", _NAMED_LINK.sub(r"[\1](\2)", line))
    line = _OTHER_LINK.sub(r"\1", line)
    line = _IMAGE.sub(r"(\1)", line)
    if line.startswith("|"):
        cells = [cell.strip() for cell in re.split(r"\|{1,2}", line.strip("|"))]
        line = " | ".join(cells)
    heading, item = _HEADING.match(line), _ITEM.match(line)
    if heading:
        return f"# {_marked(heading[1])}"
    if item:
        mark = "1." if item[1].endswith("#") else "-"
        return f"{'  ' * (len(item[1]) - 1)}{mark} {_marked(item[2])}"
    if line.startswith("bq. "):
        return f"> {_marked(line[4:])}"
    return _marked(line)


def _marked(line: str) -> str:
    line = _BOLD.sub("**\\1**", line)
    line = _ITALIC.sub("*\\1*", line)
    return _ESCAPE.sub(r"\1", line)


def from_document(document: Mapping[str, Any]) -> str:
    """Return a document in Cloud's format (ADF) as Markdown."""
    return re.sub(r"\n{3,}", "\n\n", _node(document)).strip()


def _node(node: Mapping[str, Any], depth: int = 0) -> str:
    attributes = node.get("attrs") or {}
    match node.get("type"):
        case "text":
            return _with_marks(str(node.get("text", "")), node.get("marks") or ())
        case "hardBreak":
            return "\n"
        case "mention":
            return f"@{str(attributes.get('text', '')).removeprefix('@') or attributes.get('id', '')}"
        case "emoji":
            return str(attributes.get("text") or attributes.get("shortName") or "")
        case "inlineCard" | "blockCard":
            return str(attributes.get("url", ""))
        case "codeBlock":
            lines = _inside(node, depth).split("\n")
            return "\n".join(f"`{line.replace('`', chr(39))}`" for line in lines if line.strip()) + "\n\n"
        case "heading":
            return f"# {_inside(node, depth)}\n\n"
        case "listItem":
            return _inside(node, depth + 1).strip("\n")
        case "bulletList" | "orderedList":
            mark = "-" if node["type"] == "bulletList" else "1."
            items = [f"{'  ' * depth}{mark} {_node(item, depth)}\n" for item in node.get("content") or ()]
            return "".join(items) + ("\n" if depth == 0 else "")
        case "tableRow":
            cells = [_node(cell, depth).strip().replace("\n", " ") for cell in node.get("content") or ()]
            return f"{' | '.join(cells)}\n"
        case "paragraph":
            return f"{_inside(node, depth)}\n" + ("" if depth else "\n")
        case _:
            return _inside(node, depth)


def _inside(node: Mapping[str, Any], depth: int) -> str:
    return "".join(_node(each, depth) for each in node.get("content") or () if isinstance(each, Mapping))


def _with_marks(text: str, marks: Any) -> str:
    kinds = {str(mark.get("type")): mark for mark in marks if isinstance(mark, Mapping)}
    if "code" in kinds:
        return f"`{text.replace('`', chr(39))}`"
    if "strong" in kinds:
        text = f"**{text}**"
    if "em" in kinds:
        text = f"*{text}*"
    target = str(((kinds.get("link") or {}).get("attrs") or {}).get("href", ""))
    return f"[{text}]({target})" if re.fullmatch(r"https?://[^\s)|]+", target) else text
