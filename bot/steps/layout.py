"""Where an activation's directories and files are on the partners' server, and on the bot's own disk.

Design, "The directory, and proving it": accounts and the partner's folder are the administrator's, what is below it
is the bot's. An activation works in ``test``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.onboarding.view import OnboardingView

# Modes below the partner's folder; setgid makes what is created there belong to the partner's group.
INCOMING_MODE = 0o2770
OUTGOING_MODE = 0o2750
PASSAGE_MODE = 0o2750
PRIVATE_MODE = 0o700
DELIVERED_MODE = 0o640
SETGID = 0o2000

STAGES = ("test", "prod")
CONNECTION_TEST = "connection-test.txt"

Shelf = Literal["archive", "error", "quarantine"]
SHELVES: tuple[Shelf, ...] = ("archive", "error", "quarantine")


@dataclass(frozen=True)
class Layout:
    """The paths of one onboarding. ``root`` is the setting TRANSFER__ROOT."""

    root: str
    partner: str
    operator_code: str
    client_root: str
    key: str

    @classmethod
    def of(cls, view: OnboardingView, root: str) -> "Layout":
        """Return the layout of an onboarding."""
        return cls(root.rstrip("/"), view.partner, view.pack.operator_code, view.root, view.key)

    @property
    def partner_folder(self) -> str:
        """The folder that the administrator makes."""
        return f"{self.root}/{self.partner}"

    @property
    def relative(self) -> str:
        """The activation's folder below the partner's."""
        return f"test/{self.operator_code}/{self.client_root}"

    @property
    def incoming(self) -> str:
        """Where the partner drops files."""
        return f"{self.partner_folder}/{self.relative}/in"

    @property
    def outgoing(self) -> str:
        """Where the partner finds the OFC."""
        return f"{self.partner_folder}/{self.relative}/out"

    def directories(self) -> list[tuple[str, int]]:
        """Return every directory to be made, the upper ones first, with its mode."""
        found: list[tuple[str, int]] = []
        for stage in STAGES:
            base = f"{self.partner_folder}/{stage}"
            operator = f"{base}/{self.operator_code}"
            client = f"{operator}/{self.client_root}"
            found += [(base, PASSAGE_MODE), (operator, PASSAGE_MODE), (client, PASSAGE_MODE)]
            found += [(f"{client}/in", INCOMING_MODE), (f"{client}/out", OUTGOING_MODE)]
        return found

    def private_directories(self) -> list[tuple[str, int]]:
        """Return the bot's own directories for files that it has picked up, the upper ones first."""
        base = f"{self.root}/.onboarding"
        found = [(base, PRIVATE_MODE)]
        for shelf in SHELVES:
            found += [(f"{base}/{shelf}", PRIVATE_MODE), (self.shelf(shelf), PRIVATE_MODE)]
        return found

    def shelf(self, shelf: Shelf) -> str:
        """Return where picked-up files of this onboarding are kept, out of the partner's reach."""
        return f"{self.root}/.onboarding/{shelf}/{self.key}"


@dataclass(frozen=True)
class LocalFiles:
    """The bot's own disk: copies of received files, the clients' roots. ``base`` is the setting DATA_DIR."""

    base: Path

    def received(self, key: str, sha256: str) -> Path:
        """Return the folder for one received file."""
        return self.base / "files" / key / sha256[:16]

    def client_root(self, operator_code: str, root: str) -> Path:
        """Return the client's root ("racine"), where Output and Parquet are integrated."""
        return self.base / "roots" / root.upper() / operator_code

    def attached(self, key: str) -> Path:
        """Return the folder for files that were handed over by a person."""
        return self.base / "attached" / key

    def proofs(self, key: str) -> Path:
        """Return the folder for what people proved, by name and checksum."""
        return self.base / "proofs" / key

    def passing(self, key: str, seq: int) -> Path:
        """Return the folder for a file that was dropped, while it is being looked at."""
        return self.base / "passing" / key / str(seq)
