"""The files that are measured: small and medium come with the repository, the large one is used where it is found."""

import os
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipeline.mdb import open_database

from .measure import MIB

CHECKOUT = Path(__file__).parents[2]
DATA = CHECKOUT / "tests" / "data" / "telefonica_es"
SMALL = DATA / "202610_ACME-IBERICA_SOFIA.mdb"
MEDIUM = DATA / "medium" / "202610_GRUPO-MERIDIANO_SOFIA.mdb.zst"
LARGE_VARIABLE = "BENCH_LARGE"
LARGE_BESIDE = "../shared/data/telefonica_es/large"


@dataclass(frozen=True)
class MeasuredFile:
    """A database, unpacked. ``client`` is the file of the client whose month it is, where there is one."""

    path: Path
    tables: tuple[str, ...]
    rows: int
    client: Path | None

    @property
    def described(self) -> str:
        """Name, size and rows, in words."""
        return f"{self.path.name}, {self.path.stat().st_size / MIB:,.1f} MiB, {self.rows:,} rows"


def find_large(named: Path | None) -> Path | None:
    """Return the large file: the one that was named, else the variable's, else one beside the checkout.

    Raises FileNotFoundError when the one that was named is not there.
    """
    named = named or (Path(os.environ[LARGE_VARIABLE]) if os.environ.get(LARGE_VARIABLE) else None)
    if named is None:
        return next(iter(sorted((CHECKOUT / LARGE_BESIDE).glob("*.mdb.zst"))), None)
    if not named.is_file():
        raise FileNotFoundError(named)
    return named


def unpacked(file: Path, scratch: Path) -> MeasuredFile:
    """Return a file as it is measured, taken out of its .zst into ``scratch`` where it is in one."""
    path = file
    if file.suffix == ".zst":
        path = scratch / file.stem
        with pa.OSFile(str(file)) as packed, pa.CompressedInputStream(packed, "zstd") as content, path.open("wb") as to:
            while block := content.read(MIB):
                to.write(block)
    with open_database(path) as database:
        tables = tuple(database.tables)
        rows = sum(definition.declared_rows for definition in database.tables.values())
    return MeasuredFile(path, tables, rows, _client_of(file))


def _client_of(file: Path) -> Path | None:
    """Return ``clients/<ROOT>.yaml`` of the folder that holds the file's own; the root is in the file's name."""
    parts = file.name.split("_")
    folders = (file.parent / "clients", file.parent.parent / "clients")
    places = [folder / f"{parts[1]}.yaml" for folder in folders] if len(parts) > 1 else []
    return next((place for place in places if place.is_file()), None)
