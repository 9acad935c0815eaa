"""A Jira of either kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jira_house import House


@pytest.fixture(params=["Server", "Cloud"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """Data Center, then Cloud."""
    built = House(tmp_path, request.param)
    yield built
    built.close()


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path, "Cloud")
    yield built
    built.close()
