"""Notes and proofs beside the boxes of a manual step, and boxes that were unticked: as a step keeps and shows them.

All of it lies in the step's memory, in the shapes of this module; the trail tells it as well, line by line.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel, ConfigDict

NOTES, WITHDRAWN = "notes", "unticked"

LONGEST_NOTE = 1_000
LONGEST_LINK = 1_000
MOST_FILES = 5
# Jira takes attachments of 10 MB unless it is told otherwise; more than this proves nothing better.
PROOF_BYTES = 20 * 1024 * 1024

# What runs when it is opened proves nothing, and is handed on to everybody who reads the dossier.
RUNS = frozenset((
    ".app", ".bat", ".cmd", ".com", ".cpl", ".dll", ".dmg", ".exe", ".hta", ".iso", ".jar", ".js", ".jse", ".lnk",
    ".msi", ".msp", ".ps1", ".reg", ".scr", ".sh", ".vbe", ".vbs", ".wsf",
))  # fmt: skip
# The first bytes of programs, whatever they are called: Windows, Linux.
PROGRAMS = (b"MZ", b"\x7fELF")


class Kept(BaseModel):
    """A value that is kept as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NotedFile(Kept):
    """A proof. ``sha256`` is empty until the file is on the bot's disk; ``refused`` is why it never will be."""

    name: str
    size: int
    sha256: str = ""
    refused: str = ""


class Note(Kept):
    """What somebody said or proved about a box, or about the step where ``item`` is None.

    ``seq`` is the line of the trail that brought it.
    """

    seq: int
    item: str | None
    text: str
    link: str
    by: str
    at: datetime
    files: tuple[NotedFile, ...] = ()


class Withdrawn(Kept):
    """A box that was unticked and is empty still. ``reason`` is None while nobody has said why."""

    seq: int
    item: str
    by: str
    by_id: str
    at: datetime
    reason: str | None = None


def notes_of(memory: Mapping[str, Any]) -> tuple[Note, ...]:
    """Return the notes that a step keeps, the oldest first."""
    return tuple(Note.model_validate(kept) for kept in memory.get(NOTES, ()))


def withdrawn_of(memory: Mapping[str, Any]) -> Mapping[str, Withdrawn]:
    """Return the boxes that were unticked, by their id."""
    return {item: Withdrawn.model_validate(kept) for item, kept in memory.get(WITHDRAWN, {}).items()}


def with_note(memory: Mapping[str, Any], note: Note) -> dict[str, Any]:
    """Return a step's memory with a note in it, in the place of the one of the same line."""
    others = [kept for kept in memory.get(NOTES, ()) if kept["seq"] != note.seq]
    notes = sorted([*others, note.model_dump(mode="json")], key=lambda kept: kept["seq"])
    return {**memory, NOTES: notes}


def with_withdrawn(memory: Mapping[str, Any], withdrawn: Sequence[Withdrawn], ticked: set[str]) -> dict[str, Any]:
    """Return a step's memory with boxes noted as unticked; those that are ticked again are forgotten here."""
    kept = {item: one for item, one in memory.get(WITHDRAWN, {}).items() if item not in ticked}
    kept |= {one.item: one.model_dump(mode="json") for one in withdrawn}
    return {**memory, WITHDRAWN: kept} if kept or WITHDRAWN in memory else dict(memory)


def runs(name: str, beginning: bytes = b"") -> bool:
    """Tell whether a file is a program, by its name or its first bytes."""
    suffixes = {suffix.lower() for suffix in PurePath(name).suffixes[-2:]}
    return bool(suffixes & RUNS) or beginning.startswith(PROGRAMS)
