"""Whether a file in a partner's folder has arrived whole: the same size and time at several looks in a row.

Domain, section 3 ("Detect arrival"): SFTP has no locking, so a file that still grows looks like any other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.onboarding.transfer import RemoteEntry
from bot.steps.layout import CONNECTION_TEST

# Names that clients use while they upload.
UNFINISHED = (".part", ".tmp", ".filepart", ".partial", ".upload")


def observe(
    entries: Sequence[RemoteEntry], remembered: Mapping[str, Sequence[int]], *, polls: int
) -> tuple[RemoteEntry | None, dict[str, list[int]]]:
    """Return the oldest file that was the same at ``polls`` looks in a row, and what to remember for the next look.

    ``remembered`` holds for each name its size, its modification time and the number of equal looks so far.
    """
    seen: dict[str, list[int]] = {}
    arrived: list[RemoteEntry] = []
    for entry in entries:
        if not is_delivery(entry):
            continue
        size, modified, equal = remembered.get(entry.name, (-1, -1, 0))
        equal = equal + 1 if (size, modified) == (entry.size, entry.modified) else 1
        seen[entry.name] = [entry.size, entry.modified, equal]
        if equal >= polls:
            arrived.append(entry)
    oldest = min(arrived, key=lambda entry: (entry.modified, entry.name), default=None)
    return oldest, seen


def is_delivery(entry: RemoteEntry) -> bool:
    """Tell whether a directory entry is a file meant for the chain."""
    name = entry.name.lower()
    return not (
        entry.is_directory
        or name.startswith(".")
        or name.endswith((*UNFINISHED, ".ldb", ".laccdb"))
        or name == CONNECTION_TEST
    )


def remembered(memory: Mapping[str, Any]) -> Mapping[str, Sequence[int]]:
    """Return what the last look remembered, from a step's memory."""
    kept: Mapping[str, Sequence[int]] = memory.get("seen", {})
    return kept
