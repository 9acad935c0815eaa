"""The client whose file is checked: its root, its partner, its tax numbers and the references already known.

In an onboarding the bot knows these; for ``check`` they come from client.yaml.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Self, cast, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import ClientFileError

ReferenceKind = Literal["line", "account", "cost_center"]
REFERENCE_KINDS: tuple[ReferenceKind, ...] = get_args(ReferenceKind)


def normalised_tax_id(text: str) -> str:
    """Return a Spanish tax number as it is compared: capitals, without ES in front, spaces, hyphens and dots."""
    compact = re.sub(r"[\s.\-]", "", text).upper()
    return compact[2:] if compact.startswith("ES") and len(compact) > 9 else compact


@dataclass(frozen=True)
class Inventory:
    """The references that a root already knows: for each kind, the reference and its label."""

    references: Mapping[ReferenceKind, Mapping[str, str]] = field(default_factory=dict)

    def knows(self, kind: ReferenceKind, ref: str) -> bool:
        """Tell whether the reference is in the inventory."""
        return ref in self.references.get(kind, {})

    def refs(self, kind: ReferenceKind) -> Mapping[str, str]:
        """All references of a kind with their labels."""
        return self.references.get(kind, {})

    @classmethod
    def of(cls, rows: Iterable[tuple[str, ReferenceKind, str]]) -> Self:
        """Build an inventory from (ref, kind, label)."""
        references: dict[ReferenceKind, dict[str, str]] = {kind: {} for kind in REFERENCE_KINDS}
        for ref, kind, label in rows:
            references[kind][ref] = label
        return cls(references)

    @classmethod
    def from_csv(cls, path: Path) -> Self:
        """Read ``ref,kind,label`` (UTF-8, with or without BOM). Raises ClientFileError with the line at fault."""
        rows: list[tuple[str, ReferenceKind, str]] = []
        try:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                reader = csv.DictReader(lines)
                if reader.fieldnames is None or not {"ref", "kind", "label"} <= set(reader.fieldnames):
                    raise ClientFileError(f"{path.name}: the first line must name the columns ref,kind,label")
                for row in reader:
                    ref, kind = (row["ref"] or "").strip(), (row["kind"] or "").strip()
                    if not ref or kind not in REFERENCE_KINDS:
                        raise ClientFileError(
                            f"{path.name}, line {reader.line_num}: a ref and one of the kinds "
                            f"{', '.join(REFERENCE_KINDS)} are needed, found {ref!r} and {kind!r}"
                        )
                    rows.append((ref, cast(ReferenceKind, kind), row["label"] or ""))
        except OSError as error:
            raise ClientFileError(f"the inventory {path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ClientFileError(f"the inventory {path.name} is not UTF-8 (byte {error.start})") from error
        return cls.of(rows)


@dataclass(frozen=True)
class Client:
    """A client root of a partner. ``expected_period`` is YYYYMM; without an inventory no reference is called new."""

    root: str
    partner: str
    tax_ids: tuple[str, ...]
    inventory: Inventory | None = None
    expected_period: str | None = None

    @property
    def compared_tax_ids(self) -> frozenset[str]:
        """The tax numbers as they are compared."""
        return frozenset(normalised_tax_id(tax_id) for tax_id in self.tax_ids)


class ClientFile(BaseModel):
    """client.yaml as it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: str = Field(pattern=r"^[A-Za-z0-9_-]{2,60}$")
    partner: str = Field(pattern=r"^[A-Z0-9][A-Z0-9_-]{1,29}$")
    tax_ids: tuple[str, ...] = ()
    inventory: Path | None = None
    expected_period: Annotated[str, Field(pattern=r"^\d{4}(0[1-9]|1[0-2])$", coerce_numbers_to_str=True)] | None = None


def load_client(path: Path) -> Client:
    """Read client.yaml; the inventory's path is relative to it. Raises ClientFileError, in words."""
    try:
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ClientFileError(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ClientFileError(f"{path} is not valid YAML: {error}") from error
    try:
        client = ClientFile.model_validate(written)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, at['loc'])) or 'file'}: {at['msg']}" for at in error.errors())
        raise ClientFileError(f"{path}: {problems}") from error
    inventory = Inventory.from_csv(path.parent / client.inventory) if client.inventory else None
    return Client(client.root, client.partner, client.tax_ids, inventory, client.expected_period)
