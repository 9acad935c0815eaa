"""The packs that onboardings began with, in the database: a machine that has no copy of one makes it from there."""

import io
import zipfile
from pathlib import Path

from sqlmodel import Session, col, select

from bot.onboarding.models import KeptPack
from bot.onboarding.store import Store, insert_once
from checklists.model import Pack

# A ZIP archive's first possible moment: the same files give the same bytes.
NO_MOMENT = (1980, 1, 1, 0, 0, 0)


class PackArchive:
    """The table of kept packs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, session: Session, pack: Pack) -> None:
        """Keep a pack's files in the session's own transaction. A pack that is kept stays as it is."""
        known = session.exec(select(KeptPack.digest).where(col(KeptPack.digest) == pack.digest)).first()
        if known is None:
            insert_once(session, KeptPack, digest=pack.digest, pack=pack.id, content=_packed(pack.path))

    def restore(self, digest: str, folder: Path) -> bool:
        """Write a kept pack's files into a new folder; False when it is not kept."""
        with self._store.reading() as session:
            kept = session.get(KeptPack, digest)
            if kept is None:
                return False
            content = kept.content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # The library leaves out what would lead out of the folder.
            archive.extractall(folder)
        return True


def _packed(folder: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), NO_MOMENT)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, file.read_bytes())
    return content.getvalue()
