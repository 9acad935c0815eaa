"""guide.<language>.md: one ``## <name>`` section per guided step."""

import re
from collections.abc import Mapping

_HEADING = re.compile(r"^##[ \t]+(\S.*?)[ \t]*#*$")
_FENCE = re.compile(r"^(```|~~~)")


def sections(text: str) -> Mapping[str, str]:
    """Return the text below each second-level heading, by the heading; an empty section has an empty text.

    A heading inside a fenced block is text. Of two sections with one name the texts are joined.
    """
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line)
        if heading:
            current = found.setdefault(heading.group(1), [])
        elif current is not None:
            current.append(line)
    return {name: "\n".join(lines).strip() for name, lines in found.items()}
