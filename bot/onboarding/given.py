"""Files that people give where they talk: dropped into an onboarding's thread, or as a proof beside a box.

That a file was given is a line of the trail and a due row, in one transaction, before a byte of it is read. A job then
fetches it and answers with another line, which names the first: killed at any point it is done again, and a line that
is answered is not answered twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any, Protocol

from sqlmodel import Session, col, select

from bot.locales import say
from bot.onboarding.actors import Actor
from bot.onboarding.asking import Asking
from bot.onboarding.change import Change
from bot.onboarding.errors import OnboardingError, Refused
from bot.onboarding.models import Event
from bot.onboarding.store import tried_again
from checklists.model import Localized

DROPPED, PROOF = "file_dropped", "proof_given"
ANSWERS = ("file_checked", "file_not_taken", "file_attached", "tick_noted")

SUBJECT = "given"
LONGEST_NAME = 120

# Pictures and recordings are talk; whatever else is dropped may be meant as the file.
TALK = frozenset((
    ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpeg", ".jpg", ".png", ".svg", ".tif", ".tiff", ".webp",
    ".m4a", ".mkv", ".mov", ".mp3", ".mp4", ".oga", ".ogg", ".wav", ".webm",
))  # fmt: skip


@dataclass(frozen=True)
class GivenFile:
    """A file as the place knows it where it was given: its id there, its name, its size in bytes."""

    id: str
    name: str
    size: int

    def as_json(self) -> dict[str, Any]:
        """Return the file as the trail keeps it."""
        return {"id": self.id, "name": self.name, "size": self.size}


@dataclass(frozen=True)
class Fetched:
    """A file on the bot's disk."""

    path: Path
    size: int
    sha256: str


class NotTaken(OnboardingError):
    """A given file cannot be taken, now or later; ``text`` says why and what to do instead."""

    def __init__(self, text: Localized) -> None:
        super().__init__(text.en)
        self.text = text


class GivenFiles(Protocol):
    """The place where files are given."""

    def fetch(self, file: GivenFile, into: Path, *, most: int) -> Fetched:
        """Bring a file of ``most`` bytes at most to this disk, streamed, under a name of its own in the folder.

        Done again it brings the same file to the same path. Raises NotTaken (deleted, too big, kept elsewhere) and
        Unavailable.
        """


class Sheets(Protocol):
    """Takes filled forms that were given as spreadsheets."""

    def take_given(self, key: str, path: Path, *, actor: Actor, name: str, source: str) -> bool:
        """Take one for the form that waits; False for a repeat. Raises NotTaken with all that is wrong at once."""


@dataclass(frozen=True)
class Gift:
    """A line of the trail that a file was given by: ``kind`` is DROPPED or PROOF."""

    seq: int
    kind: str
    step_id: str | None
    actor: Actor
    at: datetime
    files: tuple[GivenFile, ...]
    content: Mapping[str, Any]


class Given:
    """Takes note of files that are dropped into a thread."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    @tried_again
    def drop(self, key: str, file: GivenFile, *, actor: Actor, source: str) -> bool:
        """Take note of a file in an onboarding's thread; False when it had been noted.

        Whoever has a role may give one: what becomes of it is decided when it is there. Raises Refused.
        """
        with self._asking.whole(key, actor, source, or_roles=("data_base", "admin")) as asked:
            if asked is None:
                return False
            change, _ = asked
            if change.pack.files is None and not is_sheet(file.name):
                raise Refused(say("given.no_chain", operator=change.onboarding.operator))
            shown = {"facts": [{"label": say("fact.size").model_dump(), "value": f"{file.size} B"}]}
            seen = say("given.received", name=file.name)
            remember(change, DROPPED, [file], seen=seen.model_dump(), evidence=shown)
            return True


def remember(
    change: Change, kind: str, files: Sequence[GivenFile], *, step_id: str | None = None, **content: Any
) -> Event:
    """Put files on the trail, and have them fetched."""
    step = change.step(step_id) if step_id else None
    line = change.note(kind, step=step, content={**content, "files": [file.as_json() for file in files]})
    change.schedule(f"{SUBJECT}:{line.seq}", 0)
    return line


def read_gift(session: Session, onboarding_id: int, seq: int) -> Gift | None:
    """Return what was given by a line of the trail; None when it is answered."""
    line = session.exec(select(Event).where(Event.onboarding_id == onboarding_id, Event.seq == seq)).one()
    if is_answered(session, onboarding_id, seq):
        return None
    id_ = str(line.content["actor"])
    kind: Any = id_.partition(":")[0]
    files = tuple(GivenFile(file["id"], file["name"], file["size"]) for file in line.content["files"])
    return Gift(seq, line.kind, line.step, Actor(kind, id_, line.actor), line.at, files, line.content)


def is_answered(session: Session, onboarding_id: int, seq: int) -> bool:
    """Tell whether a given file has its answer on the trail."""
    later = select(Event).where(Event.onboarding_id == onboarding_id, Event.seq > seq, col(Event.kind).in_(ANSWERS))
    return any(line.content.get("about") == seq for line in session.exec(later))


def is_talk(name: str) -> bool:
    """Tell whether a file is a part of the conversation by its name: a screenshot, a recording."""
    return PurePath(name).suffix.lower() in TALK


def is_sheet(name: str) -> bool:
    """Tell whether a file may be a filled form, by its name."""
    return PurePath(name).suffix.lower() == ".xlsx"


def safe_name(name: str) -> str:
    """Return a file's name without anything that leads elsewhere on a disk: people choose it."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(character for character in last if character.isprintable()).strip()
    while len(shown.encode()) > LONGEST_NAME:
        # The ending tells what it is.
        stem, dot, ending = shown.rpartition(".")
        shown = f"{stem[:-1]}{dot}{ending}" if len(stem) > 1 and len(ending) < len(stem) else shown[:-1]
    return shown if shown.strip(".") else "file"
