"""The core's house, fresh for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from core_house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path)
    yield built
    built.store.close()
