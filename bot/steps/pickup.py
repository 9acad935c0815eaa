"""Taking a delivered file out of the partner's reach and onto the bot's own disk (procedure, section 4.1).

The file is moved first, then copied: from the move on nobody can change it, and a killed run finds it where the
ledger says. Names on the shelves begin with the time of delivery, so two deliveries of one name never meet.
"""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.locales import say
from bot.onboarding.errors import StepFailed
from bot.onboarding.registry import Registry
from bot.onboarding.transfer import PathMissing, Transfer, TransferSession
from bot.onboarding.work import Work
from bot.steps.arrival import observe, remembered
from bot.steps.directory import translated
from bot.steps.layout import SHELVES, Layout, LocalFiles, Shelf
from bot.steps.lookouts import folder_signal


@dataclass(frozen=True)
class Picked:
    """A file on the bot's disk. ``shelved`` is its name on the server's shelf, empty for one that a person gave."""

    name: str
    path: Path
    size: int
    sha256: str
    shelved: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return what a step remembers of the file."""
        return {
            "name": self.name,
            "path": str(self.path),
            "size": self.size,
            "sha256": self.sha256,
            "shelved": self.shelved,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Picked":
        """Read what a step remembered."""
        return cls(kept["name"], Path(kept["path"]), kept["size"], kept["sha256"], kept["shelved"])


@dataclass(frozen=True)
class Look:
    """What a look into the partner's folder gave: a file, or what to remember until the next look."""

    picked: Picked | None
    seen: Mapping[str, Any]


class Pickup:
    """Picks files up, and puts them aside when they are no good."""

    def __init__(
        self, transfer: Transfer, registry: Registry, files: LocalFiles, *, root: str, stable_polls: int
    ) -> None:
        self._transfer = transfer
        self._registry = registry
        self._files = files
        self._root = root
        self._stable_polls = stable_polls

    def look(self, work: Work) -> Look:
        """Take the file that the deposit announced, or else the oldest other one that has arrived whole."""
        deposit = _deposit_memory(work)
        if "attached" in deposit and "file" not in deposit:
            return Look(self._take_attached(work, deposit["attached"]), {})
        layout = Layout.of(work.view, self._root)
        with translated(layout), self._transfer.session() as session:
            announced = deposit.get("file")
            if announced is not None and not work.memory.get("announced_taken"):
                shelved = f"{announced['modified']}-{announced['name']}"
                if self._shelve(work, session, layout, announced["name"], shelved):
                    return Look(self._copy(work, session, layout, announced["name"], shelved), {})
            arrived, seen = observe(session.entries(layout.incoming), remembered(work.memory), polls=self._stable_polls)
            if arrived is None:
                return Look(None, seen)
            shelved = f"{arrived.modified}-{arrived.name}"
            if not self._shelve(work, session, layout, arrived.name, shelved):
                return Look(None, {})
            return Look(self._copy(work, session, layout, arrived.name, shelved), {})

    def signal(self, work: Work) -> str:
        """Name the folder that a step waits for a file in."""
        return folder_signal(Layout.of(work.view, self._root).incoming)

    def is_waiting(self, work: Work) -> tuple[bool, Mapping[str, Any]]:
        """Tell whether another file has arrived whole, without taking it; and what to remember for the next look."""
        layout = Layout.of(work.view, self._root)
        with translated(layout), self._transfer.session() as session:
            arrived, seen = observe(session.entries(layout.incoming), remembered(work.memory), polls=self._stable_polls)
        return arrived is not None, seen

    def put_aside(self, work: Work, picked: Picked, shelf: Shelf) -> None:
        """Move a file that was refused to its shelf on the server, and keep how it ended."""
        self._registry.mark(work.view.id, picked.sha256, shelf)
        if not picked.shelved:
            return
        layout = Layout.of(work.view, self._root)
        source, target = f"{layout.shelf('archive')}/{picked.shelved}", f"{layout.shelf(shelf)}/{picked.shelved}"
        with translated(layout), self._transfer.session() as session:

            def move() -> str:
                session.move(source, target)
                return target

            work.once(f"aside:{picked.shelved}", look=lambda: target if session.entry(target) else None, do=move)

    def put_back(self, work: Work, picked: Picked) -> None:
        """Move a file that had been put aside, and was accepted after all, back to the archive."""
        state = self._registry.state_of(work.view.id, picked.sha256)
        shelf: Shelf | None = next((each for each in SHELVES if each == state and each != "archive"), None)
        if not picked.shelved or shelf is None:
            return
        layout = Layout.of(work.view, self._root)
        source, target = f"{layout.shelf(shelf)}/{picked.shelved}", f"{layout.shelf('archive')}/{picked.shelved}"
        with translated(layout), self._transfer.session() as session:

            def move() -> str:
                try:
                    session.move(source, target)
                except PathMissing:
                    # The administrator has taken it away; the bot's own copy is what was integrated.
                    return "gone"
                return target

            work.once(f"back:{picked.shelved}", look=lambda: target if session.entry(target) else None, do=move)

    def _shelve(self, work: Work, session: TransferSession, layout: Layout, name: str, shelved: str) -> bool:
        """Move a file out of the partner's folder; False when it is no longer there."""
        target = f"{layout.shelf('archive')}/{shelved}"
        for path, mode in layout.private_directories():
            if session.entry(path) is None:
                session.make_directory(path, mode)

        def move() -> str:
            session.move(f"{layout.incoming}/{name}", target)
            return target

        try:
            work.once(f"pickup:{shelved}", look=lambda: target if session.entry(target) else None, do=move)
        except PathMissing:
            return False
        return True

    def _copy(self, work: Work, session: TransferSession, layout: Layout, name: str, shelved: str) -> Picked:
        landing = self._files.received(work.view.key, hashlib.sha256(shelved.encode()).hexdigest()) / name
        landing.parent.mkdir(parents=True, exist_ok=True)
        sha256 = session.fetch(f"{layout.shelf('archive')}/{shelved}", landing)
        lock = Path(name).with_suffix(".ldb").name
        if any(entry.name.lower() == lock.lower() for entry in session.entries(layout.incoming)):
            # The chain judges a file by what lies beside it: SOFIA's lock tells that the copy may be incomplete.
            landing.with_suffix(".ldb").touch()
        return self._received(work, Picked(name, landing, landing.stat().st_size, sha256, shelved))

    def _take_attached(self, work: Work, attached: Mapping[str, Any]) -> Picked:
        source = Path(attached["path"])
        if not source.is_file():
            raise StepFailed(
                "FILE_GONE", say("pickup.attached_gone", name=attached["name"]), say("pickup.attached_gone_advice")
            )
        landing = self._files.received(work.view.key, attached["sha256"]) / attached["name"]
        landing.parent.mkdir(parents=True, exist_ok=True)
        if source != landing:
            shutil.copyfile(source, landing)
        return self._received(work, Picked(attached["name"], landing, attached["size"], attached["sha256"]))

    def _received(self, work: Work, picked: Picked) -> Picked:
        self._registry.receive(
            work.view.id,
            name=picked.name,
            arrival=picked.shelved,
            sha256=picked.sha256,
            size=picked.size,
            path=str(picked.path),
        )
        return picked


def _deposit_memory(work: Work) -> Mapping[str, Any]:
    for step in work.view.steps:
        if step.definition.kind == "deposit":
            return work.memories[step.id]
    return {}
