"""The files that a partner delivered in one onboarding, in the order in which they came."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from bot.onboarding.asking import find
from bot.onboarding.models import SourceFile
from bot.onboarding.store import Store


@dataclass(frozen=True)
class ReceivedFile:
    """One file. ``state``: received, the shelf that it was moved to (archive, error, quarantine), or integrated."""

    name: str
    size: int
    sha256: str
    state: str
    received_at: datetime


def received_files(store: Store, key: str) -> list[ReceivedFile]:
    """Return an onboarding's files. Raises Unknown."""
    with store.reading() as session:
        of_it = select(SourceFile).where(SourceFile.onboarding_id == find(session, key).id)
        return [
            ReceivedFile(row.name, row.size, row.sha256, row.state, row.received_at)
            for row in session.exec(of_it.order_by(col(SourceFile.id)))
        ]
