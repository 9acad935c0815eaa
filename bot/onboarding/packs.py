"""The operator packs that are installed, and the copies that running onboardings began with."""

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

import structlog
from pydantic import BaseModel
from sqlmodel import Session

from bot.locales import say
from bot.onboarding.errors import PackGone, SettingsError, Unknown
from bot.onboarding.pack_archive import PackArchive
from checklists.loader import PackErrors, builtin_packs, find_packs, load_pack
from checklists.model import Pack

log = structlog.stdlib.get_logger()

Signature = tuple[tuple[str, int, int], ...]


class Packs:
    """Packs by id. A started onboarding keeps its pack: a copy by digest under ``shelf``, whatever changes later.

    ``archive`` keeps it in the database too, from which a shelf is filled that has no copy: another machine's.
    """

    def __init__(
        self,
        directories: Sequence[Path],
        shelf: Path,
        kinds: Mapping[str, type[BaseModel]],
        *,
        builtin: bool = True,
        archive: PackArchive | None = None,
    ) -> None:
        self._archive = archive
        self._directories = [*([builtin_packs()] if builtin else []), *directories]
        self._shelf = shelf
        self._kinds = kinds
        self._loaded: dict[Path, tuple[Signature, Pack]] = {}
        self._by_digest: dict[str, Pack] = {}
        self._lock = Lock()

    def warm(self) -> None:
        """Load every installed pack, so that no click waits for it. Raises SettingsError for one with errors."""
        for directory in self._missing():
            log.error(
                "packs_dir_gone", directory=str(directory), so="nothing of it can be started; the open ones go on"
            )
        for pack_id in self.ids():
            self.get(pack_id)

    def ids(self) -> list[str]:
        """Return the ids of all installed packs, sorted."""
        return sorted(self._found())

    def get(self, pack_id: str) -> Pack:
        """Load an installed pack as it is now. Raises Unknown, or SettingsError for a pack with errors."""
        found = self._found()
        if pack_id not in found:
            raise Unknown(say("refused.no_pack", pack=pack_id, packs=", ".join(sorted(found))))
        return self._load(found[pack_id])

    def keep(self, pack: Pack) -> None:
        """Put a copy of a pack on the shelf, for the onboardings that begin with it."""
        place = self._place(pack.id, pack.digest)
        if not place.exists():
            self._put(place, lambda aside: bool(shutil.copytree(pack.path, aside / pack.id)))

    def archive(self, session: Session, pack: Pack) -> None:
        """Keep a pack in the database, in the transaction of the onboarding that begins with it."""
        if self._archive is not None:
            self._archive.add(session, pack)

    def kept(self, pack_id: str, digest: str) -> Pack:
        """Return the pack that an onboarding began with. Raises PackGone when its copy has vanished or is damaged."""
        known = self._by_digest.get(digest)
        if known is not None:
            return known
        place = self._place(pack_id, digest)
        pack = self._on_shelf(place / pack_id, digest)
        if pack is None and self._restore(place, pack_id, digest):
            pack = self._on_shelf(place / pack_id, digest)
        if pack is None:
            raise PackGone(
                f"DATA_DIR: the copy of the pack {pack_id} that open onboardings began with is gone or was changed "
                f"({place / pack_id}), and the database has none. Restore it from the backup; what was begun must end "
                "by the same rules."
            )
        return pack

    def _missing(self) -> list[Path]:
        return [directory for directory in self._directories if not directory.is_dir()]

    def _on_shelf(self, path: Path, digest: str) -> Pack | None:
        """Return a copy on the shelf; None where it is gone, damaged, or no longer what it was."""
        if not path.is_dir():
            return None
        try:
            pack = self._load(path)
        except SettingsError as damaged:
            log.warning("kept_pack_damaged", pack=path.name, reason=str(damaged))
            return None
        return pack if pack.digest == digest else None

    def _restore(self, place: Path, pack_id: str, digest: str) -> bool:
        """Make a copy on the shelf anew from the database; tell whether it has one."""
        archive = self._archive
        if archive is None:
            return False

        def fill(aside: Path) -> bool:
            if not archive.restore(digest, aside / pack_id):
                return False
            # What is there is damaged, and goes only now that there is something better.
            shutil.rmtree(place, ignore_errors=True)
            return True

        return self._put(place, fill)

    @staticmethod
    def _put(place: Path, fill: Callable[[Path], bool]) -> bool:
        """Fill a place of the shelf, all at once; tell whether there was something to fill it with."""
        aside = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
        aside.mkdir(parents=True)
        try:
            if not fill(aside):
                return False
            with suppress(OSError):
                # Another process was faster; its copy has the same digest.
                aside.rename(place)
            return True
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _found(self) -> Mapping[str, Path]:
        """Find what is installed. A folder of packs that is gone has none: what began with its packs has their copies.

        Raises SettingsError for one id in two places.
        """
        gone = self._missing()
        try:
            return find_packs([directory for directory in self._directories if directory not in gone])
        except PackErrors as wrong:
            raise SettingsError(f"PACKS_DIR: {wrong}") from wrong

    def _load(self, path: Path) -> Pack:
        """Load a pack, or return it as it was loaded before while none of its files has changed."""
        signature = _signature(path)
        with self._lock:
            loaded = self._loaded.get(path)
            if loaded is not None and loaded[0] == signature:
                return loaded[1]
            try:
                pack = load_pack(path, self._kinds)
            except PackErrors as wrong:
                raise SettingsError(f"The pack {path.name} has errors:\n{wrong}") from wrong
            self._loaded[path] = (signature, pack)
            self._by_digest[pack.digest] = pack
            return pack

    def _place(self, pack_id: str, digest: str) -> Path:
        return self._shelf / f"{pack_id}-{digest[:16]}"


def _signature(path: Path) -> Signature:
    """Return what changes when a file of the folder does: names, sizes and times."""
    return tuple(
        (str(file.relative_to(path)), file.stat().st_size, file.stat().st_mtime_ns)
        for file in sorted(path.rglob("*"))
        if file.is_file()
    )
