"""The whole application with the sandbox's Slack on the other side; its jobs are run by the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from forms_house import FormsHouse, forms_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[FormsHouse]:
    with forms_house(tmp_path) as built:
        yield built
