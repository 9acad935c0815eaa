"""The house of the chain's steps, fresh for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chain_house import SAMPLES, ChainHouse


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ChainHouse]:
    built = ChainHouse(tmp_path, inventory=SAMPLES / "acme_inventory.csv")
    yield built
    built.store.close()
